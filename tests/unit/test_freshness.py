"""The package leaves Python's cache of modules when its files change; Salt's loader never fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "_utils" / "ovirt_he"
SCRIPT = """
import importlib, pathlib, shutil, sys
sys.path.insert(0, {root!r})
from ovirt_he.core import wait
package = pathlib.Path(wait.__file__).parents[1]
{change}
importlib.invalidate_caches()
importlib.invalidate_caches()
print(sorted(name for name in sys.modules if name.startswith("ovirt_he")))
print(len([finder for finder in sys.meta_path if type(finder).__name__ == "Freshness"]))
"""
ALL = "['ovirt_he', 'ovirt_he.core', 'ovirt_he.core.wait']"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param("", [ALL, "1"], id="nothing changed"),
        pytest.param("(package / 'core/new.py').write_text('')", ["[]", "0"], id="a new file"),
        pytest.param("(package / 'core/wait.py').write_text('')", ["[]", "0"], id="other content"),
        pytest.param("(package / 'core/wait.py').unlink()", ["[]", "0"], id="a file is gone"),
        pytest.param("shutil.rmtree(package)", ["[]", "0"], id="the formula was removed"),
        pytest.param(
            "(package / 'core/x.py').symlink_to('nowhere')", ["[]", "0"], id="half a sync"
        ),
    ],
)
def test_modules_are_dropped_when_files_change(tmp_path, change, told):
    shutil.copytree(PACKAGE, tmp_path / "ovirt_he", ignore=shutil.ignore_patterns("__pycache__"))
    script = SCRIPT.format(root=str(tmp_path), change=change)

    done = subprocess.run(
        [sys.executable, "-B", "-c", script], capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines() == told, done.stderr
