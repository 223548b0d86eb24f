"""What the user-mode hosts are made of, built once and kept in the lab's cache."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from hosts import cache, root
from hosts.run import run

HERE = Path(__file__).parent
# A program's path of its dynamic linker can only be replaced by a shorter one.
LINK = Path("/run/hosted-engine-uml")
LINKER = "ld-linux-x86-64.so.2"


@dataclass(frozen=True)
class Parts:
    """The kernel's program, its libraries, the disk, the key that opens the hosts."""

    kernel: Path
    image: Path

    @property
    def program(self) -> list[str]:
        return ["env", f"LD_LIBRARY_PATH={self.kernel / 'lib'}", str(self.kernel / "linux")]

    @property
    def disk(self) -> Path:
        return self.image / "base.img"

    def ssh(self, address: str) -> list[str]:
        known = f"UserKnownHostsFile={self.image / 'known_hosts'}"
        options = (known, "StrictHostKeyChecking=yes", "BatchMode=yes", "ConnectTimeout=5",
                   "LogLevel=ERROR", "ServerAliveInterval=30")  # fmt: skip
        pairs = [word for option in options for word in ("-o", option)]
        return ["ssh", "-F", "none", "-i", str(self.image / "key"), *pairs, f"root@{address}"]


def build() -> Parts:
    """Fetch the kernel and make the disk, where the cache hasn't them."""
    wanted = cache.key(HERE / "fetch", HERE / "interpreter.py")
    kernel = cache.cached("user-mode-linux", wanted, _kernel)
    layers = root.layers()
    wanted = cache.key(HERE / "image", HERE / "packages.txt", HERE / "disabled.txt", HERE / "root",
                       str(layers), wanted)  # fmt: skip
    image = cache.cached("user-mode-disk", wanted, lambda to: _image(to, kernel, layers))
    return Parts(kernel, image)


def _kernel(folder: Path) -> None:
    run([HERE / "fetch", folder])
    run(["python3", HERE / "interpreter.py", folder / "linux", LINK / "ld"])


def _image(folder: Path, kernel: Path, layers: list[Path]) -> None:
    # What is mounted dies with the namespace, whatever happens.
    alone = ["unshare", "--mount", "--propagation=private"]
    run([*alone, HERE / "image", folder, kernel / "modules", *layers])


def link(parts: Parts) -> None:
    """The short path by which the kernel's program finds its linker."""
    LINK.mkdir(exist_ok=True)
    new = LINK / "ld.new"
    new.unlink(missing_ok=True)
    new.symlink_to(parts.kernel / "lib" / LINKER)
    shutil.move(new, LINK / "ld")
