"""
In nas: an iSCSI target with two portals, CHAP for session and discovery, and three LUNs.

One process instead of a targetcli for each step, which would take seconds each.
"""

from __future__ import annotations

from pathlib import Path

TARGET = "iqn.2026-11.test.lab:engine1"
PORTALS = ("10.78.0.2", "10.78.0.3")
GIB = 2**30
# The NAA id is made of a serial's hexadecimal digits: only those of UUIDs differ for sure.
LUNS = {
    "large": (100, "4c41b001-0000-4000-8000-00000000aa01"),
    "other": (100, "4c41b002-0000-4000-8000-00000000bb02"),
    "small": (2, "4c41b003-0000-4000-8000-00000000cc03"),
}


def main() -> None:
    from rtslib_fb import LUN, TPG, FabricModule, FileIOStorageObject, NetworkPortal, Target

    iscsi = FabricModule("iscsi")
    iscsi.discovery_userid, iscsi.discovery_password = "finder", "Discovery-CHAP-23"
    iscsi.discovery_enable_auth = True
    group = TPG(Target(iscsi, TARGET), 1)
    for name, value in (
        ("authentication", 1),
        ("generate_node_acls", 1),
        ("cache_dynamic_acls", 1),
        ("demo_mode_write_protect", 0),
    ):
        group.set_attribute(name, value)
    group.chap_userid, group.chap_password = "engine-host", "Session-CHAP-17"
    for address in PORTALS:
        NetworkPortal(group, address, 3260)
    for number, (name, (gib, serial)) in enumerate(LUNS.items()):
        image = Path("/san", f"{name}.img")
        with image.open("wb") as file:
            file.truncate(gib * GIB)
        stored = FileIOStorageObject(name, str(image), gib * GIB, wwn=serial, write_back=True)
        # Zeroes needn't take room.
        stored.set_attribute("emulate_tpu", 1)
        LUN(group, number, stored)
    group.enable = True


if __name__ == "__main__":
    main()
