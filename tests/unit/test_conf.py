"""The five files' texts, read back by what reads them: bash, configparser, a reader of vm.conf."""

from __future__ import annotations

import configparser
import re
import string
import subprocess
import tempfile

import pytest
from ovirt_he.ha import conf
from salt.exceptions import CommandExecutionError

from unit.configured import DOMAIN, IDS, VM, known


def sourced(line: str) -> str | None:
    """What bash has for ``key`` after sourcing a line; None: it refuses, or does more than that."""
    # Some of the lines write files, as bash reads them.
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            ["bash", "-c", 'source /dev/stdin && printf %s "$key"'], cwd=directory,
            input=f"{line}\n", capture_output=True, text=True, env={"HOME": "/root"}, check=False,
        )  # fmt: skip
    return done.stdout if done.returncode == 0 and not done.stderr else None


@pytest.mark.parametrize("character", [*string.printable, "ä", "\x7f", "\u2028"])
@pytest.mark.parametrize("around", ["{}", "a{}b", "{}b", "/a:{}/b"])
def test_what_bash_reads_otherwise_is_refused(character, around):
    value = around.format(character)

    if sourced(f"key={value}") != value:
        assert conf.unreadable(value), f"bash has {sourced(f'key={value}')!r}"


@pytest.mark.parametrize("value", ["a b", "a$(id)b", "it's", "a\\b", "~/x", "ä", "a\nb", "#a"])
def test_a_value_that_is_read_differently_is_named(value):
    assert "is read differently" in str(conf.unreadable(value))


@pytest.mark.parametrize(
    "value", ["", "engine.example.com", "[2001:db8::1]:/a", "a=b,c=d", "/exports/engine_1", "a%2b"]
)
def test_a_value_that_all_read_alike_is_fine(value):
    assert conf.unreadable(value) is None
    assert sourced(f"key={value}") == value


def test_settings_are_refused_by_their_pillar_key():
    settings = known(storage={"path": "/exports/a$b"}, network={"tcp_address": "a;b"})

    problems = conf.unreadable_settings(settings)

    assert [problem.split(": ")[0] for problem in problems] == [
        "hosted_engine:network:tcp_address",
        "hosted_engine:storage:path",
    ]


def test_hosted_engine_conf_is_the_same_for_bash_and_for_a_literal_reader():
    text = conf.hosted_engine_conf(known(), IDS, "192.0.2.1")

    literal = dict(line.split("=", 1) for line in text.splitlines())
    names = " ".join(f'"${key}"' for key in literal)
    shell = subprocess.run(
        ["bash", "-c", f"source /dev/stdin; printf '%s\\n' {names}"],
        input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert shell.stdout.splitlines() == list(literal.values())
    assert re.search(r"^host_id=1$", text, re.MULTILINE)
    assert literal["storage"] == "nas.example.com:/exports/engine"
    assert literal["spUUID"] == "00000000-0000-0000-0000-000000000000"
    assert (literal["vmid"], literal["sdUUID"]) == (VM, DOMAIN)
    assert (literal["tcp_t_port"], literal["iqn"]) == ("", ""), "never None"
    assert literal["conf_image_UUID"] == IDS["disks"]["configuration"]["image"]


def test_ids_are_read_back_from_the_file_that_was_written():
    values = conf.properties(conf.hosted_engine_conf(known(), IDS, "192.0.2.1"))

    found = conf.ids(values)

    assert found == {key: IDS[key] for key in ("vm_id", "storage_domain", "host_id", "disks")}


@pytest.mark.parametrize("number", ["", "0", "-1", "1.5", "one", "²"])
def test_a_host_id_is_a_number_from_one_on(number):
    """The agent's block on the metadata disk lies at 4096 * host_id; block 0 is everybody's."""
    values = conf.properties(conf.hosted_engine_conf(known(), IDS, "192.0.2.1"))

    with pytest.raises(CommandExecutionError, match="lacks a usable host_id"):
        conf.ids(values | {"host_id": number})


@pytest.mark.parametrize("key", ["vmid", "sdUUID", "vm_disk_vol_id", "conf_image_UUID"])
def test_an_id_that_is_missing_is_named(key):
    values = conf.properties(conf.hosted_engine_conf(known(), IDS, "192.0.2.1"))

    with pytest.raises(CommandExecutionError, match=f"lacks {key}. salt-call"):
        conf.ids(values | {key: ""})


def test_only_a_file_with_content_configures_ha(tmp_path, monkeypatch):
    """The package may bring an empty one; what can't be seen is neither written nor missing."""
    path = tmp_path / "hosted-engine.conf"
    monkeypatch.setattr(conf, "CONFIGURATION", path)
    assert (conf.is_written(), conf.read()) == (False, {})
    path.write_text("")
    assert conf.is_written() is False
    path.write_text(" fqdn = engine.example.com \nstorage=a=b\n")
    assert conf.is_written() is True
    assert conf.read() == {"fqdn": "engine.example.com", "storage": "a=b"}
    monkeypatch.setattr(conf, "CONFIGURATION", path / "below")
    with pytest.raises(CommandExecutionError, match="Cannot determine whether"):
        conf.is_written()


def test_an_ipv6_server_stands_in_brackets():
    settings = known(storage={"address": "2001:db8::1"})

    lines = conf.hosted_engine_conf(settings, IDS, "192.0.2.1").splitlines()
    assert "storage=[2001:db8::1]:/exports/engine" in lines


def test_the_connection_keeps_its_uuid():
    other = known(storage={"path": "/exports/other"})

    assert conf.connection_uuid(known()) == conf.connection_uuid(known())
    assert conf.connection_uuid(other) != conf.connection_uuid(known())


def test_vm_conf_as_its_reader_has_it():
    """It strips white space, cuts at '#', and takes each devices line by itself."""
    text = conf.vm_conf(known(), IDS)

    lines = [re.sub(r"\s", "", line.split("#")[0]) for line in text.splitlines()]
    assert lines == text.splitlines(), "nothing that the reader would cut"
    values = dict(line.split("=", 1) for line in lines if not line.startswith("devices="))
    assert values["vmId"] == VM
    assert values["memSize"] == "16384"
    assert values["emulatedMachine"] == "pc-q35-rhel9.2.0"
    devices = [line.removeprefix("devices=") for line in lines if line.startswith("devices=")]
    assert all(device.startswith("{") and device.endswith("}") for device in devices)
    kinds = [re.findall(r"\b(?:type|device):(\w+)", device) for device in devices]
    assert {"cdrom", "disk", "scsi", "interface", "console", "video", "graphics", "rng"} <= {
        word for kind in kinds for word in kind
    }
    (disk,) = [device for device in devices if "bootOrder:1" in device]
    assert "poolID:00000000-0000-0000-0000-000000000000" in disk
    assert "shared:exclusive" in disk
    assert f"imageID:{IDS['disks']['vm']['image']}" in disk


@pytest.mark.feature("notification")
def test_broker_conf_survives_interpolation():
    parser = configparser.ConfigParser()
    parser.read_string(conf.broker_conf(known()))

    assert parser["email"]["source-email"] == "100%@example.com"
    assert parser["email"]["destination-emails"] == "a@b.c,d@e.f"
    assert parser["notify"]["state_transition"] == "maintenance|start|stop|migrate|up|down"


@pytest.mark.feature("graphics")
@pytest.mark.parametrize(
    ("protocol", "display", "video"), [("vnc", "vnc", "vga"), ("spice", "qxl", "qxl")]
)
def test_the_console_is_the_one_that_was_asked_for(protocol, display, video):
    settings = known(vm={"graphics": protocol})

    lines = conf.vm_conf(settings, IDS).splitlines()

    assert f"display={display}" in lines
    assert f"devices={{device:{protocol},type:graphics}}" in lines
    assert any(f"device:{video}," in line and "type:video" in line for line in lines)
    configured = conf.hosted_engine_conf(settings, IDS, "192.0.2.1").splitlines()
    assert f"console={display}" in configured
