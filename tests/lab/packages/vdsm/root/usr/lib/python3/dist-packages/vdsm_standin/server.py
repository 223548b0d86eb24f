"""vdsmd: the verbs, served on a unix socket."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from . import connections, leases, luns, machines, network, rpc, storage, volumes
from .errors import InvalidParameter, MethodNotFound

BROKER = "/run/ovirt-hosted-engine-ha/broker.socket"
HOSTED_ENGINE_CONF = Path("/etc/ovirt-hosted-engine/hosted-engine.conf")


def _memory_mib(name: str) -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{name}:"))


def packages() -> dict[str, dict[str, str]]:
    """Versions of what the engine asks for: Gluster's tool alone, where it's installed."""
    name = "glusterfs-cli"
    asked = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Version}", name]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    status, _, whole = said.partition(" ")
    version, _, release = whole.partition("-")
    return {name: {"version": version, "release": release}} if status == "installed" else {}


def capabilities(**_others: object) -> dict[str, Any]:
    """What the host is."""
    flags = Path("/proc/cpuinfo").read_text()
    bridge = network.running()
    return {
        "uuid": Path("/etc/vdsm/vdsm.id").read_text().strip(),
        "hostName": socket.getfqdn(),
        "kvmEnabled": "true" if " vmx " in flags or " svm " in flags else "false",
        "cpuCores": str(os.cpu_count()),
        "cpuThreads": str(os.cpu_count()),
        "memSize": str(_memory_mib("MemTotal")),
        "cpuModel": platform.processor() or platform.machine(),
        "software_version": "4.50.5",
        "packages2": packages(),
        "clusterLevels": ["4.6", "4.7", "4.8"],
        "emulatedMachines": machines.emulated(),
        "networks": {bridge: {"bridged": True, "iface": bridge}} if bridge else {},
    }


def stats(**_others: object) -> dict[str, Any]:
    """How the host does; ``network_ok``: management network, default route, both saved."""
    state = network.state()
    return {
        "network_ok": state["ok"],
        "network": state,
        "memAvailable": _memory_mib("MemAvailable"),
        "memFree": str(_memory_mib("MemAvailable")),
        "hostedEngine": hosted_engine(),
    }


def hosted_engine(**_others: object) -> dict[str, Any]:
    """What HA's broker says of this host; nothing active where it doesn't answer."""
    configured = HOSTED_ENGINE_CONF.is_file() and HOSTED_ENGINE_CONF.stat().st_size > 0
    facts = {
        "configured": configured,
        "active": False,
        "score": 0,
        "globalMaintenance": False,
        "localMaintenance": False,
    }
    if configured:
        try:
            facts |= rpc.call("local_stats", path=BROKER, timeout=3)
        except (OSError, rpc.RemoteError) as err:
            facts["reason"] = str(err)
    return facts


def save_network(**_others: object) -> bool:
    """Keep the running network over reboots."""
    network.save()
    return True


VERBS = {
    "Host.getCapabilities": capabilities,
    "Host.getStats": stats,
    "Host.getVMList": machines.listed,
    "Host.getHostedEngine": hosted_engine,
    "Host.getDeviceList": luns.listed,
    "Host.getStorageDomains": storage.listed,
    "Host.startMonitoringDomain": leases.start_monitoring,
    "Host.getStorageRepoStats": leases.monitored,
    "Host.setSafeNetworkConfig": save_network,
    "ISCSIConnection.discoverSendTargets": connections.discover,
    "StorageDomain.connect": connections.connect,
    "StorageDomain.disconnect": connections.disconnect,
    "StorageDomain.create": storage.create,
    "StorageDomain.format": storage.format_domain,
    "StorageDomain.getInfo": storage.info,
    "StorageDomain.getStats": storage.stats,
    "StorageDomain.getImages": volumes.images,
    "StorageDomain.getVolumes": volumes.volumes,
    "StoragePool.connectStorageServer": connections.connect_servers,
    "Volume.create": volumes.create,
    "Volume.getInfo": volumes.info,
    "Volume.write": volumes.write,
    "Image.prepare": lambda **arguments: {"path": volumes.prepare(**arguments)["path"]},
    "Image.teardown": volumes.teardown,
    "Image.delete": volumes.delete,
    "VM.create": machines.create,
    "VM.destroy": machines.destroy,
    "VM.shutdown": machines.shutdown,
    "VM.getStats": machines.stats,
}
# Storage changes one after the other, as the storage pool manager does them.
ONE_AT_A_TIME = threading.Lock()


def handle(verb: str, arguments: dict[str, Any]) -> Any:
    """Do one verb."""
    if verb not in VERBS:
        raise MethodNotFound({"method": verb})
    try:
        if verb.startswith(("Host.", "VM.")):
            return VERBS[verb](**arguments)
        with ONE_AT_A_TIME:
            return VERBS[verb](**arguments)
    except (TypeError, KeyError) as err:
        raise InvalidParameter(f"{verb}: {err}") from err


def main() -> None:
    """Serve until systemd says stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.umask(0o022)
    thread = rpc.listen(rpc.SOCKET, handle)
    rpc.notify_ready()
    thread.join()


if __name__ == "__main__":
    main()
