"""Preflight's check of Salt's libraries: real pip, on wheels of a library that nobody has."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import command
from ovirt_he.preflight import check, libraries
from packaging.requirements import Requirement
from packaging.tags import sys_tags

from unit.preflight_lab import Lab

NAME, FILE = "nobody-has-this", "nobody_has_this-1.0"
METADATA = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: "
OURS = str(next(sys_tags()))
OTHERS = OURS.replace(f"cp3{sys.version_info.minor}", "cp36")


def wheel(folder: Path, tag: str) -> None:
    info = f"{FILE}.dist-info"
    with zipfile.ZipFile(folder / f"{FILE}-{tag}.whl", "w") as packed:
        for file, text in {"METADATA": METADATA, "WHEEL": f"{WHEEL}{tag}\n", "RECORD": ""}.items():
            packed.writestr(f"{info}/{file}", text)


def problems(lab: Lab, wheelhouse: str, wanted: str = NAME, **run: Any) -> list[dict[str, str]]:
    lab.pillar["hosted_engine"]["python"] = {"wheelhouse": wheelhouse}
    host = lab.host()
    host.salt = {"cp.get_file_str": lambda _: f"{wanted}\n"} | run
    return check.found([libraries.libraries], host)


@pytest.fixture
def bare(monkeypatch) -> None:
    """No compiler, no pkg-config."""
    monkeypatch.setattr(libraries.shutil, "which", lambda _: None)


def test_what_is_there_needs_nothing(lab, bare):
    assert problems(lab, "/nowhere", wanted="packaging>=20") == []


def test_a_wheel_for_this_python_is_enough(lab, bare, tmp_path):
    wheel(tmp_path, OURS)

    assert problems(lab, str(tmp_path)) == []


def test_a_wheel_from_the_file_server_too(lab, bare, tmp_path):
    wheel(tmp_path, OURS)
    cached = {"cp.cache_dir": lambda _: [str(path) for path in tmp_path.iterdir()]}

    assert problems(lab, "salt://wheelhouse", **cached) == []


@pytest.mark.parametrize("server", [True, False])
def test_an_empty_wheelhouse_is_told(lab, bare, tmp_path, server):
    where = "salt://wheelhouse" if server else str(tmp_path)

    (told,) = problems(lab, where, **{"cp.cache_dir": lambda _: []})

    assert told["problem"] == f"{where} holds no files"


def test_a_wheel_for_another_python_is_told_without_a_compiler(lab, bare, tmp_path):
    wheel(tmp_path, OTHERS)

    (told,) = problems(lab, str(tmp_path))

    assert told["key"] == "hosted_engine:python:wheelhouse"
    assert f"no wheels of {NAME}" in told["problem"]
    assert "gcc" in told["problem"]
    assert "pkg-config" in told["problem"]
    assert "docs/libraries.md" in told["advice"]


@pytest.fixture
def lab() -> Lab:
    """Only its pillar: commands are real."""
    return Lab()


class Index:
    """pip's answers, of an index that has source only, or of none."""

    def __init__(self, reachable: bool, headers: bool) -> None:
        self.reachable, self.headers = reachable, headers

    def run(self, *arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        if arguments[0] == "pkg-config":
            return subprocess.CompletedProcess(arguments, int(not self.headers), "", "")
        code = int(not (self.reachable and "index" in arguments))
        return subprocess.CompletedProcess(arguments, code, "", "ERROR: no matching distribution")


@pytest.mark.parametrize(
    ("reachable", "headers", "told"),
    [
        (True, True, []),
        (True, False, ["the headers of libvirt, the headers of libxml-2.0"]),
        (False, True, ["this host's package index"]),
    ],
    ids=["all there", "no headers", "no index"],
)
def test_source_wants_an_index_a_compiler_and_headers(lab, monkeypatch, reachable, headers, told):
    monkeypatch.setattr(libraries.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(command, "run", Index(reachable, headers).run)

    found = problems(lab, "")

    assert len(found) == len(told)
    assert all(words in one["problem"] for one, words in zip(found, told, strict=True))


@pytest.mark.parametrize(("version", "fine"), [((3, 11), True), ((3, 9), False), ((3, 14), False)])
def test_a_python_that_nothing_is_made_for_is_told(lab, monkeypatch, version, fine):
    monkeypatch.setattr(libraries.sys, "version_info", Version(version))

    found = lab.problems(libraries.python)

    assert (found == []) is fine
    assert all(f"{version[0]}.{version[1]}" in one["problem"] for one in found)


class Version(tuple):
    """sys.version_info."""

    major = property(lambda self: self[0])
    minor = property(lambda self: self[1])


def test_requirements_are_one_word_a_line():
    """The SLS and the check split them at white space: a comment or a space would be a package."""
    root = Path(__file__).parents[2]
    lines = (root / "hosted_engine/files/requirements.txt").read_text().splitlines()

    assert all(str(Requirement(line)) == line for line in lines)


def test_salt_itself_needs_the_library_that_reads_requirements():
    """So it is in Salt's Python, whatever else is missing there."""
    assert "packaging" in {Requirement(text).name for text in importlib.metadata.requires("salt")}
