"""The callbacks of scikit-learn 1.9 and later, spoken of in this file alone; older versions have none.

An epoch or iteration of surefit is a subtask of `fit`. A callback that answers True ends the training, which keeps the
best network so far.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar, cast

from surefit.attempts.events import Epoch, Step
from surefit.attempts.methods import METHODS, FirstOrder
from surefit.models.inference import evaluate

Method = TypeVar("Method", bound=Callable[..., Any])

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """An estimator without callbacks."""

    def _with_callbacks(method: Any) -> Any:
        return method


def with_callbacks(method: Method) -> Method:
    """A `fit` that may have callbacks, where scikit-learn has them; its types are those of the method."""
    return cast(Method, _with_callbacks(method))


class Task:
    """One `fit` as the callbacks of an estimator see it; nothing where there are none.

    X, y: as the user gave them.
    """

    def __init__(self, estimator: Any, X: Any, y: Any) -> None:
        self.estimator, self.data, self.context = estimator, {"X": X, "y": y}, None
        self.model: Any = None  # whose weights are those of the present epoch, where it is known
        self.stage: str | None = None
        if hasattr(estimator, "_init_callback_context"):
            kind = METHODS.get(str(estimator.solver).lower())
            named = kind is not None and issubclass(kind, FirstOrder)
            once = named and estimator.restarts == 1 and estimator.learning_rate_init != "auto"
            steps = estimator.max_iter if once else None  # of other methods several attempts may be heard
            self.context = estimator._init_callback_context(max_subtasks=steps)
            self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def listeners(self) -> list[Callable[[Any], bool]]:
        """Callbacks of `surefit.fit`: none where nobody listens, since listening has its price."""
        heard = getattr(self.estimator, "_skl_callbacks", None)
        return [self] if self.context is not None and heard else []

    def watch(self, model: Any, problem: Any, seed: int) -> None:
        """A training of this model begins."""
        self.model, self.stage = model, None

    def __call__(self, event: Any) -> bool:
        if not isinstance(event, Epoch):
            return False
        assert self.context is not None
        stage = event.stage if isinstance(event, Step) else ""
        if self.stage is None:
            self.stage = stage
        elif stage != self.stage:  # another attempt, whose model is not known before it ends
            self.model = None
        step = self.context.subcontext(task_name="epoch")
        step.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        present = None if self.model is None else self._present
        said = step.call_on_fit_task_end(estimator=self.estimator, **self.data, reconstruction_attributes=present)
        return bool(said)

    def _present(self) -> dict[str, Any]:
        """What makes a copy of the estimator predict as the network does now; asked for only where that is wanted."""
        return {"_learner": Present(copy.deepcopy(self.model))}

    def end(self) -> None:
        """The fit is done, and the estimator ready to predict."""
        if self.context is not None:
            self.context.call_on_fit_task_end(estimator=self.estimator, **self.data, reconstruction_attributes={})


class Present:
    """A network in the middle of its training."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, x: Any) -> Any:
        """Values (n, k) at points (n, d)."""
        return evaluate(self.model, x)


__all__ = ["CallbackSupportMixin", "Task", "with_callbacks"]
