"""C for microcontrollers: it compiles for a Cortex-M, takes what its header says; and ONNX for a generator of C."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from surefit.exporters import write
from surefit.exporters.c_code import c_code
from surefit.exporters.exportable import Exportable
from surefit.exporters.retyped import retyped

from .networks import exportable, layers

CORTEX = "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16".split()
STRICT = "-std=c99 -Wall -Wextra -pedantic -Werror -Wdouble-promotion -Wconversion -Wno-sign-conversion".split()
arm = pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="no compiler for Cortex-M on this machine")


def network(name: str, dtype: str) -> Exportable:
    """A layer with value, Jacobian and Hessian product, all of it in one dtype."""
    m = exportable(*layers()[name], "net", dtype)
    assert m.derivative is not None and m.curvature is not None
    whole = [retyped(p, dtype) for p in (m.program, m.derivative, m.curvature)]
    return replace(m, program=whole[0], derivative=whole[1], curvature=whole[2])


def stated(header: str) -> dict[str, int]:
    """The numbers of bytes that a header tells."""
    found = {f"stack of {n}": int(b) for n, b in re.findall(r"net_(\w+): \d+ operations, (\d+) bytes", header)}
    (flash,) = re.findall(r"flash: (\d+) bytes of tables, (\d+) of the self-test, about (\d+) of code", header)
    return found | dict(zip(("tables", "tests", "code"), map(int, flash), strict=True))


@arm
@pytest.mark.parametrize("name, dtype", [("GELU", "float32"), ("Sin", "float64"), ("MLP", "float32")])
def test_a_cortex_m_takes_the_bytes_that_the_header_tells(name, dtype, tmp_path):
    head, source = c_code(network(name, dtype), "net.h")
    (tmp_path / "net.h").write_text(head)
    (tmp_path / "net.c").write_text(source)
    sections = ["-ffunction-sections", "-fdata-sections", "-fstack-usage"]
    command = ["arm-none-eabi-gcc", *CORTEX, *STRICT, *sections, "-Os", "-c", "net.c", "-o", "net.o"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    sizes = subprocess.run(
        ["arm-none-eabi-size", "-A", "net.o"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in sizes.splitlines() if line.startswith(".")]
    code = sum(int(r[1]) for r in rows if r[0].startswith(".text"))
    constant = sum(int(r[1]) for r in rows if r[0].startswith(".rodata"))
    assert not sum(int(r[1]) for r in rows if r[0].startswith((".data", ".bss")))  # nothing that is written
    said = stated(head)
    tables = said["tables"] + said["tests"]
    assert 0.75 * tables <= constant <= tables + 256  # small ones become code, and helpers have some too
    assert said["code"] / 2 < code < said["code"] * 2
    for line in (tmp_path / "net.su").read_text().splitlines():
        function, used, _ = line.split("\t")
        entry = function.split(":net_")[-1]
        if f"stack of {entry}" in said:
            assert said[f"stack of {entry}"] <= int(used) <= said[f"stack of {entry}"] + 384


@arm
def test_a_program_for_a_cortex_m_links_without_a_heap(tmp_path):
    """A main of its own with newlib's mathematical functions; no malloc is linked in."""
    head, source = c_code(network("Tanh", "float32"), "net.h")
    (tmp_path / "net.h").write_text(head)
    (tmp_path / "net.c").write_text(source)
    main = '#include "net.h"\nint main(void) { return net_self_test(); }\nvoid _exit(int n) { (void)n; for (;;) {} }\n'
    (tmp_path / "main.c").write_text(main)
    flags = [*CORTEX, "-std=c99", "-Os", "--specs=nano.specs", "-Wl,--gc-sections"]
    command = ["arm-none-eabi-gcc", *flags, "net.c", "main.c", "-o", "net.elf", "-lm"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    names = subprocess.run(["arm-none-eabi-nm", "net.elf"], cwd=tmp_path, capture_output=True, text=True, check=True)
    symbols = {line.split()[-1] for line in names.stdout.splitlines()}
    assert "net_eval" in symbols and not symbols & {"malloc", "_malloc_r", "_sbrk"}


@pytest.mark.slow  # it generates C, compiles it, and runs it beside onnxruntime
@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler on this machine")
@pytest.mark.parametrize("name", ["MLP", "Softplus"])
def test_a_generator_of_c_reads_the_onnx(name, tmp_path):
    if importlib.util.find_spec("emx_onnx_cgen") is None:
        pytest.skip("emx-onnx-cgen makes C of ONNX")
    pytest.importorskip("onnxruntime", reason="runs the file")
    (path,) = write(exportable(*layers()[name], "net", "float64", derivative=False), tmp_path / "net", "onnx")
    tool = Path(sys.executable).with_name("emx-onnx-cgen")
    command = [str(tool), "verify", "--input-dim", "n=3", str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Result: OK" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
