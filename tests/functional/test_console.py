"""The engine VM's console file: whole, root's alone, and never over somebody's file."""

from __future__ import annotations

from pathlib import Path

import pytest
from salt.exceptions import CommandExecutionError, SaltInvocationError

from functional.additional_host import VM, host
from functional.ovirt import Host

__all__ = ["host"]


@pytest.mark.feature("console_password")
def test_the_console_file_holds_a_password_that_only_root_reads(host: Host, tmp_path: Path) -> None:
    path = f"/vms/{VM['vmId']}/graphicsconsoles"
    target = tmp_path / "engine.vv"
    with pytest.raises(CommandExecutionError, match="has no graphics console"):
        host.minion("hosted_engine_vm.console_file", str(target))
    console = "<graphics_console><protocol>vnc</protocol></graphics_console>"
    host.engine.curl(path, method="POST", body=console, status=201)

    answers = [host.minion("hosted_engine_vm.console_file", str(target)) for _ in range(2)]

    assert answers == [None, None]
    assert target.stat().st_mode & 0o777 == 0o600
    assert "host=192.0.2.1\n" in target.read_text()
    assert "password=" in target.read_text()


def test_no_other_file_is_replaced_by_the_console_file(host: Host, tmp_path: Path) -> None:
    other = tmp_path / "notes"
    other.write_text("mine")
    (tmp_path / "link").symlink_to(other)

    for path in (other, tmp_path / "link"):
        with pytest.raises(CommandExecutionError, match="is another file"):
            host.minion("hosted_engine_vm.console_file", str(path))
    for wrong in ("engine.vv", "/no/such/directory/engine.vv"):
        with pytest.raises(SaltInvocationError, match="isn't a file's path"):
            host.minion("hosted_engine_vm.console_file", wrong)
    assert other.read_text() == "mine"


def test_a_console_of_a_vm_that_is_down_is_told(host: Host, tmp_path: Path) -> None:
    path = f"/vms/{VM['vmId']}/graphicsconsoles"
    console = "<graphics_console><protocol>vnc</protocol></graphics_console>"
    host.engine.curl(path, method="POST", body=console, status=201)
    host.engine.faults()
    host.engine.wait(lambda: host.engine.curl("/vms").findtext("vm/status") == "down")

    with pytest.raises(CommandExecutionError, match="HostedEngine doesn't run"):
        host.minion("hosted_engine_vm.console_file", str(tmp_path / "engine.vv"))
