"""How to fit: method objects that hold their own settings, `Adam(lr=3e-4, epochs=300, batch_size=64)`."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from surefit import optim
from surefit.errors import ArgumentError
from surefit.spelling import spelled

SCHEDULES = ("auto", "constant", "cosine", "onecycle", "plateau", "step", "exponential", "linear", "polynomial")


def _as_python(settings: Any) -> None:
    """NumPy's numbers among the fields of a frozen object become Python's, which files and cards can hold."""
    for f in fields(settings):
        value = getattr(settings, f.name)
        if isinstance(value, np.generic):
            object.__setattr__(settings, f.name, value.item())


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """A finite number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True, kw_only=True)
class FirstOrder:
    """Settings shared by the first-order methods.

    lr: learning rate; None: the method's own default; "auto": found by a range test (see `find_lr`). epochs: passes
    over the training data; None: enough for about 20 000 steps, ended earlier by `patience`. batch_size: points in each
    batch; None: 64, or all when there are fewer than 128. schedule: of the learning rate; "auto" is a cosine down to a
    hundredth, or constant when lr is a number. patience: epochs without a better validation loss until it stops; "auto"
    is off when epochs are given. loss: a name or a function (prediction, target) -> one number. clip_norm: limit of the
    gradient's norm. scale: fit in scaled units (inputs to [-1, 1], outputs to mean 0 and deviation 1; undone inside the
    model). best_weights: give back the
    weights of the best epoch instead of the last. solve_output: at the end solve for the best output layer by least
    squares on the training rows, and keep it where it is better (on the validation rows, if the values are measured);
    for networks that end in a linear layer and the loss "mse".
    """

    name: ClassVar[str] = ""
    default_lr: ClassVar[float] = 1e-3

    lr: float | str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    schedule: str = "auto"
    patience: int | str | None = "auto"
    loss: str | Callable[..., Any] = "mse"
    weight_decay: float = 0.0
    clip_norm: float | None = None
    scale: bool = True
    best_weights: bool = True
    solve_output: bool = False

    def __post_init__(self) -> None:
        what = type(self).__name__
        _as_python(self)
        if not (self.lr is None or self.lr == "auto" or (_is_number(self.lr) and self.lr > 0)):  # type: ignore[operator]
            raise ArgumentError(f"{what}: lr={self.lr!r} must be a number > 0, or 'auto'")
        for key in ("epochs", "batch_size"):
            value = getattr(self, key)
            if value is not None and not (_is_whole(value) and value >= 1):
                raise ArgumentError(f"{what}: {key}={value!r} must be a whole number >= 1")
        if self.schedule not in SCHEDULES:
            raise ArgumentError(f"{what}: schedule={self.schedule!r} is unknown; {nearest(self.schedule, SCHEDULES)}")
        if not isinstance(self.loss, str) and not callable(self.loss):
            raise ArgumentError(f"{what}: loss={self.loss!r} must be a name or a function (prediction, target)")
        if isinstance(self.loss, str) and self.loss not in LOSSES:
            raise ArgumentError(f"{what}: loss={self.loss!r} is unknown; {nearest(self.loss, LOSSES)}")
        if callable(self.loss) and not _takes_two(self.loss):
            raise ArgumentError(f"{what}: loss={self.loss!r} must take two arguments, (prediction, target)")
        patient = self.patience is None or self.patience == "auto"
        if not patient and not (_is_whole(self.patience) and self.patience >= 1):  # type: ignore[operator]
            raise ArgumentError(f"{what}: patience={self.patience!r} must be a whole number >= 1, None or 'auto'")
        if self.clip_norm is not None and not (_is_number(self.clip_norm) and self.clip_norm > 0):
            raise ArgumentError(f"{what}: clip_norm={self.clip_norm!r} must be a number > 0, or None")
        if not (_is_number(self.weight_decay) and self.weight_decay >= 0):
            raise ArgumentError(f"{what}: weight_decay={self.weight_decay!r} must be a number >= 0")
        for key in ("scale", "best_weights", "solve_output"):
            if not isinstance(getattr(self, key), bool):
                raise ArgumentError(f"{what}: {key}={getattr(self, key)!r} must be True or False")
        betas = getattr(self, "betas", (0.0, 0.0))
        if not (isinstance(betas, (tuple, list)) and len(betas) == 2 and all(map(_is_number, betas))):
            raise ArgumentError(f"{what}: betas={betas!r} must be two numbers such as (0.9, 0.999)")
        if self.solve_output and self.loss != "mse":
            solved, squared = spelled("solve_output", "True"), spelled("loss", "'mse'")
            raise ArgumentError(f"{what}: {solved} minimises squared errors; it needs {squared}")

    @property
    def rate(self) -> float:
        """The learning rate with the default filled in. ArgumentError for "auto", which must be found first."""
        if isinstance(self.lr, str):
            raise ArgumentError(f"{type(self).__name__}: lr={self.lr!r} must be found by a range test first")
        return self.default_lr if self.lr is None else self.lr

    def settings(self) -> dict[str, Any]:
        """All fields as plain data (a loss function by its name)."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        named["loss"] = self.loss if isinstance(self.loss, str) else getattr(self.loss, "__name__", "custom")
        return {"method": self.name, **named}

    def optimizer(self, params: Any, lr: float) -> optim.Optimizer:
        """The optimiser with these settings."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _SHARED}
        return getattr(optim, type(self).__name__)(params, lr=lr, weight_decay=self.weight_decay, **own)


_SHARED = {f.name for f in fields(FirstOrder)}
LOSSES = ("mse", "l1", "huber", "smooth_l1", "log_cosh", "quantile")


@dataclass(frozen=True, kw_only=True)
class SGD(FirstOrder):
    """Stochastic gradient descent with momentum (Polyak 1964); lr is 0.03 unless it is given.

    momentum: the share of the last step that is kept. nesterov: take the gradient where that leads to (Nesterov 1983).
    The other settings: epochs, batch_size, schedule, patience and so on are as for `Adam`.

    >>> import surefit
    >>> fit = surefit.fit("sin(x)", "x=-3:3", model=(8,), method=surefit.SGD(momentum=0.5, epochs=2))
    >>> fit.method["lr"], fit.method["momentum"]
    (0.03, 0.5)
    """

    name: ClassVar[str] = "sgd"
    default_lr: ClassVar[float] = 3e-2
    momentum: float = 0.9
    nesterov: bool = False


@dataclass(frozen=True, kw_only=True)
class Adam(FirstOrder):
    """Adam (Kingma and Ba 2015, Adam: a method for stochastic optimization, algorithm 1); lr is 0.005 by default.

    Args:
        lr: the learning rate; None: the default; "auto": found by a range test (see `find_lr`).
        epochs: passes over the training points. None: enough for about 20 000 steps, ended earlier by `patience`.
        batch_size: points in each batch. None: 64, or all when there are fewer than 128.
        schedule: of the learning rate, "constant", "cosine", "onecycle", "plateau", "step", "exponential", "linear" or
            "polynomial"; "auto" is a cosine down to a hundredth, or constant when lr is a number.
        patience: epochs without a better validation loss until it stops; "auto" is off when epochs are given.
        loss: "mse", "l1", "huber", "smooth_l1", "log_cosh", "quantile", or a function (prediction, target) -> one
            number.
        weight_decay: times the weights is added to the gradient.
        clip_norm: limit of the gradient's norm.
        scale: fit in scaled units (inputs to [-1, 1], outputs to mean 0 and deviation 1; undone inside the model).
        best_weights: give back the weights of the best epoch instead of the last.
        solve_output: at the end solve for the best output layer by least squares, and keep it where it is better.
        betas: how much the running means of gradients and of their squares keep in each step.
        amsgrad: divide by the largest mean of squares so far (Reddi, Kale and Kumar 2018).

    Raises:
        ArgumentError: a setting outside its range.

    >>> import surefit
    >>> fit = surefit.fit("sin(x)", "x=-3:3", model=(8,), method=surefit.Adam(lr=1e-3, epochs=2))
    >>> fit.method["lr"], fit.method["schedule"], len(fit.history)
    (0.001, 'constant', 2)
    """

    name: ClassVar[str] = "adam"
    default_lr: ClassVar[float] = 5e-3
    betas: tuple[float, float] = (0.9, 0.999)
    amsgrad: bool = False


@dataclass(frozen=True, kw_only=True)
class AdamW(FirstOrder):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019): a step shrinks the weights by lr * weight_decay.

    lr is 0.005 and weight_decay 0.01 unless they are given; the other settings are those of `Adam`.
    """

    name: ClassVar[str] = "adamw"
    default_lr: ClassVar[float] = 5e-3
    weight_decay: float = 1e-2
    betas: tuple[float, float] = (0.9, 0.999)
    amsgrad: bool = False


@dataclass(frozen=True, kw_only=True)
class RMSprop(FirstOrder):
    """RMSprop (Tieleman and Hinton 2012): steps divided by the root of a running mean of squared gradients.

    lr is 0.002 unless it is given. alpha: how much the running mean keeps in each step. momentum: as for `SGD`.
    centered: divide by the deviation of the gradients instead (Graves 2013). The other settings are those of `Adam`.
    """

    name: ClassVar[str] = "rmsprop"
    default_lr: ClassVar[float] = 2e-3
    alpha: float = 0.99
    momentum: float = 0.0
    centered: bool = False


@dataclass(frozen=True, kw_only=True)
class Adagrad(FirstOrder):
    """Adagrad (Duchi, Hazan and Singer 2011): steps divided by the root of the sum of all squared gradients.

    lr is 0.03 unless it is given; the other settings are those of `Adam`.
    """

    name: ClassVar[str] = "adagrad"
    default_lr: ClassVar[float] = 3e-2


@dataclass(frozen=True, kw_only=True)
class Adamax(FirstOrder):
    """Adamax (Kingma and Ba 2015, algorithm 2): Adam with the largest gradient, decaying, in place of the mean square.

    lr is 0.005 unless it is given; the settings are those of `Adam`.
    """

    name: ClassVar[str] = "adamax"
    default_lr: ClassVar[float] = 5e-3
    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True, kw_only=True)
class NAdam(FirstOrder):
    """NAdam (Dozat 2016): Adam with Nesterov's momentum.

    lr is 0.005 unless it is given; the settings are those of `Adam`.
    """

    name: ClassVar[str] = "nadam"
    default_lr: ClassVar[float] = 5e-3
    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True, kw_only=True)
class RAdam(FirstOrder):
    """RAdam (Liu and others 2020): Adam whose first steps are smaller, as long as little is known of the squares.

    lr is 0.005 unless it is given; the settings are those of `Adam`.
    """

    name: ClassVar[str] = "radam"
    default_lr: ClassVar[float] = 5e-3
    betas: tuple[float, float] = (0.9, 0.999)


# --- solvers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Solver:
    """Base of the methods that solve for residuals: in float64 and in scaled units, with squared errors."""

    name: ClassVar[str] = ""

    def __post_init__(self) -> None:
        what = type(self).__name__
        _as_python(self)
        p = getattr(self, "ridge", None)
        if not (p is None or p == "auto" or (_is_number(p) and p >= 0)):
            raise ArgumentError(f"{what}: ridge={p!r} must be a number >= 0, None or 'auto'")
        for key in ("iterations", "draws", "memory", "evaluations", "units"):
            value = getattr(self, key, 1)
            if not (_is_whole(value) and value >= 1):
                raise ArgumentError(f"{what}: {key}={value!r} must be a whole number >= 1")

    def settings(self) -> dict[str, Any]:
        """All fields as plain data."""
        return {"method": self.name, **{f.name: getattr(self, f.name) for f in fields(self)}}


@dataclass(frozen=True, kw_only=True)
class Features(Solver):
    """Scan and solve: units of one hidden layer spread over the box, the output layer by one least-squares solve.

    Several gains of the units are tried, the best two again with fresh units, `draws` times in all. ridge: on
    the output weights, relative to the mean square of the features; "auto" is none for a known function and,
    for measured data, the one of the smallest leave-one-out error.

    >>> import surefit
    >>> surefit.fit("sin(x)", "x=-3:3", model=(20,), method=surefit.Features()).error.max < 1e-5
    True
    """

    name: ClassVar[str] = "features"
    draws: int = 2
    ridge: float | str | None = "auto"


@dataclass(frozen=True, kw_only=True)
class Polynomial(Solver):
    """The linear or quadratic function of the inputs that fits best, as a network of its own.

    degree: 1 or 2. ridge: on the coefficients; "auto" is none for a known function and, for measured data,
    the one of the smallest leave-one-out error. sparse: whether a linear function leaves out the inputs that do not
    help; cross-validation tells how many do.

    >>> import surefit
    >>> surefit.fit("x^2 - x*y", "x=-1:1, y=-1:1", method=surefit.Polynomial()).error.max < 1e-13
    True
    """

    name: ClassVar[str] = "polynomial"
    degree: int = 2
    ridge: float | str | None = "auto"
    sparse: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.degree not in (1, 2) or isinstance(self.degree, bool):
            raise ArgumentError(f"Polynomial: degree={self.degree!r} must be 1 or 2")
        if self.sparse not in (True, False):
            raise ArgumentError(f"Polynomial: sparse={self.sparse!r} must be True or False")
        if self.sparse and self.degree != 1:
            raise ArgumentError("Polynomial: sparse=True chooses the inputs of a linear function; give degree=1 too")


@dataclass(frozen=True, kw_only=True)
class Additive(Solver):
    """A sum of functions of one input each, f1(x1) + f2(x2) + ...: a network whose units each see one input.

    As many units for each input, spread over its values; a few gains of them are tried, and the output layer is
    found by one least-squares solve (additive models: Hastie and Tibshirani 1990). units: for each input. groups:
    inputs that belong together, by number, each in one group at least: ((0, 1), (2,)) is f(x1, x2) + g(x3); a group of
    m > 1 inputs gets m^2 - 1 times the units. ridge: see `Features`.

    >>> import surefit
    >>> surefit.fit("sin(x) + y^2", "x=-3:3, y=-1:1", method=surefit.Additive(units=20)).error.max < 1e-4
    True
    """

    name: ClassVar[str] = "additive"
    units: int = 12
    groups: tuple[tuple[int, ...], ...] | None = None
    ridge: float | str | None = "auto"

    def widths(self, inputs: int) -> list[int]:
        """The units of each group. ArgumentError where the groups do not hold all of so many inputs."""
        groups = [(i,) for i in range(inputs)] if self.groups is None else self.groups
        twice = any(len(set(group)) < len(group) for group in groups)
        within = any(set(a) <= set(b) for i, a in enumerate(groups) for j, b in enumerate(groups) if i != j)
        if twice or within or sorted({i for group in groups for i in group}) != list(range(inputs)):
            raise ArgumentError(
                f"Additive: groups={self.groups!r} must hold each of the {inputs} inputs, as numbers from 0, "
                "and no group within another"
            )
        return [self.units * max(1, len(group) ** 2 - 1) for group in groups]


@dataclass(frozen=True, kw_only=True)
class VarPro(Solver):
    """Variable projection: the output layer is always the best one, the layers before it are searched.

    The method is that of Golub and Pereyra (1973) with the simpler Jacobian of Kaufman (1975).

    With one hidden layer it starts from `Features`, with more from the network's own initial weights. Measured data
    with a validation part end it when the validation error has risen six times. Of the gradients at a point, as much
    must be known for each output as for the others. iterations: at most. draws, ridge: see `Features`.

    >>> import surefit
    >>> surefit.fit("sin(x)", "x=-3:3", model=(10,), method=surefit.VarPro(iterations=20)).error.max < 1e-5
    True
    """

    name: ClassVar[str] = "varpro"
    iterations: int = 100
    draws: int = 2
    ridge: float | str | None = "auto"


@dataclass(frozen=True, kw_only=True)
class LM(Solver):
    """Levenberg and Marquardt's method (1944, 1963) on all weights; for networks of up to some thousand parameters.

    Measured data with a validation part end it when the validation error has risen six times. iterations: at most.
    ridge: on all weights, relative to the mean squared error of a constant; "auto" is none.
    """

    name: ClassVar[str] = "lm"
    iterations: int = 200
    ridge: float | str | None = "auto"


@dataclass(frozen=True, kw_only=True)
class LBFGS(Solver):
    """Limited-memory BFGS (Liu and Nocedal 1989) on all rows' squared error, for networks too large for a Jacobian.

    iterations: at most. memory: how many steps it remembers.
    """

    name: ClassVar[str] = "lbfgs"
    iterations: int = 1000
    memory: int = 20


@dataclass(frozen=True, kw_only=True)
class Auto(Solver):
    """The choice is surefit's: cheap methods first, costlier ones and more units until the tolerance is reached.

    The order is features, variable projection, Levenberg-Marquardt, Adam; what a function of these inputs has no use
    for is left out. evaluations: how many times at most the solvers may compute the residuals of all rows. What was
    done and why is in the fit's card, `fit.method["choice"]`.
    """

    name: ClassVar[str] = "auto"
    evaluations: int = 2000


Method = FirstOrder | Solver
METHODS: dict[str, type[FirstOrder] | type[Solver]] = {
    c.name: c
    for c in (
        Auto,
        Polynomial,
        Additive,
        Features,
        VarPro,
        LM,
        LBFGS,
        Adam,
        AdamW,
        SGD,
        RMSprop,
        Adagrad,
        Adamax,
        NAdam,
        RAdam,
    )
}


def _takes_two(function: Callable[..., Any]) -> bool:
    """Whether a function can be called with two values; True where it does not say."""
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # one that is written in C
        return True
    return True


def nearest(word: Any, known: Any) -> str:
    """Half a sentence that lists what there is, with the nearest first when one is near."""
    close = difflib.get_close_matches(str(word), list(known), 1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"choose one of {', '.join(known)}"


def method_from(method: str | Method, **settings: Any) -> Method:
    """A method object from a name and settings, or the object itself."""
    if isinstance(method, (FirstOrder, Solver)):
        return method
    if isinstance(method, type) and issubclass(method, (FirstOrder, Solver)):
        raise ArgumentError(f"method={method.__name__} is a class; give an object, {method.__name__}(), or its name")
    if not isinstance(method, str):
        raise ArgumentError(f"method={method!r} must be a name or a method object such as surefit.Adam(lr=1e-3)")
    kind = METHODS.get(method.lower())
    if kind is None:
        raise ArgumentError(f"method={method!r} is unknown; {nearest(method, METHODS)}")
    known = {f.name for f in fields(kind)}
    unknown = [k for k in settings if k not in known]
    if unknown:
        raise ArgumentError(f"{kind.__name__}: it has no setting {unknown[0]!r}; {nearest(unknown[0], sorted(known))}")
    return kind(**settings)
