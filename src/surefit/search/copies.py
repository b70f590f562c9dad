"""How a record is pickled and copied."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

from surefit.problems.problem import Problem


class Copied:
    """What a record has for `pickle` and `copy`: a twin has no compiled code of the model, which it makes itself."""

    problem: Problem

    def __getstate__(self) -> dict[str, Any]:
        """For pickle. A callable that cannot be pickled (a lambda, say) stays behind, as it does in a model file."""
        problem = self.problem
        if not (_pickles(problem.function) and _pickles(problem.gradient_function)):
            problem = replace(problem, function=None, gradient_function=None)
        return vars(self) | {"problem": problem, "_inference": None}

    def __copy__(self) -> Any:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        twin = memo[id(self)] = object.__new__(type(self))
        vars(twin).update(copy.deepcopy(vars(self) | {"_inference": None}, memo))
        return twin


def _pickles(function: Any) -> bool:
    """Whether a function goes into a pickle."""
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, TypeError, AttributeError):
        return False
    return True


__all__ = ["Copied"]
