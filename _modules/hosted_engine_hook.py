"""A site's hooks: commands and scripts in the guest, SLS on the host, each run once."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from ovirt_he.core import records
from ovirt_he.core.text import safe
from ovirt_he.guest import channel
from ovirt_he.pillar.settings import Settings, load, secret_texts
from salt.exceptions import CommandExecutionError

BEFORE_SETUP = "guest_before_setup"
# The script comes by stdin, so that its text is on no command line; it is removed in any case.
SCRIPT = """set -e
umask 077
file=$(mktemp /root/hook.XXXXXX)
trap 'rm -f "$file"' EXIT
cat > "$file"
chmod 0700 "$file"
"$file" < /dev/null
"""


def get(moment: str) -> dict[str, str]:
    """
    The hooks of a moment, such as guest_after_setup: done, or due in this deployment.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_hook.get guest_after_setup

    A rebuilt guest has had no hooks. Once a deployment is over, none is due.
    """
    items = _settings()["hooks"][moment]
    done = items if _over() else (records.read(_record(moment)) or {}).get(moment, [])
    return {item: "done" if item in done else "due" for item in items}


def run(moment: str, item: str) -> None:
    """
    Run one hook, and record that it ran.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_hook.run guest_after_setup 'dnf -y install chrony'

    Raises CommandExecutionError when it fails, with the last lines of its output; in the guest also
    when it takes more than ``timeouts:hook`` seconds.
    """
    if _over():
        raise CommandExecutionError(f"{item}: refused, the deployment of this host is over")
    if moment.startswith("host_"):
        _apply(moment, item)
    else:
        _run_in_guest(moment, item)
    ran = records.read(_record(moment)) or {}
    records.write(_record(moment), {**ran, moment: [*ran.get(moment, []), item]})


def _over() -> bool:
    """The record of the guest's setup goes with the deployment's last step."""
    return bool(__salt__["hosted_engine.deployed"]()) and records.read("setup") is None


def _record(moment: str) -> str:
    """hooks-host or hooks-guest; the latter goes with the guest's disk."""
    return f"hooks-{moment.partition('_')[0]}"


def _apply(moment: str, sls: str) -> None:
    """Within this run: concurrent, since Salt otherwise refuses a second one at the same time."""
    answer = __salt__["state.sls"](sls, concurrent=True)
    if not isinstance(answer, dict):
        raise _failure(moment, sls, "it can't be applied", "\n".join(map(str, answer)))
    failed = [result for result in answer.values() if result["result"] is False]
    if failed or not answer:
        text = "\n".join(f"{result['__id__']}: {_output(result)}" for result in failed)
        raise _failure(moment, sls, "states of it failed", text)


def _output(result: dict[str, Any]) -> str:
    changes = result.get("changes") or {}
    output = [str(changes[stream]) for stream in ("stdout", "stderr") if changes.get(stream)]
    return "\n".join([str(result["comment"]), *output])


def _run_in_guest(moment: str, item: str) -> None:
    settings = _settings()
    gate = __salt__["hosted_engine_gate.get"]()["gate"] if moment == BEFORE_SETUP else "waiting"
    if gate == "open":
        raise CommandExecutionError(
            f"hooks:{moment}: {item}: too late, engine-setup has begun. Remove it from the pillar, "
            "or start again: salt-call --local state.apply hosted_engine.clean"
        )
    if gate != "waiting":
        raise CommandExecutionError(
            f"hooks:{moment}: {item}: whether engine-setup has begun isn't known: {gate}. The next "
            "run starts with it"
        )
    if item.startswith("salt://"):
        with _script(item).open("rb") as script:
            ran = _in_guest(settings, SCRIPT, script)
    else:
        ran = _in_guest(settings, item)
    if ran.returncode:
        raise _failure(moment, item, f"exit code {ran.returncode}", ran.stdout + ran.stderr)


def _in_guest(settings: Settings, line: str, stdin: IO[bytes] | None = None) -> channel.Completed:
    guest, limit = channel.of(settings, __salt__), settings["timeouts"]["hook"]
    try:
        return guest.run("sh", "-c", line, timeout=limit, stdin=stdin, check=False)
    except CommandExecutionError as error:
        # It contains the command. Not chained: the cause would show it unhidden in a log.
        raise CommandExecutionError(safe(str(error), secret_texts(__pillar__))) from None


def _script(item: str) -> Path:
    cached = __salt__["cp.cache_file"](item)
    if not cached:
        raise CommandExecutionError(f"hooks: the file server has no {item}")
    return Path(cached)


def _failure(moment: str, item: str, what: str, output: str) -> CommandExecutionError:
    output = safe(output, secret_texts(__pillar__))
    return CommandExecutionError(
        f"hooks:{moment}: {item}: {what}. The next run starts with it. Its output:\n{output}"
    )


def _settings() -> Settings:
    return load(__pillar__, __grains__)
