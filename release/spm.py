"""
The formula as a package for SPM, Salt's own package manager.

    python -m release.spm DIRECTORY

Holds what is committed of the files that FORMULA names. It is built from an export: in a checkout,
``spm build`` would pack Python's caches as well. docs/libraries.md says what SPM leaves out.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from release import tarball

SPM = Path(sys.executable).with_name("spm")


def main(directory: Path) -> Path:
    """Build the package; its path."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        tarball.archive(work / "formula.tar", "formula/", *tarball.formula()["files"])
        subprocess.run(["tar", "-xf", "formula.tar"], check=True, cwd=work)
        configuration(work, {"spm_build_dir": str(work / "built")})
        build: list[str | Path] = [SPM, "-c", work, "build", "."]
        subprocess.run(build, check=True, cwd=work / "formula", stdout=subprocess.DEVNULL)
        (built,) = (work / "built").glob("*.spm")
        target = Path(shutil.copy(built, directory))
    print(target)
    return target


def configuration(directory: Path, options: dict[str, str]) -> None:
    """A configuration of SPM that keeps all that SPM writes below a directory."""
    names = ("spm_logfile", "spm_cache_dir", "spm_db", "spm_share_dir", "cachedir", "pki_dir")
    below = {name: str(directory / name) for name in (*names, "sock_dir", "log_file")}
    (directory / "spm").write_text(json.dumps(below | options))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
