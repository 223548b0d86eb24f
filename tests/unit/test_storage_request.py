"""A storage domain of each type as the engine's API is asked for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ovirt_he.core.text import Secret
from ovirt_he.engine import storage_request

from unit.configured import known

LUN = {
    "id": "36001405a",
    "address": "192.0.2.7",
    "port": 3260,
    "target": "iqn.2020-01.com.example:e",
}
PASSWORD = Secret("host-secret")
pytest.importorskip("ovirtsdk4.types", reason="unit tests alone run without a compiler")


def asked(lun: dict[str, Any] | None = None, password: Secret | None = None, **given: Any) -> Any:
    """The SDK's entity; the pillar's storage is ``given``."""
    host = SimpleNamespace(name="node1", cluster=SimpleNamespace(id="1"))
    cluster = SimpleNamespace(version=SimpleNamespace(major=4, minor=7))
    service = SimpleNamespace(get=lambda: cluster)
    api = SimpleNamespace(
        hosts_service=lambda: SimpleNamespace(list=lambda search: [host]),
        clusters_service=lambda: SimpleNamespace(cluster_service=lambda _: service),
    )
    storage = known(storage=given)["storage"]
    return storage_request.domain(api, "own", "node1", storage, lun=lun, password=password)


def test_nfs_has_its_version_and_options() -> None:
    made = asked(address="nas", path="/exports/engine", nfs_version="v4_2", mount_options="noatime")

    assert (made.name, made.host.name, made.type.value) == ("own", "node1", "data")
    place = made.storage
    assert (place.type.value, place.address, place.path) == ("nfs", "nas", "/exports/engine")
    assert (place.nfs_version.value, place.mount_options) == ("v4_2", "noatime")
    assert place.vfs_type is None
    assert made.discard_after_delete is None, "the engine refuses it for files"


def test_no_options_are_none() -> None:
    assert asked(mount_options="").storage.mount_options is None


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert asked(address="2001:db8::8").storage.address == "[2001:db8::8]"


def test_gluster_is_named_as_a_file_system() -> None:
    place = asked(type="glusterfs", address="gl1", path="/engine").storage

    assert (place.type.value, place.vfs_type, place.nfs_version) == ("glusterfs", "glusterfs", None)


@pytest.mark.parametrize(
    ("user", "password", "chap"),
    [
        ("host", PASSWORD, ("host", "host-secret")),
        ("host", None, (None, None)),
        ("", PASSWORD, (None, None)),
    ],
)
def test_a_lun_of_iscsi_comes_with_its_target_and_chap(
    user: str, password: Secret | None, chap: tuple[str | None, str | None]
) -> None:
    place = {"type": "iscsi", "address": "", "path": "", "user": user, "portals": ["192.0.2.7"]}
    made = asked(LUN, password, **place, discard_after_delete=True)

    assert made.storage.type.value == "iscsi"
    (unit,) = made.storage.logical_units
    assert {key: getattr(unit, key) for key in LUN} == LUN
    assert (unit.username, unit.password) == chap
    assert made.discard_after_delete is True


def test_a_lun_of_fibre_channel_is_its_id_alone() -> None:
    made = asked(LUN, PASSWORD, type="fc", address="", path="", user="host")

    assert made.storage.type.value == "fcp"
    (unit,) = made.storage.logical_units
    assert (unit.id, unit.address, unit.target, unit.password) == ("36001405a", None, None, None)
    assert made.discard_after_delete is False


UNIT = SimpleNamespace(id="36001405a", target="iqn.2020-01.com.example:e")


@pytest.mark.parametrize(
    ("held", "place"),
    [
        (
            {"type": "nfs", "address": "[2001:db8::8]", "path": "/e"},
            {"type": "nfs", "address": "2001:db8::8", "path": "/e"},
        ),
        (
            {"type": "iscsi", "volume_group": SimpleNamespace(logical_units=[UNIT])},
            {"type": "iscsi", "lun": UNIT.id, "target": UNIT.target},
        ),
        (
            {"type": "iscsi", "logical_units": [UNIT]},
            {"type": "iscsi", "lun": UNIT.id, "target": UNIT.target},
        ),
        (
            {"type": "fcp", "volume_group": SimpleNamespace(logical_units=None)},
            {"type": "fc", "lun": None},
        ),
        ({"type": "fcp", "logical_units": [UNIT]}, {"type": "fc", "lun": UNIT.id}),
    ],
)
def test_where_a_domain_lies_is_in_the_pillar_s_words(
    held: dict[str, Any], place: dict[str, Any]
) -> None:
    empty = dict.fromkeys(("address", "path", "volume_group", "logical_units"))
    kind = SimpleNamespace(value=held["type"])

    assert storage_request.location(SimpleNamespace(**(empty | held | {"type": kind}))) == place
