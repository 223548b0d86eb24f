"""hosted_engine_seed with the real loader; the CD read back by xorriso, keys by ssh-keygen."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import records

from functional.bootstrap_host import FQDN
from functional.seed_host import PRESENT, networked, read, seed

__all__ = ["networked"]


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
