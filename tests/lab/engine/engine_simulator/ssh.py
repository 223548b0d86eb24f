"""Real hosts, by ssh as root with the engine's key; the commands are those of INTERFACES.md."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from typing import Any

from .engine import Engine, Forbidden, Unreachable, VerbFailed
from .state import Entity

POLLED = ("Host.getStats", "Host.getVMList", "Host.getHostedEngine")
CONFIGURATION = "/etc/ovirt-hosted-engine/hosted-engine.conf"
# ssh's own failures have this exit code, and the commands don't use it.
SSH_FAILED = 255


class SshHosts:
    """Hosts at their addresses. One connection a host is kept open between commands."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known_hosts = engine.folder / "known_hosts"

    def fingerprint(self, address: str) -> str:
        """Trust the host's key from here on, as the engine does for a host that is being added."""
        if self._known_hosts.exists():
            self._keygen("-R", address)
        self._run(address, "true")
        found = re.search(r"SHA256:\S+", self._keygen("-l", "-F", address))
        return found.group() if found else ""

    def install(self, address: str) -> None:
        pki = self._engine.pki
        variant = self._engine.faults.get("variant") or ""
        request = self._run(address, "vdsm-tool csr")
        certificates = {"certificate": pki.sign(request, address), "ca": pki.ca.read_text("ascii")}
        self._run(address, "vdsm-tool install-certificates", json.dumps(certificates))
        self._run(address, f"VARIANT={variant} vdsm-tool configure --force")
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
        network = {"network": "ovirtmgmt", "address": found[0][4][0]}
        self._run(address, f"VARIANT={variant} vdsm-tool setup-network", json.dumps(network))

    def reboot(self, address: str) -> None:
        self._run(address, "systemctl reboot")
        self._disconnect(address)

    def verb(self, host: str, verb: str, /, **arguments: Any) -> Any:
        return json.loads(self._run(host, f"vdsm-verb {verb}", json.dumps(arguments)))

    def poll(self, address: str) -> Entity:
        commands = " && ".join(f"vdsm-verb {verb} < /dev/null" for verb in POLLED)
        try:
            text = self._run(address, commands, seconds=30)
        except Unreachable:
            # The next look shall not wait for a connection whose other end is gone.
            self._disconnect(address)
            raise
        stats, vms, hosted_engine = _documents(text)
        return {"stats": stats, "vms": vms, "hosted_engine": hosted_engine}

    def deploy_hosted_engine(self, source: str, target: str, host_id: int) -> None:
        text = self._run(source, f"cat {CONFIGURATION}")
        text = re.sub(r"^host_id=.*$", f"host_id={host_id}", text, flags=re.MULTILINE)
        self._run(target, f"install -D -o vdsm -g kvm -m 0440 /dev/stdin {CONFIGURATION}", text)
        self._run(target, "systemctl enable --now ovirt-ha-broker ovirt-ha-agent")

    def undeploy_hosted_engine(self, address: str) -> None:
        self._run(address, "systemctl disable --now ovirt-ha-agent ovirt-ha-broker")
        self._run(address, f"rm -f {CONFIGURATION}")

    def _run(self, address: str, command: str, text: str = "", *, seconds: float = 600) -> str:
        """Run a command on the host; its standard output, or what went wrong."""
        try:
            done = subprocess.run(
                [*self._ssh(address), command],
                input=text,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as err:
            raise Unreachable(
                f"{address}: {command.split(' < ', maxsplit=1)[0]} took too long"
            ) from err
        said = done.stderr.strip()
        if done.returncode == SSH_FAILED:
            refused = "Permission denied" in said or "Host key verification failed" in said
            raise (Forbidden if refused else Unreachable)(f"{address}: {said}")
        if done.returncode:
            raise _failure(command, said)
        return done.stdout

    def _ssh(self, address: str) -> list[str]:
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "IdentityFile": self._engine.pki.ssh_key,
            "StrictHostKeyChecking": "accept-new",
            "UserKnownHostsFile": self._known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "ConnectTimeout": 10,
            "ServerAliveInterval": 5,
            "ServerAliveCountMax": 4,
            "ControlMaster": "auto",
            "ControlPath": self._engine.folder / "ssh-%C",
            "ControlPersist": 60,
        }
        flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", *flags, f"root@{address}"]

    def _disconnect(self, address: str) -> None:
        subprocess.run(
            [*self._ssh(address), "-O", "exit"], capture_output=True, timeout=30, check=False
        )

    def _keygen(self, *arguments: str) -> str:
        """ssh-keygen on our known hosts; a host that isn't among them is no error."""
        return subprocess.run(
            ["ssh-keygen", "-f", str(self._known_hosts), *arguments],
            capture_output=True,
            text=True,
            check=False,
        ).stdout


def _failure(command: str, said: str) -> VerbFailed:
    """vdsm's code and message where it gave them, else what the command said."""
    try:
        error = json.loads(said.splitlines()[-1])
        return VerbFailed(int(error["code"]), str(error["message"]))
    except (IndexError, ValueError, KeyError, TypeError):
        return VerbFailed(1, f"{command.split(' < ', maxsplit=1)[0]}: {said or 'failed'}")


def _documents(text: str) -> list[Any]:
    """The JSON documents that follow each other in a text."""
    found, decoder, position = [], json.JSONDecoder(), 0
    while position < len(text.rstrip()):
        value, end = decoder.raw_decode(text, position)
        found.append(value)
        position = end + len(text[end:]) - len(text[end:].lstrip())
    return found
