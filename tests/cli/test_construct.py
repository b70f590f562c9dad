"""surefit construct."""

from __future__ import annotations

import json


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


def test_verify(surefit, tmp_path):
    assert surefit("construct 'sin(x)' --on x=-3:3 --tol 1e-2 --out sine").code == 0
    ran = surefit("verify sine/model.safetensors '-1.01 <= y <= 1.01'")
    assert ran.code == 0 and ran.out.startswith("proved")
    ran = surefit("verify sine/model.safetensors 'y <= x' --json")
    assert ran.code == 3 and ran.json()["status"] == "refuted" and ran.json()["at"]["x"] < 0
    ran = surefit("verify sine/model.safetensors 'y^2 <= 1'")
    assert ran.code == 2 and "linearly" in ran.err
