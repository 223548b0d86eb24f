"""Importing the packages' programs as a host has them, and what their tests share."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = Path(__file__).parents[2] / "lab/packages"
VM = "11111111-2222-4333-8444-555555555555"
SD = "22222222-2222-4333-8444-555555555555"
IMAGE = "33333333-2222-4333-8444-555555555555"
VOLUME = "44444444-2222-4333-8444-555555555555"
BLANK = "00000000-0000-0000-0000-000000000000"
VM_CONF = f"""\
vmId={VM}
memSize=4096  # MiB
vmName=HostedEngine
smp=2
emulatedMachine=pc-q35-rhel8.6.0
devices={{index:0,iface:virtio,format:raw,poolID:{BLANK},volumeID:{VOLUME},imageID:{IMAGE},\
specParams:{{}},domainID:{SD},device:disk,shared:exclusive,type:disk,bootOrder:1,\
address:{{bus:0x00, slot:0x06, type:pci}}}}
devices={{nicModel:pv,macAddr:00:16:3e:12:34:56,network:ovirtmgmt,device:bridge,type:interface}}
devices={{device:vnc,type:graphics}}
"""


def standin(name: str) -> ModuleType:
    """A module of the packages' trees, as a host imports it."""
    for folder in PACKAGES.glob("*/root/usr/lib/python3/dist-packages"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    return importlib.import_module(name)


configuration = standin("hosted_engine_ha_standin.configuration")


def hosted_engine_conf(**changes: str | None) -> dict[str, str]:
    values = dict.fromkeys(configuration.UUIDS, SD)
    values |= {"vmid": VM, "spUUID": BLANK, "fqdn": "engine1.lab.test", "gateway": "10.77.0.1"}
    values |= {"bridge": "ovirtmgmt", "host_id": "1", "domainType": "nfs", "iqn": "", "user": ""}
    values |= {"conf": "/var/run/ovirt-hosted-engine-ha/vm.conf", "vdsm_use_ssl": "true"}
    values |= {"storage": "nas.lab.test:/exports/engine1", "console": "vnc"}
    changed = values | changes
    return {key: value for key, value in changed.items() if value is not None}


def facts(host_id: int = 1, **changes: Any) -> dict[str, Any]:
    engine = {"vm": "up", "health": "good", "detail": "Up"}
    found = {"host-id": host_id, "host-ts": 17, "score": 3400, "engine-status": engine}
    found |= {"hostname": f"hv{host_id}.lab.test", "maintenance": False, "stopped": False}
    found |= {
        "conf_on_shared_storage": True,
        "local_conf_timestamp": 16,
        "extra": "state=EngineUp\n",
    }
    return found | changes
