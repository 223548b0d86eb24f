"""The module hosted_engine with the real loader; the host's own facts as they are."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from minion import Minion
from ovirt_he.core import command, records
from ovirt_he.ha import conf
from ovirt_he.host import stage
from salt.exceptions import CommandExecutionError

from functional.valid_pillar import minion, pillar

__all__ = ["minion"]


class Host:
    """A host without anything of ours; a test adds what it wants there."""

    def __init__(self, directory: Path) -> None:
        self.configuration = directory / "hosted-engine.conf"
        self.agent = subprocess.CompletedProcess((), 1, "disabled\n", "")

    def systemctl(self, *arguments: str, **_: Any) -> Any:
        assert arguments == ("systemctl", "is-enabled", "ovirt-ha-agent.service")
        return self.agent

    def agent_is(self, stdout: str, code: int = 0, stderr: str = "") -> None:
        self.agent = subprocess.CompletedProcess((), code, stdout, stderr)


@pytest.fixture
def host(minion, tmp_path, monkeypatch):
    host = Host(tmp_path)
    monkeypatch.setattr(conf, "CONFIGURATION", host.configuration)
    monkeypatch.setattr(records, "DIRECTORY", tmp_path)
    for name in ("DEFINED", "RUNNING", "LINKS", "COMMAND"):
        monkeypatch.setattr(stage, name, tmp_path / name)
    run = create_autospec(command.run, side_effect=host.systemctl)
    monkeypatch.setattr(command, "run", run)
    return host


def test_settings_have_defaults_and_no_secrets(minion):
    settings = minion("hosted_engine.settings")

    assert settings["vm"]["mac"] == "00:16:3e:ab:cd:ef"
    assert settings["timeouts"]["boot"] == 600
    assert "not-to-be-seen" not in repr(settings)


def test_a_bare_host_is_not_deployed_and_systemctl_is_not_asked(minion, host):
    host.agent_is("", 127)

    assert minion("hosted_engine.deployed") is False


@pytest.mark.parametrize(
    ("answer", "deployed"),
    [
        (("enabled\n",), True),
        (("enabled-runtime\n",), True),
        (("disabled\n", 1), False),
        (("masked\n", 1), False),
        (("not-found\n", 4), False),
        (("", 1, "Failed to get unit file state for x: No such file or directory"), False),
    ],
)
def test_configured_and_enabled_is_deployed_whoever_did_it(minion, host, answer, deployed):
    host.configuration.write_text("fqdn=engine.example.com\n")
    host.agent_is(*answer)

    assert minion("hosted_engine.deployed") is deployed


def test_what_systemctl_cannot_tell_is_not_guessed(minion, host):
    host.configuration.write_text("fqdn=engine.example.com\n")
    host.agent_is("", 1, "Failed to connect to bus: Connection refused")

    with pytest.raises(CommandExecutionError, match="Connection refused"):
        minion("hosted_engine.deployed")


def test_an_agent_that_a_package_enabled_is_not_the_end_of_our_way(minion, host):
    host.configuration.write_text("fqdn=engine.example.com\n")
    host.agent_is("enabled\n")
    records.write("setup", {"domain": "x"})
    assert minion("hosted_engine.deployed") is False

    records.write("copied", {"volume": "x"})
    assert minion("hosted_engine.deployed") is True


def test_a_host_that_was_healthy_stays_deployed_with_its_agent_disabled(minion, host):
    host.configuration.write_text("fqdn=engine.example.com\n")
    host.agent_is("disabled\n", 1)
    records.write("deployment", {"storage_domain": "x"})
    assert minion("hosted_engine.deployed") is False

    records.write("deployment", {"storage_domain": "x", "healthy": True})
    assert minion("hosted_engine.deployed") is True

    host.configuration.unlink()
    assert minion("hosted_engine.deployed") is True


def test_another_engine_s_host_is_told_on_a_deployed_host_too(minion, host):
    host.configuration.write_text("fqdn=other.example.com\n")
    host.agent_is("enabled\n")

    (told,) = minion("hosted_engine.preflight")

    assert told["key"] == "hosted_engine:engine:fqdn"
    assert "other.example.com" in told["problem"]


def test_an_empty_configuration_as_packages_bring_it_is_none(minion, host):
    host.configuration.touch()
    host.agent_is("enabled\n")

    assert minion("hosted_engine.deployed") is False


def test_a_broken_record_is_not_guessed(minion, host, tmp_path):
    host.configuration.write_text("fqdn=engine.example.com\n")
    (tmp_path / "setup.json").write_text("{")

    with pytest.raises(CommandExecutionError, match=r"setup\.json"):
        minion("hosted_engine.deployed")


def test_the_stage_follows_what_is_there(minion, host, tmp_path):
    assert minion("hosted_engine.stage")["next"] == "appliance"

    host.configuration.write_text("fqdn=engine.example.com\n")
    records.write("setup", {})
    assert minion("hosted_engine.stage")["next"] == "handover"

    records.write("copied", {})
    assert minion("hosted_engine.stage")["next"] == "ha"

    host.agent_is("enabled\n")
    stage = minion("hosted_engine.stage")
    assert (stage["next"], stage["deployed"]) == (None, True)


@pytest.mark.feature("fips")
@pytest.mark.parametrize("told", ["1\n", "0\n", None])
def test_the_host_s_own_fips_mode_is_told(minion, tmp_path, monkeypatch, told):
    fips = told == "1\n"
    file = tmp_path / "fips_enabled"
    if told is not None:
        file.write_text(told)
    monkeypatch.setattr(stage, "FIPS", file)

    assert minion("hosted_engine.stage")["fips"] is fips
    assert minion("hosted_engine.status")["stage"]["fips"] is fips


def test_status_of_a_bare_host_asks_nobody(minion, host):
    status = minion("hosted_engine.status")

    assert status["fqdn"] == "engine.example.com"
    assert status["ha"] is None
    assert status["stage"]["next"] == "appliance"


def test_the_package_loads_in_salt_s_own_loader_too(minion):
    """Salt loads _utils a second time, outside of sys.modules: what breaks there fills the log."""
    loaded = minion._minion.utils
    assert loaded._load_module("ovirt_he"), loaded.missing_modules


def test_secrets_are_plain_where_modules_read_them(tmp_path):
    """Salt 3008 masks what ``pillar.get`` answers, but not ``__pillar__``, which modules read."""
    secret = pillar("static")["hosted_engine"]["secrets"]["admin_password"]
    probe = tmp_path / "modules"
    probe.mkdir()
    (probe / "probe.py").write_text(
        "import hashlib\n"
        "from ovirt_he.pillar import settings\n"
        "def digest():\n"
        "    secret = settings.secret(__pillar__, 'admin_password')\n"
        "    return str(secret), hashlib.sha256(secret.value.encode()).hexdigest()\n"
    )
    root = str(Path(__file__).parents[2] / "_modules")
    minion = Minion(tmp_path / "minion", pillar("static"), module_dirs=[root, str(probe)])

    assert minion("probe.digest") == ("(hidden)", hashlib.sha256(secret.encode()).hexdigest())


# States whose name is what they work on; all others there are once, and refuse another name.
NAMED = {
    "hosted_engine_bootstrap": {"running", "off", "absent", "cleared"},
    "hosted_engine_network": {"up", "absent"},
    "hosted_engine_libvirt": {"reachable"},
    "hosted_engine_appliance": {"extracted"},
    "hosted_engine_seed": {"present"},
    "hosted_engine_hosts": {"present"},
    "hosted_engine_hook": {"ran"},
    "hosted_engine_pause": {"passed"},
    "hosted_engine_shared_config": {"present"},
}
# Without anything to name: an SLS gives none, so that the name is the state's ID.
NAMELESS = {
    "hosted_engine": {"valid", "host_ready", "joinable"},
    "hosted_engine_libvirt": {"monolithic"},
}


@pytest.mark.parametrize("test", [True, False], ids=["test", "applied"])
def test_a_state_that_there_is_once_refuses_another_name(tmp_path, test):
    minion = Minion(tmp_path / "minion", pillar("static"), test=test)
    refused = []
    for state in sorted(each for each in minion.states if each.startswith("hosted_engine")):
        module, _, function = state.partition(".")
        if function in NAMED.get(module, set()) | NAMELESS.get(module, set()):
            continue
        arguments = {"mode": "none"} if state == "hosted_engine_ha.maintenance" else {}
        result = minion.states[state](name="another", **arguments)

        assert (result["result"], result["changes"]) == (False, {}), state
        assert "another isn't this deployment's: " in result["comment"], state
        refused.append(state)
    assert len(refused) > 20


def test_salt_documents_a_declared_state_as_any_other(minion):
    """sys.* of a state that is made by the decorator: its own signature, its module's text."""
    spec = minion("sys.state_argspec", "hosted_engine_hosts.present")["hosted_engine_hosts.present"]
    docs = minion("sys.state_doc", "hosted_engine_hosts")

    assert (spec["args"], list(spec["defaults"])) == (["name", "address"], [""])
    assert docs["hosted_engine_hosts"].startswith("The engine's name")
    assert "Ensure that" in docs["hosted_engine_hosts.present"]
    assert not [name for name in docs if name.endswith((".converging", ".converge"))]
