"""Files that are written whole or not at all: failures of the system, kills, links, permissions, many writers."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import surefit
from surefit.bounds.certificate import read_certificate
from surefit.errors import ArgumentError, DataError, ExportError, ModelFileError
from surefit.files import check_writable, replacing, write_atomically, write_together

OLD = "the old content\n"
NEW = "the new content\n" * 1000
posix = pytest.mark.skipif(os.name == "nt", reason="links, locks and permissions of POSIX")
WAYS = ["unnamed", "named"]  # with O_TMPFILE, and without it


def by_path(path, content, error=DataError):
    with replacing(path, error=error) as part:
        part.write_text(content)


def as_one_of_several(path, content, error=DataError):
    write_together({path: content}, error=error)


@pytest.fixture(params=[*WAYS, "replacing", "together"])
def write(request, monkeypatch):
    if request.param == "replacing":
        return by_path
    if request.param == "together":
        return as_one_of_several
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    return write_atomically


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- a system that refuses --------------------------------------------------------------------------------------------

STEPS = ["open", "write", "fchmod", "fchown", "fsync", "link", "replace", "listdir", "fstat"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_every_failure_leaves_the_old_file_or_the_new_one_and_one_sentence(
    tmp_path, monkeypatch, write, step, nth, code
):
    path = tmp_path / "file.txt"
    path.write_text(OLD)
    calls, real = 0, getattr(os, step)

    def failing(*args, **options):
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(code, os.strerror(code))
        return real(*args, **options)

    monkeypatch.setattr(os, step, failing)
    said = ""
    try:
        write(path, NEW)
    except DataError as e:
        said = str(e)
    monkeypatch.undo()
    if said:
        assert os.strerror(code) in said and "file.txt" in said and "\n" not in said
    if not said or "was written, but" in said:
        assert path.read_text() == NEW
    else:
        assert path.read_text() == OLD
    assert names(tmp_path) == {"file.txt"}


def full(*args, **options):
    raise OSError(errno.ENOSPC, "No space left")


def test_each_step_that_loses_data_is_an_error(tmp_path, monkeypatch, write):
    for step in ("write", "fsync", "replace"):
        if step == "write" and write is by_path:
            continue  # which is the business of whoever writes there
        with monkeypatch.context() as patch:
            patch.setattr(os, step, full)
            with pytest.raises(ModelFileError, match="No space left"):
                write(tmp_path / "new", NEW, error=ModelFileError)
        assert names(tmp_path) == set()


@posix
def test_a_limit_of_the_system_leaves_the_old_file(tmp_path):
    """No fake: the kernel itself cuts the write short."""
    path = tmp_path / "file"
    path.write_text(OLD)
    code = f"""
import resource, signal
from surefit.files import write_atomically
from surefit.errors import DataError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomically({str(path)!r}, b"x" * 10000)
except DataError as e:
    print(e)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout and done.stderr == ""
    assert path.read_text() == OLD and names(tmp_path) == {"file"}


def test_an_interrupt_leaves_the_old_file(tmp_path, monkeypatch, write):
    path = tmp_path / "file"
    path.write_text(OLD)

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(path, NEW)
    assert path.read_text() == OLD and names(tmp_path) == {"file"}


def test_what_is_raised_inside_comes_out_as_it_is(tmp_path):
    with pytest.raises(ValueError, match="mine"), replacing(tmp_path / "file"):
        raise ValueError("mine")
    assert names(tmp_path) == set()


# --- several files that belong together -------------------------------------------------------------------------------


@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("there", [("a", "b", "c"), ("a", "c"), ("b",), ()], ids="".join)
def test_several_files_are_all_new_or_all_old_whatever_fails(tmp_path, monkeypatch, there, ways):
    """Each call of each step fails in turn; twice, so that what is tried instead fails as well."""
    if ways == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    old = dict.fromkeys(there, OLD)
    new = dict.fromkeys("abc", NEW)
    outcomes = set()
    for step in STEPS:
        for times in (1, 2):
            for nth in range(1, 40):
                for name in names(tmp_path):
                    (tmp_path / name).unlink()
                for name in there:
                    (tmp_path / name).write_text(OLD)
                calls, real = 0, getattr(os, step)

                def failing(*args, nth=nth, times=times, real=real, **options):
                    nonlocal calls
                    calls += 1
                    if nth <= calls < nth + times:
                        raise OSError(errno.EIO, "Input/output error")
                    return real(*args, **options)

                said = ""
                with monkeypatch.context() as patch:
                    patch.setattr(os, step, failing)
                    try:
                        write_together({tmp_path / name: text for name, text in new.items()})
                    except DataError as e:
                        said = str(e)
                now = {name: (tmp_path / name).read_text() for name in names(tmp_path)}
                assert "\n" not in said and ("Input/output error" in said or not said)
                if "moreover" in said:  # what would put the old file back failed, too: it says which, and where it is
                    assert step == "replace" and times == 2
                elif not said or "was written, but" in said:
                    assert now == new
                else:
                    assert now == old
                outcomes.add((step, bool(said)))
                if calls < nth:
                    break
    assert {("write", True), ("fsync", True), ("replace", True), ("replace", False)} <= outcomes


def test_where_an_old_file_cannot_be_put_back_it_is_said_and_kept(tmp_path, monkeypatch):
    for name in "ab":
        (tmp_path / name).write_text(OLD)
    calls, real = 0, os.replace

    def failing(*args):
        nonlocal calls
        calls += 1
        if calls > 1:
            full()
        real(*args)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(DataError, match=r"a' is the new file and the old one .* copy it from '\.surefit-") as caught:
        write_together({tmp_path / "a": NEW, tmp_path / "b": NEW})
    (kept,) = names(tmp_path) - {"a", "b"}
    assert kept in str(caught.value) and (tmp_path / kept).read_text() == OLD == (tmp_path / "b").read_text()


def test_an_interrupt_while_files_take_their_places_puts_the_old_ones_back(tmp_path, monkeypatch):
    for name in "ab":
        (tmp_path / name).write_text(OLD)
    before = (tmp_path / "a").stat()
    calls, real = 0, os.replace

    def interrupted(*args):
        nonlocal calls
        calls += 1
        real(*args)
        if calls == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_together({tmp_path / "a": NEW, tmp_path / "b": NEW, tmp_path / "c": NEW})
    assert {name: (tmp_path / name).read_text() for name in names(tmp_path)} == {"a": OLD, "b": OLD}
    assert os.path.samestat(before, (tmp_path / "a").stat())  # the very file


def test_an_export_that_fails_at_its_last_file_leaves_the_export_that_was_there(tmp_path, monkeypatch):
    first = surefit.fit("x^2", "x=-1:1", method="polynomial")
    second = surefit.fit("x^3", "x=-1:1", method="polynomial")
    for to, count in (("c", 2), ("casadi", 3)):
        folder = tmp_path / to
        folder.mkdir()
        first.export(folder / "m", to)
        before = {name: (folder / name).read_bytes() for name in names(folder)}
        calls, real = 0, os.replace

        def failing(*args, real=real, count=count):
            nonlocal calls
            calls += 1
            if calls == count:
                full()
            real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", failing)
            with pytest.raises(ExportError, match="No space left"):
                second.export(folder / "m", to)
        assert {name: (folder / name).read_bytes() for name in names(folder)} == before


# --- links, permissions, other things under the name ------------------------------------------------------------------


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o666, 0o755])
def test_permissions_stay(tmp_path, write, mode):
    path = tmp_path / "file"
    path.write_text(OLD)
    path.chmod(mode)
    write(path, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_a_new_file_has_the_permissions_that_any_new_file_has(tmp_path, write):
    before = os.umask(0o027)
    try:
        write(tmp_path / "ours", NEW)
        (tmp_path / "theirs").write_text(NEW)
    finally:
        os.umask(before)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


@posix
@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="root may write everywhere")
def test_a_closed_file_is_not_replaced(tmp_path, write):
    path = tmp_path / "file"
    path.write_text(OLD)
    path.chmod(0o444)
    with pytest.raises(DataError, match="write-protected"):
        write(path, NEW)
    assert path.read_text() == OLD


@posix
def test_a_link_stays_a_link(tmp_path, write):
    (tmp_path / "far").mkdir()
    link = tmp_path / "link"
    link.symlink_to("far/file")
    write(link, OLD)  # a link to nothing yet
    write(link, NEW)
    assert link.is_symlink() and (tmp_path / "far" / "file").read_text() == NEW
    assert names(tmp_path / "far") == {"file"} and names(tmp_path) == {"far", "link"}
    ring = tmp_path / "ring"
    ring.symlink_to("ring")
    with pytest.raises(DataError, match=r"cannot write .*ring"):
        write(ring, NEW)


@posix
def test_a_link_under_the_name_of_the_temporary_file_is_not_followed(tmp_path, monkeypatch, write):
    victim = tmp_path / "victim"
    victim.write_text(OLD)
    drawn = iter(["0" * 16, "0" * 16, "1" * 16, "1" * 16])
    monkeypatch.setattr("surefit.files.secrets.token_hex", lambda n: next(drawn))
    monkeypatch.setattr("surefit.files._take_remains", lambda folder: None)
    (tmp_path / (".surefit-" + "0" * 16 + ".part")).symlink_to(victim)
    with pytest.raises(DataError, match="File exists"):
        write(tmp_path / "file", NEW)
    assert victim.read_text() == OLD and not (tmp_path / "file").exists()


@posix
def test_what_is_no_file_is_named(tmp_path, write):
    os.mkfifo(tmp_path / "pipe")
    for path, words in [(tmp_path, "is a directory"), (tmp_path / "pipe", "a device or a pipe")]:
        with pytest.raises(DataError, match=words):
            write(path, NEW)
    for path in (tmp_path / "none" / "file", "", "a\0b", tmp_path / ("n" * 300)):
        with pytest.raises(DataError, match="cannot write"):
            write(path, NEW)


# --- many writers, killed writers -------------------------------------------------------------------------------------

LOOP = """
import sys
from surefit.files import replacing, write_atomically
path, letter, count, way = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
print("ready", flush=True)
for _ in range(count):
    if way == "named":
        with replacing(path) as part:
            part.write_text(letter * 200_000)
    else:
        write_atomically(path, letter * 200_000)
"""


def writer(path: Path, letter: str, count: int, way: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", LOOP, str(path), letter, str(count), way]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


@posix
@pytest.mark.parametrize("way", WAYS)
def test_writers_do_not_disturb_each_other(tmp_path, way):
    path = tmp_path / "file"
    processes = [writer(path, letter, 40, way) for letter in "abc"]
    while any(p.poll() is None for p in processes):
        if path.exists():
            text = path.read_text()
            assert len(text) == 200_000 and len(set(text)) == 1
    assert [p.communicate()[1] for p in processes] == ["", "", ""]
    assert names(tmp_path) == {"file"}


TOGETHER = """
import sys
from pathlib import Path
from surefit.files import write_together
folder, letter, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
for _ in range(count):
    write_together({folder / name: letter * 50_000 for name in "abcd"})
"""


@posix
def test_files_of_several_writers_are_never_mixed(tmp_path):
    """Whoever is the last to write has written all of them."""
    for _ in range(2):
        processes = []
        for letter in "pqr":
            arguments = [sys.executable, "-c", TOGETHER, str(tmp_path), letter, "15"]
            processes.append(subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        assert [p.communicate()[1] for p in processes] == [""] * 3
        found = {(tmp_path / name).read_text() for name in "abcd"}
        assert len(found) == 1 and len(found.pop()) == 50_000
        assert names(tmp_path) == set("abcd")


@posix
def test_who_is_killed_among_several_files_leaves_whole_ones_and_nothing_for_long(tmp_path):
    rng = np.random.default_rng(1)
    for i in range(6):
        arguments = [sys.executable, "-c", TOGETHER, str(tmp_path), "xyz"[i % 3], "1000000"]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.03))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert all(len((tmp_path / n).read_text()) == 50_000 for n in names(tmp_path) & set("abcd"))
    write_together({tmp_path / name: "end" for name in "abcd"})
    assert names(tmp_path) == set("abcd")


@posix
@pytest.mark.parametrize("way", WAYS)
def test_killed_writers_leave_a_whole_file_and_nothing_for_long(tmp_path, way):
    path = tmp_path / "file"
    write_atomically(path, "a" * 200_000)
    rng = np.random.default_rng(0)
    for _ in range(6):  # 300 of each were tried once
        process = writer(path, "b", 10**6, way)
        time.sleep(rng.uniform(0.0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        text = path.read_text()
        assert len(text) == 200_000 and len(set(text)) == 1
    write_atomically(path, OLD)
    assert names(tmp_path) == {"file"}


@posix
def test_only_remains_of_the_dead_are_taken(tmp_path):
    mine, notes = tmp_path / ".surefit-notes.part", tmp_path / (".surefit-" + "a" * 15 + ".part")
    dead, link = tmp_path / (".surefit-" + "b" * 16 + ".part.csv"), tmp_path / (".surefit-" + "c" * 16 + ".part")
    for path in (mine, notes, dead):
        path.write_text(OLD)
    link.symlink_to(notes)
    with replacing(tmp_path / "slow.csv") as part:
        part.write_text(NEW)
        write_atomically(tmp_path / "file", NEW)
        assert part.exists()  # it is being written
        assert not dead.exists()
    assert names(tmp_path) == {mine.name, notes.name, link.name, "file", "slow.csv"}
    assert (tmp_path / "slow.csv").read_text() == NEW


def test_a_place_is_tried_without_a_trace(tmp_path):
    check_writable(tmp_path / "deep" / "file")
    assert names(tmp_path / "deep") == set()
    (tmp_path / "there").write_text(OLD)
    check_writable(tmp_path / "there")
    assert (tmp_path / "there").read_text() == OLD
    with pytest.raises(DataError, match="is a directory"):
        check_writable(tmp_path / "deep")


@pytest.mark.parametrize("path", ["", None, 3, 1.5])
def test_what_is_no_path_is_refused_by_name(path):
    fit = surefit.fit("x", "x=0:1", method="polynomial")
    calls = {"save": fit.save, "save_outputs": fit.save_outputs, "report": fit.report, "export": fit.export}
    for name, call in (calls | {"load": surefit.load, "certificate": read_certificate}).items():
        with pytest.raises(ArgumentError, match=f"{name}: (expected a path|the path is empty)"):
            call(path)
