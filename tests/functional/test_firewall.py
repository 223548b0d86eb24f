"""The firewall of the bootstrap network: opened for what the engine needs, for good."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
from ovirt_he.core import command

from functional.bootstrap_host import Host
from functional.rules_namespace import NAME, UP, namespace

__all__ = ["namespace"]


class Firewall:
    """firewalld's answers: what it knows, and what the zone has now and later."""

    def __init__(self, host: Host, monkeypatch) -> None:
        self.known = "dhcp libvirt-tls ovirt-imageio ssh vdsm"
        self.now, self.later = {"ssh"}, {"ssh", "vdsm"}
        which = shutil.which
        monkeypatch.setattr(
            shutil, "which", lambda name: "/bin/x" if name == "firewall-cmd" else which(name)
        )
        run = command.run

        def answer(*arguments: str, **more: Any) -> Any:
            if arguments[0] != "firewall-cmd":
                return run(*arguments, **more)
            return subprocess.CompletedProcess(arguments, 0, self.asked(arguments[1:]), "")

        monkeypatch.setattr(command, "run", answer)

    def asked(self, options: tuple[str, ...]) -> str:
        zone = self.later if "--permanent" in options else self.now
        if "--get-services" in options:
            return self.known
        if "--list-services" in options:
            return " ".join(zone)
        zone |= {o.partition("=")[2] for o in options if o.startswith("--add-service=")}
        assert "--reload" not in options
        return ""


@pytest.mark.feature("firewalld")
def test_the_firewall_is_opened_for_now_and_for_good(host, hypervisor, monkeypatch):
    firewall = Firewall(host, monkeypatch)

    ret = host.minion.state(UP, NAME)

    assert ret["changes"]["firewall"]["new"] == "open"
    assert firewall.now == firewall.later == {"ssh", "vdsm", "libvirt-tls", "ovirt-imageio"}
    assert "no firewalld" not in ret["comment"]
    assert host.minion.state(UP, NAME)["changes"] == {}


@pytest.mark.feature("firewalld")
def test_without_firewalld_the_comment_says_what_must_be_let_in(host, hypervisor):
    assert shutil.which("firewall-cmd") is None, "this machine has none"

    ret = host.minion.state(UP, NAME)

    assert ret["result"] is True, ret
    assert "no firewalld runs here" in ret["comment"]
    assert "libvirt-tls" in ret["comment"]
