"""Watch engine-setup in the guest: from inside, over ssh, and the VM from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ovirt_he.core.text import safe
from ovirt_he.core.wait import last_seen, wait_for
from ovirt_he.guest import channel, files

# One connection looks often and cheaply; it ends after a minute, so that we look at the VM too.
# systemctl costs the guest more than the marker does. Where cloud-init is through, or was switched
# off by an earlier boot, and the unit is idle, it won't run any more: the guest was restarted.
# Unless it is enabled: then the guest reboots on purpose, and will get to it.
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
SEEN = {
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

# A look takes a minute; ssh itself notices a dead guest within another one.
LOOK_SECONDS = 180


def marker(guest: channel.Channel) -> str:
    """done, open, or unknown with the reason: no answer says nothing of it, and is asked again."""

    def look() -> str:
        if not guest.listens():
            return "unknown: the guest's ssh doesn't answer"
        done = guest.look("test", "-e", files.MARKER, check=False, patience=0)
        otherwise = f"unknown: {done.stderr.strip() or f'exit code {done.returncode}'}"
        return {0: "done", 1: "open"}.get(done.returncode, otherwise)

    return last_seen(look, lambda marked: marked in ("done", "open"), timeout=guest.patience)


class Watch:
    """Waits for the guest's ssh, then for its setup. ``secrets`` are hidden in what it shows."""

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

        Raises CommandExecutionError at once when that can't happen any more, otherwise after
        ``timeouts:boot`` and ``timeouts:setup``, with the setup's log and the console. A restore
        before it has ``timeouts:restore`` besides.
        """
        timeouts = self.settings["timeouts"]
        restore = timeouts["restore"] if self.settings["restore"]["backup"] else 0
        wait_for(
            f"ssh of {self.name}",
            self._reached,
            lambda seen: seen == "reached",
            timeout=timeouts["boot"],
            failed=lambda seen: seen if seen.startswith("the VM") else None,
            explain=self._console,
        )
        wait_for(
            f"engine-setup in {self.name}",
            self._looked,
            lambda seen: seen == SEEN[COMPLETE],
            timeout=timeouts["setup"] + restore,
            failed=self._failed,
            explain=self._logs,
        )

    def _off(self) -> str | None:
        seen = self.salt["hosted_engine_bootstrap.state"](self.name)
        return None if seen == "running" else f"the VM is {seen or 'not defined'}"

    def _reached(self) -> str:
        """reached, or what prevents it. sshd may answer before cloud-init gave it its key."""
        if off := self._off():
            return off
        if not self.guest.listens():
            return "its port doesn't answer"
        tried = self._run("true")
        return "reached" if tried.returncode == 0 else tried.stderr.strip()

    def _looked(self) -> str:
        if off := self._off():
            return off
        looked = self._run("sh", "-c", LOOK)
        otherwise = looked.stderr.strip() or f"exit code {looked.returncode}"
        return SEEN.get(looked.returncode, otherwise)

    def _failed(self, seen: str) -> str | None:
        if seen in (SEEN[FAILED], SEEN[NEVER_RAN]) or seen.startswith("the VM"):
            self.salt["hosted_engine_bootstrap.fail"](f"engine-setup: {seen}")
            return f"{seen}. The next run builds the VM anew"
        return None

    def _console(self) -> str:
        return f"Last on its console:\n{self.console()}"

    def _logs(self) -> str:
        logs = self._run("sh", "-c", LOGS)
        said = safe(logs.stdout or logs.stderr, self.secrets, lines=40)
        return f"Last in its log:\n{said}\n{self._console()}"

    def _run(self, *argv: str) -> Any:
        return self.guest.look(*argv, timeout=LOOK_SECONDS, check=False, patience=0)
