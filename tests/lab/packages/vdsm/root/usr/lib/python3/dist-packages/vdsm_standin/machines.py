"""Guests: every libvirt domain of the host; vdsm's own carry its mark, others are external."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libvirt

from . import domain_xml, leases, volumes
from .configure import LOGIN, PASSWORD
from .errors import CannotCreateVM, NoSuchVM, VdsmError, VMExists

CONSOLE = "/var/log/libvirt/qemu/{name}-console.log"
OPEN_SECONDS = 20
# As often as vdsm asks libvirt; by VM: when, its CPU time then, the percent before.
SAMPLE_SECONDS = 15
SAMPLES: dict[str, tuple[float, int, float]] = {}
STATES = {
    libvirt.VIR_DOMAIN_RUNNING: "Up",
    libvirt.VIR_DOMAIN_BLOCKED: "Up",
    libvirt.VIR_DOMAIN_PAUSED: "Paused",
    libvirt.VIR_DOMAIN_SHUTDOWN: "Powering down",
    libvirt.VIR_DOMAIN_SHUTOFF: "Down",
    libvirt.VIR_DOMAIN_CRASHED: "Down",
}
libvirt.registerErrorHandler(lambda _context, _error: None, None)


def _credentials(wanted: list[list[Any]], _data: object) -> int:
    for credential in wanted:
        named = credential[0] == libvirt.VIR_CRED_AUTHNAME
        credential[4] = LOGIN if named else PASSWORD.read_text().strip()
    return 0


def _open() -> libvirt.virConnect:
    kinds = [libvirt.VIR_CRED_AUTHNAME, libvirt.VIR_CRED_PASSPHRASE]
    deadline = time.monotonic() + OPEN_SECONDS
    while True:
        try:
            return libvirt.openAuth("qemu:///system", [kinds, _credentials, None], 0)
        except libvirt.libvirtError as err:
            # libvirtd restarts now and then under our feet; a refused login is final.
            final = err.get_error_code() == libvirt.VIR_ERR_AUTH_FAILED
            if final or time.monotonic() > deadline:
                raise VdsmError(f"libvirt: {err}") from err
            time.sleep(0.3)


@contextlib.contextmanager
def _connection() -> Iterator[libvirt.virConnect]:
    connection = _open()
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def _domain(vm_id: str) -> Iterator[libvirt.virDomain]:
    with _connection() as connection:
        try:
            domain = connection.lookupByUUIDString(vm_id)
        except libvirt.libvirtError as err:
            raise NoSuchVM({"vmId": vm_id}) from err
        yield domain


def _facts(domain: libvirt.virDomain) -> dict[str, Any]:
    try:
        domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, domain_xml.OVIRT)
        external = False
    except libvirt.libvirtError:
        external = True
    return {
        "vmId": domain.UUIDString(),
        "vmName": domain.name(),
        "status": STATES.get(domain.state()[0], "Unknown"),
        "external": external,
        "memSize": domain.maxMemory() // 1024,
    }


def listed(**_others: object) -> list[dict[str, Any]]:
    """Every domain: id, name, status, memory in MiB, whether it is external (not vdsm's)."""
    found = []
    with _connection() as connection:
        for domain in connection.listAllDomains():
            # It may be gone since it was listed.
            with contextlib.suppress(libvirt.libvirtError):
                found.append(_facts(domain))
    return sorted(found, key=lambda facts: facts["vmName"])


def emulated() -> list[str]:
    """Machine types that this host runs: QEMU's, and EL's, for which another one is taken."""
    with _connection() as connection:
        return domain_xml.host_facts(connection.getCapabilities())[1] + domain_xml.EL_MACHINES


def stats(vmID: str, **_others: object) -> dict[str, Any]:
    """One domain's facts, and the percent of one CPU that it used since it was last looked at."""
    with _domain(vmID) as domain:
        return _facts(domain) | _cpu_use(vmID, domain.info()[4])


def _cpu_use(vm_id: str, nanoseconds: int) -> dict[str, str]:
    """Vdsm's two figures; all of it is in the first."""
    now = time.monotonic()
    since, before, percent = SAMPLES.get(vm_id, (now, nanoseconds, 0.0))
    if now - since >= SAMPLE_SECONDS:
        percent = max(0.0, (nanoseconds - before) / (now - since) / 1e7)
        since, before = now, nanoseconds
    SAMPLES[vm_id] = (since, before, percent)
    return {"cpuUser": f"{percent:.2f}", "cpuSys": "0.00"}


def create(vmID: str, vmParams: dict[str, Any], **_others: object) -> dict[str, Any]:
    """
    Start a guest, transient as all of vdsm's are, holding the lease of each exclusive disk.

    Raises VMExists, or CannotCreateVM: no such volume, lease held by another host, QEMU's words.
    Without ``xml`` it's a KeyError, as since vdsm 4.40.12: only the OVF has it. What is started is
    made of vm.conf's other elements: the XML's machine, CPU and paths are EL's, not this host's.
    """
    if "xml" not in vmParams:
        raise VdsmError("'xml'")
    if any(facts["vmId"] == vmID for facts in listed()):
        raise VMExists({"vmId": vmID})
    wanted: list[leases.Lease] = []

    def prepare(device: dict[str, Any]) -> tuple[str, str]:
        arguments = {key: device[key] for key in ("imageID", "volumeID")}
        found = volumes.prepare(device["domainID"], **arguments)
        if device.get("shared") == "exclusive":
            (chain,) = found["imgVolumesInfo"]
            wanted.append(leases.Lease.of(chain))
        return found["info"]["type"], found["path"]

    try:
        with _connection() as connection:
            domain_type, machines = domain_xml.host_facts(connection.getCapabilities())
            log = CONSOLE.format(name=vmParams["vmName"])
            xml = domain_xml.build(vmParams, domain_type, machines, prepare, log)
            if leases.by_libvirt():
                connection.createXML(leases.add(xml, wanted))
            else:
                _start_holding(connection, xml, wanted)
    except (libvirt.libvirtError, leases.SanlockException, VdsmError, OSError, KeyError) as err:
        print(f"VM {vmID} did not start: {err!r}", file=sys.stderr, flush=True)
        raise CannotCreateVM(str(err)) from err
    return {"vmId": vmID, "status": "WaitForLaunch"}


def _start_holding(connection: libvirt.virConnect, xml: str, wanted: list[leases.Lease]) -> None:
    """Take the leases for QEMU before its first instruction, as libvirt's plugin does."""
    domain = connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
    try:
        leases.acquire(wanted, int(Path(f"/run/libvirt/qemu/{domain.name()}.pid").read_text()))
        domain.resume()
    except Exception:
        domain.destroy()
        raise


def destroy(vmID: str, **_others: object) -> None:
    """Power a guest off."""
    with _domain(vmID) as domain, contextlib.suppress(libvirt.libvirtError):
        domain.destroy()


def shutdown(vmID: str, **_others: object) -> None:
    """Press a guest's power button."""
    with _domain(vmID) as domain:
        domain.shutdown()
