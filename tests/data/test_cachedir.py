"""Where the cache lives, on each platform."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from surefit.cachedir import cache_dir
from surefit.errors import DataError


@pytest.fixture
def plain(monkeypatch, tmp_path):
    """No setting of ours, and a home directory in tmp_path."""
    for name in ("SUREFIT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "platform, environment, expected",
    [
        ("linux", {}, ".cache/surefit"),
        ("linux", {"XDG_CACHE_HOME": "HOME/elsewhere"}, "elsewhere/surefit"),
        ("linux", {"XDG_CACHE_HOME": "relative/is/ignored"}, ".cache/surefit"),
        ("darwin", {"XDG_CACHE_HOME": "HOME/elsewhere"}, "Library/Caches/surefit"),
        ("win32", {}, "AppData/Local/surefit/Cache"),
        ("win32", {"LOCALAPPDATA": "HOME/Local"}, "Local/surefit/Cache"),
        ("linux", {"SUREFIT_CACHE": "HOME/mine"}, "mine"),
        ("linux", {"SUREFIT_CACHE": "~/mine", "XDG_CACHE_HOME": "HOME/elsewhere"}, "mine"),
        ("linux", {"SUREFIT_CACHE": "  "}, ".cache/surefit"),
    ],
)
def test_platforms(plain, monkeypatch, platform, environment, expected):
    monkeypatch.setattr(sys, "platform", platform)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("HOME", str(plain)))
    assert cache_dir() == plain / expected
    assert cache_dir("mnist", "raw") == plain / expected / "mnist" / "raw"
    assert not (plain / expected).exists()  # nothing is touched without create


@pytest.mark.parametrize("word", ["off", "OFF", " Off "])
def test_off(plain, monkeypatch, word):
    monkeypatch.setenv("SUREFIT_CACHE", word)
    assert cache_dir("mnist", create=True) is None


def test_create_is_for_the_owner_alone(plain):
    path = cache_dir("mnist", create=True)
    assert path.is_dir()
    assert cache_dir("mnist", create=True) == path  # again does not mind
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_cannot_create(plain, monkeypatch):
    (plain / "file").write_text("")
    monkeypatch.setenv("SUREFIT_CACHE", str(plain / "file"))
    with pytest.raises(DataError, match=r"cannot make the cache directory.*SUREFIT_CACHE"):
        cache_dir("mnist", create=True)


def test_no_home(plain, monkeypatch):
    def homeless(path):
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "expanduser", homeless)
    with pytest.raises(DataError, match="SUREFIT_CACHE"):
        cache_dir()
