"""The bootstrap VM's definition, by what libvirt says that the host can run."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock
from xml.etree import ElementTree

import pytest
from ovirt_he.bootstrap import vm
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError

# libvirt's capabilities of a host that isn't x86_64: kvm for its own guests, emulation for others.
CAPABILITIES = """<capabilities>
  <guest><arch name='aarch64'><domain type='qemu'/><domain type='kvm'/></arch></guest>
  <guest><arch name='x86_64'><domain type='qemu'/></arch></guest>
</capabilities>"""


def definition(capabilities: str, emulation: bool) -> ElementTree.Element:
    pillar: dict[str, Any] = {"host": {"emulation": emulation}}
    known = settings.merge({"hosted_engine": pillar}, {"fqdn": "node1.example.com"})
    connection = Mock(spec=["getCapabilities"], **{"getCapabilities.return_value": capabilities})
    return ElementTree.fromstring(vm.definition(connection, known))


def test_kvm_of_another_architecture_does_not_count(monkeypatch):
    """The appliance is x86_64, whatever the host is."""
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(CommandExecutionError, match="offers no kvm"):
        definition(CAPABILITIES, emulation=False)

    assert definition(CAPABILITIES, emulation=True).get("type") == "qemu"


def test_the_architecture_that_is_asked_for_is_the_one_that_is_defined():
    made = definition(CAPABILITIES.replace("aarch64", "x86_64", 1), emulation=False)

    assert made.get("type") == "kvm"
    assert made.find("os/type").attrib == {"arch": "x86_64", "machine": "q35"}  # type: ignore[union-attr]
