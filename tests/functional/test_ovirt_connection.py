"""The connection to the engine: whom it trusts, what it says when there is no answer."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from ovirt_he.core import records
from ovirt_he.core.errors import NotYet, Paused, Unreachable
from ovirt_he.engine import connection, health
from salt.exceptions import CommandExecutionError

from functional.engine_process import Engine, run_module
from functional.ovirt import host, pillar

__all__ = ["host"]

GRAINS = {"fqdn": "node1.example.com"}


def datacenters(
    of: Engine, context: dict[str, Any] | None = None, test: bool = False, **changed: Any
) -> list[str]:
    wanted = pillar(of)["hosted_engine"]
    wanted = {
        "hosted_engine": wanted | {key: wanted.get(key, {}) | changed[key] for key in changed}
    }
    context = {} if context is None else context
    with connection.engine({"test": test}, wanted, GRAINS, context) as api:
        return [each.name for each in api.data_centers_service().list()]


def test_one_connection_serves_a_run(host, engine):
    context: dict[str, Any] = {}

    assert datacenters(engine, context) == ["Default"]
    first = context[connection.KEY]
    assert datacenters(engine, context) == ["Default"]

    assert context[connection.KEY] is first


def test_another_ca_is_not_trusted(host, engine, tmp_path):
    run_module("engine_simulator.pki", "--pki", str(tmp_path / "pki"), "create", engine.fqdn)
    (host.records / "engine-ca.pem").write_bytes((tmp_path / "pki" / "ca.pem").read_bytes())

    with pytest.raises(CommandExecutionError, match=r"can't be verified.*engine:ca_file"):
        datacenters(engine)


def test_a_company_s_ca_comes_first(host, engine, tmp_path):
    with pytest.raises(CommandExecutionError, match=r"ca_file: there is no file"):
        datacenters(engine, engine={"ca_file": str(tmp_path / "none")})
    (host.records / "engine-ca.pem").write_text("no certificate")
    assert datacenters(engine, engine={"ca_file": str(engine.ca_file)}) == ["Default"]


def test_the_ca_that_the_bootstrap_vm_gave_comes_before_vdsm_s(host, engine, tmp_path, monkeypatch):
    """A host that an earlier engine had installed still has that engine's."""
    run_module("engine_simulator.pki", "--pki", str(tmp_path / "pki"), "create", engine.fqdn)
    monkeypatch.setattr(connection, "VDSM_CA", tmp_path / "pki" / "ca.pem")

    assert datacenters(engine) == ["Default"]


def test_vdsm_s_ca_serves_where_no_other_is_known(host, engine, monkeypatch):
    (host.records / "engine-ca.pem").unlink()
    with pytest.raises(NotYet, match="CA isn't known yet"):
        datacenters(engine)
    monkeypatch.setattr(connection, "VDSM_CA", engine.ca_file)

    assert datacenters(engine) == ["Default"]


def test_a_forked_process_connects_by_itself_and_leaves_its_parent_s_connection(host, engine):
    """Salt forks for each job: two processes in one TLS session read each other's answers."""
    context: dict[str, Any] = {}
    datacenters(engine, context)
    parents = context[connection.KEY][2]
    parents.close = lambda **_: os._exit(3)
    child = os.fork()
    if child == 0:
        found = datacenters(engine, context)
        os._exit(0 if found == ["Default"] and context[connection.KEY][2] is not parents else 4)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert datacenters(engine, context) == ["Default"]
    assert context[connection.KEY][2] is parents


def test_a_wrong_password_names_its_key_and_stays_hidden(host, engine):
    with pytest.raises(CommandExecutionError) as raised:
        datacenters(engine, secrets={"admin_password": "wrong-and-secret"})

    assert "hosted_engine:secrets:admin_password" in str(raised.value)
    assert "wrong-and-secret" not in repr(raised.value)
    assert "backup" not in str(raised.value)


def test_a_restored_engine_s_password_is_the_backup_s(host, engine):
    with pytest.raises(CommandExecutionError, match=r"the password of the backup"):
        datacenters(engine, secrets={"admin_password": "new"}, restore={"backup": "/srv/backup"})


@pytest.mark.feature("keycloak")
def test_keycloak_s_user_follows_what_engine_setup_did(host, engine):
    records.write("setup", {"keycloak": True})

    with pytest.raises(CommandExecutionError, match=r"admin@ovirt@internalsso"):
        datacenters(engine)


def test_a_fault_gives_reason_and_detail_and_keeps_the_connection(host):
    host.minion("ovirt_datacenter.add", "North")

    with pytest.raises(CommandExecutionError, match=r"Data Center name is already in use.*409"):
        host.minion("ovirt_datacenter.add", "North")


def test_before_the_engine_is_set_up_it_is_not_yet(host, engine):
    records.remove("setup")

    with pytest.raises(NotYet, match=r"hosted_engine\.bootstrap"):
        datacenters(engine)


def test_an_expired_token_is_renewed(host, engine):
    context: dict[str, Any] = {}
    datacenters(engine, context)
    engine.faults(expire_tokens=True)

    assert datacenters(engine, context) == ["Default"]


def test_an_answer_is_waited_for_as_long_as_the_pillar_says(host, engine):
    context: dict[str, Any] = {}
    short = {"timeouts": {"request": 1}}
    datacenters(engine, context, **short)
    engine.faults(slow=3)

    with pytest.raises(Unreachable):
        datacenters(engine, context, **short)
    assert datacenters(engine, timeouts={"request": 10}) == ["Default"]


@pytest.mark.parametrize("fault", [{"http_503": 1}, {"drop": 2}])
def test_what_breaks_in_between_is_unreachable_and_the_next_use_connects_anew(host, engine, fault):
    context: dict[str, Any] = {}
    datacenters(engine, context)
    engine.faults(**fault)

    with pytest.raises(Unreachable):
        datacenters(engine, context)

    assert connection.KEY not in context
    assert datacenters(engine, context) == ["Default"]


def test_an_engine_that_is_down_is_said_to_be(host, engine):
    engine.stop()

    with pytest.raises(Unreachable, match=r"doesn't answer at https://engine.localhost"):
        datacenters(engine)


def test_under_global_maintenance_it_is_paused(host, engine):
    host.deploy()
    engine.stop()
    host.ha_status = {"global_maintenance": True}

    with pytest.raises(Paused):
        datacenters(engine)
    result = host.minion.state("ovirt_datacenter.present", "Default")
    assert (result["result"], result["changes"]) == (True, {})
    assert "global maintenance" in result["comment"]


@pytest.mark.parametrize(("agent_runs", "test"), [(False, False), (True, True)])
def test_a_deployed_engine_that_is_down_fails_at_once_with_what_ha_says(
    host, engine, agent_runs, test
):
    host.deploy()
    engine.stop()
    host.agent_runs = agent_runs
    host.ha_status = {"1": {"hostname": "hv1", "engine-status": {"vm": "down"}}}

    with pytest.raises(Unreachable, match=r"HA reports: hv1.*down"):
        datacenters(engine, test=test)


def test_an_engine_that_ha_is_starting_is_waited_for(host, engine):
    host.deploy()
    engine.stop()
    host.agent_runs = True
    threading.Timer(1.5, engine.start).start()

    assert datacenters(engine) == ["Default"]


@pytest.mark.parametrize("page", ["Welcome to Health Status!", "DB Up!", ""])
def test_an_engine_is_healthy_where_its_database_is_as_well(page):
    """One idea of healthy, for the bootstrap's wait, HA's, and the sign-in."""
    assert health.refusal("DB Up!Welcome to Health Status!") == ""
    assert health.refusal(page) == (page or "empty")


@pytest.mark.parametrize(
    "verb, arguments",
    [
        ("ovirt_storage_domain.activate", ["none", "Default"]),
        ("ovirt_vm.add_nic", ["none", "ovirtmgmt", "00:16:3e:00:00:01"]),
    ],
)
def test_what_isn_t_in_the_engine_is_named(host, verb, arguments):
    with pytest.raises(NotYet, match=r"none isn't in the engine yet"):
        host.minion(verb, *arguments)
