"""The host in the engine: added, waited for, mended, never touched against its operator's will."""

from __future__ import annotations

import pytest
from ovirt_he.core import records

from functional.ovirt import Host, host

__all__ = ["host"]

NAME = "node1.example.com"
ARGUMENTS = {"address": "127.0.0.1", "cluster": "Default"}


def up(host: Host, test: bool = False, **changed: str):
    return host.minion.state("ovirt_host.up", NAME, test=test, **(ARGUMENTS | changed))


def statuses(host: Host) -> list[str | None]:
    return [each.findtext("status") for each in host.engine.curl("/hosts")]


def test_test_mode_names_the_next_verb_and_adds_nothing(host):
    result = up(host, test=True)

    assert result["result"] is None
    assert "ovirt_host.authorize" in result["comment"]
    assert not host.keys.exists()
    assert statuses(host) == []


def test_before_the_engine_is_set_up_test_mode_says_not_yet(host):
    records.remove("setup")

    assert up(host, test=True)["result"] is None
    assert up(host)["result"] is False


def test_host_comes_up_and_a_second_run_changes_nothing(host):
    first = up(host)

    assert first["result"] is True, first["comment"]
    assert first["changes"]["status"] == {"old": "absent", "new": "up"}
    assert statuses(host) == ["up"]
    assert "-----BEGIN" not in host.keys.read_text()
    assert host.engine.curl("/hosts")[0].findtext("name") == NAME
    second = up(host)
    assert (second["result"], second["changes"]) == (True, {})


def test_it_is_installed_without_a_reboot_and_with_its_key(host):
    up(host)

    installed = next(iter(host.engine.state()["hosts"].values()))
    assert installed["_reboot"] is False
    assert installed["ssh"]["authentication_method"] == "publickey"


def test_routes_are_recorded_before_the_host_is_added(host):
    up(host)

    routes = records.read("routes")
    assert routes["device"] == "lo"
    assert routes["restored"] is routes["saved"] is False
    assert not host.called("vdsm-client", "Host", "setSafeNetworkConfig")


def test_failed_installation_ends_at_once_with_the_engine_s_events(host):
    host.engine.faults(host_install="install_failed")

    result = up(host)

    assert result["result"] is False
    assert ": failed: " in result["comment"]
    assert "ovirt-host package" in result["comment"]


def test_after_a_failed_installation_the_next_run_installs_anew(host):
    host.engine.faults(host_install="install_failed")
    up(host)
    host.engine.faults()

    result = up(host)

    assert result["result"] is True, result["comment"]
    assert result["changes"]["done"][:2] == ["ovirt_host.remove", "ovirt_host.add"]
    assert statuses(host) == ["up"]


def test_a_run_that_was_killed_while_the_engine_installs_goes_on(host):
    host.minion("ovirt_host.authorize")
    host.minion("ovirt_host.add", NAME, **ARGUMENTS)

    result = up(host)

    assert result["result"] is True, result["comment"]
    assert "ovirt_host.add" not in result["changes"].get("done", [])


def test_what_a_host_lacks_beyond_routes_is_told_with_events(host):
    host.engine.faults(network_lost=True)

    result = up(host)

    assert result["result"] is False
    assert "Non-Operational" in result["comment"]
    assert "ovirt_host.restore_routes" not in result["changes"]["done"]


def test_lost_routes_are_restored_saved_and_the_host_activated(host, monkeypatch):
    from ovirt_he.host import routes

    host.engine.faults(network_lost=True)
    lost = {"dst": "192.0.2.0/24", "gateway": "127.0.0.1", "dev": "lo"}
    monkeypatch.setattr(routes, "_routes", lambda: [] if added else [lost])
    added: list[str] = []

    def restore() -> None:
        host.engine.faults()
        added.clear()
        records.write("routes", records.read("routes") | {"restored": True})

    monkeypatch.setattr(routes, "restore", restore)
    remember = routes.remember

    def remembered(*arguments: object) -> None:
        remember(*arguments)
        added.append("lost")

    monkeypatch.setattr(routes, "remember", remembered)

    result = up(host)

    assert result["result"] is True, result["comment"]
    done = result["changes"]["done"]
    assert done[:5] == ["ovirt_host.authorize", "ovirt_host.add", "ovirt_host.wait",
                        "ovirt_host.restore_routes", "vdsm.save_network"]  # fmt: skip
    assert host.called("vdsm-client", "Host", "setSafeNetworkConfig")
    assert records.read("routes")["saved"] is True


def test_a_foreign_host_of_the_same_name_is_refused(host):
    host.minion("ovirt_host.add", NAME, **ARGUMENTS)
    host.minion("ovirt_host.wait", NAME)

    result = up(host, address="192.0.2.77")

    assert result["result"] is False
    assert "hosted_engine:host:name" in result["comment"]


def test_the_engine_signs_in_at_the_port_that_the_state_names(host):
    assert up(host, ssh_port=2222)["result"] is True

    assert host.engine.curl("/hosts")[0].findtext("ssh/port") == "2222"


def test_routes_are_recorded_for_the_bridge_of_the_network_that_the_state_names(host):
    up(host, network="management")

    assert records.read("routes")["bridge"] == "management"


def test_an_address_that_another_host_has_is_refused(host):
    host.minion("ovirt_host.add", "other.example.com", **ARGUMENTS)

    result = up(host)

    assert result["result"] is False
    assert "other.example.com" in result["comment"]
    assert len(statuses(host)) == 1


@pytest.mark.parametrize("test", [True, False])
def test_maintenance_of_a_deployed_host_is_told_not_ended(host, test):
    up(host)
    host.deploy()
    identifier = host.engine.curl("/hosts")[0].get("id")
    host.engine.curl(f"/hosts/{identifier}/deactivate", method="POST", body="<action/>")
    host.engine.wait(lambda: statuses(host) == ["maintenance"])

    result = up(host, test=test)

    assert (result["result"], result["changes"]) == (True, {})
    assert "maintenance" in result["comment"]
    assert statuses(host) == ["maintenance"]


def test_keys_of_others_stay_and_the_engine_s_is_added_once(host):
    host.keys.parent.mkdir(parents=True)
    host.keys.write_text("ssh-ed25519 AAAA me")
    host.keys.chmod(0o644)

    up(host)
    up(host)

    lines = host.keys.read_text().splitlines()
    assert lines[0] == "ssh-ed25519 AAAA me"
    assert len(lines) == 2
    assert host.keys.stat().st_mode & 0o777 == 0o644


def test_the_engine_s_key_can_be_taken_out_when_no_engine_is_left_to_ask(host):
    up(host)
    (engines,) = host.keys.read_text().splitlines()
    host.keys.write_text(f"ssh-ed25519 AAAA me\n{engines}\n")
    host.engine.stop()

    assert host.minion("hosted_engine_clean.key") == engines
    host.minion("hosted_engine_clean.remove_key")

    assert host.keys.read_text() == "ssh-ed25519 AAAA me\n"
    assert host.minion("hosted_engine_clean.key") is None


def test_a_linked_authorized_keys_is_left_alone(host, tmp_path):
    host.keys.parent.mkdir(parents=True)
    elsewhere = tmp_path / "keys"
    elsewhere.write_text("")
    host.keys.symlink_to(elsewhere)

    result = up(host)

    assert result["result"] is False
    assert "by hand" in result["comment"]
    assert elsewhere.read_text() == ""


def test_a_deployed_host_is_never_removed(host):
    up(host)
    host.deploy()

    with pytest.raises(Exception, match="deployed"):
        host.minion("ovirt_host.remove", NAME)
    assert statuses(host) == ["up"]
