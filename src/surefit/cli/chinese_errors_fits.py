"""More of the library's errors in Chinese: fits and their data, proofs, model files, exports, pages and experiments.

The texts are written as those of `chinese_errors`, which reads them.
"""

FITS = {
    # settings of the methods
    "{} must be a name or a method object such as surefit.Adam(lr=1e-3)": (
        "{0} 应为名称，或方法对象，例如 surefit.Adam(lr=1e-3)"
    ),
    "it has no setting {}; {}": "没有设置 {0}；{1}",
    "betas={} must be two numbers such as (0.9, 0.999)": "betas={0} 应为两个数，例如 (0.9, 0.999)",
    "sparse=True chooses the inputs of a linear function; give degree=1 too": (
        "sparse 用于一次函数的输入选择；请同时给出 degree=1"
    ),
    "groups={} must hold each of the {} inputs, as numbers from 0, and no group within another": (
        "groups={0} 应包含全部 {1} 个输入，用从 0 起的序号，且各组互不包含"
    ),
    "it has no parameters, so there is nothing to solve for": "没有参数，因此没有可求解的",
    "must return one number, got {}": "应返回一个数，实际为 {0}",
    "the loss is not finite at the first step; check the data and the loss": (
        "第一步的损失就不是有限的数；请检查数据和损失"
    ),
    "{} has no argument {}; {}": "{0} 没有参数 {1}；{2}",
    "{#} networks are too many; each is a fit of its own, and {#} are the most": "{0} 个网络太多；最多 {1} 个",
    "prove={} must be True or False; the tolerance is {}": "prove={0} 应为 True 或 False；容差由 {1} 给出",
    "{} computes with NumPy, where nothing is compiled; leave {} out, or use a first-order method such as 'adam'": (
        "{0} 用 NumPy 计算，没有可编译的；请去掉 {1}，或用一阶方法，例如 'adam'"
    ),
    "{} needs a network that ends in a linear layer with a bias, and no gradients among the data": (
        "{0} 需要以带偏置的线性层结尾的网络，且数据中没有梯度"
    ),
    "{} needs a network that ends in a Linear layer with a bias; use 'lm' or 'lbfgs'": (
        "{0} 需要以带偏置的 Linear 层结尾的网络；请用 'lm' 或 'lbfgs'"
    ),
    "{} chooses its points itself; use a first-order method such as 'adam'": (
        "{0} 自己选点；请用一阶方法，例如 'adam'"
    ),
    "{} makes its own network, {} units for each input; leave {} out, or give surefit.Additive(units=...)": (
        "{0} 自行构造网络，每个输入 {1} 个单元；请去掉 {2}，或给出 surefit.Additive(units=...)"
    ),
    "this {} has no parameters, so there is nothing to fit; give it layers that have some, such as nn.Linear": (
        "这个 {0} 没有参数，没有可拟合的；请给它有参数的层，例如 nn.Linear"
    ),
    "for 2 points it returns shape {}; it must map (n, {}) to (n, {})": (
        "对 2 个点返回的形状为 {0}；应把 (n, {1}) 映为 (n, {2})"
    ),
    "{} has no learning rate; choose a first-order method such as 'adam'": (
        "{0} 没有学习率；请选一阶方法，例如 'adam'"
    ),
    "{} must be a whole number >= {}, or None for no limit": "{0} 应为不小于 {1} 的整数",
    "time={} must be a number of seconds > 0, or None for no limit": "time={0} 应为大于 0 的秒数",
    # directions of inputs
    "cannot read {}; write {}": "无法读入 {0}；请写 {1}",
    "{} is no name of an input; write {}": "{0} 不是输入的名称；请写 {1}",
    "{} must be the {} of inputs, such as {}": "{0} 应按输入给出，例如 {2}",
    "{} for {} must be its period, a number above 0 such as 360": "{1} 的周期 {0} 应为正数，例如 360",
    "{} is to rise or fall as well, and a periodic target does neither": "{0} 同时要求单调，而周期性的目标不单调",
    "does not go with adaptive, which adds points as it goes; leave one of the two out": (
        "不能与逐步加点的 adaptive 同用；请去掉其中之一"
    ),
    "{} has a logarithmic axis; write its ends without log": "{0} 用的是对数坐标；请去掉 log",
    "training on where a proof fails is not for periodic inputs; leave periodic out": (
        "在证明失败处继续训练不能用于周期输入；请去掉 periodic"
    ),
    "{} for {} must be 1, where the target rises with it, -1, where it falls, or 0": (
        "{1} 的方向 {0} 应为 1（目标随其上升）、-1（随其下降）或 0"
    ),
    "there is no input {}; the inputs are {}": "没有输入 {0}；输入有 {1}",
    "{} {} for {} inputs; give one for each of {}, 0 where nothing is known, or name them": (
        "{2} 个输入却给出 {0} 个；请为 {3} 各给一个，未知的给 0，或按名称给出"
    ),
    "several quantiles are kept apart, which leaves no room for it; fit one": (
        "多个分位数已被约束为互不交叉，不能再要求单调；请只拟合一个"
    ),
    "does not go with gradients among the data; leave one of the two out": "不能与数据中的梯度同用；请去掉其中之一",
    "classes have no order in which a target could rise; leave it out": "类别没有可上升的次序；请去掉",
    "the weights of a Module may have any signs; give widths, such as model=(16, 16)": (
        "Module 的权重符号不限；请给出宽度，例如 model=(16, 16)"
    ),
    "{} does not rise everywhere, which monotone= needs; choose one of {}": (
        "{0} 并非处处上升，而 monotone= 需要这一点；请选用 {1} 之一"
    ),
    "{} solves for weights of either sign; use 'auto', 'lm', 'lbfgs' or a first-order method such as 'adam'": (
        "{0} 求出的权重符号不限；请用 'auto'、'lm'、'lbfgs' 或一阶方法，例如 'adam'"
    ),
    "solves for weights of either sign, and monotone= needs one; leave it out": (
        "求出的权重符号不限，而 monotone= 需要固定的符号；请去掉"
    ),
    "training on where a proof fails needs weights of either sign; leave monotone out": (
        "在证明失败处继续训练需要符号不限的权重；请去掉 monotone"
    ),
    # what does not go together
    "task='classify': a function has no classes; give a table, one column of which holds them": (
        "task='classify'：函数没有类别；请给出其中一列为类别的表格"
    ),
    "{} classes in {} rows; these are measured numbers, not classes: leave {} out": (
        "{1} 行中有 {0} 个类别；这是测量值而不是类别：请去掉 {2}"
    ),
    "{} is none of the classes {}": "{0} 不是类别 {1} 之一",
    "classes have no largest error; leave it out": "类别没有最大误差；请去掉",
    "classes have no logarithm; leave it out": "类别没有对数；请去掉",
    "classes need at least one input column beside them": "除类别外至少要有一列输入",
    "expected one class for each of {} rows, got shape {}": "{0} 行中每行应有一个类别，实际形状为 {1}",
    "nothing to fit; give a formula, a function, or a table": "没有可拟合的；请给出公式、函数或表格",
    "is for the rows of a table; leave points where a function has no value out with {}": (
        "用于表格的行；函数没有值的点请用 {0} 去掉"
    ),
    "an array is for the rows of a table; of a function give one number, or 'uniform:0.01'": (
        "数组用于表格的行；函数请给一个数，或 'uniform:0.01'"
    ),
    "is for the rows of a table; of a function give it to the method, Adam(loss='huber')": (
        "用于表格的行；函数请交给方法，Adam(loss='huber')"
    ),
    "'log' is for the values of a table; of a function fit the logarithm itself, whose error is the relative error": (
        "'log' 用于表格的值；函数请直接拟合它的对数，其误差就是相对误差"
    ),
    "'log' needs values above 0, and {} is {} {} ({} of {} such); leave those out, or leave {} out": (
        "'log' 要求值大于 0，而 {0} 为 {1} {2}（{4} 个中有 {3} 个）；请去掉这些值，或去掉 {5}"
    ),
    "a function needs one; say where, for example domain={}": "函数需要范围；请写明，例如 domain={0}",
    "the target is a {}, which is not called itself; give its method, model.predict": (
        "目标是 {0}，它本身不能调用；请给出它的方法 model.predict"
    ),
    "{} is no interval; if it is the column to predict, say {}": "{0} 不是区间；若是要预测的列，请写 {1}",
    "{} folds need as many rows, and the table has {}; give fewer": (
        "{0} 折至少需要 {0} 行，而表格有 {1} 行；请减少折数"
    ),
    "does not go with {}: {}; leave one of the two out": "不能与 {0} 同用：{1}；请去掉其一",
    "says what gradients count, and there are none; give {} too": "说明梯度的权重，但没有梯度；请同时给出 {0}",
    "needs a function that can be asked for more values; a table has its rows only": (
        "需要能继续求值的函数；表格只有它的行"
    ),
    "needs a function that can be asked for more values": "需要能继续求值的函数",
    "{} is the last column, which is the target; name another with {}": "{0} 是最后一列，即目标；请用 {1} 指明另一列",
    "{} is the target; name another with {}": "{0} 是目标；请用 {1} 指明另一列",
    "{} is {} in row {} (first row is 0), and a standard deviation must be above 0": (
        "第 {2} 行（首行为 0）的 {0} 为 {1}，而标准差必须大于 0"
    ),
    "expected one standard deviation for each row, shape {}, got {}": "每行应有一个标准差，形状 {0}，实际为 {1}",
    "expected one standard deviation above 0 for each row, shape (rows,)": (
        "每行应有一个大于 0 的标准差，形状 (rows,)"
    ),
    "{} is unknown; choose normal or uniform": "未知的 {0}；请选 normal 或 uniform",
    "says how many extra points, but {} does not say where; give both": (
        "给出了额外点数，而 {0} 没有写明在哪里；请两者都给出"
    ),
    "expected a share of the training points above 0, got {}": "应为训练点数的一个大于 0 的比例，实际为 {0}",
    "the noise of each row says how much it counts; leave weights out": "各行的噪声已决定其权重；请去掉权重",
    "loss={} must be 'huber', 'quantile' or 'mse'; the methods have losses of their own": (
        "loss={0} 应为 'huber'、'quantile' 或 'mse'；各方法另有自己的损失"
    ),
    (
        "the choice of the network needs validation rows apart from the others, and split={} has none; give them a "
        "share, such as {}"
    ): "选择网络需要单独的验证行，而 split={0} 中没有；请给验证行一份，例如 {1}",
    "{} names a column of a table; here one label for each row is needed": "{0} 是表格的列名；这里每行需要一个标签",
    "{} names a column of a table, and a function has none": "{0} 是表格的列名，而函数没有列",
    "{} parts need as many different {} at least, and the {} rows have {}; hold out fewer parts, such as {}": (
        "{0} 份至少需要同样多的不同{1}，而 {2} 行中有 {3} 个；请减少留出的份数，例如 {4}"
    ),
    "expected one per row, shape {}, got {}": "每行应有一个，形状 {0}，实际为 {1}",
    "expected one for each row, {}, got {}": "每行应有一个，{0}，实际为 {1}",
    "expected one for each row, shape {}, or the name of a column, got {}": (
        "每行应有一个，形状 {0}，或为列名，实际为 {1}"
    ),
    "must be finite and >= 0, and not all 0": "应为不小于 0 的有限的数，且不全为 0",
    "complex numbers have no order; give real ones": "复数没有大小次序；请给出实数",
    "these are times; give numbers, such as seconds since the first": "这些是时间；请给出数，例如距第一个时刻的秒数",
    "these are complex numbers, of which no part may be dropped; give real ones": (
        "这些是复数，两部分都不能丢；请给出实数"
    ),
    "row {} has none (first row is 0); give each row one": "第 {0} 行没有（首行为 0）；请给每一行一个",
    # tables that are read in parts, and arrays
    "cannot be read in parts, because {}; write it as Parquet, or read all at once with {}": (
        "无法分块读入，因为{0}；请写成 Parquet，或用 {1} 一次读入"
    ),
    "a directory without Parquet files; give one of its files": "目录中没有 Parquet 文件；请给出其中一个文件",
    (
        "a table in parts is fitted by 'features', which is then also the choice of 'auto', or trained on by a "
        "first-order method such as 'adam'; with another method give a file that fits into memory, and {} to none"
    ): (
        "分块读入的表格用 'features' 拟合（'auto' 也选它），或用 'adam' 之类的一阶方法训练；"
        "用其他方法请给出内存放得下的文件，不要用 {0}"
    ),
    (
        "of a table that is read in parts {} minimises squared errors; use a first-order method such as 'adam' for {}"
    ): "对分块读入的表格，{0} 最小化平方误差；要用 {1} 请选 'adam' 之类的一阶方法",
    (
        "{} goes over a table in parts once, and keeps no rows; leave it out, or use a first-order method such as "
        "'adam'"
    ): "{0} 只把分块读入的表格读一遍，不保留行；请去掉，或用 'adam' 之类的一阶方法",
    "is for a table that is read in parts, and {} reads all at once; leave one of the two out": (
        "用于分块读入的表格，而 {0} 是一次全部读入；请去掉其中一个"
    ),
    "is for a table that is read in parts; leave it out": "用于分块读入的表格；请去掉",
    "has changed while it was read; fit again": "在读取时发生了变化；请重新拟合",
    "cannot be read to its end ({})": "无法读到末尾（{0}）",
    "column {} holds {}; weights must be >= 0": "列 {0} 中有 {1}；权重不能小于 0",
    "of a table that is read in parts they are a column; give its name": "分块读入的表格，权重是其中一列；请给出列名",
    "is added to values of a function; a table in parts stays as it is": "加到函数值上；分块读入的表格保持原样",
    "no input columns": "没有输入列",
    "a {} gives its values once, which is not enough; give list(...) of it": (
        "{0} 的值只能取一次，不够用；请给出它的 list(...)"
    ),
    "a logarithmic input has values that are not above 0; leave 'log' out, or such rows": (
        "取对数的输入中有不大于 0 的值；请去掉 'log'，或去掉这样的行"
    ),
    "{} cannot be had of a table that is read in parts; leave it out, or read all at once with {}": (
        "分块读入的表格没有 {0}；请去掉，或用 {1} 一次读入"
    ),
    "it does not fit into the memory here; {}": "这里的内存放不下；{0}",
    # pairs (X, y), frames and series
    "a tuple of {#} arrays; give a pair (X, y), with all inputs as columns of X": (
        "{0} 个数组的元组；请给出一对 (X, y)，所有输入都作为 X 的列"
    ),
    (
        "cannot read a {} of shape {}; give a path, a DataFrame, a dict of columns, a pair (X, y), or an array "
        "(n, columns)"
    ): ("无法读取形状为 {1} 的 {0}；请给出路径、DataFrame、由列组成的字典、一对 (X, y) 或数组 (n, 列数)"),
    "a {} is one column; give inputs and target, (X, y), or a DataFrame": (
        "{0} 只是一列；请给出输入和目标 (X, y)，或 DataFrame"
    ),
    "the index of this {} has several levels; give series.reset_index()": (
        "这个 {0} 的索引有多个层级；请给出 series.reset_index()"
    ),
    "this {} has no coordinates that could be inputs; give it some (coords=)": (
        "这个 {0} 没有可作为输入的坐标；请用 coords= 给出"
    ),
    "list of dicts": "字典列表",
    "column {} holds times, and a target must be a number; convert it to one, such as seconds since the first": (
        "列 {0} 是时间，而目标必须是数；请换算成数，例如距第一个时刻的秒数"
    ),
    "names such as {}": "例如 {0} 的列名",
    "a first line of names": "写在首行的列名",
    "it is a setting of the data: write {}": "它是数据的设置：请写 {0}",
    "it is a setting of the method: write {}": "它是方法的设置：请写 {0}",
    "it is a setting of the model: write {}": "它是网络的设置：请写 {0}",
    "expected (n, inputs) and (n,) or (n, outputs) with as many rows, got {}": (
        "应为行数相同的 (n, 输入数) 与 (n,) 或 (n, 输出数)，实际为 {0}"
    ),
    "{} has no columns; got {}": "{0} 没有列；实际为 {1}",
    (
        "the rows of X and y have the same labels in another order, and rows are paired by their place; give "
        "y.loc[X.index], or arrays without labels, y.to_numpy(), if the places are right"
    ): (
        "X 与 y 各行的标签相同但次序不同，而行是按位置配对的；请给出 y.loc[X.index]；若位置本来就对，"
        "请给出不带标签的数组 y.to_numpy()"
    ),
    "expected as many rows in both, and a column in each; got {} rows": (
        "两者应行数相同，且各有至少一列；实际的行数为 {0}"
    ),
    "{} must be a surefit.Sampling(design=..., count=..., ...); the data itself is the target": (
        "{0} 应为 surefit.Sampling(design=..., count=..., ...)；数据本身是 target"
    ),
    "is for the rows of a table; a function has one value at a point": "用于表格的行；函数在一点只有一个值",
    "rows and their values are one argument, a pair: fit((X, y), ...)": (
        "各行与它们的值是同一个参数，即一对：fit((X, y), ...)"
    ),
    "holds an array of shape {}; a table needs (n, columns)": "数组形状为 {0}；表格应为 (n, 列数)",
    "holds no arrays": "其中没有数组",
    "{} says that it has {} bytes of numbers, and holds {}; it is damaged": (
        "{0} 声称有 {1} 字节的数，实际有 {2}；已损坏"
    ),
    "array {} cannot be read ({})": "数组 {0} 无法读入（{1}）",
    "the rows are of different lengths ({})": "各行长度不同（{0}）",
    "row {} and the first differ in {} (first row is 0)": "第 {0} 行与首行的 {1} 不同（首行为 0）",
    "line {#} and the first differ in {}": "第 {0} 行与首行的 {1} 不同",
    "points of shape {}; needed {}: one column for each of {}": "点的形状为 {0}；应为 {1}：{2} 各一列",
    "there is no column {}; the inputs are {}, and the columns that came are {}": (
        "没有列 {0}；输入是 {1}，给出的列是 {2}"
    ),
    "columns of different lengths: {}": "各列长度不同：{0}",
    # sampling into tables
    "no free name beside the inputs {}; name the outputs": "输入 {0} 之外没有可用的名称；请给输出命名",
    "the training share must be above 0 and at most 1, got {}": "训练部分的比例应大于 0 且不超过 1，实际为 {0}",
    "goes with training data; a test table covers the whole domain alike": "用于训练数据；测试表均匀覆盖整个范围",
    # functions, programs, budgets
    "for {} points it returns shape {}; needed {} or {}": "对 {0} 个点返回的形状为 {1}；应为 {2} 或 {3}",
    "the function {} gives other values than it did; fit again": "函数 {0} 给出的值与当时不同；请重新拟合",
    "the function {} does not take {}; the domain names its inputs": "函数 {0} 不接受 {1}；范围中写的是它的输入",
    "{#} argument, one for each of {}": "{0} 个参数（{1} 各一个）",
    "{#} arguments, one for each of {}": "{0} 个参数（{1} 各一个）",
    "{} needs a value, too: functools.partial(f, {}=...)": "{0} 也需要一个值：functools.partial(f, {1}=...)",
    "its first argument is self: give the method of an object": "它的第一个参数是 self：请给某个对象的方法",
    ("it takes {}: name as many in the domain, or give {}"): "它的参数是 {0}：请在范围中写同样多的名称，或给 {1}",
    "for one point it returns no value; needed is a number, or a row of them": (
        "对一个点没有返回值；应为一个数或一行数"
    ),
    "the function {} gives different numbers of values at different points: {}": (
        "函数 {0} 在不同点给出的值的个数不同：{1}"
    ),
    (
        "the function {} raised {} at {}: {}. Correct it there, shrink the domain, or leave such points out with {}"
    ): "函数 {0} 在 {2} 处出错 {1}：{3}。请改正，或缩小范围，或用 {4} 去掉这样的点",
    "the function {} does not take {} arguments, one for each of {}, nor one point": (
        "函数 {0} 既不接受 {1} 个参数（{2} 各一个），也不接受一个点"
    ),
    "a fit with a budget chooses its points itself; of a Sampling it takes split=, target_scale=, monotone= and "
    "periodic= alone": ("有预算的拟合自己选点；取样设置中只用 split=、target_scale=、monotone= 和 periodic="),
    "goes with a function that can be evaluated; the target is a {}, whose rows are all there": (
        "用于可以求值的函数；目标是{0}，各行都已给出"
    ),
    "{} exists and is not a log of evaluations; give another name {}": "{0} 已存在，且不是求值记录；请换一个名称{1}",
    "line {} of {} is not an evaluation; correct or remove it": "{1} 的第 {0} 行不是一次求值；请改正或去掉",
    (
        "{}: a Parquet file cannot be appended to, so that a killed run would lose it; give a name that ends in .csv "
        "or .jsonl"
    ): ("{0}：Parquet 文件不能追加，被终止的运行会丢失它；请给出以 .csv 或 .jsonl 结尾的名称"),
    "{} must end in {}": "{0} 应以 {1} 结尾",
    "the second line of {} must name the columns {}, and it is {}": "{0} 的第二行应为列名 {1}，实际为 {2}",
    "{} is of version {}, and this surefit writes {}": "{0} 的版本为 {1}，本版 surefit 写的是 {2}",
    "{} holds evaluations on {}, not on {}; {}": "{0} 中的求值在 {1} 上，而不在 {2} 上；{3}",
    "{} holds evaluations of {}, not of {}; {}": "{0} 中是 {1} 的求值，而不是 {2} 的；{3}",
    "another run is writing {}; wait for its end, or give another name": (
        "另一次运行正在写入 {0}；请等它结束，或换一个名称"
    ),
    # predictions and intervals
    "level {} needs {} rows or more, and there are {}; lower the level": (
        "概率 {0} 至少需要 {1} 行，而只有 {2} 行；请降低概率"
    ),
    "level {} needs {} {} or more, and there are {}; lower the level, or {}": (
        "概率 {0} 至少需要 {1} 个{2}，而只有 {3} 个；请降低概率，或{4}"
    ),
    "no rows were held out; give some a share, {}": "没有留出的行；请留出一份，{0}",
    "kind='ensemble' is for data with noise; the error of a known function is measured": (
        "kind='ensemble' 用于有噪声的数据；已知函数的误差是测得的"
    ),
    "this fit has no classes; fit with task='classify'": "此拟合没有类别；请用 task='classify' 拟合",
    "{} is {} in row {}, and a logarithmic input must be above 0 (first row is 0)": (
        "第 {2} 行的 {0} 为 {1}，而取对数的输入必须大于 0（首行为 0）"
    ),
    "the fit takes {}; got {} values by place{}": "此拟合的输入为 {0}；实际按位置给出 {1} 个值{2}",
    # proofs
    "the target is {}, known at points only, so nothing can be proved between them; give a formula, or leave {} out": (
        "目标是{0}，只在若干点处已知，点与点之间无法证明；请给出公式，或去掉 {1}"
    ),
    "the values have noise, of which nothing can be proved; leave one out": "函数值带噪声，无法证明；请去掉其一",
    "the primitive {} has no bounds, so nothing can be proved of a function with it": (
        "基本运算 {0} 没有界，含有它的函数无法证明"
    ),
    "the constant {} is not a number, so nothing can be proved": "常数 {0} 不是数，因此无法证明",
    "bounds contradict each other: {} > {}; please report this": "上下界互相矛盾：{0} > {1}；请报告此问题",
    "this is no certificate of format {}, but of format {}": "这不是格式 {0} 的证书，而是格式 {1}",
    "this is no certificate of format {} ({})": "这不是格式 {0} 的证书（{1}）",
    "in {} an output does not come in linearly; only its sums and multiples are": (
        "{0} 中输出不是线性出现；只能用它的和与倍数"
    ),
    "{} says nothing about the output{} {}": "{0} 没有涉及输出{1} {2}",
    "a factor of an output in {} is no float; multiply both sides, say by 10": (
        "{0} 中输出的系数不是浮点数；请把两边同乘一个数，例如 10"
    ),
    "{} has outputs and derivatives in one part; ask for one of them": "{0} 的同一部分中既有输出又有导数；请只用一种",
    "relation={} must be a text such as 'y <= 1'": "关系式 {0} 应为文本，例如 'y <= 1'",
    "what should the model be? Give a formula, such as 'sin(x)'": "模型应当等于什么？请给出公式，例如 'sin(x)'",
    "target={} must be a formula; of a Python function nothing can be proved": (
        "目标 {0} 应为公式；对 Python 函数无法证明"
    ),
    "{} of t in [{}, {}] has no finite value, or none could be shown, at {}; choose a domain without it": (
        "t 在 [{1}, {2}] 中时 {0} 没有有限的值，或无法证明有，位置 {3}；请选不含它的范围"
    ),
    "{}() of different combinations of inputs is no sum, product or composition of functions of one number; "
    "surefit.fit takes it": "{0}() 作用于输入的不同组合，不是一元函数的和、积或复合；surefit.fit 可以拟合",
    "a condition on one combination of inputs and values of another are no sum, product or composition of functions of "
    "one number; surefit.fit takes conditionals": (
        "条件与取值依赖于输入的不同组合，不是一元函数的和、积或复合；surefit.fit 可以拟合条件式"
    ),
    "{} units in one layer are more than {}; choose a larger tolerance, or surefit.fit, whose smooth units reach small "
    "errors with few": (
        "一层 {0} 个单元超过了 {1} 个；请选更大的容差，或用 surefit.fit，其光滑单元用少量单元即可达到小误差"
    ),
    "one formula is needed, and this has {} outputs; surefit.fit takes several": (
        "只能给一个公式，而这里有 {0} 个输出；surefit.fit 可以有多个"
    ),
    "{}; choose a domain without it": "{0}；请选不含它的范围",
    "give either {}, the largest error allowed, or {}, of the hidden layer": (
        "请给出 {0}（允许的最大误差）或 {1}（隐藏单元数）之一"
    ),
    "certificate holds: {}": "证明成立：{0}",
    "certificate DOES NOT HOLD: {}": "证明不成立：{0}",
    "certificate not checked: {}": "证明未能核对：{0}",
    "it speaks of another model: the numbers of this one have another SHA-256": (
        "它属于另一个模型：此模型数值的 SHA-256 不同"
    ),
    "it claims no bound that is known here": "它没有声明这里认得的界",
    "its bounds are {} and {}": "它的界为 {0} 和 {1}",
    "the checker does not know {}": "核对程序不认得 {0}",
    "the error at the point that it gives is not {} but at most {}": "它给出的点处的误差不是 {0}，最多为 {1}",
    "its boxes do not cover the domain": "它的区域没有覆盖整个范围",
    "the error near {} is above the bound": "{0} 附近的误差超过这个界",
    "its formulas or the bounds of its outputs are not those of such a model": "它的公式或各输出的界不属于这样的模型",
    "{} was not proved on {} boxes; ask for a larger --tol": ("看过 {1} 个区域，{0} 未能重新证明；请给出较大的 --tol"),
    "the upper bound {} is proved again on {} boxes": "上界 {0} 已在 {1} 个区域上重新证明",
    "the upper bound {} is proved again on {} boxes, with the rounding of the running model": (
        "上界 {0} 已在 {1} 个区域上重新证明，含运行时的舍入"
    ),
    "not {} but {} is proved again on {} boxes; ask for a larger --tol": (
        "在 {2} 个区域上重新证明的不是 {0} 而是 {1}；请给出较大的 --tol"
    ),
    "not {} but {} is proved again on {} boxes, with the rounding of the running model; ask for a larger --tol": (
        "在 {2} 个区域上重新证明的（含运行时的舍入）不是 {0} 而是 {1}；请给出较大的 --tol"
    ),
    "the tolerance {} is proved again on {} boxes": "容差 {0} 已在 {1} 个区域上重新证明",
    "the tolerance {} is proved again on {} boxes, with the rounding of the running model": (
        "容差 {0} 已在 {1} 个区域上重新证明，含运行时的舍入"
    ),
    # formulas written by the library
    "{} cannot be written in a formula": "{0} 无法写进公式",
    "this formula is longer than {} characters when written out": "这个公式写出来超过 {0} 个字符",
    # files of fits
    "a fit goes on in the directory of its checkpoint; leave {} out, or give {} for both": (
        "拟合在其检查点的目录中继续；请去掉 {0}，或两处都写 {1}"
    ),
    "{} must be the path of a directory": "{0} 应为目录的路径",
    "{}. Without that file what it holds is done again": "{0}。去掉这个文件，其中的内容会重新计算",
    "{} is of surefit {}, and this is {}, whose bits may be others; fit again, or go on with that version": (
        "{0} 由 surefit {1} 写出，而这里是 {2}，数值可能不同；请重新拟合，或用那个版本继续"
    ),
    "{} holds {}, of a checkpoint without its {}; give another directory, or remove what is in it": (
        "{0} 中有 {1}，属于缺少 {2} 的检查点；请换一个目录，或清除其中的内容"
    ),
    "its history has no column {}": "其训练历史没有列 {0}",
    "its history has no proper column {}": "其训练历史的列 {0} 不正确",
    "column {} of its history tells of texts that are not there": "其训练历史的列 {0} 指向不存在的文本",
    "{} holds many curves; read it with surefit.Many.load": "{0} 中是许多条曲线；请用 surefit.Many.load 读入",
    "its history does not count the epochs": "其训练历史的轮次不连续",
    "its history lacks a learning rate": "其训练历史缺少学习率",
    "its teacher does not tell of each output": "其教师没有涉及每个输出",
    "its {} classes do not fit its {} outputs": "其 {0} 个类别与 {1} 个输出不符",
    "{} has numbers that are not finite": "{0} 中有不是有限的数",
    "the network does not map {} inputs to {} outputs": "网络不是把 {0} 个输入映为 {1} 个输出",
    "the file holds no training sample": "文件中没有训练样本",
    "it holds {}, which belongs to nothing": "其中的 {0} 不属于任何部分",
    "its network has {} weights and more, and the file holds fewer": "其网络至少有 {0} 个权重，而文件中较少",
    "its formula does not give the values of its training rows": "其公式给出的值与训练行不符",
    "{} is {}, which must be {}": "{0} 为 {1}，应为 {2}",
    "the domain has {} variables, and the inputs are {}": "范围有 {0} 个变量，而输入是 {1}",
    "the network maps {} numbers to {}, and there are {} inputs and {} outputs": (
        "网络把 {0} 个数映为 {1} 个，而有 {2} 个输入和 {3} 个输出"
    ),
    "the method and the sentences about it do not tell of the same kind of fit": "方法与关于它的句子不属于同一种拟合",
    "an error is told at {}, and the inputs are others": "误差的位置写作 {0}，而输入不是这些",
    "unknown kind of network {}": "未知的网络种类 {0}",
    "{} of the model would have {} numbers a sample": "模型的 {0} 每个样本会有 {1} 个数",
    "the model needs the primitive {}, which this surefit does not have; upgrade surefit": (
        "模型需要基本运算 {0}，本版 surefit 没有；请升级 surefit"
    ),
    # exports
    "* the least error": "* 误差最小",
    "medians of {#} seeds": "{0} 个种子的中位数",
    "* the best where it was chosen, by validation rows or rows left out, as within a fit": (
        "* 按验证行或留出的行选出的最好者，与一次拟合之内相同"
    ),
    "the errors are of several targets, and say nothing of each other": "误差属于不同的目标，彼此不可比较",
    "none is marked as the best": "不标出最好者",
    "chosen by several kinds of error, which say nothing of each other: none is the best ({})": (
        "按不同种类的误差选出，彼此不可比较，因此没有最好者（{0}）"
    ),
    "squared errors of the logarithm": "对数的平方误差",
    "squared errors": "平方误差",
    "those of outliers counting less": "离群值计得较轻",
    "neither `fit` nor a method has such a setting": "拟合和方法都没有这个设置",
    "{} must be a file in a folder that exists": "{0} 应为已有文件夹中的文件",
    "all {#} trials failed": "{0} 次试验都失败了",
    "the first with {}": "第一次：{0}",
    "{} exists and is no journal of a search": "{0} 已存在，且不是搜索的记录",
    "{} holds another search": "{0} 中是另一次搜索",
    "give another file": "请换一个文件",
    "interrupted: not all fits were made": "已中断：并非所有拟合都已完成",
    "with {} fits are chosen by {}, and before by {}, which say nothing of each other": (
        "用 {0} 的拟合按 {1} 选出，之前的按 {2}，彼此不可比较"
    ),
    "search one kind, or see them side by side with compare": "请只搜索一种，或用 compare 并列比较",
    "the ending of {} is that of {}; write {}, or {}": "{0} 的扩展名属于 {1} 格式；请写到 {2}，或用 {3}",
    "the ending of {} names no format; say which with to=: {}": "{0} 的扩展名不是已知格式；请用 --to 指明：{1}",
    "the name {} cannot be written into code; use letters and digits": "名称 {0} 不能写进代码；请用字母和数字",
    (
        "a file named {} would hide what it needs itself; choose another name"
    ): "名为 {0} 的文件会遮住它自己需要的文件；请换一个名称",
    (
        "the primitive {} of this model (line {}) is computed by libraries of Python alone; build the model without "
        "it to write it in another language"
    ): "此模型的基本运算 {0}（第 {1} 行）只由 Python 的库计算；要写成另一种语言，请构造不含它的模型",
    "the number {} cannot be written into a formula; choose another format": "数 {0} 不能写进公式；请换一种格式",
    "a formula is for up to 26 inputs; this model has {}, choose another format": (
        "公式最多 26 个输入；此模型有 {0} 个，请换一种格式"
    ),
    (
        "the formula names {} values, and a spreadsheet takes {}; fit fewer units (surefit.smallest), or choose "
        "another format"
    ): "公式有 {0} 个中间值，而电子表格最多 {1} 个；请用更少的单元，或换一种格式",
    "the primitive {} has no reading in this language": "基本运算 {0} 在这种语言中没有写法",
    "a table of straight pieces is for one input; this model has {}, choose another format": (
        "折线表只用于一个输入；此模型有 {0} 个，请换一种格式"
    ),
    (
        "{} of this model is not made of straight pieces, and a table of its corners would not be the model; fit one "
        "of relu units (MLPSpec(activation='relu')), construct one (surefit.construct), or choose another format"
    ): (
        "此模型的 {0} 不是由直线段组成的，折点表不能表示它；请用 relu 单元拟合（--activation relu），"
        "用 surefit construct 构造，或换一种格式"
    ),
    "a table of straight pieces needs a domain with two ends; choose another format": (
        "折线表需要有两端的范围；请换一种格式"
    ),
    "{} needs one of {} on this machine; leave verify out": "{0} 需要本机有 {1} 之一；请去掉 --verify",
    "running an FMU needs fmpy: pip install fmpy": "运行 FMU 需要 fmpy：pip install fmpy",
    "the formula holds {}, which cannot be computed here": "公式含有 {0}，这里无法计算",
    "units: there is no variable {}; there are {}": "units：没有变量 {0}；有 {1}",
    "there is no variable {}; there are {}": "没有变量 {0}；有 {1}",
    # pages, films, windows
    "{} ends in {}; .html or .md is needed": "{0} 以 {1} 结尾；应为 .html 或 .md",
    "{} ends in {}; .svg, .png or .pdf is needed": "{0} 以 {1} 结尾；应为 .svg、.png 或 .pdf",
    "{} is damaged: its arrays do not fit together": "{0} 已损坏：各数组互不相符",
    "{} would take more than {} MiB unpacked": "{0} 解压后会超过 {1} MiB",
    "{} is damaged: its frames are not counted": "{0} 已损坏：帧数不符",
    "{} belongs to another model: {} inputs": "{0} 属于另一个模型：{1} 个输入",
    "{} is damaged: {} is not as long as it says": "{0} 已损坏：{1} 的长度与所述不符",
    "Live: {} must be 'window' or the name of a {} file": "--live：{0} 应为 window，或一个 {1} 文件的名称",
    "no frame was recorded; train with callbacks=[surefit.Snapshots()]": (
        "没有记录任何帧；请用 surefit fit --out 拟合"
    ),
    "nothing was recorded while this fit was trained; fit with callbacks=[surefit.Snapshots()]": (
        "训练时没有记录动画；请用 surefit fit --out 拟合"
    ),
    "{} needs the program ffmpeg, which is not installed here; install it, or write a .gif or .html": (
        "{0} 需要程序 ffmpeg，这里没有安装；请安装它，或写成 .gif 或 .html"
    ),
    (
        "Matplotlib can open no window here (its backend is {}); it needs a screen and a toolkit such as tkinter or "
        "PyQt6; a picture file needs neither"
    ): "Matplotlib 在这里无法打开窗口（后端为 {0}）；需要屏幕和 tkinter 或 PyQt6 之类的工具包；写成图片文件则都不需要",
    # the playground
    "there are files in it; give the name of a new folder": "其中已有文件；请给出新文件夹的名称",
    "it cannot be written ({})": "无法写入（{0}）",
    'play needs the package {}: pip install "surefit[play]"': 'play 需要 {0} 包：pip install "surefit[play]"',
    "--host {} can be reached by others: give a --token of at least 16 characters": (
        "--host {0} 可被他人访问：请用 --token 给出至少 16 个字符的令牌"
    ),
    "--token must have at least 16 characters, letters and digits only": "--token 应至少 16 个字符，只含字母和数字",
    "cannot listen at {} ({}); give another --port": "无法监听 {0}（{1}）；请换一个 --port",
    # experiments
    "Give the directory of the four files (--mnist DIR), or have them fetched once, 11 MB with checksums {}": (
        "请给出四个文件所在的目录（--mnist DIR），或用 --download 下载一次（11 MB，核对校验和）"
    ),
    "--all runs every experiment; leave out {}, or --all": "--all 会运行全部实验；请去掉 {0}，或去掉 --all",
    "there is no experiment {}; they are {}": "没有实验 {0}；有 {1}",
    "digits needs the MNIST images: {}": "digits 需要 MNIST 图像：{0}",
    "caching is switched off (SUREFIT_CACHE=off); name a directory: mnist(root=...)": (
        "缓存已关闭（SUREFIT_CACHE=off）；请用 --mnist 指明目录"
    ),
    (
        "there is no {} or {}.gz in {}; name the directory that holds it with root=, or say download=True to fetch "
        "it (about 11 MB)"
    ): "{2} 中没有 {0} 或 {1}.gz；请用 --mnist 指明所在目录，或用 --download 下载（约 11 MB）",
    "there is no {} or {}.gz in {}": "{2} 中没有 {0} 或 {1}.gz",
    "{} is not an IDX file: it starts with {}": "{0} 不是 IDX 文件：开头为 {1}",
    "{} announces {}, {} bytes, but holds {}": "{0} 声称有 {1}，{2} 字节，实际有 {3}",
    "{} images {} and labels {} do not belong together": "{0} 的图像 {1} 与标签 {2} 不相配",
    "{} cannot be read ({}); remove a damaged file and fetch it again": (
        "{0} 无法读入（{1}）；请删去损坏的文件再重新下载"
    ),
    # what experiments tell while they run
    "the published recipe, seed {}": "照文献的做法，种子 {0}",
    "surefit's own way": "surefit 自己的做法",
    "{}, surefit's own way": "{0}，surefit 自己的做法",
    "other rates": "其他学习率",
    "with and without bias": "有偏置与无偏置",
    "width against difficulty": "宽度与难度",
    "depth against width": "深度与宽度",
    "{} by hand": "手写 {0}",
    "{} in surefit": "用 surefit 做 {0}",
    "rates, gradients, times, hinges": "学习率、梯度、时间、折点",
    "by hand at other rates": "手写，其他学习率",
    "the published run, {} updates an epoch": "照文献的训练，每轮 {0} 次更新",
    "batches of 1, 8 and all, at equal updates and at equal time": "批大小 1、8 和全部，更新次数相同与时间相同",
    "the document's training, {} epochs": "照文档的训练，{0} 轮",
    "the cures": "各种改进办法",
    "{}, seed {}": "{0}，种子 {1}",
    "two layers, as printed, {} epochs": "两层，照原样，{0} 轮",
    "two layers, softmax for the last ReLU": "两层，最后的 ReLU 换成 softmax",
    "four layers, as printed, seed {}": "四层，照原样，种子 {0}",
    "{} with the fixes, seed {}": "{0}，加上修正，种子 {1}",
    "fixes: {}": "修正：{0}",
    "inputs scaled": "缩放输入",
    "outputs scaled": "缩放输出",
    "region by hand": "手选区域",
    "by the error": "按误差取点",
    "wider, deeper": "更宽更深",
    "plain": "原样",
    # the command line
    "{} is for formulas; {} brings its own points": "{0} 用于公式；{1} 自带数据点",
    "give a format, --to c, or a file, --out model.c; formats are {}": (
        "请给出格式 --to c，或文件 --out model.c；格式有 {0}"
    ),
    "the page was not built: run `make play` in a clone of surefit, or install a wheel of it": (
        "页面尚未生成：请在 surefit 的克隆里运行 make play，或安装它的 wheel"
    ),
    "{} ends in {}; {} is needed": "{0} 以 {1} 结尾；应为 {2}",
    "{} reaches outside the domain, where {}": "{0} 超出范围，范围内 {1}",
    "{} is unknown; try utf-8, gbk or latin-1": "未知的 {0}；请试 utf-8、gbk 或 latin-1",
    "a target must be a number; convert the column": "目标必须是数；请转换该列",
    "a target must be a number; convert the column, or name another with {}": (
        "目标必须是数；请转换该列，或用 {0} 指明另一列"
    ),
    "a target must be a number; convert the column, or name another with {}, or tell classes apart with {}": (
        "目标必须是数；请转换该列，或用 {0} 指明另一列，或用 {1} 做分类"
    ),
    "expected en or zh": "应为 en 或 zh",
    "the word {} is not text in {}; rename the file, if it is one": "{0} 不是 {1} 文本；若是文件名，请改名",
    "is for the rows of --csv IN; the values at --at are printed": "用于 --csv IN 的各行；--at 处的值直接显示",
    "is the table that is read; give it another name": "是正在读入的表格；请换一个名称",
    "{} comes twice; repeat --at for another point": "{0} 出现了两次；另一个点请再写一次 --at",
    "expected one of {}": "应为以下之一：{0}",
    "a number of points, 0 or more, is needed": "应为点数，不小于 0",
    "its ending names no format; say which with --to {}": "扩展名不是已知格式；请用 --to {0} 指明",
    "the value of {} is not a number: {}": "{0} 的值不是数：{1}",
    "expected a name and its unit, such as x=mm,y=K": "应为名称及其单位，例如 x=mm,y=K",
    "standard input is a terminal; send a table into it: surefit fit - < data.csv": (
        "标准输入是终端；请送入表格：surefit fit - < data.csv"
    ),
    "shows something, and {} forbids it": "会显示内容，而 {0} 禁止显示",
    "is fitted instead of {}; give one of the two": "会代替 {0} 被拟合；请只给出其一",
    "--on is missing: give an interval for each input of --command, such as --on x1=-1:1": (
        "缺少 --on：请为 --command 的每个输入给出区间，例如 --on x1=-1:1"
    ),
    "give the name of a picture file such as fit.png, or window or terminal": (
        "请给出图片文件名，例如 fit.png，或 window、terminal"
    ),
    "say how often the function may be evaluated: --budget N": "请写明函数最多可求值多少次：--budget N",
    "the path is empty; give a name": "路径为空；请给出名称",
    "no home directory to keep a cache in; set {} to a directory, or to off": (
        "没有可存放缓存的主目录；请把 {0} 设为目录，或 off"
    ),
    "cannot make the cache directory {} ({}); set {} to a directory that you may write, or to off": (
        "无法建立缓存目录 {0}（{1}）；请把 {2} 设为可写的目录，或 off"
    ),
    "expected a number": "应为数",
    "expected a whole number": "应为整数",
    "expected a number from {} to {}": "应为 {0} 到 {1} 之间的数",
    "expected a number of {} or more": "应为不小于 {0} 的数",
    "expected a number of {} or less": "应为不大于 {0} 的数",
    "{} must be a number above 0": "{0} 应为大于 0 的数",
    "{} must be a probability between 0 and 1, such as 0.9": "{0} 应为 0 与 1 之间的概率，例如 0.9",
    "{} must be 'real' or 'deployed'": "{0} 应为 'real' 或 'deployed'",
    "for one point it returns shape {}; needed is a number, or a row of them": (
        "在一个点处返回的形状为 {0}；应为一个数或一行数"
    ),
}

__all__ = ["FITS"]
