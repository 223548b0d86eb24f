"""The trees that hosts are clones of: Debian with libvirt, and one layer a Salt version on top."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import cache
from .run import LabError, run
from .settings import CACHE, CHECKOUT, SALT

HERE = Path(__file__).parent
LAB_PARTS = HERE.parent
SOURCES = [Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")]
SMALLER = ["doc", "man", "locale", "info"]


def build() -> None:
    """Build whatever isn't in the cache yet: roots and Salt beside appliance and packages."""
    # It's made of the layers, so it imports this module.
    from usermode import build as usermode

    run([HERE / "packages"])
    parts: list[Callable[[], object]] = [usermode.build, repository, wheelhouse]
    with ThreadPoolExecutor() as pool:
        for built in [pool.submit(part) for part in parts]:
            built.result()


def layers() -> list[Path]:
    """The folders that a host's root is made of, topmost first, for overlayfs."""
    salt = cache.cached(f"salt-{SALT}", cache.key(HERE / "salt-tree"), _salt, prune=False)
    return [salt / "tree", base() / "tree"]


def base() -> Path:
    """The folder with Debian's tree."""
    listed = (HERE / "root.packages").read_text().splitlines()
    packages = ",".join(line for line in listed if line and not line.startswith("#"))
    wanted = cache.key(packages, HERE / "customize-root")
    return cache.cached("root", wanted, lambda to: _root(to, packages), prune=False)


def _root(folder: Path, packages: str) -> None:
    sources = [path for path in SOURCES if path.is_file()]
    excludes = [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in SMALLER]
    options = ["--mode=root", "--variant=minbase", f"--include={packages}", *excludes]
    fast = ["--dpkgopt=force-unsafe-io", '--aptopt=APT::Install-Recommends "false"']
    hook = f"--customize-hook={HERE / 'customize-root'}"
    run(["mmdebstrap", *options, *fast, hook, "bookworm", folder / "tree", *sources])


def _salt(folder: Path) -> None:
    # The mount dies with its namespace, whatever happens to the installation.
    alone = ["unshare", "--mount", "--propagation=private"]
    run([*alone, HERE / "salt-tree", SALT, folder / "tree"])


def appliance() -> Path:
    """The folder with appliance.qcow2 and appliance.ova."""
    wanted = cache.key(LAB_PARTS / "appliance", LAB_PARTS / "engine")
    builder = LAB_PARTS / "appliance/build"
    return cache.cached("appliance", wanted, lambda folder: _run(builder, folder))


def repository() -> Path:
    """The package repository that hosts install from: .debs and their index."""
    image, packages = appliance(), debian()
    builder = LAB_PARTS / "packages/build"
    wanted = cache.key(LAB_PARTS / "packages", image.name, packages.name)
    disk = image / "appliance.qcow2"
    return cache.cached("repository", wanted, lambda folder: _run(builder, folder, disk, packages))


def debian() -> Path:
    """Debian's own packages that hosts install, with what a host's root lacks for them."""
    status = base() / "tree/var/lib/dpkg/status"
    fetch = LAB_PARTS / "packages/fetch"
    wanted = cache.key(fetch, LAB_PARTS / "packages/debian.packages", base().name)
    return cache.cached("debian", wanted, lambda folder: _run(fetch, folder, status))


def sanlock_preload() -> Path:
    """What Debian's sanlock is started with on a machine that lacks CAP_SYS_RESOURCE."""
    source = LAB_PARTS / "sanlock/unlimited.c"

    def compile(folder: Path) -> None:
        run(["gcc", "-shared", "-fPIC", "-o", folder / "unlimited.so", source, "-ldl"])

    return cache.cached("sanlock", cache.key(source), compile) / "unlimited.so"


def wheelhouse() -> Path:
    """Wheels of what the formula installs into Salt's Python, as a release has them."""
    parts = [CHECKOUT / "release" / name for name in ("wheelhouse.py", "libvirt_floor.py")]
    wanted = cache.key(CHECKOUT / "hosted_engine/files/requirements.txt", *parts)

    def fill(folder: Path) -> None:
        # Pythons that this machine lacks are no concern of the lab; its hosts' own is.
        build = [CHECKOUT / ".venv/bin/python", "-m", "release.wheelhouse", "--some", folder]
        run(build, env={"PYTHONPATH": str(CHECKOUT)})
        tag = run(["/usr/bin/python3", "-c", "import sys; print('cp%d%d' % sys.version_info[:2])"])
        if not list(folder.glob(f"libvirt_python-*-{tag.strip()}-*.whl")):
            told = (folder / "manifest.json").read_text()
            raise LabError(f"no wheels for the hosts' Python {tag.strip()}: {told}")

    return cache.cached("wheelhouse", wanted, fill)


def _run(builder: Path, *arguments: Path) -> None:
    try:
        run([builder, *arguments], env={"HOSTED_ENGINE_CACHE": str(CACHE)})
    except OSError as err:
        raise LabError(f"{builder} can't be run: {err}") from err
