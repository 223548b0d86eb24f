"""Machine types: of the chipset that was asked for, from lists of any form."""

from __future__ import annotations

import pytest
from ovirt_he.engine import compatibility, vm_devices
from salt.exceptions import CommandExecutionError

REAL = "pc-q35-rhel9.6.0, pc-i440fx-rhel7.6.0, pseries-rhel8.5.0, s390-ccw-virtio-rhel9.4.0"


@pytest.mark.parametrize("listed", [REAL, f"[{REAL}]", REAL.replace(" ", ""), REAL.split(", ")])
@pytest.mark.parametrize(
    ("chipset", "supported", "machine"),
    [
        ("q35", None, "pc-q35-rhel9.6.0"),
        ("q35", [], "pc-q35-rhel9.6.0"),
        ("q35", ["pc-i440fx-rhel7.6.0", "pc-q35-rhel9.4.0"], None),
        ("q35", "pc-i440fx-rhel7.6.0, pc-q35-rhel9.6.0", "pc-q35-rhel9.6.0"),
        ("i440fx", ["pc-q35-rhel9.6.0", "pc-i440fx-rhel7.6.0"], "pc-i440fx-rhel7.6.0"),
    ],
)
def test_the_first_machine_of_a_chipset_that_the_host_has(listed, chipset, supported, machine):
    assert compatibility.machine(listed, supported, chipset) == machine


def test_no_list_no_machine():
    assert compatibility.machine("", ["pc-q35-rhel9.6.0"], "q35") is None


@pytest.mark.parametrize(
    ("firmware", "machine", "bios"),
    [
        ("uefi", "", "q35_ovmf"),
        ("bios", "pc-q35-rhel9.6.0", "q35_sea_bios"),
        ("bios", "pc-i440fx-2.12", "i440fx_sea_bios"),
        ("bios", "pc", "i440fx_sea_bios"),
    ],
)
def test_the_bios_type_is_of_the_machine_s_chipset(firmware, machine, bios):
    assert vm_devices.bios_type(firmware, machine) == bios


@pytest.mark.parametrize("firmware", ["uefi", "secure_boot"])
def test_the_old_chipset_has_no_uefi(firmware):
    with pytest.raises(CommandExecutionError, match="hosted_engine:vm:machine"):
        vm_devices.bios_type(firmware, "pc-i440fx-2.12")
