"""Checks of preflight: Salt's own Python has the formula's libraries, or can get them."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

# Salt itself needs it, so it is there where nothing else is (3006 to 3008).
from packaging.requirements import Requirement

from ovirt_he.core import command
from ovirt_he.preflight.check import Check, Host, Problem, problem

REQUIREMENTS = "salt://hosted_engine/files/requirements.txt"
# All that an additional host needs: the engine installs everything else there.
SDK = "ovirt-engine-sdk-python"
# For these the release has wheels; docs/libraries.md.
PYTHONS = [(3, 10), (3, 11), (3, 12), (3, 13)]
ADVICE = "Name the wheels of a release, or those of make wheelhouse: docs/libraries.md"
# By default pip retries for minutes; an index that doesn't answer is to be reported quickly.
PATIENCE = ("--retries", "1", "--timeout", "10", "--disable-pip-version-check")
SECONDS = 120


def python(host: Host) -> Iterator[Problem]:
    """Salt runs on a Python version that the libraries support."""
    if sys.version_info[:2] not in PYTHONS:
        shown = ", ".join(f"{major}.{minor}" for major, minor in PYTHONS)
        yield problem(
            "python",
            f"Salt's Python is {_version()}, the formula is for {shown}",
            "Install another version of Salt: docs/libraries.md lists which has which",
        )


def libraries(host: Host) -> Iterator[Problem]:
    """Missing libraries are available as wheels, or as source that this host can build."""
    missing = [text for text in _requirements(host) if not _installed(text)]
    if not missing:
        return
    wheelhouse = host.settings["python"]["wheelhouse"]
    folders = _folders(host, wheelhouse)
    if wheelhouse and not folders:
        yield problem("python:wheelhouse", f"{wheelhouse} holds no files", ADVICE)
        return
    tried = _pip("install", "--dry-run", "--quiet", "--only-binary=:all:", *_sources(folders),
                 *PATIENCE, *missing)  # fmt: skip
    if tried.returncode == 0:
        return
    lacking = _lacking_tools()
    if not lacking and _has_source(folders, missing):
        return
    reason = (tried.stderr.strip() or tried.stdout.strip() or "no reason").splitlines()[-1]
    where = wheelhouse or "this host's package index"
    build = f". Building them needs {', '.join(lacking)}" if lacking else ""
    what = f"no wheels of {', '.join(missing)} for Salt's Python {_version()}"
    yield problem("python:wheelhouse", f"{where} has {what}: {reason}{build}", ADVICE)


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _requirements(host: Host) -> list[str]:
    text = host.salt["cp.get_file_str"](REQUIREMENTS)
    if not text:
        raise OSError(f"the file server has no {REQUIREMENTS}")
    joins = host.settings["host"]["joins"]
    return [each for each in str(text).split() if not joins or Requirement(each).name == SDK]


def _installed(text: str) -> bool:
    wanted = Requirement(text)
    try:
        return importlib.metadata.version(wanted.name) in wanted.specifier
    except importlib.metadata.PackageNotFoundError:
        return False


def _folders(host: Host, wheelhouse: str) -> list[str]:
    """Where the wheelhouse's files lie on this host; from the file server they are cached."""
    if wheelhouse.startswith("salt://"):
        return sorted({str(Path(path).parent) for path in host.salt["cp.cache_dir"](wheelhouse)})
    there = wheelhouse and any(Path(wheelhouse).glob("*"))
    return [wheelhouse] if there else []


def _sources(folders: list[str]) -> list[str]:
    links = [f"--find-links={folder}" for folder in folders]
    return ["--no-index", *links] if links else []


def _has_source(folders: list[str], missing: list[str]) -> bool:
    names = [Requirement(text).name for text in missing]
    if folders:
        files = [path.name for folder in folders for path in Path(folder).glob("*.tar.gz")]
        prefixes = tuple(name.replace("-", "_") for name in names)
        return any(name.replace("-", "_").startswith(prefixes) for name in files)
    return all(_pip("index", "versions", *PATIENCE, name).returncode == 0 for name in names)


def _lacking_tools() -> list[str]:
    """What libvirt-python and the SDK are built with, as far as it isn't here."""
    lacking = [] if shutil.which("gcc") or shutil.which("cc") else ["gcc"]
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        lacking.append("Python's headers")
    if not shutil.which("pkg-config"):
        return [*lacking, "pkg-config", "the headers of libvirt and libxml2"]
    for module in ("libvirt", "libxml-2.0"):
        if command.run("pkg-config", "--exists", module, check=False).returncode:
            lacking.append(f"the headers of {module}")
    return lacking


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return command.run(sys.executable, "-m", "pip", *arguments, timeout=SECONDS, check=False)


CHECKS: list[Check] = [python, libraries]
