"""Machine code on disk: used when it is whole, ignored when it is not, and nobody else's business."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from surefit.compiler import cache, compile_program
from surefit.core.program import record

X = np.arange(12.0).reshape(3, 4)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SUREFIT_CACHE", str(tmp_path))
    return tmp_path / "code"


def program(factor=2.0):
    return record(lambda x: (x * factor).sum(1), X)


def compiled(factor=2.0, **options):
    c = compile_program(program(factor), **options)
    np.testing.assert_allclose(c.run([X])[0][0], (X * factor).sum(1))
    return c


def test_the_second_time_comes_from_the_disk(folder):
    first = compiled()
    again = compiled()
    assert not first.cached and again.cached
    assert again.seconds["passes"] == again.seconds["IR"] == 0
    assert str(again.explain()).splitlines()[1:3] == str(first.explain()).splitlines()[1:3]
    assert again.llvm_ir == first.llvm_ir
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("other", [dict(factor=3.0), dict(mode="strict"), dict(target="generic")])
def test_what_decides_the_code_is_in_the_name(other):
    compiled()
    assert not compiled(**other).cached


def test_a_compiler_that_was_changed_writes_its_code_again(tmp_path, monkeypatch):
    copy = shutil.copytree(Path(cache.__file__).parent, tmp_path / "compiler")
    shutil.copytree(Path(cache.__file__).parent.parent / "ir", tmp_path / "ir")
    compiled()
    monkeypatch.setattr(cache, "__file__", str(copy / "cache.py"))
    try:
        cache.makers.cache_clear()
        assert compiled().cached
        for changed in (copy / "lower.py", tmp_path / "ir" / "mathlib.py"):
            changed.write_bytes(changed.read_bytes() + b"# changed\n")
            cache.makers.cache_clear()
            assert not compiled().cached
    finally:
        cache.makers.cache_clear()


def test_large_constants_are_in_the_name():
    def with_mask(mask):
        return record(lambda x: x[mask], X)

    a, b = np.ones(X.shape, bool), np.ones(X.shape, bool)
    b[1] = False
    for mask in (a, b):
        np.testing.assert_array_equal(compile_program(with_mask(mask)).run([X])[0][0], X[mask])


@pytest.mark.parametrize(
    "harm",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: raw[:-40] + bytes([raw[-40] ^ 1]) + raw[-39:],
        lambda raw: b"something else entirely" * 100,
        lambda raw: cache.MARK + raw,
    ],
    ids=["cut off", "empty", "one bit", "foreign", "doubled head"],
)
def test_a_damaged_file_is_ignored_and_rebuilt(folder, harm):
    compiled()
    (path,) = folder.iterdir()
    path.write_bytes(harm(path.read_bytes()))
    assert not compiled().cached
    assert compiled().cached


def test_only_the_owner_reads_it(folder):
    compiled()
    (path,) = folder.iterdir()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_off_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("SUREFIT_CACHE", "off")
    assert not compiled().cached and not compiled().cached
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("SUREFIT_CACHE", str(blocked))
    assert not compiled().cached


def test_old_files_go(folder, monkeypatch):
    monkeypatch.setattr(cache, "MOST", 3)
    for i in range(5):
        compiled(float(i + 2))
    assert len(list(folder.iterdir())) == 3
    assert compiled(6.0).cached


# --- what is read here is run -----------------------------------------------------------------------------------------


def test_files_that_have_changed_places_are_not_run(folder):
    two, three = compiled(2.0), compiled(3.0)
    names = sorted(folder.iterdir())
    assert len(names) == 2 and not two.cached and not three.cached
    one, other = (path.read_bytes() for path in names)
    names[0].write_bytes(other)
    names[1].write_bytes(one)
    assert not compiled(2.0).cached  # which also checks what it computes
    assert not compiled(3.0).cached


def is_refused(folder):
    assert not compiled().cached
    return True


@pytest.mark.skipif(os.name == "nt", reason="permission bits are not those of Windows")
def test_code_that_others_could_have_written_is_not_run(folder):
    compiled()
    (path,) = folder.iterdir()
    for mode in (0o622, 0o660, 0o606):
        path.chmod(mode)
        assert is_refused(folder)  # and it is written again, for the owner alone
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    folder.chmod(0o777)
    assert is_refused(folder)
    folder.chmod(0o700)
    assert compiled().cached


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a file away")
def test_code_of_another_user_is_not_run(folder):
    compiled()
    (path,) = folder.iterdir()
    os.chown(path, 12345, -1)
    assert is_refused(folder)
    os.chown(folder, 12345, -1)
    assert is_refused(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("kind", ["fifo", "symlink", "folder"])
def test_what_is_no_regular_file_is_neither_waited_for_nor_followed(folder, kind):
    compiled()
    (path,) = folder.iterdir()
    aside = folder.parent / "aside"
    path.rename(aside)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "symlink":
        path.symlink_to(aside)
    else:
        path.mkdir()
    assert is_refused(folder)


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_a_folder_that_is_a_link_is_not_used(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)
    assert is_refused(folder) and is_refused(folder)
    assert not list(elsewhere.iterdir())
