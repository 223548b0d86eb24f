"""What the guest gets by its seed, read back by xorriso."""

from __future__ import annotations

import json
import subprocess

import pytest

from functional.bootstrap_host import FQDN
from functional.seed_host import PASSWORD, PRESENT, extracted, files, networked, read, seed

__all__ = ["networked"]


def test_what_the_guest_gets(networked, tmp_path):
    networked.minion.state(PRESENT, str(seed(networked)))

    data = read(networked, tmp_path)

    held = files(data)
    assert held["/etc/hosts"].splitlines() == [
        f"192.168.222.10 {FQDN} engine # hosted-engine bootstrap",
        "127.0.0.1 node1.example.com # hosted-engine bootstrap",
    ]
    assert PASSWORD in extracted(networked, tmp_path, "answers")
    assert "not-to-be-seen" not in json.dumps(data), "cloud-init keeps it on the engine's disk"
    keyfile = held["/var/lib/hosted-engine/final.nmconnection"]
    assert "address1=192.0.2.10/24,192.0.2.1\n" in keyfile
    kind, salt = data["chpasswd"]["list"].split(":")[1].split("$")[1:3]
    hashed = subprocess.run(
        ["openssl", "passwd", f"-{kind}", "-salt", salt, "-stdin"],
        input=b"not-to-be-seen-root\n",
        capture_output=True,
        check=True,
    )
    assert data["chpasswd"]["list"] == f"root:{hashed.stdout.decode().strip()}\n"


@pytest.mark.feature("answers")
def test_further_answers_reach_the_guest_and_nobody_else(networked, tmp_path):
    hidden = {"OVESETUP_KEYCLOAK_DB/password": "str:not-to-be-seen-either"}
    minion = networked.with_pillar(
        engine={"fqdn": FQDN, "answers": {"OVESETUP_CONFIG/websocketProxyConfig": "bool:False"}},
        secrets={"admin_password": PASSWORD, "answers": hidden},
    )

    ret = minion.state(PRESENT, str(seed(networked)))

    assert ret["result"] is True, ret
    assert "not-to-be-seen" not in repr(ret) + repr(networked.commands)
    assert "not-to-be-seen" not in repr(minion("hosted_engine.settings"))
    lines = extracted(networked, tmp_path, "answers").splitlines()
    assert "OVESETUP_CONFIG/websocketProxyConfig=bool:False" in lines
    assert "OVESETUP_KEYCLOAK_DB/password=str:not-to-be-seen-either" in lines


@pytest.mark.feature("database_passwords")
@pytest.mark.feature("keycloak")
def test_passwords_of_the_databases_and_keycloak_reach_the_guest(networked, tmp_path):
    minion = networked.with_pillar(
        engine={"fqdn": FQDN, "keycloak": True},
        secrets={"admin_password": "x", "database_password": "d%", "dwh_database_password": "w"},
    )
    minion.state(PRESENT, str(seed(networked)))

    lines = extracted(networked, tmp_path, "answers").splitlines()

    assert "OVESETUP_CONFIG/keycloakEnable=bool:True" in lines
    assert "OVESETUP_DB/password=str:d%" in lines
    assert "OVESETUP_DWH_DB/password=str:w" in lines


@pytest.mark.feature("packages")
@pytest.mark.feature("openscap")
@pytest.mark.feature("fips")
@pytest.mark.feature("root_login")
@pytest.mark.feature("root")
@pytest.mark.feature("time_zone")
def test_the_guest_s_options_are_in_the_seed(networked, tmp_path):
    vm = {
        "packages": ["vim"],
        "openscap_profile": "stig",
        "fips": True,
        "root_login": "keys",
        "root_ssh_keys": ["ssh-rsa AAAA me"],
        "time_zone": "Europe/Vienna",
    }
    minion = networked.with_pillar(vm={"address": "192.0.2.10/24"} | vm)
    minion.state(PRESENT, str(seed(networked)))

    data = read(networked, tmp_path)

    held = files(data)
    script = held["/usr/local/libexec/hosted-engine-options"]
    for words in ("install vim\n", "--profile stig ", "fips-mode-setup --enable\n"):
        assert words in script
    unit = held["/etc/systemd/system/hosted-engine-setup.service"]
    assert "\nExecStartPre=/usr/local/libexec/hosted-engine-options\n" in unit
    assert "PermitRootLogin prohibit-password" in held["/usr/local/libexec/hosted-engine-handover"]
    assert data["timezone"] == "Europe/Vienna"
    assert data["ssh_authorized_keys"][1:] == ["ssh-rsa AAAA me"]


@pytest.mark.feature("ipv6")
def test_what_the_guest_gets_in_ipv6(host, hypervisor, tmp_path):
    host.pillar |= {
        "network": {"family": "ipv6"},
        "host": {"address": "::1"},
        "vm": {"address": "2001:db8::10/64"},
    }
    host.answers["ip", "-json", "-6", "route", "show", "default"] = json.dumps(
        [{"dst": "default", "gateway": "2001:db8::1", "dev": "eno1"}]
    )
    host.with_pillar()("hosted_engine_network.define", "hosted-engine")

    ret = host.minion.state(PRESENT, str(seed(host)))

    assert ret["result"] is True, ret
    address = "fd00:1234:5678:900::a"
    data = read(host, tmp_path)
    held = files(data)
    assert held["/etc/hosts"].splitlines() == [
        f"{address} {FQDN} engine # hosted-engine bootstrap",
        "::1 node1.example.com # hosted-engine bootstrap",
    ]
    keyfile = "/etc/NetworkManager/system-connections/hosted-engine.nmconnection"
    assert f"address1={address}/64,fd00:1234:5678:900::1\n" in held[keyfile]
    final = held["/var/lib/hosted-engine/final.nmconnection"]
    assert "address1=2001:db8::10/64,2001:db8::1\n" in final
    assert {file["permissions"] for file in data["write_files"] if file["path"] == keyfile} == {
        "0600"
    }
    assert data["runcmd"][1] == ["nmcli", "connection", "up", "id", "hosted-engine"]
    known = host.directory / "known_hosts"
    assert subprocess.check_output(["ssh-keygen", "-F", address, "-f", known])
    again = host.minion.state(PRESENT, str(seed(host)))
    assert (again["result"], again["changes"]) == (True, {})
