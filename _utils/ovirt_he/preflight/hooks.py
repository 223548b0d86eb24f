"""Hooks whose files the file server lacks, found before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator

from ovirt_he.preflight.check import Check, Host, Problem, problem


def hooks_are_served(host: Host) -> Iterator[Problem]:
    """The file server has the SLS or script of each hook."""
    hooks = host.settings["hooks"].items()
    of_host = any(items for moment, items in hooks if moment.startswith("host_"))
    states = host.salt["cp.list_states"]() if of_host else []
    for moment, items in hooks:
        for item in items:
            if moment.startswith("host_"):
                served = item in states
            else:
                served = not item.startswith("salt://") or bool(host.salt["cp.hash_file"](item))
            if not served:
                yield problem(f"hooks:{moment}", f"the file server has no {item}", "Put it there")


CHECKS: list[Check] = [hooks_are_served]
