"""Which storage domain is this deployment's own: by its records, and by hosted-engine.conf."""

from __future__ import annotations

from pathlib import Path

import pytest
from ovirt_he.core import records
from ovirt_he.ha import conf, own_domain

from unit.configured import DOMAIN, IDS, OTHER, known

PLACE = {
    "type": "nfs", "address": "nas.example.com", "path": "/exports/engine",
    "nfs_version": "auto", "mount_options": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "DIRECTORY", tmp_path / "records")
    monkeypatch.setattr(conf, "CONFIGURATION", tmp_path / "hosted-engine.conf")


def configure(fqdn: str = "engine.example.com") -> None:
    text = conf.hosted_engine_conf(known(engine={"fqdn": fqdn}), IDS, "192.0.2.1")
    conf.CONFIGURATION.write_text(text)


@pytest.mark.parametrize("begun", ["setup", "healthy"])
def test_hosted_engine_conf_names_it_once_this_host_began_a_deployment(begun: str) -> None:
    configure()
    assert own_domain.known(known()) is None, "the engine copies the file to additional hosts"
    if begun == "setup":
        records.write("setup", {})
    else:
        records.write("deployment", {"healthy": True})

    assert own_domain.known(known()) == (DOMAIN, PLACE)


def test_the_configuration_of_another_engine_names_none_of_ours() -> None:
    configure("other.example.com")
    records.write("setup", {})

    assert own_domain.known(known()) is None


def test_what_is_begun_anew_has_no_id_yet() -> None:
    own_domain.intend(known()["storage"])
    own_domain.made(OTHER)
    assert own_domain.known(known()) == (OTHER, PLACE)

    own_domain.intend(known(storage={"path": "/exports/new"})["storage"])

    assert own_domain.is_pending()
    assert own_domain.known(known()) == ("", PLACE | {"path": "/exports/new"})


def test_what_is_removed_is_forgotten_and_all_else_kept() -> None:
    """The engine's key is still to be taken out, by the same record."""
    own_domain.intend(known()["storage"])
    own_domain.made(OTHER)
    records.update("deployment", key="ssh-ed25519 AAAA")

    own_domain.forget()

    assert records.read("deployment") == {"key": "ssh-ed25519 AAAA"}
    assert own_domain.known(known()) is None
    assert not own_domain.is_pending()


def test_a_domain_whose_id_is_recorded_is_not_pending() -> None:
    assert not own_domain.is_pending()
    own_domain.intend(known()["storage"])
    assert own_domain.is_pending()
    own_domain.made(OTHER)
    assert not own_domain.is_pending()


@pytest.mark.parametrize(
    ("then", "place"),
    [
        (
            {"address": "2001:db8::8", "path": "/exports/engine", "nfs_version": "v4_2"},
            PLACE | {"address": "2001:db8::8", "nfs_version": "v4_2"},
        ),
        (
            {
                "type": "glusterfs",
                "address": "nginx",
                "path": "/engine",
                "mount_options": "noatime",
            },
            PLACE
            | {"type": "glusterfs", "address": "nginx", "path": "/engine"}
            | {"mount_options": "noatime"},
        ),
        (
            {"type": "iscsi", "address": "", "path": "", "target": "iqn.2020-01.com.example:e"}
            | {"portals": ["192.0.2.7"]},
            {"type": "iscsi", "target": "iqn.2020-01.com.example:e", "lun": ""},
        ),
        ({"type": "fc", "address": "", "path": "", "lun": "36001"}, {"type": "fc", "lun": ""}),
    ],
    ids=["nfs", "glusterfs", "iscsi", "fc"],
)
def test_where_it_lies_is_in_hosted_engine_conf_whatever_the_pillar_names_by_now(
    then: dict, place: dict
) -> None:
    conf.CONFIGURATION.write_text(conf.hosted_engine_conf(known(storage=then), IDS, "192.0.2.1"))
    records.write("setup", {})

    assert own_domain.known(known(storage={"path": "/exports/moved"})) == (DOMAIN, place)
