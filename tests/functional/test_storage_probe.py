"""
The look at an export, with real mounts and namespaces; mount.nfs and mount.glusterfs stand in.

They lie over /usr/sbin in a mount namespace of the test's own.
"""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from functional.nas import DOMAIN, GLUSTER, NFS, mounts_of_all, nas

__all__ = ["nas"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts: wants root")


@pytest.mark.parametrize("storage", [NFS, GLUSTER])
def test_an_empty_export_can_be_used(nas, storage):
    told = nas.inspect(storage)

    assert told["looked"] is True, told
    assert (told["domains"], told["others"]) == ([], [])
    assert (told["writable"], told["write_problem"], told["qemu_problem"]) == (True, "", "")
    assert told["block_size"] in (512, 4096)
    room = os.statvfs(nas.export)
    assert 0 < told["free"] <= told["size"] == room.f_blocks * room.f_frsize
    assert list(nas.export.iterdir()) == []
    assert str(nas.folder) not in mounts_of_all()


@pytest.mark.feature("storage_looked_at")
def test_a_domain_is_named_with_its_pool(nas):
    nas.domain()

    told = nas.inspect()

    assert told["domains"] == [
        {"id": DOMAIN, "name": "hosted_storage", "pool": "p1", "problem": ""}
    ]
    assert told["others"] == []
    assert told["writable"] is None, "nothing is written beside a domain that may be in use"


def test_what_vdsm_refuses_as_the_rest_of_a_domain_is_one(nas):
    """By its directory dom_md, whatever else it has."""
    (nas.export / "half" / "dom_md").mkdir(parents=True)

    (found,) = nas.inspect()["domains"]

    assert found == {"id": "half", "name": "", "pool": "", "problem": "No such file or directory"}


def test_a_domain_that_vdsm_may_not_pass_is_one(nas):
    os.chown(nas.domain(), 0, 0)
    (nas.export / DOMAIN).chmod(0o700)

    (found,) = nas.inspect()["domains"]

    assert (found["id"], found["problem"]) == (DOMAIN, "Permission denied")


def test_names_of_others_are_safe_to_be_shown(nas):
    """Neither UTF-8 nor a terminal's business."""
    (nas.export / os.fsdecode(b"\xff\x1b[2J")).mkdir()
    (nas.domain() / "dom_md" / "metadata").write_text("DESCRIPTION=\x1b]0;mine\n")

    told = nas.inspect()

    assert told["others"] == ["??[2J"]
    assert told["domains"][0]["name"] == "?]0;mine"


def test_what_a_filer_keeps_for_itself_is_no_content(nas):
    for name in ("lost+found", ".snapshot", ".zfs", "@eaDir", "#recycle", "aquota.user", "images"):
        (nas.export / name).mkdir()

    assert nas.inspect()["others"] == ["images"]


def test_root_owns_the_export(nas):
    os.chown(nas.export, 0, 0)

    told = nas.inspect()

    assert (told["writable"], told["write_problem"]) == (False, "Permission denied")
    assert (told["domains"], told["others"]) == ([], [])


def test_vdsm_may_not_list_the_export(nas):
    os.chown(nas.export, 0, 0)
    nas.export.chmod(0o700)

    told = nas.inspect()

    assert (told["domains"], told["others"], told["writable"]) == (None, None, False)


def test_qemu_may_not_read_the_export(nas):
    nas.export.chmod(0o700)

    told = nas.inspect()

    assert (told["writable"], told["qemu_problem"]) == (True, "Permission denied")


def test_a_file_system_without_direct_io_is_told(nas):
    """By ramfs, which has none."""
    nas.helper("nfs", '#!/bin/sh\nmount -t ramfs -o mode=0777 none "$2"\n')

    told = nas.inspect()

    assert (told["writable"], told["block_size"]) == (True, 0)
    assert told["write_problem"] == "Invalid argument"


def test_a_file_in_use_beside_it_stays(nas):
    """An export that is mounted already goes on: its mount, and what is written meanwhile."""
    other = nas.folder / "elsewhere"
    other.mkdir()
    subprocess.run(["mount", "--bind", nas.export, other], check=True)
    try:
        with (other / "disk").open("wb") as disk:
            writer = threading.Thread(target=lambda: [disk.write(b"x") for _ in range(1000)])
            writer.start()
            assert nas.inspect()["others"] == ["disk"]
            writer.join()
        assert str(other) in Path("/proc/self/mounts").read_text()
        assert (nas.export / "disk").stat().st_size == 1000
    finally:
        subprocess.run(["umount", other], check=True)
