"""The lab's hypervisors are what tests take them for. A lab of its own, beside the one in use."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hosts.settings import ISCSI_DISCOVERY, target

LAB = Path(__file__).parents[1] / "lab/lab"
EXPORT = "/srv/nas/exports/engine1"
Run = Callable[..., str]
DISCOVERY = "".join(
    f"discovery.sendtargets.auth.{name} = {value}\n"
    for name, value in zip(
        ("authmethod", "username", "password"), ("CHAP", *ISCSI_DISCOVERY), strict=True
    )
)
LUN = "/srv/san/iscsi-engine1-large.img"

# A guest as the network sees one: another address behind the host's bridge.
GUEST = """
    set -eu
    ip netns add guest
    ip link add tap-guest type veth peer name eth0 netns guest
    ip link set tap-guest master "$1" up
    ip -n guest address add "$2" dev eth0
    ip -n guest link set eth0 up
    ip -n guest route add default via "$3"
"""


def _folder() -> Path:
    used = os.environ.get("HOSTED_ENGINE_LAB", "/var/lib/hosted-engine-lab")
    return Path(f"{used}-selftest")


def _running(word: str) -> list[Path]:
    """Processes with that word in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word in path.read_bytes().decode(errors="replace").split("\0"):
                found.append(path)
    return found


@pytest.fixture(scope="module")
def lab() -> Iterator[Run]:
    """The lab's command, for two new hosts; the cache is the machine's."""
    used = Path(os.environ.get("HOSTED_ENGINE_LAB", "/var/lib/hosted-engine-lab"))
    environment = os.environ | {
        "HOSTED_ENGINE_CACHE": os.environ.get("HOSTED_ENGINE_CACHE", f"{used}/cache"),
        "HOSTED_ENGINE_LAB": str(_folder()),
    }

    def run(*argv: str, input: str = "", check: bool = True) -> str:
        done = subprocess.run(
            [LAB, *argv],
            input=input,
            capture_output=True,
            text=True,
            timeout=900,
            env=environment,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout if check else f"{done.returncode} {done.stdout}{done.stderr}"

    run("destroy")
    run("up", "--hosts", "2")
    yield run
    run("destroy")


def test_host_is_up_with_its_services(lab: Run) -> None:
    assert lab("exec", "hv1", "systemctl", "is-system-running") == "running\n"
    assert "QEMU" in lab("exec", "hv1", "virsh", "version")
    assert lab("exec", "hv1", "firewall-cmd", "--state") == "running\n"
    assert "libvirt" in lab("exec", "hv1", "firewall-cmd", "--get-zones").split()
    assert "hv1.lab.test" in lab("exec", "hv1", "salt-call", "--local", "grains.get", "id")
    scanned = lab("exec", "hv2", "ssh-keyscan", "-t", "ed25519", "hv1.lab.test")
    assert (
        scanned.split()[1:]
        == lab(
            "exec", "hv1", "cut", "-d", " ", "-f1,2", "/etc/ssh/ssh_host_ed25519_key.pub"
        ).split()
    )


@pytest.mark.parametrize(
    "command",
    [
        "cat /etc/machine-id",
        "hostname",
        "cat /etc/ssh/ssh_host_ed25519_key.pub",
        "virsh capabilities | grep '<uuid>'",
        "cat /sys/class/net/host0/address",
        "salt-call --local --out=txt config.get id",
    ],
)
def test_hosts_differ_in(lab: Run, command: str) -> None:
    first, second = (lab("exec", host, "sh", "-c", command) for host in ("hv1", "hv2"))

    assert first
    assert first != second


def test_exec_passes_input_and_exit_code_on(lab: Run) -> None:
    assert lab("exec", "hv1", "cat", input="over there") == "over there"
    assert lab("exec", "hv1", "sh", "-c", "exit 7", check=False) == "7 "
    assert "is no lab host" in lab("exec", "nas", "true", check=False)


def test_packages_come_from_the_lab_alone(lab: Run) -> None:
    lab("exec", "hv1", "apt-get", "update")

    sources = lab("exec", "hv1", "apt-cache", "policy")

    assert "file:/srv/repository" in sources
    assert "http" not in sources


def test_storage_looks_exported(lab: Run) -> None:
    mounted = lab("exec", "hv1", "findmnt", "--noheadings", "--output", "SOURCE", EXPORT)

    assert mounted == "nas.lab.test:/exports/engine1\n"
    assert lab("exec", "hv1", "stat", "-c", "%u:%g %a", EXPORT) == "36:36 755\n"


def test_destroy_takes_all_of_a_host_whose_start_was_killed(lab: Run) -> None:
    """It boots, and nothing says yet that it is made: what a kill between the two leaves."""
    lab("up", "hv3")
    folder = _folder() / "hosts/hv3"
    (folder / "layers").unlink()
    (folder / "root/srv/further").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", folder / "root/srv/further"], check=True)

    lab("destroy", "hv3")

    assert str(folder) not in Path("/proc/mounts").read_text()
    assert not _running(f"--directory={folder}/root")
    assert not folder.exists()
    assert lab("exec", "hv1", "hostname") == "hv1.lab.test\n"


@pytest.fixture
def kernels(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the network of a lab's hosts with kernels, as a killed test leaves one."""
    space = f"{tmp_path.name}-uml"
    subprocess.run(["ip", "netns", "add", space], check=True)
    process = subprocess.Popen(["ip", "netns", "exec", space, "sleep", "600"])
    yield process
    process.kill()
    subprocess.run(["ip", "netns", "delete", space], check=False, capture_output=True)


@pytest.mark.parametrize("used", [True, False])
def test_destroy_ends_hosts_with_kernels_unless_a_test_uses_them(
    used: bool, tmp_path: Path, kernels: subprocess.Popen[bytes]
) -> None:
    environment = os.environ | {"HOSTED_ENGINE_LAB": str(tmp_path)}

    with (tmp_path / "kernel.lock").open("a") as lock:
        if used:
            fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([LAB, "destroy"], env=environment, check=True)

    assert (kernels.poll() is None) is used
    assert Path("/run/netns", f"{tmp_path.name}-uml").exists() is used


def test_gluster_is_mounted_by_its_own_client(lab: Run) -> None:
    lab("gluster", "engine1")
    lab("exec", "hv1", "apt-get", "-qq", "update")
    lab("exec", "hv1", "apt-get", "-qq", "install", "glusterfs-client")

    lab("exec", "hv1", "mount", "-t", "glusterfs", "gluster.lab.test:/engine1", "/mnt")

    mounted = lab("exec", "hv1", "findmnt", "--noheadings", "--output", "SOURCE,FSTYPE", "/mnt")
    assert mounted.split() == ["gluster.lab.test:/engine1", "fuse.glusterfs"]
    assert lab("exec", "hv1", "stat", "-c", "%u:%g", "/mnt") == "36:36\n"
    direct = ["dd", "if=/dev/zero", "of=/mnt/x", "bs=512", "count=1", "oflag=direct"]
    lab("exec", "hv1", "setpriv", "--reuid=36", "--regid=36", "--clear-groups", *direct)
    lab("exec", "hv1", "umount", "/mnt")


def test_target_is_discovered_with_chap_alone(lab: Run) -> None:
    lab("exec", "hv1", "apt-get", "-qq", "update")
    lab("exec", "hv1", "apt-get", "-qq", "install", "open-iscsi")
    lab("exec", "hv1", "sh", "-c", "cat > /etc/iscsi/iscsid.conf", input=DISCOVERY)
    discover = ["iscsiadm", "-m", "discovery", "-t", "sendtargets", "-p", "10.77.0.1:3260"]

    found = lab("exec", "hv1", *discover).splitlines()
    lab("exec", "hv1", "rm", "/etc/iscsi/iscsid.conf")

    assert f"10.77.0.1:3260,1 {target('engine1')}" in found
    assert lab("exec", "hv1", *discover, check=False).startswith("24 ")


def test_hosts_see_each_others_direct_writes(lab: Run) -> None:
    write = f"head -c 4096 /dev/urandom | dd of={EXPORT}/block bs=4096 oflag=direct iflag=fullblock"
    lab("exec", "hv1", "sh", "-c", write)

    sums = [lab("exec", host, "sha256sum", f"{EXPORT}/block") for host in ("hv1", "hv2")]

    assert lab("exec", "hv2", "stat", "-c", "%s", f"{EXPORT}/block") == "4096\n"
    assert sums[0] == sums[1]


@pytest.mark.parametrize("lock", ["flock", "fcntl"])
def test_lock_of_one_host_binds_the_other(lab: Run, lock: str) -> None:
    call = "fcntl.flock" if lock == "flock" else "fcntl.lockf"
    take = (
        f"import fcntl; f = open('{EXPORT}/{lock}', 'a'); {call}(f, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    hold = f"{take}; print('held', flush=True); import time; time.sleep(60)"
    start = ["systemd-run", "--quiet", "--unit", lock, "--property", "Type=exec"]
    lab("exec", "hv1", *start, "sh", "-c", f'python3 -c "{hold}" > /run/{lock}')
    lab("exec", "hv1", "timeout", "10", "sh", "-c", f"until grep -q held /run/{lock}; do :; done")

    assert "BlockingIOError" in lab("exec", "hv2", "python3", "-c", take, check=False)
    lab("exec", "hv1", "systemctl", "stop", lock)
    lab("exec", "hv2", "python3", "-c", take)


def test_guest_behind_nat_reaches_the_lab(lab: Run) -> None:
    network = (
        "<network><name>nat</name><forward mode='nat'/>"
        "<bridge name='virbr-nat' stp='off' delay='0'/>"
        "<ip address='192.168.222.1' prefix='24'/></network>"
    )
    lab("exec", "hv1", "virsh", "net-create", "/dev/stdin", input=network)
    guest = ["virbr-nat", "192.168.222.10/24", "192.168.222.1"]
    lab("exec", "hv1", "sh", "-c", GUEST, "sh", *guest)

    # Only the lab's name server knows engines; the guest asks it from its own address.
    ask = ["ip", "netns", "exec", "guest", "getent", "hosts", "engine1.lab.test"]
    assert lab("exec", "hv1", *ask).split()[0] == "10.77.0.101"


def test_guest_on_the_management_bridge_is_reached_from_elsewhere(lab: Run) -> None:
    move = """
        set -eu
        ip link add ovirtmgmt type bridge forward_delay 0
        ip link set host0 master ovirtmgmt
        ip link set ovirtmgmt up
    """
    lab("exec", "hv2", "sh", "-c", move)
    lab("exec", "hv2", "sh", "-c", GUEST, "sh", "ovirtmgmt", "10.77.0.102/24", "10.77.0.1")

    lab("exec", "hv1", "ping", "-c1", "-W5", "10.77.0.102")


def test_power_cut_ends_everything_and_keeps_the_disk(lab: Run) -> None:
    lab("exec", "hv1", "systemd-run", "--quiet", "sleep", "1d")
    lab("exec", "hv1", "sh", "-c", "echo kept > /root/kept; sync; echo lost > /run/lost")
    before = lab("exec", "hv1", "systemctl", "show", "--property=UserspaceTimestampMonotonic")

    lab("crash", "hv1")

    assert "not running" in lab("exec", "hv1", "true", check=False)
    lab("up", "--hosts", "2")
    assert lab("exec", "hv1", "cat", "/root/kept") == "kept\n"
    assert lab("exec", "hv1", "test", "-e", "/run/lost", check=False) == "1 "
    assert lab("exec", "hv1", "pgrep", "sleep", check=False) == "1 "
    after = lab("exec", "hv1", "systemctl", "show", "--property=UserspaceTimestampMonotonic")
    assert before != after


def test_checkpoint_brings_disks_and_storage_back(lab: Run) -> None:
    lab("exec", "hv1", "sh", "-c", f"echo then > /etc/era; echo then > {EXPORT}/era; rm /etc/motd")
    lab("exec", "hv1", "fallocate", "-l", "4MiB", f"{EXPORT}/preallocated")
    lab("exec", "hv1", "dd", "of=" + LUN, "conv=notrunc", input="then")
    key = lab("exec", "hv1", "cat", "/etc/ssh/ssh_host_ed25519_key.pub")
    lab("checkpoint", "then")
    lab("exec", "hv1", "sh", "-c", f"echo now > /etc/era; rm {EXPORT}/era; touch /etc/motd")
    lab("exec", "hv1", "dd", "of=" + LUN, "conv=notrunc", input="now.")

    lab("restore", "then")

    assert lab("exec", "hv1", "cat", "/etc/era") == "then\n"
    assert lab("exec", "hv2", "cat", f"{EXPORT}/era") == "then\n"
    assert lab("exec", "hv2", "head", "-c4", LUN) == "then"
    assert lab("exec", "hv1", "test", "-e", "/etc/motd", check=False) == "1 "
    assert int(lab("exec", "hv1", "stat", "-c", "%b", f"{EXPORT}/preallocated")) * 512 >= 4 << 20
    assert lab("exec", "hv1", "cat", "/etc/ssh/ssh_host_ed25519_key.pub") == key
