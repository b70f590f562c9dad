"""Parameters with their hyper-parameters: what `optimizer.param_groups` holds, and how a setting is changed later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

import numpy as np

from surefit.core.leaves import Parameter, State
from surefit.core.node import value_of
from surefit.core.ops import float64
from surefit.errors import ArgumentError

Values = dict[str, Any]
NOTES = ("initial_lr",)  # what a group may carry beside its settings: schedules that go on read it


class Chunk:
    """Parameters of a group that always get gradients together, their vector and their state."""

    def __init__(self, params: list[Parameter], state: dict[str, State]) -> None:
        self.params, self.state = params, state
        self.begun = False  # whether there is the state that the first step needs, be it none

    def split(self) -> list[Chunk]:
        """Those with a gradient and those without, each with its part of the state."""
        ends = np.cumsum([p.numel() for p in self.params])
        total = int(ends[-1])
        parts = []
        for wanted in (True, False):
            places = [i for i, p in enumerate(self.params) if (p.grad is not None) == wanted]
            state = {}
            for name, leaf in self.state.items():
                v = value_of(leaf)
                if v.shape == (total,):
                    v = np.concatenate([v[int(ends[i]) - self.params[i].numel() : int(ends[i])] for i in places])
                state[name] = State(v, leaf.label)
            part = Chunk([self.params[i] for i in places], state)
            part.begun = self.begun
            parts.append(part)
        return parts

    def like(self, other: Chunk) -> bool:
        """Whether two chunks are of the same parameters, with state of the same names, shapes and dtypes."""
        alike = len(self.params) == len(other.params)
        alike = alike and all(p is q for p, q in zip(self.params, other.params, strict=True))
        kinds = [{k: (leaf.shape, leaf.dtype) for k, leaf in c.state.items()} for c in (self, other)]
        return alike and kinds[0] == kinds[1]


class ParamGroup(dict[str, Any]):
    """Parameters with their hyper-parameters, PyTorch's `optimizer.param_groups[i]`.

    Every way to change a setting (`group["lr"] = 0.1`, `update`, `setdefault`, `|=`) takes effect at the next step, or
    is an ArgumentError: an unknown name, a value out of range, what only the first step reads. A scheduled entry (lr,
    momentum) is a leaf, which compiled steps read; another change has them compiled again. "betas" is read and set as
    a pair.
    """

    leaves: dict[str, State]  # scheduled settings by name
    chunks: list[Chunk]
    fixed: Values  # the other settings: replaced, never changed, so that a recording can tell whether it still holds

    def __init__(
        self, params: list[Parameter], options: Values, scheduled: Sequence[str],
        optimizer: Any,
    ) -> None:  # fmt: skip
        super().__init__(params=tuple(params))
        self.leaves, self.chunks, self.fixed = {}, [Chunk(params, {})], {}
        self._optimizer = optimizer  # which checks a change, and makes the state that it needs
        for k, v in options.items():
            if k in scheduled:
                self.leaves[k] = State(np.array(float(v), float64), k)
                super().__setitem__(k, None)
            else:
                super().__setitem__(k, v)
        self.fixed = self._others()

    def _others(self) -> Values:
        return {k: v for k, v in dict.items(self) if k != "params" and k not in self.leaves}

    def __getitem__(self, key: str) -> Any:
        leaf = self.leaves.get(key)
        if leaf is not None:
            return leaf.item()
        if key == "betas" and "beta1" in self.keys():
            return self["beta1"], self["beta2"]
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "betas" and "beta1" in self.keys():
            self["beta1"], self["beta2"] = value
            return
        if key == "params":
            raise ArgumentError("param_groups: params cannot be replaced; optimizer.add_param_group takes further ones")
        if key not in self.keys() and key not in NOTES:
            near = get_close_matches(str(key), self.keys(), 1)
            known = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(self.leaves | self.fixed)}"
            raise ArgumentError(f"param_groups: there is no setting {key!r}; {known}")
        if key not in NOTES:
            self._optimizer._changing(self, key, value)
        if key in self.leaves:
            self.leaves[key].assign(float(value))
            if key == "momentum" and "has_momentum" in self.keys() and float(value) != 0.0:
                self._replace("has_momentum", True)
        else:
            self._replace(key, value)

    def _replace(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self.fixed = self._others()
        self._optimizer._changed(self)

    def update(self, *others: Any, **values: Any) -> None:
        """Set several settings, as `dict.update`."""
        for k, v in dict(*others, **values).items():
            self[k] = v

    def __ior__(self, other: Any) -> ParamGroup:  # type: ignore[override, misc]
        self.update(other)
        return self

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of an entry, which is set if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def _keep(self, *_: Any, **__: Any) -> NoReturn:
        raise ArgumentError("param_groups: a setting cannot be removed; set it to the value that switches it off")

    __delitem__ = pop = popitem = clear = _keep

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (key == "betas" and super().__contains__("beta1"))

    def __iter__(self) -> Iterator[str]:  # so that dict(group) and {**group} ask for the entries one by one
        return iter(self.keys())

    def get(self, key: str, default: Any = None) -> Any:
        """The value of an entry, a scheduled one as a float; `default` when there is none."""
        try:
            return self[key]
        except KeyError:
            return default

    def items(self) -> Any:
        return [(k, self[k]) for k in self.keys()]

    def values(self) -> Any:
        return [self[k] for k in self.keys()]

    def copy(self) -> Values:
        """The present settings, as a plain dict."""
        return dict(self.items())

    def __reduce__(self) -> Any:
        return _bare, (), {"entries": dict(dict.items(self)), **self.__dict__}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        dict.update(self, state["entries"])
        self.__dict__.update({k: v for k, v in state.items() if k != "entries"})

    def __repr__(self) -> str:
        shown = {k: v for k, v in self.items() if k != "params"}
        return f"ParamGroup({len(super().__getitem__('params'))} parameters, {shown})"


def _bare() -> ParamGroup:
    return ParamGroup.__new__(ParamGroup)


__all__ = ["Chunk", "ParamGroup", "Values"]
