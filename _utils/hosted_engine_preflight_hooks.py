"""Hooks whose files the file server lacks, found before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator

from hosted_engine_preflight import Check, Host, Problem, problem


def hooks_are_served(host: Host) -> Iterator[Problem]:
    for moment, items in host.settings["hooks"].items():
        for item in items:
            if moment.startswith("host_"):
                served = item in host.run["cp.list_states"]()
            else:
                served = not item.startswith("salt://") or bool(host.run["cp.hash_file"](item))
            if not served:
                yield problem(f"hooks:{moment}", f"the file server has no {item}", "Put it there")


CHECKS: list[Check] = [hooks_are_served]
