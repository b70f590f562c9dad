"""The library's error messages in Chinese, where the command line shows them.

The library says its errors in English. Here each message is matched with the texts it can be made of. Their blanks are
written {}, or {#} for a number; what a blank holds is put in where the Chinese has {0}, {1}, ..., and is itself
translated where it is such a text.
A message is first looked up as a whole, then in its clauses. What has no entry stays English: nothing but what is shown
depends on this table. A test holds it against the texts in the code.
"""

from __future__ import annotations

import functools
import re

from .chinese_errors_fits import FITS

_KNOWN = {
    # checkpoints
    "there is no checkpoint in {}; {} begins one": "{0} 中没有检查点；用 {1} 可以新建",
    "{} holds one already": "{0} 中已有检查点",
    "{} goes on with it, and another directory begins another": "用 {0} 可以继续；要新建请换一个目录",
    "the checkpoint in {} is of another fit": "{0} 中的检查点属于另一次拟合",
    "{} was {} and is {}": "{0} 原为 {1}，现为 {2}",
    "give the same arguments, or begin another fit elsewhere": "请给出相同的参数，或在别处新建",
    "another fit is writing to {}; wait for its end, or give another name": (
        "另一次拟合正在写入 {0}；请等它结束，或换一个目录"
    ),
    "the data are not those of the checkpoint": "数据与检查点的不同",
    "the table has changed": "表格已改变",
    "the function gives other values than it did": "函数给出的值与当时不同",
    "fit again": "请重新拟合",
    "is damaged, or of something else": "已损坏，或不是检查点",
    # the playground
    "the body must be one JSON object": "请求内容应为一个 JSON 对象",
    "{} must be a number from {#} to {#}, not {}": "{0} 应为 {1} 到 {2} 之间的数，而不是 {3}",
    "{} must be a whole number, not {#}": "{0} 应为整数，而不是 {1}",
    "{} must be true or false, not {}": "{0} 应为 true 或 false，而不是 {1}",
    "{} must be a text": "{0} 应为文本",
    "{} has {#} characters; at most {#} are read": "{0} 有 {1} 个字符；最多读入 {2} 个",
    "one or two variables can be drawn here, and this has {}; write sin(x)": (
        "这里可以画一个或两个变量的函数，而它的变量是 {0}；请写例如 sin(x)"
    ),
    "domain of {} must be two numbers": "{0} 的范围应为两个数",
    "domain of {} must go from a smaller to a larger finite number": "{0} 的范围应从较小的数到较大的数，且都是有限的",
    "from {#} to {#} rows are needed": "需要 {0} 到 {1} 行",
    "one or two columns of inputs and one of values can be drawn here": "这里可以画一列或两列输入和一列取值",
    "each value must be a finite number": "每个值都应为有限的数",
    "each width must be a whole number from 1 to {#}": "每层的单元数应为 1 到 {0} 的整数",
    "construct makes networks of a formula of one variable": "construct 只为一个变量的公式构造网络",
    "{} makes networks of one hidden layer; take the others away": "{0} 只做一个隐藏层的网络；请去掉其他层",
    "{} solves for a last layer that has one; switch it on, or choose lm or adam": (
        "{0} 求解的最后一层带有偏置；请打开偏置，或选择 lm 或 adam"
    ),
    "the network has {#} parameters; with {} at most {#} are trained here": (
        "网络有 {0} 个参数；这里用 {1} 最多训练 {2} 个"
    ),
    "this training would take many minutes; give fewer epochs, points or units": (
        "这次训练需要很多分钟；请减少轮数、样本数或单元数"
    ),
    "{#} networks are learning already; stop one of them": "已有 {0} 个网络在学习；请先停止一个",
    "that network is not here any more; train it again": "那个网络已不在这里；请重新训练",
    "a proof is being made already; wait for it": "正在做一个证明；请等它结束",
    "many pictures are being drawn already; try again in a moment": "正在画的图片已经很多；请稍后再试",
    "this could not be trained ({})": "无法训练（{0}）",
    # formulas
    "this cannot be part of a formula": "这不能作为公式的一部分",
    "this cannot be read as a formula": "这无法读作公式",
    "this sum or product has too many terms to be read here": "这里的和或积项数太多，无法读入",
    "{} is not a finite number": "{0} 不是有限的数",
    (
        "{} cannot name a variable: it must be one word of letters, digits and _ that does not start with a digit, "
        "and none of if, else, and, or, not"
    ): ("{0} 不能用作变量名：应为由字母、数字和 _ 组成的一个词，不以数字开头，也不是 if、else、and、or、not"),
    "variables: {} comes twice": "变量 {0} 出现了两次",
    "{} takes {}, {} came": "{0} 需要{1}，实际给出 {2} 个",
    "{} takes {}, none came": "{0} 需要{1}，却一个也没有给出",
    "{#} argument": "{0} 个参数",
    "{#} arguments": "{0} 个参数",
    "{#} or more arguments": "至少 {0} 个参数",
    "{#} or {#} arguments": "{0} 或 {1} 个参数",
    "formula {} of {}": "第 {0} 个公式（共 {1} 个）",
    (
        "target: a {} of symbols; make a function of it, sympy.lambdify(symbols, expression), which is fitted as any "
        "other"
    ): "target：{0} 是符号表达式；请用 sympy.lambdify(symbols, expression) 把它变成函数，再像其他函数一样拟合",
    "target: {} files, and one is read; join them, with pandas.concat, or give a folder of Parquet files": (
        "target：有 {0} 个文件，而只读取一个；请用 pandas.concat 把它们合并，或给出装有 Parquet 文件的目录"
    ),
    "DataFrame: one column, {}, and the index {}, which is no column; give frame.reset_index()": (
        "DataFrame：只有一列 {0}，而索引 {1} 不是列；请给出 frame.reset_index()"
    ),
    "{}: holds no table; its data are no rows such as {'x': 1, 'y': 2}": (
        "{0}：其中没有表格；其 data 不是 {{'x': 1, 'y': 2}} 这样的行"
    ),
    "a formula is a text such as 'sin(x)', got {}": "公式应为文本，例如 'sin(x)'，实际为 {0}",
    "a condition is needed here, such as {} > 0; this is a number": "这里需要条件，例如 {0} > 0；这是一个数",
    "the exponent is larger than {}": "指数大于 {0}",
    "{} divides by zero": "{0} 以零为除数",
    "{} is not a real number": "{0} 不是实数",
    "{} is infinite, or larger than the largest number (about 1.8e308)": "{0} 为无穷大，或超过最大的数（约 1.8e308）",
    "the formula has {} characters; at most {} are read": "公式有 {0} 个字符；最多读入 {1} 个",
    "the formula has more than {} numbers, names and signs": "公式中的数、名称和符号超过 {0} 个",
    "the formula is empty; write for example sin(x) + 1": "公式为空；请写例如 sin(x) + 1",
    "the formula is nested more than {} deep here": "公式在此处嵌套超过 {0} 层",
    "this {} has {} characters; at most {} are read": "这个{0}有 {1} 个字符；最多读入 {2} 个",
    "name": "名称",
    "number": "数",
    "this number is too large; the largest is about 1.8e308": "这个数太大；最大约为 1.8e308",
    "an operator is missing between '{}' and '{}'": "'{0}' 与 '{1}' 之间缺少运算符",
    "an operator is missing before '{}'": "'{0}' 之前缺少运算符",
    "something is missing between '{}' and '{}'": "'{0}' 与 '{1}' 之间缺少内容",
    "something is missing before '{}'": "'{0}' 之前缺少内容",
    "something is missing after '{}'": "'{0}' 之后缺少内容",
    "a power is written ** or ^, without a space inside": "乘方写作 ** 或 ^，中间没有空格",
    "'=' does not compare; '==' does": "'=' 不表示比较；比较用 '=='",
    "this is written '{}='": "应写作 '{0}='",
    "only the right-hand side of an equation is written (and '==' compares)": "只写等式的右边（比较用 '=='）",
    "a comma separates the arguments of a function; several outputs are separated by ';'": (
        "逗号用来分隔函数的参数；多个输出之间用 ';' 分隔"
    ),
    "the decimal mark is a point": "小数点写作 '.'",
    "there is no function '{}'": "没有函数 '{0}'",
    "a choice is written 'a if condition else b', or where(condition, a, b)": (
        "条件选择写作 'a if condition else b'，或 where(condition, a, b)"
    ),
    "the whole part of a number is trunc": "数的整数部分是 trunc",
    "the rest of a division is written %": "除法的余数写作 %",
    "sums, integrals and derivatives are for a Python function, which may be fitted as well": (
        "求和、积分与导数请写成 Python 函数，它同样可以拟合"
    ),
    "a Python function may be fitted as well, and use it of scipy.special": (
        "也可以拟合 Python 函数，其中可用 scipy.special 的同名函数"
    ),
    "the factorial of n is gamma(n + 1)": "n 的阶乘是 gamma(n + 1)",
    "angles are in radians; x degrees are x*pi/180": "角度用弧度；x 度是 x*pi/180",
    "angles are in radians": "角度用弧度",
    "x degrees are x*pi/180": "x 度是 x*pi/180",
    "unknown name '{}'": "未知的名称 '{0}'",
    "the variable is {}": "变量是 {0}",
    "the variables are {}": "变量有 {0}",
    "no variables are declared": "没有声明变量",
    "functions are written without '{}'": "写函数时不加 '{0}'",
    "'{}' is a function and needs its argument in brackets: {}": "'{0}' 是函数，参数要写在括号里：{1}",
    "'{}' is a function: write {}(...), or declare a variable of that name": (
        "'{0}' 是函数：请写 {1}(...)，或声明同名的变量"
    ),
    "'{}' is a variable here, not the function; name one of them otherwise, or write {}*(...) for a product": (
        "'{0}' 在这里是变量，不是函数；请给其中之一改名，乘积请写 {1}*(...)"
    ),
    "'{}' is not a number that a formula can hold": "'{0}' 不是公式中可以出现的数",
    "'{}' is a word of Python that formulas do not use": "'{0}' 是 Python 的词，公式中不用",
    "this bracket closes nothing": "这个右括号没有对应的左括号",
    "this bracket is never closed": "这个括号没有闭合",
    "there is nothing between these brackets": "这对括号里没有内容",
    "'//' is written floor(a/b)": "'//' 应写作 floor(a/b)",
    "two numbers stand side by side": "两个数并排，中间没有运算符",
    "the digits of a number are not grouped": "数的各位之间不加分隔",
    "'not' after '{}' needs brackets: (not ...)": "'{0}' 之后的 'not' 需要括号：(not ...)",
    "a choice inside a choice needs brackets around it": "条件式中的条件式要加括号",
    "this 'else' has no 'if'": "这个 'else' 没有对应的 'if'",
    "this 'if' has no 'else': a formula needs a value in both cases": "这个 'if' 没有 'else'：两种情形下公式都要有值",
    "'{}' has no meaning in a formula": "'{0}' 在公式中没有意义",
    "'{}' has no meaning in a formula: {}": "'{0}' 在公式中没有意义：{1}",
    "one formula was expected; ';' separates several outputs": "这里只需要一个公式；';' 用来分隔多个输出",
    "there is no '!'; the factorial of n is gamma(n + 1)": "没有 '!'；n 的阶乘是 gamma(n + 1)",
    "conditions are joined with 'and'": "条件之间用 'and' 连接",
    "the absolute value is abs(...), and conditions are joined with 'or'": (
        "绝对值写作 abs(...)，条件之间用 'or' 连接"
    ),
    "the opposite of a condition is 'not (...)'": "条件的否定写作 'not (...)'",
    "a dot belongs inside a number, as in 0.5": "点只出现在数里，如 0.5",
    "only round brackets group": "分组只用圆括号",
    "a formula holds no text": "公式中没有文本",
    "write a choice as 'a if condition else b'": "条件式写作 'a if 条件 else b'",
    "LaTeX is not read; write sin(x), sqrt(x), a/b": "不读 LaTeX；请写 sin(x)、sqrt(x)、a/b",
    "did you mean: {}": "您是否想写：{0}",
    "did you mean {}?": "您是否想写 {0}？",
    "did you mean {}? choose one of {}": "您是否想写 {0}？可选的有 {1}",
    "choose one of {}": "可选的有 {0}",
    (
        "the program {}uses the primitive {}, which a formula cannot say: only arithmetic on each element can be "
        "written"
    ): ("程序 {0}用到基本运算 {1}，公式无法表达：只能写逐元素的算术"),
    # the domain
    "the interval of {} is reversed: {} to {}; write low first": "{0} 的区间颠倒了：{1} 到 {2}；请先写下限",
    "the interval of {} has no width: both ends are {}; need low < high": (
        "{0} 的区间没有宽度：两端都是 {1}；下限应小于上限"
    ),
    "the interval of {} is wider than a float64 can hold: {} to {}": "{0} 的区间超出 float64 的范围：{1} 到 {2}",
    "the {} is missing": "缺少{0}",
    "the {} is {}; both ends must be finite": "{0}为 {1}；两端都应是有限的数",
    "low end of {}": "{0} 的下限",
    "high end of {}": "{0} 的上限",
    "cannot read the {}, {}, as a number: {}": "{0} {1} 无法读作数：{2}",
    "the {} must be a finite number or a text, got {}": "{0}应为有限的数或文本，实际为 {1}",
    "cannot read {}; expected {}": "无法读入 {0}；应为 {1}",
    "cannot read {} as the interval of {}; expected LOW:HIGH or LOW:HIGH:log": (
        "无法把 {0} 读作 {1} 的区间；应为 下限:上限 或 下限:上限:log"
    ),
    "cannot read {} as the interval of {}; expected LOW:HIGH or LOW:HIGH:log; did you mean {}?": (
        "无法把 {0} 读作 {1} 的区间；应为 下限:上限 或 下限:上限:log；您是否想写 {2}？"
    ),
    "{} is logarithmic, so its ends must be above 0: {} to {}; leave 'log' out": (
        "{0} 取对数，两端必须大于 0：{1} 到 {2}；请去掉 'log'"
    ),
    "{} intervals for {} variables ({})": "{0} 个区间对应 {1} 个变量（{2}）",
    "the variable {} is given {} times": "变量 {0} 给出了 {1} 次",
    "the domain has no variable {}; it has {}": "范围中没有变量 {0}；有 {1}",
    "no variables; give at least one, such as {}": "没有变量；请至少给出一个，例如 {0}",
    "the target is not finite at {} of {} sampled points: {}. Shrink the domain, or leave such points out with {}": (
        "目标函数在 {1} 个取样点中的 {0} 个处不是有限的数：{2}。请缩小范围，或用 {3} 去掉这些点"
    ),
    "the target is not finite at any of the {} sampled points: {}. Check the formula and the domain": (
        "目标函数在全部 {0} 个取样点处都不是有限的数：{1}。请检查公式和范围"
    ),
    "the target must give one value or one row per point: points {}, values {}": (
        "目标函数对每个点应给出一个值或一行：点 {0}，值 {1}"
    ),
    "{} gives {}": "{0} 处为 {1}",
    "and {} more": "另有 {0} 个",
    "the target is as large as {}, and its squares overflow; fit it in larger units": (
        "目标值大到 {0}，其平方会溢出；请换用更大的单位"
    ),
    # functions and their evaluation
    "the function {} could not be evaluated at {}: {}": "函数 {0} 在 {1} 处无法求值：{2}",
    "none of the first {} evaluations gave a value; the first, at {}. Correct the function, or shrink the domain": (
        "前 {0} 次求值都没有得到数值；第一次在 {1}。请改正函数，或缩小范围"
    ),
    "none of {} evaluations gave a value, so that nothing can be fitted; the first: {}": (
        "{0} 次求值都没有得到数值，无法拟合；第一次：{1}"
    ),
    "no evaluation has ended yet, so that nothing can be fitted; give more time, or tell what was measured": (
        "还没有一次求值结束，无法拟合；请给更多时间，或告知测得的值"
    ),
    "it is empty; give a program, such as './sim {}'": "为空；请给出程序，例如 './sim {0}'",
    "{} is for a shell, and none sees the command; put it into a script, and give that": (
        "{0} 要由 shell 解释，而命令不经过 shell；请写成脚本再给出"
    ),
    "{} is no input; they are {}": "{0} 不是输入；输入有 {1}",
    "{} does not occur in {}; the program must get each input": "{1} 中没有 {0}；程序必须得到每个输入",
    "there is no program {}; give its path, such as ./sim": "没有程序 {0}；请给出路径，例如 ./sim",
    "cannot run {} ({})": "无法运行 {0}（{1}）",
    "it took longer than {} s": "用时超过 {0} 秒",
    "exit code {}": "退出码 {0}",
    "it printed {} numbers, of which {} are needed": "输出了 {0} 个数，需要其中的 {1}",
    "goes with budget=N, the number of evaluations at most; give both": (
        "与 --budget N（求值次数上限）同用；请两者都给出"
    ),
    # tables: files
    "there is no file {}": "没有文件 {0}",
    "there is no file {}; did you mean {}?": "没有文件 {0}；您是否想写 {1}？",
    "there is no model file {}; did you mean {}?": "没有模型文件 {0}；您是否想写 {1}？",
    "there is no certificate {}": "没有证书 {0}",
    "there is no certificate {}; did you mean {}?": "没有证书 {0}；您是否想写 {1}？",
    "there is no file {}; {}": "没有文件 {0}；{1}",
    "cannot make the directory {} ({})": "无法建立目录 {0}（{1}）",
    "there is no model file {}": "没有模型文件 {0}",
    "{} is for tables; the target is {}": "{0} 用于表格；而目标是{1}",
    "a formula": "公式",
    "{} is a directory": "{0} 是目录",
    "the file is empty": "文件为空",
    "the sheet is empty": "工作表为空",
    "only a header, no rows": "只有表头，没有数据行",
    "holds no text, only blanks or zero bytes; it may be cut off or damaged": (
        "没有文字，只有空白或零字节；文件可能被截断或已损坏"
    ),
    "no columns": "没有列",
    "cannot be read ({})": "无法读入（{0}）",
    "holds {}, which is no array of NumPy; write the file with np.savez": (
        "含有 {0}，不是 NumPy 数组；请用 np.savez 写入该文件"
    ),
    "line {} has {} cells, expected {} ({})": "第 {0} 行有 {1} 个单元格，应为 {2} 个（{3}）",
    "line {} has {} cells ({}), and line {} below it has {}": (
        "第 {0} 行有 {1} 个单元格（{2}），而其下第 {3} 行有 {4} 个"
    ),
    "complete it where it holds names, and begin it with # where it is a title": (
        "若该行是列名，请补全；若是标题，请在行首加 #"
    ),
    "complete or remove it, and begin lines that are no data with #": "请补全或去掉该行，并在不是数据的行前加 #",
    "this row sums up others; remove it, or begin it with #": "这一行是汇总；请去掉，或在行首加 #",
    "remove this row if it holds units, or begin it with #": "若这一行是单位，请去掉，或在行首加 #",
    "this is {}, not a text; give it the ending of its kind": "这是{0}，不是文本；请使用相应的扩展名",
    "an Excel or zip file": "Excel 或 zip 文件",
    "a Parquet file": "Parquet 文件",
    "a NumPy file": "NumPy 文件",
    "a picture": "图片",
    "an HDF5 file": "HDF5 文件",
    "a gzip file": "gzip 文件",
    "an old Excel file": "旧式 Excel 文件",
    "a Feather file": "Feather 文件",
    "a database": "数据库",
    "holds {} files, and one is read; unpack it first": "其中有 {0} 个文件，只读一个；请先解压",
    "not a readable Feather file ({})": "不是可读的 Feather 文件（{0}）",
    "not readable as JSON ({})": "无法读作 JSON（{0}）",
    "line {#} is not JSON ({})": "第 {0} 行不是 JSON（{1}）",
    "row {#} is no list of {#} values, one for each of columns": "第 {0} 行应是 {1} 个值的列表，columns 中每个名称一个",
    "column {} has other row labels than the first": "{0} 列的行标签与第一列不同",
    "give each row in each column": "请让每一列都含有每一行",
    "write {}": "请写 {0}",
    "an address is not fetched": "不会从网络地址下载",
    "download it, and give the file": "请先下载，再给出文件",
    "holds no table; write a list of rows, {}, or columns by name": (
        "其中没有表格；请写成各行的列表 {0}，或按名称给出各列"
    ),
    "read it with {}, and give a dict of its columns": "请用 {0} 读入后给出各列的字典",
    "read it with {}, and give the data set": "请用 {0} 读入后给出数据集",
    "read it with {}, and give the array": "请用 {0} 读入后给出数组",
    "line {} is not {} text (byte {}); name its encoding, such as {} or {}": (
        "第 {0} 行不是 {1} 文本（第 {2} 字节）；请指明编码，例如 {3} 或 {4}"
    ),
    "encoding: {} is unknown; try utf-8, gbk or latin-1": "未知的编码 {0}；请试 utf-8、gbk 或 latin-1",
    "line {} is partly numbers ({}) and partly not ({}); use {} if it holds names, {} if it is data": (
        "第 {0} 行一部分是数（{1}），一部分不是（{2}）；若为列名请用 {3}，若为数据请用 {4}"
    ),
    "line {} is partly texts and partly not; use {} if it holds names, {} if it is data": (
        "第 {0} 行一部分是文本，一部分不是；若为列名请用 {1}，若为数据请用 {2}"
    ),
    "{} holds the years {} to {} above other numbers; use {} if they are names, {} if they are data": (
        "{0}在其他数之上列出年份 {1} 到 {2}；若为列名请用 {3}，若为数据请用 {4}"
    ),
    "the row that starts on line {} cannot be read ({}); check its quotes": (
        "从第 {0} 行开始的一行无法读入（{1}）；请检查引号"
    ),
    "a line is longer than {} MiB; a table has one line for each row": "有一行超过 {0} MiB；表格应每行一条数据",
    "{} names for the {} columns of {} (line {})": "{2}（第 {3} 行）有 {1} 列，却给出 {0} 个名称",
    "{} names for the {} columns of {}": "{2} 有 {1} 列，却给出 {0} 个名称",
    "column {} has no name in the header; give it one (the index that pandas writes is left out by index=False){}": (
        "第 {0} 列在表头中没有名称；请补上（pandas 写出的索引可用 index=False 去掉）{1}"
    ),
    "the name {} stands over columns {}; names must differ{}": "名称 {0} 出现在第 {1} 列；名称不能相同{2}",
    "not a readable Parquet file ({})": "不是可读的 Parquet 文件（{0}）",
    "not a readable Excel file ({})": "不是可读的 Excel 文件（{0}）",
    (
        "not a readable NumPy file of numbers; pickled objects are not loaded, so write it with numpy.savez or "
        "numpy.save from arrays of numbers"
    ): "不是可读的 NumPy 数值文件；不会载入 pickle 对象，请用 numpy.savez 或 numpy.save 从数值数组写出该文件",
    "not a readable NumPy file of numbers ({})": "不是可读的 NumPy 数值文件（{0}）",
    "has several sheets, {}; name one, such as {}": "有多个工作表：{0}；请指明一个，例如 {1}",
    "{} has no sheet {}; it has {}": "{0} 没有工作表 {1}；有 {2}",
    "an Excel file": "Excel 文件",
    "a text file": "文本文件",
    "only {} has such a thing; leave it out": "只有 {0} 才有这一项；请去掉",
    "table: cannot read {}; expected one of {}": "表格：无法读入 {0}；应为以下之一：{1}",
    "unpack it first": "请先解压",
    "save it as .xlsx or CSV": "请存为 .xlsx 或 CSV",
    "read it with pandas, and give the DataFrame": "请用 pandas 读入后给出 DataFrame",
    'Parquet files need pyarrow: pip install "surefit[table]"': (
        '读写 Parquet 文件需要 pyarrow：pip install "surefit[table]"'
    ),
    'Excel files need openpyxl: pip install "surefit[table]"': (
        '读写 Excel 文件需要 openpyxl：pip install "surefit[table]"'
    ),
    "cannot write a table to {}; expected one of {}": "无法把表格写入 {0}；应为以下之一：{1}",
    # tables: columns and cells
    "column {} is {}, and numbers in float64 end at 1.8e308; correct it, or use a larger unit": (
        "{0} 列为 {1}，而 float64 的数到 1.8e308 为止；请改正，或换用更大的单位"
    ),
    "column {} is {}, not a number": "{0} 列为 {1}，不是数",
    "column {} is {}, not a number; {}": "{0} 列为 {1}，不是数；{2}",
    "column {} is {}, not a number; every value must be finite": "{0} 列为 {1}；每个值都应是有限的数",
    "column {} is {}, but the column holds {}; {}": "{0} 列为 {1}，而该列是 {2}；{3}",
    "column {} is missing; fill it in{}": "{0} 列缺失；请补上{1}",
    "column {} is missing ({}); fill it in{}": "{0} 列缺失（{1}）；请补上{2}",
    "column {} is {}; every value must be finite": "{0} 列为 {1}；每个值都应是有限的数",
    "column {} is {}, expected {}": "{0} 列为 {1}，应为 {2}",
    "column {} is {}, which is none of the known {}": "{0} 列为 {1}，不在已知的 {2} 之中",
    "column {} is {}, which is none of the known {}; {} stands for rare ones": (
        "{0} 列为 {1}，不在已知的 {2} 之中；{3} 代表少见的文本"
    ),
    "column {} is {}, no date ({})": "{0} 列为 {1}，不是日期（{2}）",
    "column {} is {}: some have a time zone, some not": "{0} 列为 {1}：有的带时区，有的不带",
    "column {} is {}: there is no such time of day": "{0} 列为 {1}：没有这样的时刻",
    "there is no such time of day": "没有这样的时刻",
    "column {} has {}; when this was fitted it had {}: write both alike": ("{0} 列{1}；拟合时{2}：请写成同样的形式"),
    "no time zone ({})": "不带时区（{0}）",
    "a time zone ({}Z)": "带时区（{0}Z）",
    "one, such as {}Z": "带时区，例如 {0}Z",
    "none, such as {}": "不带时区，例如 {0}",
    "column {}: some times have a time zone, some not; write all alike": (
        "{0} 列：有的时刻带时区，有的不带；请写成同样的形式"
    ),
    "column {} is {}, expected {}, as a number or a date such as {}": ("{0} 列为 {1}，应为{2}，写成数或日期，例如 {3}"),
    "column {} is {}: nothing tells whether day or month comes first; write such dates as 2024-12-31": (
        "{0} 列为 {1}：无法判断日和月的先后；这样的日期请写作 2024-12-31"
    ),
    "line {#}": "第 {0} 行",
    "line {#}, {}": "第 {0} 行，{1}",
    "row {#}, {}": "第 {0} 行，{1}",
    "row {#}": "第 {0} 行",
    "row {#} (first row is 0)": "第 {0} 行（首行为 0）",
    "numbers": "数",
    "texts": "文本",
    "if the comma is a decimal mark, say {}": "若逗号是小数点，请写 {0}",
    "if it separates thousands, remove it": "若是千位分隔符，请去掉",
    "remove the thousands separators": "请去掉千位分隔符",
    "every value must be finite": "每个值都应是有限的数",
    "leave out {}, or put it into the column's name": "请去掉 {0}，或把它写进列名",
    "give a remark a line of its own": "备注请单独成行",
    "correct it": "请改正",
    "correct it, or read other columns with {}": "请改正，或用 {0} 读取其他列",
    "convert the column, or leave it out{}": "请转换该列，或不用它{0}",
    ", or read other columns with {}": "，或用 {0} 读取其他列",
    ", or read others with {}": "，或用 {0} 读取其他列",
    ", or leave such rows out with {}": "，或用 {0} 去掉这样的行",
    "name the inputs with {}": "请用 {0} 指明输入",
    "there is no column {}; it has {}": "没有列 {0}；有 {1}",
    "{} has no column {}; it has {}": "{0} 没有列 {1}；有 {2}",
    "{} holds {}, which is no array of NumPy; write the file with np.savez": (
        "{0} 中的 {1} 不是 NumPy 数组；请用 np.savez 写文件"
    ),
    "holds {}, which is no array of NumPy": "其中的 {0} 不是 NumPy 数组",
    "write the file with np.savez": "请用 np.savez 写文件",
    (
        "{} has no column {}{}, which other files have; add it there, leave the file out, or name the inputs that all "
        "of them have, {}"
    ): "{0} 没有其他文件都有的列 {1}{2}；请补上该列，去掉该文件，或只指明各文件都有的输入：{3}",
    "{} has a column {}, which the first file lacks; add it there, or name the inputs that all of them have, {}": (
        "{0} 有第一个文件没有的列 {1}；请在那里补上，或只指明各文件都有的输入：{2}"
    ),
    "{} has no column {}{}": "{0} 没有列 {1}{2}",
    "the table has no column {}{}": "表格没有列 {0}{1}",
    "{} has no column {}; did you mean {}? it has {}": "{0} 没有列 {1}；您是否想写 {2}？有 {3}",
    "the table has no column {}; did you mean {}? it has {}": "表格没有列 {0}；您是否想写 {1}？有 {2}",
    "column {} is missing; fill it in yourself, medians are for inputs{}": (
        "{0} 列缺失；请自行补上，中位数只用于输入{1}"
    ),
    "column {} is missing ({}); fill it in yourself, medians are for inputs{}": (
        "{0} 列缺失（{1}）；请自行补上，中位数只用于输入{2}"
    ),
    "{} is a text, not a model file; `fit.save` and `surefit fit --out` write such files": (
        "{0} 是文本，不是模型文件；模型文件由 `fit.save` 和 `surefit fit --out` 写出"
    ),
    "{} has {} columns, so none with the number {}": "{0} 有 {1} 列，没有第 {2} 列",
    "names no column": "没有指明任何列",
    "the table has no column {}; it has {}": "表格没有列 {0}；有 {1}",
    "column {} is asked for as an input and as a target": "列 {0} 既作输入又作目标",
    "{} is the target, and no input is left; name the inputs": "{0} 是目标，没有剩下输入；请指明输入",
    "no input columns; all of {} are targets": "没有输入列；{0} 都是目标",
    "columns of different lengths ({}); a table needs as many rows in each": (
        "各列长度不同（{0}）；表格各列的行数应相同"
    ),
    "column {} holds {} different texts in {} rows, too many to be categories, such as {}; leave it out": (
        "列 {0} 的 {2} 行中有 {1} 种不同的文本，例如 {3}，太多而不能作为类别；请不用它"
    ),
    (
        "column {} holds {} different texts in {} rows, none much rarer than others, and {} can be told apart; say "
        "instead what they stand for in numbers (sizes, places), or join them into kinds of which there are fewer, or "
        "leave it out"
    ): (
        "列 {0} 的 {2} 行中有 {1} 种不同的文本，出现次数相近，而最多能区分 {3} 种；请改用它们所代表的数值"
        "（大小、位置），或把它们归并成较少的种类，或不用这一列"
    ),
    (
        "column {} holds times, and a target must be a number; convert it to one, such as seconds since the first, "
        "or name another with {}"
    ): ("列 {0} 是时间，而目标必须是数；请换算成数，例如距第一个时刻的秒数，或用 {1} 指明另一列"),
    "column {} holds complex numbers, of which no part may be dropped; give real and imaginary part as two columns": (
        "列 {0} 是复数，两部分都不能丢；请把实部和虚部分成两列"
    ),
    "column {} holds numbers; when this was fitted it held the texts {}": "列 {0} 是数；拟合时该列是文本 {1}",
    "no rows": "没有数据行",
    "no row without a missing value": "没有一行不缺值",
    "first row is 0": "首行为 0",
    "{} (first row is 0)": "{0}（首行为 0）",
    # tables: splitting and what a function has none of
    "is for the columns of a table, and a function has none; leave it out": "用于表格的列，函数没有列；请去掉",
    "is for the rows of a table; a function is tested on fresh points": "用于表格的行；函数在新的点上检验",
    "{} rows are too few for shares of {}: {}; give more rows, or another, such as {}": (
        "{0} 行太少，分不出 {1} 的份额：{2}；请给出更多的行，或改用例如 {3}"
    ),
    "expected shares of training, validation and test data that sum to 1, such as (0.8, 0.1, 0.1), got {}": (
        "应为训练、验证和测试数据的份额，总和为 1，例如 0.8,0.1,0.1，实际为 {0}"
    ),
    "groups were given as well, and rows are held out by one of the two; leave one out": (
        "同时给出了分组，而留出行只能依其中之一；请去掉一个"
    ),
    "{} is then no input, and no other column is left but the target; add one": (
        "{0} 因此不是输入，除目标外没有剩下其他列；请补充一列"
    ),
    "{} is the target, which its rows do not share; name another column": "{0} 是目标，各行并不共用；请指明另一列",
    "column {} holds texts, which have no order in time; name one of numbers or times": (
        "列 {0} 是文本，没有时间先后；请指明数或时间的列"
    ),
    "texts have no order in time; give numbers, dates or times": "文本没有时间先后；请给出数、日期或时间",
    "names {}, but the table's inputs are {}; name the same, or leave {} out: it is then the range of the rows": (
        "写的是 {0}，而表格的输入是 {1}；请写相同的名称，或去掉 {2}：范围即取各行的范围"
    ),
    "{} is logarithmic, and {} in row {} is not above 0; leave 'log' out, or such rows (first row is 0)": (
        "{0} 取对数，而第 {2} 行的 {1} 不大于 0；请去掉 'log'，或去掉这样的行（首行为 0）"
    ),
    "a table of test rows goes with a table; a function is tested on fresh points": (
        "测试表与表格同用；函数在新的点上检验"
    ),
    "its texts or times became other numbers; give its path or frame, and it is read alike": (
        "其中的文本或时间变成了别的数；请给出文件路径，将以同样方式读入"
    ),
    "no rows to train on": "没有可训练的行",
    "the class of {} is missing{}; fill it in{}": ("{0} 缺少类别{1}；请补上{2}"),
    "classes must be texts, or numbers, or True and False; these are {}": "类别应为文本、数或真假值；这里是 {0}",
    "1 class only, {}; there is nothing to tell apart": "只有一个类别 {0}；没有可以区分的",
    "{} classes in {} rows; these are measured numbers, not classes: leave {} out": (
        "{1} 行中有 {0} 个类别；这是测量值而不是类别：请去掉 task='classify'"
    ),
    "task='classify': a function has no classes; give a table, one column of which holds them": (
        "task='classify'：函数没有类别；请给出有一列为类别的表格"
    ),
    # sampling
    "{} is unknown; choose one of {}": "未知的 {0}；可选的有 {1}",
    "{} takes one number, got {}; grid and chebyshev take one per axis": (
        "{0} 只取一个数，实际为 {1}；grid 和 chebyshev 每个轴取一个"
    ),
    "{} numbers for {} variables: {}": "{0} 个数对应 {1} 个变量：{2}",
    (
        "a product of axes over {} variable{} needs at least 2 points on each axis, {} in all, got {}; give more, or "
        "use uniform or sobol"
    ): ("{0} 个变量的网格每轴至少 2 个点，共 {2} 个，实际为 {3}；请增加点数，或改用 uniform 或 sobol"),
    "expected a whole number >= {}, got {}": "应为不小于 {0} 的整数，实际为 {1}",
    "{} must be a whole number >= {}": "{0} 应为不小于 {1} 的整数",
    "{} must be a number > 0": "{0} 应为大于 0 的数",
    "cannot read {}; expected 0.01, normal:0.01, uniform:0.01 or uniform:LOW:HIGH": (
        "无法读入 {0}；应为 0.01、normal:0.01、uniform:0.01 或 uniform:下限:上限"
    ),
    "uniform needs (low, high) with low < high, got {}": "uniform 需要下限小于上限，实际为 {0}",
    # the network and the method
    "{} makes its own network; leave {} out": "{0} 自行构造网络；请去掉 {1}",
    (
        "{} needs one hidden layer, {}, of units with a bias and a smooth or kinked activation; use {}, 'lbfgs' or "
        "'adam' for other networks"
    ): "{0} 需要一个隐藏层（{1}），单元带偏置，激活函数光滑或分段线性；其他网络请用 {2}、'lbfgs' 或 'adam'",
    "{} minimises squared errors; it needs {}": "{0} 最小化平方误差；需要 {1}",
    "{} fits values alone, and there are gradients among the data; use {} or 'varpro', or leave the gradients out": (
        "{0} 只拟合函数值，而数据中有梯度；请用 {1} 或 'varpro'，或去掉梯度"
    ),
    "the Jacobian of {} residuals by {} parameters takes {} GiB; use {} or 'adam', a smaller network, or fewer rows": (
        "{0} 个残差、{1} 个参数的雅可比矩阵需要 {2} GiB；请用 {3} 或 'adam'，或用更小的网络、更少的行"
    ),
    "widths {} make {} parameters; at most {} are built": "宽度 {0} 有 {1} 个参数；最多 {2} 个",
    "{} must be widths such as (64, 64), an MLPSpec or a surefit.nn.Module": "{0} 应为宽度，例如 64,64",
    # model files
    "{} is damaged or not a model file: {}": "{0} 已损坏，或不是模型文件：{1}",
    "it is too short for what it should begin with, or something else": "开头过短，或是别的文件",
    "{} is damaged": "{0} 已损坏",
    "{} is a safetensors file, but not one that surefit wrote": "{0} 是 safetensors 文件，但不是 surefit 写的",
    "{} has format {}, this surefit reads up to {}; upgrade surefit": (
        "{0} 的格式为 {1}，本版 surefit 最多读到 {2}；请升级 surefit"
    ),
    "{} is damaged: its checksum does not fit what it holds; take a copy of the file, or fit again": (
        "{0} 已损坏：校验和与内容不符；请使用备份，或重新拟合"
    ),
    "cannot read the model file {} ({})": "无法读入模型文件 {0}（{1}）",
    "this is not a safetensors file, or a damaged one ({})": "这不是 safetensors 文件，或已损坏（{0}）",
    "not enough memory": "内存不足",
    "not enough memory ({})": "内存不足（{0}）",
    # exports
    "{} is written without derivatives; they are in {}": "{0} 不含导数；含导数的有 {1}",
    "{} of this model cannot be written in {}; choose another format": "此模型的 {0} 无法写成 {1}；请换一种格式",
    "the primitive {}": "基本运算 {0}",
    "a formula is for up to 26 inputs; this model has {}": "公式最多 26 个输入；此模型有 {0} 个",
    (
        "the formula has {} characters, and a cell takes {}; fit fewer units (surefit.smallest), or choose another "
        "format"
    ): ("公式有 {0} 个字符，而一个单元格容纳 {1} 个；请用更少的单元（surefit.smallest），或换一种格式"),
    "a table of straight pieces is for one input; this model has {}": "折线表只用于一个输入；此模型有 {0} 个",
    "this network has more than {} straight pieces; choose another format": "此网络的线性段超过 {0} 个；请换一种格式",
    'ONNX needs the package onnx: pip install "surefit[onnx]"': '导出 ONNX 需要 onnx 包：pip install "surefit[onnx]"',
    # proofs
    "it needs a formula; of a table or a Python function nothing can be proved": (
        "需要公式；对表格或 Python 函数无法证明"
    ),
    "one formula is needed, and this has {} outputs; surefit.fit takes several": (
        "需要一个公式，而这里有 {0} 个输出；多个输出请用 surefit fit"
    ),
    (
        "{}() of different combinations of inputs is no sum, product or composition of functions of one number; "
        "surefit.fit takes it"
    ): "{0}() 作用于自变量的不同组合，不是一元函数的和、积或复合；请用 surefit fit",
    "units={} is too few for this formula, which needs {} at the least": "units={0} 对此公式太少，至少需要 {1} 个",
    (
        "tol={} needs more than {} straight pieces; choose a larger one, or surefit.fit, whose smooth units reach "
        "small errors with few"
    ): ("容差 {0} 需要超过 {1} 段折线；请增大容差，或用 surefit fit，光滑单元用得更少"),
    "the function has no finite value at {}; choose a domain without it": (
        "函数在 {0} 处没有有限的值；请选不含它的范围"
    ),
    "|error| <= {} was not proved in time{}; give more time, or a larger tolerance": (
        "|误差| <= {0} 未能在时间内证明{1}；请给更多时间，或增大容差"
    ),
    (
        "|error| <= {} is not proved: the bound is {}, near {}. No continuous function comes closer to a jump than "
        "half its height, and numbers in float64 have 16 digits; choose a larger tolerance"
    ): (
        "|误差| <= {0} 没有得到证明：{2} 附近的界为 {1}。连续函数与跳跃的距离不会小于其高度的一半，"
        "float64 只有 16 位数字；请增大容差"
    ),
    (
        "|error| <= {} is not proved: it is {} at {}. No continuous function comes closer to a jump than "
        "half its height, and numbers in float64 have 16 digits; choose a larger tolerance"
    ): (
        "|误差| <= {0} 没有得到证明：在 {2} 处误差为 {1}。连续函数与跳跃的距离不会小于其高度的一半，"
        "float64 只有 16 位数字；请增大容差"
    ),
    "nothing was found in time={} seconds; give more time, or ask for less": (
        "在 time={0} 秒内没有找到结果；请给更多时间，或放宽要求"
    ),
    "no bound of the error with units={} was proved; is there a pole in {}? Else give more time": (
        "units={0} 时误差没有得到界；{1} 内有极点吗？否则请给更多时间"
    ),
    "names a table, and a formula is needed, such as 'sin(x)'": "是表格的名称，而需要的是公式，例如 'sin(x)'",
    "say where, for example --on x=-3:3": "请写明区间，例如 --on x=-3:3",
    "{} is no relation; write one with <=, >=, < or >, such as 'y <= 1'": (
        "{0} 不是关系式；请用 <=、>=、< 或 > 写，例如 'y <= 1'"
    ),
    "the target depends on {}, which the domain {} does not name": "目标依赖于 {0}，而范围 {1} 中没有它",
    "the model takes {} inputs, the domain {} has {}": "模型有 {0} 个输入，范围 {1} 有 {2} 个",
    "the model gives {} outputs for {} formulas": "模型有 {0} 个输出，公式有 {1} 个",
    "{}() has no bounds, so nothing can be proved of a formula with it": "{0}() 没有界，含有它的公式无法证明",
    "{} is known at points only, so nothing can be proved between them; give the formula that it should be, {}": (
        "{0} 只在若干点处已知，点与点之间无法证明；请给出它应当等于的公式，{1}"
    ),
    "is no certificate of format {}; write one with certificate.save(...)": (
        "不是格式 {0} 的证书；请用 certificate.save(...) 写出"
    ),
    "cannot be read as a certificate ({})": "无法读作证书（{0}）",
    "no formula came; expected at least one": "没有给出公式；至少需要一个",
    "{}: expected several names, for example {}": "{0}：应为若干名称，例如 {1}",
    "delimiter: expected one character other than a quote and the decimal mark, got {}": (
        "分隔符应为一个字符，不能是引号或小数点，实际为 {0}"
    ),
    "the name {} stands over {} columns; names must differ": "名称 {0} 出现在 {1} 列上；名称不能相同",
    "column {} holds no value at all": "列 {0} 没有任何值",
    "leave it out: name the inputs with {}": "请不用它：用 {0} 指明输入",
    "it is to be predicted, and another is named with {}": "它是要预测的列；用 {0} 可以指明另一列",
    "column {} holds no value at all, so it has no median; leave it out": "列 {0} 没有任何值，因而没有中位数；请不用它",
    "it does not fit into the memory here; give a part of its rows": "这里的内存放不下；请只给出一部分行",
    "this {} is sparse; give .toarray(), which has all its zeros": "这个 {0} 是稀疏的；请给出 .toarray()，含有全部的零",
    "column {} is larger than any float64; use a larger unit": "{0} 列超过 float64 的范围；请换用更大的单位",
    "column {} is {}; a table needs a value for each row": "列 {0} 为 {1}；表格的每一行都应有一个值",
    "column {} has no name": "列 {0} 没有名称",
    "column {} has shape {}; expected one number per row": "列 {0} 的形状为 {1}；每行应为一个数",
    (
        "column {} holds {} as large as {}, of which {} fall together with others in float64; subtract the first one, "
        "or use a larger unit"
    ): "列 {0} 的 {1} 大到 {2}，其中 {3} 个在 float64 中与别的值重合；请减去第一个值，或换用更大的单位",
    (
        "column {} holds {} as large as {}, which float64 rounds by up to {}, beside a range of {}; subtract the "
        "first one, or use a larger unit"
    ): "列 {0} 的 {1} 大到 {2}，float64 会把它们舍入多达 {3}，而取值范围宽 {4}；请减去第一个值，或换用更大的单位",
    "column {}: a header of numbers would be read back as data; rename the column": (
        "列 {0}：数字表头读回时会被当作数据；请给该列改名"
    ),
    "{} names need values of shape (n, {}), got {}": "{0} 个名称需要形状 (n, {1}) 的值，实际为 {2}",
    "the domain {} names its variables already; leave names out": "范围 {0} 已写明变量名；请去掉 names",
    "expected shape (n, dim) with at least one row, got {}": "形状应为 (n, dim)，至少一行，实际为 {0}",
    "some are NaN or infinite, so no box holds them; remove those rows first": (
        "其中有 NaN 或无穷大，没有范围能容纳；请先去掉这些行"
    ),
    "a box of {} variables has 2**{} corners; all can be listed up to 20": (
        "{0} 个变量的范围有 2**{1} 个角；最多 20 个变量时可全部列出"
    ),
    'the interval of {} must be a pair (low, high), got {}; where the logarithm counts, it is (low, high, "log")': (
        '{0} 的区间应为一对 (下限, 上限)，实际为 {1}；取对数时为 (下限, 上限, "log")'
    ),
    "a variable's name must be a text without blanks around it, got {}": "变量名应为前后没有空格的文本，实际为 {0}",
    "box: {} reaches outside the domain, where {}": "box：{0} 超出范围，范围内 {1}",
    "{} names, {} low ends and {} high ends; need as many of each": "{0} 个名称、{1} 个下限、{2} 个上限；数目应相同",
    "expected the lists 'names', 'low' and 'high', got {}": "应有列表 'names'、'low' 和 'high'，实际为 {0}",
    "cannot write {}: its texts take {} MiB, and {} are read": "无法写入 {0}：其文本有 {1} MiB，最多读入 {2}",
    "{} has {} GiB, too much for the memory here": "{0} 有 {1} GiB，超过这里的内存",
    # the machine
    "interrupted": "已中断",
    "[Errno {#}] {}: {}": "{1}：{2}",
    "No space left on device": "磁盘空间不足",
    "Permission denied": "没有权限",
    "Is a directory": "是一个目录",
    "Not a directory": "不是目录",
    "File exists": "已有同名文件",
    "Read-only file system": "文件系统只读",
    "File name too long": "文件名太长",
    "No such file or directory": "没有这个文件或目录",
    "what came is nested too deeply": "嵌套太深",
} | FITS
_BLANK = {"{}": "(.*?)", "{#}": r"([\d.,e+-]+)"}  # the second is for a number
_LEAST = 4  # letters and marks outside of blanks, below which a text could be anything


def in_chinese(message: str) -> str:
    """An error message of the library in Chinese; those of its clauses that have no entry stay as they are."""
    first, newline, rest = message.partition("\n")
    if not newline:
        return _clause(first)
    return "\n".join([_clause(first), *(_known(line) or line for line in rest.split("\n"))])


def _clause(text: str) -> str:
    known = _known(text)
    if known is not None:
        return known
    for found in re.finditer(": ", text):  # what comes before is an option, a file or a line
        known = _known(text[found.end() :])
        if known is not None:
            return f"{_clause(text[: found.start()])}：{known}"
    for mark, chinese in (("; ", "；"), (". ", "。"), (": ", "：")):
        before, between, after = text.rpartition(mark) if mark == "; " else text.partition(mark)
        left, right = (_clause(before), _clause(after)) if between and before else ("", "")
        if left + right and (left, right) != (before, after):
            return left + chinese + right
    return text


def _known(text: str) -> str | None:
    """What a text is in Chinese, if it has an entry; that with the most letters outside of its blanks counts."""
    for pattern, chinese in _patterns():
        match = pattern.fullmatch(text)
        if match and not (pattern.groups and match.start(1) == 0 and ": " in match[1]):  # else it begins elsewhere
            return chinese.format(*(part if not part.strip() else _clause(part) for part in match.groups()))
    return None


@functools.cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    found = []
    for english, chinese in _KNOWN.items():
        parts = re.split(r"(\{#?\})", english)
        letters = sum(len(part) for part in parts if part not in _BLANK)
        if letters >= _LEAST:
            found.append((letters, re.compile("".join(_BLANK.get(p, re.escape(p)) for p in parts), re.DOTALL), chinese))
    return [(pattern, chinese) for _, pattern, chinese in sorted(found, key=lambda one: -one[0])]


__all__ = ["in_chinese"]
