"""LUNs of the kernel's own target, by open-iscsi and multipathd: two portals, so two paths each."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hosts.run import until
from usermode.formula import Failed
from usermode.targets import LUNS, PORTALS, TARGET

GIB = 2**30
LOGIN = """
for address in $2 $3; do
    record="-m node -T $1 -p $address:3260"
    iscsiadm $record -o new > /dev/null
    iscsiadm $record -o update -n node.session.auth.authmethod -v CHAP
    iscsiadm $record -o update -n node.session.auth.username -v engine-host
    iscsiadm $record -o update -n node.session.auth.password -v Session-CHAP-17
    iscsiadm $record --login > /dev/null
done
"""
# What a test that failed left is no reason to leave the rest.
LOGOUT = """
systemctl start multipathd
iscsiadm -m node -T $1 --logout > /dev/null || true
iscsiadm -m node -T $1 -o delete > /dev/null || true
multipath -F || true
"""


def iscsi(password: str = "Discovery-CHAP-23", portal: str = PORTALS[0]) -> dict[str, Any]:
    return {
        "storage": {
            "type": "iscsi",
            "portals": [portal],
            "target": TARGET,
            "discovery_user": "finder",
        },
        "secrets": {"admin_password": "not-to-be-seen", "iscsi_discovery_password": password},
    }


def by_lsblk(hv) -> list[dict[str, Any]]:
    told = hv.run("lsblk", "--json", "--bytes", "-o", "NAME,TYPE,TRAN,SERIAL,FSTYPE").stdout
    return [one for one in json.loads(told)["blockdevices"] if one["tran"] == "iscsi"]


def mapped(hv) -> bool:
    paths = by_lsblk(hv)
    return len(paths) == 6 and all(path.get("children") for path in paths)


@pytest.fixture(scope="module")
def logged_in(hv):
    hv.run("bash", "-eus", TARGET, *PORTALS, input=LOGIN)
    assert until(lambda: mapped(hv), 60), by_lsblk(hv)
    yield
    hv.run("bash", "-us", TARGET, input=LOGOUT)


def luns(formula) -> dict[str, dict[str, Any]]:
    """What storage_devices tells, by the names of the target's LUNs."""
    told = formula(**iscsi())("hosted_engine.storage_devices")
    serials = {serial: name for name, (_, serial) in LUNS.items()}
    return {serials[one["serial"]]: one for one in told["luns"]}


def test_discovery_by_chap_tells_both_portals_and_leaves_no_record(formula, hv):
    told = formula(**iscsi())("hosted_engine.storage_devices")

    assert {(one["target"], one["address"]) for one in told["targets"]} == {
        (TARGET, address) for address in PORTALS
    }
    assert hv.run("find", "/etc/iscsi/send_targets", "-type", "f", check=False).stdout == ""


def test_a_wrong_password_gives_iscsiadms_own_reason(formula, hv):
    source = f"""ovirt_he.host.iscsi.targets({iscsi()["storage"]!r},
        ovirt_he.core.text.Secret("Wrong-Password-1"))"""
    with pytest.raises(Failed) as failed:
        formula().python(" ".join(source.split()))

    assert "authorization failure" in str(failed.value)
    assert "open-iscsi" not in str(failed.value) and "Wrong-Password" not in str(failed.value)
    assert hv.run("find", "/etc/iscsi/send_targets", "-type", "f", check=False).stdout == ""


def test_a_portal_that_swallows_packets_gives_a_reason_in_bounded_time(formula, hv, nas):
    storage = iscsi()["storage"]
    begun = time.monotonic()
    with nas.frozen(), pytest.raises(Failed) as failed:
        formula().python(f"ovirt_he.host.iscsi.targets({storage!r}, None)")

    assert time.monotonic() - begun < 125
    assert "timed out" in str(failed.value)
    assert "isn't installed" not in str(failed.value) and "comes with" not in str(failed.value)


def test_each_lun_has_two_paths_and_is_free(formula, hv, logged_in):
    found = luns(formula)

    assert {name: one["paths"] for name, one in found.items()} == dict.fromkeys(LUNS, 2)
    assert {name: one["status"] for name, one in found.items()} == dict.fromkeys(LUNS, "free")
    assert {name: one["size_gib"] for name, one in found.items()} == {
        name: gib for name, (gib, _) in LUNS.items()
    }
    maps = hv.run("dmsetup", "ls", "--target", "multipath").stdout.splitlines()
    assert {one["id"] for one in found.values()} == {line.split()[0] for line in maps}


def test_a_lun_is_chosen_among_those_that_fit(formula, hv, logged_in):
    found = luns(formula)
    assert "too small" in found["small"]["why_not"]

    def choose(lun: str) -> Any:
        storage = iscsi()["storage"] | {"lun": lun}
        return formula().python(
            "ovirt_he.host.lun_selection.choose("
            f"ovirt_he.host.block_devices.luns(), {storage!r}, {60 * GIB})"
        )

    with pytest.raises(Failed, match="Several LUNs could hold"):
        choose("")
    assert choose(found["other"]["id"])["serial"] == LUNS["other"][1]
    with pytest.raises(Failed, match="too small"):
        choose(found["small"]["id"])


def test_a_lun_whose_map_is_flushed_is_still_free(formula, hv, logged_in):
    """udev marks its paths as mpath_member, which is no content."""
    lun = luns(formula)["small"]
    hv.script("systemctl stop multipathd.socket multipathd")
    hv.run("multipath", "-f", lun["id"])
    try:
        paths = [one for one in by_lsblk(hv) if one["serial"] == lun["serial"]]
        assert {path["fstype"] for path in paths} == {"mpath_member"}
        assert not any(path.get("children") for path in paths)

        now = luns(formula)["small"]
    finally:
        hv.script("systemctl start multipathd")
        assert until(lambda: mapped(hv), 60)
    assert (now["id"], now["status"], now["paths"]) == (lun["id"], "free", 2)


def test_a_lun_with_a_physical_volume_is_used(formula, hv, logged_in):
    lun = luns(formula)["small"]
    device = f"/dev/mapper/{lun['id']}"
    hv.run("pvcreate", "-y", device)
    try:
        assert until(lambda: luns(formula)["small"]["status"] == "used", 20)
        assert luns(formula)["small"]["why_not"] == "holds something"
        assert luns(formula)["large"]["status"] == "free"
    finally:
        hv.run("pvremove", "-y", "-ff", device)


def test_a_logical_volume_is_written_and_read_as_vdsm(formula, hv, logged_in):
    """vdsm gives the device to 36:36; root's own rights don't count."""
    device = f"/dev/mapper/{luns(formula)['small']['id']}"
    domain, image, volume = "11111111-2222-4333-8444-555555555555", "img", "vol"
    link = f"/run/vdsm/storage/{domain}/{image}/{volume}"
    hv.script(
        f"""
        pvcreate -y {device}
        vgcreate -y {domain} {device}
        lvcreate -y -n {volume} -L 128M {domain}
        chown 36:36 $(readlink -f /dev/{domain}/{volume})
        mkdir -p $(dirname {link})
        ln -s /dev/{domain}/{volume} {link}
        """
    )
    try:
        storage = iscsi()["storage"]
        find = f"ovirt_he.host.volume.find({domain!r}, {image!r}, {volume!r}, {storage!r})"
        assert formula().python(find) == link
        assert formula().python(f"ovirt_he.host.volume.size({find})") == 128 * 2**20
        assert formula().python(f"ovirt_he.host.volume.is_block_device({find})") is True
        formula().python(f"ovirt_he.host.volume.write({find}, b'oVirt' + bytes(4091))")
        assert formula().python(f"ovirt_he.host.volume.read({find}, 4096)[:5].decode()") == "oVirt"
        read = f"dd if=/dev/{domain}/{volume} bs=4096 count=1 iflag=direct status=none | head -c 5"
        assert hv.script(read) == "oVirt"
    finally:
        hv.script(f"rm -rf /run/vdsm/storage; vgremove -y -ff {domain}; pvremove -y {device}")
