"""Watch engine-setup in the guest: from inside, over ssh, and the VM from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ovirt_he.core.text import safe
from ovirt_he.core.wait import last_seen, wait_for
from ovirt_he.guest import channel, files

# One connection polls often and cheaply. It ends after a minute, so that the VM is checked as well.
# systemctl costs the guest more than the marker does. Where cloud-init has finished, or an earlier
# boot disabled it, and the unit is idle, it won't run: the guest was restarted. Unless it is
# enabled: then the guest reboots on purpose, and the unit follows.
# Bounded by the clock as well: in a slow guest sixty rounds take many minutes.
ENABLED = f"{files.UNITS}/multi-user.target.wants/{files.SETUP_UNIT}"
LOOK = f"""seconds=0 idle=0 end=$(($(date +%s) + 60))
active() {{ systemctl show -p ActiveState --value "$1"; }}
while [ $seconds -lt 60 ] && [ "$(date +%s)" -lt $end ]; do
    [ -e {files.MARKER} ] && exit 0
    [ $((seconds % 5)) -eq 0 ] && case $(active {files.SETUP_UNIT}) in
        failed) exit 3 ;;
        inactive) [ -L {ENABLED} ] || case $(active cloud-final.service) in
            active | failed) idle=$((idle + 1)) ;;
            inactive) [ -e /etc/cloud/cloud-init.disabled ] && idle=$((idle + 1)) ;;
            esac
            [ $idle -ge 4 ] && exit 4 ;;
    esac
    sleep 1
    seconds=$((seconds + 1))
done
exit 5
"""
COMPLETE, FAILED, NEVER_RAN, RUNNING = 0, 3, 4, 5
STATES = {
    COMPLETE: "done",
    FAILED: "failed",
    NEVER_RAN: "interrupted, or never started",
    RUNNING: "running",
    channel.NO_CONNECTION: "unreachable",
}
LOGS = f"""journalctl -u {files.SETUP_UNIT} -n 25 -o cat --no-pager
log=$(ls -t /var/log/ovirt-engine/setup/*.log 2> /dev/null | head -n 1)
[ -z "$log" ] || tail -n 15 "$log"
"""

# A poll takes a minute; ssh itself notices a dead guest within another one.
LOOK_SECONDS = 180


def marker(guest: channel.Channel) -> str:
    """done, open, or unknown with the reason; a guest that doesn't answer is retried."""

    def look() -> str:
        if not guest.listens():
            return "unknown: the guest's ssh doesn't answer"
        done = guest.look("test", "-e", files.MARKER, check=False, patience=0)
        otherwise = f"unknown: {done.stderr.strip() or f'exit code {done.returncode}'}"
        return {0: "done", 1: "open"}.get(done.returncode, otherwise)

    return last_seen(look, lambda marked: marked in ("done", "open"), timeout=guest.patience)


class Watch:
    """Waits for the guest's ssh, then for its setup. ``secrets`` are hidden in its errors."""

    def __init__(
        self,
        guest: channel.Channel,
        salt: Mapping[str, Callable[..., Any]],
        console: Callable[[], str],
        secrets: list[str],
    ) -> None:
        self.guest, self.settings, self.salt = guest, guest.settings, salt
        self.console, self.secrets = console, secrets
        self.name = guest.settings["bootstrap"]["name"]

    def until_complete(self) -> None:
        """
        Return once the setup's marker is there.

        Raises CommandExecutionError at once when that can no longer happen, otherwise after
        ``timeouts:boot`` and ``timeouts:setup``, with the setup's log and the console. A restore
        before it adds ``timeouts:restore``.
        """
        timeouts = self.settings["timeouts"]
        restore = timeouts["restore"] if self.settings["restore"]["backup"] else 0
        wait_for(
            f"ssh of {self.name}",
            self._reach,
            lambda seen: seen == "reached",
            timeout=timeouts["boot"],
            failed=lambda seen: seen if seen.startswith("the VM") else None,
            explain=self._console,
        )
        wait_for(
            f"engine-setup in {self.name}",
            self._setup,
            lambda seen: seen == STATES[COMPLETE],
            timeout=timeouts["setup"] + restore,
            failed=self._failed,
            explain=self._logs,
        )

    def _off(self) -> str | None:
        state = self.salt["hosted_engine_bootstrap.state"](self.name)
        return None if state == "running" else f"the VM is {state or 'not defined'}"

    def _reach(self) -> str:
        """reached, or what prevents it. sshd may answer before cloud-init installed its key."""
        if off := self._off():
            return off
        if not self.guest.listens():
            return "its port doesn't answer"
        tried = self._run("true")
        return "reached" if tried.returncode == 0 else tried.stderr.strip()

    def _setup(self) -> str:
        if off := self._off():
            return off
        polled = self._run("sh", "-c", LOOK)
        otherwise = polled.stderr.strip() or f"exit code {polled.returncode}"
        return STATES.get(polled.returncode, otherwise)

    def _failed(self, state: str) -> str | None:
        if state in (STATES[FAILED], STATES[NEVER_RAN]) or state.startswith("the VM"):
            self.salt["hosted_engine_bootstrap.fail"](f"engine-setup: {state}")
            return f"{state}. The next run rebuilds the VM"
        return None

    def _console(self) -> str:
        return f"Last on its console:\n{self.console()}"

    def _logs(self) -> str:
        logs = self._run("sh", "-c", LOGS)
        lines = safe(logs.stdout or logs.stderr, self.secrets, lines=40)
        return f"Last in its log:\n{lines}\n{self._console()}"

    def _run(self, *argv: str) -> Any:
        return self.guest.look(*argv, timeout=LOOK_SECONDS, check=False, patience=0)
