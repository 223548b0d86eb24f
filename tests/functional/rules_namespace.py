"""iproute2 in a namespace of the test's own, for a host with a bootstrap network."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from ovirt_he.core import command

UP, ABSENT = "hosted_engine_network.up", "hosted_engine_network.absent"
NAME = "hosted-engine"


@pytest.fixture(autouse=True)
def namespace(host, monkeypatch) -> Iterator[str]:
    """Rules, routes and addresses that are nobody else's."""
    name = f"hosted-engine-test-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    run = command.run

    def inside(*arguments: str, **more: Any) -> Any:
        prefix = ("ip", "netns", "exec", name) if arguments[0] == "ip" else ()
        return run(*prefix, *arguments, **more)

    monkeypatch.setattr(command, "run", inside)
    ip(name, "link", "set", "lo", "up")
    yield name
    subprocess.run(["ip", "netns", "delete", name], check=True)


def ip(namespace: str, *arguments: str) -> Any:
    asked = subprocess.run(
        ["ip", "-n", namespace, "-j", *arguments], capture_output=True, check=True, text=True
    )
    return json.loads(asked.stdout or "[]")


def rules(namespace: str) -> set[tuple[Any, ...]]:
    found = ip(namespace, "rule", "show")
    return {
        (r["priority"], r["src"], r.get("dst"), r["table"])
        for r in found
        if r["priority"] in (100, 101)
    }
