"""What is claimed about the networks of `digits`, by the document and by us, and what was measured of it."""

from __future__ import annotations

import numpy as np

from surefit import fitting
from surefit.sentences import both, joined, zh

from .digits_networks import ALONE, TOGETHER, Run
from .digits_settings import GOAL, PUBLISHED_DEEP, PUBLISHED_SHALLOW
from .result import Claim, own, verdict_of


def claims_of(
    tested: bool,
    shallow: Run,
    softmax: Run,
    deep: list[Run],
    runs: list[Run],
    seen: dict[str, dict[str, float]],
    named: dict[str, set[str]],
    healthy: fitting.Diagnosis,
    finals: dict[tuple[int, ...], list[dict[str, float]]],
) -> list[Claim]:
    """tested: whether the runs were long enough for sentences about accuracies."""
    start, end = seen["four layers as printed, start"], seen["four layers as printed, end"]
    accuracy = {r.recipe.name: r.last("test_accuracy") for r in runs}
    medians = {
        "-".join(map(str, sizes)): float(np.median([f["test_accuracy"] for f in f_all]))
        for sizes, f_all in finals.items()
    }
    slopes = [(run.history["train_loss"][-4] - run.last("train_loss")) / 3 for run in deep]
    return [
        shallow_claim(_numbers(shallow), _numbers(softmax), tested=tested),
        deep_claim(slopes, [run.last("test_accuracy") for run in deep], tested=tested),
        gradients_claim(start, end, tested=tested),
        depth_claim(shallow.last("train_loss"), shallow.last("train_accuracy"), accuracy, tested=tested),
        cross_entropy_claim(
            [r.history["train_loss"][0] for r in (shallow, *deep)],
            [r.last("train_loss") for r in (shallow, *deep)],
            end,
        ),
        initialisation_claim(start, accuracy, tested=tested),
        fixes_claim(accuracy, tested=tested),
        doctor_claim(named, healthy.ok),
        goal_claim(medians, tested=tested),
    ]


def _numbers(run: Run) -> dict[str, float]:
    return {name: run.last(name) for name in PUBLISHED_SHALLOW}


def shallow_claim(printed: dict[str, float], softmax: dict[str, float], *, tested: bool) -> Claim:
    """Losses and accuracies at the end: of the printed class, and with a softmax in the place of its last ReLU."""

    def near(numbers: dict[str, float], name: str) -> bool:
        return abs(numbers[name] - PUBLISHED_SHALLOW[name]) < (0.5 if "loss" in name else 0.1)

    return Claim(
        both(
            "two layers end at a loss of 1.31 and an accuracy of 0.64 (test 1.24 and 0.65)",
            "两层网络终止于损失 1.31、准确率 0.64（测试 1.24 和 0.65）",
        ),
        verdict_of(*(near(printed, name) for name in PUBLISHED_SHALLOW), tested=tested),
        both(
            f"as printed {printed['train_loss']:.2f} and {printed['train_accuracy']:.2f}; with a softmax "
            f"{softmax['train_loss']:.2f} and {softmax['train_accuracy']:.2f}, test {softmax['test_loss']:.2f} and "
            f"{softmax['test_accuracy']:.2f}",
            f"原样为 {printed['train_loss']:.2f} 和 {printed['train_accuracy']:.2f}；"
            f"加 softmax 为 {softmax['train_loss']:.2f}"
            f" 和 {softmax['train_accuracy']:.2f}，测试 {softmax['test_loss']:.2f} 和 {softmax['test_accuracy']:.2f}",
        ),
        both(
            "these numbers need a softmax, which the printed class lacks: with it they are met within 0.5 and 0.1",
            "这些数值需要 softmax，而文献所印的类没有：加上它，损失与准确率分别在 0.5 和 0.1 以内吻合",
        ),
        verdict_of(*(near(softmax, name) for name in PUBLISHED_SHALLOW), tested=tested),
    )


def deep_claim(slopes: list[float], accuracies: list[float], *, tested: bool) -> Claim:
    """Fall of the loss an epoch at the end, and test accuracies, by seed."""
    published = (PUBLISHED_DEEP[46] - PUBLISHED_DEEP[49]) / 3
    falls, ends = ", ".join(f"{s:.3f}" for s in slopes), ", ".join(f"{a:.2f}" for a in accuracies)
    return Claim(
        both(
            f"four layers end at chance while the loss falls by {published:.3f} an epoch",
            f"四层网络终止于随机猜测的水平，而损失每轮下降 {published:.3f}",
        ),
        verdict_of(
            0.5 < float(np.median(slopes)) / published < 2, all(0.05 < a < 0.2 for a in accuracies), tested=tested
        ),
        both(
            f"fall of the loss by seed {falls}; test accuracy {ends}", f"各种子下损失的下降 {falls}；测试准确率 {ends}"
        ),
    )


def gradients_claim(start: dict[str, float], end: dict[str, float], *, tested: bool) -> Claim:
    """What `suspects` says of the deep printed net."""
    ratios = [s["gradient, first / last layer"] for s in (start, end)]
    return Claim(
        both("the deep network fails by vanishing or exploding gradients", "深层网络因梯度消失或爆炸而失败"),
        verdict_of(any(not 1e-3 < ratio < 1e3 for ratio in ratios), tested=tested),
        both(
            f"its first layer's gradient over its weights is {ratios[0]:.2g} of the last layer's at the start and "
            f"{ratios[1]:.2g} at the end; {end['dead hidden units']:.0%} "
            f"of a hidden layer and {end['dead outputs']:.0%} "
            f"of the outputs are dead at the end",
            f"首层梯度与权重之比，开始时是末层的 {ratios[0]:.2g} 倍，结束时是 {ratios[1]:.2g} 倍；结束"
            f"时一个隐藏层中有 {end['dead hidden units']:.0%}、输出中有 {end['dead outputs']:.0%} 死亡",
        ),
        both("they neither vanish nor explode, and few units die", "梯度既没有消失也没有爆炸，死亡的单元很少"),
        verdict_of(
            all(1e-3 < ratio < 1e3 for ratio in ratios),
            end["dead hidden units"] < 0.3,
            end["dead outputs"] == 0,
            tested=tested,
        ),
    )


def depth_claim(loss: float, train_accuracy: float, accuracy: dict[str, float], *, tested: bool) -> Claim:
    """loss, train_accuracy: of the printed class with two layers; accuracy: of the deep net, by fix."""
    shallow_fails, residual_fails = train_accuracy < 0.5, accuracy["residual layers alone"] < 0.5
    return Claim(
        both("the deep network fails by its depth (degradation)", "深层网络因深度而失败（退化）"),
        verdict_of(not shallow_fails, not residual_fails, tested=tested),
        both(
            f"two layers of the same class end at a loss of {loss:.2f} with accuracy {train_accuracy:.2f}; four with "
            f"residual layers at {accuracy['residual layers alone']:.2f}",
            f"同一个类的两层网络终止于损失 {loss:.2f}、准确率 {train_accuracy:.2f}；带残差层的四层网络"
            f"为 {accuracy['residual layers alone']:.2f}",
        ),
        both(
            "two layers fail alike, and the cure for depth, residual layers, does not help",
            "两层网络同样失败，而针对深度的办法（残差层）没有帮助",
        ),
        verdict_of(shallow_fails, residual_fails, tested=tested),
    )


def cross_entropy_claim(first: list[float], last: list[float], end: dict[str, float]) -> Claim:
    """Losses at the first and the last epoch, by run, and what `suspects` says at the end."""
    return Claim(
        both("the loss that ends at -10.18 is a cross-entropy", "终止于 -10.18 的损失是交叉熵"),
        verdict_of(min(last) >= 0),
        both(
            f"it ends at {', '.join(f'{v:.2f}' for v in last)}; the outputs of an image sum to "
            f"{end['sum of the outputs']:.3g}, and "
            f"{end['gradient that lowers wrong outputs']:.0%} of the gradient lowers "
            f"wrong outputs",
            f"它终止于 {'、'.join(f'{v:.2f}' for v in last)}；一张图像的各输出之和为 {end['sum of the outputs']:.3g}"
            f"，梯度中有 {end['gradient that lowers wrong outputs']:.0%} 使错误的输出降低",
        ),
        both(
            "no cross-entropy is negative: the outputs are no "
            "probabilities, nothing lowers the wrong ones, and the loss "
            "can fall without end",
            "交叉熵不会为负：这些输出不是概率，没有什么使错误的输出降低，损失可以无止境地下降",
        ),
        verdict_of(
            max(last) < 0,
            all(a > b for a, b in zip(first, last, strict=True)),
            end["gradient that lowers wrong outputs"] == 0,
            end["sum of the outputs"] > 2,
        ),
    )


def initialisation_claim(start: dict[str, float], accuracy: dict[str, float], *, tested: bool) -> Claim:
    """start: what `suspects` says of the deep printed net; accuracy: of the deep net, by fix."""
    return own(
        both(
            "N(0, 1) weights are too large for a deep net: after the softmax, He's initialisation is what it needs",
            "N(0, 1) 的权重对深层网络过大：有了 softmax 之后，它需要的是 He 初始化",
        ),
        verdict_of(
            start["signal, last"] > 20 * start["signal, first layer"],
            accuracy[TOGETHER[0].name] > accuracy["softmax alone"] + 0.2,
            tested=tested,
        ),
        both(
            f"the signal grows from {start['signal, first layer']:.3g} to {start['signal, last']:.3g} within the "
            "hidden layers at the start; test accuracy with the "
            f"softmax alone {accuracy['softmax alone']:.2f}, with "
            f"He's initialisation too {accuracy[TOGETHER[0].name]:.2f}",
            f"开始时信号在隐藏层中从 {start['signal, first layer']:.3g} 增大到 {start['signal, last']:.3g}"
            f"；测试准确率：仅 softmax 为 {accuracy['softmax alone']:.2f}，"
            f"再加 He 初始化为 {accuracy[TOGETHER[0].name]:.2f}",
        ),
    )


def fixes_claim(accuracy: dict[str, float], *, tested: bool) -> Claim:
    """accuracy: of the deep net, by fix."""
    alone = joined(both(f"{r.name} {accuracy[r.name]:.2f}", f"{zh(r.name)} {accuracy[r.name]:.2f}") for r in ALONE[2:])
    most, all_of_them = accuracy["+ mini-batches"], accuracy["+ residual layers"]
    return own(
        both(
            "without the softmax no other fix helps; with it, He's initialisation, biases and mini-batches do",
            "没有 softmax，其他修正都无效；有了它，He 初始化、偏置和小批量都有效",
        ),
        verdict_of(max(accuracy[r.name] for r in ALONE[2:]) < 0.5, accuracy["+ mini-batches"] > 0.95, tested=tested),
        both(
            f"{alone}; all but residual layers {most:.3f}, with them {all_of_them:.3f}",
            f"{zh(alone)}；除残差层外全部 {most:.3f}，加上残差层 {all_of_them:.3f}",
        ),
    )


def goal_claim(medians: dict[str, float], *, tested: bool) -> Claim:
    """medians: test accuracies of the fixed nets, by shape."""
    shapes = ", ".join(f"{k} {v:.4f}" for k, v in medians.items())
    return own(
        both(
            f"with the fixes both shapes pass {GOAL} on the test images",
            f"加上各项修正后，两种网络在测试图像上都超过 {GOAL}",
        ),
        verdict_of(*(value >= GOAL for value in medians.values()), tested=tested),
        both(f"test accuracy, median of the seeds: {shapes}", f"测试准确率，各种子的中位数：{shapes}"),
    )


def doctor_claim(named: dict[str, set[str]], healthy: bool) -> Claim:
    """named: codes of the doctor's errors and warnings, by network."""
    causes = {"outputs-do-not-compete", "unscaled-weights"}
    return own(
        both(
            "the doctor names the causes by itself: outputs that do "
            "not compete, the negative loss, unscaled weights and "
            "what they do to a deep net; and finds nothing wrong with the fixed one",
            "诊断自己就指出了原因：输出之间没有竞争、损失为负、权重未缩放及其对深层网络的影响；对修正"
            "后的网络没有发现问题",
        ),
        verdict_of(
            all(causes <= codes for who, codes in named.items() if "printed" in who),
            all("negative-loss" in codes for who, codes in named.items() if who.endswith("printed, end")),
            all("exploding-activations" in codes for who, codes in named.items() if "four" in who and "start" in who),
            healthy,
        ),
        both(
            f"in the table above; the fixed one is {'healthy' if healthy else 'not healthy'}",
            f"见上表；修正后的网络{'没有问题' if healthy else '有问题'}",
        ),
    )
