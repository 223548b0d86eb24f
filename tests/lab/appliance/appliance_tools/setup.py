"""
engine-setup: from an answer file to a running engine.

Stages, messages, log file and exit codes follow the real one. Only the answers that a hosted
engine's deployment gives are looked at; others are kept out of everything, as otopi does.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from engine_simulator import sso
from engine_simulator.pki import Pki, PkiError
from engine_simulator.state import CLUSTER_LEVELS

from appliance_tools import answers, files

FQDN = re.compile(
    r"(?=.{4,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}"
)
# What is looked at, and the type that it must have.
TYPES = {
    "OVESETUP_CONFIG/adminPassword": str,
    "OVESETUP_CONFIG/fqdn": str,
    "OVESETUP_CONFIG/keycloakEnable": bool,
    "OVESETUP_DB/password": str,
    "OVESETUP_DWH_DB/password": str,
    "OVESETUP_PKI/renew": bool,
    "OVESETUP_PKI/organization": str,
    # These have their type, and nothing here that they could change.
    "OVESETUP_CONFIG/updateFirewall": bool,
    "OVESETUP_CONFIG/firewallManager": str,
    "OVESETUP_CONFIG/sanWipeAfterDelete": bool,
    "OVESETUP_CONFIG/websocketProxyConfig": bool,
    "OVESETUP_DB/host": str,
    "OVESETUP_DB/port": int,
    "OVESETUP_DB/secured": bool,
    "OVESETUP_DWH_CORE/enable": bool,
    "OVESETUP_KEYCLOAK_DB/password": str,
    "OVESETUP_SYSTEM/memCheckEnabled": bool,
    "OVESETUP_VMCONSOLE_PROXY_CONFIG/vmconsoleProxyConfig": bool,
}
# The real one warns below 4096 MB less a tenth, and asks; what is accepted by default is No.
LEAST_MEMORY_MB = 4096 * 90 / 100
# The engine keeps these two; all else in the file that it writes would be of no use to anyone.
REMEMBERED = ("OVESETUP_CONFIG/fqdn", "OVESETUP_CONFIG/keycloakEnable")


class SetupError(Exception):
    """Why the set-up can't go on."""


class Log:
    """The log file, and the terminal that sees the important lines of it."""

    def __init__(self) -> None:
        folder = files.root() / "var/log/ovirt-engine/setup"
        folder.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%d%H%M%S")
        self.path = folder / f"ovirt-engine-setup-{stamp}-{secrets.token_hex(3)}.log"
        self.path.touch(mode=0o600)
        self._file = self.path.open("a", encoding="utf-8", buffering=1)

    def line(self, level: str, text: str, *, show: bool = True) -> None:
        """One line: INFO, ERROR, DEBUG; shown on the terminal too, if wanted."""
        stamp = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3] + "+0000"
        self._file.write(f"{stamp} {level} otopi.context context._executeMethod {text}\n")
        if show:
            print(f"[{level.center(7)}] {text}", flush=True)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def own_addresses() -> set[str]:
    """The addresses of this machine that others can reach."""
    return {
        address["local"]
        for link in json.loads(_output("ip", "-j", "address") or "[]")
        for address in link.get("addr_info", [])
        if address.get("scope") == "global"
    }


def check_fqdn(fqdn: str) -> None:
    """Raise SetupError unless the name is one, and leads to this machine."""
    if not FQDN.fullmatch(fqdn):
        raise SetupError(f"Host name is not valid: {fqdn} is not a fully qualified domain name")
    found = {line.split()[0] for line in _output("getent", "ahosts", fqdn).splitlines()}
    if not found:
        raise SetupError(f"Host name is not valid: {fqdn} did not resolve into an IP address")
    if not found & own_addresses():
        raise SetupError(
            f"Host name is not valid: {fqdn} resolves to {', '.join(sorted(found))}, none of which"
            " can be mapped to non loopback devices on this host"
        )


def total_memory_mb() -> int:
    """Memory as the kernel has it; a test may say another one below its own root."""
    own = files.root() / "proc/meminfo"
    text = (own if own.exists() else Path("/proc/meminfo")).read_text(encoding="utf-8")
    found = re.search(r"^MemTotal:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) // 1024 if found else 0


def systemctl(*arguments: str) -> None:
    """Run systemctl; SetupError with its words when it refuses."""
    result = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise SetupError(f"systemctl {' '.join(arguments)} failed: {result.stderr.strip()}")


class Setup:
    """The stages, in order; each may raise SetupError."""

    def __init__(self, sources: list[Path], log: Log) -> None:
        self.sources, self.log = sources, log
        self.environment: dict[str, Any] = {}
        self.remembered: dict[str, Any] = {}

    def stages(self) -> list[tuple[str, Callable[[], None]]]:
        """Names as the real one prints them."""
        return [
            ("Environment setup", self.load),
            ("Environment customization", self.customize),
            ("Setup validation", self.validate),
            ("Transaction setup", self.stop),
            ("Misc configuration", self.configure),
            ("Closing up", self.start),
        ]

    def load(self) -> None:
        """Read the answers; the last file that gives a key counts, and one that lacks doesn't."""
        if files.setup_conf().exists():
            self.remembered = answers.read(files.setup_conf())
        if missing := [str(source) for source in self.sources if not source.exists()]:
            names = ",".join(missing)
            self.log.line("WARNING", f"The following configuration files are missing: {names}.")
        for source in self.sources:
            if source.exists():
                self.environment |= answers.read(source)
        for key, value in self.environment.items():
            shown = "**FILTERED**" if "password" in key.lower() else value
            self.log.line("DEBUG", f"ENV {key}={type(value).__name__}:'{shown}'", show=False)

    def customize(self) -> None:
        """The types of what was answered, and the defaults of what wasn't."""
        for key, kind in TYPES.items():
            value = self.environment.get(key)
            if value is not None and not isinstance(value, kind):
                raise SetupError(f"{key} must be {kind.__name__}, not {type(value).__name__}")
        hostname = _output("hostname", "--fqdn").strip()
        defaults = {
            "OVESETUP_CONFIG/fqdn": self.remembered.get("OVESETUP_CONFIG/fqdn", hostname),
            "OVESETUP_CONFIG/keycloakEnable": True,
        }
        given = {key: value for key, value in self.environment.items() if value is not None}
        self.environment = defaults | given

    def validate(self) -> None:
        """Nothing is changed before all of this holds."""
        fqdn = self.environment["OVESETUP_CONFIG/fqdn"]
        known = self.remembered.get("OVESETUP_CONFIG/fqdn", fqdn)
        if fqdn != known:
            raise SetupError(f"This engine is {known}: use ovirt-engine-rename to make it {fqdn}")
        check_fqdn(fqdn)
        if not self.environment.get("OVESETUP_CONFIG/adminPassword") and not self.account.exists():
            raise SetupError("Engine admin password: OVESETUP_CONFIG/adminPassword is missing")
        self.check_memory()
        self.check_snapshots()

    def check_memory(self) -> None:
        """Too little is asked about, unless an answer switched that off."""
        if total_memory_mb() >= LEAST_MEMORY_MB:
            return
        self.log.line("WARNING", "Not enough memory is available on the host: 4096MB are wanted")
        if self.environment.get("OVESETUP_SYSTEM/memCheckEnabled", True):
            self.ask("OVESETUP_MEMCHECK_ENABLED")

    def check_snapshots(self) -> None:
        """Of a restored database: those of a compatibility level that this engine doesn't know."""
        state = files.state() / "state.json"
        known = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
        vms = known.get("vms", {}).values()
        levels = [shot["level"] for vm in vms for shot in vm.get("snapshots", [])]
        if set(levels) - set(CLUSTER_LEVELS):
            self.ask("OVESETUP_IGNORE_SNAPSHOTS_WITH_OLD_COMPAT_LEVEL")

    def ask(self, question: str) -> None:
        """A question whose default is No; there is no terminal, so only an answer says Yes."""
        answer = str(self.environment.get(f"QUESTION/1/{question}", "No"))
        self.log.line("DEBUG", f"QUESTION/1/{question}: {answer}", show=False)
        if answer.lower() != "yes":
            raise SetupError("Aborted by user")

    def stop(self) -> None:
        """The engine mustn't run while it is changed."""
        self.log.line("INFO", "Stopping engine service")
        systemctl("stop", "ovirt-engine.service")

    def configure(self) -> None:
        """PKI, account, configuration; what is there stays."""
        fqdn = self.environment["OVESETUP_CONFIG/fqdn"]
        self.log.line("INFO", "Creating CA")
        pki = Pki(files.pki())
        # Written last: where it is missing, a set-up before this one was cut short.
        if not pki.ssh_public_key.exists():
            pki.create(fqdn, self.environment.get("OVESETUP_PKI/organization", ""))
        elif self.environment.get("OVESETUP_PKI/renew"):
            self.log.line("INFO", "Renewing certificates")
            pki.renew(fqdn)
        self.log.line("INFO", "Creating/refreshing Engine database schema")
        files.state().mkdir(parents=True, exist_ok=True)
        files.state().chmod(0o700)
        # As the real one: only a new engine takes the password, a set-up that is run again doesn't.
        if not self.account.exists():
            keycloak = self.environment["OVESETUP_CONFIG/keycloakEnable"]
            user = "admin@ovirt@internalsso" if keycloak else "admin@internal"
            sso.save_user(files.state(), user, self.environment["OVESETUP_CONFIG/adminPassword"])
        conf = files.root() / "etc/ovirt-engine/engine.conf.d/10-setup-protocols.conf"
        files.write(conf, f"ENGINE_FQDN={fqdn}\n")
        kept = {key: self.environment[key] for key in REMEMBERED}
        files.write(files.setup_conf(), answers.render(kept))

    def start(self) -> None:
        """From now on the engine comes up with the machine."""
        self.log.line("INFO", "Starting engine service")
        systemctl("enable", "--quiet", "ovirt-engine.service")
        systemctl("start", "ovirt-engine.service")

    @property
    def account(self) -> Path:
        """Where the admin's account lies."""
        return files.state() / "sso.json"


def main() -> int:
    """Run engine-setup as its arguments say; its exit code."""
    parser = argparse.ArgumentParser(prog="engine-setup", allow_abbrev=False)
    parser.add_argument("--accept-defaults", action="store_true")
    parser.add_argument("--config-append", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("--offline", action="store_true")
    arguments = parser.parse_args()
    log = Log()
    setup = Setup(arguments.config_append, log)
    log.line("INFO", "Stage: Initializing")
    print(f"          Log file: {log.path}", flush=True)
    code = 0
    stage = "Initializing"
    try:
        if not arguments.accept_defaults:
            raise SetupError("No terminal to ask on: --accept-defaults is missing")
        for stage, act in setup.stages():
            log.line("INFO", f"Stage: {stage}")
            act()
    except (SetupError, answers.AnswersError, PkiError, OSError) as err:
        log.line("ERROR", f"Failed to execute stage '{stage}': {err}")
        code = 1
    log.line("INFO", "Stage: Clean up")
    print(f"          Log file is located at {log.path}", flush=True)
    if code:
        log.line("ERROR", "Execution of setup failed")
    else:
        log.line("INFO", "Execution of setup completed successfully")
    return code
