"""Calls of a fit beside the same network by hand in NumPy, in PyTorch, in JAX and in ONNX Runtime.

Every contestant makes the same fit (bit for bit), writes the network down in its own way, and shows what it gives
before the clock starts. The calls are what a user writes: Python numbers or an array in, the same out.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from harness import Contestant, alternate, chosen, importable, pin, ratio, report, serve, versions
from typer import Option

ROWS = 10_000
SMALL = ("sin(x)", "x=-3:3", (20,), "float64")
LARGE = ("sin(x*y)", "x=-3:3, y=-1:1", (64, 64), "float32")
CALLS = {
    "point": ("value at a point, 1-20-1, float64", SMALL),
    "row": ("predict of a row, 1-20-1, float64", SMALL),
    "row32": ("predict of a row, 2-64-64-1, float32", LARGE),
    "gradient": ("gradient at a point, 1-20-1, float64", SMALL),
    "both": ("value and gradient at a point, 2-64-64-1, float32", LARGE),
    "batch": (f"predict of {ROWS} rows, 2-64-64-1, float32", LARGE),
    "gradients": (f"gradients at {ROWS} rows, 2-64-64-1, float32", LARGE),
}
SLOPES = ("gradient", "both", "gradients")  # which ONNX Runtime has no word for
CONTESTANTS = {"surefit": "surefit", "numpy": "NumPy by hand", "torch": "PyTorch", "jax": "JAX", "onnxruntime": "ONNX"}

Call = Callable[[], Any]


def material(call: str) -> tuple[Any, np.ndarray]:
    """The fit, and the points to ask for."""
    import surefit

    text, box, hidden, dtype = CALLS[call][1]
    method = surefit.Adam(epochs=3, patience=None)
    fit = surefit.fit(text, box, model=hidden, dtype=dtype, method=method, seed=0, jit=False)
    rows = ROWS if call in ("batch", "gradients") else 1
    return fit, np.random.default_rng(0).uniform(-1.0, 1.0, (rows, len(fit.names)))


def layers(fit: Any) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
    """Weights (out, in) and biases, and the scaling."""
    state = {name: t.numpy() for name, t in fit.network.state_dict().items()}
    names = [name for name in state if name.endswith("weight")]
    pairs = [(state[n], state[n.replace("weight", "bias")]) for n in names]
    return pairs, [getattr(fit.model, n).numpy() for n in ("x_shift", "x_scale", "y_shift", "y_scale")]


def surefit(call: str, fit: Any, x: np.ndarray) -> Call:
    if call == "point":
        values = x[0].tolist()
        return lambda: fit(*values)
    if call == "both":
        return lambda: fit.value_and_grad(x[0])
    return (lambda: fit.derivative(x)) if call in SLOPES else (lambda: fit.predict(x))


def numpy(call: str, fit: Any, x: np.ndarray) -> Call:
    pairs, (x_shift, x_scale, y_shift, y_scale) = layers(fit)
    pairs = [(w.T.copy(), b) for w, b in pairs]
    dtype = fit.dtype

    def values(x: np.ndarray) -> np.ndarray:
        h = ((x - x_shift) / x_scale).astype(dtype)
        for w, b in pairs[:-1]:
            h = np.tanh(h @ w + b)
        return (h @ pairs[-1][0] + pairs[-1][1])[:, 0] * y_scale + y_shift

    def slopes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        h, seen = ((x - x_shift) / x_scale).astype(dtype), []
        for w, b in pairs[:-1]:
            h = np.tanh(h @ w + b)
            seen.append(h)
        g = np.broadcast_to(pairs[-1][0][:, 0], h.shape)
        for (w, _), h in zip(pairs[-2::-1], seen[::-1], strict=True):
            g = (g * (1 - h * h)) @ w.T
        y = (seen[-1] @ pairs[-1][0] + pairs[-1][1])[:, 0] * y_scale + y_shift
        return y, g * y_scale / x_scale

    if call == "point":
        number = x[0, 0].item()
        return lambda: float(values(np.array([[number]]))[0])
    if call == "both":
        return lambda: [a[0] for a in slopes(x[:1])]
    return (lambda: slopes(x)[1]) if call in SLOPES else (lambda: values(x))


def torch(call: str, fit: Any, x: np.ndarray) -> Call:
    import torch

    pairs, scaling = layers(fit)
    weights = [(torch.tensor(w), torch.tensor(b)) for w, b in pairs]
    x_shift, x_scale, y_shift, y_scale = map(torch.tensor, scaling)
    kind = weights[0][0].dtype

    def model(x: Any) -> Any:
        h = ((x - x_shift) / x_scale).to(kind)
        for w, b in weights[:-1]:
            h = torch.tanh(torch.nn.functional.linear(h, w, b))
        return torch.nn.functional.linear(h, *weights[-1])[:, 0] * y_scale + y_shift

    def values(x: np.ndarray) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(x))

    def slopes(x: np.ndarray) -> tuple[Any, Any]:
        leaf = torch.from_numpy(x).requires_grad_()
        y = model(leaf)
        (g,) = torch.autograd.grad(y.sum(), leaf)
        return y.detach().numpy(), g.numpy()

    if call == "point":
        number = x[0, 0].item()
        return lambda: values(np.array([[number]])).item()
    if call == "both":
        return lambda: [a[0] for a in slopes(x[:1].copy())]
    return (lambda: slopes(x)[1]) if call in SLOPES else (lambda: values(x).numpy())


def jax(call: str, fit: Any, x: np.ndarray) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    pairs, (x_shift, x_scale, y_shift, y_scale) = layers(fit)

    def one(x: Any) -> Any:
        h = ((x - x_shift) / x_scale).astype(fit.dtype)
        for w, b in pairs[:-1]:
            h = jnp.tanh(w @ h + b)
        return (pairs[-1][0] @ h + pairs[-1][1])[0] * y_scale[0] + y_shift[0]

    values, slopes = jax.jit(jax.vmap(one)), jax.jit(jax.vmap(jax.value_and_grad(one)))
    if call == "point":
        number = x[0, 0].item()
        return lambda: float(values(np.array([[number]]))[0])
    if call == "both":
        return lambda: [np.asarray(a)[0] for a in slopes(x)]
    return (lambda: np.asarray(slopes(x)[1])) if call in SLOPES else (lambda: np.asarray(values(x)))


def onnxruntime(call: str, fit: Any, x: np.ndarray, threads: int) -> Call:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        fit.export(str(path))
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    put = session.get_inputs()[0]
    kind = np.float32 if put.type == "tensor(float)" else np.float64
    given = x.astype(kind)
    if call == "point":
        number = x[0, 0].item()
        return lambda: session.run(None, {put.name: np.array([[number]], kind)})[0].item()
    return lambda: session.run(None, {put.name: given})[0].reshape(-1)


def contestant(name: str, call: str, threads: int) -> None:
    pin(threads)
    fit, x = material(call)
    if name == "torch":
        import torch as library

        library.set_num_threads(threads)
    ask = globals()[name](call, fit, x, *([threads] if name == "onnxruntime" else []))
    for _ in range(200 if len(x) == 1 else 3):  # what is compiled is compiled
        found = ask()
    parts = found if call == "both" else [found]
    serve(ask, hello=[np.asarray(a, np.float64).reshape(-1)[:100].tolist() for a in parts])


def measure(call: str, threads: int, names: list[str], rounds: int, seconds: float) -> dict[str, Any]:
    """One row: seconds a call of each contestant in each round."""
    own = [n for n in names if not (n == "onnxruntime" and call in SLOPES)]
    with ExitStack() as stack:
        turns, shown = {}, {}
        for name in own:
            c = Contestant(__file__, "--contestant", f"{name} {call} {threads}", threads=threads)
            stack.callback(c.close)
            times = max(1, round(seconds / c.turn(20)))
            turns[name], shown[name] = lambda c=c, times=times: c.turn(times), c.hello
        for name in own[1:]:
            for a, b in zip(shown[name], shown[own[0]], strict=True):  # all compute the same
                np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
        return {"call": call, "threads": threads, "seconds": alternate(turns, rounds)}


def shown(row: dict[str, Any], names: list[str]) -> list[str]:
    seconds = row["seconds"]
    cells = [CALLS[row["call"]][0], str(row["threads"])]
    for name in names:
        if name not in seconds:
            cells.append("")
            continue
        cell = f"{statistics.median(seconds[name]) * 1e6:.3g}"
        cells.append(cell if name == "surefit" else f"{cell} ({ratio(seconds['surefit'], seconds[name])[0]:.2f})")
    return cells


def main(
    json: Annotated[Path | None, Option(help="Write the figures of every round to this file.")] = None,
    rounds: Annotated[int, Option(min=2, help="Turns of each contestant.")] = 15,
    seconds: Annotated[float, Option(help="Length of a turn.")] = 0.05,
    threads: Annotated[list[int], Option(help="Numbers of threads, the same for all.")] = [1, 2],  # noqa: B006
    only: Annotated[str, Option(help=f"Which calls, of {', '.join(CALLS)}.")] = "",
    one: Annotated[str, Option("--contestant", hidden=True)] = "",
) -> None:
    """Print one table: microseconds a call, and in brackets surefit's share of the time of each other."""
    if one:
        name, call, n = one.split()
        return contestant(name, call, int(n))
    names, missing = importable(CONTESTANTS)
    rows = [measure(c, n, names, rounds, seconds) for c in chosen(only, CALLS, "--only") for n in threads]
    columns = ["call", "threads", *(CONTESTANTS[n] for n in names)]
    notes = [
        f"Microseconds, medians of {rounds} alternated turns of {seconds:g} s; in brackets the median of surefit's",
        "time as a share of the other's, within each round. All are kept on so many cores.",
        *(f"Left out, because it cannot be imported: {name}." for name in missing),
    ]
    data = {"versions": versions(["numpy", "torch", "jax", "onnxruntime"]), "rows": rows}
    return report("Calls of a fit", columns, [shown(r, names) for r in rows], notes, data, json)


if __name__ == "__main__":
    typer.run(main)
