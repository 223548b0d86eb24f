"""What agent and vdsm's client show to others: each in the real ones' units and words."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from .standins import BLANK, IMAGE, SD, VM_CONF, VOLUME, hosted_engine_conf, standin

agent = standin("hosted_engine_ha_standin.agent")
client = standin("vdsm_standin.client")
score = standin("hosted_engine_ha_standin.score")
vm_conf = standin("hosted_engine_ha_standin.vm_conf")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What the agent asks the broker, on a host in local maintenance whose vdsm knows no VM."""
    said: list[tuple[str, dict[str, Any]]] = []

    def broker(verb: str, **arguments: Any) -> Any:
        said.append((verb, arguments))
        return {"hosts": {}, "global": {}}

    def vdsm(verb: str, **arguments: Any) -> None:
        raise RuntimeError("VM.getStats failed: (code=1, message=none)")

    monkeypatch.setattr(agent, "broker", broker)
    monkeypatch.setattr(agent.storage, "vdsm", vdsm)
    monkeypatch.setattr(agent.configuration, "read", hosted_engine_conf)
    monkeypatch.setattr(agent.configuration, "in_local_maintenance", lambda: True)
    return said


@pytest.fixture
def working(asked: Any) -> Any:
    made = agent.Agent()
    made.parameters = {"memSize": "4096"}
    made.conf_timestamp, made.refreshed = int(time.monotonic()), time.monotonic()
    made.health = SimpleNamespace(value=(False, ""))
    idle = score.Measured(free_memory_mib=4096)
    made.monitors = SimpleNamespace(measured=lambda: idle)
    return made


def published(asked: list[tuple[str, dict[str, Any]]]) -> tuple[dict[str, Any], dict[str, str]]:
    """The last block, and the lines for people in it."""
    block = next(arguments["facts"] for verb, arguments in asked[::-1] if verb == "put_stats")
    return block, dict(line.split("=", 1) for line in block["extra"].splitlines())


def test_times_are_seconds_of_the_monotonic_clock_with_a_date_beside_them(
    working: Any, asked: Any
) -> None:
    before = int(time.monotonic())

    working.step()

    block, extra = published(asked)
    assert before <= block["host-ts"] <= time.monotonic()
    assert block["local_conf_timestamp"] == working.conf_timestamp
    year = time.strftime(" %Y)")
    for name, seconds in (
        ("timestamp", block["host-ts"]),
        ("vm_conf_refresh_time", working.conf_timestamp),
    ):
        assert extra[name].startswith(f"{seconds} (")
        assert extra[name].endswith(year)


def test_the_agent_has_its_id_locked_anew_right_before_it_publishes(
    working: Any, asked: Any
) -> None:
    """Cleaning another host's metadata gives it back in between."""
    working.step()

    assert [verb for verb, _arguments in asked][-2:] == ["lock_host_id", "put_stats"]


def test_a_stopped_agent_publishes_no_maintenance_and_gives_its_id_back(
    working: Any, asked: Any
) -> None:
    """Whatever ha.conf says: local maintenance can't be read from the metadata."""
    working.step()
    assert published(asked)[0]["maintenance"] is True

    working.leave()

    block, extra = published(asked)
    assert (block["maintenance"], block["stopped"], block["score"]) == (False, True, 0)
    assert (extra["state"], extra["maintenance"], extra["stopped"]) == (
        "AgentStopped", "False", "True",
    )  # fmt: skip
    assert asked[-1] == ("release_host_id", {})


def test_in_local_maintenance_nothing_is_published_until_the_flag_goes(
    asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_seconds: float) -> None:
        assert asked == []
        # As systemd ends it.
        handlers[0](15, None)

    handlers: list[Any] = []
    monkeypatch.setattr(agent.log, "to_file", lambda _name: None)
    monkeypatch.setattr(agent.signal, "signal", lambda _number, handler: handlers.append(handler))
    monkeypatch.setattr(agent.time, "sleep", sleep)

    assert agent.main([]) == 0
    assert asked == []


def test_the_agents_vm_conf_is_for_all_to_read_and_says_where_to_change_it(tmp_path: Path) -> None:
    path = tmp_path / "vm.conf"

    vm_conf.write(path, vm_conf.parse(VM_CONF), "OVF_STORE")

    assert path.stat().st_mode & 0o777 == 0o644
    assert "via the manager UI/API\n" in path.read_text()


def test_vdsm_client_knows_insecure_and_no_unsecure(capsys: pytest.CaptureFixture[str]) -> None:
    assert client.main(["--insecure", "Host", "getVMList"]) == 1
    assert "use_tls=False" in capsys.readouterr().err or not client.pki.CERTIFICATE.exists()
    with pytest.raises(SystemExit):
        client.main(["--unsecure", "Host", "getVMList"])


def test_a_prepared_image_is_answered_by_its_path_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside, vdsm also has the volumes of the image; its API returns only the path."""
    pytest.importorskip("libvirt")
    standin("vdsm_standin.volumes")
    server = importlib.import_module("vdsm_standin.server")
    known = {"path": "/run/x", "info": {"type": "file"}, "imgVolumesInfo": [{}]}
    monkeypatch.setattr(server.volumes, "prepare", lambda **_arguments: known)

    answer = server.handle(
        "Image.prepare",
        {"storagedomainID": SD, "imageID": IMAGE, "volumeID": VOLUME, "storagepoolID": BLANK},
    )

    assert answer == {"path": "/run/x"}
