"""The stand-in of the module sanlock, as the real one answered; leases as vdsm asks for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from .standins import PACKAGES, SD, VOLUME, facts, standin

broker = standin("hosted_engine_ha_standin.broker")
cleanup = standin("hosted_engine_ha_standin.cleanup")
client = standin("sanlock_standin.client")
daemon = standin("sanlock_standin.daemon")
leases = standin("vdsm_standin.leases")
metadata = standin("hosted_engine_ha_standin.metadata")
rpc = standin("vdsm_standin.rpc")
sanlock = standin("sanlock")

SPACE = b"hosted-engine"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> Any:
    """This host's daemon."""
    made = daemon.Daemon("hv1")
    monkeypatch.setattr(client, "call", lambda verb, **words: getattr(made, verb)(**words))
    monkeypatch.setattr(daemon, "DEAD_SECONDS", 0.1)
    monkeypatch.setattr(sanlock, "DEAD_SECONDS", 0.1)
    return made


@pytest.fixture
def path(tmp_path: Path) -> str:
    volume = tmp_path / "lockspace"
    volume.write_bytes(bytes(1 << 20))
    sanlock.write_lockspace(SPACE, str(volume))
    return str(volume)


def test_a_host_id_is_owned_once(path: str) -> None:
    sanlock.add_lockspace(SPACE, 1, path)

    assert sanlock.inq_lockspace(SPACE, 1, path) is True
    assert sanlock.inq_lockspace(SPACE, 2, path) is False
    (space,) = sanlock.get_lockspaces()
    assert (space["lockspace"], space["host_id"], space["flags"]) == (SPACE, 1, 0)
    sanlock.rem_lockspace(SPACE, 1, path)
    assert sanlock.get_lockspaces() == []


def test_codes_are_the_real_ones(path: str, tmp_path: Path) -> None:
    """sanlock 3.8.5: the system's are positive, its own negative."""
    sanlock.add_lockspace(SPACE, 1, path)
    empty = tmp_path / "empty"
    empty.write_bytes(bytes(1 << 20))
    for place, code in {
        (SPACE, 1, path): 17,
        (SPACE, 2, path): 22,
        (b"other", 1, str(empty)): -223,
        (b"other", 1, path): -228,
    }.items():
        with pytest.raises(sanlock.SanlockException) as caught:
            sanlock.add_lockspace(*place)
        assert caught.value.errno == code
        assert len(caught.value.args) == 3


class Elsewhere:
    """Another host, which renews its id at each look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
        self.daemon, self.path = daemon.Daemon("hv2"), path
        self.clock = 100.0
        self.daemon.add_lockspace("hosted-engine", 2, path)
        monkeypatch.setattr(daemon.time, "sleep", self.sleep)

    def sleep(self, _seconds: float) -> None:
        space = self.daemon.spaces.get("hosted-engine")
        if space:
            space["generation"] += 1
            self.daemon._renew("hosted-engine", space)


def test_a_living_host_s_id_is_busy(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Elsewhere(monkeypatch, path)

    with pytest.raises(sanlock.SanlockException) as caught:
        sanlock.add_lockspace(SPACE, 2, path)

    assert caught.value.errno == -262


class Cleaning:
    """This host's broker, and ``hosted-engine --clean-metadata`` beside it."""

    def __init__(self, patch: pytest.MonkeyPatch, path: str, own: bool) -> None:
        volume = f"{path}.metadata"
        Path(volume).write_bytes(bytes(metadata.READ_BYTES))
        self.broker = broker.Broker({}, {"metadata": volume, "lockspace": path})
        self.asked: list[tuple[str, int]] = []
        self.killed: list[int] = []
        for verb in ("add_lockspace", "rem_lockspace"):
            patch.setattr(sanlock, verb, self._recorded(verb[:3], getattr(sanlock, verb)))
        patch.setattr(broker.os, "kill", lambda _pid, number: self.killed.append(number))
        patch.setattr(cleanup, "broker", self._ask)
        patch.setattr(cleanup.configuration, "read", lambda: {"host_id": "1"})
        if own:
            self.broker.lock_host_id(1)
            self.asked.clear()

    def _recorded(self, verb: str, function: Any) -> Any:
        def recorded(space: bytes, host_id: int, path: str) -> None:
            self.asked.append((verb, host_id))
            function(space, host_id, path)

        return recorded

    def _ask(self, verb: str, **arguments: Any) -> Any:
        try:
            return getattr(self.broker, verb)(**arguments)
        except RuntimeError as err:
            raise rpc.RemoteError(100, str(err)) from err

    def host(self, host_id: int, **about: Any) -> None:
        block = metadata.pack_host(facts(host_id, **about))
        metadata.write(self.broker.paths["metadata"], host_id, block)
        self.broker.poll()

    def known(self) -> list[str]:
        self.broker.poll()
        return list(self.broker.get_stats()["hosts"])


@pytest.mark.parametrize("own", [True, False])
def test_cleaning_takes_the_other_hosts_id_for_this_hosts_until_it_is_done(
    path: str, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    """One host id a host: the own one is given back first, and the agent takes it again."""
    other = Elsewhere(monkeypatch, path)
    other.daemon.spaces.clear()
    site = Cleaning(monkeypatch, path, own)
    site.host(2)
    forget = site.broker.clean_host

    def clean_host(host_id: int) -> None:
        assert sanlock.inq_lockspace(SPACE, host_id, path)
        assert len(sanlock.get_lockspaces()) == 1
        forget(host_id)

    monkeypatch.setattr(site.broker, "clean_host", clean_host)
    assert cleanup.cleanup(["--host-id=2", "--force-clean"]) == 0

    assert site.known() == []
    assert site.asked == [("rem", 1)] * own + [("add", 2), ("rem", 2)]
    site.broker.lock_host_id(1)
    assert sanlock.inq_lockspace(SPACE, 1, path)


def test_without_force_only_a_host_that_reported_its_stop_is_cleaned(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal is only logged."""
    site = Cleaning(monkeypatch, path, own=True)
    site.host(2)
    site.host(3, stopped=True)

    codes = [cleanup.cleanup([f"--host-id={host_id}"]) for host_id in (2, 3, 4)]

    assert codes == [0, 0, 0]
    assert site.known() == ["2"]
    assert sanlock.get_lockspaces() == []


def test_metadata_of_a_living_host_is_spared_and_the_broker_ends_itself(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Elsewhere(monkeypatch, path)
    site = Cleaning(monkeypatch, path, own=True)
    site.host(2)

    cleanup.cleanup(["--host-id=2", "--force-cleanup"])

    assert site.known() == ["2"]
    assert site.killed == [signal.SIGTERM]


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("set_global_maintenance", {"value": True}),
        ("clean_host", {"host_id": 2}),
        ("put_stats", {"facts": facts(1)}),
    ],
)
def test_broker_ends_itself_where_it_is_to_write_without_a_host_id(
    path: str, monkeypatch: pytest.MonkeyPatch, verb: str, arguments: dict[str, Any]
) -> None:
    """By SIGTERM: its end is a clean one, which systemd doesn't take for a failure."""
    site = Cleaning(monkeypatch, path, own=True)
    site.host(2)
    before = Path(site.broker.paths["metadata"]).read_bytes()
    site.broker.release_host_id()

    with pytest.raises(RuntimeError, match="HostIdNotLockedError"):
        getattr(site.broker, verb)(**arguments)

    assert site.killed == [signal.SIGTERM]
    assert Path(site.broker.paths["metadata"]).read_bytes() == before
    site.broker.lock_host_id(1)
    getattr(site.broker, verb)(**arguments)
    assert Path(site.broker.paths["metadata"]).read_bytes() != before


def test_libvirt_is_given_the_leases() -> None:
    chain = {"domainID": SD, "volumeID": VOLUME, "leasePath": "/a/b.lease", "leaseOffset": 4096}

    xml = leases.add("<domain><devices/></domain>", [leases.Lease.of(chain)])

    (lease,) = ElementTree.fromstring(xml).iter("lease")
    assert (lease.findtext("lockspace"), lease.findtext("key")) == (SD, VOLUME)
    assert lease.find("target").attrib == {"path": "/a/b.lease", "offset": "4096"}


def test_a_domains_lockspace_is_this_hosts_once_it_is_monitored(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = type("Domain", (), {"ids": lambda self: path})()
    monkeypatch.setattr(leases.storage, "find", lambda _id: domain)
    monkeypatch.setattr(leases, "MONITORED", {})
    sanlock.write_lockspace(SD.encode(), path)

    leases.start_monitoring(SD, 1)
    leases.start_monitoring(SD, 1)

    assert leases.monitored([SD]) == {SD: {"acquired": True}}


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize(("groups", "code"), [("--groups=36", 0), ("--clear-groups", -13)])
def test_daemon_reads_vdsms_volumes_as_a_member_of_kvm_alone(groups: str, code: int) -> None:
    """It's user sanlock, volumes are 0660 of 36:36."""
    script = (
        "import sys\nfrom sanlock_standin.daemon import Daemon\n"
        "try: Daemon('hv1').add_lockspace('hosted-engine', 1, sys.argv[1])\n"
        "except OSError as err: print(-err.errno)\nelse: print(0)\n"
    )
    trees = PACKAGES.glob("*/root/usr/lib/python3/dist-packages")
    environment = {"PYTHONPATH": ":".join(map(str, trees))}
    # Not pytest's own folder: another user can't pass it.
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as volume:
        volume.write(bytes(1 << 20))
        volume.flush()
        sanlock.write_lockspace(SPACE, volume.name)
        os.chown(volume.name, 36, 36)
        Path(volume.name).chmod(0o660)
        user = ["setpriv", "--reuid=12345", "--regid=12345", groups, "--"]
        done = subprocess.run(
            [*user, sys.executable, "-c", script, volume.name],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert done.stdout == f"{code}\n", done.stderr


def test_vdsm_tool_lets_sanlock_read_volumes_and_the_daemons_ask_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(leases, "run", lambda *words: ran.append(words))
    monkeypatch.setattr(leases.pwd, "getpwnam", lambda _name: None)
    monkeypatch.setattr(leases, "CONFIGURATION", tmp_path / "sanlock/sanlock.conf")
    monkeypatch.setattr(leases, "HOST_ID", tmp_path / "vdsm.id")
    monkeypatch.setattr(leases, "by_libvirt", lambda: False)
    (tmp_path / "vdsm.id").write_text(f"{SD}\n")

    leases.configure()
    leases.configure()

    groups = [
        ("usermod", "--append", "--groups", "disk,kvm", "sanlock"),
        ("usermod", "--append", "--groups", "sanlock", "vdsm"),
    ]
    assert ran == [*groups, ("systemctl", "restart", "sanlock.service"), *groups]
