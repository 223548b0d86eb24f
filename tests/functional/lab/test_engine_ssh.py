"""
Hosts by ssh: what the simulator runs there, in which order, and what it makes of the answers.

``ssh`` is replaced by a script that runs the command here, with the host's commands replaced too:
each notes that it ran, and answers from files. The real ones meet in the integration tests.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ovirtsdk4
import pytest

from functional.engine_process import Engine

from .conftest import Site

SSH = """#!/bin/bash
# The last argument is the command; before it, the host.
[[ " $* " == *" -O exit "* ]] && exit 0
[[ -e $HOST_FOLDER/ssh-fails ]] && { cat "$HOST_FOLDER/ssh-fails" >&2; exit 255; }
echo "${@: -2:1}: ${@: -1}" >> "$HOST_FOLDER/commands"
PATH=$HOST_FOLDER/bin:$PATH exec bash -c "${@: -1}"
"""
TOOL = """#!/bin/bash
case $1 in
csr) openssl req -new -newkey rsa:2048 -nodes -keyout "$HOST_FOLDER/key" -subj /CN=vdsm;;
install-certificates) cat > "$HOST_FOLDER/certificates";;
configure) echo "$VARIANT" > "$HOST_FOLDER/variant";;
setup-network) cat > "$HOST_FOLDER/network";;
esac
"""
VERB = """#!/bin/bash
cat > "$HOST_FOLDER/arguments.$1"
[[ -e $HOST_FOLDER/error.$1 ]] && { cat "$HOST_FOLDER/error.$1" >&2; exit 1; }
cat "$HOST_FOLDER/answer.$1" 2>/dev/null || echo null
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that stands for the host."""
    folder = tmp_path / "host"
    (folder / "bin").mkdir(parents=True)
    (folder / "ssh").mkdir()
    for path, text in (
        (folder / "ssh/ssh", SSH),
        (folder / "bin/vdsm-tool", TOOL),
        (folder / "bin/vdsm-verb", VERB),
        (folder / "bin/systemctl", '#!/bin/bash\ntouch "$HOST_FOLDER/systemctl.$1"\n'),
    ):
        path.write_text(text)
        path.chmod(0o755)
    answers: dict[str, Any] = {
        "Host.getStats": {"network_ok": True},
        "Host.getVMList": [],
        "Host.getHostedEngine": {"configured": False},
        "Host.getCapabilities": {"uuid": "host-uuid", "cpuCores": "2", "memSize": "2048"},
        "StorageDomain.getStats": {"available": 100 * 1024**3, "used": 0},
    }
    for name, value in answers.items():
        (folder / f"answer.{name}").write_text(json.dumps(value))
    monkeypatch.setenv("HOST_FOLDER", str(folder))
    monkeypatch.setenv("PATH", f"{folder / 'ssh'}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def engine(tmp_path: Path, engine_pki: Path, host: Path) -> Iterator[Engine]:
    process = Engine(tmp_path / "engine", engine_pki)
    process.start(hosts="ssh")
    yield process
    process.stop()


def add(site: Site, **query: Any) -> Any:
    return site.add_host("hv1", address="127.0.0.1", **query)


def status(host: Any) -> str:
    return host.get().status.value


def test_installation_runs_vdsms_tools_in_order(engine: Engine, site: Site, host: Path) -> None:
    service = add(site)
    engine.wait(lambda: status(service) == "up")

    commands = (host / "commands").read_text().splitlines()
    tools = [line.partition(": ")[2] for line in commands if "vdsm-tool" in line]
    assert [line.partition("vdsm-tool ")[2] for line in tools] == [
        "csr",
        "install-certificates",
        "configure --force",
        "setup-network",
    ]
    assert all(line.startswith("root@127.0.0.1: ") for line in commands)
    assert json.loads((host / "network").read_text()) == {
        "network": "ovirtmgmt",
        "address": "127.0.0.1",
    }
    assert not (host / "systemctl.reboot").exists()
    assert engine.curl(f"/hosts/{service.get().id}").findtext("hardware_information/uuid") == (
        "host-uuid"
    )


def test_vdsms_certificate_is_of_the_engines_ca(
    engine: Engine, site: Site, host: Path, tmp_path: Path
) -> None:
    service = add(site)
    engine.wait(lambda: status(service) == "up")

    given = json.loads((host / "certificates").read_text())
    assert given["ca"] == engine.ca_file.read_text()
    certificate = tmp_path / "vdsm.pem"
    certificate.write_text(given["certificate"])
    verify = ["openssl", "verify", "-CAfile", str(engine.ca_file), "-verify_ip", "127.0.0.1"]
    subprocess.run([*verify, str(certificate)], check=True, capture_output=True)


def test_reboot_is_the_default(engine: Engine, site: Site, host: Path) -> None:
    service = add(site, reboot=None)
    engine.wait(lambda: status(service) == "up")

    assert (host / "systemctl.reboot").exists()


def test_network_decides_between_up_and_non_operational(
    engine: Engine, site: Site, host: Path
) -> None:
    answer = host / "answer.Host.getStats"
    answer.write_text('{"network_ok": false}')
    service = add(site)
    engine.wait(lambda: status(service) == "non_operational")

    answer.write_text('{"network_ok": true}')
    engine.wait(lambda: status(service) == "up")


def test_a_failing_tool_ends_in_install_failed(engine: Engine, site: Site, host: Path) -> None:
    (host / "bin/vdsm-tool").write_text("#!/bin/bash\necho no libvirt here >&2; exit 1\n")
    service = add(site)
    engine.wait(lambda: status(service) == "install_failed")

    assert "no libvirt here" in (engine.curl("/events").findtext("event/description") or "")


def test_a_host_that_refuses_the_key_is_not_added(engine: Engine, site: Site, host: Path) -> None:
    (host / "ssh-fails").write_text("root@127.0.0.1: Permission denied (publickey).\n")

    with pytest.raises(ovirtsdk4.Error, match="SSH authentication failed"):
        add(site)


def test_vdsms_errors_are_passed_on(engine: Engine, site: Site, host: Path) -> None:
    service = add(site)
    engine.wait(lambda: status(service) == "up")
    (host / "error.StorageDomain.connect").write_text(
        '{"code": 477, "message": "Problem while trying to mount target"}\n'
    )

    with pytest.raises(ovirtsdk4.Error, match="mount target") as caught:
        site.add_domain()

    assert caught.value.code == 400
    assert json.loads((host / "arguments.StorageDomain.connect").read_text()) == {
        "type": "nfs",
        "address": "nas.lab.test",
        "path": "/exports/engine1",
        "mount_options": "",
    }


def test_a_variant_reaches_the_host(engine: Engine, site: Site, host: Path) -> None:
    engine.faults(variant="no-tls")
    service = add(site)
    engine.wait(lambda: status(service) == "up")

    assert (host / "variant").read_text() == "no-tls\n"


def test_an_additional_host_gets_ha_from_the_one_that_runs_the_engine(
    engine: Engine, site: Site, host: Path
) -> None:
    vm = {"vmId": "7f9c0b7e-0000-4000-8000-000000000003", "vmName": "HostedEngine", "status": "Up"}
    (host / "answer.Host.getVMList").write_text(json.dumps([vm]))
    configuration = host / "configuration"
    configuration.write_text("fqdn=engine1.lab.test\nhost_id=1\nvmid=a\n")
    for command, script in (
        ("cat", f'[[ $1 == /etc/* ]] && set -- {configuration}\nexec /bin/cat "$@"\n'),
        ("install", 'echo "$@" > "$HOST_FOLDER/install"\ncat > "$HOST_FOLDER/installed"\n'),
    ):
        path = host / "bin" / command
        path.write_text(f"#!/bin/bash\n{script}")
        path.chmod(0o755)
    first = add(site)
    engine.wait(lambda: engine.curl("/vms").findtext("vm/name") == "HostedEngine")

    second = site.add_host("hv2", address="localhost", deploy_hosted_engine=True)
    engine.wait(lambda: status(second) == "up")

    assert status(first) == "up"
    assert (host / "installed").read_text() == "fqdn=engine1.lab.test\nhost_id=2\nvmid=a\n"
    assert "-m 0440" in (host / "install").read_text()
    assert (host / "systemctl.enable").exists()


def test_a_host_is_taken_out_of_ha_by_what_the_action_says(
    engine: Engine, site: Site, host: Path
) -> None:
    path = host / "bin" / "rm"
    path.write_text('#!/bin/bash\necho "$@" > "$HOST_FOLDER/removed"\n')
    path.chmod(0o755)
    service = add(site)
    engine.wait(lambda: status(service) == "up")
    service.deactivate()
    engine.wait(lambda: status(service) == "maintenance")

    service.install(undeploy_hosted_engine=True, activate=True, reboot=False)
    engine.wait(lambda: status(service) == "up")

    assert (host / "removed").read_text() == "-f /etc/ovirt-hosted-engine/hosted-engine.conf\n"
    assert (host / "systemctl.disable").exists()
