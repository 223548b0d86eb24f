"""
The formula as a tarball, with the wheels of its libraries and without tests.

    python -m release.tarball WHEELHOUSE DIRECTORY

Holds what is committed, so that two people make the same one from the same commit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


def main(wheelhouse: Path, directory: Path) -> Path:
    """Write the tarball; its path."""
    formula = yaml.safe_load((ROOT / "FORMULA").read_text())
    name = f"hosted-engine-formula-{formula['version']}"
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{name}.tar.gz"
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.tar"
        archive = ["git", "archive", f"--prefix={name}/", f"--output={whole}", "HEAD"]
        _run([*archive, "--", *formula["files"], "docs", "tools"])
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
