"""
vm.conf: ``key=value`` lines, with ``devices={key:value,…}`` as often as there are devices.

Read as HA reads it: all white space goes, a ``#`` ends the line; values may be ``{…}`` themselves.
"""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path
from typing import Any

REQUIRED = ("vmId", "vmName", "memSize", "smp")
DISK_KEYS = ("imageID", "volumeID", "domainID")


class VmConfError(Exception):
    """No VM can be made of it, and why."""


def parse(text: str) -> dict[str, Any]:
    """Read vm.conf. Raises VmConfError for a line or device that isn't one."""
    parameters: dict[str, Any] = {"devices": []}
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"\s", "", raw).split("#", 1)[0]
        if not line:
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise VmConfError(f"vm.conf, line {number}: no '=' in {line}")
        if key == "devices":
            parameters["devices"].append(_device(value, number))
        else:
            parameters[key] = value
    return parameters


def _device(text: str, number: int) -> dict[str, Any]:
    value, rest = _value(text, number)
    if rest or not isinstance(value, dict):
        raise VmConfError(f"vm.conf, line {number}: {text} is no device")
    return value


def _value(text: str, number: int) -> tuple[Any, str]:
    """The value at the start of ``text``, and what follows it."""
    if not text.startswith("{"):
        match = re.match(r"[^,{}]*", text)
        assert match
        return match.group(), text[match.end() :]
    found: dict[str, Any] = {}
    rest = text[1:]
    while not rest.startswith("}"):
        key, colon, rest = rest.partition(":")
        if not colon or not re.fullmatch(r"\w+", key):
            raise VmConfError(f"vm.conf, line {number}: no key:value at {key}")
        found[key], rest = _value(rest, number)
        if rest.startswith(","):
            rest = rest[1:]
        elif not rest.startswith("}"):
            raise VmConfError(f"vm.conf, line {number}: a brace is open")
    return found, rest[1:]


def check(parameters: dict[str, Any], vm_id: str) -> None:
    """Raise VmConfError unless a VM with that id, a boot disk and a NIC can be made of it."""
    for key in REQUIRED:
        if not parameters.get(key):
            raise VmConfError(f"vm.conf has no {key}")
    if parameters["vmId"] != vm_id:
        raise VmConfError(f"vm.conf is of VM {parameters['vmId']}, hosted-engine.conf of {vm_id}")
    if not parameters["memSize"].isdecimal() or not parameters["smp"].isdecimal():
        raise VmConfError(f"memSize={parameters['memSize']}, smp={parameters['smp']}: no numbers")
    devices = parameters["devices"]
    disks = [at for at in devices if (at.get("type"), at.get("device")) == ("disk", "disk")]
    if not disks:
        raise VmConfError("vm.conf has no boot disk")
    for disk in disks:
        if missing := [key for key in DISK_KEYS if not disk.get(key)]:
            raise VmConfError(f"a disk of vm.conf has no {', '.join(missing)}")
    nics = [at for at in devices if at.get("type") == "interface"]
    if not all(nic.get("macAddr") and nic.get("network") for nic in nics) or not nics:
        raise VmConfError("vm.conf has no NIC with macAddr and network")


def for_vdsm(parameters: dict[str, Any]) -> dict[str, Any]:
    """What vdsm gets: the XML as text, where the OVF had one."""
    encoded = parameters.get("xmlBase64")
    return parameters | ({"xml": base64.b64decode(encoded).decode()} if encoded else {})


def render(parameters: dict[str, Any], source: str) -> str:
    """vm.conf as the agent writes it into /run, with a time stamp."""
    lines = [
        "# Editing the hosted engine VM is only possible via the manager UI/API",
        f"# This file was generated at {time.asctime()} from {source}",
        "",
    ]
    for key, value in parameters.items():
        if key != "devices":
            lines.append(f"{key}={value}")
    lines += [f"devices={_render(device)}" for device in parameters["devices"]]
    return "\n".join([*lines, ""])


def _render(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_render(inner)}" for key, inner in value.items()) + "}"
    return "" if value is None else str(value)


def write(path: Path, parameters: dict[str, Any], source: str) -> None:
    """Replace vm.conf, 0644."""
    temporary = path.with_suffix(".new")
    temporary.write_text(render(parameters, source))
    temporary.chmod(0o644)
    temporary.replace(path)
