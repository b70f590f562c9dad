"""surefit construct."""

from __future__ import annotations

import json

import pytest


@pytest.mark.slow
def test_construct(surefit, tmp_path):
    out = tmp_path / "sine"
    ran = surefit("construct 'sin(x)' --on x=-3:3 --tol 1e-2 --out " + str(out))
    assert ran.code == 0 and "no piecewise-linear function within 0.01 has fewer (proved)" in ran.out
    assert {p.name for p in out.iterdir()} >= {"model.safetensors", "certificate.json", "corners.csv", "tube.png"}
    assert json.loads((out / "certificate.json").read_text())["error"]["upper"] <= 1e-2
    data = surefit("construct 'sin(x)' --on x=-3:3 --units 12 --json").json()
    assert data["certificate"]["error"]["upper"] < 0.011


def test_wrong_input_is_named(surefit):
    for command, words in (
        ("construct 'sin(x)' --tol 1e-2", "--on"),
        ("construct 'sin(x)' --on x=-3:3", "--tol"),
        ("construct 'sin(x)' --on x=-3:3 --tol 0", "--tol"),
        ("construct 'sin(x)' --on x=3 --tol 1", "x"),
        ("construct 'sin(x' --on x=-3:3 --tol 1", "("),
    ):
        ran = surefit(command)
        assert ran.code == 2 and words in ran.err and "Traceback" not in ran.err


@pytest.mark.slow
def test_verify_of_a_table_names_its_columns_as_they_are(surefit, tmp_path):
    """A price of size, colour and weight: linear, so that what holds is known."""
    base = {"red": 10.0, "green": 20.0, "blue": 0.0}
    rows = [(0.1 * i, ("red", "green", "blue")[i % 3], 0.5 * (i % 4)) for i in range(36)]
    text = "\n".join(f"{s},{c},{w},{2 * s + base[c] + w}" for s, c, w in rows)
    (tmp_path / "t.csv").write_text("size,colour,weight [kg],price EUR\n" + text)
    model = tmp_path / "m"
    surefit(f"fit {tmp_path}/t.csv --method polynomial --out {model} --quiet")
    for relation, on, code in (
        ("price EUR <= 31", "", 0),
        ("price EUR <= 19", "colour=red", 0),
        ("price EUR <= 18", "colour=red", 3),
        ("'price EUR' - weight [kg] <= 7.3", "colour=blue", 0),
        ("dprice EUR/dsize >= 1.9", "colour=green", 0),
    ):
        assert surefit(f'verify {model} "{relation}" {f"--on {on}" if on else ""}').code == code, relation
    assert "colour=red=1.0" in surefit(f"verify {model} 'price EUR <= 18' --on colour=red").out
    wrong = surefit(f"verify {model} 'price EUR <= 18' --on colour=pink")
    assert wrong.code == 2 and "one of blue, green, red" in wrong.err


@pytest.mark.slow
def test_verify(surefit, tmp_path):
    assert surefit("construct 'sin(x)' --on x=-3:3 --tol 1e-2 --out sine").code == 0
    ran = surefit("verify sine/model.safetensors '-1.01 <= y <= 1.01'")
    assert ran.code == 0 and ran.out.startswith("proved")
    ran = surefit("verify sine/model.safetensors 'y <= x' --json")
    assert ran.code == 3 and ran.json()["status"] == "refuted" and ran.json()["at"]["x"] < 0
    ran = surefit("verify sine/model.safetensors 'y^2 <= 1'")
    assert ran.code == 2 and "linearly" in ran.err
