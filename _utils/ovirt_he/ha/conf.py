"""
The files that the HA agent and broker read: where they are, their keys and texts.

A value is *ours* where any other one would be wrong: ids, the name of the engine, the location of
the storage. Everything else (gateway, network test, mount options, mail, the fallback definition of
the VM …) is the operator's once it is written, who may change it by ``hosted-engine
--set-shared-config``. It is only written where it is missing.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from salt.exceptions import CommandExecutionError

from ovirt_he.core import records
from ovirt_he.host.vdsm_storage import NO_UUID
from ovirt_he.pillar import storage

Settings = Mapping[str, Any]
Ids = Mapping[str, Any]

HOSTED_ENGINE, VM, BROKER = "hosted-engine.conf", "vm.conf", "broker.conf"
VERSION, ANSWERS = "version", "fhanswers.conf"
# The first member's first sector names the VM, which identifies a half-written archive.
MEMBERS = (VM, BROKER, VERSION, ANSWERS, HOSTED_ENGINE)

CONFIGURATION = Path("/etc/ovirt-hosted-engine/hosted-engine.conf")
VDSM_KVM = (36, 36)
RUN_VM_CONF = Path("/run/ovirt-hosted-engine-ha/vm.conf")
AGAIN = "salt-call --local state.apply hosted_engine.handover writes it again"
# As the agent's own documentation writes it.
VM_CONF_PATH = "/var/run/ovirt-hosted-engine-ha/vm.conf"


class Disk(NamedTuple):
    """One of the four disks: its name in the engine, and the keys of its image and volume."""

    name: str
    keys: tuple[str, str]  # in hosted-engine.conf
    answers: tuple[str, str]  # in fhanswers.conf, group STORAGE


DISKS = {
    "vm": Disk("he_virtio_disk", ("vm_disk_id", "vm_disk_vol_id"), ("imgUUID", "volUUID")),
    "metadata": Disk(
        "he_metadata",
        ("metadata_image_UUID", "metadata_volume_UUID"),
        ("metadataImageUUID", "metadataVolumeUUID"),
    ),
    "lockspace": Disk(
        "he_sanlock",
        ("lockspace_image_UUID", "lockspace_volume_UUID"),
        ("lockspaceImageUUID", "lockspaceVolumeUUID"),
    ),
    "configuration": Disk(
        "HostedEngineConfigurationImage",
        ("conf_image_UUID", "conf_volume_UUID"),
        ("confImageUUID", "confVolUUID"),
    ),
}
OURS = {
    "fqdn",
    "vmid",
    "sdUUID",
    "spUUID",
    "host_id",
    "conf",
    "domainType",
    "storage",
    *storage.CONFIGURATION_KEYS,
    *(key for disk in DISKS.values() for key in disk.keys),
}

# A display and a video card for each protocol; SPICE's display has the name of its card.
DISPLAY = {"vnc": "vnc", "spice": "qxl"}
VIDEO = {"vnc": "vga", "spice": "qxl"}

# Characters that are special to bash in ``key=value``; Java's properties have no others.
SPECIAL = frozenset("\\\"'$`;&|<>()~")


def properties(text: str) -> dict[str, str]:
    """``key=value`` lines as HA reads them: split at the first ``=``, literal."""
    split = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, equals, value in split if equals}


def read() -> dict[str, str]:
    """
    hosted-engine.conf of this host; empty where it has none.

    Raises CommandExecutionError when it is there and can't be read.
    """
    return properties(records.read_file(CONFIGURATION))


def is_written() -> bool:
    """
    Whether HA is configured on this host. A package may bring an empty file, which doesn't count.

    Raises CommandExecutionError where that can't be determined.
    """
    try:
        return CONFIGURATION.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CommandExecutionError(
            f"Cannot determine whether this host is deployed: {CONFIGURATION}: {error}"
        ) from error


def host_id() -> int:
    """
    This host's id in HA.

    Raises CommandExecutionError where it has none.
    """
    return _host_id(read())


def _host_id(values: Mapping[str, str]) -> int:
    text = values.get("host_id", "")
    if not re.fullmatch(r"0*[1-9][0-9]*", text):
        raise CommandExecutionError(
            f"{CONFIGURATION} lacks a usable host_id (a number from 1 on): it is {text!r}. {AGAIN}"
        )
    return int(text)


def ids(values: Mapping[str, str]) -> dict[str, Any]:
    """
    The ids in hosted-engine.conf, each disk's image and volume among them.

    Raises CommandExecutionError where one is missing, or ``host_id`` is no number from 1 on.
    """
    disks = {role: disk.keys for role, disk in DISKS.items()}
    keys = ("vmid", "sdUUID", *(key for pair in disks.values() for key in pair))
    if missing := [key for key in keys if not values.get(key)]:
        raise CommandExecutionError(f"{CONFIGURATION} lacks {', '.join(missing)}. {AGAIN}")
    return {
        "vm_id": values["vmid"],
        "storage_domain": values["sdUUID"],
        "host_id": _host_id(values),
        "disks": {
            role: {"image": values[image], "volume": values[volume]}
            for role, (image, volume) in disks.items()
        },
    }


def unreadable(value: str) -> str | None:
    """
    Why the three readers of hosted-engine.conf read ``value`` differently; None: they don't.

    They are HA (Python, literal), the ``hosted-engine`` command (bash, sourced) and older engines
    (Java properties).

    >>> unreadable("nas.example.com:/exports/engine") is None
    True
    >>> unreadable("a b")
    "' ' is read differently by the readers of hosted-engine.conf"
    """
    for character in value:
        if character in SPECIAL or not "!" <= character <= "~":
            return f"{character!r} is read differently by the readers of {HOSTED_ENGINE}"
    if value.startswith("#"):
        return f"'#' at the start is read differently by the readers of {HOSTED_ENGINE}"
    return None


def unreadable_settings(settings: Settings) -> list[str]:
    """One sentence for each pillar key that hosted-engine.conf's readers read differently."""
    keys = {
        "engine": ("fqdn",),
        "network": ("name", "gateway", "tcp_address"),
        "storage": ("address", "path", "mount_options", "target", "user"),
    }
    return [
        f"hosted_engine:{group}:{key}: {reason}"
        for group, names in keys.items()
        for key in names
        if (reason := unreadable(str(settings[group][key] or "")))
    ]


def connection_uuid(settings: Settings) -> str:
    """A UUID that stays the same: it is derived from the connection."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, storage.identifier(settings["storage"])))


def hosted_engine_conf(settings: Settings, ids: Ids, gateway: str, password: str = "") -> str:
    """
    The text of hosted-engine.conf; ``gateway`` is what HA pings.

    ``password`` is that of the iSCSI session: HA logs in by itself.
    """
    network, place = settings["network"], settings["storage"]
    values = {
        "fqdn": settings["engine"]["fqdn"],
        "vmid": ids["vm_id"],
        "sdUUID": ids["storage_domain"],
        "spUUID": NO_UUID,
        "host_id": ids["host_id"],
        "conf": VM_CONF_PATH,
        **storage.configuration(place, password),
        "nfs_version": place["nfs_version"],
        "mnt_options": place["mount_options"],
        "connectionUUID": connection_uuid(settings),
        "gateway": gateway,
        "bridge": network["name"],
        "network_test": network["test"],
        "tcp_t_address": network["tcp_address"],
        "tcp_t_port": network["tcp_port"] or "",
        "console": DISPLAY[settings["vm"]["graphics"]],
        "vdsm_use_ssl": "true",
    }
    for role, disk in DISKS.items():
        image, volume = disk.keys
        values[image] = ids["disks"][role]["image"]
        values[volume] = ids["disks"][role]["volume"]
    return "".join(f"{key}={value}\n" for key, value in values.items())


def vm_conf(settings: Settings, ids: Ids) -> str:
    """The VM's fallback definition, until the agent finds the OVF on the storage."""
    vm, disk = settings["vm"], ids["disks"]["vm"]

    def device(name: str) -> str:
        return str(uuid.uuid5(uuid.UUID(ids["vm_id"]), name))

    lines = [
        f"vmId={ids['vm_id']}",
        # Second line, so that the first sector also identifies the deployment.
        f"devices={{{_disk(ids['storage_domain'], disk, vm['disk_format'])}}}",
        f"vmName={vm['name']}",
        f"memSize={vm['memory_mib']}",
        f"smp={vm['cpus']}",
        f"maxVCpus={vm['cpus']}",
        f"cpuType={ids.get('cpu_type') or ''}",
        f"emulatedMachine={vm['machine'] or ids.get('emulated_machine') or ''}",
        f"display={DISPLAY[vm['graphics']]}",
        "devices={device:cdrom,type:disk,index:2,iface:sata,readonly:true,shared:false,path:,"
        f"specParams:{{}},deviceId:{device('cdrom')}}}",
        "devices={device:scsi,model:virtio-scsi,type:controller}",
        f"devices={{device:bridge,type:interface,nicModel:pv,macAddr:{vm['mac']},linkActive:true,"
        f"network:{settings['network']['name']},specParams:{{}},deviceId:{device('nic')}}}",
        f"devices={{device:console,type:console,specParams:{{}},deviceId:{device('console')}}}",
        f"devices={{device:{VIDEO[vm['graphics']]},alias:video0,type:video}}",
        f"devices={{device:{vm['graphics']},type:graphics}}",
        "devices={device:virtio,type:rng,model:virtio,specParams:{source:urandom}}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _disk(domain: str, disk: Ids, form: str) -> str:
    image, volume = disk["image"], disk["volume"]
    return (
        f"device:disk,type:disk,imageID:{image},volumeID:{volume},domainID:{domain},"
        f"poolID:{NO_UUID},index:0,iface:virtio,format:{form},bootOrder:1,shared:exclusive,"
        "readonly:false,optional:false,propagateErrors:off,specParams:{},"
        f"deviceId:{image}"
    )


def broker_conf(settings: Settings) -> str:
    """Mail settings; INI with interpolation, so ``%`` is doubled."""
    mail = settings["notification"]
    values = {key: str(mail[key]).replace("%", "%%") for key in mail if key != "destinations"}
    destinations = ",".join(mail["destinations"]).replace("%", "%%")
    return (
        "[email]\n"
        f"smtp-server = {values['smtp_server']}\n"
        f"smtp-port = {values['smtp_port']}\n"
        f"source-email = {values['source']}\n"
        f"destination-emails = {destinations}\n"
        "\n[notify]\n"
        f"state_transition = {values['state_transition']}\n"
    )
