"""two-ways: one network twice, by hand and in a framework (document 001).

sin x and x^2 on [-2 pi, 2 pi] with one hidden layer of 512 ReLUs. The document's reason why this works, "ReLUs make any
piecewise-linear line", is turned into a network that is written down instead of trained. The framework's part names
nothing of surefit: `Parts` hands it modules that carry PyTorch's names, so PyTorch itself can be handed in.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from surefit import data, fitting, nn, optim, view
from surefit.core.creation import tensor
from surefit.core.modes import no_grad
from surefit.sentences import both, joined, zh

from .byhand import MSE, Array, Linear, Network, ReLU, through
from .result import FIGURE_ONLY, Claim, Grid, Options, Picture, Result, Row, verdict_of

# --- settings ---------------------------------------------------------------------------------------------------

LOW, HIGH, POINTS = -2 * np.pi, 2 * np.pi, 1000  # given
SHARE = 0.8  # given: of the points, for training
HIDDEN = 512  # given
RATE = 1e-5  # given as the default, "adjusted" later; batch and epochs are not given
ADJUSTED = 2e-4  # not given; of the averaged gradient of all rows, about as far as it goes before it diverges
EPOCHS = 1000  # not given; by hand, all rows in each step; the end of our patience
BATCH = 32  # given for the framework
FRAMEWORK_EPOCHS, FRAMEWORK_LR = 200, 1e-2  # not given; Adam with the rate that document 002 gives
HAND_RATES = (1e-5, 3e-5, 1e-4, 5e-4, 1e-3)  # other rates of the averaged gradient, to see whether one saves the fit
HAND_BATCH_RATES = (1e-5, 1e-4, 1e-3)  # the same by hand in batches of 32
FITS = 0.1  # relative error that we call a fit: a tenth of the deviation can be seen in any picture
SEED = 0  # not given
BY_HAND = both("by hand", "手写")
KNOTS = (8, 16, 32, 64, 128, 256, 512)  # hinges of the network that is written down

REASONS_IN_CHINESE = {
    "SHARE": "文献给出：用于训练的点的比例",
    "RATE": "文献给出的默认值，后来“调整”；批量与轮数未给出",
    "ADJUSTED": "文献未给出；对全部样本的平均梯度，这差不多是发散之前的极限",
    "EPOCHS": "文献未给出；手写，每步用全部样本；再长就没有耐心了",
    "BATCH": "文献为框架给出",
    "FRAMEWORK_EPOCHS, FRAMEWORK_LR": "文献未给出；Adam 及文献 002 给出的学习率",
    "HAND_RATES": "平均梯度的其他学习率，看看有没有能挽救拟合的",
    "HAND_BATCH_RATES": "手写，批量 32，同样的问题",
    "FITS": "我们称为拟合的相对误差：标准差的十分之一在任何图上都看得出来",
    "KNOTS": "直接写出的网络的折点数",
}

TARGETS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "sin x": ("sin(x)", np.sin),
    "x^2": ("x^2", np.square),
}


def draw(function: Callable[[Array], Array]) -> tuple[Array, Array, Array, Array]:
    """Training x and y, (800, 1), and test x and y, (200, 1), in random order."""
    x = np.linspace(LOW, HIGH, POINTS)[:, None]
    order = np.random.default_rng(SEED).permutation(POINTS)
    rows, held = np.split(order, [round(SHARE * POINTS)])
    return x[rows], function(x[rows]), x[held], function(x[held])


@dataclass
class Trained:
    """Losses by epoch, seconds an epoch, and the network as a function."""

    losses: list[float]
    seconds: float
    predict: Callable[[Array], Array]


# --- by hand ---------------------------------------------------------------------------------------------------


def by_hand(x: Array, y: Array, rate: float, epochs: int, batch: int | None = None) -> Trained:
    """1-512-1 with biases, N(0, 1) weights, biases 0; gradient descent on all rows, or on mini-batches."""
    rng = np.random.default_rng(SEED)
    network = Network(Linear(1, HIDDEN, rng, deviation=1.0), ReLU(), Linear(HIDDEN, 1, rng, deviation=1.0))
    loss, losses, size = MSE(), [], batch or len(x)
    began = clock.perf_counter()
    with np.errstate(all="ignore"):  # a rate that is too high ends in NaN, which is what should be seen
        for _ in range(epochs):
            values = []
            for start in range(0, len(x), size):
                values.append(loss.forward(network.forward(x[start : start + size]), y[start : start + size]))
                network.backward(loss.backward())
                network.descend(rate)
            losses.append(float(np.mean(values)))
            if not np.isfinite(losses[-1]):
                break
    return Trained(losses, (clock.perf_counter() - began) / len(losses), network.forward)


# --- in a framework --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """What the document imports from its framework, by its names there; `seeded`: how this one is told a seed."""

    name: str
    nn: Any
    optim: Any
    Dataset: Any
    DataLoader: Any
    random_split: Any
    tensor: Callable[[Array], Any]
    no_grad: Callable[[], Any]
    generator: Callable[[int], Any] = lambda seed: seed
    seeded: dict[str, Any] = field(default_factory=dict)


OURS = Parts(
    "surefit",
    nn,
    optim,
    data.Dataset,
    data.DataLoader,
    data.random_split,
    lambda a: tensor(a).float(),
    no_grad,
    seeded={"generator": SEED},
)


def pytorch() -> tuple[Parts, ...]:
    """PyTorch's modules under the same names where it is installed, else nothing."""
    try:
        from torch.utils import data as torch_data

        import torch
    except ImportError:
        return ()

    def generator(seed: int) -> Any:
        torch.manual_seed(seed)  # what its layers draw their weights from
        return torch.Generator().manual_seed(seed)

    def as_tensor(a: Array) -> Any:
        return torch.tensor(a, dtype=torch.float32)

    parts = (torch_data.Dataset, torch_data.DataLoader, torch_data.random_split)
    return (Parts("PyTorch", torch.nn, torch.optim, *parts, as_tensor, torch.no_grad, generator),)


def in_framework(parts: Parts, function: Callable[[Array], Array], epochs: int) -> Trained:
    """Data set, loader, module, loop: only `forward` is written, the way back is the framework's."""

    class Points(parts.Dataset):  # type: ignore[name-defined]
        def __init__(self) -> None:
            x = np.linspace(LOW, HIGH, POINTS)[:, None]
            self.x, self.y = x.astype(np.float32), function(x).astype(np.float32)

        def __len__(self) -> int:
            return POINTS

        def __getitem__(self, index: int) -> Any:
            return self.x[index], self.y[index]

    class Net(parts.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.hidden = parts.nn.Linear(1, HIDDEN, **parts.seeded)
            self.relu = parts.nn.ReLU()
            self.output = parts.nn.Linear(HIDDEN, 1, **parts.seeded)

        def forward(self, x: Any) -> Any:
            return self.output(self.relu(self.hidden(x)))

    train, _ = parts.random_split(Points(), [SHARE, 1 - SHARE], generator=parts.generator(SEED))
    loader = parts.DataLoader(train, batch_size=BATCH, shuffle=True, generator=parts.generator(SEED + 1))
    network, loss_function = Net(), parts.nn.MSELoss()
    optimizer = parts.optim.Adam(network.parameters(), lr=FRAMEWORK_LR)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_function(network(x), y)
        loss.backward()
        optimizer.step()
        return loss

    losses = []
    began = clock.perf_counter()
    for _ in range(epochs):
        values = [step(x, y).item() for x, y in loader]
        losses.append(float(np.mean(values)))
    seconds = (clock.perf_counter() - began) / epochs

    def predict(x: Array) -> Array:
        with parts.no_grad():
            return np.asarray(network(parts.tensor(x)).numpy())

    return Trained(losses, seconds, predict)


def gradients_agree(x: Array, y: Array) -> float:
    """One start for both, float64: the largest difference of the gradients over their size."""
    rng = np.random.default_rng(SEED)
    hand, loss = Network(Linear(1, HIDDEN, rng, deviation=1.0), ReLU(), Linear(HIDDEN, 1, rng, deviation=1.0)), MSE()
    loss.forward(hand.forward(x), y)
    hand.backward(loss.backward())
    framework = nn.Sequential(nn.Linear(1, HIDDEN, generator=0), nn.ReLU(), nn.Linear(HIDDEN, 1, generator=0)).double()
    for theirs, (mine, _) in zip(framework.parameters(), hand.parameters(), strict=True):
        theirs.assign(mine.T.copy())  # weights are stored (out, in) by frameworks; the turn of a bias is the bias
    nn.functional.mse_loss(framework(tensor(x)), tensor(y)).backward()
    differences = []
    for theirs, (_, gradient) in zip(framework.parameters(), hand.parameters(), strict=True):
        assert theirs.grad is not None
        differences.append(np.abs(theirs.grad.numpy().T - gradient).max() / np.abs(gradient).max())
    return float(max(differences))


# --- the run ---------------------------------------------------------------------------------------------------


def relative(prediction: Array, truth: Array) -> float:
    """The root of the mean square error over the deviation of the truth."""
    return float(np.sqrt(np.square(prediction - truth).mean()) / truth.std())


def run(options: Options, frameworks: tuple[Parts, ...] | None = None) -> Result:
    """By hand and in each framework, their gradients, their times, and the proof as a network.

    frameworks: None for surefit, and PyTorch where it is installed.
    """
    frameworks = (OURS, *pytorch()) if frameworks is None else frameworks
    epochs, framework_epochs = (100, 20) if options.quick else (EPOCHS, FRAMEWORK_EPOCHS)
    result = Result(
        "two-ways",
        both("One network by hand and in a framework", "同一个网络：手写与用框架"),
        both("document 001", "文献 001"),
        both(
            "sin x and x^2 on (-2 pi, 2 pi), 1-512-1 with ReLU, by hand and with Module, DataLoader and optimiser.",
            "(-2 pi, 2 pi) 上的 sin x 和 x^2，带 ReLU 的 1-512-1，手写，以及用 Module、DataLoader 和优化器实现。",
        ),
    )
    hands: dict[str, Trained] = {}
    made: dict[tuple[str, str], Trained] = {}
    fits: dict[str, fitting.Fit] = {}
    errors: dict[tuple[str, str], float] = {}
    for name, (text, function) in TARGETS.items():
        x, y, x_test, y_test = draw(function)
        options.log(both(f"{name} by hand", f"手写拟合 {name}"))
        hands[name] = by_hand(x, y, ADJUSTED, epochs)
        for parts in frameworks:
            options.log(both(f"{name} in {parts.name}", f"用 {parts.name} 拟合 {name}"))
            made[name, parts.name] = in_framework(parts, function, framework_epochs)
        options.log(both(f"{name}, surefit's own way", f"{name}，surefit 自己的做法"))
        method = fitting.Adam(epochs=30) if options.quick else "auto"
        fits[name] = fitting.fit(text, {"x": (LOW, HIGH)}, method=method)
        better = relative(fits[name].predict(x_test), y_test[:, 0])
        ways = {BY_HAND: hands[name], **{parts.name: made[name, parts.name] for parts in frameworks}}
        for way, trained in ways.items():
            errors[name, way] = relative(trained.predict(x_test), y_test)
            rounds = len(trained.losses)
            notes: dict[str, str] = {
                BY_HAND: both(
                    f"batch and epochs not given: rate adjusted to {ADJUSTED:g}, {rounds} epochs of all rows",
                    f"批量与轮数未给出：学习率调整为 {ADJUSTED:g}，全部样本训练 {rounds} 轮",
                ),
            }
            note = notes.get(
                way,
                both(
                    "optimiser, rate, epochs and loss are not given: Adam "
                    f"{FRAMEWORK_LR:g}, {rounds} epochs of batches of {BATCH}, mean square",
                    f"优化器、学习率、轮数和损失未给出：Adam {FRAMEWORK_LR:g}，批量 {BATCH} 训练 {rounds} 轮，均方误差",
                ),
            )
            seconds = trained.seconds * rounds
            row = (FIGURE_ONLY, errors[name, way], better, seconds, fits[name].seconds)
            result.rows.append(
                Row(
                    both(f"{name} {way}: relative RMS error, test", f"{name}，{zh(way)}：测试集相对 RMS 误差"),
                    *row,
                    note=note,
                )
            )

    x, y, _, _ = draw(np.sin)
    options.log(both("rates, gradients, times, hinges", "学习率、梯度、用时、折点"))
    summed = by_hand(x, y, RATE * len(x), 20)
    averaged = by_hand(x, y, RATE, epochs // 4)
    batches = by_hand(x, y, ADJUSTED, 3, BATCH)
    rows: list[Any] = [
        (both("by hand, all rows", "手写，全部样本"), 1, 1e3 * hands["sin x"].seconds),
        (both(f"by hand, batches of {BATCH}", f"手写，批量 {BATCH}"), len(x) // BATCH, 1e3 * batches.seconds),
        *(
            (
                both(f"{p.name}, batches of {BATCH}", f"{p.name}，批量 {BATCH}"),
                len(x) // BATCH,
                1e3 * made["sin x", p.name].seconds,
            )
            for p in frameworks
        ),
    ]
    result.grids.append(
        Grid(
            both("Time of an epoch", "每轮用时"),
            (both("way", "方式"), both("steps", "步数"), both("milliseconds", "毫秒")),
            rows,
        )
    )
    hinges, gaps = _hinges()
    result.grids.append(hinges)
    options.log(both("by hand at other rates", "手写，用其他学习率"))
    sweep, by_rate = _hand_rates(options, errors["sin x", BY_HAND])
    result.grids.append(sweep)
    end = averaged.losses[-1] / float(y.var())
    result.claims += [
        _same_network(gradients_agree(x, y)),
        _given_rate(summed.losses, len(averaged.losses), end, tested=not options.quick),
        _fit_by_hand({name: errors[name, BY_HAND] for name in TARGETS}, by_rate, epochs, tested=not options.quick),
        _fit_in_framework(errors, [parts.name for parts in frameworks], tested=not options.quick),
        _approximates(gaps),
    ]
    result.pictures += _pictures(hands, made, gaps, frameworks)
    return result


def _hand_rates(options: Options, adjusted: float) -> tuple[Grid, dict[str, float]]:
    """sin x by hand at other rates and in batches: the relative error on the test set."""
    x, y, x_test, y_test = draw(np.sin)
    epochs = 20 if options.quick else EPOCHS
    found: dict[str, float] = {joined((both("all rows", "全部样本"), f"{ADJUSTED:g}")): adjusted}
    for rate, batch in (*((r, None) for r in HAND_RATES), *((r, BATCH) for r in HAND_BATCH_RATES)):
        trained = by_hand(x, y, rate, epochs if batch is None else epochs // 2, batch)
        with np.errstate(all="ignore"):
            error = relative(trained.predict(x_test), y_test)
        rows_of = both("all rows", "全部样本") if batch is None else both(f"batches of {batch}", f"批量 {batch}")
        found[joined((rows_of, f"{rate:g}"))] = error
    rows: list[Any] = [(way, error if np.isfinite(error) else both("diverges", "发散")) for way, error in found.items()]
    note = both(
        f"After {epochs} epochs of all rows, {epochs // 2} in batches; 1 is what a constant reaches, {FITS:g} a fit.",
        f"全部样本训练 {epochs} 轮、批量训练 {epochs // 2} 轮之后；1 是常数所能达到的，{FITS:g} 才算拟合。",
    )
    return Grid(
        both("sin x by hand at other rates", "手写拟合 sin x，用其他学习率"),
        (both("way and rate", "方式与学习率"), both("relative RMS error, test", "测试集相对 RMS 误差")),
        rows,
        note,
    ), found


def _hinges() -> tuple[Grid, dict[str, list[float]]]:
    """The largest error of the network through evenly spaced knots, by their number."""
    fine = np.linspace(LOW, HIGH, 20_001)[:, None]
    gaps: dict[str, list[float]] = {name: [] for name in (*TARGETS, "sign x", "outside")}
    for count in KNOTS:
        knots = np.linspace(LOW, HIGH, count + 1)
        functions: dict[str, Callable[[Array], Array]] = {name: f for name, (_, f) in TARGETS.items()}
        functions["sign x"] = np.sign
        for name, function in functions.items():
            line = through(knots, function(knots))
            gaps[name].append(float(np.abs(line.forward(fine) - function(fine)).max()))
            if name == "x^2":
                gaps["outside"].append(float(abs(line.forward(np.array([[2 * HIGH]]))[0, 0] - (2 * HIGH) ** 2)))
    rows: list[Any] = [(name, *values) for name, values in gaps.items() if name != "outside"]
    note = both(
        "Largest error of the ReLU network that is drawn through evenly spaced points of the function; no training.",
        "通过函数上等距各点的 ReLU 网络的最大误差；没有训练。",
    )
    return Grid(
        both("The proof as a network", "写成网络的证明"),
        (both("target", "目标"), *(both(f"{k} units", f"{k} 个单元") for k in KNOTS)),
        rows,
        note,
    ), gaps


# --- the claims ------------------------------------------------------------------------------------------------


def _same_network(difference: float) -> Claim:
    return Claim(
        both("by hand and in a framework it is the same network", "手写与用框架，是同一个网络"),
        verdict_of(difference < 1e-12),
        both(
            f"from one start their gradients differ by {difference:.0e} of their size",
            f"从同一起点出发，两者的梯度之差为其大小的 {difference:.0e}",
        ),
    )


def _given_rate(summed: list[float], epochs: int, left: float, *, tested: bool) -> Claim:
    return Claim(
        both("the fit by hand works at a rate of 1e-5, adjusted later", "手写的拟合用学习率 1e-5 可行，后来再调整"),
        verdict_of(summed[-1] < summed[0] or left < FITS, tested=tested),
        both(
            "at 1e-5 the summed gradient goes from a loss of "
            f"{summed[0]:.3g} to {summed[-1]:.3g} in {len(summed)} epochs; "
            f"the averaged one leaves {left:.2g} of the variance of sin x after {epochs}",
            f"学习率为 1e-5 时，梯度求和使损失在 {len(summed)} 轮中从 {summed[0]:.3g} 变为 {summed[-1]:.3g}"
            f"；梯度取平均则在 {epochs} 轮后剩下 sin x 方差的 {left:.2g}",
        ),
        both(
            "as given, the rate fits with neither: of the sum it diverges, of the mean it hardly moves",
            "所给的学习率两者都不合：求和时发散，取平均时几乎不动",
        ),
        verdict_of(not summed[-1] < summed[0], left > FITS, tested=tested),
    )


def _fit_by_hand(errors: dict[str, float], by_rate: dict[str, float], epochs: int, *, tested: bool) -> Claim:
    by_target = ", ".join(f"{name} {error:.2g}" for name, error in errors.items())
    finite = {way: error for way, error in by_rate.items() if np.isfinite(error)}
    best = min(finite, key=lambda way: finite[way])
    return Claim(
        both(
            "the network written by hand fits sin x and x^2 (figures only)", "手写的网络拟合了 sin x 和 x^2（仅有图）"
        ),
        verdict_of(*(error < FITS for error in errors.values()), tested=tested),
        both(
            f"relative error on the test set after {epochs} epochs "
            f"at {ADJUSTED:g}: {by_target}; of {len(by_rate)} ways "
            f"for sin x the best is {best} with {finite[best]:.2g}, {len(by_rate) - len(finite)} diverge",
            f"以 {ADJUSTED:g} 训练 {epochs} 轮后测试集上的相对误差："
            f"{by_target}；sin x 的 {len(by_rate)} 种方式中最好的是 "
            f"{zh(best)}，为 {finite[best]:.2g}，{len(by_rate) - len(finite)} 种发散",
        ),
        both(
            "the fit by hand fails: sin x comes out as a sawtooth, "
            "whatever the rate, because the N(0, 1) weights of 512 "
            "units allow no larger step",
            "手写的拟合失败：无论学习率如何，sin x 都成了锯齿，因为 512 个单元的 N(0, 1) 权重不允许更大的步长",
        ),
        verdict_of(errors["sin x"] > FITS and finite[best] > FITS, tested=tested),
    )


def _fit_in_framework(errors: dict[tuple[str, str], float], names: list[str], *, tested: bool) -> Claim:
    def by_target(name: str) -> str:
        return ", ".join(f"{target} {errors[target, name]:.2g}" for target in TARGETS)

    better = [errors[target, name] < errors[target, BY_HAND] for target in TARGETS for name in names]
    words = joined(
        (both(f"{name}: {by_target(name)}", f"{zh(name)}：{by_target(name)}") for name in (BY_HAND, *names)),
        ("; ", "；"),
    )
    return Claim(
        both(
            "the network in a framework fits sin x and x^2 (figures only)",
            "用框架写的网络拟合了 sin x 和 x^2（仅有图）",
        ),
        verdict_of(*(errors[target, name] < FITS for target in TARGETS for name in names), tested=tested),
        both(f"relative error on the test set, {words}", f"测试集上的相对误差，{zh(words)}"),
        both(
            "initialisation and optimiser make the difference to the fit by hand, not who wrote the backward pass",
            "与手写拟合的差别来自初始化和优化器，与反向传播由谁写无关",
        ),
        verdict_of(all(better), tested=tested),
    )


def _approximates(gaps: dict[str, list[float]]) -> Claim:
    inside = all(3 < a / b < 5 for a, b in zip(gaps["sin x"][2:-1], gaps["sin x"][3:], strict=True))
    jump, outside = gaps["sign x"][-1] < 0.1, gaps["outside"][-1] < 1.0
    return Claim(
        both(
            "ReLUs make any piecewise-linear line, so a two-layer network approximates any continuous function",
            "ReLU 能组成任何分段线性的折线，所以两层网络能逼近任何连续函数",
        ),
        verdict_of(inside, outside),
        both(
            "largest error of the network drawn through points of "
            f"sin x {gaps['sin x'][0]:.2g} with {KNOTS[0]} hinges, "
            f"{gaps['sin x'][-1]:.2g} with {KNOTS[-1]}; of sign x "
            f"{gaps['sign x'][-1]:.2g}; at 4 pi the one of x^2 misses "
            f"{gaps['outside'][-1]:.0f} of {(4 * np.pi) ** 2:.0f}",
            f"通过 sin x 上各点的网络，最大误差为 {gaps['sin x'][0]:.2g}（{KNOTS[0]} 个折点）、{gaps['sin x'][-1]:.2g}"
            f"（{KNOTS[-1]} 个折点）；sign x 为 {gaps['sign x'][-1]:.2g}；"
            f"在 4 pi 处，x^2 的网络相差 {gaps['outside'][-1]:.0f}"
            f"，真值为 {(4 * np.pi) ** 2:.0f}",
        ),
        both(
            "true on a closed bounded interval, where the error falls by 4 when the hinges double; not outside it, nor "
            "where the function jumps",
            "在有界闭区间上成立，折点加倍时误差降为四分之一；在区间之外和函数的跳跃处不成立",
        ),
        verdict_of(inside and not jump and not outside),
    )


# --- pictures --------------------------------------------------------------------------------------------------


def _pictures(
    hands: dict[str, Trained],
    made: dict[tuple[str, str], Trained],
    gaps: dict[str, list[float]],
    frameworks: tuple[Parts, ...],
) -> list[Picture]:
    Curve, Panel = view.Curve, view.Panel
    fine = np.linspace(LOW, HIGH, 801)[:, None]
    shown, losses = [], []
    for name, (_, function) in TARGETS.items():
        ways = {BY_HAND: hands[name], **{parts.name: made[name, parts.name] for parts in frameworks}}
        lines = [Curve(fine[:, 0], way.predict(fine)[:, 0], label) for label, way in ways.items()]
        shown.append(
            Panel(
                [Curve(fine[:, 0], function(fine)[:, 0], both("target", "目标"), "target"), *lines],
                "x",
                "y",
                title=name,
            )
        )
        curves = [Curve(np.arange(1, len(way.losses) + 1), way.losses, label) for label, way in ways.items()]
        losses.append(Panel(curves, both("epoch", "轮次"), both("training MSE", "训练 MSE"), title=name, log="xy"))
    units = np.array(KNOTS, float)
    proof = [Curve(units, gaps[name], name, "marks") for name in (*TARGETS, "sign x")]
    return [
        Picture(
            "two-ways",
            both("The two fits on one figure, for both targets.", "两个目标的两种拟合画在一张图上。"),
            view.chart(shown, title=both("One network by hand and in a framework", "同一个网络：手写与用框架")),
        ),
        Picture(
            "two-ways-loss",
            both("Their training losses.", "它们的训练损失。"),
            view.chart(losses, title=both("Training losses", "训练损失")),
        ),
        Picture(
            "two-ways-proof",
            both(
                "The proof as a network: largest error by the number of hinges, nothing trained.",
                "写成网络的证明：最大误差随折点数的变化，没有训练。",
            ),
            view.chart(
                [Panel(proof, both("hidden units", "隐藏单元数"), both("largest error", "最大误差"), log="xy")],
                title=both("Networks that are written down, not trained", "直接写出而未经训练的网络"),
            ),
        ),
    ]
