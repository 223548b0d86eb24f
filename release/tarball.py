"""
The formula as a tarball without tests and lab, optionally with the wheels of its libraries.

    python -m release.tarball DIRECTORY [WHEELHOUSE]

Holds what is committed, so that two people make the same one from the same commit.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
# In addition to what FORMULA names.
MORE = ("docs", "tools")


def formula() -> dict[str, Any]:
    """The committed FORMULA: the version, and the files of the formula."""
    show = ["git", "show", "HEAD:FORMULA"]
    committed: dict[str, Any] = yaml.safe_load(subprocess.check_output(show, cwd=ROOT))
    return committed


def archive(target: Path, prefix: str, *paths: str) -> None:
    """What is committed of some paths, as a tar archive; readable by all, whatever the umask."""
    command = ["git", "-c", "tar.umask=0022", "archive", f"--prefix={prefix}", "HEAD"]
    _run([*command, f"--output={target}", "--", *paths])


def main(directory: Path, wheelhouse: Path | None = None) -> Path:
    """Write the tarball; its path."""
    name = f"hosted-engine-formula-{formula()['version']}"
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{name}{'-wheels' if wheelhouse else ''}.tar.gz"
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.tar"
        archive(whole, f"{name}/", *formula()["files"], *MORE)
        if wheelhouse:
            # pax: with git's own format a wheel's name is too long.
            with tarfile.open(whole, "a", format=tarfile.PAX_FORMAT) as packed:
                for path in sorted(wheelhouse.iterdir()):
                    packed.add(path, f"{name}/wheelhouse/{path.name}", filter=_owned)
        with target.open("wb") as file:
            _run(["gzip", "--no-name", "--stdout", whole], stdout=file)
    print(target)
    return target


def _owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o644
    return member


def _run(command: list[str | Path], **options: object) -> None:
    subprocess.run(command, check=True, cwd=ROOT, **options)  # type: ignore[call-overload]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
