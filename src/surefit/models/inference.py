"""The values of a fitted network: compiled in strict mode where that is possible, else by NumPy.

Compiled, a value does not depend on how many points are asked for at once, nor on the vector width or the threads:
every point is computed in the same order. The first call compiles, which takes a moment unless the code is on the disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from surefit.core.tensor import Tensor, no_grad
from surefit.errors import MissingExtraError, RecordError

BLOCK = 256  # points of one run; a single point has a program of its own
EAGER_BLOCK = 8192


class Inference:
    """Points (n, d) -> values (n, k), float64, of a Module that maps rows to rows. `how` says in which way."""

    def __init__(self, model: Any, width: int) -> None:
        self._model, self.width = ref(model), width
        self.how = "compiled, strict"
        self._compiled: dict[int, Any] = {}
        self._compiling = threading.Lock()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(x, np.float64)
        if not len(x):
            return np.zeros((0, self.width))
        size = 1 if len(x) == 1 else BLOCK
        run = self._runner(size, x.shape[1])
        if run is None:
            return self._eager(x)
        out = np.empty((len(x), self.width))
        for i in range(0, len(x), size):
            rows = x[i : i + size]
            if len(rows) < size:
                rows = np.concatenate([rows, np.broadcast_to(rows[-1], (size - len(rows), x.shape[1]))])
            out[i : i + size] = run(rows)[: len(x) - i]
        return out

    def _of(self) -> Any:
        """The model, which holds this and not the other way round."""
        model = self._model()
        assert model is not None
        return model

    def _eager(self, x: np.ndarray) -> np.ndarray:
        return evaluate(self._of(), x)

    def _runner(self, size: int, d: int) -> Any:
        """The compiled model for so many points at a time, or None where it does not compile."""
        if not self.how.startswith("compiled"):
            return None
        with self._compiling:  # another thread may ask for the same
            compiled = self._compiled.get(size)
            if compiled is None:
                try:
                    compiled = self._compiled[size] = self._compile(size, d)
                except (RecordError, MissingExtraError) as e:
                    self.how = f"NumPy: {e}"
                    return None
        return lambda rows: compiled.run([rows])[0][0]

    def _compile(self, size: int, d: int) -> Any:
        from surefit.compiler import compile_program
        from surefit.core.program import record

        model = self._of()

        def values(x: Any) -> Any:
            with no_grad():
                return model(x)

        training = getattr(model, "training", False)
        model.eval()
        try:
            program = record(values, Tensor(np.zeros((size, d)), np.float64))
        finally:
            model.train(training)
        return compile_program(program, mode="strict")


def evaluate(model: Any, x: np.ndarray) -> np.ndarray:
    """A Module at points (n, d) -> (n, k), float64, by NumPy and in blocks, whatever the number of points."""
    with no_grad():
        blocks = [model(Tensor(x[i : i + EAGER_BLOCK])).numpy() for i in range(0, len(x), EAGER_BLOCK)]
    return np.concatenate(blocks) if blocks else np.zeros((0, len(model.y_shift.numpy())))


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


__all__ = ["Inference", "evaluate", "predictor", "values_of"]
