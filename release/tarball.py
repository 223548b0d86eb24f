"""
The formula as a tarball without tests and lab, on request with the wheels of its libraries.

    python -m release.tarball DIRECTORY [WHEELHOUSE]

Holds what is committed, so that two people make the same one from the same commit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
# Beside what FORMULA names: for people, and for who migrates.
MORE = ("docs", "tools")


def formula() -> dict[str, Any]:
    """What the committed FORMULA says: the version, and the files of the formula."""
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
            files = sorted(path.name for path in wheelhouse.iterdir())
            owned = ["--owner=0", "--group=0", "--mode=u=rwX,go=rX"]
            moved = f"--transform=s,^,{name}/wheelhouse/,"
            _run(["tar", "--append", f"--file={whole}", *owned, moved, "-C", wheelhouse, *files])
        with target.open("wb") as packed:
            _run(["gzip", "--no-name", "--stdout", whole], stdout=packed)
    print(target)
    return target


def _run(command: list[str | Path], **options: object) -> None:
    subprocess.run(command, check=True, cwd=ROOT, **options)  # type: ignore[call-overload]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
