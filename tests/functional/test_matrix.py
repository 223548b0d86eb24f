"""Every storage, network and group of options together: valid, rendered, taken by the engine."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml
from minion import Minion
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import problems
from salt.utils.dictupdate import merge

from functional import ovirt

PARTS = Path(__file__).parent / "pillars" / "parts"


def names(kind: str) -> list[str]:
    return sorted(path.stem for path in PARTS.glob(f"{kind}-*.yaml"))


DIMENSIONS = (names("storage"), names("network"), names("options"))
COMBINATIONS = list(itertools.product(*DIMENSIONS))


def often(parts: tuple[str, ...]) -> bool:
    """In every run of the tests: few enough, and each pair of parts is in one of them."""
    storage, network, options = map(list.index, DIMENSIONS, parts)
    return (storage + options) % len(DIMENSIONS[1]) == network


EACH = [
    pytest.param(parts, marks=[] if often(parts) else [pytest.mark.extensive], id=" ".join(parts))
    for parts in COMBINATIONS
]


def test_every_run_of_the_tests_has_each_pair_of_parts():
    run = [parts for parts in COMBINATIONS if often(parts)]

    for one, other in itertools.combinations(range(len(DIMENSIONS)), 2):
        pairs = {(parts[one], parts[other]) for parts in run}
        assert pairs == set(itertools.product(DIMENSIONS[one], DIMENSIONS[other]))


def pillar(*parts: str) -> dict[str, Any]:
    """The parts, one over the other."""
    whole: dict[str, Any] = {}
    for part in ("base", *parts):
        whole = merge(whole, yaml.safe_load((PARTS / f"{part}.yaml").read_text()), "recurse")
    return {"hosted_engine": whole}


@pytest.mark.parametrize("parts", EACH)
def test_it_is_valid_and_renders_without_secrets(parts, tmp_path):
    given = pillar(*parts)
    assert list(problems(given["hosted_engine"], SCHEMA)) == []
    minion = Minion(tmp_path, given)

    assert minion("hosted_engine.problems") == []
    low = minion.low("hosted_engine")

    assert len({chunk["__sls__"] for chunk in low}) >= 6
    assert "not-to-be-seen" not in repr(low)


# What the fixtures' storage network shows to the host.
SAN = {
    "discovery": {"user": "discovery", "password": "not-to-be-seen-discovery"},
    "targets": {
        "iqn.2026-01.com.example:engine": {
            "portals": ["192.0.2.20:3260,1", "192.0.2.21:3261,1"],
            "user": "session",
            "password": "not-to-be-seen-session",
            "luns": ["36001405aaaa"],
        }
    },
    "fcp": ["3600a098038303053453f463045727654"],
    "luns": {
        "36001405aaaa": {"gib": 100, "discard": True},
        "3600a098038303053453f463045727654": {"gib": 100},
    },
}


@pytest.mark.parametrize("parts", EACH)
def test_the_engine_takes_it_and_a_second_run_changes_nothing(parts, tmp_path, engine, monkeypatch):
    engine.faults(san=SAN)
    given = pillar(*parts)["hosted_engine"]
    known = merge({"hosted_engine": given}, ovirt.pillar(engine), "recurse")
    known["hosted_engine"]["storage"] = given["storage"]
    if "network-ipv6" in parts:
        known["hosted_engine"]["host"]["address"] = "::1"
    host = ovirt.Host(tmp_path / "host", engine, monkeypatch, known)
    states = [
        chunk
        for chunk in host.minion.low("hosted_engine.engine")
        if chunk["state"].startswith("ovirt_")
    ]

    first, second = ([run(host, chunk) for chunk in states] for _ in range(2))

    assert [result["comment"] for result in first if result["result"] is not True] == []
    assert [result for result in second if result["changes"] or not result["result"]] == []
    domain = engine.curl("/storagedomains")[0]
    kind = given["storage"].get("type", "nfs")
    assert domain.findtext("storage/type") == {"fc": "fcp"}.get(kind, kind)
    assert "not-to-be-seen" not in repr((first, second))


INTERNAL = {"state", "fun", "name", "order", "__id__", "__sls__", "__env__", "require", "unless"}


def run(host: ovirt.Host, chunk: dict[str, Any]) -> dict[str, Any]:
    """One state of an SLS, as it stands there."""
    arguments = {key: value for key, value in chunk.items() if key not in INTERNAL}
    result: dict[str, Any] = host.minion.state(
        f"{chunk['state']}.{chunk['fun']}", chunk["name"], **arguments
    )
    return result
