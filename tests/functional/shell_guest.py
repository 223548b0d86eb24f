"""A bootstrap guest whose shell is this machine's, below a folder."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from functional.ssh_guest import Guest


@pytest.fixture
def guest(host, monkeypatch, tmp_path) -> Guest:
    """A guest whose shell is this machine's, below a folder: commands run, and leave traces."""
    host.pillar["timeouts"] = {"boot": 1, "hook": 20}
    made = Guest(host, monkeypatch)
    made.put(state="running", setup="complete")
    root = tmp_path / "guest"
    for name in ("root", "bin"):
        (root / name).mkdir(parents=True)

    def shell(words: list[str], stdin: Any) -> tuple[int, str]:
        text = words[2].replace("/root/", f"{root}/root/").replace("/var/lib/", f"{root}/")
        ran = subprocess.run(
            ["sh", "-c", text, *words[3:]],
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=root,
            env={"PATH": f"{root}/bin:{os.environ['PATH']}"},
        )
        return ran.returncode, ran.stdout + ran.stderr

    made.answers["sh -c"] = shell
    made.root = root  # type: ignore[attr-defined]
    host.with_pillar()
    return made
