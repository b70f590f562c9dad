"""The values and gradients of a fitted network: compiled in strict mode where that is possible, else by NumPy.

Compiled, a value does not depend on how many points are asked for at once, nor on the vector width or the threads:
every point is computed in the same order. The first call compiles, which takes a moment unless the code is on the disk.
Gradients are compiled when they have been asked for often, or for many points: a single one is sooner had by NumPy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from surefit.core.batching import batch
from surefit.core.functional import jacobian
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import MissingExtraError, RecordError
from surefit.models.chain import Chain, chain_of
from surefit.models.scaled import Scaled
from surefit.nn.module import changes

BLOCK = 80  # points of one run: two layers of 64 units stay in a first cache; a single point has a program of its own
GRADIENTS = 64  # the same of gradients
EAGER_BLOCK = 8192
CACHED = 1 << 17  # numbers of a layer, of a block that goes through a plain chain
MOST_NUMBERS, FEWEST_ROWS = 1_000_000, 16  # in an array of a block, of models that say how many they take for a row
PATIENT = 100, 2048  # gradient calls, and points in all of them, after which compiling has been worth it
SAME = ("training", "_hooks")  # fields that are no part of what a model computes here


class Inference:
    """Points (n, d) -> values (n, k), float64, of a Module that maps rows to rows. `how` says in which way.

    What is changed of the model afterwards counts: weights that are assigned, fields and layers that are replaced.
    """

    def __init__(self, model: Any, width: int) -> None:
        self._model, self.width = ref(model), width
        self._compiling = threading.RLock()
        self._begin()

    def _begin(self) -> None:
        """Nothing is compiled; what the model is made of now."""
        self.how = "compiled, strict"
        self._gradients_too, self._calls, self._points = True, 0, 0
        self._single: dict[str, Any] = {}  # the Programs of one point, which are wanted soonest
        self._ready: dict[tuple[str, int], Any] = {}
        self._changes = changes[0]
        self._made_of = _made_of(self.model)

    @property
    def model(self) -> Any:
        """The model, which holds this and not the other way round; None when it is gone."""
        return self._model()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(x, np.float64)
        if not len(x):
            return np.zeros((0, self.width))
        if len(x) == 1 and (y := self.point(x[0].tolist())) is not None:
            return np.array([y])
        found = None if len(x) == 1 else self._run("values", rows_at_once(self.model, BLOCK), x)
        return evaluate(self.model, x) if found is None else found

    def point(self, values: Sequence[float]) -> list[float] | None:
        """The k values at one point of d numbers; None where the model does not compile."""
        found = self._at_once("values", values)
        if found is None:
            y = self._run("values", 1, np.array([values], np.float64))
            found = None if y is None else y[0].tolist()
        return found

    def _at_once(self, what: str, values: Sequence[float]) -> list[float] | None:
        """The result at one point, flat, where everything is ready for it."""
        single = self._single.get(what)
        return single.point(values) if single is not None and changes[0] == self._changes else None

    def gradients(self, x: np.ndarray) -> np.ndarray:
        """Gradients (n, k, d) at points (n, d), float64; exact, of the model itself."""
        if len(x) == 1 and (found := self._at_once("gradients", x[0].tolist())) is not None:
            return np.array(found).reshape(1, self.width, -1)
        x = np.ascontiguousarray(x, np.float64)
        if not len(x):
            return np.zeros((0, self.width, x.shape[1]))
        self._calls, self._points = self._calls + 1, self._points + len(x)
        if self._calls > PATIENT[0] or self._points > PATIENT[1]:
            rows = 1 if len(x) == 1 else rows_at_once(self.model, GRADIENTS)
            compiled = self._run("gradients", rows, x)
            if compiled is not None:
                return compiled
        step, block = _gradients(self.model), rows_at_once(self.model)
        return np.concatenate([step(Tensor(x[i : i + block])).detach().numpy() for i in range(0, len(x), block)])

    def _run(self, what: str, rows: int, x: np.ndarray) -> np.ndarray | None:
        """By the compiled model, or None where it does not compile."""
        for _ in range(3):  # the model may be changed while this runs
            ready = self._program(what, rows, x.shape[1])
            if ready is None:
                return None
            found: np.ndarray | None = ready(x)
            if found is not None:
                return found
            with self._compiling:
                self._begin()
        return None

    def _program(self, what: str, rows: int, d: int) -> Any:
        """The compiled model for so many points at a time, or None where it does not compile."""
        with self._compiling:  # another thread may ask for the same
            if changes[0] != self._changes:
                now = changes[0]
                if _same(_made_of(self.model), self._made_of):
                    self._changes = now
                else:
                    self._begin()
            if not self.how.startswith("compiled") or (what == "gradients" and not self._gradients_too):
                return None
            ready = self._ready.get((what, rows))
            if ready is None:
                try:
                    ready = self._compile(what, rows, d)
                except (RecordError, MissingExtraError) as e:
                    if what == "gradients":
                        self._gradients_too = False
                    else:
                        self.how = f"NumPy: {e}"
                    return None
                self._ready[what, rows] = ready
                if rows == 1:
                    self._single[what] = ready
        return ready

    def _compile(self, what: str, rows: int, d: int) -> Any:
        from surefit.compiler.ready import Ready

        model = self.model

        def values(x: Any) -> Any:
            with no_grad():
                return model(x)

        training = getattr(model, "training", False)
        model.eval()
        try:
            program = record(values if what == "values" else _gradients(model), Tensor(np.zeros((rows, d)), np.float64))
        finally:
            model.train(training)
        return Ready(program)


def _gradients(model: Any) -> Callable[[Any], Any]:
    """Points (n, d) -> gradients (n, k, d)."""
    return batch(jacobian(lambda row: model(row.reshape(1, -1)).reshape(-1)))


def _made_of(model: Any) -> list[Any]:
    """The modules inside a model and all fields, in order; not the model, which this list would keep alive."""
    found: list[Any] = []
    for module in model.modules():
        found += [] if module is model else [module]
        found += [*(v for k, v in vars(module).items() if k not in SAME)]
        found += [*module._parameters.values(), *module._buffers.values()]
    return found


def _same(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def evaluate(model: Any, x: np.ndarray) -> np.ndarray:
    """A Module at points (n, d) -> (n, k), float64, by NumPy and in blocks, whatever the number of points."""
    chain = _plain_chain(model) if len(x) >= EAGER_BLOCK else None
    if chain is not None:
        return _through(model, chain, x)
    block = rows_at_once(model)
    with no_grad():
        blocks = [model(Tensor(x[i : i + block])).numpy() for i in range(0, len(x), block)]
    return np.concatenate(blocks) if blocks else np.zeros((0, len(model.y_shift.numpy())))


def _plain_chain(model: Any) -> Chain | None:
    """The layers of a network between scalings that take no logarithm of an input, if it is nothing but those."""
    if type(model) is not Scaled or model.has_log or any(m.training for m in model.network.modules()):
        return None
    chain = chain_of(model.network)
    return None if chain is None or any(layer.weight.dtype != model.dtype for layer, _ in chain) else chain


def _through(model: Scaled, chain: Chain, x: np.ndarray) -> np.ndarray:
    """Many points through the layers, so few at a time that they stay in a core's cache, where they were."""
    shift, scale, low, size = (b.numpy() for b in (model.x_shift, model.x_scale, model.y_shift, model.y_scale))
    widest = max(max(layer.in_features, layer.out_features) for layer, _ in chain)
    block = max(FEWEST_ROWS, min(EAGER_BLOCK, CACHED // widest))
    y = np.empty((len(x), chain[-1][0].out_features))
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(0, len(x), block):
            z = ((x[i : i + block] - shift) / scale).astype(model.dtype, copy=False)
            for layer, activation in chain:
                z = z @ layer.weight.detach().numpy().T
                if layer.bias is not None:
                    z += layer.bias.detach().numpy()
                if activation is not None:
                    z = np.tanh(z, out=z) if activation.kind == "Tanh" else activation.value(z)
            y[i : i + block] = z.astype(np.float64, copy=False) * size + low
        return np.exp(y, out=y) if model.y_log else y


def rows_at_once(model: Any, most: int = EAGER_BLOCK, numbers: int = MOST_NUMBERS) -> int:
    """How many rows a Module is evaluated at together, so that no array holds many more than so many numbers."""
    each = max((getattr(m, "numbers_a_row", 1) for m in model.modules()), default=1)
    return min(most, max(FEWEST_ROWS, numbers // each))


_known: WeakKeyDictionary[Any, Inference] = WeakKeyDictionary()
_listing = threading.Lock()


def values_of(model: Any) -> Inference:
    """The Inference of a scaled model, one for each."""
    with _listing:
        found = _known.get(model)
        if found is None:
            found = _known[model] = Inference(model, len(model.y_shift.numpy()))
    return found


def predictor(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """The model on points (n, d) -> (n, k), float64: in float32 as it is used later, since its rounding counts."""
    if model.dtype == np.float32:
        return lambda points: values_of(model)(points)  # which does not keep the model alive
    return lambda points: evaluate(model, points)


__all__ = ["Inference", "evaluate", "predictor", "rows_at_once", "values_of"]
