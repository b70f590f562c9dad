"""The model file: what is written comes back; what is damaged, foreign, hostile or newer is refused in one sentence."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.data import Sampling
from surefit.errors import ArgumentError, ModelFileError
from surefit.search.strategies.blends import mean_of
from surefit.sentences import say
from surefit.storage import container

DATA = Path(__file__).parent / "data"
FEW = Sampling(count=30)


def table(seed: int = 0, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(n, 2))
    return x, x[:, 0] - x[:, 1] ** 2 + 0.1 * rng.normal(size=n)


def small(kind: str = "formula", seed: int = 0) -> Any:
    quick = surefit.Adam(epochs=3)
    if kind == "formula":
        return surefit.fit("sin(a) - b", "a=-1:1, b=-1:1", method=quick, model=(4,), data=FEW, seed=seed)
    if kind == "table":
        return surefit.fit(table(), method=quick, model=(3,), seed=seed)
    if kind == "solved":
        return surefit.fit(table(), method=surefit.LM(iterations=3), model=(3,), seed=seed)
    if kind == "classes":
        x, y = table()
        return surefit.fit((x, np.where(y > 0, "up", "down")), task="classify", method=quick, model=(3,), seed=seed)
    net = nn.Sequential(nn.Linear(1, 3, generator=1), nn.Sin(), nn.Linear(3, 1, generator=3))
    return surefit.fit(np.tanh, (-1, 1), method=quick, model=net, data=FEW, seed=seed)


KINDS = ("formula", "table", "solved", "classes", "program")


@pytest.fixture(scope="module")
def fits():
    return {kind: small(kind) for kind in KINDS}


@pytest.fixture(scope="module")
def files(fits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return {kind: fit.save(folder / f"{kind}.safetensors") for kind, fit in fits.items()}


def parts(raw: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Header, what the file says of its tensors, and their bytes: written here after the specification."""
    length = struct.unpack("<Q", raw[:8])[0]
    top = json.loads(raw[8 : 8 + length])
    header = json.loads(top.pop("__metadata__")["surefit"])
    return header, top, raw[8 + length :]


def whole(header: Any, tensors: dict[str, Any], data: bytes, sign: bool = True) -> bytes:
    """A file of these parts, with a right checksum."""
    text = header if isinstance(header, str) else json.dumps(header)
    about = {"surefit": text} | ({"sha256": "0" * 64} if sign else {})
    top = json.dumps({"__metadata__": about, **tensors}, separators=(",", ":")).encode()
    raw = struct.pack("<Q", len(top)) + top + data
    return raw.replace(b'"sha256":"' + b"0" * 64, b'"sha256":"' + hashlib.sha256(raw).hexdigest().encode(), 1)


def refused(path: Path, raw: bytes) -> str:
    """The sentence with which these bytes are refused."""
    path.write_bytes(raw)
    with pytest.raises(ModelFileError) as caught:
        surefit.load(path)
    said = str(caught.value)
    assert "\n" not in said and len(said) < 1200 and path.name in said
    return said


# --- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_everything_comes_back(fits, files, tmp_path, kind):
    fit, again = fits[kind], surefit.load(files[kind])
    x = fit.problem.train[0]
    np.testing.assert_allclose(again._predict(x), fit._predict(x), rtol=0, atol=1e-6 if kind == "program" else 0)
    assert (again.predict(x) == fit.predict(x)).all() or kind == "program"
    assert again.history == fit.history and again.error == fit.error
    assert again.problem.exact == fit.problem.exact and again.seed == fit.seed
    assert again.method == fit.method and again.stop_reason.said("zh") == fit.stop_reason.said("zh")
    assert surefit.load(again.save(tmp_path / "again.safetensors")).card() == again.card()


def test_weights_of_rows_gradients_and_extras_come_back(tmp_path):
    x = np.linspace(0, 1, 60)
    given = Sampling(weights=np.linspace(1, 2, 60))
    fit = surefit.fit((x, x**2), method=surefit.Adam(epochs=2), model=(3,), data=given)
    fit.extra["certificate"] = {"file": "proof.json", "sha256": "ab" * 32}
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.problem.weights, fit.problem.weights)
    assert again.extra == fit.extra


@pytest.mark.parametrize("noise", [0.0, np.linspace(0.01, 0.1, 40)], ids=["none", "rows"])
def test_what_is_known_of_the_noise_comes_back(tmp_path, noise):
    x = np.random.default_rng(0).uniform(size=(40, 2))
    fit = surefit.fit((x, x[:, 0] * x[:, 1]), method="polynomial", data=Sampling(noise=noise))
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    assert str(again) == str(fit) and ("each with its own noise" in str(again)) == (np.ndim(noise) == 1)
    assert (again.problem.known, again.problem.noise_known) == (np.ndim(noise) == 0, np.ndim(noise) == 1)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, np.int64(3), np.float32(0.1), np.float64("inf")])
def test_whatever_number_was_said_is_said_again(tmp_path, number):
    """A candidate whose leave-one-out error is infinite, a count of NumPy's: the file is written, and read."""
    fit = small("solved")
    inner = say("tried", stage="varpro", what=say("what-left-out"), score=number)
    fit.made = dataclasses.replace(fit.made, choice=(inner,))
    loaded = surefit.load(fit.save(tmp_path / "m.safetensors"))
    (read,) = loaded.made.choice
    assert (read, read.said("zh")) == (inner, inner.said("zh"))
    assert type(read.values["score"]) in (int, float)


@pytest.mark.parametrize("own", ["class", "periodic", "formula"])
def test_a_card_is_the_same_after_loading(tmp_path, own):
    """Also where the class of the network is not in the file, and where it has numbers that are not trained."""

    class Waves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("rates", np.array([1.0, 2.0, 3.0]))
            self.last = nn.Linear(3, 1, generator=0)

        def said(self) -> str:
            return "not what a file says"

        def forward(self, x: Any) -> Any:
            return self.last(surefit.sin(x * self.rates))

    t = np.linspace(0.0, 2.0, 60)
    if own == "class":
        fit = surefit.fit((t, np.sin(t)), model=Waves(), method=surefit.Adam(epochs=3))
    elif own == "periodic":
        fit = surefit.fit({"t": t, "y": np.sin(2 * np.pi * t)}, periodic={"t": 1.0})
    else:
        fit = small("formula")
    loaded = surefit.load(fit.save(tmp_path / "m.safetensors"))
    assert loaded.network.num_parameters() == fit.network.num_parameters()
    for lang in ("en", "zh"):
        assert loaded.card(lang=lang) == fit.card(lang=lang)
    again = surefit.load(loaded.save(tmp_path / "again.safetensors"))
    assert again.card() == fit.card()


def test_random_streams_of_a_network_come_back(tmp_path):
    model = surefit.MLPSpec((8,), dropout=0.5)
    fit = surefit.fit("x", "x=0:1", method=surefit.Adam(epochs=2), model=model, data=FEW)
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    fit.network.train(), again.network.train()
    x = surefit.tensor(np.zeros((5, 1), np.float32))
    np.testing.assert_array_equal(fit.network(x).detach().numpy(), again.network(x).detach().numpy())


def test_a_file_is_an_ordinary_safetensors_file(files):
    from safetensors.numpy import load_file

    assert load_file(files["formula"])["network.0.weight"].shape == (4, 2)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.safetensors")), ids=lambda path: path.stem)
def test_files_of_older_formats_load(path):
    rows = np.loadtxt(path.with_suffix(".csv"), delimiter=",")  # inputs and what was predicted then
    fit = surefit.load(path)
    d = len(fit.names)
    np.testing.assert_allclose(fit.predict(rows[:, :d]), rows[:, d], rtol=0, atol=1e-6)
    assert fit.card() and fit.doctor() and fit.to_dict()


# --- accidents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_bit_passes(files, tmp_path, kind):
    raw = files[kind].read_bytes()
    rng = np.random.default_rng(7)
    for bit in rng.choice(8 * len(raw), 400, replace=False).tolist():  # all of them were tried once
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        refused(tmp_path / "m.safetensors", bytes(changed))


def test_no_cut_swap_or_hole_passes(files, tmp_path):
    raw = files["table"].read_bytes()
    rng = np.random.default_rng(8)
    path = tmp_path / "m.safetensors"
    for n in [*range(0, 100, 7), *rng.integers(0, len(raw), 100).tolist()]:
        refused(path, raw[:n])
    refused(path, raw + b"\0")
    for size in (1, 8, 64, 512):
        for _ in range(50):
            i, j = np.sort(rng.integers(0, len(raw) - size, 2)).tolist()
            if j - i >= size and raw[i : i + size] != raw[j : j + size]:
                refused(path, raw[:i] + raw[j : j + size] + raw[i + size : j] + raw[i : i + size] + raw[j + size :])
            if raw[i : i + size] != bytes(size):
                refused(path, raw[:i] + bytes(size) + raw[i + size :])


def test_most_changes_of_old_files_are_found_by_their_rows(tmp_path):
    """Format 1 has no checksum, but the error of its card is that of its weights at its test rows."""
    raw = (DATA / "format1-a3d9da4-solved.safetensors").read_bytes()
    header, tensors, data = parts(raw)
    start, end = tensors["network.0.weight"]["data_offsets"]
    weights = np.frombuffer(data[start:end]).copy()
    weights[0] += 1.0
    changed = data[:start] + weights.tobytes() + data[end:]
    said = refused(tmp_path / "m.safetensors", whole(header, tensors, changed, sign=False))
    assert "its numbers are not those of the fit" in said


# --- what others make of it -------------------------------------------------------------------------------------------


def leaves(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all values in plain data."""
    found = [at] if at else []
    if isinstance(value, (dict, list)):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            found += leaves(part, (*at, key))
    return found


def put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    value = copy.deepcopy(value)
    place = value
    for key in at[:-1]:
        place = place[key]
    if new is KeyError:
        del place[at[-1]]
    else:
        place[at[-1]] = new
    return value


WRONG = [KeyError, None, -1, 10**30, 1.5, "text", "{0.__class__}", True, [], {}, [1], {"text": 1}, [[[]]]]


@pytest.mark.parametrize("kind", KINDS)
def test_fields_of_a_wrong_type_are_refused_or_do_no_harm(files, tmp_path, kind):
    header, tensors, data = parts(files[kind].read_bytes())
    rng = np.random.default_rng(9)
    places, path = leaves(header), tmp_path / "m.safetensors"
    for i in rng.choice(len(places), min(60, len(places)), replace=False).tolist():  # all of them were tried once
        for new in (WRONG[k] for k in rng.choice(len(WRONG), 2, replace=False)):
            path.write_bytes(whole(put(header, places[i], new), tensors, data))
            try:
                fit = surefit.load(path)
            except ModelFileError:
                continue
            if fit.classified is not None:
                fit.predict_proba(fit.problem.train[0])
            fit.card(), fit.to_dict(), fit.summary(), fit.predict(fit.problem.train[0])
            json.dumps([s.said("zh") for s in (fit.stop_reason, *fit.problem.notes)])


def test_numbers_that_are_none(files, tmp_path):
    header, tensors, data = parts(files["table"].read_bytes())
    cases = [
        ("network.0.weight", np.nan, "not finite"), ("network.0.bias", np.inf, "not finite"),
        ("scaling.x_scale", 0.0, "must be > 0"), ("scaling.y_scale", -1.0, "must be > 0"),
        ("scaling.x_shift", np.nan, "not finite"), ("data.train.x", np.nan, "not finite"),
    ]  # fmt: skip
    for name, value, words in cases:
        start, end = tensors[name]["data_offsets"]
        kind = {"F32": np.float32, "F64": np.float64}[tensors[name]["dtype"]]
        numbers = np.frombuffer(data[start:end], kind).copy()
        numbers[0] = value
        raw = whole(header, tensors, data[:start] + numbers.tobytes() + data[end:])
        assert words in refused(tmp_path / "m.safetensors", raw), name


@pytest.mark.parametrize("kind", ["table", "program"])
def test_tensors_of_another_kind_or_shape(files, tmp_path, kind):
    header, tensors, data = parts(files[kind].read_bytes())
    path = tmp_path / "m.safetensors"
    for name, about in tensors.items():
        wide = {"F32": "I32", "I32": "F32", "F64": "I64", "I64": "F64"}[about["dtype"]]
        others = [about | {"dtype": wide}, about | {"shape": [1, *about["shape"]]}, about | {"shape": [7]}]
        others += [about | {"dtype": "F8_E4M3"}, about | {"data_offsets": [0, 0]}, about | {"data_offsets": [-8, 0]}]
        others += [about | {"shape": [2**40, 2**40]}, about | {"shape": "x"}, {}, None, []]
        others += [about | {"dtype": {}}, about | {"dtype": ["F32"]}, about | {"dtype": 7}, about | {"shape": {}}]
        for other in others:
            refused(path, whole(header, tensors | {name: other}, data))
        if not name.endswith(("rows", "weights", "gradients")):  # then there are none
            refused(path, whole(header, {k: v for k, v in tensors.items() if k != name}, data))
        refused(path, whole(header, {k.replace(name, "other"): v for k, v in tensors.items()}, data))


def test_a_model_with_the_numbers_of_another(files, tmp_path):
    """Each file is right in itself; card and weights belong to different fits."""
    other = small("table", seed=1).save(tmp_path / "other.safetensors")
    header, tensors, data = parts(files["table"].read_bytes())
    _, theirs, numbers = parts(other.read_bytes())
    for name in tensors:
        if name.startswith("network."):
            start, end = tensors[name]["data_offsets"]
            data = data[:start] + numbers[slice(*theirs[name]["data_offsets"])] + data[end:]
    assert "its numbers are not those" in refused(tmp_path / "m.safetensors", whole(header, tensors, data))


def test_a_network_larger_than_its_numbers_is_not_built(files, tmp_path):
    header, tensors, data = parts(files["table"].read_bytes())
    for hidden in ([10**9], [10**6, 10**6], [1] * 1000):
        raw = whole(put(header, ("network", "hidden"), hidden), tensors, data)
        assert "the file holds fewer" in refused(tmp_path / "m.safetensors", raw)


def test_hostile_programs(files, tmp_path):
    header, tensors, data = parts(files["program"].read_bytes())
    equations = header["network"]["equations"]
    huge = [["v9", [10**12], "float64"], "broadcast_to", [equations[0][0][0]], {"shape": [10**12]}]
    unknown = [["v9", [1], "float32"], "os.system", ["x"], {}]
    for new in (
        [*equations, huge],
        [*equations, unknown],
        [*equations, ["v9"]],
        equations[:-1],
        [],
        [[[], "add", [], {}]],
    ):
        refused(tmp_path / "m.safetensors", whole(put(header, ("network", "equations"), new), tensors, data))


def test_headers_made_to_hurt(files, tmp_path):
    header, tensors, data = parts(files["table"].read_bytes())
    path = tmp_path / "m.safetensors"
    deep = "[" * 100_000 + "]" * 100_000
    assert "nested too deeply" in refused(path, whole(deep, tensors, data))
    assert "nested" in refused(
        path, whole(put(header, ("extra",), {"a": json.loads("[" * 50 + "]" * 50)}), tensors, data)
    )
    twice = json.dumps(header)[:-1] + ', "format": 2}'
    assert "twice" in refused(path, whole(twice, tensors, data))
    for number in ("NaN", "Infinity", "1e999", "9" * 5000):
        refused(path, whole(json.dumps(header).replace('"steps": ', f'"steps": {number}, "s": '), tensors, data))
    for text in ("", "null", "[]", "{}", *(f'{{"format": {n}}}' for n in ('"2"', "true", 0, 1, 2, 3))):
        refused(path, whole(text, tensors, data))
    for length in (2**63, 2**40, 2**26, len(data)):
        refused(path, struct.pack("<Q", length) + data)
    assert "format 4" in refused(path, whole(header | {"format": 4}, tensors, data))
    assert "checksum" in refused(
        path, whole(header, tensors, data).replace(b"sin", b"cos").replace(b'"y"', b'"z"') + b""
    )


def test_sizes_that_are_not_there_take_no_memory(files, tmp_path):
    """A file with holes says that it has terabytes."""
    path = tmp_path / "m.safetensors"
    header, tensors, data = parts(files["table"].read_bytes())
    raw = whole(header, tensors, data)
    with path.open("wb") as file:
        file.write(raw)
        file.truncate(2**40)
    with pytest.raises(ModelFileError, match="bytes of numbers where"):
        surefit.load(path)
    about = {"dtype": "F64", "shape": [2**40 // 8], "data_offsets": [len(data), len(data) + 2**40]}
    raw = whole(header, tensors | {"data.more": about}, data)
    with path.open("wb") as file:
        file.write(raw)
        file.truncate(len(raw) + 2**40)
    with pytest.raises(ModelFileError, match="too much for the memory"):
        surefit.load(path)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 2**39))
        file.truncate(2**40)
    with pytest.raises(ModelFileError, match="texts would take"):
        surefit.load(path)


def test_texts_that_could_not_be_read_are_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "LARGEST_HEADER", 100)
    with pytest.raises(ModelFileError, match="its texts take"):
        small().save(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file(tmp_path):
    for path, words in [(tmp_path / "none", "no model file"), (tmp_path, "no model file")]:
        with pytest.raises(ModelFileError, match=words):
            surefit.load(path)
    with pytest.raises(ArgumentError, match="the path is empty"):
        surefit.load("")


def test_a_mean_of_many_models_can_be_read_again(tmp_path):
    """Its parts are sentences in sentences; those of a mean with what was taught in it had been too deep to read."""
    taught = say("stage-student", teacher=say("teacher-processes", kernels="RBF"), stage=say("stage-features", units=9))
    parts = [(0.1, say("stage-features", units=i)) for i in range(1, 8)]
    whole = mean_of([(0.7, mean_of(parts)), (0.3, taught)])
    fit = surefit.fit("sin(x)", "x=0:1", method="features", model=(4,))
    fit.made = replace(fit.made, stage=whole, choice=(say("tried", stage=whole, what=say("what-largest"), score=1.0),))
    again = surefit.load(fit.save(tmp_path / "m.surefit"))
    assert (again.made.stage, again.made.choice) == (fit.made.stage, fit.made.choice)
    assert again.card("zh") == fit.card("zh")


@pytest.mark.slow
def test_what_the_automatic_choice_makes_of_outliers_can_be_read_again(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (150, 2))
    y = x @ [1.0, 2.0] + 0.1 * rng.normal(size=150)
    y[::20] += 30
    fit = surefit.fit((x, y), loss="mse")
    assert fit.made.stage.code == "stage-blend"
    np.testing.assert_array_equal(surefit.load(fit.save(tmp_path / "m.surefit")).predict(x), fit.predict(x))
