"""What comes back from the engine: spoilt answers, refusals with their reason, no proxy between."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from minion import ROOT, Minion
from ovirt_he.core.errors import Unreachable
from ovirt_he.engine import connection, health, sdk
from salt.exceptions import CommandExecutionError

from functional.engine_process import Engine
from functional.engine_proxy import LOSSES, Proxy, between, by
from functional.ovirt import Host, host, pillar

__all__ = ["host"]

GRAINS = {"fqdn": "node1.example.com"}
ESCAPE = "\x1b"
PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY")


@pytest.fixture
def proxy(engine: Engine) -> Iterator[Proxy]:
    with between(engine) as made:
        yield made


def datacenters(known: dict[str, Any], context: dict[str, Any]) -> list[str]:
    with connection.engine({}, known, GRAINS, context) as api:
        return [each.name for each in api.data_centers_service().list()]


@pytest.mark.parametrize("how", ["half", *sorted(LOSSES)])
def test_an_answer_that_cannot_be_read_is_an_error_and_the_connection_is_dropped(
    host: Host, engine: Engine, proxy: Proxy, how: str
) -> None:
    known, context = by(pillar(engine), proxy), {}
    assert datacenters(known, context) == ["Default"]
    proxy.lose_once("GET", "/datacenters", how)

    with pytest.raises(Unreachable, match=r"doesn't answer at https://.*: .+"):
        datacenters(known, context)

    assert connection.KEY not in context
    assert datacenters(known, context) == ["Default"]


def test_such_an_answer_ends_a_state_by_a_comment(host: Host, engine: Engine, proxy: Proxy) -> None:
    minion = Minion(host.folder / "by-proxy", by(pillar(engine), proxy))
    proxy.lose_once("POST", "/datacenters", "half")

    failed = minion.state("ovirt_datacenter.present", "North")

    assert failed["result"] is False
    assert "doesn't answer" in failed["comment"]
    assert "Traceback" not in failed["comment"]


def test_our_own_mistakes_are_not_taken_for_the_engine_s(host: Host, engine: Engine) -> None:
    context: dict[str, Any] = {}
    with (
        pytest.raises(KeyError),
        connection.engine({}, pillar(engine), GRAINS, context) as api,
    ):
        assert api.data_centers_service().list()
        raise KeyError("mine")
    assert connection.KEY in context


class _Recorder(http.server.BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012  of the class: one server a test

    def refuse(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_error(403)

    do_CONNECT = do_GET = do_POST = refuse

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a proxy that the whole environment names is asked for."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in PROXIES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_address[1]}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "elsewhere.example.com")
    _Recorder.asked = []
    yield _Recorder.asked
    server.shutdown()
    server.server_close()


def test_no_proxy_of_the_environment_is_asked_for_the_engine(
    host: Host, engine: Engine, asked: list[str], tmp_path: Path
) -> None:
    before = dict(os.environ)
    context: dict[str, Any] = {}

    assert datacenters(pillar(engine), context) == ["Default"]
    engine.faults(expire_tokens=True)
    assert datacenters(pillar(engine), context) == ["Default"], "signed in again"
    assert host.minion("ovirt_host.authorized") is False, "the page of the engine's key"
    assert health.check({"fqdn": engine.fqdn, "port": engine.port}, engine.ca_file) == "ok"
    real = Minion(tmp_path / "real", pillar(engine), module_dirs=[str(ROOT / "_modules")])
    assert real("hosted_engine.engine_version")
    assert host.minion("ovirt_event.recent") == []

    assert asked == []
    assert dict(os.environ) == before, "the minion's own environment stays as it is"


def test_the_console_file_comes_past_the_proxy(
    host: Host, engine: Engine, asked: list[str], tmp_path: Path
) -> None:
    engine.faults(vms=[{"vmId": "7f9c0b7e-0000-4000-8000-000000000003", "vmName": "HostedEngine"}])
    host.minion("ovirt_host.add", "node1.example.com", "127.0.0.1", "Default")
    vms = engine.wait(lambda: [vm for vm in engine.curl("/vms") if vm.find("host") is not None])
    body = "<graphics_console><protocol>vnc</protocol></graphics_console>"
    engine.curl(f"/vms/{vms[0].get('id')}/graphicsconsoles", method="POST", body=body, status=201)

    host.minion("hosted_engine_vm.console_file", str(tmp_path / "engine.vv"))

    assert "password=" in (tmp_path / "engine.vv").read_text()
    assert asked == []


def test_two_threads_go_past_the_proxy_at_once(
    host: Host, engine: Engine, asked: list[str]
) -> None:
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(datacenters(pillar(engine), {})))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [["Default"]] * 4
    assert asked == []


def event(engine: Engine, text: str) -> None:
    """A warning in the engine's log, there before it is started again."""
    engine.stop()
    path = engine.folder / "state.json"
    known = engine.state()
    known["events"].append(
        {
            "id": "900", "index": 900, "code": 2022, "severity": "error", "description": text,
            "origin": "oVirt", "custom_id": -1, "flood_rate": 30, "time": "2026-11-25T00:00:00Z",
        }
    )  # fmt: skip
    path.write_text(json.dumps(known))
    engine.start()


def test_a_refusal_brings_the_engine_s_newest_events(host: Host, engine: Engine) -> None:
    host.minion("ovirt_datacenter.add", "North")
    event(engine, "Add-Disk operation failed to complete.")

    with pytest.raises(CommandExecutionError) as raised:
        host.minion("ovirt_datacenter.add", "North")

    assert "already in use" in str(raised.value)
    assert "The engine's events, newest first:\nAdd-Disk operation failed" in str(raised.value)


def test_escape_sequences_of_events_and_faults_reach_no_terminal(
    host: Host, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.minion("ovirt_datacenter.add", "North")
    # XML can't carry an escape character; what stands for it in an answer is the SDK's own text.
    import ovirtsdk4

    fault = ovirtsdk4.types.Fault(reason="Operation Failed", detail=f"[{ESCAPE}[31mred{ESCAPE}[0m]")
    error = ovirtsdk4.Error(f"{ESCAPE}]0;title\x07x", 409, fault)
    assert sdk.reason(error) == "Operation Failed: red (HTTP 409)"
    assert sdk.reason(ovirtsdk4.Error(f"{ESCAPE}]0;title\x07x")) == "x"
    event(engine, "\u009b31mred \u202egnp.txt")

    (line,) = host.minion("ovirt_event.recent")

    assert "\u009b" not in line
    assert "red" in line


def test_what_is_gone_meanwhile_and_what_gives_nothing_have_reasons(
    host: Host, engine: Engine
) -> None:
    identifier = "0b4c1a04-0000-4000-8000-000000000000"
    with (
        pytest.raises(CommandExecutionError, match=r"not found.*404") as raised,
        connection.engine({}, pillar(engine), GRAINS, {}) as api,
    ):
        api.vms_service().vm_service(identifier).get()
    assert not isinstance(raised.value, Unreachable)
