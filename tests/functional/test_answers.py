"""Answer files and the role's variables become a pillar that the formula takes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest
import yaml
from minion import ROOT, Minion
from unit.answered import FIRST_VERSIONS, ISCSI, NFS

from functional.test_formula import FILES

OLD = FIRST_VERSIONS + "OVEHOSTED_ENGINE/adminPassword=str:not-to-be-seen {{ 7 * 6 }} {% if\n"
FC = {"he_fqdn": "e.example.com", "he_domain_type": "fc", "he_admin_password": "not-to-be-seen"}
SOURCES = {
    "old": ([], OLD),
    "iscsi": ([], ISCSI.replace("OVEHOSTED_VM/shoeSize=int:43\n", "")),
    "role": (["--ansible"], NFS),
    "json": (["--ansible"], json.dumps(FC)),
}
TOOL = ROOT / "tools" / "pillar_from_answers"


def sentences(found):
    return [f"{one['key']}: {one['problem']}. {one['advice']}".rstrip(". ") for one in found]


def run(source, *arguments):
    """What the command prints."""
    command = [sys.executable, TOOL, source, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def said(text, what):
    """The comments that begin with a word."""
    return [line.removeprefix(f"# {what}: ") for line in text.splitlines() if f"# {what}: " in line]


def refused(source, *arguments):
    done = subprocess.run(
        [sys.executable, TOOL, source, *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.feature("to_pillar", "from_ansible")
@pytest.mark.parametrize(("options", "text"), SOURCES.values(), ids=SOURCES)
def test_a_pillar_that_renders_every_file(tmp_path, options, text):
    source, target = tmp_path / "source", tmp_path / "site.sls"
    source.write_text(text)

    shown = run(source, *options, "--target", target)

    assert said(shown, "Problem") == []
    assert "not-to-be-seen" not in shown
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    # As Salt's own renderer has it, by the file's first line.
    pillar = Minion(tmp_path / "renderer", {})("slsutil.renderer", path=str(target))
    site = Minion(tmp_path / "site", pillar)
    assert site("hosted_engine.problems") == []
    for name in FILES:
        assert site.low(f"hosted_engine.{name}"), name
    whole, shown = pillar["hosted_engine"], yaml.safe_load(shown)["hosted_engine"]
    assert shown.pop("secrets").keys() == whole["secrets"].keys()
    assert shown == {name: group for name, group in whole.items() if name != "secrets"}


@pytest.mark.feature("to_pillar")
def test_secrets_are_in_the_file_alone(tmp_path):
    source, target = tmp_path / "answers.conf", tmp_path / "site.sls"
    source.write_text(OLD + "OVEHOSTED_VM/shoe\x1b[1mSize=str:not-to-be-seen-either\n")

    shown = run(source)

    assert "give --target FILE" in shown
    assert "not-to-be-seen" not in shown
    assert "\x1b" not in shown
    assert list(tmp_path.iterdir()) == [source]
    pillar = yaml.safe_load(shown)
    assert pillar["hosted_engine"]["secrets"] == {"admin_password": None}
    # Nobody deploys with what is shown in a secret's place.
    (problem,) = Minion(tmp_path / "without", pillar)("hosted_engine.problems")
    assert problem["key"] == "hosted_engine:secrets:admin_password"

    run(source, "--target", target)

    text = target.read_text()
    secrets = yaml.safe_load(text)["hosted_engine"]["secrets"]
    assert secrets == {"admin_password": "not-to-be-seen {{ 7 * 6 }} {% if"}
    assert "not-to-be-seen-either" in text, "unknown answers are comments there"


WRONG = """\
[environment:default]
OVEHOSTED_NETWORK/fqdn=str:engine.example.org
OVEHOSTED_NETWORK/gateway=str:198.51.100.1
OVEHOSTED_ENGINE/adminPassword=str:not-to-be-seen
OVEHOSTED_ENGINE/clusterName=str:Default
OVEHOSTED_ENGINE/datacenterName=str:West
OVEHOSTED_STORAGE/domainType=str:iscsi
OVEHOSTED_STORAGE/iSCSIPortalIPAddress=str:198.51.100.9,198.51.100.9
OVEHOSTED_STORAGE/iSCSITargetName=str:engine
OVEHOSTED_STORAGE/iSCSIPortalUser=str:he
OVEHOSTED_STORAGE/LunID=str:36001
OVEHOSTED_VM/vmMACAddr=str:01:16:3e:00:00:01
OVEHOSTED_VM/cloudinitVMStaticCIDR=str:2001:db8::20/128
OVEHOSTED_VM/rootSshAccess=str:without-password
OVEHOSTED_CORE/renewPKIonRestore=bool:True
OVESETUP_CONFIG/fqdn=str:engine.example.org
"""


@pytest.mark.feature("to_pillar")
def test_problems_are_all_that_the_formula_would_report_of_the_pillar(tmp_path):
    """Not only the schema's: what contradicts itself between keys, and what secrets lack."""
    source, target = tmp_path / "answers.conf", tmp_path / "site.sls"
    source.write_text(WRONG)

    problems = said(run(source, "--target", target), "Problem")

    site = Minion(tmp_path / "site", yaml.safe_load(target.read_text()))
    assert problems == sentences(site("hosted_engine.problems"))
    found = {one.split(": ")[0].removeprefix("hosted_engine:") for one in problems}
    assert found == {
        "vm:mac", "vm:address", "network:gateway", "storage:portals:1", "storage:target",
        "secrets:iscsi_password", "vm:root_login", "cluster:name",
        "restore:renew_pki",
    }  # fmt: skip


def test_what_is_missing_or_wrong_is_reported_not_raised(tmp_path):
    source = tmp_path / "answers.conf"
    source.write_text(
        "[environment:default]\nOVEHOSTED_STORAGE/domainType=str:posixfs\n"
        "OVEHOSTED_STORAGE/storageDomainConnection=str:nas:/a\n"
    )

    shown = run(source)

    assert "hosted_engine:engine: missing" in shown
    assert "hosted_engine:secrets:admin_password: missing" in shown
    assert "hosted_engine:storage:type: 'posixfs' isn't one of" in shown
    assert "Secrets were found" not in shown


HIDDEN = """\
[environment:default]
OVEHOSTED_NETWORK/fqdn=str:engine.example.com
OVEHOSTED_STORAGE/domainType=str:posixfs
OVEHOSTED_STORAGE/storageDomainConnection=str:nas.example.com:/engine
OVEHOSTED_STORAGE/mntOptions=str:vers=3.0,username=he,password=not-to-be-seen-1,seal
OVEHOSTED_VM/ovfArchive=str:https://he:not-to-be-seen-2@files.example.com/appliance.ova
OVEHOSTED_CORE/ansibleUserExtraVars=str:he_x=1 db_password=not-to-be-seen-3
OVEHOSTED_FORMULA/hooks__guest_after_setup=str:["mail --password not-to-be-seen-4"]
OVEHOSTED_X/comment=str:token: not-to-be-seen-5
OVESETUP_CONFIG/proxy=str:http://he:not-to-be-seen-6@proxy.example.com:3128
OVESETUP_X/rootPwd=str:not-to-be-seen-7
QUESTION/2/OVESETUP_X_PASS=str:not-to-be-seen-8
"""


@pytest.mark.feature("to_pillar")
def test_a_secret_within_a_value_is_hidden_and_reported(tmp_path):
    """Its key may be any: mount options, an address, a command, an answer of engine-setup."""
    source, target = tmp_path / "answers.conf", tmp_path / "site.sls"
    source.write_text(HIDDEN)

    shown = run(source, "--target", target)

    assert "not-to-be-seen" not in shown
    assert "secret (password=)" in "".join(said(shown, "Left out"))
    assert "OVEHOSTED_CORE/ansibleUserExtraVars" in "".join(said(shown, "Left out"))
    assert said(shown, "Unknown") == ["OVEHOSTED_X/comment"]
    pillar = yaml.safe_load(shown)["hosted_engine"]
    assert pillar["storage"]["mount_options"] == "vers=3.0,username=he,seal"
    assert pillar["appliance"] == {"source": None}
    assert pillar["hooks"] == {"guest_after_setup": None}
    assert pillar["secrets"]["answers"] == dict.fromkeys(
        ["OVESETUP_CONFIG/proxy", "OVESETUP_X/rootPwd", "QUESTION/2/OVESETUP_X_PASS"]
    )
    assert "hosted_engine:appliance:source: holds a secret" in "".join(said(shown, "Problem"))
    written = yaml.safe_load(target.read_text())["hosted_engine"]
    assert written["appliance"]["source"].endswith(
        "not-to-be-seen-2@files.example.com/appliance.ova"
    )
    assert written["secrets"]["answers"]["OVESETUP_X/rootPwd"] == "str:not-to-be-seen-7"


@pytest.mark.feature("from_ansible")
def test_a_secret_within_a_variable_is_hidden_and_reported(tmp_path):
    source = tmp_path / "vars.json"
    variables = FC | {
        "he_additional_package_list": ["https://he:not-to-be-seen@repo.example.com/a.rpm"],
        "he_mount_options": "credentials=/root/not-to-be-seen",
        "he_extra": {"db_password": "not-to-be-seen", "list": ["secret=not-to-be-seen"]},
        "he_gateway": "password=not-to-be-seen",
    }
    source.write_text(json.dumps(variables))

    shown = run(source, "--ansible")

    assert "not-to-be-seen" not in shown
    pillar = yaml.safe_load(shown)["hosted_engine"]
    assert pillar["network"] == {"gateway": None}
    assert pillar["vm"] == {"packages": None}
    assert pillar["secrets"] == {"admin_password": None}
    assert [one.split(":")[0] for one in said(shown, "Left out")] == ["he_mount_options"]
    assert said(shown, "Unknown") == ["he_extra"]
    assert any("he_network_test: the role's default is" in one for one in said(shown, "Not given"))


def test_a_target_that_is_there_stays(tmp_path):
    source, target, link = tmp_path / "a.conf", tmp_path / "site.sls", tmp_path / "link.sls"
    source.write_text(OLD)
    target.write_text("kept")
    link.symlink_to(tmp_path / "nowhere")

    for name in (target, link):
        assert "is there already" in refused(source, "--target", name)
    assert "No such file or directory" in refused(source, "--target", tmp_path / "no" / "x")

    assert target.read_text() == "kept"
    assert not os.path.lexists(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"[environment:default]\nA/b=str:\xff", "isn't text in UTF-8"),
        (b"hunter2", "no answer file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, reason):
    source = tmp_path / "answers.conf"
    if content is not None:
        source.write_bytes(content)

    error = refused(source)

    assert reason in error
    assert str(source) in error
    assert "hunter2" not in error


def test_it_needs_no_salt(tmp_path):
    """Migration is prepared on any machine; a minion has nothing of it."""
    source, hidden = tmp_path / "answers.conf", tmp_path / "hidden"
    source.write_text(OLD)
    (hidden / "salt").mkdir(parents=True)
    (hidden / "salt" / "__init__.py").write_text("raise ImportError('hidden')\n")

    done = subprocess.run(
        [sys.executable, TOOL, source], env={"PYTHONPATH": str(hidden)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == run(source)
