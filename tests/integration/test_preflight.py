"""Preflight on a bare hypervisor: it fits, every fault is told at once, and nothing is touched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from .site import Site, failures, lab

# What Salt and apt write to while they only look, and what no program can leave alone.
IGNORED = ("/var/cache", "/var/log", "/run", "/proc", "/sys", "/dev", "/tmp", "/srv", "/opt")


def snapshot(site: Site) -> set[str]:
    """Files with sizes and times, addresses, routes, rules, units: by find, ip, systemctl."""
    prune = [word for path in IGNORED for word in ("-path", path, "-prune", "-o")]
    seen = [
        site.output("find", "/", *prune, "-type", "f", "-printf", "%p %s %T@\n"),
        site.output("ip", "-o", "-4", "address"),
        site.output("ls", "/sys/class/net"),
        site.output("ip", "route"),
        site.output("ip", "rule"),
        site.output("systemctl", "list-unit-files", "--no-legend", "--no-pager"),
    ]
    return {line for text in seen for line in text.splitlines()}


@contextlib.contextmanager
def hosts_line(site: Site, line: str) -> Iterator[None]:
    """A line at the end of the host's hosts file, for a while."""
    before = site.output("cat", "/etc/hosts") + "\n"
    site.run(["tee", "/etc/hosts"], input=f"{before}{line}\n")
    try:
        yield
    finally:
        site.run(["tee", "/etc/hosts"], input=before)


def test_the_lab_s_host_fits(site: Site) -> None:
    assert site.json("salt-call", "--local", "--out=json", "hosted_engine.preflight") == {
        "local": []
    }


def test_test_mode_touches_nothing_and_says_what_would_be_next(site: Site) -> None:
    before = snapshot(site)

    states = site.apply("hosted_engine", test=True)

    assert not failures(states), failures(states)
    assert any(state.result is None for state in states)
    assert all("next would be" in state.comment for state in states if "done" in state.changes)
    assert snapshot(site) ^ before == set()


def test_all_faults_at_once_and_nothing_is_touched(site: Site) -> None:
    faults = {
        "vm": {
            "address": "10.77.0.1/24",
            "time_zone": "Mars/Olympus",
            "memory_mib": 9999999,
            "disk_gib": 999999,
        },
        "storage": {"address": "nowhere.lab.test"},
        "bootstrap": {"subnets": ["10.77.0.0/24"]},
        "host": {"emulation": False, "interface": "eno7"},
        "appliance": {"source": "/etc/hostname"},
    }
    before = snapshot(site)

    with hosts_line(site, f"{site.engine_address} {site.fqdn}"):
        states = site.apply("hosted_engine", pillar={"hosted_engine": faults})

    (fit,) = (state for state in states if state.function == "hosted_engine.host_ready")
    assert fit.result is False
    for told in (
        f"engine:fqdn: {site.fqdn} resolves to {site.engine_address}, but vm:address is 10.77.0.1",
        f"engine:fqdn: a line of /etc/hosts says that {site.fqdn} is {site.engine_address}",
        "vm:address: 10.77.0.1 is in use, by ",
        "vm:time_zone: Mars/Olympus",
        "vm:memory_mib: 9999999 MiB wanted",
        "bootstrap:directory: 999999.0 GiB wanted",
        "storage:address: nowhere.lab.test",
        "bootstrap:subnets",
        "host:emulation",
        "host:interface: eno7 doesn't exist",
        "appliance:source: /etc/hostname",
    ):
        assert f"hosted_engine:{told}" in fit.comment
    ran = {state.id for state in states if state.result is not False}
    assert ran == {"Hosted engine pillar is valid"}
    # The test's own line came and went.
    changed = {line for line in snapshot(site) ^ before if not line.startswith("/etc/hosts ")}
    assert changed == set()


def test_what_later_steps_would_find_is_found_early_and_ignored_by_name(site: Site) -> None:
    """A name that DNS doesn't know, a package of no repository, a directory behind a closed one."""
    faults = {
        "host": {"address": "only-here.lab.test"},
        "appliance": {"package": "no-such-appliance"},
        "bootstrap": {"directory": "/root/bootstrap"},
    }
    before = snapshot(site)

    with hosts_line(site, f"{site.address} only-here.lab.test"):
        site.run(["chmod", "0700", "/root"])
        states = site.apply("hosted_engine.preflight", pillar={"hosted_engine": faults})
        names = ["host_name_in_dns", "packages_are_offered", "bootstrap_directory_is_passable"]
        ignoring = faults | {"preflight": {"ignore": names}}
        ignored = site.apply("hosted_engine.preflight", pillar={"hosted_engine": ignoring})

    (fit,) = (state for state in states if state.function == "hosted_engine.host_ready")
    assert fit.result is False
    (going_on,) = (state for state in ignored if state.function == "hosted_engine.host_ready")
    assert going_on.result is True
    for told in (
        "host:address: only-here.lab.test is known to this host's /etc/hosts only",
        "appliance:package: no repository of this host offers the package no-such-appliance",
        "bootstrap:directory: /root (0700) isn't passable for others",
    ):
        assert f"hosted_engine:{told}" in fit.comment
        assert f"hosted_engine:{told}" in going_on.comment
    changed = {line for line in snapshot(site) ^ before if not line.startswith("/etc/hosts ")}
    assert changed == set()


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"vm": {"memory_mb": 1024}}, "hosted_engine:vm:memory_mb: unknown key"),
        ({"vm": {"memory_mib": "1024"}}, "hosted_engine:vm:memory_mib: integer wanted"),
        ({"vm": {"mac": "01:00:5e:00:00:01"}}, "hosted_engine:vm:mac"),
        ({"storage": {"path": "/exports/$(id)"}}, "hosted_engine:storage:path"),
        ({"secrets": {"admin_password": "not-\nto-be-seen"}}, "secrets:admin_password"),
    ],
)
def test_a_faulty_pillar_ends_before_anything(site: Site, faults: object, told: str) -> None:
    states = site.apply("hosted_engine", pillar={"hosted_engine": faults})

    (valid,) = (state for state in states if state.function == "hosted_engine.valid")
    assert valid.result is False
    assert told in valid.comment
    assert "to-be-seen" not in repr(states)
    assert not [state for state in states if state.changes]


def test_another_deployment_s_host_is_left_alone(site: Site) -> None:
    path = "/etc/ovirt-hosted-engine/hosted-engine.conf"
    site.run(["mkdir", "-p", "/etc/ovirt-hosted-engine"])
    site.run(["tee", path], input="fqdn=other.lab.test\nhost_id=1\n")
    try:
        states = site.apply("hosted_engine")
    finally:
        site.run(["rm", "-r", "/etc/ovirt-hosted-engine"])

    (valid,) = (state for state in states if state.function == "hosted_engine.valid")
    assert valid.result is False
    assert "other.lab.test" in valid.comment
    assert not [state for state in states if state.changes]


@pytest.fixture
def tools(site: Site) -> Site:
    """The host with what mounts NFS and Gluster, as vdsm's packages bring it."""
    site.run(["apt-get", "-q", "update"])
    site.run(["apt-get", "-qy", "install", "nfs-common", "glusterfs-client"])
    lab("gluster", f"engine{site.number}")
    return site


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        ({"path": "/exports/nope"}, "access denied by server while mounting"),
        ({"type": "glusterfs", "address": "gluster.lab.test", "path": "/nope"}, "volume file"),
        ({"type": "fc", "address": "", "path": "", "lun": "36001"}, "doesn't see a LUN 36001"),
    ],
)
def test_wrong_storage_is_told_before_engine_setup(
    tools: Site, storage: dict[str, str], told: str
) -> None:
    mounts = tools.output("cat", "/proc/mounts")

    states = tools.apply("hosted_engine.preflight", pillar={"hosted_engine": {"storage": storage}})

    (fit,) = (state for state in states if state.function == "hosted_engine.host_ready")
    assert fit.result is False
    assert told in fit.comment
    assert tools.output("cat", "/proc/mounts") == mounts


def test_an_export_with_somebodys_domain_is_told_and_stays(tools: Site) -> None:
    export = f"/srv/nas/exports/engine{tools.number}"
    metadata = f"{export}/11111111-2222-4333-8444-555555555555/dom_md/metadata"
    tools.run(["install", "-D", "/dev/stdin", metadata], input="DESCRIPTION=theirs\n")
    try:
        states = tools.apply("hosted_engine.preflight")

        (fit,) = (state for state in states if state.function == "hosted_engine.host_ready")
        assert "holds the storage domain theirs (11111111-" in fit.comment
        assert tools.output("find", export, "-type", "f") == metadata
    finally:
        tools.run(["rm", "-r", metadata.rpartition("/dom_md")[0]])
    assert not failures(tools.apply("hosted_engine.preflight"))
