"""hosted_engine_seed with the real loader; the CD read back by xorriso, keys by ssh-keygen."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import records

from functional.bootstrap_host import FQDN, Host

PRESENT, UP = "hosted_engine_seed.present", "hosted_engine_network.up"
PASSWORD = "not-to-be-seen: 50% 'of' \"it\""


@pytest.fixture
def networked(host, hypervisor) -> Host:
    """A host whose network is defined; its rules are the network's tests' affair."""
    secrets = {"admin_password": PASSWORD, "root_password": "not-to-be-seen-root"}
    host.pillar["secrets"] = secrets
    host.pillar["vm"] = {"address": "192.0.2.10/24"}
    host.answers["ip", "-json", "-4", "route", "show", "default"] = json.dumps(
        [{"dst": "default", "gateway": "192.0.2.1", "dev": "eno1"}]
    )
    host.with_pillar()("hosted_engine_network.define", "hosted-engine")
    return host


def seed(host: Host) -> Path:
    return host.directory / "seed.iso"


def extracted(host: Host, tmp_path: Path, name: str) -> str:
    """A file, as another reader of ISO 9660 sees it."""
    out = tmp_path / name
    out.unlink(missing_ok=True)
    extract = ["xorriso", "-osirrox", "on", "-indev", seed(host), "-extract", f"/{name}", out]
    subprocess.run(extract, check=True, capture_output=True)
    return out.read_text()


def read(host: Host, tmp_path: Path) -> dict[str, Any]:
    first, _, rest = extracted(host, tmp_path, "user-data").partition("\n")
    assert first == "#cloud-config"
    return dict(json.loads(rest))


def files(user_data: dict[str, Any]) -> dict[str, str]:
    return {file["path"]: file["content"] for file in user_data["write_files"]}


@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_a_seed_is_made_once_and_closed(networked, tmp_path, test):
    ret = networked.minion.state(PRESENT, str(seed(networked)), test=test)

    if test:
        assert ret["result"] is None
        assert list(networked.directory.iterdir()) == []
        return
    assert ret["result"] is True, ret
    assert "not-to-be-seen" not in repr(ret)
    modes = {path.stat().st_mode & 0o777 for path in networked.directory.iterdir()}
    assert modes == {0o600}
    label = subprocess.check_output(["blkid", "-o", "value", "-s", "LABEL", seed(networked)])
    assert label == b"cidata\n"
    before = seed(networked).read_bytes()
    again = networked.minion.state(PRESENT, str(seed(networked)))
    assert (again["result"], again["changes"]) == (True, {})
    assert seed(networked).read_bytes() == before


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


@pytest.mark.feature("answers")
@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_an_answer_that_another_key_decides_makes_no_seed(networked, test):
    answers = {"OVESETUP_DB/password": "str:not-to-be-seen"}
    minion = networked.with_pillar(engine={"fqdn": FQDN, "answers": answers})

    ret = minion.state(PRESENT, str(seed(networked)), test=test)

    # In test mode preflight says it; the act refuses it by itself.
    assert ret["result"] is (None if test else False)
    assert not seed(networked).exists()
    assert "not-to-be-seen" not in repr(ret)
    assert test or "secrets:database_password" in ret["comment"]


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


def test_no_password_is_ever_an_argument(networked):
    networked.minion.state(PRESENT, str(seed(networked)))

    assert networked.commands
    assert "not-to-be-seen" not in repr(networked.commands)


def test_ssh_knows_the_guest_by_the_keys_of_the_seed(networked, tmp_path):
    networked.minion.state(PRESENT, str(seed(networked)))
    data = read(networked, tmp_path)
    private = tmp_path / "host_key"
    private.write_text(data["ssh_keys"]["ecdsa_private"])
    private.chmod(0o600)

    public = subprocess.check_output(["ssh-keygen", "-y", "-f", private], text=True)

    for name in ("192.168.222.10", FQDN):
        known = networked.directory / "known_hosts"
        found = subprocess.check_output(["ssh-keygen", "-F", name, "-f", known], text=True)
        assert found.split()[-1] == public.split()[1]
    client = networked.directory / "client_key"
    ours = subprocess.check_output(["ssh-keygen", "-y", "-f", client], text=True)
    assert ours.split()[1] in data["ssh_authorized_keys"][0]
    assert ours.startswith("ecdsa-sha2-nistp256 ")


def test_a_kill_between_the_halves_of_a_key_leaves_no_pair_that_does_not_fit(
    networked, tmp_path, monkeypatch
):
    networked.minion.state(PRESENT, str(seed(networked)))
    (networked.directory / "host_key").unlink()
    write = records.write_file

    def killed(path: Path, *more: Any, **named: Any) -> None:
        write(path, *more, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(records, "write_file", killed)
    with pytest.raises(KeyboardInterrupt):
        networked.minion.functions["hosted_engine_seed.make"](str(seed(networked)))
    monkeypatch.setattr(records, "write_file", write)

    networked.minion.state(PRESENT, str(seed(networked)))

    key = networked.directory / "host_key"
    private = subprocess.check_output(["ssh-keygen", "-y", "-f", key], text=True).split()[1]
    assert private == key.with_suffix(".pub").read_text().split()[1]


@pytest.mark.parametrize(
    "change",
    [
        {"secrets": {"admin_password": "another"}},
        {"vm": {"address": "192.0.2.11/24"}},
        {"engine": {"fqdn": FQDN, "offline": True}},
    ],
    ids=["password", "address", "offline"],
)
def test_a_changed_pillar_makes_a_new_seed_with_the_same_keys(networked, tmp_path, change):
    networked.minion.state(PRESENT, str(seed(networked)))
    keys = read(networked, tmp_path)["ssh_keys"]

    ret = networked.with_pillar(**change).state(PRESENT, str(seed(networked)))

    assert ret["changes"]["content"] == {"old": "outdated", "new": "current"}
    assert read(networked, tmp_path)["ssh_keys"] == keys


@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_once_the_guest_is_set_up_a_change_is_refused(networked, test):
    networked.minion.state(PRESENT, str(seed(networked)))
    networked.complete()
    before = seed(networked).read_bytes()

    minion = networked.with_pillar(secrets={"admin_password": "another"})
    ret = minion.state(PRESENT, str(seed(networked)), test=test)

    assert ret["result"] is False
    assert "hosted_engine.clean" in ret["comment"]
    assert seed(networked).read_bytes() == before


def test_routes_that_the_host_lost_since_dont_count_as_a_change(networked):
    networked.minion.state(PRESENT, str(seed(networked)))
    networked.answers["ip", "-json", "-4", "route", "show", "default"] = "[]"
    networked.records.mkdir(exist_ok=True)
    routes = [{"dst": "default", "gateway": "192.0.2.1", "dev": "eno1"}]
    (networked.records / "routes.json").write_text(json.dumps({"routes": routes}))

    assert networked.minion.state(PRESENT, str(seed(networked)))["changes"] == {}


def test_a_seed_that_isnt_one_is_replaced(networked):
    networked.minion.state(PRESENT, str(seed(networked)))
    seed(networked).write_bytes(b"cut short")

    ret = networked.minion.state(PRESENT, str(seed(networked)))

    assert ret["changes"]["content"] == {"old": "unreadable", "new": "current"}


def test_a_seed_that_others_could_read_is_closed(networked):
    networked.minion.state(PRESENT, str(seed(networked)))
    seed(networked).chmod(0o644)

    ret = networked.minion.state(PRESENT, str(seed(networked)))

    assert ret["changes"]["mode"] == {"old": "0644", "new": "0600"}


def test_without_the_network_it_isnt_there_yet(host, hypervisor):
    ret = host.minion.state(PRESENT, str(seed(host)))

    assert ret["result"] is False
    assert "no network hosted-engine yet" in ret["comment"]


def test_a_password_that_answers_cannot_carry_is_refused_unseen(networked):
    minion = networked.with_pillar(secrets={"admin_password": "not-to-be-seen\nat all"})

    ret = minion.state(PRESENT, str(seed(networked)))

    assert ret["result"] is False
    assert "admin_password" in ret["comment"]
    assert "not-to-be-seen" not in repr(ret)


def test_a_deployed_host_is_left_alone(networked):
    networked.deploy()

    ret = networked.minion.state(PRESENT, str(seed(networked)))

    assert ret["result"] is False
    assert list(networked.directory.iterdir()) == []
