"""The engine's disk and the HA metadata on the shared storage: filled once, before HA starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ovirt_he.bootstrap import image, vm_files
from ovirt_he.core import command, records
from ovirt_he.core.errors import NotYet
from ovirt_he.ha import metadata
from ovirt_he.host import guard, stage, systemd, volume
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError

# vdsm's names of formats, and qemu-img's.
IMAGE_FORMATS = {"raw": "raw", "cow": "qcow2"}
# systemd's states of a unit whose processes may still write.
RUNS = ("active", "activating", "reloading", "deactivating")


def get(disk: str) -> dict[str, Any]:
    """
    The state of a disk during the deployment: ``vm`` → copied, ``metadata`` → zeroed.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_disk.get metadata

    Copied means: according to the record, the bootstrap VM's disk in its current state (inode,
    size, time of its last change) was copied completely to this volume. Nothing is changed.

    Raises NotYet before the configuration is written.
    """
    ids = __salt__["hosted_engine_config.ids"]()
    if disk == "vm":
        return {"copied": records.read("copied") == _copy_of(_overlay(), ids)}
    where = ids["disks"]["metadata"]
    storage = settings.merge(__pillar__, __grains__)["storage"]
    path = volume.find(ids["storage_domain"], where["image"], where["volume"], storage)
    return {"zeroed": path is not None and _is_zero(path)}


def copy() -> None:
    """
    Copy the bootstrap VM's disk, flattened, onto the engine's disk on the shared storage, in the
    format that the engine made that disk in (``vm:disk_format``).

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_disk.copy

    Takes ``timeouts:copy`` seconds at most. An interrupted copy is repeated from the start.

    Raises CommandExecutionError where a VM may run on either disk, or where the target is too small
    or of another format.
    """
    ids = __salt__["hosted_engine_config.ids"]()
    source, target = _overlay(), prepare("vm")
    form = IMAGE_FORMATS[settings.merge(__pillar__, __grains__)["vm"]["disk_format"]]
    # This also checks qemu-img's lock: info fails while another process writes to the image.
    needed = _virtual_size(source)
    if (length := _room(target, form)) < needed:
        raise CommandExecutionError(
            f"{target} has {length} bytes, the appliance's disk has {needed}: "
            "raise hosted_engine:vm:disk_gib"
        )
    copied = _copy_of(source, ids)
    records.remove("copied")
    # -n keeps the engine's target with its virtual size; zeros are written as well, which repairs
    # an interrupted copy. -t none is direct I/O, aligned by qemu-img.
    _qemu_img(
        "convert", "-n", "-W", "-m", "8", "-T", "none", "-t", "none",
        "-f", "qcow2", "-O", form, str(source), str(target),
    )  # fmt: skip
    _allocate(target)
    command.run(*volume.AS_VDSM, "sync", str(target), timeout=_timeouts()["copy"])
    if _copy_of(source, ids) != copied:
        raise CommandExecutionError(f"{source} changed while it was copied: find out what uses it")
    records.write("copied", copied)


def _virtual_size(qcow2: Path) -> int:
    info = json.loads(_qemu_img("info", "-f", "qcow2", "--output=json", str(qcow2)))
    return int(info["virtual-size"])


def _room(target: Path, form: str) -> int:
    """Size of the target in bytes, which must have the pillar's format."""
    is_qcow2 = volume.read(target, volume.BLOCK).startswith(image.QCOW2)
    if is_qcow2 != (form == "qcow2"):
        raise CommandExecutionError(
            f"{target} is {'a' if is_qcow2 else 'no'} qcow2, hosted_engine:vm:disk_format wants "
            f"{form}: set it to the format of the engine's disk. Not written to"
        )
    return _virtual_size(target) if is_qcow2 else volume.size(target)


def _allocate(target: Path) -> None:
    """Preallocate the file again: qemu-img deallocates zeros."""
    sparse = settings.merge(__pillar__, __grains__)["vm"]["disk_sparse"]
    if sparse or volume.is_block_device(target):
        return
    argv = (*volume.AS_VDSM, "fallocate", "--length", str(volume.size(target)), str(target))
    done = command.run(*argv, timeout=_timeouts()["copy"], codes=(0, 1))
    # Storage without fallocate deallocated nothing either.
    if done.returncode and "not supported" not in done.stderr:
        raise CommandExecutionError(f"{' '.join(argv)}: {done.stderr.strip()}")


def clear_metadata() -> None:
    """
    Zero the HA metadata: everything that the broker reads.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_disk.clear_metadata

    Raises CommandExecutionError on a deployed host, or where the disk is too small.
    """
    volume.write(prepare("metadata"), bytes(metadata.BYTES))


def prepare(disk: str) -> Path:
    """
    Prepare a disk for writing, and return its path: ``vm``, ``metadata``, ``lockspace``.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_disk.prepare metadata

    Raises CommandExecutionError on a deployed host, where the engine's VM may run on any
    host, or where that can't be determined.
    """
    _refuse_where_the_engine_may_run()
    # Hosts that run the engine report it on the metadata disk. HA's commands only know what this
    # host's agent read, and none may run here.
    path = _prepare("metadata")
    if reasons := metadata.in_use(path):
        raise CommandExecutionError(
            f"The hosted engine's disks aren't written to: {'; '.join(reasons)}"
        )
    return path if disk == "metadata" else _prepare(disk)


def _prepare(disk: str) -> Path:
    ids = __salt__["hosted_engine_config.ids"]()
    where = ids["disks"][disk]
    path = __salt__["vdsm.prepare_image"](ids["storage_domain"], where["image"], where["volume"])
    return Path(path)


def _refuse_where_the_engine_may_run() -> None:
    guard.refuse_if_deployed(__salt__, "Writing to the hosted engine's disks")
    pillar = settings.load(__pillar__, __grains__)
    why = ""
    if stage.runs(pillar["vm"]["name"]):
        why = f"the VM {pillar['vm']['name']} runs here"
    elif stage.runs(pillar["bootstrap"]["name"]):
        why = f"the VM {pillar['bootstrap']['name']} still runs"
    elif systemd.active_state("ovirt-ha-agent") in RUNS:
        why = "ovirt-ha-agent is active: systemctl stop ovirt-ha-agent"
    if why:
        raise CommandExecutionError(f"The hosted engine's disks aren't written to: {why}")


def _overlay() -> Path:
    path = vm_files.of(settings.merge(__pillar__, __grains__)).disk
    if not path.exists():
        raise NotYet(f"{path} isn't there: hosted_engine.bootstrap makes it")
    return path


def _copy_of(source: Path, ids: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": vm_files.identity(source),
        "storage_domain": ids["storage_domain"],
        **ids["disks"]["vm"],
    }


def _qemu_img(*arguments: str) -> str:
    return command.run(
        *_as_vdsm_reading_all(),
        "qemu-img",
        *arguments,
        timeout=_timeouts()["copy"],
        advice="If a disk is in use, see which VM runs on it: virsh -r list. Then run again",
    ).stdout


def _as_vdsm_reading_all() -> list[str]:
    """The overlay and its backing image belong to root; the storage may only allow vdsm."""
    argv = [*volume.AS_VDSM[:-1]]
    argv += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    # A copy that survives a killed run would lock the disk of the VM that the next run starts.
    # EL 8's setpriv lacks that option.
    if "--pdeathsig" in command.run("setpriv", "--help").stdout:
        argv.append("--pdeathsig=KILL")
    return [*argv, "--"]


def _timeouts() -> dict[str, int]:
    return dict(settings.merge(__pillar__, __grains__)["timeouts"])


def _is_zero(path: Path) -> bool:
    return metadata.is_zero(volume.read(path, metadata.BYTES))
