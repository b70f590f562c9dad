"""The words in pictures, in English or Chinese: `with language("zh"): fit_1d(...)`.

The English words are the keys, as they stand in the code that draws; names of inputs and outputs are never translated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from surefit.sentences import LANGUAGES, Sentence, check_language

_language: ContextVar[str] = ContextVar("language of pictures", default="en")

CHINESE = {
    # curves, points, axes
    "fit": "拟合",
    "target": "目标函数",
    "data": "数据",
    "training data": "训练数据",
    "test data": "测试数据",
    "validation data": "验证数据",
    "target (dots: data)": "目标函数（点：数据）",
    "data (test: \N{WHITE DIAMOND})": "数据（测试：\N{WHITE DIAMOND}）",
    "data (validation: \N{WHITE DIAMOND})": "数据（验证：\N{WHITE DIAMOND}）",
    "fit \N{MINUS SIGN} target": "拟合 \N{MINUS SIGN} 目标",
    "fit \N{MINUS SIGN} data": "拟合 \N{MINUS SIGN} 数据",
    "error": "误差",
    "error unknown: no predictions": "误差未知：没有预测值",
    "true {name}": "{name} 的真值",
    "predicted {name}": "{name} 的预测值",
    "predicted \N{MINUS SIGN} true": "预测值 \N{MINUS SIGN} 真值",
    "exact": "完全一致",
    "points": "点数",
    "each panel moves one input; the others stay at {where}": "每幅图只改变一个输入，其余固定在 {where}",
    # errors
    "max |error| {size}": "最大|误差| {size}",
    "max |error| {size} at {where}": "最大|误差| {size}，位于 {where}",
    "no finite error": "没有有限的误差",
    "RMSE {rmse}, max |error| {size}": "RMSE {rmse}，最大|误差| {size}",
    ", R² {share}": "，R² {share}",
    ", {count} not finite": "，{count} 个非有限值",
    "; {count} not finite": "；{count} 个非有限值",
    "|error|": "|误差|",
    "largest |error| nearby": "附近的最大|误差|",
    "largest |error|": "最大|误差|",
    "{shown} of {d} inputs; ": "{d} 个输入中的 {shown} 个；",
    # what cannot be drawn
    "not finite": "非有限值",
    "target not finite": "目标非有限",
    "fit not finite": "拟合非有限",
    "error not finite": "误差非有限",
    "exactly 0": "恰为 0",
    # training
    "training": "训练",
    "validation": "验证",
    "test": "测试",
    "left out": "留出",
    "learning rate": "学习率",
    "loss": "损失",
    "max |error|": "最大 |误差|",
    "rmse": "均方根误差",
    "accuracy": "准确率",
    "log loss": "对数损失",
    "seconds": "秒",
    "several targets": "多个目标",
    "trial": "试验",
    "trials": "试验",
    "the least so far": "此前最小",
    "{loss} loss": "{loss} 损失",
    "mean squared error": "均方误差",
    "{words} (scaled)": "{words}（缩放后）",
    "epoch": "轮次",
    "step": "步",
    "iteration": "迭代",
    "best {step} {at}: {label} {value}": "最佳{step} {at}：{label} {value}",
    "{name} ({value} at {step})": "{name}（{value}，于 {step}）",
    "before training": "训练前",
    "epoch {epoch}": "第 {epoch} 轮",
    "{words}: {error}": "{words}：{error}",
    "weights kept": "保留的权重",
    "play": "播放",
    "pause": "暂停",
    "loss (moving average)": "损失（滑动平均）",
    # points, sizes, units
    "first sample": "最初的取点",
    "round {number}": "第 {number} 次加点",
    "tolerance {size}": "容差 {size}",
    "beyond it": "超出容差",
    "within it": "在容差之内",
    "units": "单元数",
    "units and their sum": "各单元与它们之和",
    "what each unit adds": "每个单元的贡献",
    "what each unit adds to {output}": "每个单元对 {output} 的贡献",
    "the first {shown} of {count} outputs": "{count} 个输出中的前 {shown} 个",
    "sum and bias": "总和（含偏置）",
    "hinges": "折点",
    "network - target": "网络 − 目标",
    "tolerance": "容差",
    "each needs a hinge of its own": "每段各需一个折点",
    "{hinges} hinges; {least} are needed": "{hinges} 个折点；至少需要 {least} 个",
    "{count} units, the largest {shown} in colour": "{count} 个单元，着色的是最大的 {shown} 个",
    # classes and quantiles
    "quantiles of {name}": "{name} 的分位数",
    "probability": "概率",
    "likeliest class": "最可能的类别",
    "its probability": "其概率",
    "class given": "判定类别",
    "true class": "真实类别",
    "{count} more": "其余 {count} 类",
    # graphs and networks
    "input": "输入",
    "parameter": "参数",
    "state": "状态",
    "constant": "常数",
    "operation": "运算",
    "output": "输出",
    "network": "网络",
    "optimiser": "优化器",
    "prediction": "预测",
    "gradients": "梯度",
    "new weights": "新的权重",
    "true values": "真值",
}


@contextmanager
def language(name: str) -> Iterator[None]:
    """Pictures that are drawn inside speak this language, "en" or "zh".

    Chinese needs a font with Chinese characters: see `style.has_chinese_font`.

    >>> with language("zh"):
    ...     say("max |error| {size}", size="0.1")
    '最大|误差| 0.1'
    """
    token = _language.set(check_language(name))
    try:
        yield
    finally:
        _language.reset(token)


def language_in_force() -> str:
    """The language that pictures speak now."""
    return _language.get()


def say(english: str, **values: object) -> str:
    """The words in the language in force, {names} filled in; English words that are not in the table stay English."""
    template = CHINESE.get(english, english) if _language.get() == "zh" else english
    return template.format(**values) if values else template


def drawn(text: str) -> str:
    """A title or label in the language in force, where it is a Sentence; a bare text as it is."""
    return text.said(_language.get()) if isinstance(text, Sentence) else text


__all__ = ["CHINESE", "LANGUAGES", "check_language", "drawn", "language", "language_in_force", "say"]
