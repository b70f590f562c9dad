"""An argument that a public function or class does not have is an error that names the one that was meant.

Other libraries, the command line and older versions of surefit call many things by other names: `SAME` says which.
Functions are decorated with `naming`. Classes are changed in place, by `naming` or, all that a room shows, by
`naming_all`, so that whoever holds one holds the same one.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import getattr_static
from typing import Any, TypeVar

from surefit.errors import UnknownArgumentError

Thing = TypeVar("Thing", bound=Callable[..., Any])
Cure = Callable[[str, Sequence[str]], str]

SAME = tuple(
    frozenset(words.split())
    for words in (
        "lr learning_rate learning_rate_init eta step_size rate",
        "epochs n_epochs num_epochs max_epochs nb_epoch iterations max_iter max_iterations maxiter n_iter niter steps",
        "evaluations max_evaluations max_nfev maxfun budget max_fun n_calls",
        "ridge ridges penalty penalties alpha l2 reg regularization regularisation lambda_ lam weight_decay",
        "batch_size batchsize batch minibatch bs",
        "count n num samples n_samples num_samples points n_points number size",
        "seed random_state random_seed generator rng",
        "tol tolerance eps accuracy precision atol rtol ftol xtol gtol",
        "hidden model hidden_layer_sizes hidden_layers hidden_units layers units n_units neurons width widths",
        "units n_units hidden_units neurons nodes",
        "activation activations act act_fn nonlinearity activation_function",
        "init initialization initialisation initializer kernel_initializer weight_init",
        "delimiter sep separator",
        "columns inputs features names usecols",
        "target targets output outputs label y_column",
        "drop_missing drop_nonfinite dropna drop_na skip_missing",
        "time timeout max_time time_limit seconds",
        "trials n_trials",
        "members n_members n_estimators size",
        "seeds n_seeds repeats",
        "method optimizer optimiser solver algorithm",
        "lang language locale",
        "path file filename fname",
        "domain on bounds box range limits interval",
        "split test_size validation_split validation_fraction val_split",
        "patience n_iter_no_change early_stopping max_fail",
        "level confidence coverage probability",
        "clip_norm max_norm max_grad_norm grad_clip clipnorm gradient_clip",
        "best_weights restore_best_weights",
        "schedule scheduler lr_schedule lr_scheduler",
        "noise sigma noise_level",
        "progress verbose",
        "callbacks callback",
        "workers processes jobs n_jobs num_workers",
        "kind type",
        "every interval period log_every save_every",
        "to format fmt",
        "largest max_units most",
        "derivative derivatives jacobian gradient gradients",
        "momentum beta beta1",
        "betas beta beta1 beta2",
        "degree order deg",
        "loss criterion objective cost",
        "jacobian jac",
        "damping damp lambda_0",
    )
)


HOT = {"predict", "Epoch", "Started", "Evaluated", "Finished", "Failed"}  # of a microsecond, made or called often


def meant(name: str, known: Iterable[str]) -> str | None:
    """The argument of `known` that somebody means who writes `name`; None where nothing is near.

    >>> meant("learning_rate", ["lr", "epochs"]), meant("epoch", ["lr", "epochs"]), meant("colour", ["lr", "epochs"])
    ('lr', 'epochs', None)
    """
    known = list(known)
    plain = {key.strip("_"): key for key in known}
    word = name.strip("_").replace("-", "_")
    word = word.lower() if len(word) > 1 else word
    if word in plain:
        return plain[word]
    for same in SAME:
        if word in same and (found := [key for key in plain if key in same]):
            return plain[found[0]]
    close = difflib.get_close_matches(word, plain, 1)
    return plain[close[0]] if close else None


def cure_of(name: str, known: Sequence[str]) -> str:
    """What to write instead of an argument of this name.

    >>> cure_of("penalty", ["draws", "ridge"]), cure_of("colour", ["draws", "ridge"])
    ('did you mean ridge?', 'it takes draws, ridge')
    """
    found = meant(name, known)
    if found is not None:
        return f"did you mean {found}?"
    return f"it takes {', '.join(known)}" if known else "it takes none"


def naming(thing: Thing, cure: Cure = cure_of) -> Thing:
    """A function, wrapped, or a class, changed in place, whose unknown arguments are named.

    cure: what to say of a name that is unknown, given the names that are known. UnknownArgumentError is raised for
    names that it does not have, and for more arguments by place than it takes.
    """
    if isinstance(thing, type):
        for base in thing.__mro__:
            made = vars(base).get("__init__")
            if base.__module__.startswith("surefit") and inspect.isfunction(made):
                type.__setattr__(base, "__init__", _checked(made, cure, base))
        return thing
    return _checked(thing, cure)


def naming_all(room: Mapping[str, Any], names: Iterable[str], methods: Iterable[type] = ()) -> None:
    """`naming` of each class of a room that has one of these names, and of the public methods of `methods`."""
    for name in names:
        if name not in HOT and isinstance(room[name], type) and not issubclass(room[name], (BaseException, tuple)):
            naming(room[name])
    for kind in methods:
        for base in kind.__mro__:
            for name, f in list(vars(base).items()):
                named = inspect.isfunction(f) and not name.startswith("_") and name not in HOT
                if named and base.__module__.startswith("surefit"):
                    setattr(base, name, _checked(f, cure_of, method=True))


def _checked(f: Any, cure: Cure, kind: type | None = None, method: bool = False) -> Any:
    """`f` behind a look at the names and the number of its arguments; kind: the class whose `__init__` it is."""
    code = inspect.unwrap(f).__code__
    if code.co_flags & inspect.CO_VARKEYWORDS or hasattr(f, "__checked__"):
        return f
    by_place, bound = code.co_argcount, int(method or kind is not None)
    placed = code.co_varnames[bound:by_place]
    known = code.co_varnames[max(bound, code.co_posonlyargcount) : by_place + code.co_kwonlyargcount]
    names, most = frozenset(known), by_place if not code.co_flags & inspect.CO_VARARGS else 1 << 30

    @functools.wraps(f)
    def checked(*args: Any, **given: Any) -> Any:
        if len(args) > most or not names.issuperset(given):
            own = f.__name__
            if kind is not None:
                used = type(args[0])
                own = used.__name__ if getattr_static(used, "__init__") is checked else kind.__name__
            for name in given:
                if name in placed and name not in names:
                    raise UnknownArgumentError(f"{own}: {name} is given by place, without its name")
                if name not in names:
                    raise UnknownArgumentError(f"{own} has no argument {name!r}; {cure(name, known)}")
            few = f"{', '.join(placed)}; give the others by name" if placed else "give all by name"
            raise UnknownArgumentError(
                f"{own} takes {len(placed)} arguments by place and {len(args) - bound} came: {few}"
            )
        return f(*args, **given)

    checked.__checked__ = True  # type: ignore[attr-defined]
    return checked


__all__ = ["cure_of", "meant", "naming", "naming_all"]
