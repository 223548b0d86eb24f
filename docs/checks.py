"""The page of preflight's checks, made from their docstrings."""

from __future__ import annotations

import inspect
from typing import Any

HEAD = """# Preflight

Made by `make docs` from the checks' docstrings: don't edit it here.

`salt-call --local hosted_engine.preflight` lists everything that would stop a deployment, before
anything is changed: the pillar's key, the problem, what to do, and the name of the check. With
`--retcode-passthrough` its exit code is 1 where there is a problem. The states
`hosted_engine.valid` and `hosted_engine.fit` run the same checks at the start of each run until
the host is deployed, and fail with all problems at once, in test mode too.

In the output of a whole run the problems stand at its top, and each later state fails for want of
them: the function shows them alone, and with `failhard: true` in the minion's configuration a run
ends there. Salt 3008 shows the four in alphabetical order; with `--out=json` they come in theirs.

A check that can't look (a command is missing, fails or doesn't end, a server doesn't answer)
doesn't pass: it says so as a problem of its own, and the other checks go on. What a bare host
can't know at all, before its tools are installed, is no problem: it's a line in the comment of
`hosted_engine.fit` and in the log.

A check of the host can be ignored by its name:

```yaml
hosted_engine:
  preflight: {ignore: [memory, host_name_in_dns]}
```

Its problems then stop nothing. They are in the comment of the state `hosted_engine.fit` and in
the log as a warning. A name that no check has is a problem. What is wrong with the pillar by
itself (check `pillar`) is never ignored, nor are the checks of which the table says so: without
them a second engine could run, or something be lost that isn't this deployment's.

"""
TABLE = "| check | what it looks at | can be ignored |\n|---|---|---|\n"


def page() -> str:
    """docs/preflight.md of the checks that there are."""
    from ovirt_he.preflight import join, registry

    host, always, joins = registry.OF_HOST, registry.ALWAYS, join.CHECKS
    return (
        HEAD
        + "## The host, until it is deployed\n"
        + TABLE
        + "".join(_row(check, check.__name__ not in registry.NEVER_IGNORED) for check in host)
        + "\n## The host, at all times\n"
        + TABLE
        + "".join(_row(check, False) for check in always)
        + "\n## A further host, which joins a running engine\n"
        + TABLE
        + "".join(_row(check, check.__name__ not in registry.NEVER_IGNORED) for check in joins)
    )


def _row(check: Any, ignorable: bool) -> str:
    text = " ".join((inspect.getdoc(check) or "").split()).replace("|", "\\|")
    return f"| `{check.__name__}` | {text} | {'yes' if ignorable else 'never'} |\n"
