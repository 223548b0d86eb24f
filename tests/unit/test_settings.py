"""The settings: defaults, what follows from them, and no secrets."""

from __future__ import annotations

import copy

import pytest
from ovirt_he.pillar import settings
from salt.exceptions import SaltInvocationError

PILLAR = {
    "hosted_engine": {
        "engine": {"fqdn": "engine.example.com"},
        "storage": {"address": "nas.example.com", "path": "/exports/engine"},
        "secrets": {"admin_password": "hunter2"},
    }
}
GRAINS = {"fqdn": "node1.example.com"}


def test_the_host_is_called_as_it_calls_itself():
    merged = settings.load(PILLAR, GRAINS)

    assert merged["host"]["name"] == merged["host"]["address"] == "node1.example.com"


def test_the_pillar_comes_first_and_is_left_as_it_is():
    pillar = copy.deepcopy(PILLAR)
    pillar["hosted_engine"]["host"] = {"name": "one"}
    before = copy.deepcopy(pillar)

    merged = settings.load(pillar, GRAINS)

    assert merged["host"]["name"] == "one"
    assert pillar == before


def test_no_secret_is_in_the_settings():
    assert "hunter2" not in repr(settings.load(PILLAR, GRAINS))


def test_a_secret_is_wrapped():
    secret = settings.secret(PILLAR, "admin_password")

    assert secret is not None
    assert secret.value == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r}"
    assert settings.secret(PILLAR, "root_password") is None


def test_what_is_hidden_of_an_answer_is_its_text():
    """With its type before it, nothing that shows the text alone would be found."""
    secrets = PILLAR["hosted_engine"]["secrets"] | {
        "answers": {"OVESETUP_A/b": "str:tr0ub4dor", "A/c": "multi-str:a", "A/d": "bool:True"}
    }

    assert settings.secret_texts({"hosted_engine": {"secrets": secrets}}) == [
        "hunter2", "tr0ub4dor", "a",
    ]  # fmt: skip


@pytest.mark.parametrize("pillar", [{}, {"hosted_engine": None}, {"hosted_engine": {"secrets": 1}}])
def test_a_pillar_without_secrets_has_none(pillar):
    assert settings.secret(pillar, "admin_password") is None


def test_acting_on_a_faulty_pillar_raises_with_all_faults():
    pillar = {"hosted_engine": {"engine": {"fqdn": 1}, "storage": {"path": "/x", "adress": "y"}}}

    with pytest.raises(SaltInvocationError) as failure:
        settings.load(pillar, GRAINS)

    for key in ("engine:fqdn", "storage:address", "storage:adress", "secrets"):
        assert f"hosted_engine:{key}" in str(failure.value)


@pytest.mark.parametrize("pillar", [{}, {"hosted_engine": None}, {"hosted_engine": ["x"]}])
def test_rendering_goes_on_with_a_faulty_pillar(pillar):
    assert settings.merge(pillar, {})["storage"]["name"] == "hosted_storage"


def test_mac_addresses_are_stable_unicast_and_the_engine_s_own():
    macs = {settings.mac_of(f"engine{number}.example.com") for number in range(50)}

    assert len(macs) == 50
    assert all(mac.startswith("00:16:3e:") for mac in macs)
    # The half of Xen's range that is for local use.
    assert max(int(mac.split(":")[3], 16) for mac in macs) < 0x80
    assert settings.mac_of("Engine.Example.com") == settings.mac_of("engine.example.com")


def test_a_mac_address_is_written_as_libvirt_writes_it():
    """By it the VM's link is found: ``ip`` and libvirt print small letters."""
    pillar = {"hosted_engine": {"vm": {"mac": "00:16:3E:AA:BB:CC"}}}

    assert settings.merge(pillar, GRAINS)["vm"]["mac"] == "00:16:3e:aa:bb:cc"


def test_the_bootstrap_vm_has_an_identity_of_its_own():
    one, other = (settings.bootstrap_uuid(f"engine{number}.example.com") for number in (1, 2))

    assert one != other
    assert one == settings.bootstrap_uuid("ENGINE1.example.com")
