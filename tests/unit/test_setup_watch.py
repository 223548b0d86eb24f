"""The shell that looks for engine-setup's end: with a systemctl of the test's own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ovirt_he.guest import files, setup_watch


class Guest:
    """A guest's few things that the look sees; ``sleep`` doesn't."""

    def __init__(self, root: Path) -> None:
        self.root, self.state, self.final = root, "active", "activating"
        (root / "bin").mkdir()

    def look(self) -> int:
        self._command("sleep", f"echo >> {self.root}/slept")
        self._command(
            "systemctl",
            f'case "$*" in *cloud-final*) echo {self.final} ;; *) echo {self.state} ;; esac',
        )
        text = setup_watch.LOOK.replace(files.MARKER, str(self.root / "marker"))
        text = text.replace("/etc/cloud/", f"{self.root}/")
        text = text.replace(setup_watch.ENABLED, str(self.root / "enabled"))
        environment = {"PATH": f"{self.root}/bin:{os.environ['PATH']}"}
        return subprocess.run(["sh", "-c", text], env=environment, check=False).returncode

    def _command(self, name: str, text: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)


@pytest.fixture
def guest(tmp_path):
    return Guest(tmp_path)


def test_the_marker_alone_is_success(guest):
    guest.state = "failed"
    (guest.root / "marker").touch()

    assert guest.look() == setup_watch.COMPLETE


def test_a_unit_that_ended_without_a_marker_is_no_success(guest):
    assert guest.look() == setup_watch.RUNNING


def test_a_failure_is_seen_at_the_first_look(guest):
    guest.state = "failed"

    assert guest.look() == setup_watch.FAILED
    assert not (guest.root / "slept").exists()


def test_a_slow_guest_ends_its_look_after_a_minute_too(guest):
    """Each look at this guest's clock is half a minute after the one before."""
    clock = guest.root / "clock"
    guest._command("date", f"echo >> {clock}; echo $(($(wc -l < {clock}) * 30))")

    assert guest.look() == setup_watch.RUNNING
    assert len((guest.root / "slept").read_text()) == 1


@pytest.mark.parametrize("final", ["inactive", "activating"])
def test_before_cloud_init_is_through_nothing_is_lost(guest, final):
    guest.state, guest.final = "inactive", final
    if final == "activating":
        (guest.root / "cloud-init.disabled").touch()

    assert guest.look() == setup_watch.RUNNING


def test_a_guest_that_was_restarted_in_the_middle_is_told(guest):
    guest.state, guest.final = "inactive", "inactive"
    (guest.root / "cloud-init.disabled").touch()

    assert guest.look() == setup_watch.NEVER_RAN
    assert len((guest.root / "slept").read_text()) == 15


@pytest.mark.parametrize("final", ["failed", "active"])
def test_a_cloud_init_that_did_not_start_it_is_told(guest, final):
    guest.state, guest.final = "inactive", final

    assert guest.look() == setup_watch.NEVER_RAN


@pytest.mark.feature("fips")
@pytest.mark.parametrize("final", ["active", "inactive"])
def test_a_guest_that_reboots_on_purpose_is_not_given_up(guest, final):
    """The unit is enabled, and idle before and after the reboot on the way to engine-setup."""
    guest.state, guest.final = "inactive", final
    (guest.root / "cloud-init.disabled").touch()
    assert guest.look() == setup_watch.NEVER_RAN

    (guest.root / "enabled").symlink_to("/etc/systemd/system/hosted-engine-setup.service")

    assert guest.look() == setup_watch.RUNNING
