"""
HA's lockspace as the formula makes it, before the real sanlock of Debian, with real lease times.

The lab's hosts have a stand-in. Each daemon here is a host of its own: its own /run, one storage.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ovirt_he.ha import sanlock
from ovirt_he.host import volume

pytestmark = pytest.mark.extensive

SHIM = Path(__file__).parents[1] / "lab/sanlock/unlimited.c"
PACKAGES = ("sanlock", "libsanlock1", "libsanlock-client1")
# Taking a host id means watching the storage for two times io_timeout (10 s), and some.
SECONDS = 120
VDSM, KVM = 36, 36


class Sanlock:
    """Debian's sanlock, unpacked in a folder; nothing is installed on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.volume = folder, folder / "nas:_engine" / "lockspace"
        self.program = folder / "root/usr/sbin/sanlock"
        self.environment = os.environ | {
            "LD_LIBRARY_PATH": str(next(iter((folder / "root/usr/lib").glob("*-linux-gnu")))),
        }
        self.volume.parent.mkdir()
        with self.volume.open("wb") as made:
            made.truncate(sanlock.BYTES)
        os.chown(self.volume, VDSM, KVM)

    def direct(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """As vdsm, as the product does it."""
        command = [*volume.AS_VDSM, self.program, "direct", *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )

    def on(self, host: str, *script: str) -> subprocess.CompletedProcess[str]:
        """Commands beside a daemon of their own, which ends with them."""
        daemon = f"{self.program} daemon -w 0 -l 0 -h 0 -U root -G root -e {host}"
        lines = [
            "mount -t tmpfs none /run && mkdir /run/sanlock",
            f"LD_PRELOAD={self.folder}/unlimited.so {daemon}",
            "sleep 1",
            *(f"{self.program} client {words}" for words in script),
        ]
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        return subprocess.run(
            [*alone, "sh", "-c", "\n".join(lines)],
            env=self.environment, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    def host_id(self, number: int) -> str:
        place = sanlock.place(self.volume)
        return "'" + place.replace(":0:", f":{number}:", 1) + "'"


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Sanlock]:
    # Not pytest's own folder: vdsm can't pass it.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        _run(folder, "apt-get", "download", *PACKAGES)
        for package in folder.glob("*.deb"):
            _run(folder, "dpkg-deb", "-x", str(package), "root")
        _run(folder, "gcc", "-shared", "-fPIC", "-o", "unlimited.so", str(SHIM), "-ldl")
        yield Sanlock(folder)


def test_it_makes_the_lockspace_as_the_formula_asks_for_it(daemon: Sanlock) -> None:
    made = daemon.direct("init", "-s", sanlock.place(daemon.volume))

    assert (made.returncode, made.stdout.strip()) == (0, "init done 0")
    assert sanlock.name(daemon.volume) == sanlock.LOCKSPACE


def test_hosts_take_their_ids_in_it(daemon: Sanlock) -> None:
    own = daemon.host_id(1)
    taken = daemon.on("hv1", f"add_lockspace -s {own}", "status")
    assert "add_lockspace done 0" in taken.stdout, taken.stdout + taken.stderr
    assert f"s {sanlock.LOCKSPACE}:1:" in taken.stdout

    # hv1 is gone without releasing it, as in a power cut: its record stays and stops no other host.
    other = daemon.on("hv2", f"add_lockspace -s {daemon.host_id(2)}", "status")
    assert "add_lockspace done 0" in other.stdout, other.stdout + other.stderr

    seen = daemon.direct("dump", sanlock.place(daemon.volume).split(":0:", 1)[1].removesuffix(":0"))
    assert "hv1" in seen.stdout
    assert "hv2" in seen.stdout
