"""The callbacks of scikit-learn 1.9 and later, spoken of in this file alone; older versions have none.

An epoch or iteration of surefit is a subtask of `fit`. A callback that answers True ends the training, which keeps the
best network so far.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surefit.attempts.events import Epoch

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """An estimator without callbacks."""

    def with_callbacks(method: Any) -> Any:
        """The method as it is."""
        return method


class Task:
    """One `fit` as the callbacks of an estimator see it; nothing where there are none."""

    def __init__(self, estimator: Any, x: Any, y: Any, steps: int | None) -> None:
        self.estimator, self.data, self.context = estimator, {"X": x, "y": y}, None
        if hasattr(estimator, "_init_callback_context"):
            self.context = estimator._init_callback_context(max_subtasks=steps)
            self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def listeners(self) -> list[Callable[[Any], bool]]:
        """Callbacks of `surefit.fit`: none where nobody listens, since listening has its price."""
        heard = getattr(self.estimator, "_skl_callbacks", None)
        return [self._hear] if self.context is not None and heard else []

    def _hear(self, event: Any) -> bool:
        if not isinstance(event, Epoch):
            return False
        assert self.context is not None
        step = self.context.subcontext(task_name="epoch")
        step.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return bool(step.call_on_fit_task_end(estimator=self.estimator, **self.data))

    def end(self) -> None:
        """The fit is done."""
        if self.context is not None:
            self.context.call_on_fit_task_end(estimator=self.estimator, **self.data)


__all__ = ["CallbackSupportMixin", "Task", "with_callbacks"]
