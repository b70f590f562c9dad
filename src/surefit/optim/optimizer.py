"""First-order optimisers. One idea: the state is leaves; many small rules: plain arithmetic on one flat vector.

`Optimizer` lays the parameters of a group side by side in one vector, joins their gradients, runs the rule
`update(p, g, state, h) -> (new p, new state)` on the values, and assigns the results. Moments, step counter and the
hyper-parameters that a schedule may change (learning rate, momentum) are leaves, so that a step records with them as
state in and state out; all other hyper-parameters are Python numbers, fixed in a recording.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.leaves import FlatVector, Gathered, Parameter, State, flatten_parameters
from surefit.core.modes import enable_grad, mode, no_grad
from surefit.core.node import value_of
from surefit.core.ops import cast, float32, float64, int64, maximum, pow_, sqrt, where
from surefit.core.tensor import Tensor, forget_gradients
from surefit.errors import ArgumentError, DtypeError, GradientError
from surefit.optim.groups import Chunk, ParamGroup, Values

FROM_ZERO = ("lr", "eps", "weight_decay", "momentum", "lr_decay", "initial_accumulator_value", "momentum_decay")


@cache
def _given(kind: type) -> dict[str, Any]:
    """The hyper-parameters of an optimiser, with the default of each, or 0.0 where there is none."""
    takes = list(inspect.signature(kind).parameters.values())[1:]
    return {p.name: 0.0 if p.default is p.empty else p.default for p in takes}


def check_kind(what: str, value: Any, default: Any) -> None:
    """ArgumentError for what is not of the kind of the default: a truth value, a number, numbers."""
    if isinstance(default, bool):
        if not isinstance(value, (bool, np.bool_)):
            raise ArgumentError(f"{what}={value!r} must be True or False")
    elif isinstance(default, tuple):
        if not isinstance(value, (tuple, list)) or len(value) != len(default):
            raise ArgumentError(f"{what}={value!r} must be {len(default)} numbers, such as {default}")
        for i, part in enumerate(value):
            check_kind(f"{what}[{i}]", part, default[i])
    elif isinstance(default, (int, float)) and not hasattr(value, "aval"):  # a Tensor says its kind when it is read
        number = isinstance(value, (int, float, np.number, np.ndarray)) and np.size(value) == 1
        if not number or not np.isrealobj(value) or value != value:
            raise ArgumentError(f"{what}={value!r} is not a number")


class Optimizer:
    """Base of the optimisers. A subclass gives `scheduled`, `init(p)` and `update(p, g, s, h)`.

    params: parameters, or groups {"params": [...], "lr": ...} as in PyTorch. ArgumentError for an empty list, a
    parameter given twice, or a hyper-parameter out of range; DtypeError for something that is not a Parameter.
    """

    scheduled: tuple[str, ...] = ("lr",)
    first: tuple[str, ...] = ()  # settings that only the first step reads

    def __init__(self, params: Iterable[Any], defaults: Values) -> None:
        if not isinstance(params, Iterable):
            network = hasattr(params, "parameters")
            cure = "its .parameters()" if network else "a list of parameters, such as model.parameters()"
            raise ArgumentError(f"{type(self).__name__}: params is one {type(params).__name__}; give {cure}")
        given = list(params)
        if not given:
            raise ArgumentError(f"{type(self).__name__}: params is empty; pass model.parameters()")
        self.defaults = defaults
        self.param_groups: list[ParamGroup] = []
        for group in given if isinstance(given[0], Mapping) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """A further group with hyper-parameters of its own; what it does not name it takes from the defaults."""
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        unknown = set(group) - set(self.defaults) - {"params"}
        if unknown:
            known = sorted(self.defaults)
            raise ArgumentError(f"{type(self).__name__}: unknown option {sorted(unknown)}; it has {known}")
        have = {id(p) for g in self.param_groups for p in g["params"]}
        for p in params:
            name = type(self).__name__
            if not isinstance(p, Tensor):
                raise DtypeError(f"{name}: params must hold Parameters or leaves, got {type(p).__name__}")
            if not p.is_leaf:
                raise ArgumentError(
                    f"{name}: a tensor of shape {p.shape} is the result of an operation, which cannot be trained; "
                    "train the leaf that it was made of, or x.detach().requires_grad_()"
                )
            if not isinstance(p, Parameter) and not p.requires_grad:
                raise ArgumentError(
                    f"{name}: a tensor of shape {p.shape} does not require grad; wrap it in nn.Parameter, or "
                    "make it with requires_grad=True"
                )
            if id(p) in have:
                raise ArgumentError(f"{type(self).__name__}: a parameter of shape {p.shape} is given twice")
            have.add(id(p))
        options = {**self.defaults, **{k: v for k, v in group.items() if k != "params"}}
        self.check(options)
        for kind in dict.fromkeys(map(_kind, params)):  # one flat vector has one dtype
            same = [p for p in params if _kind(p) == kind]
            self.param_groups.append(ParamGroup(same, self.expand(options), self.scheduled, self))

    @staticmethod
    def expand(options: Values) -> Values:
        """Hyper-parameters as the rule reads them: betas=(b1, b2) becomes beta1, beta2; whether there is momentum."""
        if "momentum" in options:
            options = {**options, "has_momentum": float(options["momentum"]) != 0.0}
        if "betas" not in options:
            return options
        rest = {k: v for k, v in options.items() if k != "betas"}
        return {**rest, "beta1": options["betas"][0], "beta2": options["betas"][1]}

    def check(self, o: Values) -> None:
        """ArgumentError for hyper-parameters of another kind, or out of their range."""
        name = type(self).__name__
        for key, default in _given(type(self)).items():  # type: ignore[arg-type]
            if key in o and not (key in FROM_ZERO and o[key] != o[key]):
                check_kind(f"{name}: {key}", o[key], default)
        for key in FROM_ZERO:
            if key in o and not 0.0 <= float(o[key]) < float("inf"):
                raise ArgumentError(f"{name}: {key}={o[key]} must be >= 0 and finite")
        for key, b in [("alpha", o.get("alpha"))] + [(f"betas[{i}]", b) for i, b in enumerate(o.get("betas", ()))]:
            if b is not None and not 0.0 <= float(b) < 1.0:
                raise ArgumentError(f"{name}: {key}={b} must be at least 0 and below 1")

    def _changing(self, group: ParamGroup, key: str, value: Any) -> None:
        """Before a setting of a group is changed: ArgumentError for one that is out of range, or comes too late."""
        name = "betas" if key in ("beta1", "beta2") else key
        try:
            self.check({**group.fixed, name: (value, 0.0) if name == "betas" else value})
        except (TypeError, ValueError) as e:
            if isinstance(e, ArgumentError):
                raise
            raise ArgumentError(f"{type(self).__name__}: {key}={value!r} is not a number") from None
        if key in self.first and any(c.begun for c in group.chunks) and value != group[key]:
            raise ArgumentError(
                f"{type(self).__name__}: {key}={value!r} would do nothing, since only the first step reads it; "
                "make a new optimizer"
            )

    def _changed(self, group: ParamGroup) -> None:
        """After a change: the state that goes with it (of momentum, of amsgrad), so that it can be recorded."""
        h = SimpleNamespace(**group.copy())
        for chunk in group.chunks:
            if chunk.begun:
                self._begin(chunk, joint_vector(chunk.params), h)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__.get("defaults", ()):
            raise ArgumentError(
                f"{type(self).__name__}: {name} is a setting of its groups; set optimizer.param_groups[0][{name!r}]"
            )
        super().__setattr__(name, value)

    # --- what a subclass writes ---

    def init(self, p: Any, h: Any) -> Values:
        """The state before the first step: name -> array (a vector like p, or a scalar)."""
        return {}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        """One step: parameters, gradient, state and hyper-parameters (as attributes) -> new parameters, new state."""
        raise NotImplementedError(f"{type(self).__name__} has no update(); define it to say what a step does")

    # --- running ---

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient. `closure` recomputes the loss first, and is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for chunk in self._ready(group):
                self._step_chunk(group, chunk)
        return loss

    def _ready(self, group: ParamGroup) -> list[Chunk]:
        """The chunks that have gradients. A chunk of which only a part has them is split for good."""
        chunks, ready = [], []
        for chunk in group.chunks:
            have = [p._grad is not None for p in chunk.params]
            parts = [chunk] if all(have) or not any(have) else chunk.split()
            chunks += parts
            if any(have):
                ready.append(parts[0])
        group.chunks = chunks
        return ready

    @ops.silent
    def _step_chunk(self, group: ParamGroup, chunk: Chunk) -> None:
        vector = joint_vector(chunk.params)
        pieces = []
        for p, start, stop, shape in vector.parts:
            g = value_of(p._grad)  # type: ignore[arg-type]
            if g.shape != shape:
                raise GradientError(f"{type(self).__name__}: .grad of shape {g.shape} on a parameter of shape {shape}")
            pieces.append(g.reshape((stop - start,)))
        g = np.concatenate(pieces) if mode.recorder is None else ops.concatenate(*pieces, axis=0)
        if mode.recorder is not None:
            mode.recorder.assume(group, "fixed", group.fixed)
        h = SimpleNamespace(**group.fixed, **{k: value_of(leaf) for k, leaf in group.leaves.items()})
        p = vector.value
        if not chunk.begun:
            self._begin(chunk, vector, h)
        s = SimpleNamespace(**{k: value_of(leaf) for k, leaf in chunk.state.items()})
        if getattr(h, "maximize", False):
            g = -g
        new, state = self.update(p, g, s, h)
        vector._store(new)
        for k, v in state.items():
            chunk.state[k]._store(np.asarray(v) if isinstance(v, np.generic) else v)

    def prepare(self) -> None:
        """Make the vectors and the state now, so that a step can be recorded before any step has run."""
        for group in self.param_groups:
            h = SimpleNamespace(**group.copy())
            for chunk in group.chunks:
                self._begin(chunk, joint_vector(chunk.params), h)

    def _begin(self, chunk: Chunk, vector: FlatVector | Gathered, h: Any) -> None:
        """The state of a chunk, or what is missing of it since a setting was changed (momentum, amsgrad)."""
        missing = {k: v for k, v in self.init(_numbers(vector), h).items() if k not in chunk.state}
        chunk.state = chunk.state | {k: State(np.asarray(v), k) for k, v in missing.items()}
        chunk.begun = True

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: `.grad` becomes None, or zeros for set_to_none=False."""
        for group in self.param_groups:
            forget_gradients(group["params"], set_to_none)

    # --- checkpoints ---

    def state_dict(self) -> dict[str, Any]:
        """Hyper-parameters and state as plain numbers and arrays; `load_state_dict` takes it back."""
        groups = [{k: v for k, v in g.items() if k != "params"} for g in self.param_groups]
        state = []
        for g in self.param_groups:
            index = {id(p): i for i, p in enumerate(g["params"])}
            state.append([
                {"params": [index[id(p)] for p in c.params], "state": {k: leaf.numpy().copy() for k, leaf in
                c.state.items()}} for c in g.chunks
            ])  # fmt: skip
        return {"param_groups": groups, "state": state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back a state_dict of an optimiser of the same kind over the same parameters. ArgumentError otherwise."""
        if len(state["param_groups"]) != len(self.param_groups):
            raise ArgumentError(
                f"load_state_dict: {len(state['param_groups'])} groups for an optimiser with {len(self.param_groups)}"
            )
        for group, options, chunks in zip(self.param_groups, state["param_groups"], state["state"], strict=True):
            params = group["params"]
            if sorted(i for c in chunks for i in c["params"]) != list(range(len(params))):
                raise ArgumentError(f"load_state_dict: the state is of other parameters than the {len(params)} here")
            for chunk in group.chunks:
                chunk.begun = False  # so that what only the first step reads may be set
            group.update(options)
            made = [
                Chunk([params[i] for i in c["params"]], {k: State(np.array(v), k) for k, v in c["state"].items()})
                for c in chunks
            ]
            if len(made) == len(group.chunks) and all(map(Chunk.like, made, group.chunks)):
                for new, old in zip(made, group.chunks, strict=True):  # the leaves stay: a compiled step reads them
                    for k, leaf in old.state.items():
                        leaf.assign(new.state[k])
            else:
                group.chunks = made
            for chunk in group.chunks:
                chunk.begun = bool(chunk.state)

    def __repr__(self) -> str:
        options = ", ".join(f"{k}={v}" for k, v in self.param_groups[0].items() if k != "params")
        return f"{type(self).__name__}({options})"


def _kind(p: Tensor) -> tuple[Any, bool]:
    return p.dtype, isinstance(p, Parameter)


def joint_vector(params: Sequence[Any]) -> FlatVector | Gathered:
    """The leaves of a chunk side by side: they are all Parameters, or none is."""
    return flatten_parameters(params) if isinstance(params[0], Parameter) else Gathered(params)


def _numbers(vector: FlatVector | Gathered) -> Any:
    """The array of a vector while a step may be being recorded: state begins from shapes alone."""
    if isinstance(vector, FlatVector):
        return vector._value
    return np.concatenate([p._value.reshape(-1) for p, *_ in vector.parts])


def _zero(dtype: Any = int64) -> np.ndarray:
    return np.zeros((), dtype)


def _like(h: Any, p: Any, *names: str) -> list[Any]:
    """Hyper-parameters in the dtype of the parameters."""
    return [cast(getattr(h, n), dtype=p.dtype) for n in names]


def _as(x: Any, p: Any) -> Any:
    """A scalar computed in float64, in the dtype of the parameters."""
    return cast(x, dtype=p.dtype)


def _counted(s: Any) -> tuple[Any, Any]:
    """The step counter after this step, as int64 and as float64."""
    step = s.step + np.ones((), int64)
    return step, cast(step, dtype=float64)


def _decayed(g: Any, p: Any, h: Any) -> Any:
    """The gradient with L2 weight decay in it."""
    return g + p * h.weight_decay if h.weight_decay else g


def _mix(old: Any, new: Any, beta: Any) -> Any:
    """beta * old + (1 - beta) * new."""
    return old + (new - old) * (1.0 - beta)


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (Polyak 1964) and Nesterov's form (Sutskever et al. 2013)."""

    scheduled = ("lr", "momentum")

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, momentum: float = 0.0, dampening: float = 0.0,
        weight_decay: float = 0.0, nesterov: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=maximize,
        ))  # fmt: skip

    def check(self, o: Values) -> None:
        super().check(o)
        momentum = o.get("momentum", o.get("has_momentum", False))
        if o.get("nesterov") and (not momentum or float(momentum) <= 0 or o.get("dampening", 0) != 0):
            raise ArgumentError("SGD: nesterov=True needs momentum > 0 and dampening=0")

    def init(self, p: Any, h: Any) -> Values:
        if not h.has_momentum:
            return {}
        return {"momentum_buffer": np.zeros_like(p), **({"step": _zero()} if h.dampening else {})}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        g = _decayed(g, p, h)
        (lr,) = _like(h, p, "lr")
        if not h.has_momentum:
            return p - g * lr, {}
        (momentum,) = _like(h, p, "momentum")
        state: Values = {}
        if h.dampening:  # the first step is not dampened
            buffer = where(s.step == 0 if not hasattr(s.step, "aval") else ops.eq(s.step, 0), g,
                           s.momentum_buffer * momentum + g * (1.0 - h.dampening))  # fmt: skip
            state["step"] = _counted(s)[0]
        else:
            buffer = s.momentum_buffer * momentum + g
        state["momentum_buffer"] = buffer
        return p - (g + buffer * momentum if h.nesterov else buffer) * lr, state


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015), with AMSGrad (Reddi et al. 2018) as an option."""

    scheduled = ("lr", "beta1")
    decoupled = False

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, amsgrad: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize
        ))  # fmt: skip

    def init(self, p: Any, h: Any) -> Values:
        state = {"step": _zero(), "exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}
        return {**state, **({"max_exp_avg_sq": np.zeros_like(p)} if h.amsgrad else {})}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        step, t = _counted(s)
        if self.decoupled:
            p = p * _as(1.0 - h.lr * h.weight_decay, p) if h.weight_decay else p
        else:
            g = _decayed(g, p, h)
        beta1, beta2 = _like(h, p, "beta1", "beta2")
        m = _mix(s.exp_avg, g, beta1)
        v = s.exp_avg_sq * beta2 + (g * g) * (1.0 - beta2)
        state = {"step": step, "exp_avg": m, "exp_avg_sq": v}
        if h.amsgrad:
            v = state["max_exp_avg_sq"] = maximum(s.max_exp_avg_sq, v)
        size = h.lr / (1.0 - pow_(h.beta1, t))
        root = sqrt(1.0 - pow_(h.beta2, t))
        return p - m / (sqrt(v) / _as(root, p) + h.eps) * _as(size, p), state


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    decoupled = True

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


class RMSprop(Optimizer):
    """RMSprop (Hinton 2012, lecture 6e), with momentum and the centred form (Graves 2013)."""

    scheduled = ("lr", "momentum")

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
        weight_decay: float = 0.0, momentum: float = 0.0, centered: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, dict(
            lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered,
            maximize=maximize,
        ))  # fmt: skip

    def init(self, p: Any, h: Any) -> Values:
        names = ["square_avg"] + ["momentum_buffer"] * h.has_momentum + ["grad_avg"] * h.centered
        return {n: np.zeros_like(p) for n in names}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        g = _decayed(g, p, h)
        lr, momentum = _like(h, p, "lr", "momentum")
        v = s.square_avg * h.alpha + (g * g) * (1.0 - h.alpha)
        state, spread = {"square_avg": v}, v
        if h.centered:
            mean = state["grad_avg"] = _mix(s.grad_avg, g, h.alpha)
            spread = v - mean * mean
        move = g / (sqrt(spread) + h.eps)
        if h.has_momentum:
            move = state["momentum_buffer"] = s.momentum_buffer * momentum + move
        return p - move * lr, state


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer 2011)."""

    first = ("initial_accumulator_value",)

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-2, lr_decay: float = 0.0, weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0, eps: float = 1e-10, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, dict(
            lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, initial_accumulator_value=initial_accumulator_value,
            eps=eps, maximize=maximize,
        ))  # fmt: skip

    def init(self, p: Any, h: Any) -> Values:
        return {"step": _zero(), "sum": np.full_like(p, h.initial_accumulator_value)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        step, t = _counted(s)
        g = _decayed(g, p, h)
        total = s.sum + g * g
        size = h.lr / ((t - 1.0) * h.lr_decay + 1.0)
        return p - g / (sqrt(total) + h.eps) * _as(size, p), {"step": step, "sum": total}


class Adamax(Optimizer):
    """Adamax (Kingma and Ba 2015, section 7): Adam with the infinity norm."""

    scheduled = ("lr", "beta1")

    def __init__(
        self, params: Iterable[Any], lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize))

    def init(self, p: Any, h: Any) -> Values:
        return {"step": _zero(), "exp_avg": np.zeros_like(p), "exp_inf": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        step, t = _counted(s)
        g = _decayed(g, p, h)
        beta1, beta2 = _like(h, p, "beta1", "beta2")
        m = _mix(s.exp_avg, g, beta1)
        u = maximum(s.exp_inf * beta2, ops.abs_(g) + h.eps)
        size = h.lr / (1.0 - pow_(h.beta1, t))
        return p - m / u * _as(size, p), {"step": step, "exp_avg": m, "exp_inf": u}


class NAdam(Optimizer):
    """NAdam: Adam with Nesterov's momentum (Dozat 2016)."""

    scheduled = ("lr", "beta1")

    def __init__(
        self, params: Iterable[Any], lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize,
        ))  # fmt: skip

    def init(self, p: Any, h: Any) -> Values:
        one = np.ones((), float32)  # PyTorch keeps this product in float32, and so the traces agree
        return {"step": _zero(), "mu_product": one, "exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        step, t = _counted(s)
        p, g = _weight_decay(p, g, h)
        beta1, beta2 = _like(h, p, "beta1", "beta2")

        def mu(at: Any) -> Any:
            return h.beta1 * (1.0 - pow_(np.float64(0.96), at * h.momentum_decay) * 0.5)

        mu_now, mu_next = mu(t), mu(t + 1.0)
        rounded = s.mu_product * cast(mu_now, dtype=float32)
        product = cast(rounded, dtype=float64)
        m = _mix(s.exp_avg, g, beta1)
        v = s.exp_avg_sq * beta2 + (g * g) * (1.0 - beta2)
        denominator = sqrt(v / _as(1.0 - pow_(h.beta2, t), p)) + h.eps
        p = p - g / denominator * _as(h.lr * (1.0 - mu_now) / (1.0 - product), p)
        p = p - m / denominator * _as(h.lr * mu_next / (1.0 - product * mu_next), p)
        return p, {"step": step, "mu_product": rounded, "exp_avg": m, "exp_avg_sq": v}


class RAdam(Optimizer):
    """RAdam: Adam with the variance of its step rectified (Liu et al. 2020)."""

    scheduled = ("lr", "beta1")

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, decoupled_weight_decay: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        ))  # fmt: skip

    def init(self, p: Any, h: Any) -> Values:
        return {"step": _zero(), "exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        step, t = _counted(s)
        p, g = _weight_decay(p, g, h)
        beta1, beta2 = _like(h, p, "beta1", "beta2")
        m = _mix(s.exp_avg, g, beta1)
        v = s.exp_avg_sq * beta2 + (g * g) * (1.0 - beta2)
        b2t = pow_(h.beta2, t)
        longest = 2.0 / (1.0 - h.beta2) - 1.0  # rho_inf, the length of the longest simple moving average
        length = longest - t * b2t * 2.0 / (1.0 - b2t)
        trusted = ops.gt(length, 5.0)
        safe = where(trusted, length, 6.0)
        ratio = (safe - 4.0) * (safe - 2.0) * longest / (safe * ((longest - 4.0) * (longest - 2.0)))
        rectified = _as(sqrt(ratio * (1.0 - b2t)), p) / (sqrt(v) + h.eps)
        move = where(trusted, rectified, 1.0)
        size = h.lr / (1.0 - pow_(h.beta1, t))
        return p - m * move * _as(size, p), {"step": step, "exp_avg": m, "exp_avg_sq": v}


def _weight_decay(p: Any, g: Any, h: Any) -> tuple[Any, Any]:
    """Weight decay inside the gradient, or taken off the parameters (decoupled)."""
    if not h.weight_decay:
        return p, g
    if h.decoupled_weight_decay:
        return p * _as(1.0 - h.lr * h.weight_decay, p), g
    return p, g + p * h.weight_decay


# --- gradients limited before the step -----------------------------------------------------------------------------


def clip_grad_norm_(params: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Tensor:
    """Scale all gradients together so that their joint norm is at most max_norm; returns the norm before."""
    from surefit.core import functions as F

    ps = [p for p in ([params] if isinstance(params, Tensor) else params) if p.grad is not None]
    if not max_norm > 0:
        raise ArgumentError(f"clip_grad_norm_: max_norm={max_norm} must be > 0")
    if not ps:
        return Tensor(0.0, float32)
    with no_grad():
        total = F.vector_norm(F.stack([F.vector_norm(p.grad, norm_type) for p in ps]), norm_type)
        if error_if_nonfinite and not bool(F.isfinite(total)):
            raise GradientError(f"clip_grad_norm_: the norm of the gradients is {total.item()}")
        scale = F.clamp(max_norm / (total + 1e-6), max=1.0)
        for p in ps:
            p.grad = p.grad * scale.to(p.dtype)
    return total


def clip_grad_value_(params: Any, clip_value: float) -> None:
    """Limit every element of every gradient to [-clip_value, clip_value]."""
    from surefit.core import functions as F

    if not clip_value > 0:
        raise ArgumentError(f"clip_grad_value_: clip_value={clip_value} must be > 0")
    with no_grad():
        for p in [params] if isinstance(params, Tensor) else params:
            if p.grad is not None:
                p.grad = F.clamp(p.grad, -clip_value, clip_value)
