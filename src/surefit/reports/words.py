"""All that a report says, in English and Chinese, by key; and what the doctor says, in Chinese."""

from __future__ import annotations

from typing import NamedTuple

from surefit.doctor.words import place_in
from surefit.sentences import Sentence


class Both(NamedTuple):
    """A sentence in the two languages; {names} are filled in."""

    en: str
    zh: str


WORDS: dict[str, Both] = {
    # headings
    "report": Both("Fit report", "拟合报告"),
    "function": Both("Function", "函数定义"),
    "data": Both("Data", "数据"),
    "model": Both("Model", "模型"),
    "training": Both("Training", "训练"),
    "result": Both("Result", "结果"),
    "certificate": Both("Certificate", "误差保证"),
    "diagnosis": Both("Diagnosis", "诊断"),
    "reproduce": Both("How to reproduce", "如何复现"),
    "contents": Both("Contents", "目录"),
    "made": Both("Written by surefit {version}.", "由 surefit {version} 生成。"),
    # the verdict
    "verdict": Both(
        "The largest error found is {size} at {where}. It was measured on {n} {on}.",
        "测得的最大误差为 {size}，位于 {where}。它是在 {n} 个{on}上测量的。",
    ),
    "verdict-estimated": Both(
        "The root mean square error is estimated as {rmse}: {n} {on} tell it. The largest miss of these is {size} at "
        "{where}.",
        "均方根误差估计为 {rmse}，由 {n} 个{on}得出；其中最大的偏差为 {size}，位于 {where}。",
    ),
    "verdict-range": Both(
        "The true root mean square lies between {low} and {high} in {level:.0%} of such fits.",
        "在此类拟合中，有 {level:.0%} 的真实均方根误差在 {low} 到 {high} 之间。",
    ),
    "verdict-reached-estimated": Both(
        "The tolerance {tol} that was asked for is reached, as far as the rows can tell.",
        "所要求的容差 {tol} 已达到（就这些行所能说明而言）。",
    ),
    "verdict-reached": Both(
        "The tolerance {tol} that was asked for is reached, as far as measuring can tell.",
        "所要求的容差 {tol} 已达到（就测量所及而言）。",
    ),
    "verdict-reached-proved": Both(
        "The tolerance {tol} that was asked for is reached at every point, which is proved.",
        "所要求的容差 {tol} 在每一点上都已达到，并已证明。",
    ),
    "verdict-missed": Both("The tolerance {tol} that was asked for is NOT reached.", "所要求的容差 {tol} 未达到。"),
    "verdict-interrupted": Both(
        "Training was interrupted; this is the best model up to then.", "训练被中断；这是中断前最好的模型。"
    ),
    "fresh points": Both("fresh points", "新取的点"),
    "test rows": Both("test rows", "测试行"),
    "validation rows": Both("validation rows", "验证行"),
    "rows left out one by one": Both("rows left out one by one", "逐一留出的行"),
    "rows left out in folds": Both("rows left out in folds", "分折留出的行"),
    "rows of groups left out": Both("rows of groups left out", "按组留出的行"),
    "training rows": Both("training rows", "训练行"),
    # classes
    "accuracy": Both("Accuracy", "准确率"),
    "log-loss": Both("Log loss (nats)", "对数损失（奈特）"),
    "calibration": Both("Calibration error: certainty against accuracy", "校准误差：置信度与准确率之差"),
    "true-class": Both("true class", "真实类别"),
    "confusion-caption": Both(
        "How many rows of each class (a line) were given which class (a column).",
        "每个真实类别（行）的样本被判为各类别（列）的数目。",
    ),
    "as-indicators": Both(
        "The network was fitted to a column for each class that is 1 for its rows and 0 for the others; the errors "
        "below are those of these columns.",
        "网络拟合的是每个类别的指示列：属于该类的行为 1，其余为 0；下面的误差是这些列的误差。",
    ),
    # function
    "function-formula": Both("The function that was fitted:", "被拟合的函数："),
    "function-callable": Both(
        "A Python function named {name} was fitted. Its code is not part of the fit, so it is not shown here.",
        "被拟合的是名为 {name} 的 Python 函数。它的代码不属于拟合结果，因此这里不显示。",
    ),
    "function-table": Both(
        "Measured data were fitted: {name}, {rows} rows. The function behind them is not known, so nothing can be said "
        "about the error between the rows.",
        "被拟合的是测量数据：{name}，共 {rows} 行。背后的函数未知，因此无法说明各行之间的误差。",
    ),
    "where": Both("It was fitted where", "拟合的范围是"),
    "in-text": Both("As text", "文本形式"),
    "inputs": Both("Inputs", "输入"),
    "outputs": Both("Outputs", "输出"),
    "otherwise": Both("otherwise", "其他情形"),
    "formula-too-long": Both("The formula is too long to be typeset:", "公式太长，无法排版："),
    # data
    "part": Both("part", "部分"),
    "rows": Both("rows", "行数"),
    "use": Both("used for", "用途"),
    "train": Both("training", "训练"),
    "validation": Both("validation", "验证"),
    "test": Both("test", "测试"),
    "train-use": Both("the weights are fitted to it", "权重据此拟合"),
    "validation-use": Both("it decides which epoch is the best", "据此决定哪一轮最好"),
    "validation-use-solver": Both(
        "the best epoch of Adam is chosen on it, if Adam is used", "若使用 Adam，据此选出其最佳的一轮"
    ),
    "test-use": Both("no part in training", "不参与训练"),
    "fresh-use": Both("no part in training; the error is measured on it", "不参与训练；误差在其上测量"),
    "fresh": Both("fresh points for the error", "测量误差的新点"),
    "sampling-given": Both("How the points were chosen:", "取点方式："),
    "sampling-default": Both(
        "The points were chosen by surefit's own defaults (a sampling plan was not given).",
        "取点采用 surefit 的默认方式（没有另给取样方案）。",
    ),
    "sampling-unknown": Both("How the points were chosen is not recorded in this file.", "此文件没有记录取点方式。"),
    "dropped": Both(
        "{count} points where the function is not finite were left out.", "函数值非有限的 {count} 个点被略去。"
    ),
    "sample-only": Both(
        "The file keeps the first {kept} of {rows} training rows; numbers and pictures of the data below are of these.",
        "文件只保留 {rows} 行训练数据中的前 {kept} 行；下面关于数据的数字和图都只针对这些行。",
    ),
    "column": Both("column", "列"),
    "least": Both("least", "最小值"),
    "most": Both("greatest", "最大值"),
    "mean": Both("mean", "平均值"),
    "deviation": Both("deviation", "标准差"),
    "named": Both("{name}: {text}", "{name}：{text}"),
    "data-caption-train": Both("The data that the network was trained on.", "训练数据。"),
    "data-caption": Both("The data that the network was trained on, and the test data.", "训练数据与测试数据。"),
    "training-values": Both("Training data in numbers", "训练数据的统计"),
    # model
    "model-mlp": Both(
        "A multilayer perceptron, {sizes}, with {parameters} parameters in {dtype}:",
        "多层感知机 {sizes}，共 {parameters} 个参数，类型 {dtype}：",
    ),
    "model-other": Both(
        "{what}: {parameters} parameters in {dtype}. It is no plain stack of layers, so it has no short formula.",
        "{what}：共 {parameters} 个参数，类型 {dtype}。它不是简单的逐层结构，因此没有简短的公式。",
    ),
    "model-program": Both(
        "{what}: {parameters} parameters in {dtype}. The model file holds it as a recorded computation; the class that "
        "it was made from is not in the file.",
        "{what}：共 {parameters} 个参数，类型 {dtype}。模型文件以记录下来的计算保存它；原来的类不在文件中。",
    ),
    "layer": Both("layer", "层"),
    "kind": Both("kind", "类型"),
    "output": Both("output", "输出"),
    "parameters": Both("parameters", "参数"),
    "total": Both("total", "合计"),
    "network": Both("network", "网络"),
    "diagram-caption": Both(
        "The network. A wide layer is shortened; its size stands below it.",
        "网络结构。宽层只画出一部分，层宽写在下方。",
    ),
    "structure-caption": Both(
        "How it is trained: layers, network, loss and optimiser.", "训练的结构：层、网络、损失和优化器。"
    ),
    "graph-caption": Both("The computation of one evaluation.", "一次求值的计算图。"),
    "scaling": Both(
        "Inputs are scaled before the network and outputs unscaled after it. This belongs to the model:",
        "输入在进入网络前缩放，输出在离开网络后还原。这属于模型的一部分：",
    ),
    "logarithms": Both(
        "What is scaled is the natural logarithm of {names}.",
        "缩放的是 {names} 的自然对数。",
    ),
    "no-scaling": Both("Inputs and outputs are not scaled.", "输入和输出都没有缩放。"),
    "shift": Both("shift", "平移"),
    "scale": Both("scale", "比例"),
    "structure-data": Both("{rows} rows, batches of {batch}", "{rows} 行，每批 {batch} 行"),
    "structure-rows": Both("{rows} rows", "{rows} 行"),
    # training
    "setting": Both("setting", "设置"),
    "value": Both("value", "值"),
    "method": Both("method", "方法"),
    "lr": Both("learning rate", "学习率"),
    "epochs": Both("epochs at most", "最多轮数"),
    "batch_size": Both("batch size", "批大小"),
    "schedule": Both("schedule of the learning rate", "学习率调度"),
    "patience": Both("patience (epochs)", "早停轮数"),
    "loss": Both("loss", "损失函数"),
    "weight_decay": Both("weight decay", "权重衰减"),
    "clip_norm": Both("limit of the gradient's norm", "梯度范数上限"),
    "momentum": Both("momentum", "动量"),
    "nesterov": Both("Nesterov momentum", "Nesterov 动量"),
    "betas": Both("betas", "betas"),
    "amsgrad": Both("AMSGrad", "AMSGrad"),
    "alpha": Both("alpha", "alpha"),
    "centered": Both("centred", "中心化"),
    "iterations": Both("iterations at most", "最多迭代次数"),
    "evaluations": Both("evaluations at most", "最多求值次数"),
    "draws": Both("how often new units were drawn", "重新抽取单元的次数"),
    "ridge": Both("ridge on the weights", "权重的岭参数"),
    "memory": Both("steps remembered", "记住的步数"),
    "stage": Both("what was kept", "保留的结果"),
    "solver": Both("solver", "求解器"),
    "units": Both("units", "单元数"),
    "gain": Both("gain of the units", "权重尺度"),
    "output_norm": Both("sum of the absolute output weights", "输出权重绝对值之和"),
    "jumps": Both("units that are a jump", "作为跳变的单元数"),
    "choice": Both("what was tried", "尝试过的方法"),
    "rounded": Both("rounded to float32 and solved again", "舍入到 float32 后重新求解"),
    "solve_output": Both("solves the output layer at the end", "结束时求解输出层"),
    "restarts": Both("networks trained, of which this is the best", "训练的网络数（此为最佳）"),
    "best_weights": Both("keeps the best epoch's weights", "保留最佳轮的权重"),
    "scaled": Both("scales inputs and outputs", "缩放输入和输出"),
    "yes": Both("yes", "是"),
    "no": Both("no", "否"),
    "none": Both("none", "无"),
    "done": Both(
        "{epochs} epochs, {steps} steps, {seconds} s in all.", "共 {epochs} 轮、{steps} 步，用时 {seconds} 秒。"
    ),
    "done-solver": Both(
        "{epochs} iterations, {steps} evaluations of all rows, {seconds} s in all.",
        "共 {epochs} 次迭代、{steps} 次全体求值，用时 {seconds} 秒。",
    ),
    "best-solver": Both("The network that was kept is that of iteration {epoch}.", "保留的是第 {epoch} 次迭代的网络。"),
    "best": Both("The best epoch was {epoch}.", "最佳的是第 {epoch} 轮。"),
    "stopped": Both("Why it ended: {reason}.", "结束原因：{reason}。"),
    "no-history": Both("The losses by epoch are not known: none were recorded.", "各轮的损失未知：没有记录。"),
    "loss-caption": Both(
        "Losses by epoch, in scaled units; the learning rate below if it changes.",
        "各轮的损失（缩放后的单位）；学习率变化时画在下方。",
    ),
    "loss-caption-solver": Both("Errors by iteration, in scaled units.", "各次迭代的误差（缩放后的单位）。"),
    "snapshots-caption": Both(
        "The fit at some epochs, from before training to the weights that were kept.",
        "若干轮时的拟合，从训练前到保留的权重。",
    ),
    "player-caption": Both(
        "The training as a film: press play, or move the slider.", "训练过程的动画：点击播放，或拖动滑块。"
    ),
    "film-caption": Both("The training as a film.", "训练过程的动画。"),
    "no-film": Both(
        "How the fit changed during training was not recorded; surefit.fit(..., callbacks=[surefit.Snapshots()]), or "
        "surefit fit --out DIR, records it.",
        "没有记录训练过程中拟合的变化；用 surefit.fit(..., callbacks=[surefit.Snapshots()]) 或 surefit fit --out DIR "
        "可以记录。",
    ),
    # result
    "measure": Both("measure", "指标"),
    "max-error": Both("largest |error|", "最大|误差|"),
    "at": Both("at", "位于"),
    "rmse": Both("root mean square error", "均方根误差"),
    "relative-l2": Both("relative L2 error", "相对 L2 误差"),
    "measured-on": Both("measured on", "测量于"),
    "estimated-from": Both("estimated from", "估计自"),
    "teacher": Both("teacher", "教师"),
    "points-on": Both("{n} {on}", "{n} 个{on}"),
    "points-chose": Both("{n} {on}, which also chose the network", "{n} 个{on}，它们也用于选定网络"),
    "points-left-out": Both(
        "; at {count} more points the target is not finite", "；另有 {count} 个点处目标不是有限的数"
    ),
    "output-errors": Both("The errors of each output, in its own units.", "每个输出的误差，以其自身的单位计。"),
    "r2": Both("R²", "R²"),
    "tolerance": Both("tolerance", "容差"),
    "reached-estimated": Both("{tol}, reached (estimated)", "{tol}，已达到（估计）"),
    "missed-estimated": Both("{tol}, NOT reached (estimated)", "{tol}，未达到（估计）"),
    "reached-proved": Both("{tol}, reached (proved)", "{tol}，已达到（已证明）"),
    "missed-proved": Both("{tol}, NOT reached (proved)", "{tol}，未达到（已证明）"),
    "reached": Both("{tol}, reached (measured)", "{tol}，已达到（测量）"),
    "missed": Both("{tol}, NOT reached (measured)", "{tol}，未达到（测量）"),
    "not-asked": Both("none was asked for", "没有要求"),
    "fit-caption": Both("Fit and target, and the error between them.", "拟合与目标，以及两者之差。"),
    "fit-data-caption": Both("Fit and data, and the error between them.", "拟合与数据，以及两者之差。"),
    "fit-classes-caption": Both(
        "Which class is the likeliest and how likely, or which classes were taken for which.",
        "最可能的类别及其概率，或各类别被判为哪一类。",
    ),
    "error-caption": Both("Where the error is large.", "误差大的地方。"),
    "surface-caption": Both("The fit as a surface.", "拟合曲面。"),
    # certificate
    "certificate-proved": Both(
        "Proved: at every point of the domain the error is at most {upper}, {mode}; it is at least {lower} at {at}.",
        "已证明：在定义域的每一点，误差不超过 {upper}（{mode}）；在 {at} 处误差至少为 {lower}。",
    ),
    "certificate-lower": Both(
        "Proved: the error is at least {lower} at {at}, {mode}. No upper bound was found in the time that was given.",
        "已证明：在 {at} 处误差至少为 {lower}（{mode}）。在给定的时间内没有找到上界。",
    ),
    "certificate-elsewhere": Both("The error meant is that {what}.", "这里的误差{what}。"),
    "certificate-output": Both("output", "输出"),
    "certificate-bound": Both("|error| at most", "|误差| 不超过"),
    "certificate-rests": Both(
        "The proof speaks of the model with SHA-256 {model}... and rests on: {assuming}.",
        "该证明针对 SHA-256 为 {model}… 的模型，并依据：{assuming}。",
    ),
    "no-certificate-quantiles": Both(
        "Nothing is proved about these quantiles: how many values lie below them was counted.",
        "这些分位数没有经过证明：低于它们的值所占比例是统计得来的。",
    ),
    "no-certificate": Both(
        "Nothing is proved about this fit. Its error was measured: the largest |error| found, {size}, is a lower bound "
        "of the true maximum, which may be larger between the points.",
        "这个拟合没有任何被证明的结论。误差是测量得到的：找到的最大|误差| {size} 只是真实最大值的下界，"
        "点与点之间可能更大。",
    ),
    "no-certificate-estimated": Both(
        "Nothing is proved about this fit, and nothing was measured on new rows. Its error is estimated: all rows were "
        "fitted, and each was left out in turn. The largest miss, {size}, says little of places that no row is near.",
        "这个拟合没有任何被证明的结论，也没有在新的行上测量。误差是估计得到的：所有行都用于拟合，并逐一留出。"
        "最大的偏差 {size} 对于附近没有行的地方说明不了什么。",
    ),
    # diagnosis
    "severity": Both("severity", "程度"),
    "seen": Both("what was seen", "观察到的情况"),
    "number": Both("number", "数值"),
    "cure": Both("cure", "处理办法"),
    "error": Both("error", "错误"),
    "warning": Both("warning", "警告"),
    "note": Both("note", "提示"),
    "healthy": Both(
        "Nothing is wrong: {count} things looked at, all as they should be.", "一切正常：检查了 {count} 项，均无问题。"
    ),
    "findings": Both(
        "Worth a word: {found} of {count} things looked at.", "检查了 {count} 项，其中 {found} 项需要说明："
    ),
    "no-diagnosis": Both("This network could not be examined: {why}", "无法检查此网络：{why}"),
    # reproduce
    "with-config": Both("With the settings below in a file run.toml, the command", "把下面的设置存为 run.toml，用命令"),
    "makes-it": Both("makes this model again.", "可以重新得到此模型。"),
    "with-python": Both("In Python:", "用 Python："),
    "missing": Both(
        "Not recorded, because it has no text, and to be supplied: {names}.",
        "以下内容没有文本形式、未被记录，需自行提供：{names}。",
    ),
    "no-call": Both(
        "The file does not record how the fit was called; settings above are those that it does hold.",
        "文件没有记录拟合的调用方式；上文的设置是文件中确有的内容。",
    ),
    "time-limit": Both("Where its time limit ends a run depends on the machine.", "时间限制在何处结束训练取决于机器。"),
    "seed": Both("seed", "随机种子"),
    "surefit": Both("surefit", "surefit"),
    "python": Both("Python", "Python"),
    "numpy": Both("NumPy", "NumPy"),
    "machine": Both("machine", "机器"),
    "unknown": Both("not recorded", "未记录"),
    "seed-note": Both(
        "One seed gives the same result on one machine with the same versions; elsewhere the last digits may differ.",
        "同一种子在同一台机器、相同版本下给出同样的结果；在别处末几位可能不同。",
    ),
    # the card
    "card-target": Both("target", "目标"),
    "card-domain": Both("domain", "范围"),
    "card-data": Both("data", "数据"),
    "card-network": Both("network", "网络"),
    "card-method": Both("method", "方法"),
    "card-training": Both("training", "训练"),
    "card-restarts": Both("restarts", "重复训练"),
    "card-stopped": Both("stopped", "结束原因"),
    "card-max": Both("max |error|", "最大|误差|"),
    "card-periodic": Both("periodic", "周期性"),
    "card-period": Both("{name} after {period}", "{name} 的周期为 {period}"),
    "card-turns": Both(
        "{how}: the network is given cosine and sine of the angle", "{how}：网络的输入是该角的余弦和正弦"
    ),
    "card-monotone": Both("monotone", "单调性"),
    "card-rises": Both("rises with {names}", "随 {names} 上升"),
    "card-falls": Both("falls with {names}", "随 {names} 下降"),
    "card-signs": Both(
        "{how} at every point: proved by the signs of all weights", "{how}，处处成立：由全部权重的符号证明"
    ),
    "card-no-signs": Both("asked for, and not proved", "有此要求，但未能证明"),
    "card-pinball": Both("pinball loss", "分位数损失"),
    "card-pinball-of": Both(
        "{loss} in the units of the target, {gain:.1%} below that of constants (mean over {n} {on})",
        "{loss}（目标单位），比常数低 {gain:.1%}（{n} 个{on}的平均）",
    ),
    "card-coverage": Both("coverage", "覆盖率"),
    "card-rmse": Both("rmse", "均方根误差"),
    "card-status": Both("status", "状态"),
    "card-warning": Both("warning", "警告"),
    "card-best": Both(", best {unit} {number}", "，最佳{unit} {number}"),
    "card-epoch": Both("epoch", "轮次"),
    "card-iteration": Both("iteration", "迭代"),
    "card-last-weights": Both(", weights of the last", "，保留最后的权重"),
    "card-dropped": Both("; {count} points not finite, left out", "；{count} 个非有限的点被略去"),
    "card-dropped-one": Both("; {count} point not finite, left out", "；{count} 个非有限的点被略去"),
    "card-sizes": Both("{count} {part}", "{part} {count}"),
    "card-added": Both(" ({count} added where the error was largest)", "（其中 {count} 个加在误差最大处）"),
    "card-gradients": Both(", with gradients", "，含梯度"),
    "card-window": Both(
        ", shuffled {window} at a time",
        "，每次打乱 {window} 行",
    ),
    "card-parts": Both(
        "; read in parts by a process of at most {memory} GiB, a sample of {sample} rows kept",
        "；分块读取，进程内存至多 {memory} GiB，保留 {sample} 行样本",
    ),
    "card-in": Both("{work} in {time}{best}", "{work}，用时 {time}{best}"),
    "card-error": Both(
        "{rmse} in the units of {outputs}{r2}, relative L2 {l2}", "{rmse}（{outputs} 的单位）{r2}，相对 L2 {l2}"
    ),
    "card-range": Both(
        "{rmse} ({low} to {high} in {level:.0%} of such fits)",
        "{rmse}（此类拟合的 {level:.0%} 在 {low} 到 {high} 之间）",
    ),
    "card-r2": Both(", R² {r2}", "，R² {r2}"),
    "card-output": Both(
        "max |error| {size}, rmse {rmse}, in its units{r2}", "最大|误差| {size}，均方根误差 {rmse}（其自身的单位）{r2}"
    ),
    "card-more-outputs": Both("and {count} more outputs, of larger R²", "另有 {count} 个 R² 更大的输出"),
    "card-more": Both("{shown} and {count} more", "{shown} 等，另有 {count} 个"),
    "card-from": Both("{target}: {outputs} from {inputs}", "{target}：由 {inputs} 得 {outputs}"),
    "card-noise": Both(", each with its own noise", "，各行噪声已知"),
    "card-order": Both("; the last in their order are held out", "；按顺序留出最后的行"),
    "card-groups": Both("; whole groups are held out", "；按整组留出"),
    "card-logarithmic": Both(", fitted in its logarithm", "，拟合其对数"),
    "card-relative": Both("relative error", "相对误差"),
    "card-factor": Both("{size} (root mean square of the difference of the logarithms)", "{size}（对数之差的均方根）"),
    "card-weights": Both("{network}, {count} parameters, {dtype}", "{network}，{count} 个参数，{dtype}"),
    "card-rounded": Both(", rounded to float32 and solved again", "，舍入到 float32 后重新求解"),
    "card-tried": Both(" (tried: {choice})", "（试过：{choice}）"),
    "card-auto": Both("auto: {stage}", "自动：{stage}"),
    "card-batch": Both("batch {batch}", "批大小 {batch}"),
    "card-loss": Both("loss {loss}", "损失 {loss}"),
    "card-solved-output": Both("output layer solved at the end", "结束时求解输出层"),
    "card-solver-work": Both(
        "{epochs} iterations, {steps} evaluations of all rows", "{epochs} 次迭代，{steps} 次全体求值"
    ),
    "card-work": Both("{epochs} epochs, {steps} steps", "{epochs} 轮，{steps} 步"),
    "card-measured": Both("measured, no tolerance asked", "测量所得，没有要求容差"),
    "card-estimated": Both("estimated, no tolerance asked", "估计所得，没有要求容差"),
    "card-reached": Both("tolerance {tol} reached ({how})", "容差 {tol} 已达到（{how}）"),
    "card-missed": Both("tolerance {tol} NOT reached ({how})", "容差 {tol} 未达到（{how}）"),
    "status-measured": Both("measured", "测量所得"),
    "status-estimated": Both("estimated", "估计所得"),
    "card-teacher": Both("teacher", "教师模型"),
    "card-seed": Both("{status}, seed {seed}", "{status}，随机种子 {seed}"),
    "card-seconds": Both("{seconds} s", "{seconds} 秒"),
    "card-compiling": Both("{seconds} s and {compiling} s of compiling", "{seconds} 秒，另编译 {compiling} 秒"),
    "card-networks": Both("the best of {count} networks, {what} {shown}", "{count} 个网络中最好的，{what} {shown}"),
    "card-errors": Both("errors", "误差"),
    "card-deviations": Both("errors in deviations of the target", "以目标标准差为单位的误差"),
    "card-certificate": Both("certificate", "误差保证"),
    "card-hinges": Both("hinges", "折点"),
    "card-hinges-minimal": Both(
        "{hinges}, and no piecewise-linear function within {tol} has fewer (proved)",
        "{hinges} 个，误差不超过 {tol} 的分段线性函数不可能更少（已证明）",
    ),
    "card-hinges-pieces": Both(
        "{hinges} in {pieces} functions of one number, which need {least} or more for their shares (proved)",
        "{hinges} 个，分属 {pieces} 个一元函数；按各自分得的误差至少需要 {least} 个（已证明）",
    ),
    "card-hinges-more": Both(
        "{hinges}, and every piecewise-linear function within {tol} has {least} or more (proved)",
        "{hinges} 个，误差不超过 {tol} 的分段线性函数至少有 {least} 个（已证明）",
    ),
    "card-proved-reached": Both("tolerance {tol} reached (proved)", "容差 {tol} 已达到（已证明）"),
    "card-proved-missed": Both("tolerance {tol} NOT reached (proved)", "容差 {tol} 未达到（已证明）"),
    "card-evaluations": Both("{count} evaluations", "求值 {count} 次"),
    "card-evaluations-of": Both("{count} of {budget} evaluations", "求值 {count} 次（最多 {budget} 次）"),
    "card-failed": Both(", {count} failed", "，{count} 次失败"),
    "card-resumed": Both(", {count} from the log", "，{count} 次取自日志"),
    "card-classes": Both("classes", "类别"),
    "card-accuracy": Both("accuracy", "准确率"),
    "card-right": Both("right", "正确"),
    "card-right-of": Both("{name} {right} of {all}", "{name} {all} 个中 {right} 个"),
    "card-log-loss": Both("log loss", "对数损失"),
    "card-calibration": Both("{loss}, calibration error {calibration}", "{loss}，校准误差 {calibration}"),
    "card-columns": Both("columns", "列"),
    "card-constant": Both(" (constant)", "（常数）"),
    # the report itself
    "latin-labels": Both(
        "No font with Chinese characters is installed here, so the labels inside pictures are in English.",
        "本机没有安装中文字体，因此图中的标注为英文。",
    ),
    "latin-film": Both(
        "No font with Chinese characters is installed here, so the labels inside the film are in English.",
        "本机没有安装中文字体，因此动画中的标注为英文。",
    ),
    "no-picture": Both("This picture could not be drawn: {why}", "此图无法绘制：{why}"),
}


class Speech:
    """The words of one language: `say("best", epoch=3)`."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, key: str, **values: object) -> str:
        text = getattr(WORDS[key], self.lang)
        return text.format(**values) if values else text

    def known(self, word: str) -> str:
        """The word if it is a key, else itself."""
        return self(word) if word in WORDS else word

    def sentence(self, text: str) -> str:
        """What a fit says about itself, in this language; a plain text, such as a user's warning, as it is."""
        return text.said(self.lang) if isinstance(text, Sentence) else text

    def place(self, where: str) -> str:
        """Where a finding is."""
        return place_in(where, self.lang)

    def finding(self, message: str, cure: str) -> tuple[str, str]:
        """What a finding means and its cure."""
        meaning, help_ = (s.said(self.lang) if isinstance(s, Sentence) else s for s in (message, cure))
        return meaning, help_
