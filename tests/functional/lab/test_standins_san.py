"""iSCSI and Fibre Channel in the lab: discovery, sessions, and the LUNs that a host sees."""

from __future__ import annotations

from typing import Any

import pytest
from hosts.settings import ISCSI_DISCOVERY, ISCSI_SESSION, target

from .san_host import GIB, SITE, connection, domain, lun, needs_target, port, seen
from .standins import SD, hosted_engine_conf, standin

connections = standin("vdsm_standin.connections")
ha_configuration = standin("hosted_engine_ha_standin.configuration")
ha_storage = standin("hosted_engine_ha_standin.storage")
iscsiadm = standin("iscsi_standin.command")
luns = standin("vdsm_standin.luns")
sessions = standin("iscsi_standin.sessions")
storage = standin("vdsm_standin.storage")
vdsm_errors = standin("vdsm_standin.errors")

__all__ = ["domain", "lun", "port"]
pytestmark = needs_target


def test_discovery_asks_for_its_own_chap(port: int) -> None:
    user, password = ISCSI_DISCOVERY

    found = connections.discover("127.0.0.1", port, user, password)

    portal = {"address": "127.0.0.1", "port": port, "portal": 1}
    assert portal | {"target": target(SITE)} in found
    for chap in ((user, "wrong"), ("", ""), ISCSI_SESSION):
        with pytest.raises(vdsm_errors.iSCSISetupError) as caught:
            connections.discover("127.0.0.1", port, *chap)
        assert caught.value.code == 475
        assert "wrong" not in str(caught.value)


def test_iscsiadm_discovers_by_the_chap_of_the_portal_s_record(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    portal = f"127.0.0.1:{port}"
    database = ["-m", "discoverydb", "-t", "sendtargets", "-p", portal]

    refused = iscsiadm.main([*database, "-o", "nonpersistent", "--discover"])
    iscsiadm.main([*database, "-o", "new"])
    (record,) = iscsiadm.RECORDS.glob("*/st_config")
    named = dict(zip(("username", "password"), ISCSI_DISCOVERY, strict=True)) | {
        "authmethod": "CHAP"
    }
    for name, value in named.items():
        line = f"discovery.sendtargets.auth.{name}"
        iscsiadm.main([*database, "-o", "update", "-n", line, "-v", value])
    allowed = iscsiadm.main([*database, "--discover"])

    assert (refused, allowed) == (24, 0)
    assert f"{portal},1 {target(SITE)}\n" in capsys.readouterr().out
    assert record.stat().st_mode & 0o777 == 0o600
    assert iscsiadm.main([*database, "-o", "delete"]) == 0
    assert not record.exists()


def test_login_with_a_wrong_secret_shows_nothing(port: int) -> None:
    for changes in ({"password": "wrong"}, {"user": "", "password": ""}, {"target": "iqn.x:none"}):
        with pytest.raises(vdsm_errors.iSCSILoginError) as caught:
            connections.connect(**connection(port, **changes))
        assert caught.value.code == 465

    assert {device["devtype"] for device in luns.listed()} == {"FCP"}


def test_devices_are_what_the_target_says(port: int, lun: dict[str, Any]) -> None:
    listed = seen()

    assert lun["GUID"].startswith("36")
    assert len(lun["GUID"]) == 33
    assert (lun["capacity"], lun["vendorID"], lun["productID"]) == (24 * GIB, "LAB", "Disk")
    assert (lun["devtype"], lun["status"], lun["vgUUID"], lun["discard"]) == (
        "iSCSI",
        "free",
        "",
        True,
    )
    path = {"connection": "127.0.0.1", "port": port, "portal": 1, "iqn": target(SITE)}
    assert lun["pathstatus"] == [path]
    assert listed[f"iscsi-{SITE}-used"]["status"] == "used"
    assert listed["fc-large"]["pathstatus"] == []
    assert len({device["GUID"] for device in listed.values()}) == len(listed) == 6


def test_fibre_channel_s_lun_needs_no_login(port: int) -> None:
    connections.connect(type="fcp")
    lun = seen()["fc-large"]

    storage.create(SD, "hosted_storage", {"type": "fcp", "devices": [lun["GUID"]]})

    assert seen()["fc-large"]["vgUUID"] == SD
    assert storage.stats(SD)["available"] > 16 * GIB


def test_ha_connects_what_the_configuration_names() -> None:
    iscsi = {"domainType": "iscsi", "storage": "10.77.0.1,10.77.0.2", "port": "3260,3261"}
    iscsi |= {"iqn": target(SITE), "portal": "1", "user": "u", "password": "p"}
    values = hosted_engine_conf(**iscsi)
    ha_configuration.check(values)

    found = ha_storage.connections(values)

    portals = [("10.77.0.1", 3260), ("10.77.0.2", 3261)]
    assert [(at["address"], at["port"]) for at in found] == portals
    assert {(at["target"], at["portal"], at["user"], at["password"]) for at in found} == {
        (target(SITE), 1, "u", "p")
    }
    with pytest.raises(ha_configuration.ConfigurationError, match="one for each of"):
        ha_configuration.check(values | {"port": "3260"})
    gluster = hosted_engine_conf(domainType="glusterfs", storage="gluster.lab.test:/engine1")
    (volume,) = ha_storage.connections(gluster)
    assert (volume["type"], volume["vfs_type"], volume["path"]) == ("glusterfs",) * 2 + (
        "/engine1",
    )
    fabric = hosted_engine_conf(domainType="fc", storage="ignored")
    assert [at["type"] for at in ha_storage.connections(fabric)] == ["fcp"]
