"""What a fit says about itself: sentences with a code and values, which can be said in either language.

Whoever decides something makes the sentence where it is decided, `say("time", time=5.0)`. It is an ordinary text, in
English, and remembers its code and values: pages in Chinese ask for `.said("zh")`, programs compare `.code`. Nothing
parses a sentence.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from surefit.errors import ArgumentError

LANGUAGES = ("en", "zh")


def check_language(name: str) -> str:
    """The name, if it is one of LANGUAGES. ArgumentError otherwise."""
    if name not in LANGUAGES:
        raise ArgumentError(f"lang={name!r} must be 'en' or 'zh'")
    return name


def columns(text: str) -> int:
    """Width of a text in columns of a fixed-width font: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Both(NamedTuple):
    """A sentence in the two languages; {names} are filled in."""

    en: str
    zh: str


class Sentence(str):
    """A text in English that knows its code and values, which are plain: a number of NumPy's is one of Python's here.

    >>> say("epochs-done", epochs=30), say("epochs-done", epochs=30).said("zh")
    ('all 30 epochs done', '30 轮全部完成')
    """

    code: str
    values: dict[str, Any]

    def __new__(cls, text: str, code: str = "", values: dict[str, Any] | None = None) -> Sentence:
        self = super().__new__(cls, text)
        self.code = code
        self.values = {k: v.item() if getattr(v, "shape", None) == () else v for k, v in (values or {}).items()}
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (str(self), self.code, self.values)  # so that it pickles and copies

    def said(self, lang: str) -> str:
        """The sentence in "en" or "zh"; a text without a code as it is."""
        if lang == "en" or self.code not in SENTENCES:
            return str(self)
        values = {k: v.said(lang) if isinstance(v, Sentence) else v for k, v in self.values.items()}
        return SENTENCES[self.code].zh.format(**values)

    def to_dict(self) -> dict[str, Any]:
        """The sentence as plain data, for files; `from_dict` reads it. JSON has no infinity: {"number": "inf"}."""
        return {"text": str(self), "code": self.code, "values": {k: _plain(v) for k, v in self.values.items()}}


def say(code: str, **values: Any) -> Sentence:
    """The sentence of a code of `SENTENCES`, with its values."""
    return Sentence(SENTENCES[code].en.format(**values), code, values)


def both(en: str, zh: str) -> Sentence:
    """A text that is made in both languages where it stands, for what is said in one place only.

    >>> both(f"{2} units", f"{2} 个单元").said("zh")
    '2 个单元'
    """
    return say("both", en=en, zh=zh)


def zh(text: str) -> str:
    """A text in Chinese where it can be said so, else as it is: a name, a formula, a number."""
    return text.said("zh") if isinstance(text, Sentence) else text


def joined(parts: Iterable[str], between: tuple[str, str] = (", ", "，")) -> Sentence:
    """Texts after each other, in both languages; between: what stands between two of them in English and Chinese.

    >>> joined(["f1", both("all", "全部")]), joined(["f1", both("all", "全部")]).said("zh")
    ('f1, all', 'f1，全部')
    """
    parts = list(parts)
    return both(between[0].join(parts), between[1].join(map(zh, parts)))


def from_dict(data: Any) -> Sentence:
    """What `Sentence.to_dict` gave, or a bare text (of an old file); a Sentence as it is."""
    if isinstance(data, str):
        return data if isinstance(data, Sentence) else Sentence(data)
    return Sentence(data["text"], data["code"], {k: _value(v) for k, v in data["values"].items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Sentence):
        return value.to_dict()
    return {"number": str(value)} if isinstance(value, float) and not math.isfinite(value) else value


def _value(data: Any) -> Any:
    if data is None:  # what files of before this version have for a number that JSON has not
        return math.nan
    if isinstance(data, dict):
        return float(data["number"]) if "number" in data else from_dict(data)
    return data


def declare(sentences: Mapping[str, Both]) -> None:
    """Add the sentences of a room to the table. ArgumentError: a code says something else already."""
    for code, both in sentences.items():
        if SENTENCES.setdefault(code, both) != both:
            raise ArgumentError(f"the sentence {code!r} is declared twice: {SENTENCES[code].en!r} and {both.en!r}")


SENTENCES: dict[str, Both] = {
    "both": Both("{en}", "{zh}"),  # what `both` makes
    # why an attempt or a fit ended
    "epochs-done": Both("all {epochs} epochs done", "{epochs} 轮全部完成"),
    "parts-done": Both(
        "all {epochs} epochs done, in {parts} parts with points added between them",
        "{epochs} 轮全部完成，分为 {parts} 段，段间在误差大处增加了点",
    ),
    "callback": Both("stopped by a callback", "由回调函数停止"),
    "halted": Both("stopped from outside; the best so far is kept", "从外部停止；保留此前最好的结果"),
    "tolerance": Both("the tolerance was reached", "已达到容差"),
    "tolerance-proved": Both("the tolerance was reached, and proved", "已达到容差，并已证明"),
    "not-proved": Both(
        "the tolerance holds where the error was measured, but was not proved everywhere; the best is kept",
        "在测量误差的点上满足容差，但未能证明处处满足；保留最好的结果",
    ),
    "unprovable": Both("nothing is proved of this network: {why}", "无法对这个网络作出证明：{why}"),
    "unprovable-undefined": Both(
        "nothing is proved: the target may have no finite value for {where}",
        "没有证明：目标在 {where} 处可能没有有限的值",
    ),
    "added-where-proved": Both("points were added where the proved bound is largest", "在已证明的界最大之处增加了点"),
    "time": Both("time={time:g} s used up", "{time:g} 秒的时间已用完"),
    "patience": Both("no better loss for {patience} epochs (patience)", "连续 {patience} 轮损失没有改善（早停）"),
    "interrupted": Both("interrupted; the best network so far is kept", "被中断；保留此前最好的网络"),
    "interrupted-epoch": Both(
        "interrupted in epoch {epoch}; the best weights so far are kept", "在第 {epoch} 轮被中断；保留此前最好的权重"
    ),
    "not-finite": Both(
        "the loss was not finite in epoch {epoch}; the best weights (epoch {best}) are kept",
        "第 {epoch} 轮损失不再有限；保留最好的权重（第 {best} 轮）",
    ),
    "evaluations": Both("all {evaluations} evaluations were used", "{evaluations} 次求值已全部用完"),
    "good-enough": Both(
        "the error is below {share:.3g} of the largest value, and no tolerance was asked for",
        "误差已低于最大值的 {share:.3g} 倍，而没有要求容差",
    ),
    "exact": Both("the error is 0: the target is 0 everywhere", "误差为 0：目标处处为 0"),
    "float32": Both(
        "this is what float32 can hold; dtype='float64' goes further",
        "这是 float32 所能达到的；dtype='float64' 可以更精确",
    ),
    "all-tried-tol": Both(
        "the tolerance was not reached by any method; the best is kept", "没有方法达到容差；保留最好的结果"
    ),
    "all-tried": Both(
        "what could have made it better was tried; the best is kept", "可能改进的方法都已试过；保留最好的结果"
    ),
    # certificates
    "proved-between": Both(
        "proved: max |error| <= {upper}, and >= {lower} at {place}",
        "已证明：最大|误差| <= {upper}，并且在 {place} 处 >= {lower}",
    ),
    "proved-below": Both(
        "proved: max |error| >= {lower} (at {place}); no upper bound was found",
        "已证明：最大|误差| >= {lower}（在 {place} 处）；没有找到上界",
    ),
    "proved-nothing": Both(
        "undefined: the target may have no finite value for {where}, so no bound is proved",
        "无定义：目标在 {where} 处可能没有有限的值，因此没有证明任何界",
    ),
    "assuming-arb": Both("the balls of Arb (python-flint) hold what they say", "Arb（python-flint）的球算术结果正确"),
    "assuming-ieee": Both(
        "+, -, *, / and sqrt of NumPy are those of IEEE 754, rounded to nearest; matrix products are sums of products",
        "NumPy 的 +、-、*、/ 和 sqrt 符合 IEEE 754，舍入到最近；矩阵乘积是乘积之和",
    ),
    "assuming-functions": Both(
        "NumPy's {names}: within {units} units in the last place (it documents 4; SciPy's erf, gamma and the like: {special})",
        "NumPy 的 {names}：误差不超过 {units} 个末位单位（其文档为 4；SciPy 的 erf、gamma 等：{special}）",
    ),
    "assuming-blocks": Both(
        "the model runs with sums taken in blocks of 16, each product and sum rounded apart",
        "模型运行时按 16 个一组求和，每次乘法和加法分别舍入",
    ),
    "assuming-any-order": Both("the model runs with sums taken in any order", "模型运行时可按任意次序求和"),
    "assuming-kernels": Both(
        "the kernels of {names} are as exact as their tests found them", "{names} 的计算核与其测试所得的精度一致"
    ),
    "assuming-numpy-kernels": Both(
        "the kernels of {names} are within 4 units in the last place", "{names} 的计算核误差不超过 4 个末位单位"
    ),
    "assuming-floats": Both(
        "wherever it runs the model gives the very numbers that it gave here; at {count} floats they were looked at one by "
        "one",
        "模型在任何机器上给出的数值与此处完全相同；其中 {count} 个浮点数处逐一核对",
    ),
    "proof-interrupted": Both(
        "interrupted: the bounds are those proved until then", "被中断：这些界是到那时为止已证明的"
    ),
    "proof-rounding": Both(
        "the rounding that must be allowed for is larger than the gap asked for", "必须计入的舍入误差大于所要求的间隙"
    ),
    "proof-undecided": Both("ended before the tolerance {tol:g} was decided", "在容差 {tol:g} 得到判定之前已结束"),
    "proof-gap": Both("ended before the gap {rtol:g} was reached", "在达到间隙 {rtol:g} 之前已结束"),
    # how large an error is, and what tells it
    "mode-deployed": Both("of the program as it runs, rounding included", "指实际运行的程序，含舍入"),
    "mode-real": Both("of the model in exact arithmetic on its stored numbers", "指按所存数值精确运算的模型"),
    "proof-elsewhere": Both(
        "of the target {target} on {box}, which is not what was fitted or not all of its domain",
        "指目标 {target}，范围 {box}；这不是所拟合的目标，或不是整个定义域",
    ),
    "error-fresh": Both(
        "{size} at {where} (measured on {n} fresh points)", "{size}，位于 {where}（在 {n} 个新取的点上测得）"
    ),
    "error-fresh-few": Both(
        "{size} at {where} (largest of {n} fresh points alone: between them it may well be larger)",
        "{size}，位于 {where}（仅 {n} 个新取的点中的最大值：在它们之间可能明显更大）",
    ),
    "error-test": Both(
        "{size} at {where} (largest of {n} test rows)", "{size}，位于 {where}（{n} 个测试行中的最大值）"
    ),
    "error-test-few": Both(
        "{size} at {where} (largest of {n} test rows: of {more} new rows one is expected to exceed it)",
        "{size}，位于 {where}（{n} 个测试行中的最大值：预计每 {more} 个新行中有一个会超过它）",
    ),
    "error-left-out": Both(
        "{size} at {where} (measured on {n} fresh points; {left_out} more, where the target is not finite, left out)",
        "{size}，位于 {where}（在 {n} 个新取的点上测得；另有 {left_out} 个点处目标不是有限的数，已略去）",
    ),
    "error-validation": Both(
        "{size} at {where} (largest of {n} validation rows, which also chose the network)",
        "{size}，位于 {where}（{n} 个验证行中的最大值；这些行也用于选定网络）",
    ),
    "error-training": Both(
        "{size} at {where} (largest of {n} training rows, which it was fitted to)",
        "{size}，位于 {where}（{n} 个训练行中的最大值；网络正是用这些行拟合的）",
    ),
    "error-estimated": Both(
        "{size} at {where} (estimated by leave-one-out: the largest of {n} rows)",
        "{size}，位于 {where}（逐行留一法估计：{n} 行中的最大值）",
    ),
    "error-folds": Both(
        "{size} at {where} (estimated by {folds}-fold cross-validation: the largest of {n} rows)",
        "{size}，位于 {where}（{folds} 折交叉验证估计：{n} 行中的最大值）",
    ),
    "error-groups": Both(
        "{size} at {where} (estimated by leaving out groups, in {folds} folds: the largest of {n} rows)",
        "{size}，位于 {where}（按组留出估计，共 {folds} 折：{n} 行中的最大值）",
    ),
    "folds-interrupted": Both(
        "cross-validation was interrupted after {done} of {folds} fits; the error is not its estimate",
        "交叉验证在 {folds} 次拟合中完成 {done} 次后中断；误差不是它的估计",
    ),
    "robust-asked": Both(
        "Huber's loss: rows that are far off count less; {far} of {rows} are over 10 deviations off",
        "Huber 损失：偏离大的行权重较小；{rows} 行中有 {far} 行偏离超过 10 个标准差",
    ),
    "robust-found": Both(
        "{far} of {rows} rows are over 10 deviations off and alone among their neighbours: they count less, as by Huber's "
        "loss (loss='mse' lets all count alike)",
        "{rows} 行中有 {far} 行偏离超过 10 个标准差，且在邻近的行中孤立：按 Huber 损失减小其权重（loss='mse' 使各行同等重要）",
    ),
    "robust-found-one": Both(
        "{far} of {rows} rows is over 25 deviations off and alone among its neighbours: it counts less, as by Huber's "
        "loss (loss='mse' lets all count alike)",
        "{rows} 行中有 {far} 行偏离超过 25 个标准差，且在邻近的行中孤立：按 Huber 损失减小其权重（loss='mse' 使各行同等重要）",
    ),
    # what taught a network, where rows are few
    "teacher": Both(
        "{what}; rmse {rmse:.3g} (estimated by leave-one-out from {n} rows); the network is {distance:.3g} away from it "
        "(rmse on {points} fresh points)",
        "{what}；均方根误差 {rmse:.3g}（由 {n} 行逐行留一法估计）；网络与其相距 {distance:.3g}（{points} 个新取的点上的均方根）",
    ),
    "teacher-measured": Both(
        "{what}; rmse {rmse:.3g} (measured on {n} validation rows); the network is {distance:.3g} away from it (rmse on "
        "{points} fresh points)",
        "{what}；均方根误差 {rmse:.3g}（在 {n} 个验证行上测得）；网络与其相距 {distance:.3g}（{points} 个新取的点上的均方根）",
    ),
    "teacher-process": Both("Gaussian process ({kernels})", "高斯过程（{kernels}）"),
    "teacher-effects": Both("{teacher} with {count} offsets", "{teacher}，另有 {count} 个偏移"),
    "teacher-processes": Both("mean of Gaussian processes ({kernels})", "高斯过程的平均（{kernels}）"),
    "teacher-process-of-logarithms": Both(
        "Gaussian process of the logarithm ({kernels})", "对数的高斯过程（{kernels}）"
    ),
    "teacher-processes-of-logarithms": Both(
        "mean of Gaussian processes of the logarithm ({kernels})", "对数的高斯过程的平均（{kernels}）"
    ),
    "teacher-processes-of-both": Both(
        "mean of Gaussian processes ({kernels}), of values and logarithms", "数值与对数的高斯过程的平均（{kernels}）"
    ),
    "stage-tabular": Both(
        "{members} networks for tables with {units}-{units} units", "{members} 个表格网络，各 {units}-{units} 个单元"
    ),
    "stage-tabular-linear": Both("mean of {members} linear functions", "{members} 个线性函数的平均"),
    "stage-trees": Both("{trees} boosted trees of depth {depth}", "{trees} 棵提升树，深度 {depth}"),
    "trees-done": Both(
        "after {trees} trees the error of the rows left out was the smallest", "{trees} 棵树之后，留出行的误差最小"
    ),
    "stage-share": Both("{share:.0%} {stage}", "{share:.0%} {stage}"),
    "stage-blend": Both("{first} + {rest}", "{first} + {rest}"),
    "teacher-polynomials": Both("sum of {terms} products of polynomials", "{terms} 个多项式乘积之和"),
    "stage-student": Both("{teacher}, distilled: {stage}", "{teacher}，蒸馏：{stage}"),
    "student-close": Both("the network is as close to its teacher as it need be", "网络与教师已足够接近"),
    "student-full": Both(
        "the network has as many parameters as it may have ({most}); it is as close to its teacher as these allow",
        "网络的参数已达上限（{most}）；它与教师的距离是这些参数所能达到的",
    ),
    "all-rows": Both(
        "all {rows} rows were fitted; left out one by one they tell how good it is",
        "全部 {rows} 行都用于拟合；逐行留一法给出其好坏",
    ),
    "all-rows-folds": Both(
        "all {rows} rows were fitted; left out in {folds} parts they tell how good it is",
        "全部 {rows} 行都用于拟合；分 {folds} 组留出给出其好坏",
    ),
    "single-row": Both("the only row was fitted", "唯一的一行已用于拟合"),
    "unlearned-row": Both(
        "one row tells the value at one place, and nothing of how it changes or how far off it is elsewhere: give more",
        "一行数据只说明一处的取值，不说明它如何变化，也不说明别处的误差：请提供更多行",
    ),
    "jumps-alone": Both(
        "it is off only where the target jumps, which no network can follow: nothing more was tried",
        "仅在目标跳变处有误差，任何网络都无法跟上：没有再尝试其他方法",
    ),
    "no-polynomials": Both(
        "{teacher}: rmse of rows left out in parts {error:.2g}, which is not less",
        "{teacher}：分组留出的行的均方根误差 {error:.2g}，并未更小",
    ),
    "no-adam-teacher": Both("Adam is left out: the rows are few", "略去 Adam：行数太少"),
    # a bad fit
    "unlearned-function": Both(
        "hardly anything was learned: the error is over half of the size of the target. Poles, jumps and very many "
        "oscillations are out of reach: try a smaller domain, more samples, more units, or another method",
        "几乎没有学到东西：误差超过目标大小的一半。极点、跳变和极多的振荡无法拟合：请缩小范围，增加取样点或单元，或换方法",
    ),
    "unlearned-classes": Both(
        "hardly anything was learned: the most frequent class alone is right as often. See whether the right column holds "
        "the classes and whether the inputs tell of them; then try more rows, more units, or another method",
        "几乎没有学到东西：总是回答最常见的类别也同样准确。请检查类别列是否正确、输入是否含有相关信息；再尝试更多行、更多单元或换方法",
    ),
    "classes-test": Both(
        "{accuracy} % of {n} test rows (95 % sure: {low} to {high} % of new ones); the most frequent class alone {base} %",
        "{n} 个测试行中的 {accuracy} %（新行 95 % 置信：{low} 至 {high} %）；总取最常见类别为 {base} %",
    ),
    "classes-folds": Both(
        "{accuracy} % of {n} rows, each by a fit that did not see it (95 % sure: {low} to {high} % of new ones); the "
        "most frequent class alone {base} %",
        "{n} 行中的 {accuracy} %，每行由未见过它的拟合判断（新行 95 % 置信：{low} 至 {high} %）；总取最常见类别为 {base} %",
    ),
    "classes-groups": Both(
        "{accuracy} % of {n} rows, each by a fit that saw nothing of its group; the most frequent class alone {base} %",
        "{n} 行中的 {accuracy} %，每行由未见过其所属组的拟合判断；总取最常见类别为 {base} %",
    ),
    "classes-left-out": Both(
        "{accuracy} % of {n} training rows, each left out in turn (95 % sure: {low} to {high} % of new ones); the most "
        "frequent class alone {base} %",
        "{n} 个训练行逐一留出，为 {accuracy} %（新行 95 % 置信：{low} 至 {high} %）；总取最常见类别为 {base} %",
    ),
    "classes-validation": Both(
        "{accuracy} % of {n} validation rows, which also chose the network; the most frequent class alone {base} %",
        "{n} 个验证行中的 {accuracy} %，这些行也用于选择网络；总取最常见类别为 {base} %",
    ),
    "classes-training": Both(
        "{accuracy} % of {n} training rows, which it was fitted to; the most frequent class alone {base} %",
        "{n} 个训练行中的 {accuracy} %，网络正是用这些行拟合的；总取最常见类别为 {base} %",
    ),
    "unlearned-data": Both(
        "hardly anything was learned: the error is over half of the size of the target. See whether the right column "
        "is the target and whether the inputs tell of it; then try more rows, more units, or another method, unless "
        "the rest is noise",
        "几乎没有学到东西：误差超过目标大小的一半。请检查目标列是否选对、输入是否与它有关；再增加数据行或单元，或换方法，"
        "除非剩下的是噪声",
    ),
    "few-far": Both(
        "a few rows are far off, and the rmse of {name} is theirs: half of the rows are missed by at most {median}, where "
        "half of the values differ by more than {varies} from their median. See whether the rows far off are right",
        "少数行偏差很大，{name} 的均方根误差主要来自它们：一半的行误差不超过 {median}，而一半的取值与其中位数相差超过 "
        "{varies}。请检查这些行是否正确",
    ),
    "unlearned-outputs": Both(
        "hardly more than the mean was learned (R² of {each}; the mean alone has 0): fit such outputs by themselves, "
        "or with more units or data, unless the rest is noise",
        "几乎只学到了平均值（R²：{each}；只给出平均值时为 0）：请单独拟合这些输出，或增加单元或数据，除非剩下的是噪声",
    ),
    "jump-place": Both(
        "the target jumps, and a network is continuous: within a few roundings of the jump, as at {where}, it is off by "
        "up to {size}; the root mean square of all points is {rmse}",
        "目标有跳变，而网络是连续的：在离跳变处仅几个舍入误差的范围内（如 {where}），误差可达 {size}；所有点的均方根误差为 {rmse}",
    ),
    "jump-unseen": Both(
        "where a condition changes the function may jump, and no point was measured there: within a few roundings of a "
        "jump the network, which is continuous, is off by up to its height",
        "条件改变之处函数可能有跳变，而那里没有测量点：在离跳变仅几个舍入误差的范围内，连续的网络的误差可达跳变的高度",
    ),
    "unlearned-place": Both(
        "the fit is off by {size} at {where}, over half of the size of the target: a jump, a pole or a narrow peak was "
        "missed there; add points round it (extra_box=), or fit the pieces one by one",
        "拟合在 {where} 处相差 {size}，超过目标大小的一半：那里有跳变、极点或窄峰未被拟合；"
        "请在其周围增加取样点（extra_box=），或分段拟合",
    ),
    # about the data
    "points-dropped": Both(
        "the target is not finite at {dropped} of {points} points; they were left out",
        "目标函数在 {points} 个点中的 {dropped} 个上不是有限的数；这些点已被略去",
    ),
    "values-rounded": Both(
        "at half of the points and more the roundings within the target may change its values by up to {size} and more, as "
        "where large terms cancel; what the fit is off by less than that is not counted: write the formula so that less "
        "cancels, or take the error as up to {size}",
        "在至少一半的点上，目标公式内部的舍入可使其值改变达 {size} 以上（例如大数相减）；小于它的偏差没有计入："
        "请改写公式以减少相消，或把误差视为可达 {size}",
    ),
    # why a solver ended, by its status
    "solver-gradient": Both(
        "The gradient is zero to within gtol: this is a stationary point, normally a minimum.",
        "梯度在 gtol 之内为零：这是驻点，通常是极小值。",
    ),
    "solver-cost": Both(
        "The last step lowered the cost by less than the fraction ftol of it, as the model predicted.",
        "最后一步使残差的降低小于 ftol 的比例，与模型的预计一致。",
    ),
    "solver-step": Both("The last step was shorter than the fraction xtol of x.", "最后一步短于 x 的 xtol 倍。"),
    "solver-zero": Both("The residuals are zero: nothing is left to fit.", "残差为零：没有什么可再拟合。"),
    "solver-goal": Both("The cost fell to the goal.", "残差已降到目标值。"),
    "solver-scanned": Both(
        "Every scale was tried; this is the best of them.", "各种权重尺度都已试过；这是其中最好的。"
    ),
    "solver-precision": Both(
        "No step lowers the cost any more: what is left is the rounding of the numbers. Scale variables and residuals to about 1, or compute in float64, if more digits are needed.",
        "没有哪一步再能降低残差：剩下的是数值舍入。如需更多位数，请把变量和残差缩放到约 1，或用 float64 计算。",
    ),
    "solver-max_iterations": Both(
        "max_iterations was spent before the cost settled: raise it, start closer, or scale the variables.",
        "迭代次数 max_iterations 已用完，残差仍在下降：请提高它，从更近处开始，或缩放变量。",
    ),
    "solver-max_evaluations": Both(
        "max_evaluations was spent before the cost settled: raise it, give the exact Jacobian (differences cost one evaluation a variable), or start closer.",
        "求值次数 max_evaluations 已用完，残差仍在下降：请提高它，给出精确的雅可比矩阵（差分对每个变量要一次求值），或从更近处开始。",
    ),
    "solver-time": Both(
        "The time was spent before the cost settled: raise time=, or start closer.",
        "时间已用完，残差仍在下降：请提高 time=，或从更近处开始。",
    ),
    "solver-callback": Both(
        "The callback asked to stop; x is the best point so far.", "回调函数要求停止；x 是此前最好的点。"
    ),
    "solver-validation": Both(
        "The validation cost has risen max_fail times: more steps would fit the noise; x is the point where it was lowest.",
        "验证误差已连续 max_fail 次升高：再迭代就会拟合噪声；x 是验证误差最低的点。",
    ),
    "solver-damping": Both(
        "The damping mu reached its largest value without lowering the cost: x is at a minimum to within the accuracy of the Jacobian, or the Jacobian is wrong; compare it with differences.",
        "阻尼 mu 已到最大值而残差不再降低：在雅可比矩阵的精度之内 x 是极小值，或雅可比矩阵有误；请与差分比较。",
    ),
    "solver-stalled": Both(
        "No step in a direction of descent lowers the cost, although the slope says it should: the gradient or Jacobian is wrong (compare it with differences), the function jumps, or its rounding hides the fall.",
        "斜率显示残差应当下降，但没有哪一步能降低它：梯度或雅可比矩阵有误（请与差分比较），函数有跳变，或舍入掩盖了下降。",
    ),
    "solver-flat": Both(
        "The Jacobian is zero: at x the residuals do not depend on any variable. Start elsewhere; if that is no help, see whether fun uses x, and compare the Jacobian with differences.",
        "雅可比矩阵为零：在 x 处残差不随任何变量改变。请从别处开始；若仍不行，请看 fun 是否用到 x，并把雅可比矩阵与差分比较。",
    ),
    "solver-not_finite": Both(
        "Every step ended where the residuals are NaN or infinite: add bounds that keep x where they are finite, or start elsewhere.",
        "每一步都到了残差为 NaN 或无穷大的地方：请加上使它们有限的界限，或从别处开始。",
    ),
    "solver-unbounded": Both(
        "The function falls without limit: it has no minimum; check its sign, or add a penalty.",
        "函数无限下降：它没有极小值；请检查符号，或加上惩罚项。",
    ),
    "solver-singular": Both(
        "The Gauss-Newton step, however short, does not lower the cost: the Jacobian nearly loses its rank there. Use "
        "levenberg_marquardt, which damps the step; if that stalls too, compare the Jacobian with differences.",
        "Gauss-Newton 步无论多短都不能降低残差：雅可比矩阵在那里几乎降秩。请改用带阻尼的 levenberg_marquardt；"
        "若仍停滞，请把雅可比矩阵与差分比较。",
    ),
    "solver-undetermined": Both(
        "{reason} The Jacobian has rank {rank} there, for {variables} variables: some of them, or combinations of "
        "them, are not determined by the residuals; others give the same cost.",
        "{reason}那里雅可比矩阵的秩为 {rank}，而变量有 {variables} 个：残差不能确定其中一些变量或它们的组合，"
        "另一些取值给出相同的残差。",
    ),
    "solver-jacobian": Both(
        "The Jacobian is not finite, or so large that its squares overflow, after {iterations} iterations: compare it "
        "with differences, scale the variables, or start elsewhere.",
        "{iterations} 次迭代后雅可比矩阵不是有限的，或大到平方溢出：请把它与差分比较，缩放变量，或从别处开始。",
    ),
    "solver-scanned-more": Both(
        "Every scale was tried; this is the best of them. More units come closer.",
        "各种权重尺度都已试过；这是其中最好的。更多的单元可以更接近。",
    ),
    "solver-tolerance": Both("The tolerance was reached.", "已达到容差。"),
    # what an attempt was: the method and its network
    "stage-features": Both("features, {units} units", "随机特征，{units} 个单元"),
    "stage-refined": Both(
        "features, {units} units, {added} of them where the error was",
        "随机特征，{units} 个单元，其中 {added} 个在误差大处",
    ),
    "stage-named": Both("{units} units read from the target", "由目标直接得出的 {units} 个单元"),
    "stage-named-beside": Both(
        "{named} units read from the target and {added} smooth ones",
        "由目标直接得出的 {named} 个单元与 {added} 个光滑单元",
    ),
    "stage-local": Both("{units} units as dense as the function needs them", "{units} 个单元，疏密随函数而定"),
    "stage-local-jumps": Both(
        "{units} units as dense as the function needs them, {jumps} of them jumps",
        "{units} 个单元，疏密随函数而定，其中 {jumps} 个为跳跃",
    ),
    "stage-maxima": Both(
        "maxima of minima of linear functions: {units} units in {layers} layers",
        "线性函数之最小值的最大值：{layers} 层共 {units} 个单元",
    ),
    "stage-composed": Both(
        "the formula, part by part: {units} units in {layers} layers", "按公式逐部分构造：{layers} 层共 {units} 个单元"
    ),
    "stage-linked": Both(
        "a function of one number: {units} units in {layers} layers",
        "一个数的函数：{layers} 层共 {units} 个单元",
    ),
    "stage-separated": Both(
        "a sum of {products} products of functions of one input each: {units} units in {layers} layers",
        "{products} 个一元函数乘积之和：{layers} 层共 {units} 个单元",
    ),
    "stage-contracted": Both(
        "inputs taken together, step by step: {units} units in {layers} layers",
        "输入逐步合并：{layers} 层共 {units} 个单元",
    ),
    "stage-solver": Both("{method}, {size}{note}", "{method}，{size}{note}"),
    "stage-adam": Both("{method}, {size}, {dtype}", "{method}，{size}，{dtype}"),
    "stage-linear": Both("linear function", "线性函数"),
    "stage-sparse": Both("linear function of {inputs} of {of} inputs", "{of} 个输入中 {inputs} 个的线性函数"),
    "stage-additive": Both("sum of functions of one input each, {units} units", "各输入的一元函数之和，{units} 个单元"),
    "stage-groups": Both("sum of {parts} parts, {units} units", "{parts} 个部分之和，{units} 个单元"),
    "stage-inputs": Both("{stage}, of {inputs} of {of} inputs", "{stage}，用 {of} 个输入中的 {inputs} 个"),
    "stage-quadratic": Both("quadratic function", "二次函数"),
    "solver-solved": Both("One solve gave it.", "一次求解得到。"),
    "stage-mean": Both("the mean of {networks} networks, {units} units", "{networks} 个网络的平均，{units} 个单元"),
    "updated": Both("the network went on, with {rows} rows", "网络在 {rows} 行上继续训练"),
    "stage-constructed": Both(
        "constructed, {hinges} hinges, {units} units", "构造得到，{hinges} 个折点，{units} 个单元"
    ),
    "constructed": Both("the construction is proved", "构造已得到证明"),
    "stage-initial": Both("initial weights", "初始权重"),
    "size-units": Both("{units} units", "{units} 个单元"),
    "size-parameters": Both("{parameters} parameters", "{parameters} 个参数"),
    "size-linear": Both("no hidden units", "没有隐藏单元"),
    "points-now": Both(", {points} points", "，{points} 个点"),
    # what the automatic choice did
    "tried": Both("{stage}: {what} {score:.2g}", "{stage}：{what} {score:.2g}"),
    "tried-why": Both("{stage}: {what} {score:.2g}; {why}", "{stage}：{what} {score:.2g}；{why}"),
    "untold": Both("{stage}: {what}", "{stage}：{what}"),
    "untold-why": Both("{stage}: {what}; {why}", "{stage}：{what}；{why}"),
    "what-untold": Both("nothing tells its error at rows not fitted to", "未参与拟合的行的误差无从得知"),
    "what-largest": Both("max |error|", "最大误差"),
    "what-validation": Both("validation rmse", "验证均方根误差"),
    "what-left-out": Both("leave-one-out rmse", "留一法均方根误差"),
    "what-folds": Both("rmse of rows left out in folds", "分折留出的行的均方根误差"),
    "no-time-for-units": Both(
        "{units} units were left out: their solve would take longer than the time that is left",
        "未试 {units} 个单元：求解所需时间超过剩余时间",
    ),
    "no-help": Both(
        "more units did not help: kinks, or too many inputs for units placed at random",
        "更多的单元没有帮助：有折点，或输入太多而单元是随机放置的",
    ),
    "deep-instead": Both(
        "more units were left out: with so many inputs, two hidden layers come closer in less time",
        "未试更多的单元：输入这么多时，两个隐藏层更快更准",
    ),
    "learned-nothing": Both(
        "more units were left out: so many have learned nothing, as at a pole",
        "未试更多的单元：这么多单元也没有学到东西，例如在极点处",
    ),
    "no-adam": Both(
        "Adam was left out: it seldom comes below {share:g} of the largest value",
        "未用 Adam：它很少能低于最大值的 {share:g} 倍",
    ),
    "no-adam-after-lm": Both(
        "Adam was left out: here it seldom comes below {share:g} of the largest value",
        "未用 Adam：在这里它很少能低于最大值的 {share:g} 倍",
    ),
    "no-adam-clean": Both("Adam was left out: the validation error is next to nothing", "未用 Adam：验证误差几乎为零"),
    "no-adam-few": Both(
        "Adam was left out: {rows} rows are too few for so many parameters to be told from noise",
        "未用 Adam：{rows} 行太少，无法把这么多参数与噪声区分开",
    ),
    "no-adam-tabular": Both(
        "Adam on one network is left out: networks for tables are trained by it",
        "单个网络的 Adam 略去：表格网络已由它训练",
    ),
    "no-adam-wide": Both(
        "Adam was left out: {inputs} inputs are too many for {rows} rows",
        "未用 Adam：{rows} 行对 {inputs} 个输入来说太少",
    ),
    "written-down": Both(
        "the Python function is arithmetic on arrays, and was read as a formula",
        "该 Python 函数是数组上的算术运算，已作为公式读取",
    ),
    "linear-pieces": Both("the function is made of {pieces} linear ones", "该函数由 {pieces} 个线性函数组成"),
    "pieces": Both(
        "polynomials of degree 16 resolve the function on {pieces} pieces", "{pieces} 段 16 次多项式即可分辨该函数"
    ),
    "linked": Both(
        "it is a function of a sum of functions of one of its {inputs} inputs each",
        "它是一个和的函数，和中每一项只依赖 {inputs} 个输入之一",
    ),
    "linked-mixed": Both(
        "it is a function of one number, which is a polynomial of degree {degree} of its {inputs} inputs",
        "它是一个数的函数，而这个数是 {inputs} 个输入的 {degree} 次多项式",
    ),
    "fewer-numbers": Both(
        "it takes its {inputs} inputs by way of {numbers} numbers, each made of sums of functions of one",
        "它通过 {numbers} 个数使用 {inputs} 个输入，这些数由单变量函数之和构成",
    ),
    "origin": Both(
        "the network's input is 0 at {name} = {at:.6g}, where the function is singular and floats are dense",
        "网络输入的零点移到 {name} = {at:.6g}：函数在此奇异，而浮点数在零附近最密",
    ),
    "rough": Both(
        "polynomials of degree 16 resolve the function on {pieces} pieces, without its {jumps} jumps",
        "除 {jumps} 处跳跃外，{pieces} 段 16 次多项式即可分辨该函数",
    ),
    "not-separated": Both(
        "values along lines did not tell a sum of few products of functions of one input each",
        "沿直线的函数值未显示它是少数几个一元函数乘积之和",
    ),
    "too-rough": Both(
        "{values} values did not tell where the function is rough: everywhere, it seems",
        "{values} 个函数值仍未显示何处粗糙：似乎处处如此",
    ),
    "no-finer": Both("{units} units would be too many for one solve", "{units} 个单元对一次求解而言过多"),
    "parts": Both(
        "the function is a sum of {parts} parts that share no inputs, of {largest} at most",
        "函数是 {parts} 个互不共用输入的部分之和，每部分至多 {largest} 个输入",
    ),
    "parts-shared": Both(
        "the function is a sum of {parts} parts of {largest} inputs at most, some of which they share",
        "函数是 {parts} 个部分之和，每部分至多 {largest} 个输入，部分之间共用一些输入",
    ),
    "simpler-form": Both(
        "{form} is simpler: it was fitted in place of the values, and a last layer undoes it",
        "{form}更简单：以它代替函数值来拟合，再由最后一层还原",
    ),
    "simpler-steps": Both(
        "numbers that the steps hand on are simpler in other forms, as sums, or as sums of products",
        "各步传递的数换成其他形式、和式或乘积之和后更简单",
    ),
    "form-itself": Both("the function itself", "函数本身"),
    "form-square": Both("the square of the function", "函数的平方"),
    "form-reciprocal": Both("the reciprocal of the function", "函数的倒数"),
    "form-inverse-square": Both("the reciprocal of the square of the function", "函数平方的倒数"),
    "form-logarithm": Both("the logarithm of the function", "函数的对数"),
    "taken-together": Both(
        "the function takes its {inputs} inputs together in {steps} steps, each of {numbers} numbers at most",
        "函数把 {inputs} 个输入分 {steps} 步合并，每步至多合并 {numbers} 个数",
    ),
    "no-lm": Both(
        "Levenberg-Marquardt was left out: {rows} rows by {parameters} parameters are too many",
        "未用 Levenberg-Marquardt：{rows} 行乘 {parameters} 个参数太多",
    ),
    "added-where-worst": Both("the last were added where it was worst", "最后的点加在误差最大处"),
    "clean": Both("the validation error is next to nothing", "验证误差几乎为零"),
    "rows-chose": Both("every method was tried; the {rows} chose", "各种方法都已试过，由{rows}选定"),
    "validation rows": Both("validation rows", "验证行"),
    "rows left out one by one": Both("rows left out one by one", "逐行留出的误差"),
    "nothing": Both("nothing could be solved", "没有可解的"),
    "rows in folds": Both("rows left out in folds", "分组留出的行"),
    "what-pinball": Both("root of the pinball loss at rows not fitted to", "未参与拟合的行的分位数损失之平方根"),
    "covered": Both("values below each quantile: {each}", "低于各分位数的值所占比例：{each}"),
    "what-both": Both("rmse at validation and left-out rows", "验证行与留出行的均方根误差"),
    "training-not-finite": Both("{what}", "训练中出现了非有限的数：{what}"),
    "not-compiled": Both("trained without the compiler, which is slower: {why}", "未经编译训练，速度较慢：{why}"),
    "stage-placed": Both("{stage}, placed for float32", "{stage}，为 float32 重新放置"),
    "stepped-round": Both(
        "points at which the target has no value, as 0/0 has none, but a limit, which was taken: {points}",
        "有 {points} 个点上目标函数没有值（例如 0/0），但有极限；取了极限值",
    ),
    "points-failed": Both(
        "points left out because the function raised an error there: {count}; the first, at {where}: {error}",
        "函数在 {count} 个点上出错，这些点已被略去；第一个在 {where}：{error}",
    ),
    "few-for-time": Both(
        "a value of the function takes {seconds:.2g} s, so that the limit of time allows {points} training points at "
        "most; give more time for more of them",
        "函数每求一个值需 {seconds:.2g} 秒，因此在时限内最多用 {points} 个训练点；给更多时间即可用更多点",
    ),
    "few-values": Both(
        "all that learns from {points} values was tried; give more time for more of them",
        "适合 {points} 个值的方法都已试过；给更多时间即可用更多值",
    ),
    "runs-failed": Both(
        "evaluations that failed and were left out: {count}; the first, at {where}",
        "{count} 次求值失败，已略去；第一次在 {where}",
    ),
    "sampling-interrupted": Both(
        "evaluating was interrupted after {count} of {budget} evaluations; these were fitted",
        "求值在 {budget} 次中的第 {count} 次后被中断；已用这些值拟合",
    ),
    "sampling-time": Both(
        "the time ({time:g} s) allowed {count} of {budget} evaluations; give more time for the others",
        "时限 {time:g} 秒内只完成了 {budget} 次求值中的 {count} 次；给更多时间即可完成其余的",
    ),
    "sampling-callback": Both(
        "a callback ended evaluating after {count} of {budget} evaluations",
        "回调函数在 {budget} 次求值中的第 {count} 次后停止了求值",
    ),
    "log-failed": Both(
        "the log failed after {count} of {budget} evaluations, and these were fitted: {why}",
        "{budget} 次求值中完成 {count} 次后日志写入失败，已用这些值拟合：{why}",
    ),
    "workers-hang": Both(
        "every worker was busy with a call beyond its time limit after {count} of {budget} evaluations; no more could "
        "be made",
        "{budget} 次求值中完成 {count} 次后，所有工作进程都停在超时的调用上；无法继续求值",
    ),
    "workers-died": Both(
        "a worker process died after {count} of {budget} evaluations, as of a crash or too little memory, and its "
        "executor takes no more calls: {left} were not made. With a log file (log=) the same call goes on from it",
        "{budget} 次求值中完成 {count} 次后，一个工作进程终止（例如崩溃或内存不足），其执行器不再接受调用：还有 {left} 次"
        "未求值。若指定日志文件（log=），可用同一调用接着求值",
    ),
    "workers-died-log": Both(
        "a worker process died after {count} of {budget} evaluations, as of a crash or too little memory, and its "
        "executor takes no more calls: {left} were not made. The same call with a new executor goes on from {log}",
        "{budget} 次求值中完成 {count} 次后，一个工作进程终止（例如崩溃或内存不足），其执行器不再接受调用：还有 {left} 次"
        "未求值。换一个新的执行器，同一调用可从 {log} 接着求值",
    ),
    "workers-renewed": Both(
        "worker processes that died ({count}), as of a crash or too little memory, took all calls under way with them; "
        "the other evaluations were made by new ones",
        "工作进程终止了 {count} 次（例如崩溃或内存不足），当时正在进行的调用均告失败；其余求值由新的进程完成",
    ),
    "gradients-unknown": Both(
        "at {missing} of {points} points the gradient is not known; there only the value counts",
        "{points} 个点中有 {missing} 个的梯度未知；这些点上只用函数值",
    ),
    "single-precision": Both(
        "the function computes in single precision; errors below a ten-millionth of its values are its own rounding",
        "该函数以单精度计算；小于其值千万分之一的误差来自它自身的舍入",
    ),
    "differing-values": Both(
        "the function does not give the same value twice ({first} and {again} at {where}): what is fitted is its mean, "
        "and its scatter counts as error; with a fixed seed inside it can be fitted exactly",
        "该函数两次求值的结果不同（在 {where} 处为 {first} 和 {again}）：拟合的是它的均值，其散布计入误差；"
        "在函数内固定随机种子即可精确拟合",
    ),
    "constant-output": Both(
        "{name} is {value:g} at all {points} training points: there is nothing to learn from them",
        "{name} 在全部 {points} 个训练点上都是 {value:g}：从中学不到什么",
    ),
    "constant-target": Both(
        "{name} is {value:g} in every row: there is nothing to learn", "{name} 在每一行都是 {value:g}：没有什么可学"
    ),
    "constant-inputs": Both(
        "inputs that are the same in every row, of which nothing can be learned: {names}",
        "以下输入在每一行都相同，学不到其作用：{names}",
    ),
    "copied-inputs": Both(
        "inputs that repeat another one (in brackets), perhaps in other units: {pairs}; one of the two is enough",
        "以下输入重复了括号中的输入，也许换了单位：{pairs}；两者保留一个即可",
    ),
    "texts-alike": Both(
        "texts of {name} that are categories of their own and differ in letters or blanks alone: {texts}",
        "{name} 中以下文本各成一类，却只在大小写或空白上不同：{texts}",
    ),
    "missing-mark": Both(
        "{name} is {mark:g} in {count} rows, far from its other values: if that marks a missing value, leave it out",
        "{name} 在 {count} 行中为 {mark:g}，远离其他值：若它表示缺失，请去掉这些行",
    ),
    "more-weights": Both(
        "{weights} weights for {rows} rows, which a network can go through with nothing learned between them; fewer units, "
        "surefit.LM(ridge=...) or the automatic choice are for so few rows",
        "{rows} 行对应 {weights} 个权重，网络可能穿过所有的行，却没有学到行与行之间的规律；行数这样少时，请减少单元、"
        "用 surefit.LM(ridge=...) 或自动选择",
    ),
    "rows-merged": Both(
        "{count} of {rows} rows are copies of others and were left out, since a row that is held out would be known from "
        "its copy; with weights= all of them count",
        "{rows} 行中有 {count} 行是其他行的副本，已去掉，否则留出的行可由其副本得知；给出 weights= 则全部计入",
    ),
    "rows-replicated": Both(
        "{rows} rows are at {places} places, where they say nearly the same: the error is estimated without whole places, "
        "unless time= is given",
        "{rows} 行位于 {places} 个位置，同一位置的值几乎相同：误差按整个位置留出估计（给出 time= 时除外）",
    ),
    "rows-known": Both(
        "{count} of {rows} new rows are copies of others and were left out",
        "{rows} 个新的行中有 {count} 个是其他行的副本，已去掉",
    ),
    "rows-copied": Both(
        "{count} of {rows} rows are copies of others: what is left out to tell the error is known from its copy, so that "
        "it may be larger elsewhere; leave copies out, unless new rows are at the same places",
        "{rows} 行中有 {count} 行是其他行的副本：为估计误差而留出的行可由其副本得知，因此别处的误差可能更大；除非新的行也在"
        "同样的位置，请去掉副本",
    ),
    "rows-contradict": Both(
        "rows at the same place differ in {name} by {by:.3g} (standard deviation), and no function of these inputs can "
        "do better",
        "同一位置的各行在 {name} 上相差 {by:.3g}（标准差），这些输入的任何函数都不能更好",
    ),
    "few-rows": Both(
        "{rows} rows are too few to hold some out: all were trained on, and the choice was made by leaving each out in "
        "turn; the error at new rows may be far larger than at these",
        "只有 {rows} 行，不足以留出验证和测试：全部用于训练，并以逐一留出的方式选择网络；新行上的误差可能远大于这些行",
    ),
    "rows-unread": Both(
        "of {rows} training rows {read} were read until it was stopped; give more time for all of them",
        "在停止之前只读取了 {rows} 个训练行中的 {read} 行；给更多时间即可读完",
    ),
    "median-of-some": Both(
        "medians that stand for missing values are those of {rows} rows drawn at random",
        "代替缺失值的中位数取自随机抽取的 {rows} 行",
    ),
    "rows-missing": Both(
        "{count} rows miss a value and are left out",
        "有 {count} 行缺少数值，已略去",
    ),
    "rows-outside": Both(
        "{count} of {rows} rows lie outside the domain that was given; they are fitted too",
        "{rows} 行中有 {count} 行在给定的范围之外；它们也参与拟合",
    ),
}
