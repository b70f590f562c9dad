"""Optimiser traces and learning-rate schedules against PyTorch's, in float64."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from surefit import optim
from surefit.core.leaves import Parameter
from surefit.core.tensor import Tensor

SHIPPED = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adamax", "NAdam", "RAdam")
NOT_SHIPPED = {"ASGD", "Adadelta", "Adafactor", "Rprop"}  # not among the optimisers surefit offers


def _load(shared_data):
    meta = json.loads(shared_data("opinfo/optim_f64.json").read_text())
    return meta, np.load(shared_data("opinfo/optim_f64.npz"))


def test_every_optimiser_in_the_vectors_is_shipped_or_named(shared_data):
    meta, _ = _load(shared_data)
    assert {c["optimizer"] for c in meta["optim"]} == set(SHIPPED) | NOT_SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_trace(shared_data, name):
    meta, data = _load(shared_data)
    cases = [c for c in meta["optim"] if c["optimizer"] == name]
    assert cases
    for case in cases:
        params = [Parameter(data["p0_0"].copy()), Parameter(data["p0_1"].copy())]
        kwargs = {k: tuple(v) if isinstance(v, list) else v for k, v in case["kwargs"].items()}
        optimizer = getattr(optim, name)(params, **kwargs)
        for step in range(1, 51):
            for k, p in enumerate(params):
                p.grad = Tensor(data[f"g_{k}"][step - 1])
            optimizer.step()
            if step in case["steps"]:
                row = case["steps"].index(step)
                for k, p in enumerate(params):
                    want = data[f"{case['key']}_{k}"][row]
                    np.testing.assert_allclose(
                        p.detach().numpy(), want, rtol=1e-12, atol=1e-14, err_msg=f"{name} {case['desc']} step {step}"
                    )


def test_schedules(shared_data):
    meta, _ = _load(shared_data)
    assert len(meta["lr"]) == 11
    for case in meta["lr"]:
        optimizer = optim.SGD([Parameter(np.zeros(1))], lr=case["base_lr"])
        schedule = getattr(optim, case["name"])(optimizer, **case["kwargs"])
        got = []
        for _ in case["lr"]:
            got.append(optimizer.param_groups[0]["lr"])
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                schedule.step()
        np.testing.assert_allclose(got, case["lr"], rtol=1e-12, err_msg=f"{case['name']} {case['kwargs']}")
