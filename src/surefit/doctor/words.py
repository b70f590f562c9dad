"""All that the doctor says, in English and Chinese: of each finding what was seen and what to do, by code.

"dead-units" is what is said of that finding, "dead-units.cure" what helps; a finding with several causes has a message
for each, "learning-rate-too-high.rose". {names} are filled in with what was measured.
"""

from __future__ import annotations

from surefit.sentences import Both, Sentence, declare, say

PREFIX = "doctor."  # of these codes among all sentences
CURE = ".cure"

# Where the doctor looks, when it is no layer or column.
PLACES = {
    "training": "训练", "network": "网络", "loss": "损失", "output": "输出", "inputs": "输入", "targets": "目标",
    "parameters": "参数", "result": "结果", "data": "数据",
}  # fmt: skip


def tell(code: str, **values: object) -> Sentence:
    """What is said for a code of `WORDS`, with its values."""
    return say(PREFIX + code, **values)


def cure_of(code: str, **values: object) -> Sentence | str:
    """The cure of a finding; "" where none is needed."""
    return tell(code + CURE, **values) if code + CURE in WORDS else ""


def place_in(where: str, lang: str) -> str:
    """Where a finding is, in "en" or "zh"; names of layers and columns as they are."""
    if isinstance(where, Sentence):
        return where.said(lang)
    return where if lang == "en" else PLACES.get(where, where)


_SOFTMAX = Both(
    "let the last layer be linear and give its outputs (logits) to nn.functional.cross_entropy: a softmax is in it",
    "最后一层用线性层，把输出（logits）交给 nn.functional.cross_entropy，其中已有 softmax",
)
_FAN_IN = Both(
    "initialise by the fan-in (nn.init.kaiming_normal_, xavier_uniform_), or normalise (nn.LayerNorm)",
    "按扇入初始化权重（nn.init.kaiming_normal_、xavier_uniform_），或加入归一化层（nn.LayerNorm）",
)
_DEPTH = Both(
    "relu-like activations with He's initialisation, residual layers or normalisation, or fewer layers",
    "用 ReLU 类激活函数加 He 初始化、残差连接或归一化，或减少层数",
)
_SCALE = Both(
    "scale each column to mean 0 and deviation 1, and undo it afterwards (fit does: scale=True)",
    "把每一列缩放到均值 0、标准差 1，之后再还原（fit 会做：scale=True）",
)
_LEAVE_OUT = Both("leave them out: they add weights and no information", "去掉它们：只增加权重，不增加信息")
_RATE = Both(
    "a lower learning rate{rate}, one that falls towards the end (a schedule), larger batches, clipped gradients",
    "更低的学习率{rate}，使学习率在后期下降（调度），加大批大小，或裁剪梯度",
)
_SPLIT = Both(
    "hold out whole places: data=Sampling(groups=...), a column or an array that is the same for all rows of a place",
    "按位置整体留出：data=Sampling(groups=...)，取同一位置各行相同的一列或数组",
)

WORDS: dict[str, Both] = {
    # --- numbers ---
    "not-finite": Both(
        "{bad} of {size} numbers are NaN or infinite; it is the first place where any are",
        "{size} 个数中有 {bad} 个是 NaN 或无穷大；这是最先出现的地方",
    ),
    "not-finite.none": Both("all numbers are finite", "所有的数都是有限的"),
    "not-finite.data.cure": Both("remove or repair these rows", "删除或修正这些行"),
    "not-finite.diverged.cure": Both(
        "build the network again and train it with a learning rate 10 times lower, or clip the gradient's norm",
        "重新建立网络，用低 10 倍的学习率训练，或限制梯度范数",
    ),
    "not-finite.overflow.cure": Both(
        "scale the inputs to size 1, and initialise the weights by their fan-in (nn.init.kaiming_normal_)",
        "把输入缩放到 1 的量级，并按扇入初始化权重（nn.init.kaiming_normal_）",
    ),
    "not-finite.loss.cure": Both(
        "take logarithms and roots of positive numbers only; the losses of surefit.nn.functional are stable",
        "只对正数取对数和开方；surefit.nn.functional 中的损失是稳定的",
    ),
    "at.parameter": Both("parameter {name}", "参数 {name}"),
    "at.output": Both("output of {name}", "{name} 的输出"),
    "at.gradient": Both("gradient of {name}", "{name} 的梯度"),
    "at.between": Both("{first} to {last}", "{first} 到 {last}"),
    "no-gradient": Both("{bad} of {count} parameters get no gradient", "{count} 个参数中有 {bad} 个得不到梯度"),
    "no-gradient.named": Both(
        "{bad} of {count} parameters get no gradient: {names}", "{count} 个参数中有 {bad} 个得不到梯度：{names}"
    ),
    "no-gradient.cure": Both(
        "use them in forward(), and compute with tensors all the way (no .detach(), .numpy() or no_grad)",
        "在 forward() 中使用它们，并始终用张量计算（不用 .detach()、.numpy() 或 no_grad）",
    ),
    # --- units ---
    "dead-units": Both(
        "{share} of the {count} units are dead: their output is the same on every row",
        "{count} 个单元中 {share} 已失活：对每一行输出都相同",
    ),
    "dead-units.cure": Both(
        "build the network again with He's initialisation and a lower learning rate, or use leaky_relu, silu or tanh",
        "用 He 初始化和更低的学习率重新训练，或改用 leaky_relu、silu 或 tanh",
    ),
    "always-on-units": Both(
        "{share} of the {count} units are on for every row: there they are linear and bend nothing",
        "{count} 个单元中 {share} 对每一行都处于线性区：不产生任何弯折",
    ),
    "always-on-units.cure": Both(
        "scale the inputs to mean 0, keep biases near 0, or lower the learning rate",
        "把输入缩放到均值 0，偏置保持在 0 附近，或降低学习率",
    ),
    "saturated-units": Both(
        "{share} of the {count} units are saturated, flat on {mostly} of the rows or more",
        "{count} 个单元中 {share} 已饱和：在 {mostly} 以上的行上是平的",
    ),
    "saturated-units.cure": Both(
        "scale the inputs to size 1, use smaller weights (Glorot's initialisation), or lower the learning rate",
        "把输入缩放到 1 的量级，用较小的权重（Glorot 初始化），或降低学习率",
    ),
    "identical-units": Both(
        "{share} of the {count} units are copies of others: same weights and same gradient",
        "{count} 个单元中 {share} 是其他单元的复制：权重和梯度都相同",
    ),
    "identical-units.cure": Both(
        "draw the weights at random (nn.init.kaiming_normal_, xavier_uniform_); equal ones never part",
        "用随机数初始化权重（nn.init.kaiming_normal_、xavier_uniform_）；相同的单元永远不会分开",
    ),
    "unscaled-weights": Both(
        "weights of deviation {deviation:.3g} on {inputs} inputs: the layer enlarges a signal by {gain:.3g}, where 1.4 "
        "keeps its size",
        "{inputs} 个输入的权重标准差为 {deviation:.3g}：该层把信号放大 {gain:.3g} 倍，而 1.4 才保持大小",
    ),
    "unscaled-weights.cure": Both(
        "draw them with deviation sqrt(2 / {inputs}) = {usual:.2g} (nn.init.kaiming_normal_)",
        "用标准差 sqrt(2 / {inputs}) = {usual:.2g} 初始化（nn.init.kaiming_normal_）",
    ),
    # --- signals through the depth ---
    "exploding-activations": Both(
        "the activations explode: deviation between rows {path}, a factor of {ratio:.2g}",
        "激活值逐层增大：各行之间的标准差 {path}，共 {ratio:.2g} 倍",
    ),
    "exploding-activations.cure": _FAN_IN,
    "vanishing-activations": Both(
        "the activations vanish: deviation between rows {path}, a factor of {ratio:.2g}",
        "激活值逐层减小：各行之间的标准差 {path}，共 {ratio:.2g} 倍",
    ),
    "vanishing-activations.cure": _FAN_IN,
    "activations-by-layer": Both(
        "deviation between rows {path}, a factor of {ratio:.2g}", "各行之间的标准差 {path}，共 {ratio:.2g} 倍"
    ),
    "exploding-gradients": Both(
        "the gradients explode: |gradient| / |weight| {path}, a factor of {ratio:.2g}",
        "梯度逐层增大：|梯度| / |权重| 为 {path}，共 {ratio:.2g} 倍",
    ),
    "exploding-gradients.cure": _DEPTH,
    "vanishing-gradients": Both(
        "the gradients vanish: |gradient| / |weight| {path}, a factor of {ratio:.2g}",
        "梯度逐层减小：|梯度| / |权重| 为 {path}，共 {ratio:.2g} 倍",
    ),
    "vanishing-gradients.cure": _DEPTH,
    "gradients-by-layer": Both(
        "|gradient| / |weight| {path}, a factor of {ratio:.2g}", "|梯度| / |权重| 为 {path}，共 {ratio:.2g} 倍"
    ),
    # --- outputs ---
    "negative-loss": Both(
        "the loss is {loss:.3g}, and no cross-entropy is negative: its logarithms are not of probabilities",
        "损失为 {loss:.3g}，而交叉熵不可能为负：其中取对数的不是概率",
    ),
    "negative-loss.cure": _SOFTMAX,
    "probabilities-do-not-sum-to-one.rows": Both(
        "each class sums to 1 over the rows, and a row to {total:.3g}: the softmax runs over the samples",
        "每个类别对各行求和为 1，而每一行之和为 {total:.3g}：softmax 用在了样本方向上",
    ),
    "probabilities-do-not-sum-to-one.rows.cure": Both(
        "take the softmax over the last axis (dim=-1)", "对最后一个轴取 softmax（dim=-1）"
    ),
    "probabilities-do-not-sum-to-one": Both(
        "the outputs lie between 0 and 1, but a row sums to {total:.3g} on average",
        "输出在 0 与 1 之间，但一行之和平均为 {total:.3g}",
    ),
    "probabilities-do-not-sum-to-one.cure": Both(
        "right for labels that may hold together; for classes that exclude each other use cross_entropy of logits",
        "多个标签可同时成立时是对的；互斥的类别请对 logits 用 cross_entropy",
    ),
    "outputs-compete.logarithms": Both("the outputs are logarithms of probabilities", "输出是概率的对数"),
    "outputs-compete.probabilities": Both("the outputs are probabilities that sum to 1", "输出是总和为 1 的概率"),
    "outputs-compete": Both(
        "{down} of the gradient lowers outputs of wrong classes", "梯度中有 {down} 用于压低错误类别的输出"
    ),
    "softmax-twice": Both(
        "the outputs are probabilities and the loss takes a softmax of them again: it cannot fall below {least:.3g}",
        "输出已是概率，而损失又对其做 softmax：损失不可能低于 {least:.3g}",
    ),
    "softmax-twice.cure": Both(
        "leave out the softmax of the network, or end it with LogSoftmax and use nll_loss",
        "去掉网络末尾的 softmax，或用 LogSoftmax 加 nll_loss",
    ),
    "outputs-do-not-compete": Both(
        "{down} of the gradient lowers outputs of wrong classes (half of it with a softmax): all outputs rise together "
        "(a row sums to {total:.3g} now), and nothing trains the choice between them",
        "梯度中只有 {down} 用于压低错误类别的输出（有 softmax 时为一半）：所有输出一起升高（现在一行之和为 {total:.3g}），"
        "类别之间的选择得不到训练",
    ),
    "outputs-do-not-compete.floor": Both(
        "{down} of the gradient lowers outputs of wrong classes (half of it with a softmax): all outputs rise together "
        "(a row sums to {total:.3g} now), and the loss has no floor, and nothing trains the choice between them",
        "梯度中只有 {down} 用于压低错误类别的输出（有 softmax 时为一半）：所有输出一起升高（现在一行之和为 {total:.3g}），"
        "损失没有下界，类别之间的选择得不到训练",
    ),
    "outputs-do-not-compete.cure": _SOFTMAX,
    "shapes-broadcast": Both(
        "outputs {outputs} and targets {targets} broadcast in the loss: every output is compared with all {n} targets, "
        "and the network learns their mean",
        "输出 {outputs} 与目标 {targets} 在损失中互相广播：每个输出与全部 {n} 个目标比较，网络只会学到平均值",
    ),
    "shapes-broadcast.cure": Both(
        "give the targets the shape (n, {rest}); the losses of surefit.nn.functional insist on it",
        "使目标的形状为 (n, {rest})；surefit.nn.functional 中的损失要求如此",
    ),
    "targets-out-of-reach": Both(
        "{share} of the targets lie outside {low:g} to {high:g}, all that the last activation gives",
        "{share} 的目标值在 {low:g} 到 {high:g} 之外，而最后的激活函数只能给出这一范围",
    ),
    "targets-out-of-reach.scaled": Both(
        "{share} of the targets, which fit scales to mean 0 and deviation 1, lie outside {low:g} to {high:g}, all that "
        "the last activation gives",
        "fit 把目标缩放到均值 0、标准差 1，其中 {share} 在 {low:g} 到 {high:g} 之外，而最后的激活函数只能给出这一范围",
    ),
    "targets-out-of-reach.cure": Both("end the network with a linear layer", "网络以线性层结尾"),
    "targets-out-of-reach.scaled.cure": Both(
        "scale=False, as in method=surefit.Adam(scale=False): the targets as they are lie within reach; or end the "
        "network with a linear layer",
        "用 scale=False，例如 method=surefit.Adam(scale=False)：未缩放的目标在可达范围内；或让网络以线性层结尾",
    ),
    # --- sizes of columns ---
    "unscaled.large": Both(
        "the {what} are large: up to {size:.3g} in {name}, where sizes near 1 train well",
        "{what}太大：{name} 达 {size:.3g}，而 1 左右的大小容易训练",
    ),
    "unscaled.small": Both(
        "the {what} are small: up to {size:.3g} in {name}, where sizes near 1 train well",
        "{what}太小：{name} 最大为 {size:.3g}，而 1 左右的大小容易训练",
    ),
    "unscaled.offset": Both(
        "the mean of {name} is {offset:.3g} times its deviation: what varies hides behind a constant",
        "{name} 的均值是其标准差的 {offset:.3g} 倍：变化的部分被常数掩盖",
    ),
    "unscaled.ratio": Both(
        "{big} is {ratio:.3g} times as large as {small}, which is hardly seen beside it",
        "{big} 是 {small} 的 {ratio:.3g} 倍，后者几乎被淹没",
    ),
    "unscaled": Both("the {what} have sizes up to {size:.3g}", "{what}的大小不超过 {size:.3g}"),
    "unscaled.cure": _SCALE,
    "what.inputs": Both("inputs", "输入"),
    "what.targets": Both("targets", "目标"),
    # --- columns and rows ---
    "constant-inputs": Both(
        "{bad} of {count} input columns never change: {names}", "{count} 个输入列中有 {bad} 个从不变化：{names}"
    ),
    "constant-inputs.none": Both("every input varies", "每个输入都有变化"),
    "constant-inputs.cure": Both("leave them out, unless one stands for a bias", "去掉它们，除非用作偏置"),
    "nearly-constant-inputs": Both(
        "{names} has the value {value:.6g} in all rows but {rows}: what the fit says of other values hangs on those",
        "{names} 除 {rows} 行外都是 {value:.6g}：拟合对其他取值的结论只取决于这几行",
    ),
    "nearly-constant-inputs.cure": Both(
        "see whether these rows are mistakes; else leave the column out, or get more such rows",
        "检查这些行是否有误；否则去掉该列，或增加这样的行",
    ),
    "repeated-inputs": Both(
        "{bad} input columns repeat others: {names}", "有 {bad} 个输入列重复了其他列：{names}"
    ),
    "repeated-inputs.linear": Both(
        "{bad} input columns are others in other units (a x + b): {names}",
        "有 {bad} 个输入列只是其他列换了单位（a x + b）：{names}",
    ),
    "repeated-inputs.none": Both("no input repeats another", "没有输入重复其他输入"),
    "repeated-inputs.cure": _LEAVE_OUT,
    "dependent-inputs": Both(
        "{name} is a linear function of other inputs: {name} = {terms}", "{name} 是其他输入的线性函数：{name} = {terms}"
    ),
    "dependent-inputs.cure": Both(
        "leave it out; of a set of columns with ones and zeros for kinds, one is always too many",
        "去掉它；一组表示类别的 0/1 列中总有一列是多余的",
    ),
    "constant-targets.class": Both(
        "every row has the same class {value:.0f}: there is nothing to learn", "每一行都是同一类别 {value:.0f}：没有什么可学"
    ),
    "constant-targets": Both(
        "every row has the same value {value:.4g} in {names}: there is nothing to learn",
        "{names} 在每一行都是 {value:.4g}：没有什么可学",
    ),
    "constant-targets.none": Both("the targets vary", "目标有变化"),
    "constant-targets.cure": Both(
        "check which column was taken for the target, and that the rows are not all of one kind",
        "检查目标列是否选对，以及各行是否同属一类",
    ),
    "target-among-inputs": Both(
        "the input {input} is the target {target} again: the fit has nothing to find",
        "输入 {input} 就是目标 {target}：没有什么需要拟合",
    ),
    "target-among-inputs.linear": Both(
        "the input {input} is the target {target} in other units ({target} = {terms}): the fit has nothing to find",
        "输入 {input} 就是换了单位的目标 {target}（{target} = {terms}）：没有什么需要拟合",
    ),
    "target-among-inputs.cure": Both(
        "leave {input} out, or name another column as the target", "去掉 {input}，或另选一列为目标"
    ),
    "given-target": Both(
        "the target {target} is a linear function of the inputs: {target} = {terms}",
        "目标 {target} 是输入的线性函数：{target} = {terms}",
    ),
    "given-target.cure": Both(
        "see whether {target} is the column that you mean: the last one is the target where none is named",
        "检查 {target} 是否是想要的目标列：未指明时取最后一列",
    ),
    "two-valued-target": Both(
        "the target {target} has two values only, {low:g} and {high:g}", "目标 {target} 只有两个值：{low:g} 和 {high:g}"
    ),
    "two-valued-target.cure": Both(
        "see whether it is the column that you mean: the last one is the target where none is named; for classes fit with "
        "task='classify'",
        "检查目标列是否选对：未指明时取最后一列；若是分类，请用 task='classify'",
    ),
    "contradictory-rows": Both(
        "rows with the same inputs differ in {target}, in {groups} places by more than the noise tells: by {size:.3g} at "
        "{where}",
        "输入相同的行 {target} 却不同，有 {groups} 处超出噪声：在 {where} 处相差 {size:.3g}",
    ),
    "contradictory-rows.cure": Both(
        "see whether these rows are right, and whether an input is missing that tells them apart",
        "检查这些行是否正确，以及是否缺少能区分它们的输入",
    ),
    "contradictory-rows.noise": Both(
        "rows with the same inputs differ in {target} by {floor:.3g} (standard deviation), {share} of its own: no function "
        "of these inputs can do better",
        "输入相同的行 {target} 相差 {floor:.3g}（标准差），是其自身标准差的 {share}：这些输入的任何函数都不可能更好",
    ),
    "contradictory-rows.noise.cure": Both(
        "expect an rmse of about that; if it is more than the noise should be, an input is missing",
        "均方根误差约为此值；若超过噪声应有的大小，则缺少某个输入",
    ),
    "repeated-places": Both(
        "{share} of the {part} rows have the inputs of training rows ({places} places, {rows} rows): their error tells "
        "of more rows there, not of new places",
        "{share} 的{part}行与训练行的输入相同（共 {places} 个位置，{rows} 行）：其误差只说明这些位置，不说明新位置",
    ),
    "repeated-places.missed": Both(
        "{share} of the {part} rows have the inputs of training rows ({places} places, {rows} rows): their error, rmse "
        "{rmse:.2g}, says nothing about new places; what the other places tell of one that is left out is off by {off:.2g}",
        "{share} 的{part}行与训练行的输入相同（共 {places} 个位置，{rows} 行）：其误差（均方根 {rmse:.2g}）不说明新位置；"
        "由其他位置推断被留出的位置，相差 {off:.2g}",
    ),
    "repeated-places.seen": Both(
        "{share} of the {part} rows have the inputs of training rows ({places} places, {rows} rows): there the rmse is "
        "{rmse:.2g}, at new places {off:.2g}",
        "{share} 的{part}行与训练行的输入相同（共 {places} 个位置，{rows} 行）：那里的均方根误差为 {rmse:.2g}，新位置为 {off:.2g}",
    ),
    "repeated-places.cure": _SPLIT,
    "part.test": Both("test", "测试"),
    "part.validation": Both("validation", "验证"),
    "part.training": Both("training", "训练"),
    "grid": Both(
        "the inputs form a grid of {shape} places: rows held out at random have all their neighbours in training, and "
        "between the lines of the grid nothing was measured",
        "输入构成 {shape} 的网格：随机留出的行四周都有训练行，网格线之间没有测量",
    ),
    "grid.agrees": Both(
        "the inputs form a grid of {shape} places; between its lines the fit is as interpolation says, to {off:.2g}",
        "输入构成 {shape} 的网格；在网格线之间拟合与插值一致，相差 {off:.2g}",
    ),
    "grid.coarse": Both(
        "the inputs form a grid of {shape} places, and the {part} rows (rmse {rmse:.2g}) are among them: between the "
        "lines the fit and interpolation differ by {off:.2g}, and no row tells which is right",
        "输入构成 {shape} 的网格，{part}行（均方根误差 {rmse:.2g}）也在其中：在网格线之间拟合与插值相差 {off:.2g}，"
        "没有数据说明哪个正确",
    ),
    "grid.cure": Both(
        "measure some rows between the lines, or hold out whole lines of the grid as data=Sampling(test=...)",
        "在网格线之间补测一些行，或把整条网格线作为 data=Sampling(test=...) 留出",
    ),
    "few-levels": Both(
        "{name} takes {levels} values only: what the fit gives between them was never compared with anything",
        "{name} 只取 {levels} 个值：它们之间的拟合值从未与任何数据比较",
    ),
    "few-levels.cure": Both(
        "ask the fit at these values only, or measure at some between them", "只在这些值处使用拟合，或在其间补测"
    ),
    "rows-in-order": Both(
        "the rows follow each other along a path through the inputs ({name}, in the order of the table): rows held out "
        "at random lie between their neighbours, so that their error says little about other paths",
        "各行沿输入空间中的一条路径依次排列（{name}，按表中顺序）：随机留出的行夹在相邻行之间，其误差很难说明其他路径",
    ),
    "rows-in-order.column": Both(
        "the rows are in the order of {name}: rows held out at random lie between their neighbours, so that their error "
        "says nothing about what comes after the last row",
        "各行按 {name} 的顺序排列：随机留出的行夹在相邻行之间，其误差不说明最后一行之后的情况",
    ),
    "rows-in-order.cure": Both(
        "hold out the last rows, data=Sampling(order=...), or whole stretches, data=Sampling(groups=...)",
        "用 data=Sampling(order=...) 留出最后若干行，或用 data=Sampling(groups=...) 留出整段的行",
    ),
    "few-rows-apart": Both(
        "the largest error is that of {count} {part} rows: one of {more} new rows is expected to exceed it, and the rmse "
        "is uncertain by {percent}",
        "最大误差来自 {count} 个{part}行：预计每 {more} 个新行中有一个会超过它，均方根误差的不确定度约 {percent}",
    ),
    "few-rows-apart.cure": Both(
        "hold out more rows, data=Sampling(split=(0.6, 0.2, 0.2)), or fit with several seeds and compare",
        "留出更多的行，data=Sampling(split=(0.6, 0.2, 0.2))，或用多个种子拟合并比较",
    ),
    "no-rows-apart": Both(
        "no row was held out: the error is that of the {count} rows it was fitted to, and says nothing about new ones",
        "没有留出任何行：误差来自用于拟合的 {count} 行，不说明新的行",
    ),
    "no-rows-apart.cure": Both(
        "hold rows out, data=Sampling(split=(0.8, 0.1, 0.1))", "留出一些行，data=Sampling(split=(0.8, 0.1, 0.1))"
    ),
    "logarithmic-inputs": Both(
        "{name} is positive and covers {decades:.2g} decades, {low:.3g} to {high:.3g}: the small values lie all in one "
        "spot",
        "{name} 为正，跨 {decades:.2g} 个数量级，从 {low:.3g} 到 {high:.3g}：较小的值都挤在一处",
    ),
    "logarithmic-inputs.cure": Both(
        'say that it is logarithmic, {name}={low:.3g}:{high:.3g}:log in the domain, or "log" as the third part of its '
        "interval",
        '说明它是对数变量：在范围中写 {name}={low:.3g}:{high:.3g}:log，或在区间的第三项写 "log"',
    ),
    "logarithmic-targets": Both(
        "{name} is positive and covers {decades:.2g} decades, {low:.3g} to {high:.3g}: a squared error hardly sees the "
        "small values",
        "{name} 为正，跨 {decades:.2g} 个数量级，从 {low:.3g} 到 {high:.3g}：平方误差几乎看不见较小的值",
    ),
    "logarithmic-targets.cure": Both(
        "if the relative error counts, fit it with target_scale='log'", "若看重相对误差，请用 target_scale='log' 拟合"
    ),
    "undersampled": Both(
        "{each:.3g} samples for each oscillation of the target ({seen}; {samples} samples)",
        "目标的每次振荡只有 {each:.3g} 个取样点（{seen}；共 {samples} 个取样点）",
    ),
    "and": Both("{one}, {other}", "{one}，{other}"),
    "undersampled.along": Both("{count:.3g} along {name}", "沿 {name} 有 {count:.3g} 次"),
    "undersampled.cure": Both(
        "take {needed} samples or more (data=Sampling(count=...)), or a smaller domain",
        "取 {needed} 个以上的点（data=Sampling(count=...)），或缩小范围",
    ),
    # --- training ---
    "such-as": Both(" than {lr:.3g}, such as {better:.1g}", "（低于 {lr:.3g}，例如 {better:.1g}）"),
    "such-as-higher": Both(" than {lr:.3g}, such as {better:.1g}", "（高于 {lr:.3g}，例如 {better:.1g}）"),
    "unnamed": Both("", ""),
    "learning-rate-too-high.not-finite": Both(
        "the training loss became {value} in epoch {epoch}", "训练损失在第 {epoch} 轮变为 {value}"
    ),
    "learning-rate-too-high.rose": Both(
        "the loss rose again: at the end it is {rose:.3g} times its lowest", "损失又升高了：结束时是最低值的 {rose:.3g} 倍"
    ),
    "learning-rate-too-high.zigzag": Both(
        "the loss zig-zags: up and down by a factor of {factor:.2g} from epoch to epoch",
        "损失来回跳动：每一轮上下变化 {factor:.2g} 倍",
    ),
    "learning-rate-too-high.spikes": Both(
        "the loss jumped to over {spike:g} times its size in {spikes} of {epochs} epochs",
        "{epochs} 轮中有 {spikes} 轮损失跳到 {spike:g} 倍以上",
    ),
    "learning-rate-too-high": Both(
        "the loss at the end is {rose:.3g} times its lowest", "结束时的损失是最低值的 {rose:.3g} 倍"
    ),
    "learning-rate-too-high.cure": _RATE,
    "learning-rate-too-low": Both(
        "the loss still fell steadily, by {fall} over the last fifth of the epochs, but in all only {fell:.2g} times",
        "损失仍在稳定下降，最后五分之一的轮数下降 {fall}，但总共只降低到 {fell:.2g} 分之一",
    ),
    "learning-rate-too-low.cure": Both(
        "a higher learning rate{rate}, or more epochs", "更高的学习率{rate}，或训练更多轮"
    ),
    "nothing-learned": Both(
        "the loss at the end is {left} of what the best constant would have: nothing much was learned",
        "结束时的损失是最好的常数的 {left}：几乎没有学到东西",
    ),
    "nothing-learned.cure": Both(
        "see to the other findings first; then another learning rate, a wider network, or more samples",
        "先看其他各项；然后换学习率、加宽网络或增加样本",
    ),
    "not-converged": Both(
        "the loss still fell steadily, by {fall} over the last fifth of the epochs",
        "损失仍在稳定下降，最后五分之一的轮数下降 {fall}",
    ),
    "not-converged.cure": Both("more epochs, or a higher learning rate", "训练更多轮，或提高学习率"),
    "progress.settled": Both("the loss had settled", "损失已经稳定"),
    "progress": Both("the loss at the end is {left} of a constant's", "结束时的损失是常数的 {left}"),
    "progress.cure": Both(
        "a wider or deeper network, more samples or more epochs, unless the rest is noise",
        "加宽或加深网络，增加样本或轮数，除非剩下的是噪声",
    ),
    "overfitting.ok": Both(
        "the validation loss at the end is {ratio:.3g} times the training loss",
        "结束时的验证损失是训练损失的 {ratio:.3g} 倍",
    ),
    "overfitting": Both(
        "the validation loss at the end is {ratio:.3g} times the training loss (it was lowest in epoch {best} of {epochs})",
        "结束时的验证损失是训练损失的 {ratio:.3g} 倍（共 {epochs} 轮，第 {best} 轮最低）",
    ),
    "overfitting.kept": Both(
        "the validation loss at the end is {ratio:.3g} times the training loss (it was lowest in epoch {best} of {epochs}, "
        "whose weights are kept)",
        "结束时的验证损失是训练损失的 {ratio:.3g} 倍（共 {epochs} 轮，第 {best} 轮最低，保留的是该轮的权重）",
    ),
    "overfitting.cure": Both(
        "more data, a smaller network, weight decay, dropout, or an earlier end (patience)",
        "增加数据，缩小网络，用权重衰减、dropout，或更早结束（早停）",
    ),
    "step-size": Both(
        "a step with lr={lr:.3g} changes these weights by {ratio} of their size; 0.1 % is usual",
        "lr={lr:.3g} 的一步使这些权重改变 {ratio}；通常为 0.1 %",
    ),
    "step-size.cure": Both(
        "a learning rate of {low:.1g} to {high:.1g}", "学习率取 {low:.1g} 到 {high:.1g}"
    ),
    "worse-than-constant": Both(
        "the loss is {loss:.3g}, {left:.3g} times that of the best constant output",
        "损失为 {loss:.3g}，是最好的常数输出的 {left:.3g} 倍",
    ),
    "worse-than-constant.cure": Both(
        "initialise the weights by their fan-in, the last layer's smaller, and scale inputs and targets",
        "按扇入初始化权重，最后一层更小，并缩放输入和目标",
    ),
    "training-broke-down": Both("{warning}", "{warning}"),
    "training-broke-down.cure": Both("follow the cause that it names", "按所指出的原因处理"),
    "training-note": Both("{warning}", "{warning}"),
    "training-note.cure": Both("see whether that matters to you", "看看是否与你有关"),
    # --- solvers ---
    "residuals": Both(
        "{stage} left residuals of {left:.2g} of the target's deviation at the training rows",
        "{stage} 在训练行上留下的残差是目标标准差的 {left:.2g} 倍",
    ),
    "residuals.cure": Both(
        "more units, another method, or more samples, unless the rest is noise",
        "增加单元、换方法或增加样本，除非剩下的是噪声",
    ),
    "large-output-weights": Both(
        "the absolute output weights sum to {norm:.3g} of the target's deviation; rounding in {dtype} may cost {cost:.2g} "
        "times what the residuals are",
        "输出权重绝对值之和是目标标准差的 {norm:.3g} 倍；{dtype} 的舍入误差可达残差的 {cost:.2g} 倍",
    ),
    "large-output-weights.cure": Both(
        "dtype='float64', a ridge, or more units, whose weights are smaller",
        "用 dtype='float64'、岭参数，或更多的单元（权重更小）",
    ),
    # --- the result ---
    "data-note": Both("{note}", "{note}"),
    "data-note.cure": Both("see whether that is meant so", "看看是否有意如此"),
    "tolerance-missed": Both(
        "the largest error measured is {most:.3g}, {times:.3g} times the tolerance {tol:g} that was asked for",
        "测得的最大误差为 {most:.3g}，是所要求的容差 {tol:g} 的 {times:.3g} 倍",
    ),
    "tolerance-missed.cure": Both(
        "more units, samples, epochs or time, or another method; a larger tolerance where the target has kinks or noise",
        "增加单元、取样点、轮数或时间，或换方法；目标有折点或噪声时放宽容差",
    ),
    "tolerance-met-narrowly": Both(
        "the largest error measured is {share} of the tolerance {tol:g}: between the points that were measured it may well "
        "be above it",
        "测得的最大误差是容差 {tol:g} 的 {share}：在未测量的点上很可能超过它",
    ),
    "tolerance-met-narrowly.cure": Both(
        "ask for a tolerance a little smaller than the one you need", "要求比实际需要略小的容差"
    ),
    "error-not-finite": Both(
        "the error that was measured is not finite: largest {most:g} at {where}, rmse {rmse:g}",
        "测得的误差不是有限的数：最大 {most:g}，位于 {where}，均方根 {rmse:g}",
    ),
    "error-not-finite.cure": Both(
        "the target or the network has no finite value there: take a smaller domain, or look at that place",
        "目标或网络在那里没有有限的值：缩小范围，或查看该处",
    ),
    "large-error": Both(
        "hardly anything was learned: the error (rmse {rmse:.3g}) is {share} of the size of the target",
        "几乎没有学到东西：误差（均方根 {rmse:.3g}）是目标大小的 {share}",
    ),
    "large-error.cure": Both(
        "more samples or units, another method, or a smaller domain: poles, jumps and very many oscillations are out of "
        "reach",
        "增加取样点或单元，换方法，或缩小范围：极点、跳变和极多的振荡无法拟合",
    ),
    "large-error.data": Both(
        "hardly anything was learned: the error (rmse {rmse:.3g}) is {share} of the size of the target",
        "几乎没有学到东西：误差（均方根 {rmse:.3g}）是目标大小的 {share}",
    ),
    "large-error.data.cure": Both(
        "see whether the right column is the target and whether the inputs tell of it; then more rows, more units, or "
        "another method, unless the rest is noise",
        "检查目标列是否选对、输入是否与它有关；再增加数据行或单元，或换方法，除非剩下的是噪声",
    ),
    "rows-far-off": Both(
        "a few rows are far off, and the rmse of {rmse:.3g} is theirs: half of the rows are missed by at most {median:.3g}, "
        "where half of the values differ by more than {varies:.3g} from their median",
        "少数行偏差很大，均方根误差 {rmse:.3g} 主要来自它们：一半的行误差不超过 {median:.3g}，而一半的取值与其中位数相差超过 "
        "{varies:.3g}",
    ),
    "rows-far-off.cure": Both(
        "see whether those rows are right: a slipped decimal point, a wrong sign, another unit; loss='huber' lets them "
        "count less",
        "检查这些行是否正确：小数点移位、符号错误、单位不同；用 loss='huber' 可以减小它们的影响",
    ),
    "large-error.output": Both(
        "of {name} hardly more than the mean was learned: R² is {r2:.2g}, and the mean alone has 0",
        "{name} 几乎只学到了平均值：R² 为 {r2:.2g}，只给出平均值时为 0",
    ),
    "large-error.output.cure": Both(
        "fit it by itself, or with more units or data, unless the rest is noise",
        "请单独拟合它，或增加单元或数据，除非剩下的是噪声",
    ),
    "jump-place": Both(
        "the target jumps, and a network is continuous: within a few roundings of the jump, as at {where}, it is off by "
        "up to {most:.3g}; the root mean square of all points is {rmse:.3g}",
        "目标有跳变，而网络是连续的：在离跳变处仅几个舍入误差的范围内（如 {where}），误差可达 {most:.3g}；"
        "所有点的均方根误差为 {rmse:.3g}",
    ),
    "jump-place.cure": Both(
        "nothing, unless values at the jump itself are needed: then ask the formula there",
        "无需处理；若需要跳变处本身的值，请直接用公式计算",
    ),
    "missed-place": Both(
        "the fit is off by {most:.3g} at {where}, {share} of the size of the target: a jump, a pole or a narrow peak was "
        "missed there",
        "拟合在 {where} 处相差 {most:.3g}，是目标大小的 {share}：那里有跳变、极点或窄峰未被拟合",
    ),
    "missed-place.cure": Both(
        "add points round it (Sampling(extra_box=...)), fit the pieces one by one, or take a smaller domain",
        "在其周围增加取样点（Sampling(extra_box=...)），分段拟合，或缩小范围",
    ),
    "unseen-error": Both(
        "where it was not trained its error (rmse {rmse:.3g}) is {times:.3g} times that at the training rows "
        "({trained:.3g})",
        "在未训练处的误差（均方根 {rmse:.3g}）是训练行上（{trained:.3g}）的 {times:.3g} 倍",
    ),
    "unseen-error.cure": Both(
        "more samples, a smaller network, or a ridge", "增加样本，缩小网络，或加岭参数"
    ),
    # --- the diagnosis ---
    "healthy": Both(
        "Nothing is wrong: {looked}, all as they should be.", "一切正常：{looked}，均无问题。"
    ),
    "well": Both("Nothing is wrong: {counts} among {looked}.", "没有问题：{looked}，其中 {counts}。"),
    "ill": Both("{counts}; {looked}.", "{counts}；{looked}。"),
    "looked": Both("{n} things looked at", "检查了 {n} 项"),
    "looked.one": Both("one thing looked at", "检查了 1 项"),
    "error": Both("{n} error", "{n} 个错误"),
    "errors": Both("{n} errors", "{n} 个错误"),
    "warning": Both("{n} warning", "{n} 个警告"),
    "warnings": Both("{n} warnings", "{n} 个警告"),
    "note": Both("{n} note", "{n} 条提示"),
    "notes": Both("{n} notes", "{n} 条提示"),
    "severity.error": Both("error", "错误"),
    "severity.warning": Both("warning", "警告"),
    "severity.note": Both("note", "提示"),
    "cure": Both("Cure: {cure}.", "处理办法：{cure}。"),
}  # fmt: skip

declare({PREFIX + code: words for code, words in WORDS.items()})

__all__ = ["PLACES", "PREFIX", "WORDS", "cure_of", "place_in", "tell"]
