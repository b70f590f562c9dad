"""The contenders of `training_step.py`: each makes a function run(rows, steps) that takes so many training steps.

It returns the loss of each step, before its update, as a list or an array; it has done the work when it returns.
`prepare(rows)` is what it wants done to the rows before the clock starts.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .workloads import Workload, data, draw_rows, weights

Rows = Any
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, for all


class Contender(NamedTuple):
    """run(rows, steps) -> losses; prepare(rows) before the clock; compile_seconds where the contender knows them."""

    run: Callable[[Rows, int], Any]
    prepare: Callable[[np.ndarray | None], Rows] = lambda rows: rows
    compile_seconds: Callable[[], float] | None = None


def epochs(w: Workload, rows: Any, steps: int) -> Iterator[tuple[int, Any]]:
    """(steps, rows one after the other) of each epoch, so that a framework gathers once an epoch and takes views."""
    n = w.steps_per_epoch
    for k in range(0, steps, n):
        piece = rows[k : k + n]
        yield len(piece), piece.reshape(-1)


# --- surefit ----------------------------------------------------------------------------------------------------------


def training_loop(w: Workload, threads: int | None = None) -> Any:
    """surefit's compiled loop; threads None: whatever it chooses."""
    import surefit
    from surefit import nn, optim
    from surefit.compiler import TrainingLoop

    activation = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[w.activation]
    layers: list[Any] = []
    for weight, bias in weights(w):
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        layer.weight.data, layer.bias.data = surefit.tensor(weight), surefit.tensor(bias)
        layers += [layer, activation()]
    model = nn.Sequential(*layers[:-1])
    optimizer = getattr(optim, w.optimizer)(model.parameters(), lr=w.lr)
    optimizer.prepare()
    loss_of = {
        "mse": nn.functional.mse_loss,
        "half": lambda y, target: nn.functional.mse_loss(y, target) * 0.5,
        "cross_entropy": nn.functional.cross_entropy,
    }[w.loss]

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return TrainingLoop(step, data=data(w), batch_size=w.batch, threads=threads)


def surefit_loop(w: Workload, threads: int) -> Contender:
    os.environ["SUREFIT_CACHE"] = "off"  # so that it compiles afresh
    loop = training_loop(w, 1 if threads == 1 else None)

    def run(rows: np.ndarray | None, steps: int) -> Any:
        return loop.run(steps=steps) if rows is None else loop.run(rows)

    return Contender(run, compile_seconds=lambda: loop.compile_seconds)


# --- NumPy, by hand ---------------------------------------------------------------------------------------------------


def numpy_by_hand(w: Workload, threads: int) -> Contender:
    x, y = data(w)
    sizes = [(m.shape, b.shape) for m, b in weights(w)]
    flat = np.concatenate([a.ravel() for pair in weights(w) for a in pair])  # updated in one go
    gradient, m, v = (np.zeros_like(flat) for _ in range(3))

    def views(vector: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        at, out = 0, []
        for (n_out, n_in), _ in sizes:
            end = at + n_out * n_in
            out.append((vector[at:end].reshape(n_out, n_in), vector[end : end + n_out]))
            at = end + n_out
        return out

    layers, gradients = views(flat), views(gradient)
    one = np.float32(1.0)
    count = 0

    def activate(h: np.ndarray) -> np.ndarray:
        if w.activation == "relu":
            return np.maximum(h, np.float32(0.0), out=h)
        if w.activation == "tanh":
            return np.tanh(h, out=h)
        np.negative(h, out=h)
        np.exp(h, out=h)
        h += one
        return np.divide(one, h, out=h)

    def through(g: np.ndarray, a: np.ndarray) -> np.ndarray:
        """The gradient at the argument of the activation, from that at its value a."""
        if w.activation == "relu":
            return np.multiply(g, a > 0, out=g)
        slope = one - a * a if w.activation == "tanh" else a * (one - a)
        return np.multiply(g, slope, out=g)

    def step(x: np.ndarray, y: np.ndarray) -> float:
        nonlocal count
        acts = [x]
        for k, (weight, bias) in enumerate(layers):
            h = np.dot(acts[-1], weight.T)
            h += bias
            acts.append(activate(h) if k < len(layers) - 1 else h)
        g = acts[-1]
        if w.loss == "cross_entropy":
            g -= g.max(1, keepdims=True)
            e = np.exp(g)
            total = e.sum(1, keepdims=True)
            at = np.arange(len(y))
            loss = float(np.mean(np.log(total[:, 0]) - g[at, y]))
            g = e / total
            g[at, y] -= one
            g *= np.float32(1.0 / len(y))
        else:
            g = g - y
            half = 0.5 if w.loss == "half" else 1.0
            loss = half * float(np.vdot(g, g)) / g.size
            g *= np.float32(2.0 * half / g.size)
        for k in reversed(range(len(layers))):
            d_weight, d_bias = gradients[k]
            np.dot(g.T, acts[k], out=d_weight)
            np.sum(g, axis=0, out=d_bias)
            if k:
                g = through(np.dot(g, layers[k][0]), acts[k])
        if w.optimizer == "SGD":
            np.multiply(gradient, np.float32(w.lr), out=gradient)
            np.subtract(flat, gradient, out=flat)
            return loss
        count += 1
        np.multiply(m, np.float32(BETA1), out=m)
        np.add(m, gradient * np.float32(1 - BETA1), out=m)
        np.multiply(gradient, gradient, out=gradient)
        np.multiply(gradient, np.float32(1 - BETA2), out=gradient)
        np.multiply(v, np.float32(BETA2), out=v)
        np.add(v, gradient, out=v)
        size = np.sqrt(v, out=gradient)
        size *= np.float32((1 - BETA2**count) ** -0.5)
        size += np.float32(EPSILON)
        np.divide(m, size, out=size)
        size *= np.float32(w.lr / (1 - BETA1**count))
        np.subtract(flat, size, out=flat)
        return loss

    def run(rows: np.ndarray | None, steps: int) -> list[float]:
        if rows is None:
            return [step(x, y) for _ in range(steps)]
        losses = []
        for n, at in epochs(w, rows, steps):
            xs, ys = x[at].reshape(n, w.batch, -1), y[at].reshape(n, w.batch, *y.shape[1:])
            losses += [step(a, b) for a, b in zip(xs, ys, strict=True)]
        return losses

    return Contender(run)


# --- PyTorch ----------------------------------------------------------------------------------------------------------


def _torch(w: Workload, threads: int) -> tuple[Any, Any, Callable[[Any, Any], Any], Any, Any]:
    """Module, model, loss(output, target), x and y."""
    import torch

    torch.set_num_threads(threads)
    activation = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}[w.activation]
    layers: list[Any] = []
    for weight, bias in weights(w):
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
        layer.weight.data, layer.bias.data = torch.tensor(weight), torch.tensor(bias)
        layers += [layer, activation()]
    model = torch.nn.Sequential(*layers[:-1])
    loss_of = {
        "mse": torch.nn.functional.mse_loss,
        "half": lambda y, target: torch.nn.functional.mse_loss(y, target) * 0.5,
        "cross_entropy": torch.nn.functional.cross_entropy,
    }[w.loss]
    return torch, model, loss_of, *map(torch.tensor, data(w))


def _torch_run(w: Workload, torch: Any, step: Callable[[Any, Any], Any], x: Any, y: Any) -> Contender:
    def run(rows: Any, steps: int) -> list[Any]:
        if rows is None:
            return [step(x, y) for _ in range(steps)]
        losses = []
        for _, at in epochs(w, rows, steps):
            xs, ys = x[at].split(w.batch), y[at].split(w.batch)
            losses += [step(a, b) for a, b in zip(xs, ys, strict=True)]
        return losses

    return Contender(run, prepare=lambda rows: None if rows is None else torch.from_numpy(rows))


def torch_eager(w: Workload, threads: int) -> Contender:
    torch, model, loss_of, x, y = _torch(w, threads)
    optimizer = getattr(torch.optim, w.optimizer)(model.parameters(), lr=w.lr)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return _torch_run(w, torch, step, x, y)


def torch_compile(w: Workload, threads: int) -> Contender:
    """The whole step as one graph: several times faster than a compiled model with PyTorch's own optimiser."""
    cache = tempfile.TemporaryDirectory(prefix="inductor-")  # so that it compiles afresh
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache.name
    torch, model, loss_of, x, y = _torch(w, threads)
    parameters = {n: p.detach().clone() for n, p in model.named_parameters()}
    first, second = ({n: torch.zeros_like(p) for n, p in parameters.items()} for _ in range(2))
    count = torch.zeros(())
    slopes = torch.func.grad_and_value(lambda p, x, y: loss_of(torch.func.functional_call(model, p, (x,)), y))

    def step(parameters: Any, first: Any, second: Any, count: Any, x: Any, y: Any) -> Any:
        gradients, loss = slopes(parameters, x, y)
        if w.optimizer == "SGD":
            for n, p in parameters.items():
                p.sub_(w.lr * gradients[n])
            return loss
        count.add_(1)
        unbias1, unbias2 = 1 - BETA1**count, 1 - BETA2**count
        for n, p in parameters.items():
            g, m, v = gradients[n], first[n], second[n]
            m.mul_(BETA1).add_(g, alpha=1 - BETA1)
            v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
            p.sub_(w.lr * (m / unbias1) / ((v / unbias2).sqrt() + EPSILON))
        return loss

    compiled = torch.compile(step, fullgraph=True, dynamic=False)
    contender = _torch_run(w, torch, lambda a, b: compiled(parameters, first, second, count, a, b), x, y)
    contender.run.cache = cache  # type: ignore[attr-defined]  # lives as long as it does
    return contender


# --- JAX --------------------------------------------------------------------------------------------------------------


def jax_scan(w: Workload, threads: int) -> Contender:
    """lax.scan over the steps, jitted as one, state given away to it; a batch is gathered inside."""
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false " + os.environ.get("XLA_FLAGS", "")
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    import jax.numpy as jnp

    x, y = map(jnp.asarray, data(w))
    state = [[(jnp.asarray(m), jnp.asarray(b)) for m, b in weights(w)]]
    if w.optimizer == "Adam":
        state += [jax.tree.map(jnp.zeros_like, state[0]), jax.tree.map(jnp.zeros_like, state[0]), jnp.zeros(())]
    activation = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}[w.activation]

    def loss_of(layers: Any, x: Any, y: Any) -> Any:
        for weight, bias in layers[:-1]:
            x = activation(x @ weight.T + bias)
        x = x @ layers[-1][0].T + layers[-1][1]
        if w.loss == "cross_entropy":
            logp = jax.nn.log_softmax(x)
            return -jnp.take_along_axis(logp, y[:, None], axis=1).mean()
        return ((x - y) ** 2).mean() * (0.5 if w.loss == "half" else 1.0)

    def step(state: Any, at: Any) -> Any:
        a, b = (x, y) if at is None else (x[at], y[at])
        loss, g = jax.value_and_grad(loss_of)(state[0], a, b)
        if w.optimizer == "SGD":
            return [jax.tree.map(lambda p, d: p - w.lr * d, state[0], g)], loss
        p, m, v, t = state
        t = t + 1
        m = jax.tree.map(lambda m, d: BETA1 * m + (1 - BETA1) * d, m, g)
        v = jax.tree.map(lambda v, d: BETA2 * v + (1 - BETA2) * d * d, v, g)
        one, two = 1 / (1 - BETA1**t), 1 / (1 - BETA2**t)
        p = jax.tree.map(lambda p, m, v: p - w.lr * (m * one) / (jnp.sqrt(v * two) + EPSILON), p, m, v)
        return [p, m, v, t], loss

    def scan(state: Any, rows: Any, steps: int) -> Any:
        return jax.lax.scan(step, state, rows, length=steps)

    many = jax.jit(scan, static_argnums=2, donate_argnums=0)

    def run(rows: Any, steps: int) -> Any:
        nonlocal state
        state, losses = many(state, rows, steps)
        return losses.block_until_ready()

    return Contender(run, prepare=lambda rows: None if rows is None else jnp.asarray(rows.astype(np.int32)))


# --- scikit-learn -----------------------------------------------------------------------------------------------------


def sklearn_mlp(w: Workload, threads: int) -> Contender:
    """partial_fit, an epoch at a time; its loss of an epoch stands for each of its steps."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    x, y = data(w)
    batch = w.batch or w.rows
    labels = w.loss == "cross_entropy"
    # its gradients are those of half the mean of squares
    lr = w.lr * (2.0 if w.loss == "mse" and w.optimizer == "SGD" else 1.0)
    model = (MLPClassifier if labels else MLPRegressor)(
        hidden_layer_sizes=w.widths[1:-1], activation={"sigmoid": "logistic"}.get(w.activation, w.activation),
        solver=w.optimizer.lower(), alpha=0.0, batch_size=batch, learning_rate_init=lr, momentum=0.0, shuffle=False,
        beta_1=BETA1, beta_2=BETA2, epsilon=EPSILON,
    )  # fmt: skip
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    classes = {"classes": np.arange(w.widths[-1])} if labels else {}
    model.partial_fit(x[:batch], y[:batch], **classes)  # makes its arrays
    for k, (weight, bias) in enumerate(weights(w)):
        model.coefs_[k][...], model.intercepts_[k][...] = weight.T, bias
    del model._optimizer  # a new one begins from zero moments
    scale = 2.0 if w.loss == "mse" else 1.0

    def run(rows: np.ndarray | None, steps: int) -> list[float]:
        losses = []
        for n, at in [(1, slice(None))] * steps if rows is None else epochs(w, rows, steps):
            model.partial_fit(x[at], y[at])
            losses += [model.loss_ * scale] * n
        return losses

    return Contender(run)


CONTENDERS: dict[str, tuple[str, Callable[[Workload, int], Contender]]] = {  # what it imports, what makes it
    "surefit": ("surefit", surefit_loop),
    "numpy": ("numpy", numpy_by_hand),
    "torch-eager": ("torch", torch_eager),
    "torch-compile": ("torch", torch_compile),
    "jax-scan": ("jax", jax_scan),
    "sklearn": ("sklearn", sklearn_mlp),
}


def first_losses(name: str, w: Workload, threads: int, steps: int = 4) -> tuple[Contender, list[float], float]:
    """A contender, the losses of its first steps, the seconds of the first: two contenders agree, or differ."""
    start = time.perf_counter()
    contender = CONTENDERS[name][1](w, threads)
    rows = draw_rows(w, steps, np.random.default_rng(2))
    losses = []
    for k in range(steps):
        one = contender.prepare(None if rows is None else rows[k : k + 1])
        losses.append(float(contender.run(one, 1)[0]))
        if k == 0:
            seconds = time.perf_counter() - start
    return contender, losses, seconds
