"""Storage domains on LUNs and on Gluster: discovery, login, the right LUN, refusals."""

from __future__ import annotations

import pytest
from salt.exceptions import CommandExecutionError

from functional.block_site import (
    FIBRE,
    FOREIGN,
    ISCSI,
    LUN,
    NODE,
    SMALL,
    TARGET,
    USED,
    Site,
    host,
    site,
)

__all__ = ["host", "site"]


def refused(site: Site) -> str:
    result = site.active()
    assert result["result"] is False
    assert site.domains() == []
    assert "secret" not in str(result)
    return str(result["comment"])


@pytest.mark.feature("iscsi", "iscsi_chap", "iscsi_discovery_chap", "iscsi_portals", "lun_chosen")
def test_iscsi_is_discovered_logged_in_at_each_portal_and_its_only_fit_lun_taken(site):
    assert site.active(test=True)["result"] is None
    assert site.sessions() == []

    first, second = site.active(), site.active()

    assert first["result"] is True, first["comment"]
    assert site.sessions() == [[TARGET, "192.0.2.7", 3260], [TARGET, "2001:db8::7", 3261]]
    assert site.lun() == LUN
    assert (second["result"], second["changes"]) == (True, {})
    assert "secret" not in str((first, second))
    assert site.minion("ovirt_storage_domain.get", "hosted_storage")["storage"] == {
        "type": "iscsi", "target": TARGET, "lun": LUN,
    }  # fmt: skip


@pytest.mark.feature("lun_chosen")
def test_the_lun_of_the_pillar_is_taken_where_several_would_do(site):
    site.san["luns"][SMALL]["gib"] = 200
    site.say()

    assert "Several LUNs" in refused(site)
    site.use(ISCSI | {"lun": SMALL})

    assert site.active()["result"] is True
    assert site.lun() == SMALL
    site.use(ISCSI | {"lun": LUN})
    other = site.active()
    assert other["result"] is False
    assert f"LUN {SMALL}, not on iscsi target {TARGET}, LUN {LUN}" in other["comment"]


@pytest.mark.feature("lun_refused")
@pytest.mark.parametrize(
    ("lun", "why"),
    [(USED, "can't be used"), (SMALL, "can't be used"), ("36001405ffff", "doesn't see a LUN")],
)
def test_a_lun_that_cannot_be_used_is_refused_with_all_that_the_host_sees(site, lun, why):
    site.use(ISCSI | {"lun": lun})

    told = refused(site)

    assert why in told
    assert f"- {LUN}: 100.0 GiB, free, MEMORY LUN" in told
    assert f"- {SMALL}: 20.0 GiB, free, MEMORY LUN, too small, 25 GiB are needed" in told
    assert f"- {USED}: 100.0 GiB, used, MEMORY LUN, holds something" in told


@pytest.mark.feature("lun_refused")
def test_without_a_fit_lun_all_are_told(site):
    site.san["luns"][LUN]["used"] = True
    site.say()

    told = refused(site)

    assert "No LUN could hold" in told and SMALL in told and USED in told
    assert FOREIGN not in told, "the LUN of a target that isn't ours"


@pytest.mark.feature("iscsi")
def test_a_target_that_is_not_there_is_told_with_what_was_found(site):
    site.use(ISCSI | {"target": "iqn.2020-01.com.example:gone"})

    told = refused(site)

    assert f"- {TARGET} at 192.0.2.7:3260" in told
    assert f"- {TARGET} at [2001:db8::7]:3261" in told
    assert site.sessions() == []


@pytest.mark.feature("iscsi")
def test_discovery_tells_a_whole_portal_and_the_login_takes_its_groups_number_alone(site):
    told = site.minion("ovirt_host_storage.discover", NODE, site.storage())

    assert [(one["address"], one["portal"]) for one in told if one["target"] == TARGET] == [
        ("192.0.2.7", "1"), ("2001:db8::7", "1"),
    ]  # fmt: skip
    assert site.minion("ovirt_host_storage.login", NODE, site.storage())
    assert len(site.sessions()) == 2


@pytest.mark.feature("iscsi", "iscsi_portals")
def test_a_portal_by_its_name_is_logged_in_at_by_the_address_that_was_discovered(site):
    site.san["targets"][TARGET]["portals"] = ["127.0.0.1:3260,1", "192.0.2.7:3260,1"]
    site.say()
    site.use(ISCSI | {"portals": ["localhost"]})

    result = site.active()

    assert result["result"] is True, result["comment"]
    assert site.sessions() == [[TARGET, "127.0.0.1", 3260]]


@pytest.mark.feature("iscsi_chap")
def test_a_wrong_password_is_told(site):
    site.use(ISCSI, iscsi_password="wrong-secret")

    assert "authorization failure" in refused(site)


@pytest.mark.feature("iscsi_discovery_chap")
def test_a_wrong_discovery_password_is_told(site):
    site.use(ISCSI, iscsi_discovery_password="wrong-secret")

    assert "authorization failure" in refused(site)
    assert site.sessions() == []


@pytest.mark.feature("iscsi_portals")
def test_another_portal_group_is_told(site):
    site.use(ISCSI | {"portal_group": 3})

    assert "is 1, not 3" in refused(site)


@pytest.mark.feature("discard")
def test_discard_is_set_where_the_lun_can_and_refused_by_the_engine_elsewhere(site):
    site.use(ISCSI | {"lun": LUN, "discard_after_delete": True})
    assert "Discard after delete is not supported" in refused(site)

    site.san["luns"][LUN]["discard"] = True
    site.say()

    assert site.active()["result"] is True
    assert site.domains()[0].findtext("discard_after_delete") == "true"


@pytest.mark.feature("fc", "lun_chosen")
@pytest.mark.parametrize("lun", ["", FIBRE])
def test_fibre_channel_needs_no_login(site, lun):
    site.use({"type": "fc", "lun": lun})

    first, second = site.active(), site.active()

    assert first["result"] is True, first["comment"]
    assert site.lun() == FIBRE
    assert site.domains()[0].findtext("storage/type") == "fcp"
    assert site.sessions() == []
    assert (second["result"], second["changes"]) == (True, {})


@pytest.mark.feature("lun_refused")
def test_a_lun_of_another_domain_is_refused_with_its_name(site):
    site.use({"type": "fc"})
    site.active()
    (domain,) = site.domains()

    with pytest.raises(CommandExecutionError, match=f"used, MEMORY LUN, holds {domain.get('id')}"):
        site.minion("ovirt_storage_domain.add", "second", NODE, {"type": "fc"}, 10)


@pytest.mark.feature("glusterfs", "mount_options")
def test_gluster_is_mounted_with_its_options(site):
    site.use(
        {
            "type": "glusterfs",
            "address": "gluster1.example.com",
            "path": "/engine",
            "mount_options": "backup-volfile-servers=gluster2.example.com",
        }
    )

    first, second = site.active(), site.active()

    assert first["result"] is True, first["comment"]
    (domain,) = site.domains()
    assert domain.findtext("storage/vfs_type") == "glusterfs"
    assert domain.findtext("storage/mount_options", "").endswith("gluster2.example.com")
    assert domain.findtext("storage/nfs_version") is None
    assert (second["result"], second["changes"]) == (True, {})


@pytest.mark.feature("glusterfs")
@pytest.mark.parametrize("kind", ["nfs", "glusterfs"])
@pytest.mark.parametrize("address", ["2001:db8::8", "[2001:db8::8]", "2001:DB8:0::8"])
def test_an_ipv6_server_goes_to_the_engine_in_brackets_however_the_pillar_has_it(
    site, kind, address
):
    site.use({"type": kind, "address": address, "path": "/engine"})

    first, second = site.active(), site.active()

    assert first["result"] is True, first["comment"]
    assert (second["result"], second["changes"]) == (True, {})
    (domain,) = site.domains()
    assert domain.findtext("storage/address") == f"[{address.strip('[]')}]"
    assert domain.findtext("storage/path") == "/engine"


def test_another_ipv6_server_is_other_storage(site):
    site.use({"address": "2001:db8::8", "path": "/engine"})
    site.active()
    site.use({"address": "2001:db8::9", "path": "/engine"})

    result = site.active()

    assert result["result"] is False
    assert "nfs [2001:db8::8]:/engine, not on nfs [2001:db8::9]:/engine" in result["comment"]


@pytest.mark.feature("free_space", "lun_refused")
@pytest.mark.parametrize(("gib", "fits"), [(25, True), (25.9, True), (24.99, False)])
def test_a_lun_is_judged_by_its_whole_gib(site, gib, fits):
    site.san["luns"][LUN]["gib"] = gib
    site.say()

    result = site.active()

    assert result["result"] is fits, result["comment"]


@pytest.mark.feature("nfs_versions", "mount_options")
@pytest.mark.parametrize("version", ["auto", "v3", "v4", "v4_0", "v4_1", "v4_2"])
def test_nfs_in_each_version(site, version):
    site.use(
        {
            "address": "nas.example.com",
            "path": "/exports/engine",
            "nfs_version": version,
            "mount_options": "noatime",
        }
    )

    assert site.active()["result"] is True

    (domain,) = site.domains()
    assert domain.findtext("storage/nfs_version") == version
    assert domain.findtext("storage/mount_options") == "noatime"


@pytest.mark.feature("free_space")
def test_too_little_room_on_a_lun_is_told_and_the_lun_given_back(site):
    site.engine.faults(san=site.san, storage_available=12 * 2**30)

    told = refused(site)

    assert f"iscsi target {TARGET}, LUN {LUN} has 12.0 GiB available" in told
    site.say()
    assert site.active()["result"] is True
