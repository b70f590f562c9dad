"""What a fit says about itself: sentences with a code and values, which can be said in either language.

Whoever decides something makes the sentence where it is decided, `say("time", time=5.0)`. It is an ordinary text, in
English, and remembers its code and values: pages in Chinese ask for `.said("zh")`, programs compare `.code`. Nothing
parses a sentence.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Both(NamedTuple):
    """A sentence in the two languages; {names} are filled in."""

    en: str
    zh: str


class Sentence(str):
    """A text in English that knows its code and values.

    >>> say("epochs-done", epochs=30), say("epochs-done", epochs=30).said("zh")
    ('all 30 epochs done', '30 轮全部完成')
    """

    code: str
    values: dict[str, Any]

    def __new__(cls, text: str, code: str = "", values: dict[str, Any] | None = None) -> Sentence:
        self = super().__new__(cls, text)
        self.code, self.values = code, dict(values or {})
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
        """The sentence as plain data, for files; `from_dict` reads it."""
        values = {k: v.to_dict() if isinstance(v, Sentence) else v for k, v in self.values.items()}
        return {"text": str(self), "code": self.code, "values": values}


def say(code: str, **values: Any) -> Sentence:
    """The sentence of a code of `SENTENCES`, with its values."""
    return Sentence(SENTENCES[code].en.format(**values), code, values)


def from_dict(data: Any) -> Sentence:
    """What `Sentence.to_dict` gave, or a bare text (of an old file)."""
    if isinstance(data, str):
        return Sentence(data)
    values = {k: from_dict(v) if isinstance(v, dict) else v for k, v in data["values"].items()}
    return Sentence(data["text"], data["code"], values)


SENTENCES: dict[str, Both] = {
    # why an attempt or a fit ended
    "epochs-done": Both("all {epochs} epochs done", "{epochs} 轮全部完成"),
    "parts-done": Both(
        "all {epochs} epochs done, in {parts} parts with points added between them",
        "{epochs} 轮全部完成，分为 {parts} 段，段间在误差大处增加了点",
    ),
    "callback": Both("stopped by a callback", "由回调函数停止"),
    "halted": Both("stopped from outside; the best so far is kept", "从外部停止；保留此前最好的结果"),
    "tolerance": Both("the tolerance was reached", "已达到容差"),
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
    # how large an error is, and what tells it
    "error-fresh": Both(
        "{size} at {where} (measured on {n} fresh points)", "{size}，位于 {where}（在 {n} 个新取的点上测得）"
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
    # a bad fit
    "unlearned-function": Both(
        "hardly anything was learned: the error is over half of the size of the target. Poles, jumps and very many "
        "oscillations are out of reach: try a smaller domain, more samples, more units, or another method",
        "几乎没有学到东西：误差超过目标大小的一半。极点、跳变和极多的振荡无法拟合：请缩小范围，增加取样点或单元，或换方法",
    ),
    "unlearned-data": Both(
        "hardly anything was learned: the error is over half of the size of the target. See whether the right column "
        "is the target and whether the inputs tell of it; then try more rows, more units, or another method, unless "
        "the rest is noise",
        "几乎没有学到东西：误差超过目标大小的一半。请检查目标列是否选对、输入是否与它有关；再增加数据行或单元，或换方法，"
        "除非剩下的是噪声",
    ),
    "unlearned-outputs": Both(
        "hardly more than the mean was learned (R² of {each}; the mean alone has 0): fit such outputs by themselves, "
        "or with more units or data, unless the rest is noise",
        "几乎只学到了平均值（R²：{each}；只给出平均值时为 0）：请单独拟合这些输出，或增加单元或数据，除非剩下的是噪声",
    ),
    "unlearned-place": Both(
        "the fit is off by {size} at {where}, over half of the size of the target: a jump, a pole or a narrow peak was "
        "missed there; add points round it (extra_box=), or fit the pieces one by one",
        "拟合在 {where} 处相差 {size}，超过目标大小的一半：那里有跳变、极点或窄峰未被拟合；"
        "请在其周围增加取样点（extra_box=），或分段拟合",
    ),
}
