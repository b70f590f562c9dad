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
from surefit.core.tensor import no_grad

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
KNOTS = (8, 16, 32, 64, 128, 256, 512)  # hinges of the network that is written down

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
        "One network by hand and in a framework",
        "document 001",
        "sin x and x^2 on (-2 pi, 2 pi), 1-512-1 with ReLU, by hand and with Module, DataLoader and optimiser.",
    )
    hands: dict[str, Trained] = {}
    made: dict[tuple[str, str], Trained] = {}
    fits: dict[str, fitting.Fit] = {}
    errors: dict[tuple[str, str], float] = {}
    for name, (text, function) in TARGETS.items():
        x, y, x_test, y_test = draw(function)
        options.log(f"{name} by hand")
        hands[name] = by_hand(x, y, ADJUSTED, epochs)
        for parts in frameworks:
            options.log(f"{name} in {parts.name}")
            made[name, parts.name] = in_framework(parts, function, framework_epochs)
        options.log(f"{name}, surefit's own way")
        method = fitting.Adam(epochs=30) if options.quick else "auto"
        fits[name] = fitting.fit(text, {"x": (LOW, HIGH)}, method=method)
        better = relative(fits[name].predict(x_test), y_test[:, 0])
        ways = {"by hand": hands[name], **{parts.name: made[name, parts.name] for parts in frameworks}}
        for way, trained in ways.items():
            errors[name, way] = relative(trained.predict(x_test), y_test)
            rounds = len(trained.losses)
            note = {
                "by hand": f"batch and epochs not given: rate adjusted to {ADJUSTED:g}, {rounds} epochs of all rows",
            }.get(
                way,
                "optimiser, rate, epochs and loss are not given: Adam "
                f"{FRAMEWORK_LR:g}, {rounds} epochs of batches of {BATCH}, mean square",
            )
            seconds = trained.seconds * rounds
            row = (FIGURE_ONLY, errors[name, way], better, seconds, fits[name].seconds)
            result.rows.append(Row(f"{name} {way}: relative RMS error, test", *row, note=note))

    x, y, _, _ = draw(np.sin)
    options.log("rates, gradients, times, hinges")
    summed = by_hand(x, y, RATE * len(x), 20)
    averaged = by_hand(x, y, RATE, epochs // 4)
    batches = by_hand(x, y, ADJUSTED, 3, BATCH)
    rows: list[Any] = [
        ("by hand, all rows", 1, 1e3 * hands["sin x"].seconds),
        (f"by hand, batches of {BATCH}", len(x) // BATCH, 1e3 * batches.seconds),
        *((f"{p.name}, batches of {BATCH}", len(x) // BATCH, 1e3 * made["sin x", p.name].seconds) for p in frameworks),
    ]
    result.grids.append(Grid("Time of an epoch", ("way", "steps", "milliseconds"), rows))
    hinges, gaps = _hinges()
    result.grids.append(hinges)
    options.log("by hand at other rates")
    sweep, by_rate = _hand_rates(options, errors["sin x", "by hand"])
    result.grids.append(sweep)
    end = averaged.losses[-1] / float(y.var())
    result.claims += [
        _same_network(gradients_agree(x, y)),
        _given_rate(summed.losses, len(averaged.losses), end, tested=not options.quick),
        _fit_by_hand({name: errors[name, "by hand"] for name in TARGETS}, by_rate, epochs, tested=not options.quick),
        _fit_in_framework(errors, [parts.name for parts in frameworks], tested=not options.quick),
        _approximates(gaps),
    ]
    result.pictures += _pictures(hands, made, fits, gaps, frameworks)
    return result


def _hand_rates(options: Options, adjusted: float) -> tuple[Grid, dict[str, float]]:
    """sin x by hand at other rates and in batches: the relative error on the test set."""
    x, y, x_test, y_test = draw(np.sin)
    epochs = 20 if options.quick else EPOCHS
    found = {f"all rows, {ADJUSTED:g}": adjusted}
    for rate, batch in (*((r, None) for r in HAND_RATES), *((r, BATCH) for r in HAND_BATCH_RATES)):
        trained = by_hand(x, y, rate, epochs if batch is None else epochs // 2, batch)
        with np.errstate(all="ignore"):
            error = relative(trained.predict(x_test), y_test)
        found[f"{'all rows' if batch is None else f'batches of {batch}'}, {rate:g}"] = error
    rows: list[Any] = [(way, error if np.isfinite(error) else "diverges") for way, error in found.items()]
    note = f"After {epochs} epochs of all rows, {epochs // 2} in batches; 1 is what a constant reaches, {FITS:g} a fit."
    return Grid("sin x by hand at other rates", ("way and rate", "relative RMS error, test"), rows, note), found


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
    note = "Largest error of the ReLU network that is drawn through evenly spaced points of the function; no training."
    return Grid("The proof as a network", ("target", *(f"{k} units" for k in KNOTS)), rows, note), gaps


# --- the claims ------------------------------------------------------------------------------------------------


def _same_network(difference: float) -> Claim:
    return Claim(
        "by hand and in a framework it is the same network",
        verdict_of(difference < 1e-12),
        f"from one start their gradients differ by {difference:.0e} of their size",
    )


def _given_rate(summed: list[float], epochs: int, left: float, *, tested: bool) -> Claim:
    return Claim(
        "the fit by hand works at a rate of 1e-5, adjusted later",
        verdict_of(summed[-1] < summed[0] or left < FITS, tested=tested),
        f"at 1e-5 the summed gradient goes from a loss of {summed[0]:.3g} to {summed[-1]:.3g} in {len(summed)} epochs; "
        f"the averaged one leaves {left:.2g} of the variance of sin x after {epochs}",
        "as given, the rate fits with neither: of the sum it diverges, of the mean it hardly moves",
        verdict_of(not summed[-1] < summed[0], left > FITS, tested=tested),
    )


def _fit_by_hand(errors: dict[str, float], by_rate: dict[str, float], epochs: int, *, tested: bool) -> Claim:
    finite = {way: error for way, error in by_rate.items() if np.isfinite(error)}
    best = min(finite, key=lambda way: finite[way])
    return Claim(
        "the network written by hand fits sin x and x^2 (figures only)",
        verdict_of(*(error < FITS for error in errors.values()), tested=tested),
        "relative error on the test set after "
        + f"{epochs} epochs at {ADJUSTED:g}: "
        + ", ".join(f"{name} {error:.2g}" for name, error in errors.items())
        + f"; of {len(by_rate)} ways for sin x the best is {best} with {finite[best]:.2g}, "
        + f"{len(by_rate) - len(finite)} diverge",
        "the fit by hand fails: sin x comes out as a sawtooth, whatever the rate, because the N(0, 1) weights of 512 "
        "units allow no larger step",
        verdict_of(errors["sin x"] > FITS and finite[best] > FITS, tested=tested),
    )


def _fit_in_framework(errors: dict[tuple[str, str], float], names: list[str], *, tested: bool) -> Claim:
    better = [errors[target, name] < errors[target, "by hand"] for target in TARGETS for name in names]
    words = (
        f"{name}: " + ", ".join(f"{target} {errors[target, name]:.2g}" for target in TARGETS)
        for name in ("by hand", *names)
    )
    return Claim(
        "the network in a framework fits sin x and x^2 (figures only)",
        verdict_of(*(errors[target, name] < FITS for target in TARGETS for name in names), tested=tested),
        "relative error on the test set, " + "; ".join(words),
        "initialisation and optimiser make the difference to the fit by hand, not who wrote the backward pass",
        verdict_of(all(better), tested=tested),
    )


def _approximates(gaps: dict[str, list[float]]) -> Claim:
    inside = all(3 < a / b < 5 for a, b in zip(gaps["sin x"][2:-1], gaps["sin x"][3:], strict=True))
    jump, outside = gaps["sign x"][-1] < 0.1, gaps["outside"][-1] < 1.0
    return Claim(
        "ReLUs make any piecewise-linear line, so a two-layer network approximates any continuous function",
        verdict_of(inside, outside),
        f"largest error of the network drawn through points of sin x {gaps['sin x'][0]:.2g} with {KNOTS[0]} hinges, "
        f"{gaps['sin x'][-1]:.2g} with {KNOTS[-1]}; of sign x {gaps['sign x'][-1]:.2g}; at 4 pi the one of x^2 misses "
        f"{gaps['outside'][-1]:.0f} of {(4 * np.pi) ** 2:.0f}",
        "true on a closed bounded interval, where the error falls by 4 when the hinges double; not outside it, nor "
        "where the function jumps",
        verdict_of(inside and not jump and not outside),
    )


# --- pictures --------------------------------------------------------------------------------------------------


def _pictures(
    hands: dict[str, Trained],
    made: dict[tuple[str, str], Trained],
    fits: dict[str, Any],
    gaps: dict[str, list[float]],
    frameworks: tuple[Parts, ...],
) -> list[Picture]:
    Curve, Panel = view.Curve, view.Panel
    fine = np.linspace(LOW, HIGH, 801)[:, None]
    shown, losses = [], []
    for name, (_, function) in TARGETS.items():
        ways = {"by hand": hands[name], **{parts.name: made[name, parts.name] for parts in frameworks}}
        lines = [Curve(fine[:, 0], way.predict(fine)[:, 0], label) for label, way in ways.items()]
        shown.append(Panel([Curve(fine[:, 0], function(fine)[:, 0], "target", "target"), *lines], "x", "y", title=name))
        curves = [Curve(np.arange(1, len(way.losses) + 1), way.losses, label) for label, way in ways.items()]
        losses.append(Panel(curves, "epoch", "training MSE", title=name, log="xy"))
    units = np.array(KNOTS, float)
    proof = [Curve(units, gaps[name], name, "marks") for name in (*TARGETS, "sign x")]
    return [
        Picture(
            "two-ways",
            "The two fits on one figure, for both targets.",
            view.chart(shown, title="One network by hand and in a framework"),
        ),
        Picture("two-ways-loss", "Their training losses.", view.chart(losses, title="Training losses")),
        Picture(
            "two-ways-proof",
            "The proof as a network: largest error by the number of hinges, nothing trained.",
            view.chart(
                [Panel(proof, "hidden units", "largest error", log="xy")],
                title="Networks that are written down, not trained",
            ),
        ),
    ]
