"""Ids of what the engine has made, and the records of a deployment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ovirt_he.core import records
from ovirt_he.core.errors import NotYet, Paused, Unreachable
from ovirt_he.engine import compatibility, connection
from ovirt_he.ha import conf
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError

__func_alias__ = {"records_": "records"}


def ids() -> dict[str, Any]:
    """
    ``vm_id``, ``host_id`` (the host's SPM id), ``storage_domain``, ``disks`` (``vm``,
    ``lockspace``, ``metadata``, ``configuration``: ``image`` and ``volume`` of each),
    and, where the engine knows them, ``cpu_type`` and ``emulated_machine``.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_deployment.ids

    On a deployed host whose engine doesn't answer they come from hosted-engine.conf. Raises NotYet
    where the engine hasn't made all of it.
    """
    if not __salt__["hosted_engine.deployed"]():
        return {**_of_engine(), "host_id": _host_id()}
    try:
        # The guest's database is no longer reachable; this host's id never changes.
        return {**_of_engine(), "host_id": _known_host_id()}
    except (Unreachable, Paused):
        return dict(__salt__["hosted_engine_config.ids"]())


def records_(everything: bool = False) -> list[str]:
    """
    Names of the records of a deployment in progress, or of all records of the formula.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_deployment.records everything=True
    """
    names = records.present(records.FIELDS if everything else records.IN_PROGRESS)
    return names + (["engine-ca"] if records.ca().exists() else [])


def finish() -> None:
    """
    Remove the records of a deployment in progress, that of the setup first: while it exists, a
    missing record of the copy means that there was none.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_deployment.finish

    Raises CommandExecutionError on a host that isn't deployed.
    """
    if not __salt__["hosted_engine.deployed"]():
        raise CommandExecutionError(
            "The deployment of this host isn't complete, and its records show its progress: "
            "continue with hosted_engine, or remove it with hosted_engine.clean"
        )
    _remove(records.IN_PROGRESS)


def forget() -> None:
    """
    Remove all records of a deployment.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_deployment.forget

    Raises CommandExecutionError where ``hosted_engine.clean`` is refused.
    """
    if refusal := __salt__["hosted_engine_clean.refusal"]():
        raise CommandExecutionError(refusal)
    _remove(records.FIELDS)


def _remove(names: Iterable[str]) -> None:
    for name in names:
        records.remove(name)
    records.ca().unlink(missing_ok=True)


def _of_engine() -> dict[str, Any]:
    pillar = settings.load(__pillar__, __grains__)
    vm = __salt__["ovirt_vm.get"](pillar["vm"]["name"])
    storage = pillar["storage"]["name"]
    domain = __salt__["ovirt_storage_domain.get"](storage)
    if vm is None or domain is None:
        raise NotYet("The engine has neither made its VM nor its storage yet")
    names = {role: disk.name for role, disk in conf.DISKS.items()}
    found = __salt__["ovirt_disk.get"](list(names.values()), storage)
    if missing := sorted(set(names.values()) - set(found)):
        raise NotYet(f"The engine hasn't made these disks yet: {', '.join(missing)}")
    return {
        "vm_id": vm["id"],
        "storage_domain": domain["id"],
        "disks": {
            role: {"image": found[name]["id"], "volume": found[name]["volume"]}
            for role, name in names.items()
        },
        **_hardware(pillar, vm["chipset"]),
    }


def _hardware(pillar: dict[str, Any], chipset: str) -> dict[str, str | None]:
    """CPU and machine that the cluster gives to a VM; None where this host supports none."""
    cluster = __salt__["ovirt_cluster.get"](pillar["cluster"]["name"])
    if cluster is None:
        raise NotYet(f"The cluster {pillar['cluster']['name']} isn't in the engine yet")
    cpus = _option("ServerCPUList", cluster["version"])
    machines = _option("ClusterEmulatedMachines", cluster["version"])
    supported = (__salt__["vdsm.call"]("Host", "getCapabilities") or {}).get("emulatedMachines")
    return {
        "cpu_type": _cpu(cpus, cluster["cpu"]),
        "emulated_machine": pillar["vm"]["machine"]
        or compatibility.machine(machines, supported, chipset),
    }


def _cpu(listed: str, name: str | None) -> str | None:
    """
    The libvirt model of a CPU type, from ``level:name:flags:model:architecture; …``.

    >>> _cpu("1:Intel Nehalem Family:vmx,nx:Nehalem:x86_64; ", "Intel Nehalem Family")
    'Nehalem'
    """
    for entry in listed.split(";"):
        fields = entry.strip().split(":")
        if len(fields) >= 4 and fields[1] == name:
            return fields[3]
    return None


def _option(name: str, version: str) -> str:
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        option = api.options_service().option_service(name).get(version=version)
        values = [value for value in option.values or [] if value.version == version]
        return str(values[0].value) if values else ""


def _host_id() -> int:
    """The host's SPM id, from the engine's database: no API has it."""
    name = settings.load(__pillar__, __grains__)["host"]["name"]
    quoted = name.replace("'", "''")
    rows = __salt__["hosted_engine_guest.sql"](
        f"SELECT vds_spm_id FROM vds WHERE vds_name='{quoted}'"  # noqa: S608
    )
    if not rows:
        raise NotYet(f"The host {name} isn't in the engine's database yet")
    return _number(rows[0][0], "vds_spm_id")


def _known_host_id() -> int:
    """From the record of the deployment; without one, from hosted-engine.conf."""
    if recorded := (records.read("deployment") or {}).get("host_id"):
        return int(recorded)
    return int(__salt__["hosted_engine_config.ids"]()["host_id"])


def _number(text: str, what: str) -> int:
    if not text.strip().isdigit() or int(text) < 1:
        raise CommandExecutionError(f"{what} is {text!r}: a number from 1 on is expected")
    return int(text)
