"""
A deployment from a backup, with hooks of each kind and a pause; restore and a hook fail at first.

The backup is of an engine whose own deployment was held up by a pause: it has a host, storage and
an engine VM, and all three are gone when it is restored.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .site import BOOTSTRAP, Site, State, changes, failures, lab

PSQL = "/usr/share/ovirt-engine/dbscripts/engine-psql.sh"
OPTION = "option_name='DisableFenceAtStartupInSec'"
ASKED = f"SELECT option_value FROM vdc_options WHERE {OPTION}"
BACKUP = "/srv/engine.backup"
SCRIPT = "/srv/salt/site/before.sh"
VERSIONLOCK = "/etc/dnf/plugins/versionlock.list"
ON_HOST, IN_GUEST, ALLOWED = "/root/hooks-that-ran", "/var/log/hooks-that-ran", "/root/allowed"
MOMENTS = ("before_setup", "after_setup", "after_host")
HOST_MOMENTS = (*MOMENTS, "after_deployment")
HOOKS = {
    "guest_before_setup": ["salt://site/before.sh"],
    **{f"guest_{moment}": [f"echo {moment} >> {IN_GUEST}"] for moment in MOMENTS[1:]},
    **{f"host_{moment}": [f"site.{moment}"] for moment in HOST_MOMENTS},
}
RESTORED: dict[str, Any] = {
    "hosted_engine": {
        "hooks": HOOKS,
        "pause_before": ["engine"],
        "restore": {"backup": BACKUP, "renew_pki": True},
        # The old storage is in the backup: the engine takes no second domain on it.
        "storage": {"path": "/exports/engine2"},
    }
}


class Old(NamedTuple):
    """The engine that the backup was made of."""

    file: Path
    vm: str
    host: str
    ca: str
    certificate: str


def sql(site: Site, statement: str) -> str:
    return site.guest(shlex.join([PSQL, "-t", "-A", "-c", statement]))


def served(site: Site) -> str:
    """Serial number of the certificate that the engine shows."""
    return site.output(
        "sh", "-c",
        f"openssl s_client -connect {site.fqdn}:443 < /dev/null 2> /dev/null"
        " | openssl x509 -noout -serial",
    )  # fmt: skip


def paused(states: list[State], phase: str) -> State:
    """The state that held the run up; nothing else went wrong but what requires it."""
    wrong = [state for state in states if state.result is False]
    assert wrong, "the run went on"
    assert wrong[0].function == "hosted_engine_pause.passed", failures(states)
    assert f"PAUSE, no failure: pause_before names {phase}" in wrong[0].comment
    assert all("requisite" in state.comment for state in wrong[1:]), failures(states)
    return wrong[0]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Old:
    site = Site.fresh("hv1")
    pause = {"hosted_engine": {"pause_before": ["handover"]}}
    paused(site.apply(pillar=pause), "handover")
    assert site.output("virsh", "-r", "domstate", "HostedEngineLocal") == "running"
    engine = site.engine("/var/lib/hosted-engine/engine-ca.pem")
    ids = [engine.named("vms", "HostedEngine").get("id"), engine.get("/hosts")[0].get("id")]
    sql(site, f"UPDATE vdc_options SET option_value='271' WHERE {OPTION}")
    site.guest(f"mkdir -p {Path(VERSIONLOCK).parent} && echo ovirt-engine-4.5.1 > {VERSIONLOCK}")
    site.guest("engine-backup --mode=backup --scope=all --file=/root/backup --log=/root/log")
    site.run(
        ["sh", "-c", f"umask 077; cat > {BACKUP}.base64"], input=site.guest("base64 /root/backup")
    )
    site.output("sh", "-c", f"base64 -d {BACKUP}.base64 > {BACKUP}")
    file = tmp_path_factory.mktemp("backup") / "engine.backup"
    file.write_bytes(site.on_machine(BACKUP).read_bytes())
    ca = site.output("cat", "/var/lib/hosted-engine/engine-ca.pem")
    return Old(file, str(ids[0]), str(ids[1]), ca, served(site))


@pytest.fixture(scope="module")
def fresh(old: Old) -> Site:
    """A fresh host with the backup, and the site's hooks on its file server."""
    site = Site.fresh("hv1")
    lab("put", "hv1", str(old.file), BACKUP)
    site.output("mkdir", "-p", "/srv/salt/site")
    for moment in HOST_MOMENTS:
        command = f"echo {moment} >> {ON_HOST}"
        if moment == "after_setup":
            command = f"test -e {ALLOWED} || {{ echo no permission yet; exit 7; }}; {command}"
        hook = {f"Hook {moment}": {"cmd.run": [{"name": command}]}}
        put(site, f"/srv/salt/site/{moment}.sls", "#!json\n" + json.dumps(hook))
    put(site, SCRIPT, f"#!/bin/sh -e\necho before_setup >> {IN_GUEST}\n")
    return site


def put(site: Site, path: str, text: str) -> None:
    site.run(["sh", "-c", f"cat > {path}"], input=text)


@pytest.mark.feature("dry_run", "hooks", "restore")
def test_test_mode_names_hooks_and_backup(fresh: Site) -> None:
    ran = fresh.apply(test=True, pillar=RESTORED)
    assert not failures(ran), failures(ran)
    states = {state.id: state for state in ran}

    for moment, (item,) in HOOKS.items():
        state = states[f"Hooks {moment} have run"]
        assert (state.result, state.changes) == (None, {item: {"old": "due", "new": "done"}})
    assert states["Backup is copied to the bootstrap VM"].result is None
    assert states["Pause before engine is over"].result is None
    assert fresh.run(["ls", "/var/lib/hosted-engine"], codes=(2,)).stdout == ""


@pytest.mark.feature("restore")
def test_a_restore_that_fails_leaves_its_guest_up(fresh: Site) -> None:
    good = fresh.output("cat", SCRIPT)
    broken = "printf '#!/bin/sh\\necho out of order >&2; exit 1\\n' > /usr/bin/engine-backup"
    put(fresh, SCRIPT, f"{good}\n{broken}\n")

    states = fresh.apply(pillar=RESTORED)

    wrong = [state for state in states if state.result is False]
    assert wrong[0].id == "engine-setup is complete", failures(states)
    assert "out of order" in wrong[0].comment
    assert fresh.output("virsh", "-r", "domstate", "HostedEngineLocal") == "running"
    assert fresh.guest("cat /var/lib/hosted-engine/backup | wc -c") != "0"
    put(fresh, SCRIPT, f"{good}\n")


@pytest.mark.feature("hooks_once")
def test_a_hook_that_fails_stops_with_its_output(fresh: Site) -> None:
    states = fresh.apply(pillar=RESTORED)

    wrong = [state for state in states if state.result is False]
    assert wrong[0].id == "Hooks host_after_setup have run", failures(states)
    assert "no permission yet" in wrong[0].comment
    assert fresh.output("cat", ON_HOST) == "before_setup"


@pytest.fixture(scope="module")
def restored(fresh: Site) -> Site:
    """The engine is restored and set up; a pause holds the run up before it gets a host."""
    fresh.output("touch", ALLOWED)
    paused(fresh.apply(pillar=RESTORED), "engine")
    return fresh


@pytest.mark.feature("restore")
def test_what_the_deployment_replaces_is_out_of_the_database(restored: Site, old: Old) -> None:
    assert sql(restored, "SELECT count(*) FROM vms WHERE origin=6") == "0"
    assert sql(restored, "SELECT count(*) FROM vds") == "0"
    (name,) = sql(restored, "SELECT storage_name FROM storage_domain_static").splitlines()
    assert name.startswith("hosted_storage_old_2")
    assert sql(restored, ASKED) == "86400"
    assert restored.guest(f"cat {VERSIONLOCK}") == ""
    assert restored.guest("ls /var/lib/hosted-engine/backup 2>&1 || true").endswith("directory")
    assert restored.output("cat", "/var/lib/hosted-engine/engine-ca.pem") == old.ca


@pytest.fixture(scope="module")
def deployed(restored: Site) -> Iterator[Site]:
    states = restored.apply(pillar=RESTORED)
    assert not failures(states), failures(states)
    yield restored


@pytest.mark.feature("restore", "pauses")
def test_it_ends_healthy_with_new_and_old_told_apart(deployed: Site, old: Old) -> None:
    engine = deployed.engine()

    status = deployed.json("hosted-engine", "--vm-status", "--json")
    assert status["1"]["engine-status"]["health"] == "good"
    assert [vm.findtext("name") for vm in engine.get("/vms")] == ["HostedEngine"]
    assert engine.named("vms", "HostedEngine").get("id") != old.vm
    (host,) = engine.get("/hosts")
    assert host.get("id") != old.host
    assert host.findtext("status") == "up"
    names = sorted(str(domain.findtext("name")) for domain in engine.get("/storagedomains"))
    assert len(names) == 2
    assert names[0] == "hosted_storage"
    assert names[1].startswith("hosted_storage_old_")


@pytest.mark.feature("renew_pki")
def test_the_ca_is_the_old_one_and_its_certificates_are_new(deployed: Site, old: Old) -> None:
    assert deployed.output("cat", "/etc/pki/vdsm/certs/cacert.pem") == old.ca
    assert served(deployed) != old.certificate


@pytest.fixture(scope="module")
def guest(deployed: Site) -> Iterator[Path]:
    """Files of the running engine's VM at one moment, its disk as a power cut would leave it."""
    with deployed.backup("HostedEngine", "vda") as files:
        yield files


def test_the_appliances_own_answers_counted_and_stay(deployed: Site, guest: Path) -> None:
    shipped = (guest / "root/ovirt-engine-answers").read_text()
    logs = (guest / "var/log/ovirt-engine/setup").glob("ovirt-engine-setup-*.log")
    log = "".join(file.read_text() for file in logs)

    assert "OVESETUP_SYSTEM/memCheckEnabled=bool:False" in shipped
    assert "ENV OVESETUP_DIALOG/confirmSettings=bool:'True'" in log, "only the shipped file says so"
    assert f"ENV OVESETUP_CONFIG/fqdn=str:'{deployed.fqdn}'" in log


@pytest.mark.feature("hooks", "hooks_once")
def test_each_hook_ran_once_and_fencing_is_given_back(deployed: Site, guest: Path) -> None:
    in_guest = (guest / IN_GUEST.lstrip("/")).read_text()
    state = json.loads((guest / "var/lib/ovirt-engine/state.json").read_text())

    assert in_guest.split() == list(MOMENTS)
    assert deployed.output("cat", ON_HOST).split() == list(HOST_MOMENTS)
    assert state["options"]["DisableFenceAtStartupInSec"]["general"] == "271"


def test_second_run_changes_nothing(deployed: Site) -> None:
    states = deployed.apply(pillar=RESTORED)

    assert not failures(states), failures(states)
    assert changes(states) == {}
    assert deployed.output("cat", ON_HOST).split() == list(HOST_MOMENTS)
    left = deployed.output("ls", "/var/lib/hosted-engine").split()
    assert left == ["deployment.json"], f"records of the deployment, {BOOTSTRAP} among them: {left}"
