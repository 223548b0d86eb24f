"""Whose storage domain it is: looked at before, recorded by what is certain; lost at a boot."""

from __future__ import annotations

from typing import Any

import pytest
from ovirt_he.core import records
from ovirt_he.ha import own_domain
from salt.exceptions import CommandExecutionError

from functional.block_site import FIBRE, TARGET, site
from functional.ovirt import Host, host
from functional.test_ovirt_storage import GIB, NODE, STORAGE, active, attached, up

__all__ = ["host", "site", "up"]
PLACE = "nas.example.com:/exports/engine"


def domains(host: Host) -> list[str]:
    return [str(each.get("id")) for each in host.engine.curl("/storagedomains")]


def recorded() -> dict[str, Any]:
    return records.read("deployment") or {}


def kept(host: Host) -> dict[str, Any]:
    return dict(host.engine.state()["memory"]["storage"][PLACE])


def killed_before_its_record(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(identifier: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(own_domain, "made", killed)
        with pytest.raises(KeyboardInterrupt):
            host.minion("ovirt_storage_domain.add", "hosted_storage", NODE, STORAGE)


@pytest.mark.parametrize("room", [None, 12 * GIB])
@pytest.mark.parametrize("test", [True, False])
def test_a_domain_that_lies_on_the_export_is_neither_imported_nor_formatted(up, room, test):
    somebodys = up.storage.put(PLACE, volumes={})
    up.engine.faults(storage_available=room)

    result = active(up, test=test)

    if not test:
        assert result["result"] is False
        told = f"holds the storage domain {somebodys}, which this deployment isn't known to have"
        assert told in result["comment"]
    assert kept(up)["domain"] == somebodys
    assert domains(up) == []
    assert recorded() == {} or "made" not in recorded()


def test_an_export_that_cannot_be_looked_at_is_not_used(up):
    up.storage.looked = False

    result = active(up)

    assert result["result"] is False
    assert "can't be determined: mount.nfs isn't installed yet" in result["comment"]
    assert domains(up) == []


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        ({"name": "payroll"}, "its name is payroll"),
        ({"pool": ["0b4c1a04-0000-4000-8000-0000000000aa"]}, "belongs to the data center"),
        ({"volumes": {"v": {"image": "i", "size": 1, "preallocate": False}}}, "holds 1 disks"),
    ],
)
@pytest.mark.parametrize("room", [None, 12 * GIB])
def test_a_domain_that_appears_after_the_look_is_forgotten_and_never_formatted(
    up, theirs, why, room
):
    up.engine.faults(storage_available=room)
    put = up.storage.put

    def appears() -> None:
        up.storage.after_look = lambda: None
        put(PLACE, **theirs)

    up.storage.after_look = appears

    result = active(up)

    assert result["result"] is False
    assert why in result["comment"]
    assert "nothing on it was changed" in result["comment"]
    assert domains(up) == []
    assert kept(up)["domain"] is not None
    assert kept(up)["volumes"] == theirs.get("volumes", {})
    assert recorded() == {} or not own_domain.is_pending()


def test_a_run_that_was_killed_before_its_record_is_completed_by_the_next(up, monkeypatch):
    killed_before_its_record(up, monkeypatch)
    assert own_domain.is_pending()
    assert recorded()["storage"]["path"] == "/exports/engine"

    tested, first, second = active(up, test=True), active(up), active(up)

    assert tested["result"] is None
    assert first["result"] is True, first["comment"]
    assert "hosted_engine_storage_domain.record" in first["changes"]["done"]
    assert recorded()["made"] == domains(up)[0]
    assert (second["result"], second["changes"]) == (True, {})


def test_room_is_asked_for_again_after_a_run_that_was_killed_before_it_asked(up, monkeypatch):
    """A domain without room for the engine's disk isn't attached."""
    up.engine.faults(storage_available=12 * GIB)
    killed_before_its_record(up, monkeypatch)

    result = active(up)

    assert result["result"] is False
    assert "make room there, or lower hosted_engine:vm:disk_gib" in result["comment"]
    assert "ovirt_storage_domain.attach" in result["changes"]["done"]
    assert attached(up) == []


def test_clean_asks_the_engine_for_what_an_interrupted_run_made(up, monkeypatch):
    killed_before_its_record(up, monkeypatch)
    monkeypatch.setattr("ovirt_he.host.stage.runs", lambda name: name == "HostedEngineLocal")

    assert up.minion("hosted_engine_clean.unrecorded") == domains(up)[0]
    up.minion("hosted_engine_clean.record_storage")

    assert recorded()["made"] == domains(up)[0]
    assert up.minion("hosted_engine_clean.unrecorded") is None


def test_what_the_engine_has_by_name_alone_is_not_recorded_as_ours(up):
    up.engine.curl(
        "/storagedomains",
        method="POST",
        status=201,
        body="<storage_domain><name>hosted_storage</name><type>data</type><host><name>"
        f"{NODE}</name></host><storage><type>nfs</type><address>nas.example.com</address>"
        "<path>/exports/engine</path></storage></storage_domain>",
    )

    result = active(up)

    assert result["result"] is True, result["comment"]
    assert "made" not in recorded()
    assert up.minion("hosted_engine_clean.storage") is None


def test_another_name_is_never_recorded(up):
    up.minion("ovirt_storage_domain.add", "second", NODE, STORAGE | {"path": "/exports/second"})

    assert "made" not in recorded()
    assert "storage" not in recorded()


def test_a_deployed_host_makes_its_own_domain_never_anew(up):
    up.deploy()

    result = active(up)

    assert result["result"] is False
    assert "deployed" in result["comment"]
    assert domains(up) == []


def test_other_storage_does_not_hide_what_an_earlier_run_left(up, monkeypatch):
    killed_before_its_record(up, monkeypatch)
    up.minion("ovirt_storage_domain.forget", "hosted_storage")

    result = active(up, storage=STORAGE | {"path": "/exports/other"})

    assert result["result"] is False
    assert (
        "An earlier run made a storage domain on nfs nas.example.com:/exports/engine"
        in (result["comment"])
    )


def test_what_the_engine_refused_is_not_begun_any_more(up):
    up.engine.faults(unmountable=[PLACE])

    assert active(up)["result"] is False

    assert not own_domain.is_pending()
    up.engine.faults()
    assert active(up)["result"] is True


def test_a_power_cut_after_the_domain_was_added_is_repaired_by_a_plain_rerun(up):
    assert active(up)["result"] is True
    up.engine.cut_power()

    tested, first, second = active(up, test=True), active(up), active(up)

    assert tested["result"] is None
    assert first["result"] is True, first["comment"]
    assert first["changes"]["connected"] == {"old": False, "new": True}
    (wanted,) = up.storage.connected
    assert wanted["domainType"] == 1
    assert wanted["connectionParams"][0]["connection"] == PLACE
    assert (second["result"], second["changes"]) == (True, {})


def test_one_unanswered_look_at_vdsm_is_no_verdict(up):
    assert active(up)["result"] is True
    up.storage.unanswered = 1

    result = active(up)

    assert (result["result"], result["changes"]) == (True, {})
    assert up.storage.connected == []


def test_a_deployed_hosts_storage_is_has_own_business(up):
    active(up)
    up.deploy()
    up.engine.cut_power()

    assert up.minion("hosted_engine_storage_domain.is_own", "hosted_storage") is False
    assert up.storage.connected == []


@pytest.mark.feature("iscsi", "iscsi_chap", "iscsi_portals")
def test_iscsi_is_logged_in_again_at_each_portal_and_its_password_is_no_argument(site):
    assert site.active()["result"] is True
    site.engine.cut_power()

    result = site.active()

    assert result["result"] is True, result["comment"]
    assert site.sessions() == [[TARGET, "192.0.2.7", 3260], [TARGET, "2001:db8::7", 3261]]
    (wanted,) = site.host.storage.connected
    assert [(each["tpgt"], each["password"]) for each in wanted["connectionParams"]] == [
        ("1", "host-secret"), ("1", "host-secret"),
    ]  # fmt: skip
    assert "secret" not in str(site.host.commands)
    assert "secret" not in str(result)
    assert "secret" not in str(recorded())


@pytest.mark.feature("fc")
def test_fibre_channel_is_there_after_a_boot(site):
    site.use({"type": "fc", "lun": FIBRE})
    assert site.active()["result"] is True
    site.engine.cut_power()

    result = site.active()

    assert (result["result"], result["changes"]) == (True, {})
    assert site.host.storage.connected == []


def test_a_domain_with_disks_is_not_formatted_even_if_it_is_ours(up):
    up.minion("ovirt_storage_domain.add", "hosted_storage", NODE, STORAGE)
    volume = {"v": {"image": "i", "size": 1, "preallocate": False}}
    with up.engine.changed_memory() as memory:
        memory["storage"][PLACE]["volumes"] = volume

    with pytest.raises(CommandExecutionError, match="holds disks: it isn't formatted"):
        up.minion("ovirt_storage_domain.remove", "hosted_storage", NODE)

    assert kept(up)["volumes"] == volume
