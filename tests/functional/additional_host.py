"""An additional host: of the engine it has only the CA; the engine runs on the first host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from minion import ROOT, Minion
from ovirt_he.core import records

from functional.engine_process import Engine
from functional.ovirt import Host, pillar

NAME, FIRST = "node1.example.com", "node0.example.com"
VM = {"vmId": "7f9c0b7e-0000-4000-8000-000000000003", "vmName": "HostedEngine", "status": "Up"}
ACTIVE = {"configured": True, "active": True, "score": 3400}
FIRST_HOST = f"""<host><name>{FIRST}</name><address>192.0.2.1</address>
<cluster><name>Default</name></cluster>
<ssh><authentication_method>publickey</authentication_method></ssh></host>"""


def faults(host: Host, **more: Any) -> None:
    """The engine's VM and HA on the first host, and what else shall be."""
    host.engine.faults(vms_on={"192.0.2.1": [VM]}, hosted_engine_on={"192.0.2.1": ACTIVE} | more)


def joining(engine: Engine) -> dict[str, Any]:
    given = pillar(engine)
    given["hosted_engine"]["host"]["joins"] = True
    given["hosted_engine"]["engine"]["ca_file"] = str(engine.ca_file)
    given["hosted_engine"]["timeouts"]["ha"] = 10
    return given


@pytest.fixture
def host(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Host:
    """An additional host: of the engine it has only the CA; the engine runs on the first host."""
    made = Host(tmp_path / "host", engine, monkeypatch)
    records.remove("setup")
    (made.records / "engine-ca.pem").unlink()
    modules = [str(made.folder / "modules"), str(ROOT / "_modules")]
    made.minion = Minion(tmp_path / "joining", joining(engine), module_dirs=modules)
    faults(made)
    engine.curl("/hosts?reboot=false", method="POST", body=FIRST_HOST, status=201)
    engine.wait(lambda: engine.curl("/vms").findtext("vm/host") is not None)
    return made
