"""The SQL that a deployment runs in the engine, while it runs and while it is down."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time

import pytest
from ovirt_he.guest import restore_script

from functional.engine_process import PACKAGE, Engine

from .conftest import Site

GUEST = "11111111-2222-4333-8444-555555555555"
OPTION = "option_name='HostedEngineConfigurationImageGuid' AND version='general'"


def psql(engine: Engine, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine_simulator.sql", "--state", str(engine.folder)]
    return subprocess.run(
        [*command, *arguments],
        env=os.environ | {"PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=False,
    )


def stop_with_a_guest(engine: Engine) -> None:
    """The engine has seen a guest of its host, and is down."""
    engine.faults(vms=[{"vmId": GUEST, "vmName": "v", "status": "Up"}])
    deadline = time.monotonic() + 20
    while not len(engine.curl("/vms")):
        assert time.monotonic() < deadline, "the engine never saw the guest"
        time.sleep(0.1)
    engine.stop()


@pytest.mark.parametrize("running", [True, False])
def test_an_option_is_set_and_read(engine: Engine, running: bool) -> None:
    if not running:
        engine.stop()

    update = f"UPDATE vdc_options SET option_value='some-image' WHERE {OPTION}"
    assert engine.sql(update) == "UPDATE 1\n"

    assert engine.sql(f"SELECT option_value FROM vdc_options WHERE {OPTION}") == "some-image\n"
    stored = engine.state()["options"]["HostedEngineConfigurationImageGuid"]
    assert stored == {"general": "some-image"}
    assert engine.sql(update.replace("Configuration", "Other")) == "UPDATE 0\n"


def test_tables_as_psql_prints_them(engine: Engine, site: Site) -> None:
    site.up_host()
    statement = "SELECT vds_name, vds_spm_id FROM vds"
    assert psql(engine, "-c", statement).stdout == (
        " vds_name | vds_spm_id \n----------+------------\n hv1      |          1\n(1 row)\n\n"
    )
    assert psql(engine, "-t", "-A", "-c", statement).stdout == "hv1|1\n"


def test_errors_as_psql_gives_them(engine: Engine) -> None:
    for statement, text in (
        ("SELECT * FROM no_table", 'ERROR:  relation "no_table" does not exist\n'),
        ('SELECT * FROM vds WHERE vds_name="hv1"', 'ERROR:  column "hv1" does not exist\n'),
    ):
        done = psql(engine, "-c", statement)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", text)


def test_an_old_engine_vm_and_host_are_removed(engine: Engine, site: Site) -> None:
    site.up_host()
    vm = site.add_vm(delete_protected=True)
    engine.sql(f"UPDATE vm_static SET origin=6 WHERE vm_guid='{vm.get().id}'")

    engine.sql("SELECT deletevm(vm_guid) FROM (SELECT vm_guid FROM vms WHERE origin=6) t")
    engine.sql("SELECT deletevds(vds_id) FROM vds WHERE vds_name='hv1'")

    assert len(engine.curl("/vms")) == 0
    assert len(engine.curl("/hosts")) == 0


def test_vms_of_a_lost_host_are_set_down(engine: Engine, site: Site) -> None:
    site.up_host()
    stop_with_a_guest(engine)

    for column in ("run_on_vds", "migrating_to_vds"):
        engine.sql(
            f"UPDATE vm_dynamic SET {column}=NULL, status=0 WHERE {column} IN "
            "(SELECT vds_id FROM vds WHERE vds_name='hv1' OR upper(vds_unique_id)=upper('x'))"
        )

    assert engine.sql("SELECT status, run_on_vds FROM vm_dynamic") == "0|\n"
    (vm,) = engine.state()["vms"].values()
    assert vm["status"] == "down"
    assert "host" not in vm
    engine.start()


def test_vms_on_another_machine_of_a_host_s_name_are_counted(engine: Engine, site: Site) -> None:
    """What a restore asks before it takes a host of this host's name out."""
    site.up_host()
    stop_with_a_guest(engine)
    own = engine.sql("SELECT vds_unique_id FROM vds").strip()

    def counted(unique_id: str) -> str:
        text = restore_script.text("hv1", unique_id, "hosted_storage", "20230101")
        (line,) = re.findall(r"^nobody (.*)$", text, re.MULTILINE)
        return engine.sql(f"SELECT count(*) FROM {shlex.split(line)[0]}")

    other = "4C4C4544-0000-4000-8000-00000000000F"
    # An external VM is what the bootstrap VM was: only others stand in the way.
    assert (engine.sql("SELECT origin FROM vms"), counted(other)) == ("4\n", "0\n")
    engine.sql("UPDATE vm_static SET origin=3")
    assert counted(other) == "1\n"
    assert counted(own.lower()) == "0\n"
    engine.start()
