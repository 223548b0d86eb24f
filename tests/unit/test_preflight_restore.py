"""What preflight says of a restore: the backup, the appliance, VMs that run here, hooks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from backup_archive import archive
from ovirt_he.bootstrap import image
from ovirt_he.core import records
from ovirt_he.host import stage
from ovirt_he.pillar import settings as settings_
from ovirt_he.preflight import check as preflight
from ovirt_he.preflight import engine, hooks
from ovirt_he.preflight import restore as preflight_restore
from salt.modules import cp


class Site:
    """A host whose pillar asks for a restore; ``served``: what the file server has."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.backup = archive(folder / "engine.backup")
        self.pillar: dict[str, Any] = {
            "engine": {"fqdn": "engine.example.com"},
            "restore": {"backup": str(self.backup)},
            "bootstrap": {"directory": str(folder / "bootstrap")},
        }
        self.served: dict[str, str] = {}
        monkeypatch.setattr(records, "DIRECTORY", folder / "records")
        monkeypatch.setattr(image, "PACKAGES", folder)
        monkeypatch.setattr(stage, "RUNNING", folder / "run")
        (folder / "run").mkdir()

    def problems(self, *checks: preflight.Check) -> list[str]:
        run = {
            "cp.cache_file": Mock(spec=cp.cache_file, side_effect=lambda p: self.served.get(p, "")),
            "cp.hash_file": Mock(spec=cp.hash_file, side_effect=lambda p: self.served.get(p, {})),
            "cp.list_states": Mock(spec=cp.list_states, return_value=list(self.served)),
        }
        settings = settings_.merge({"hosted_engine": self.pillar}, {"fqdn": "node1.example.com"})
        found = preflight.found(list(checks), preflight.Host(settings, {}, run))
        return [f"{one['key']}: {one['problem']}" for one in found]


@pytest.fixture
def site(tmp_path, monkeypatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_a_backup_that_fits_is_no_problem(site):
    (site.folder / "10-appliance.conf").write_text("version = 4.5-20230101\npath=/x\n")
    assert site.problems(*preflight_restore.CHECKS) == []

    site.served["salt://engine.backup"] = str(site.backup)
    site.pillar["restore"] = {"backup": "salt://engine.backup", "renew_pki": True}
    assert site.problems(*preflight_restore.CHECKS) == []


def test_an_appliance_that_is_older_is_told_with_both_versions(site):
    (site.folder / "10-appliance.conf").write_text("version=4.4-20220101.1\n")

    (told,) = site.problems(*preflight_restore.CHECKS)

    assert "of version 4.5.6, the appliance 4.4-20220101.1 is older" in told
    site.pillar["appliance"] = {"source": "/srv/own.ova"}
    assert site.problems(*preflight_restore.CHECKS) == [], "that one tells its version in the guest"


@pytest.mark.parametrize(
    ("restore", "what"),
    [
        ({"backup": "/no/such.backup"}, "there is no file /no/such.backup"),
        ({"backup": "salt://none"}, "there is no file salt://none"),
        ({"backup": "/dev"}, "there is no file /dev"),
        ({"backup": __file__}, "isn't a whole tar archive"),
        ({"renew_pki": True}, "there is no backup whose certificates"),
    ],
)
def test_a_restore_that_cannot_be_is_told_before(site, restore, what):
    site.pillar["restore"] = restore

    (told,) = site.problems(*preflight_restore.CHECKS, engine.renewal_has_a_backup)

    assert what in told


def test_a_backup_without_a_version_is_told(site):
    archive(site.backup, "unknown")

    (told,) = site.problems(preflight_restore.backup_can_be_restored)

    assert "'unknown'" in told


def test_vms_that_run_here_are_told(site):
    for name in ("web", "HostedEngineLocal", "driver"):
        (site.folder / "run" / f"{name}.pid").write_text(str(os.getpid()))
        if name != "driver":
            (site.folder / "run" / f"{name}.xml").touch()

    (told,) = site.problems(*preflight_restore.CHECKS)

    assert "VMs run on this host: web." in told
    site.pillar["restore"] = {}
    assert site.problems(*preflight_restore.CHECKS) == []


def test_hooks_that_nobody_serves_are_told(site):
    site.served = {"salt://site/a.sh": "sum", "site.a": "x"}
    site.pillar["hooks"] = {
        "guest_before_setup": ["salt://site/a.sh", "salt://site/b.sh", "dnf -y install x"],
        "host_after_host": ["site.a", "site.b"],
    }

    told = site.problems(*hooks.CHECKS)

    assert told == [
        "hosted_engine:hooks:guest_before_setup: the file server has no salt://site/b.sh",
        "hosted_engine:hooks:host_after_host: the file server has no site.b",
    ]
