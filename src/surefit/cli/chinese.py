"""What commands say, in Chinese; the keys are the English words as they stand in the code."""

from __future__ import annotations

CHINESE = {
    # headings of the help
    "Arguments": "参数",
    "Options": "选项",
    "Commands": "命令",
    "Error": "错误",
    "Usage: ": "用法：",
    "[OPTIONS]": "[选项]",
    "COMMAND [ARGS]...": "命令 [参数]...",
    # types of arguments and options
    "<bool>": "<开关>",
    "<str>": "<文本>",
    "<list[str]>": "<文本>...",
    "<path>": "<路径>",
    "<int>": "<整数>",
    "<float>": "<数>",
    "Network": "网络",
    "Training": "训练",
    "Samples of a function": "函数的取样",
    "Columns of a table": "表格的列",
    # commands
    "Fit a function with a neural network and be sure of it.": "用神经网络拟合函数，并确知误差有多大。",
    "Fit a formula or a table with a neural network.": "用神经网络拟合公式或数据表。",
    (
        "Exit codes: 0 done, 2 wrong input, 3 --tol not reached, 130 stopped by Ctrl-C (143 by SIGTERM, "
        "129 by SIGHUP); the best model so far is then in --out."
    ): (
        "退出码：0 完成，2 输入有误，3 未达到 --tol，130 被 Ctrl-C 中断（SIGTERM 为 143，SIGHUP 为 "
        "129）；中断时此前最好的模型已写入 --out。"
    ),
    "Fit a formula or a table in several ways, and show them side by side.": "用几种方式拟合公式或数据表，并列比较。",
    (
        "An option that is given several times is tried with each of its values, all combinations of several such "
        "options."
    ): ("重复给出的选项逐一试用其每个值；几个这样的选项则试用所有组合。"),
    "Exit codes: 0 done, 2 wrong input, 3 --tol not reached by the best, 130 stopped by Ctrl-C.": (
        "退出码：0 完成，2 输入有误，3 最好的一个未达到 --tol，130 被 Ctrl-C 中断。"
    ),
    "How many seeds each is tried with; the table shows the median.": "每种方式试用的种子数；表中为中位数。",
    "Write the table, its picture and the best model there.": "把表格、图和最好的模型写到那里。",
    "Search sizes, activations, methods and their settings for the best fit of a formula or a table.": (
        "搜索大小、激活函数、方法及其设置，求公式或数据表的最好拟合。"
    ),
    "--time is the time of all trials. With --tol the search ends with the first fit within it. Optuna is needed.": (
        "--time 是全部试验的时间。给出 --tol 时，首个达到它的拟合结束搜索。需要 Optuna。"
    ),
    (
        "What is varied: units=4:64, lr=1e-4:1e-1:log, activation=tanh,sin, hidden=8,16-16. Default: sizes, "
        "activations and the learning rate."
    ): "变动的设置：units=4:64、lr=1e-4:1e-1:log、activation=tanh,sin、hidden=8,16-16。默认：大小、激活函数和学习率。",
    "How many fits; those in --journal count.": "拟合次数；--journal 中已有的也算。",
    "Seed of the fits and of the search.": "拟合和搜索的随机种子。",
    "Keep every trial there; the same command goes on from it.": "把每次试验记在那里；同样的命令从它继续。",
    "How many trials at once, each in a process of its own.": "同时进行的试验数，各用一个进程。",
    "one way alone cannot be compared; give an option twice, such as {example}": (
        "只有一种方式，无法比较；请把某个选项给出两次，例如 {example}"
    ),
    "{name!r} stands twice; give each value once": "{name!r} 出现了两次；每个值只给一次",
    "--vary {name}: stands twice; give one range": "--vary {name}：出现了两次；请只给一个范围",
    "{option}: is not tried with several values here; give one": "{option}：此处不逐个试用多个值；请只给一个",
    "--vary {text}: expected {forms}": "--vary {text}：应为 {forms}",
    "trial {number}/{trials}  {loss}": "试验 {number}/{trials}  {loss}",
    "{target}: {count} trials": "{target}：{count} 次试验",
    ", {count} failed": "，{count} 次失败",
    ", interrupted": "，已中断",
    "fresh points": "新取的点",
    "test rows": "测试行",
    "validation rows": "验证行",
    "training rows": "训练行",
    "rows left out one by one": "逐行留出",
    "not done": "未进行",
    "failed": "失败",
    "trial": "试验",
    "Compare ways": "比较方式",
    "loss": "损失",
    "max |error|": "最大 |误差|",
    "rmse": "均方根误差",
    "accuracy": "准确率",
    "log loss": "对数损失",
    "parameters": "参数",
    "seconds": "秒",
    "settings": "设置",
    "Values of a model at points, or for every row of a table.": "求模型在若干点处的值，或对表格的每一行求值。",
    ("What a model is: target, domain, network, method, error, seed, version, size."): (
        "查看模型：目标、范围、网络、方法、误差、随机种子、版本、大小。"
    ),
    ("What is wrong with a model, with the numbers seen and the cures."): (
        "诊断模型的问题，给出观察到的数值和处理办法。"
    ),
    ("A report of a fit: function, data, model, training, result, diagnosis, how to reproduce."): (
        "拟合报告：函数、数据、模型、训练、结果、诊断、如何复现。"
    ),
    (
        "A directory that surefit fit --out wrote gives a full one; from a model file alone the film of "
        "the training and the settings are missing, and the report says so."
    ): ("由 surefit fit --out 写出的目录可得到完整的报告；只有模型文件时缺少训练动画和设置，报告中会说明。"),
    ("The training of a fit as a film, from a directory that surefit fit --out wrote."): (
        "把训练过程做成动画，数据来自 surefit fit --out 写出的目录。"
    ),
    "Sample a formula into a training and a test table.": "对公式取样，写出训练表和测试表。",
    ("Run the experiments that surefit was started from: the published numbers beside ours."): (
        "运行 surefit 最初所依据的实验：把文献的数值与我们的并列。"
    ),
    ("Each claim of a source is judged (holds, refuted, partly, not tested), and so is what surefit says about it."): (
        "对文献的每个论断作出判断（成立、被否定、部分成立、未检验），对 surefit 自己的论断也是如此。"
    ),
    ("Exit codes: 0 done, 2 wrong input, 3 a claim of surefit itself is refuted, or digits had no data."): (
        "退出码：0 完成，2 输入有误，3 surefit 自己的某个论断被否定，或 digits 没有数据。"
    ),
    "Fit a formula": "拟合公式",
    "Fit a table": "拟合表格",
    "Use a model": "使用模型",
    "Look at it": "查看模型",
    "Examine it": "诊断模型",
    "Report on it": "生成报告",
    "Make a table": "生成数据表",
    "See it work": "运行实验",
    "Watch it learn": "观看学习",
    # play
    "Open a page on which a network learns your function.": "打开一个页面，观看网络学习你的函数。",
    "It is served on this computer only, until Ctrl-C. With --export the page is written as files that need neither "
    "Python nor a server, for any web space: the lessons, with training in the browser.": (
        "页面只在本机提供，按 Ctrl-C 结束。加上 --export 则写出不需要 Python 和服务器的页面文件，"
        "可放到任何网站：包含各节小课，在浏览器中训练。"
    ),
    "Write a page that trains in the browser, and end.": "写出一个在浏览器中训练的页面，然后结束。",
    "Listen there. What others can reach needs --token.": "监听的地址。他人可访问的地址需要 --token。",
    "0: one that is free.": "0 表示任选一个空闲端口。",
    "What the page must know. Default: a fresh one.": "页面须持有的令牌。默认：每次新生成。",
    "Open the page in a browser.": "在浏览器中打开页面。",
    # arguments and options of all commands
    "Show this message and exit.": "显示此帮助并退出。",
    "Show the version and exit.": "显示版本并退出。",
    "Install completion for the current shell.": "为当前 shell 安装命令补全。",
    ("Show completion for the current shell, to copy it or customize the installation."): (
        "显示当前 shell 的补全脚本，以便复制或自行安装。"
    ),
    ("Language of help, messages and cards. Default: that of the locale."): (
        "帮助、信息和结果卡片的语言。默认：由 locale 决定。"
    ),
    "Print one JSON object and nothing else.": "只输出一个 JSON 对象。",
    "Show no progress.": "不显示进度。",
    "A file that surefit fit wrote.": "surefit fit 写出的文件。",
    "A directory or a file that surefit fit wrote.": "surefit fit 写出的目录或文件。",
    # fit
    ("A formula such as 'sin(x1) - cos(x2)', or a CSV, Parquet or npz file."): (
        "公式，例如 'sin(x1) - cos(x2)'，或 CSV、Parquet、npz 文件。"
    ),
    "Take settings from a TOML file; options win.": "从 TOML 文件读取设置；命令行选项优先。",
    "Keep the fit in this directory while it is made, so that it can go on after it was killed.": (
        "拟合期间把状态保存在这个目录中，被强行终止后可以继续。"
    ),
    "Go on with the fit that is kept in this directory; the other options must be the same.": (
        "继续保存在这个目录中的拟合；其他选项必须相同。"
    ),
    "--resume {folder} goes on with it": "用 --resume {folder} 可以继续",
    "Write all settings of this run as TOML.": "把本次运行的全部设置写成 TOML。",
    "Write model, history, settings and pictures there.": "把模型、训练历史、设置和图写到该目录。",
    ("Redraw the fit while it is trained: a picture file such as fit.png, window, or terminal."): (
        "训练时不断重画拟合：图片文件（如 fit.png）、window（窗口）或 terminal（终端）。"
    ),
    ("Interval of a variable, once for each: --on x1=-5:5 --on x2=0:2*pi. One over decades: --on p=1e-3:1e6:log."): (
        "变量的区间，每个变量一次：--on x1=-5:5 --on x2=0:2*pi。"
    ),
    "Largest error that is good enough. Exit code 3: not reached.": "足够好的最大误差。未达到时退出码为 3。",
    "Stop training after so many seconds.": "训练超过这么多秒后停止。",
    "Of a formula: --tol counts as reached only when it is proved at every point. Default: off.": (
        "对公式：只有在每一点都得到证明，才算达到 --tol。默认：关。"
    ),
    "Seed of everything random. Default: 0.": "一切随机数的种子。默认：0。",
    ("Number format of the network. Default: float64 by a solver, else float32."): (
        "网络的数值类型。默认：求解器用 float64，否则 float32。"
    ),
    ("Number of networks to train at once over the cores; the best is kept. Default: 1."): (
        "在各核心上同时训练的网络个数；保留最好的。默认：1。"
    ),
    ("Compile first-order training to machine code. Default: where it is faster."): (
        "把一阶训练编译成机器码。默认：在更快时编译。"
    ),
    ("Widths of the hidden layers: 200,100,50. Default: chosen by the method."): (
        "隐藏层宽度：200,100,50。默认：由方法选择。"
    ),
    "tanh, relu, sin, gelu, ... or one for each hidden layer: tanh,relu. Default: by depth.": (
        "激活函数：tanh、relu、sin、gelu 等；也可每个隐藏层各写一个：tanh,relu。默认：由深度决定。"
    ),
    "Let the layers add a bias. Default: on.": "各层加偏置。默认：开。",
    "Initial weights: auto (default), glorot, he, normal, small or zeros.": (
        "初始权重：auto（默认）、glorot、he、normal、small 或 zeros。"
    ),
    "Probability of dropout. Default: 0.": "dropout 的概率。默认：0。",
    (
        "auto (default), polynomial, additive, features, varpro, lm, lbfgs, adam, adamw, sgd, rmsprop, "
        "adagrad, adamax, nadam or radam."
    ): (
        "auto（默认）、polynomial、additive、features、varpro、lm、lbfgs、adam、adamw、sgd、rmsprop、adagrad、"
        "adamax、nadam 或 radam。"
    ),
    "Degree of polynomial. Default: 2.": "polynomial 的次数。默认：2。",
    "Largest number of iterations of varpro, lm and lbfgs.": "varpro、lm 和 lbfgs 的最多迭代次数。",
    ("Largest number of evaluations of all points by the solvers of auto. Default: 2000."): (
        "auto 的求解器对全部点求值的最多次数。默认：2000。"
    ),
    ("How often features and varpro draw new units at random. Default: 2."): (
        "features 和 varpro 随机抽取新单元的次数。默认：2。"
    ),
    (
        "Ridge on the weights (polynomial, additive, features, varpro, lm). Default: none for a function, by "
        "validation for a table."
    ): ("权重的岭参数（polynomial、additive、features、varpro、lm）。默认：函数不用，表格由验证决定。"),
    "Leave out the inputs that do not help (polynomial of degree 1). Default: off.": (
        "略去没有帮助的输入（一次 polynomial）。默认：关。"
    ),
    "Units for each input (additive). Default: 12.": "每个输入的单元数（additive）。默认：12。",
    "Number of steps that lbfgs remembers. Default: 20.": "lbfgs 记住的步数。默认：20。",
    "Passes over the training data.": "训练数据遍历的轮数。",
    "Points in a batch.": "批大小（每批的点数）。",
    ("Learning rate; auto: found by a range test. Default: the method's own, with a cosine schedule."): (
        "学习率；auto：用范围测试寻找。默认：方法自带的值，按余弦调度下降。"
    ),
    ("Schedule of the learning rate: constant, cosine, onecycle, plateau, step, exponential, linear or polynomial."): (
        "学习率调度：constant、cosine、onecycle、plateau、step、exponential、linear 或 polynomial。"
    ),
    "Of a table huber and quantile (with --quantile) go with auto too; the others are for first-order methods: "
    "mse (default), huber, l1, smooth_l1, log_cosh or quantile.": (
        "损失函数：mse（默认）、huber、l1、smooth_l1、log_cosh，或 quantile（与 --quantile 一起）。"
        "对表格，huber 与 quantile 也可用于 auto；其余用于一阶方法。"
    ),
    "Inputs with which the target rises or falls everywhere, as the network then does: x=+1,z=-1.": (
        "目标处处随其上升或下降的输入，网络也必定如此：x=+1,z=-1。"
    ),
    "Inputs after whose periods the target is the same again: angle=360, or t=2*pi.": (
        "目标按周期重复的输入及其周期：angle=360，或 t=2*pi。"
    ),
    "Fit a quantile of the target instead of its mean, such as 0.9, or several: 0.05,0.5,0.95.": (
        "拟合目标的分位数而非均值，如 0.9，或多个：0.05,0.5,0.95。"
    ),
    "levels between 0 and 1, such as 0.05,0.5,0.95": "0 与 1 之间的水平，如 0.05,0.5,0.95",
    "Column of groups, such as patients, whose rows are held out together; it is no input.": (
        "分组（如病人）的列，同组的行一起留出；它不作输入。"
    ),
    "Column of times: the last rows are held out.": "时间列：最后的行留出。",
    ("Stop after so many epochs without a better validation loss. Default: none with --epochs."): (
        "早停轮数：验证损失连续这么多轮没有改善就停止。默认：给出 --epochs 时不早停。"
    ),
    "Strength of the pull of the weights towards 0.": "权重衰减的强度（把权重拉向 0）。",
    "Momentum of sgd and rmsprop.": "sgd 和 rmsprop 的动量。",
    "Largest norm of the gradient; a longer one is shortened.": "梯度范数的上限；超过时缩短。",
    "Scale inputs and outputs inside the model. Default: on.": "在模型内部缩放输入和输出。默认：开。",
    "Solve for the output layer by least squares at the end. Default: off.": "结束时用最小二乘求解输出层。默认：关。",
    "Keep the weights of the best epoch, not the last. Default: on.": "保留最佳轮而非最后一轮的权重。默认：开。",
    ("Training points. A grid also takes one number for each axis: 50,40."): (
        "训练点数。网格也可以为每个轴给一个数：50,40。"
    ),
    ("How the points are placed: uniform, grid, chebyshev, latin_hypercube, sobol, halton, auto (default)."): (
        "取点方式：uniform、grid、chebyshev、latin_hypercube、sobol、halton、auto（默认）。"
    ),
    "Add the corners of the domain. Default: on.": "加入范围的各个角点。默认：开。",
    ("Points on the faces of the domain, as a share of --num. Default: 0.2."): (
        "范围边界面上的点数，为 --num 的几分之几。默认：0.2。"
    ),
    "A part of the domain to take extra points from.": "范围中额外取点的部分。",
    "Number of extra points, as a share of --num. Default: 0.125.": "额外的点数，为 --num 的几分之几。默认：0.125。",
    ("Number of extra points, as a share of the training points. Default: 0.125."): (
        "额外的点数，为训练点数的几分之几。默认：0.125。"
    ),
    "Rounds of adding points where the error is largest. Default: 0.": "在误差最大处加点的次数。默认：0。",
    ("Points added in each round, as a share of --num. Default: 0.125."): (
        "每次加的点数，为 --num 的几分之几。默认：0.125。"
    ),
    "Fit the gradients of the formula too. Default: off.": "同时拟合公式的梯度。默认：关。",
    "Weight of the squared error of the gradients. Default: 1.": "梯度平方误差的权重。默认：1。",
    ("Points at which the error is measured. Default: 15000; 5000 for one variable."): (
        "测量误差的点数。默认：15000；一个变量时 5000。"
    ),
    ("Noise added to the values: 0.01 (normal), uniform:0.01, uniform:LOW:HIGH."): (
        "加到函数值上的噪声：0.01（正态）、uniform:0.01、uniform:LOW:HIGH。"
    ),
    ("Shares of training, validation and test data. Default: 0.8,0.1,0.1."): (
        "训练、验证和测试数据的比例。默认：0.8,0.1,0.1。"
    ),
    "Leave out points where the target is NaN or infinite.": "略去目标为 NaN 或无穷大的点。",
    "Columns to predict, by name or place from 0. Default: the last.": (
        "要预测的列，用名称或从 0 起的序号。默认：最后一列。"
    ),
    "Inputs to use. Default: all other columns.": "用作输入的列。默认：其余各列。",
    ("A separate table to test on; no row of TARGET is then used for testing."): (
        "另给的测试表；此时 TARGET 的行不用于测试。"
    ),
    "log: fit the logarithm of the target, whose values are above 0. Default: linear.": (
        "log：拟合目标的对数，其值须大于 0。默认：linear。"
    ),
    "median: fill missing inputs in by the median of their column. Default: error.": (
        "median：用该列的中位数填补缺失的输入。默认：error（报错）。"
    ),
    "Estimate the error by so many fits without a part of the rows. Default: test rows measure it.": (
        "用这么多次各留出一部分行的拟合来估计误差。默认：由测试行测量。"
    ),
    "Column that holds the standard deviation of the noise of each row.": "各行噪声标准差所在的列。",
    "Leave out rows with a missing value.": "略去有缺失值的行。",
    "Read the table in parts. Default: folders, and files of more than 33 million numbers.": (
        "分块读入表格。默认：文件夹，以及超过 3300 万个数的文件。"
    ),
    "Training rows in memory at a time, where a table in parts is trained on. Default: 256 MiB of them.": (
        "在分块读入的表格上训练时，内存中同时保留的训练行数。默认：256 MiB 能容纳的行数。"
    ),
    ("Whether the first row of a CSV file holds names. Default: detected."): (
        "CSV 文件第一行是否为列名。默认：自动判断。"
    ),
    "Delimiter of a CSV file. Default: detected.": "CSV 文件的分隔符。默认：自动判断。",
    "Decimal mark of a CSV file, . or a comma.": "CSV 文件的小数点，. 或逗号。",
    "Encoding of a CSV file, such as gbk. Default: utf-8.": "CSV 文件的编码，例如 gbk。默认：utf-8。",
    "Column that holds the weight of each row.": "给出每行权重的列。",
    "Sheet of an Excel file, its name or its number from 0.": "Excel 文件的工作表，名称或从 0 起的序号。",
    # predict, report, animate, data, reproduce
    "A point: x1=1,x2=pi/2. May be repeated.": "一个点：x1=1,x2=pi/2。可以重复给出。",
    "A table with a column for each input.": "每个输入各有一列的表格。",
    "Where the table goes, with columns added. Default: stdout.": "加上新列的表格写到哪里。默认：标准输出。",
    "Add the derivative by each input.": "加上对每个输入的导数。",
    "Add bounds that a new value keeps so often: 0.9.": "加上新值以此概率落入的上下界：0.9。",
    ("NAME.html, or NAME.md with pictures beside it. Default: report.html beside the model."): (
        "NAME.html，或 NAME.md（图在旁边）。默认：模型旁的 report.html。"
    ),
    "NAME.gif, NAME.html, or NAME.mp4 (needs ffmpeg).": "NAME.gif、NAME.html 或 NAME.mp4（需要 ffmpeg）。",
    "Frames a second. Default: 6.": "每秒帧数。默认：6。",
    "Such as 'sin(x1) - cos(x2)'.": "例如 'sin(x1) - cos(x2)'。",
    "Where the tables go.": "表格写到哪里。",
    ("Put all points into a test table; they differ from those for training."): (
        "把全部点写入测试表；它们与训练点不同。"
    ),
    "Leave out points where the formula is NaN or infinite.": "略去公式为 NaN 或无穷大的点。",
    "Number of points, before extra points. Default: 5000.": "点数，不含额外的点。默认：5000。",
    "Share of the training table in all rows. Default: 0.8.": "训练表占全部行的比例。默认：0.8。",
    ("How the points are placed: uniform, grid, chebyshev, latin_hypercube, sobol, halton, auto. Default: uniform."): (
        "取点方式：uniform、grid、chebyshev、latin_hypercube、sobol、halton、auto。默认：uniform。"
    ),
    "Seed of the points and the noise. Default: 0.": "取点和噪声的随机种子。默认：0。",
    "csv (default), parquet or npz.": "csv（默认）、parquet 或 npz。",
    "All of them.": "全部实验。",
    ("Fewer epochs, rows and seeds: all in a minute. What that cannot test is said to be not tested."): (
        "轮数、行数和种子更少：一分钟内全部完成。不足以检验的论断标为未检验。"
    ),
    "Write tables (Markdown, JSON) and pictures there.": "把表格（Markdown、JSON）和图写到该目录。",
    "Where the MNIST files are. Default: the user's cache.": "MNIST 文件所在目录。默认：用户缓存目录。",
    ("Fetch the MNIST files that are missing (11 MB, checksums checked)."): (
        "下载缺少的 MNIST 文件（11 MB，核对校验和）。"
    ),
    # programs, exports, certificates
    "classify: the target column holds classes, numbers or texts. Default: regress.": (
        "classify：最后一列是类别（数或文本）。默认：regress（回归）。"
    ),
    "Fit a program": "拟合程序",
    "Be sure of it": "证明误差",
    "Expensive functions": "代价高的函数",
    "A program to fit, instead of TARGET: './sim {x1} {x2}'. The last number that it prints is the value.": (
        "代替 TARGET 要拟合的程序：'./sim {x1} {x2}'。它输出的最后一个数就是函数值。"
    ),
    "Evaluations of the function at most, measuring the error included.": "函数求值的最多次数，包括测量误差。",
    "Evaluations at once. Default: 1.": "同时求值的个数。默认：1。",
    "Append each evaluation to this file (.csv, .jsonl) as it ends; a killed run goes on from it.": (
        "每次求值结束就追加到此文件（.csv、.jsonl）；被终止的运行可由此继续。"
    ),
    "End a program that takes longer; that evaluation has failed.": "程序超过此时间就终止；该次求值算失败。",
    "How many of the last numbers printed are the value. Default: 1.": "输出的最后几个数是函数值。默认：1。",
    "The format. Default: by the ending of --out.": "格式。默认：由 --out 的扩展名决定。",
    "Where it goes. Default: beside the model.": "写到哪里。默认：模型旁边。",
    "Number format of what it holds. Default: as the fit.": "其中数值的类型。默认：与拟合相同。",
    "Units of inputs and outputs: x=mm,y=K.": "输入和输出的单位：x=mm,y=K。",
    "With Jacobian and Hessian products.": "包括雅可比矩阵和海森矩阵的乘积。",
    "Run it at N points and compare it with the model.": "在 N 个点上运行它并与模型比较。",
    "A model in another language: C, ONNX, NumPy, JavaScript, Fortran, ...": (
        "把模型写成另一种语言：C、ONNX、NumPy、JavaScript、Fortran 等。"
    ),
    "A formula, such as 'sin(x)'.": "公式，例如 'sin(x)'。",
    "The box: --on x=-3:3, one for each input.": "区域：--on x=-3:3，每个自变量一个。",
    "The largest error allowed.": "允许的最大误差。",
    "Instead of --tol: the number of hidden units.": "代替 --tol：隐藏单元的个数。",
    "Give up after so many seconds.": "超过此秒数就放弃。",
    "Write model, certificate, table and pictures there.": "把模型、证明、折点表和图片写到那里。",
    "Construct the ReLU network with the fewest hinges within a tolerance, and prove both.": (
        "构造误差不超过容差且折点最少的 ReLU 网络，并证明这两点。"
    ),
    (
        "A formula of several inputs is put together from functions of one number, each with the fewest hinges for its "
        "share."
    ): "多个自变量的公式由一元函数拼成，每个函数在其分得的误差内折点最少。",
    "Such as 'y - x1*x2 <= 0.1' or '0 <= y <= 1'.": "例如 'y - x1*x2 <= 0.1' 或 '0 <= y <= 1'。",
    "Prove or refute a relation between the inputs and outputs of a model, at every point of its domain.": (
        "证明或否定模型的输入与输出之间的一个关系，在其范围内的每一点上。"
    ),
    "It is of exact arithmetic on the stored numbers. The exit code is 3 where it is refuted or not known.": (
        "按存储数值的精确算术。被否定或无法判定时退出码为 3。"
    ),
    "What it should be. Default: what was fitted.": "模型应当等于什么。默认：被拟合的函数。",
    "Another box: --on x=0:1, or a slice, --on x=2:2; inputs that are not named keep their ends.": (
        "另一范围：--on x=0:1；或切片：--on x=2:2；未写出的输入保持原范围。"
    ),
    "How far the two bounds may lie apart.": "上下界之间允许的差距。",
    "Stop with what is proved by then.": "到时停止，给出已证明的结论。",
    "Stop then; the bound is left unchecked.": "到时停止，上界不予核对。",
    "Stop as soon as this tolerance is proved.": "一旦此容差得到证明便停止。",
    "The program as it runs, or in exact arithmetic.": "按程序实际运行，或按精确算术。",
    "Write the certificate there, as JSON.": "把证明写到那里（JSON）。",
    "Prove how large the error of a model is, at every point of its domain.": (
        "证明模型在其范围内每一点上的误差有多大。"
    ),
    "Ctrl-C ends with what is proved by then. The exit code is 3 where a tolerance is not proved.": (
        "Ctrl-C 结束并给出已证明的结论。未能证明容差时退出码为 3。"
    ),
    "A file that surefit certify wrote.": "surefit certify 写出的文件。",
    "An error that is small enough, if its bound is smaller.": "若证明的界更小，误差不超过此值即可。",
    (
        "Check a certificate against a model: its numbers, that the boxes cover the domain, and the bound of each."
    ): "用模型核对证明：其中的数值、各区域是否覆盖整个范围，以及每个区域的界。",
    (
        "The checker is a program of its own that shares no code with the search. The exit code is 3 where it does not "
        "hold."
    ): "核对程序是独立的，与搜索不共用代码。证明不成立时退出码为 3。",
    # messages
    "error": "错误",
    "warning": "警告",
    "interrupted": "已中断",
    "written": "已写入",
    "file": "文件",
    "{count} rows: {names}": "{count} 行：{names}",
    ("what should be fitted? Give a formula or a table, such as: {example}"): (
        "要拟合什么？请给出公式或表格，例如：{example}"
    ),
    ("--on is missing: give an interval for each variable, such as {example}"): (
        "缺少 --on：请为每个变量给出区间，例如 {example}"
    ),
    "there is no command {word!r}{hint}": "没有命令 {word!r}{hint}",
    "; write surefit --help, or surefit fit --help": "；请写 surefit --help 或 surefit fit --help",
    "; the commands are {known}": "；可用的命令有 {known}",
    "there is no option {word}{hint}": "没有选项 {word}{hint}",
    "; did you mean {word}?": "；您是否想写 {word}？",
    "{words}\nsee: {command} --help": "{words}\n参见：{command} --help",
    "{option}: its value is missing": "{option}：缺少它的值",
    "these words are too many: {rest} ({cure})": "多出这些词：{rest}（{cure}）",
    "these words are too many: {rest}": "多出这些词：{rest}",
    "a table goes after --csv": "表格写在 --csv 之后",
    "a formula with blanks needs quotes": "含空格的公式要加引号",
    "{name} is missing": "缺少 {name}",
    "{option} {came}: expected {needed}": "{option} {came}：应为{needed}",
    "{path}: there is no setting {name!r}{hint}": "{path}：没有设置 {name!r}{hint}",
    "there is no experiment {name!r}{hint}; they are {known}": "没有实验 {name!r}{hint}；可用的有 {known}",
    "which experiment? Give --all, or some of {known}": "运行哪个实验？请给出 --all，或其中几个：{known}",
    ("{option}: {method} has no such setting; choose --method {having}"): (
        "{option}：{method} 没有这个设置；请选择 --method {having}"
    ),
    "the model was not saved (--out DIR saves it)": "模型没有保存（用 --out DIR 保存）",
    ("the model is in {out}; not all pictures were drawn (surefit report {out} draws them)"): (
        "模型在 {out} 中；图没有全部画出（surefit report {out} 可以画出）"
    ),
    "{name} is left out": "略去 {name}",
    "give points, --at x=1, or a table, --csv IN": "请给出点（--at x=1）或表格（--csv IN）",
    "the point lies": "该点",
    "{count} of {all} points lie": "{all} 个点中的 {count} 个",
    "{count} of {all} points lies": "{all} 个点中的 {count} 个",
    "{which} outside the domain {domain}, where the error is unknown": "{which}在范围 {domain} 之外，那里的误差未知",
    "--at {text}: no value for {missing}; expected {example}": "--at {text}：没有给出 {missing} 的值；应为 {example}",
    ("--at {text}: the model has no input {name!r}; expected {example}"): (
        "--at {text}：模型没有输入 {name!r}；应为 {example}"
    ),
    "--on: {name} is one of {known}, not {value!r}": "--on：{name} 是 {known} 之一，不是 {value!r}",
    "--at {text}: cannot read {part!r}; expected {example}": "--at {text}：无法读取 {part!r}；应为 {example}",
    # what a setting needs
    "a text": "文本",
    "true or false": "true 或 false",
    "one character, or tab": "一个字符，或 tab",
    "one of {known}{hint}": "以下之一：{known}{hint}",
    "a number": "数",
    "; the decimal mark is a point: {word}": "；小数点写作 '.'：{word}",
    "; shares are not read, but numbers in the units of what they limit": "；不能写百分数，请写与所限制的量同单位的数",
    "; it is beyond the largest number there is, 1.8e308": "；它超出了可表示的最大数 1.8e308",
    "a number {bounds}": "{bounds}的数",
    "above {bound:g}": "大于 {bound:g} ",
    "of {bound:g} or more": "不小于 {bound:g} ",
    "not above {bound:g}": "不大于 {bound:g} ",
    " and ": "且",
    "a whole number of {least} or more": "不小于 {least} 的整数",
    "a whole number of {least} or more and not above {most}": "不小于 {least}、不大于 {most} 的整数",
    "{needed}, or {known}": "{needed}，或 {known}",
    " or ": " 或 ",
    "names with commas between them, such as x1,x2; one that has a comma itself in quotes: '\"a, b\",c'": (
        "用逗号分开的名称，例如 x1,x2；自身含逗号的加引号：'\"a, b\",c'"
    ),
    ("widths of the hidden layers, whole numbers of 1 or more such as 64,64"): (
        "隐藏层宽度，即不小于 1 的整数，例如 64,64"
    ),
    ("a whole number of 1 or more, or one for each axis of a grid such as 50,40"): (
        "不小于 1 的整数，或网格每个轴一个，例如 50,40"
    ),
    ("shares of training, validation and test data that sum to 1, such as 0.8,0.1,0.1"): (
        "训练、验证和测试数据的比例，其和为 1，例如 0.8,0.1,0.1"
    ),
    # progress
    "epoch {epoch}/{epochs}": "轮次 {epoch}/{epochs}",
    "evaluation {count}/{budget}": "求值 {count}/{budget}",
    "  {count} failed": "  {count} 次失败",
    "train {loss}": "训练 {loss}",
    "  validation {loss}": "  验证 {loss}",
    "  lr {lr}": "  学习率 {lr}",
    "{line}  {left} left": "{line}  还需 {left}",
    "{s} s": "{s} 秒",
    "{minutes} min {s} s": "{minutes} 分 {s} 秒",
    "{hours} h {minutes} min": "{hours} 小时 {minutes} 分",
    # reproduce
    "claims": "论断",
    "{name}  ({source}, {seconds} s)": "{name}（{source}，{seconds} 秒）",
    "{name}  ({source}, {seconds} s, quick)": "{name}（{source}，{seconds} 秒，快速）",
    "{name}, {verdict}: surefit says: {ours}. Measured: {found}": (
        "{name}，{verdict}：surefit 的说法：{ours}。测得：{found}"
    ),
    "the source's numbers and ours": "文献的数值与我们的数值",
}

__all__ = ["CHINESE"]
