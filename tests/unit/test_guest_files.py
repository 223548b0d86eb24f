"""Texts for the guest, read back by what will read them: ConfigParser, PyYAML, sh."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ovirt_he.core.text import Secret
from ovirt_he.guest import answers as guest_answers
from ovirt_he.guest import files as guest_files
from ovirt_he.guest import network
from ovirt_he.pillar import settings as settings_
from salt.exceptions import SaltInvocationError

KEYS = {"host_key": "PRIVATE\n", "host_key_public": "ecdsa A", "client_key_public": "ecdsa B x"}
NONE = dict.fromkeys(
    ("admin_password", "root_password", "database_password", "dwh_database_password")
)


def settings(**changes: dict[str, Any]) -> dict[str, Any]:
    pillar = {
        "engine": {"fqdn": "engine.example.com"},
        "storage": {"address": "nas.example.com", "path": "/engine"},
        "secrets": {"admin_password": "x"},
    } | changes
    return settings_.load({"hosted_engine": pillar}, {"fqdn": "node1.example.com"})


def answers(**secrets: str) -> dict[str, str]:
    """The answers as otopi reads them."""
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    given = NONE | {name: Secret(value) for name, value in secrets.items()}
    parser.read_string(guest_answers.text(settings(), given))
    return dict(parser.items("environment:default"))


@pytest.mark.parametrize(
    "password",
    ["plain", "50%", "%(x)s", "a=b:c", " leading", "#;", "'\"\\", "ünï", "str:x", "[x]", "$(id)"],
)
@pytest.mark.feature("database_passwords")
def test_otopi_reads_the_password_as_it_was_given(password):
    read = answers(admin_password=password)

    assert read["OVESETUP_CONFIG/adminPassword"] == f"str:{password}"


@pytest.mark.parametrize("password", ["line\nbreak", "end ", "tab\tin", "\x1b[0m", "nul\0"])
def test_a_password_that_answers_cannot_carry_is_refused_unseen(password):
    with pytest.raises(SaltInvocationError, match="secrets:admin_password") as caught:
        answers(admin_password=password)

    assert password not in str(caught.value)


def test_what_was_not_given_is_left_to_engine_setup():
    read = answers(admin_password="x")

    assert set(read) == {
        "OVESETUP_CONFIG/fqdn",
        "OVESETUP_CONFIG/keycloakEnable",
        "OVESETUP_CONFIG/adminPassword",
    }
    assert read["OVESETUP_CONFIG/keycloakEnable"] == "bool:False"


def user_data(root_hash: str | None = None, **changes: dict[str, Any]) -> dict[str, Any]:
    networking = {network.KEYFILE: "[ipv4]\n"}
    text = guest_files.user_data(
        settings(**changes), hosts="1.2.3.4 x\n", networking=networking, keys=KEYS,
        root_hash=root_hash,
    )  # fmt: skip
    assert text.startswith("#cloud-config\n")
    read: dict[str, Any] = yaml.safe_load(text)
    assert read == json.loads(text.partition("\n")[2])
    return read


@pytest.mark.parametrize("text", ["\N{GRINNING FACE}", "a\U0001f468\U0001f469b", "\U0002070e ü"])
def test_what_lies_beyond_the_basic_plane_reaches_cloud_init_whole(text):
    """As escapes it would be pairs of surrogates for YAML: cloud-init can't write such a file."""
    told = guest_files.user_data(
        settings(vm={"root_ssh_keys": [f"ssh-rsa AAAA {text}"]}),
        hosts="", networking={}, keys=KEYS, root_hash=None,
    )  # fmt: skip

    read = yaml.safe_load(told.encode())

    assert read["ssh_authorized_keys"][1] == f"ssh-rsa AAAA {text}"
    assert yaml.dump(read).encode(), "cloud-init keeps a copy of what it read"


def files(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {file["path"]: file for file in data["write_files"]}


def test_secrets_in_the_guest_are_for_root_alone():
    written = files(user_data())

    assert written["/var/lib/hosted-engine/final.nmconnection"]["permissions"] == "0600"
    assert written["/etc/hosts"]["append"] is True


def test_what_the_appliance_ships_stays_and_ours_comes_after_it():
    """otopi takes the last file's answer; and goes on without a file that isn't there."""
    written = files(user_data())
    unit = written["/etc/systemd/system/hosted-engine-setup.service"]["content"]

    assert "/root/ovirt-engine-answers" not in written
    shipped, ours = re.findall(r"--config-append=(\S+)", unit)
    assert (shipped, ours) == ("/root/ovirt-engine-answers", "/run/hosted-engine/seed/answers")


def test_passwords_are_read_from_the_seed_and_never_lie_on_the_guests_disk():
    """A removed file's blocks would be copied to the shared storage."""
    written = files(user_data())
    unit = written["/etc/systemd/system/hosted-engine-setup.service"]["content"]
    steps = re.findall("^ExecStart.*$", unit, re.MULTILINE)

    assert not [path for path in written if "answers" in path]
    assert "LABEL=cidata /run/hosted-engine/seed" in steps[-3]
    assert "engine-setup" in steps[-2]


@pytest.mark.feature("offline")
def test_offline_reaches_engine_setup():
    unit = "/etc/systemd/system/hosted-engine-setup.service"
    fqdn = {"fqdn": "engine.example.com"}

    assert "--offline" in files(user_data(engine=fqdn | {"offline": True}))[unit]["content"]
    assert "--offline" not in files(user_data(engine=fqdn))[unit]["content"]


@pytest.mark.feature("root")
def test_root_gets_a_password_and_a_key_only_where_they_are_given():
    assert "chpasswd" not in user_data()
    with_both = user_data("$6$hash", vm={"root_ssh_keys": ["ssh-rsa AAAA me"]})

    assert with_both["chpasswd"] == {"expire": False, "list": "root:$6$hash\n"}
    assert with_both["ssh_authorized_keys"] == ["ecdsa B x", "ssh-rsa AAAA me"]


class Guest:
    """A tree with what the bootstrap leaves, in which the handover script runs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uuid = settings()["bootstrap"]["uuid"]
        for path, text in {
            "sys/class/dmi/id/product_uuid": "11111111-2222-4333-8444-555555555555\n",
            "etc/hosts": "127.0.0.1 localhost\n" + network.hosts_line("192.168.222.10", "e"),
            "root/.ssh/authorized_keys": f"ecdsa B {guest_files.KEY_COMMENT}\nssh-rsa A user\n",
            "root/ovirt-engine-answers": "the appliance's own",
            "etc/ssh/ssh_host_ecdsa_key": "PRIVATE",
            "etc/ssh/sshd_config": "PermitRootLogin yes\n",
            "usr/local/libexec/hosted-engine-options": "",
            "etc/cloud/cloud.cfg": "",
            "var/lib/cloud/instances/x/user-data.txt": "secret",
            "var/lib/hosted-engine/final.nmconnection": "[ipv4]\n",
            "etc/systemd/system/hosted-engine-handover.service": "",
            "etc/systemd/system/hosted-engine-setup.service": "",
            "etc/systemd/system/multi-user.target.wants/hosted-engine-setup.service": "",
            "usr/local/libexec/hosted-engine-handover": "",
        }.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        # Stands for ssh-keygen -A, which knows no other root.
        (root / "bin").mkdir()
        keygen = root / "bin/ssh-keygen"
        keygen.write_text(f"#!/bin/sh\necho NEW > {root}/etc/ssh/ssh_host_ecdsa_key\n")
        keygen.chmod(0o755)

    def boot(self, **vm: Any) -> None:
        script = files(user_data(vm=vm))[guest_files.HANDOVER]["content"]
        script = re.sub(r"(?<![\w./])/(?=(sys|etc|root|var|usr)/)", f"{self.root}/", script)
        # Not a path of this machine's may be left: the script removes keys.
        left = re.findall(r"(?<![\w$])/\w+", script.replace(f"{self.root}/", ""))
        assert set(left) <= {"/bin", "/dev"}, left
        environment = {"PATH": f"{self.root}/bin:{os.environ['PATH']}"}
        subprocess.run(["sh", "-c", script], env=environment, check=True)

    def text(self) -> str:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return "".join(path.read_text() for path in found)


def test_the_handover_leaves_nothing_of_the_bootstrap(tmp_path):
    guest = Guest(tmp_path)

    guest.boot()

    left = guest.text()
    assert "secret" not in left
    assert "PRIVATE" not in left
    assert guest_files.KEY_COMMENT not in left
    assert (tmp_path / "root/ovirt-engine-answers").read_text() == "the appliance's own"
    assert (tmp_path / "etc/hosts").read_text() == "127.0.0.1 localhost\n"
    assert (tmp_path / "root/.ssh/authorized_keys").read_text() == "ssh-rsa A user\n"
    keyfile = tmp_path / "etc/NetworkManager/system-connections/hosted-engine.nmconnection"
    assert keyfile.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "etc/cloud/cloud-init.disabled").exists()
    assert not (tmp_path / "var/lib/hosted-engine").exists()
    assert not list((tmp_path / "etc/systemd/system").rglob("hosted-engine-*"))
    assert not list((tmp_path / "usr/local/libexec").iterdir())


@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_the_handover_does_nothing_in_the_bootstrap_vm(tmp_path, change):
    guest = Guest(tmp_path)
    (tmp_path / "sys/class/dmi/id/product_uuid").write_text(f"{change(guest.uuid)}\n")
    before = guest.text()

    guest.boot()

    assert guest.text() == before


@pytest.mark.feature("root_login")
def test_root_s_login_changes_on_shared_storage_only(tmp_path):
    guest = Guest(tmp_path)
    config, uuid = tmp_path / "etc/ssh/sshd_config", tmp_path / "sys/class/dmi/id/product_uuid"
    final = uuid.read_text()
    uuid.write_text(f"{guest.uuid}\n")
    guest.boot(root_login="none")
    assert config.read_text() == "PermitRootLogin yes\n"

    uuid.write_text(final)
    guest.boot(root_login="none")

    assert re.findall("^PermitRootLogin .*", config.read_text(), re.MULTILINE) == [
        "PermitRootLogin no",
        "PermitRootLogin yes",
    ]


@pytest.mark.feature("fips")
def test_a_kind_of_key_that_fips_refuses_stops_nothing(tmp_path):
    guest = Guest(tmp_path)
    keygen = tmp_path / "bin/ssh-keygen"
    keygen.write_text(keygen.read_text() + "exit 1\n")

    guest.boot()

    assert (tmp_path / "etc/ssh/ssh_host_ecdsa_key").read_text() == "NEW\n"
    assert not (tmp_path / "var/lib/hosted-engine").exists()


def test_without_any_host_key_the_next_boot_tries_again(tmp_path):
    guest = Guest(tmp_path)
    (tmp_path / "bin/ssh-keygen").write_text("#!/bin/sh\nexit 1\n")

    with pytest.raises(subprocess.CalledProcessError):
        guest.boot()

    assert (tmp_path / "usr/local/libexec/hosted-engine-handover").exists()
