"""The engine's appliance: where it comes from, and its image, checked and complete."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ovirt_he.bootstrap import image, vm
from ovirt_he.bootstrap.vm_files import identity
from ovirt_he.core import command, records
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError


def get(name: str, source: str = "", sha1: str = "") -> dict[str, Any] | None:
    """
    What is known of the image ``name``: its format, and whether it is complete; None: absent.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_appliance.get \\
            /var/lib/hosted-engine/bootstrap/appliance.qcow2

    ``complete``: written to its end, from the given ``source`` and with the given ``sha1``. Once
    the guest's setup is complete, its disk is based on the image, and the source no longer matters.
    """
    path = Path(name)
    seen = identity(path)
    if seen is None:
        return None
    made = records.read("appliance") or {}
    complete = made.get("image") == seen
    if complete and not vm.is_complete(_settings()):
        wanted, checksum = _origin(source, sha1)
        complete = made["source"] == wanted and checksum in ("", made["sha1"])
    with path.open("rb") as file:
        magic = file.read(len(image.QCOW2))
    return {"format": "qcow2" if magic == image.QCOW2 else "unknown", "complete": complete}


def info(name: str) -> dict[str, Any]:
    """
    What ``qemu-img info`` reports of an image, including ``virtual-size`` in bytes.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_appliance.info \\
            /var/lib/hosted-engine/bootstrap/appliance.qcow2

    Raises CommandExecutionError when it isn't a qcow2 that stands by itself.
    """
    image.virtual_size(Path(name))
    done = command.run("qemu-img", "info", "-U", "-f", "qcow2", "--output=json", name)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def extract(name: str, source: str = "", sha1: str = "") -> None:
    """
    Write the appliance's image to ``name``: in one pass, checked before it has that name.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_appliance.extract \\
            /var/lib/hosted-engine/bootstrap/appliance.qcow2 source=/srv/appliance.ova

    ``source``: a qcow2 or an OVA, a path or ``salt://``; empty: the installed package's. ``sha1``:
    its checksum; empty: the package's own, for the package's image.

    Raises CommandExecutionError when the source is missing, broken or hostile, when the checksum
    differs, when a guest's disk is based on the image already, and on a deployed host.
    """
    refuse_if_deployed(__salt__, f"Extracting the appliance to {name}")
    if vm.is_complete(_settings()):
        raise CommandExecutionError(
            f"{name} is missing or changed, but the bootstrap VM's disk is based on it. "
            "Start over: salt-call --local state.apply hosted_engine.clean"
        )
    origin, checksum = _origin(source, sha1)
    path = Path(name)
    for partial in path.parent.glob(f".{path.name}.*"):
        partial.unlink()
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CommandExecutionError(f"Extracting the appliance to {name}: {error}") from error
    try:
        with os.fdopen(descriptor, "wb") as target:
            seen = image.write(_local(origin), target)
            target.flush()
            os.fsync(target.fileno())
        if checksum and seen != checksum:
            raise CommandExecutionError(
                f"{origin}: its SHA-1 is {seen}, wanted is {checksum}. Fetch or install it again"
            )
        _check(Path(temporary), origin)
        # It holds no secret, and QEMU reads it as a user of its own.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    records.write("appliance", {"source": origin, "sha1": seen, "image": identity(path)})


def package() -> str | None:
    """
    The package that an appliance's image came with; None: no such image is installed.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_appliance.package
    """
    owners = [__salt__["pkg.owner"](path) for path, _ in image.images()]
    return next((str(owner) for owner in owners if owner), None)


def remove(package: str) -> None:
    """
    Remove the appliance's package; nothing that needs it goes with it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_appliance.remove ovirt-engine-appliance

    Raises CommandExecutionError on a host that isn't deployed yet, for a package that brought no
    image, and where another package needs it.
    """
    if not __salt__["hosted_engine.deployed"]():
        raise CommandExecutionError(f"{package} isn't removed: this host isn't deployed yet")
    if package != __salt__["hosted_engine_appliance.package"]():
        raise CommandExecutionError(f"{package} brought no appliance's image: it isn't removed")
    # Not by dnf or apt-get: these would take along what depends on it.
    erase = ("rpm", "--erase") if __grains__["os_family"] == "RedHat" else ("dpkg", "--remove")
    command.run(*erase, package, timeout=_settings()["timeouts"]["command"])


def _settings() -> settings.Settings:
    return settings.load(__pillar__, __grains__)


def _origin(source: str, sha1: str) -> tuple[str, str]:
    """The source, and the checksum that it must have; "": none is known."""
    if source:
        return source, sha1.lower()
    path, stated = image.installed()
    return path, sha1.lower() or stated


def _local(origin: str) -> Path:
    if not origin.startswith("salt://"):
        return Path(origin)
    cached = __salt__["cp.cache_file"](origin)
    if not cached:
        raise CommandExecutionError(f"appliance:source: the file server has no {origin}")
    return Path(cached)


def _check(path: Path, origin: str) -> None:
    """That qemu-img finds the image in order; leaked clusters (3) cost only space."""
    try:
        image.virtual_size(path)
        limit = _settings()["timeouts"]["copy"]
        command.run("qemu-img", "check", "-f", "qcow2", str(path), timeout=limit, codes=(0, 3))
    except CommandExecutionError as error:
        raise CommandExecutionError(f"The image from {origin} is broken: {error}") from error
