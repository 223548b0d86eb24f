"""fhanswers.conf in the archive on disk, as other tools read it and as they left it."""

from __future__ import annotations

import subprocess

import pytest
import yaml
from ovirt_he.ha import conf
from unit.configured import IDS

from functional.lab.standins import standin
from functional.storage_host import StorageHost, host, minions, wants_root
from functional.test_answers import run

__all__ = ["host", "minions"]


@wants_root
@pytest.mark.feature("round_trip")
def test_the_archive_holds_what_the_user_answered(host: StorageHost, tmp_path):
    """As the agent takes it from the disk, read by another reader of otopi's form, and by ours."""
    host.state("hosted_engine_config.present")
    source = tmp_path / "fhanswers.conf"
    source.write_text(host.member("fhanswers.conf"))

    read = standin("hosted_engine_setup_standin.answers").parse(source.read_text())
    shown = yaml.safe_load(run(source))["hosted_engine"]

    assert read["OVEHOSTED_STORAGE/storageDomainConnection"] == "nas.example.com:/exports/engine"
    assert read["OVEHOSTED_VM/vmMemSizeMB"] == 16384
    assert read["OVEHOSTED_VM/vmUUID"] == IDS["vm_id"]
    assert read["OVEHOSTED_STORAGE/mntOptions"] is None
    assert shown["storage"]["path"] == "/exports/engine"
    assert shown["vm"]["memory_mib"] == 16384


@wants_root
def test_a_deployed_host_keeps_a_text_of_another_form(host: StorageHost, tmp_path):
    """What an earlier version wrote, or another tool: the ids are there, so nothing is written."""
    host.state("hosted_engine_config.present")
    host.say(deployed=True)
    disk, folder = host.disk("configuration"), tmp_path / "archive"
    folder.mkdir()
    subprocess.run(["tar", "-xf", disk, "-C", folder], check=True)
    text = (folder / "fhanswers.conf").read_text()
    kept = "".join(line for line in text.splitlines(keepends=True) if "NOTIF" not in line)
    kept = kept.replace("OVEHOSTED_NETWORK/gateway=str:192.0.2.1\n", "") + "OVEHOSTED_X/y=str:z\n"
    assert kept != text
    (folder / "fhanswers.conf").write_text(kept)
    made = tmp_path / "made.tar"
    command = ["tar", "--record-size=20480", "-cf", made, "-C", folder, *conf.MEMBERS]
    subprocess.run(command, check=True)
    with disk.open("r+b") as target:
        target.write(made.read_bytes())

    for test in (True, False):
        ret = host.state("hosted_engine_config.present", test=test)
        assert (ret["result"], ret["changes"]) == (True, {}), ret["comment"]
    assert host.member("fhanswers.conf") == kept
