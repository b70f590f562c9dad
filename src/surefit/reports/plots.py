"""The pictures of a fit: it and its data, its training, its error, its points, its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn, view
from surefit.attempts.methods import METHODS
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DataError
from surefit.models.mean import Mean
from surefit.models.words import network_words
from surefit.problems.problem import Points
from surefit.reports.words import Speech
from surefit.search.effort import judging_rows
from surefit.search.judging import Judge
from surefit.sentences import Sentence, zh
from surefit.view.language import language_in_force, say
from surefit.view.panels import HELD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from surefit.bounds.minlink import Piece
    from surefit.search.classes import Classified
    from surefit.search.record import Record


OUTPUTS = 6  # of a network with more, whose units are drawn
COLOURED = 6  # units that have a colour of their own; the others are grey
GREY = 6  # the number of black in the palette


def title(fit: Record) -> str:
    """What was fitted, short enough for the head of a picture."""
    text = _said(fit.target)
    return text if len(text) <= 90 else text[:87] + "..."


def _said(text: str) -> str:
    """What a fit says about itself in the language of the pictures."""
    return text.said(language_in_force()) if isinstance(text, Sentence) else text


def draw(fit: Record, kind: str) -> Figure:
    """The figure of a kind: see `Fit.plot`."""
    kinds = {
        "fit": _plot_fit,
        "loss": _plot_loss,
        "error": error_map,
        "samples": _plot_samples,
        "surface": _plot_surface,
        "units": _plot_units,
        "tube": _plot_tube,
    }
    chosen = kinds.get(kind)
    if chosen is None:
        raise ArgumentError(f"plot: kind={kind!r} must be one of {', '.join(map(repr, kinds))}")
    return chosen(fit)


def _all_names(fit: Record) -> tuple[str, ...]:
    return (*fit.names, *fit.outputs)


def _with_prediction(fit: Record, points: Any) -> Any:
    return None if points is None else (points[0], points[1], fit._predict(points[0]))


def _peaks(fit: Record) -> list[tuple[np.ndarray, float]] | None:
    """The largest error on the card for each output, signed where the target is known; None in the files of old.

    One number on card and picture: that of the card, which was looked for, where a picture shows a grid.
    """
    parts = fit.error.outputs
    if not parts:
        return None
    found = []
    for j, part in enumerate(parts):
        place = np.array([part.at[name] for name in fit.names])
        sign = 1.0
        if fit.problem.function is not None and np.isfinite(part.max):
            sign = np.copysign(1.0, (fit._predict(place[None]) - fit.problem.function(place[None]))[0, j])
        found.append((place, float(sign * part.max)))
    return found


def _held(fit: Record) -> tuple[Points | None, str]:
    """The rows beside the training rows that are drawn, and what they are called: those that measured the error."""
    problem = fit.problem
    if problem.test is not None or problem.function is not None:
        return problem.test, "test"
    return problem.validation, "validation"


def _places(found: Classified, points: Points | None) -> tuple[Any, Any] | None:
    """Rows and the places of their classes, from those of the indicators."""
    return None if points is None else (points[0], found.places(points[1]))


def data_figure(fit: Record) -> Figure:
    """The rows that a fit was made of; those of classes in colours of their own, the target of quantiles once."""
    problem, decades, found = fit.problem, fit.domain.log.tolist(), fit.classified
    if found is not None:
        rows: Any = _places(found, problem.train)
        test = _places(found, problem.test)
        return view.class_points(rows, found.classes, test=test, names=fit.names, decades=decades)
    (x, y), test, outputs = problem.train, problem.test, fit.outputs
    if problem.quantiles:
        y, outputs = y[:, :1], (problem.target,)
        test = None if test is None else (test[0], test[1][:, :1])
    drawn = view.scatter_2d if len(fit.names) == 2 else view.data_panels
    return drawn(x, y, test=test, names=(*fit.names, *outputs), decades=decades)


def _plot_classes(fit: Record, found: Classified) -> Figure:
    """The probabilities over one or two inputs; of more inputs which classes were taken for which."""
    d, named, decades = len(fit.names), title(fit), fit.domain.log.tolist()
    rows: Any = _places(found, fit.problem.train)
    test = _places(found, _held(fit)[0])
    if d == 1:
        x = fit.domain.axis(0, 1001)
        shares = found.probabilities(fit._predict(x[:, None]))
        more: Any = dict(data=rows, test=test, names=fit.names, title=named, decades=decades[0])
        return view.class_curves(x, shares, found.classes, **more)
    if d == 2:
        axes = [fit.domain.axis(i, 121) for i in range(2)]
        grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
        shares = found.probabilities(fit._predict(grid)).reshape(121, 121, -1)
        more = dict(data=rows, test=test, names=fit.names, title=named, decades=decades)
        return view.class_map(axes[0], axes[1], shares, found.classes, **more)
    return view.class_confusion(found.confusion, found.classes, title=named, note=_said(found.sentence()))


def _plot_quantiles(fit: Record) -> Figure:
    """The quantiles of a target over one input, with its rows."""
    x, problem = fit.domain.axis(0, 1001), fit.problem
    values = fit._predict(x[:, None])
    rows, held = _held(fit)
    (at, y), own = problem.train, say("data" if rows is None else "training data")
    curves = [view.Curve(at[:, 0], y[:, 0], own, "points", colour=1)]
    if rows is not None:
        curves.append(view.Curve(rows[0][:, 0], rows[1][:, 0], say(HELD[held][0]), "points", colour=2))
    named = [f"{level:g}" for level in problem.quantiles]
    curves += [view.Curve(x, values[:, j], level, colour=(0, 5, 3, 4, 6)[j % 5]) for j, level in enumerate(named)]
    log = "x" if fit.domain.logarithmic else ""
    panel = view.Panel(curves, fit.names[0], say("quantiles of {name}", name=problem.target), log=log)
    return view.chart([panel], height=3.6, title=title(fit))


def _plot_fit(fit: Record) -> Figure:
    d, f = len(fit.names), fit.problem.function
    if fit.classified is not None:
        return _plot_classes(fit, fit.classified)
    if fit.problem.quantiles and d == 1:
        return _plot_quantiles(fit)
    rows, held = _held(fit)
    train, test = _with_prediction(fit, fit.problem.train), _with_prediction(fit, rows)
    options: dict[str, Any] = {"names": _all_names(fit), "title": title(fit)}
    peaks, decades = _peaks(fit), fit.domain.log.tolist()
    if d == 1:
        x = fit.domain.axis(0, 1001)
        x = np.union1d(x, [place[0] for place, _ in peaks or () if f is not None])
        truth = None if f is None else f(x[:, None])
        more: Any = dict(data=train, test=test, peaks=peaks, held=held, decades=decades[0])
        return view.fit_1d(x, truth, fit._predict(x[:, None]), **more, **options)
    if d == 2:
        axes = [fit.domain.axis(i, 121) for i in range(2)]
        grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)  # rows follow the second input
        shape = (121, 121, len(fit.outputs))
        truth = None if f is None else f(grid).reshape(shape)
        values = fit._predict(grid).reshape(shape)
        more = dict(data=train, test=None if f else test, peaks=peaks, held=held, decades=decades)
        return view.fit_2d(axes[0], axes[1], truth, values, **more, **options)
    if f is not None:
        lines = view.slice_points(fit.domain.low, fit.domain.high, decades=decades)
        flat = lines.reshape(-1, d)
        shape = (*lines.shape[:2], len(fit.outputs))
        return view.slices(lines, f(flat).reshape(shape), fit._predict(flat).reshape(shape), decades=decades, **options)
    pair = None if test is None else (test[1], test[2])
    missed = None if fit.problem.log_target else fit.left_out
    if pair is None and missed is not None and missed.shape == train[1].shape:  # which tells of new rows
        pair, held = (train[1], train[1] + missed * np.ravel(fit.model.y_scale.numpy())), "left out"
    more = dict(names=fit.outputs, title=options["title"], held=held, fitted=True)
    return view.fit_scatter(train[1], train[2], test=pair, **more)


def _plot_surface(fit: Record) -> Figure:
    if len(fit.names) != 2:
        raise ArgumentError(f"plot: kind='surface' needs two inputs, and this fit has {len(fit.names)}")
    axes = [fit.domain.axis(i, 81) for i in range(2)]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    values = fit._predict(grid).reshape(81, 81, len(fit.outputs))
    return view.surface(
        axes[0], axes[1], values, names=_all_names(fit), title=title(fit), decades=fit.domain.log.tolist()
    )


def _plot_units(fit: Record) -> Figure:
    """What each unit of the last hidden layer adds to each output, and what they give together; six outputs at most."""
    panels, log = [], "x" if fit.domain.logarithmic else ""
    for k, output in enumerate(fit.outputs[:OUTPUTS]):
        x, parts = units(fit, k)
        order = np.argsort(-np.ptp(parts, axis=0), kind="stable")
        shown = order[:COLOURED]
        grey = [view.Curve(x, parts[:, j], colour=GREY, strength=0.25) for j in order[COLOURED:][::-1]]
        curves = [view.Curve(x, parts[:, j], colour=i) for i, j in enumerate(shown)]
        total = [view.Curve(x, fit._predict(x[:, None])[:, k], say("sum and bias"), "fit")]
        if fit.problem.function is not None:
            total.insert(0, view.Curve(x, fit.problem.function(x[:, None])[:, k], say("target"), "target"))
        count = say("{count} units, the largest {shown} in colour", count=parts.shape[1], shown=len(shown))
        adds = say("what each unit adds")
        if len(fit.outputs) > 1:
            adds = say("what each unit adds to {output}", output=output)
        panels.append(view.Panel([*grey, *curves], fit.names[0], adds, title=count, log=log))
        panels.append(view.Panel(total, fit.names[0], output, log=log))
    heading = title(fit)
    if len(fit.outputs) > OUTPUTS:
        first = say("the first {shown} of {count} outputs", shown=OUTPUTS, count=len(fit.outputs))
        heading = f"{heading} ({first})"
    return view.chart(panels, title=heading)


def _plot_tube(fit: Record) -> Figure:
    """The tolerance as a tube, the straight pieces in it with their hinges, and the windows that each need one."""
    made = fit.construction
    if made is None:
        raise ArgumentError("plot: kind='tube' is for networks of surefit.construct; this one was trained")
    if made.pieces:
        return _plot_pieces(fit, made.pieces)
    tol, low, high = made.tol, float(fit.domain.low[0]), float(fit.domain.high[0])
    inside = made.knots[1:-1]
    x = np.union1d(np.linspace(low, high, 2001), made.knots)
    y, hinges = fit._predict(x[:, None])[:, 0], fit._predict(inside[:, None])[:, 0]
    fitted = [view.Curve(x, y, say("network"), "fit"), view.Curve(inside, hinges, say("hinges"), "points")]
    curves = []
    if fit.problem.function is not None:
        f, at = fit.problem.function(x[:, None])[:, 0], fit.problem.function(inside[:, None])[:, 0]
        fitted.insert(0, view.Curve(x, f, say("target"), "target"))
        curves = [
            view.Curve(x, y - f, say("network - target")),
            view.Curve(inside, hinges - at, say("hinges"), "points"),
        ]
    ends = np.array([low, high])
    curves += [view.Curve(ends, np.full(2, s * tol), say("tolerance") if s > 0 else "", colour=2) for s in (1, -1)]
    for i, (a, _, b) in enumerate(made.windows):
        label = say("each needs a hinge of its own") if i == 0 else ""
        curves.append(view.Curve(np.array([a, b]), np.full(2, (1.2 + 0.08 * (i % 2)) * tol), label, colour=3))
    least = say("{hinges} hinges; {least} are needed", hinges=made.hinges, least=made.at_least)
    panels = [
        view.Panel(fitted, fit.names[0], fit.outputs[0], title=least),
        view.Panel(curves, fit.names[0], say("error")),
    ]
    return view.chart(panels, across=1, title=title(fit))


def _plot_pieces(fit: Record, pieces: Sequence[Piece]) -> Figure:
    """Of a network of several inputs each function of one number that it is made of, with its hinges; six at most."""
    panels = []
    for k, p in enumerate(pieces[:6], 1):
        inside = slice(1, -1)
        curves = [view.Curve(p.knots, p.values, f"g{k}(t)", "fit")]
        if p.hinges:
            curves.append(view.Curve(p.knots[inside], p.values[inside], say("hinges"), "points"))
        least = say("{hinges} hinges; {least} are needed", hinges=p.hinges, least=p.at_least)
        panels.append(view.Panel(curves, f"t = {p.argument}", f"g{k}", title=least))
    if not panels:
        raise ArgumentError("plot: kind='tube' shows hinges, and this network, of a linear formula, has none")
    return view.chart(panels, across=min(2, len(panels)), title=title(fit))


def units(fit: Record, output: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Places x (n,), and what each unit of the last hidden layer adds to an output there, (n, units).

    The sum over the units and the bias of the output is the prediction. ArgumentError: several inputs, or a network
    that is no stack of layers with a linear one at its end.
    """
    layers = list(fit.network._modules.values())
    stack = len(layers) > 1 and isinstance(layers[-1], nn.Linear) and hasattr(fit.model, "inputs")
    if len(fit.names) != 1 or not stack:
        raise ArgumentError("plot: kind='units' needs one input and a stack of layers that ends in a linear one")
    if fit.model.y_log:
        raise ArgumentError("plot: kind='units' shows what is added up, and the units of a logarithmic target multiply")
    x = fit.domain.axis(0, 501)
    with no_grad():
        hidden: Any = fit.model.inputs(Tensor(x[:, None]))
        for layer in layers[:-1]:
            if layer is not None:
                hidden = layer(hidden)
    weight = layers[-1].weight.detach().numpy()[output].astype(np.float64)
    return x, hidden.numpy().astype(np.float64) * weight * float(
        np.broadcast_to(np.ravel(fit.model.y_scale.numpy()), len(fit.outputs))[output]
    )


def _plot_samples(fit: Record) -> Figure:
    x, f = fit.problem.train[0], fit.problem.function
    added = fit.problem.added
    first = fit.problem.sizes()["train"] - sum(added)
    rounds = np.repeat(np.arange(len(added) + 1), [first, *added])[: len(x)]  # a loaded fit has the first rows
    curve = None
    if f is not None and len(fit.names) == 1:
        line = fit.domain.axis(0, 1001)
        curve = (line, f(line[:, None]))
    return view.sample_map(
        x, rounds, curve=curve, names=_all_names(fit), title=title(fit), decades=fit.domain.log.tolist()
    )


def loss_of(fit: Record) -> str:
    """What was minimised, by name: of quantiles the pinball loss, whatever a method has for values."""
    return "pinball" if fit.problem.quantiles else str(fit.method.get("loss", "mse"))


def _plot_loss(fit: Record) -> Figure:
    if not fit.history:
        if isinstance(fit.network, Mean):
            raise DataError("plot: a mean of fits has no history of its own; draw that of one, group.fits[0]")
        raise DataError("plot: this fit has no history (it ended before its first epoch)")
    stages = list(dict.fromkeys(r["stage"] for r in fit.history if "stage" in r))
    curves: Any = _columns(fit.history, rate=not stages)
    best = fit.best_epoch
    if len(stages) > 1:  # a curve for each method that was tried, which marks its own best
        curves, best = (
            {_said(s): _columns([r for r in fit.history if r["stage"] == s], rate=False) for s in stages},
            None,
        )
    loss = loss_of(fit)
    words = say("mean squared error") if loss == "mse" else say("{loss} loss", loss=loss)
    words = say("{words} (scaled)", words=words) if fit.method.get("scale", True) else words
    return view.loss_curves(curves, best=best, ylabel=words, title=title(fit))


def error_map(fit: Record) -> Figure:
    """Where the error is large, over the inputs."""
    x, y = _error_points(fit)
    options: dict[str, Any] = {"names": _all_names(fit), "title": title(fit), "peaks": _peaks(fit)}
    return view.error_map(x, fit._predict(x) - y, decades=fit.domain.log.tolist(), **options)


def _error_points(fit: Record) -> Points:
    f = fit.problem.function
    if f is None:
        return judging_rows(fit.problem)[0]
    if len(fit.names) > 2:
        if fit.problem.source["kind"] == "callable" and fit.problem.test is not None:
            return fit.problem.test  # which may be slow, and these values are known
        return Judge(fit.problem, fit.seed).points
    count = 2001 if len(fit.names) == 1 else 121
    axes = [fit.domain.axis(i, count) for i in range(len(fit.names))]
    x = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, len(axes))
    y = f(x)
    good = np.isfinite(y).all(axis=1)
    return x[good], y[good]


def graph(fit: Record, of: str) -> Any:
    """The drawing of the computation, the network or the structure: see `Fit.graph`."""
    if of == "computation":
        with no_grad():
            program = record(fit.network, Tensor(np.zeros((1, len(fit.names))), fit.dtype))
        return view.draw_program(program, title=f"computation graph of {title(fit)}")
    if of == "structure":
        return structure(fit)
    if of != "network":
        raise ArgumentError(f"graph: of={of!r} must be 'computation', 'network' or 'structure'")
    sizes = fit.layers()
    if sizes is None:
        raise ArgumentError("graph: of='network' draws multilayer perceptrons; use of='computation' for other networks")
    return view.network_diagram(sizes, inputs=fit.names, outputs=fit.outputs)


def structure(fit: Record) -> Any:
    """The drawing of data, layers, loss and optimiser of a fit, in the language that pictures speak."""
    from surefit.view.language import language_in_force
    from surefit.view.language import say as view_say
    from surefit.view.structure import structure_diagram

    speech = Speech(language_in_force())
    rows, batch = fit.problem.sizes()["train"], fit.method.get("batch_size")
    whole = batch is None or batch >= rows
    data = speech("structure-rows", rows=rows) if whole else speech("structure-data", rows=rows, batch=batch)
    loss, lr = loss_of(fit), fit.method.get("lr")
    loss = view_say("mean squared error") if loss == "mse" else loss
    name = str(fit.method.get("method", ""))
    optimizer = METHODS[name].__name__ if name in METHODS else name
    if lr is not None:
        optimizer += f", {speech('lr')} {lr:g}"
    return structure_diagram(layer_words(fit), data=data, loss=loss, optimizer=optimizer)


def layer_words(fit: Record) -> list[str]:
    """One text for each layer with weights, followed by what has none: "Linear 2 → 64, Tanh"."""
    words: list[str] = []
    for _, module in fit.network.named_modules():
        if module._modules:
            continue
        name = type(module).__name__
        if isinstance(module, nn.Linear):
            words.append(f"{name} {module.in_features} → {module.out_features}")
        elif words and not list(module.parameters()):
            words[-1] += f", {name}"
        else:
            words.append(name)
    whole = network_words(fit.network)
    return words or [zh(whole) if language_in_force() == "zh" else whole]


def _columns(history: list[dict[str, Any]], rate: bool) -> dict[str, list[Any]]:
    """The columns of a history that are drawn."""
    number = "iteration" if history and "stage" in history[0] else "epoch"
    names = {number: "epoch", "train": "train_loss", "validation": "validation_loss", "lr": "lr"}
    columns = {shown: [r[name] for r in history] for shown, name in names.items()}
    if all(v is None for v in columns["validation"]):
        del columns["validation"]
    if not rate:
        del columns["lr"]
    return columns


__all__ = ["data_figure", "draw", "error_map", "graph", "title"]
