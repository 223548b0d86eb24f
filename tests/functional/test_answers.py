"""Answer files and the role's variables with the real loader: a pillar that the formula takes."""

from __future__ import annotations

import json
import os
import stat
import subprocess

import pytest
import yaml
from minion import ROOT, Minion
from ovirt_he.ha import conf
from ovirt_he.migrate import fhanswers
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import problems
from salt.exceptions import CommandExecutionError, SaltInvocationError
from unit.answered import FIRST_VERSIONS, ISCSI, NFS
from unit.configured import IDS

from functional.lab.standins import standin
from functional.storage_host import StorageHost, host, minions, wants_root
from functional.test_formula import FILES, PILLARS

__all__ = ["host", "minions"]

OLD = FIRST_VERSIONS + "OVEHOSTED_ENGINE/adminPassword=str:not-to-be-seen {{ 7 * 6 }} {% if\n"
FC = {"he_fqdn": "e.example.com", "he_domain_type": "fc", "he_admin_password": "not-to-be-seen"}
EXAMPLE = ROOT / "pillar.example"
SOURCES = {
    "old": ("to_pillar", OLD),
    "iscsi": ("to_pillar", ISCSI.replace("OVEHOSTED_VM/shoeSize=int:43\n", "")),
    "role": ("from_ansible", NFS),
    "json": ("from_ansible", json.dumps(FC)),
}
LOADED = {path.stem: yaml.safe_load(path.read_text()) or {} for path in [*PILLARS, EXAMPLE]}
VALID = {
    name: pillar
    for name, pillar in LOADED.items()
    if not list(problems(pillar.get("hosted_engine", {}), SCHEMA))
}


def sentences(found):
    return [f"{one['key']}: {one['problem']}. {one['advice']}".rstrip(". ") for one in found]


@pytest.fixture(scope="module")
def minion(tmp_path_factory: pytest.TempPathFactory) -> Minion:
    return Minion(tmp_path_factory.mktemp("minion"), {})


@pytest.mark.feature("to_pillar", "from_ansible")
@pytest.mark.parametrize(("function", "text"), SOURCES.values(), ids=SOURCES)
def test_a_pillar_that_renders_every_file(minion, tmp_path, function, text):
    source, target = tmp_path / "source", tmp_path / "site.sls"
    source.write_text(text)

    told = minion(f"hosted_engine_answers.{function}", str(source), target=str(target))

    assert told["problems"] == []
    assert "not-to-be-seen" not in repr(told)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    # As Salt's own renderer has it, by the file's first line.
    pillar = minion("slsutil.renderer", path=str(target))
    site = Minion(tmp_path / "site", pillar)
    assert site("hosted_engine.problems") == []
    for name in FILES:
        assert site.low(f"hosted_engine.{name}"), name
    shown = yaml.safe_load(told["yaml"])
    assert shown == told["pillar"]
    assert shown["hosted_engine"].pop("secrets").keys() == pillar["hosted_engine"]["secrets"].keys()
    assert shown["hosted_engine"] == {
        name: group for name, group in pillar["hosted_engine"].items() if name != "secrets"
    }


@pytest.mark.feature("to_pillar")
def test_secrets_are_in_the_file_alone(minion, tmp_path):
    source, target = tmp_path / "answers.conf", tmp_path / "site.sls"
    source.write_text(OLD + "OVEHOSTED_VM/shoe\x1b[1mSize=str:not-to-be-seen-either\n")

    told = minion("hosted_engine_answers.to_pillar", str(source))

    assert told["secrets"]["found"] == ["secrets:admin_password"]
    assert "target=FILE" in told["secrets"]["where"]
    assert told["pillar"]["hosted_engine"]["secrets"] == {"admin_password": None}
    assert "not-to-be-seen" not in repr(told)
    assert list(tmp_path.iterdir()) == [source]
    # Nobody deploys with what is shown in a secret's place.
    without = Minion(tmp_path / "without", told["pillar"])
    (problem,) = without("hosted_engine.problems")
    assert problem["key"] == "hosted_engine:secrets:admin_password"

    minion("hosted_engine_answers.to_pillar", str(source), target=str(target))

    text = target.read_text()
    secrets = yaml.safe_load(text)["hosted_engine"]["secrets"]
    assert secrets == {"admin_password": "not-to-be-seen {{ 7 * 6 }} {% if"}
    assert "not-to-be-seen-either" in text, "unknown answers are comments there"
    for path in minion.directory.rglob("*"):
        if path.is_file():
            assert b"not-to-be-seen" not in path.read_bytes(), path


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
OVESETUP_CONFIG/fqdn=str:engine.example.org
"""


@pytest.mark.feature("to_pillar")
def test_problems_are_all_that_the_formula_would_say_of_the_pillar(minion, tmp_path):
    """Not only the schema's: what contradicts itself between keys, and what secrets lack."""
    source, target = tmp_path / "answers.conf", tmp_path / "site.sls"
    source.write_text(WRONG)

    told = minion("hosted_engine_answers.to_pillar", str(source), target=str(target))

    site = Minion(tmp_path / "site", yaml.safe_load(target.read_text()))
    assert told["problems"] == sentences(site("hosted_engine.problems"))
    keys = {one.split(": ")[0].removeprefix("hosted_engine:") for one in told["problems"]}
    assert keys == {
        "vm:mac", "vm:address", "network:gateway", "storage:portals:1", "storage:target",
        "secrets:iscsi_password", "vm:root_login", "cluster:name",
    }  # fmt: skip


def test_what_is_missing_or_wrong_is_told_not_raised(minion, tmp_path):
    source = tmp_path / "answers.conf"
    source.write_text(
        "[environment:default]\nOVEHOSTED_STORAGE/domainType=str:posixfs\n"
        "OVEHOSTED_STORAGE/storageDomainConnection=str:nas:/a\n"
    )

    told = minion("hosted_engine_answers.to_pillar", str(source))

    said = "\n".join(told["problems"])
    assert "hosted_engine:engine: missing" in said
    assert "hosted_engine:secrets:admin_password: missing" in said
    assert "hosted_engine:storage:type: 'posixfs' isn't one of" in said
    assert told["secrets"] == {"found": [], "where": "none found"}


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
def test_a_secret_within_a_value_is_hidden_and_told(minion, tmp_path):
    """Its key may be any: mount options, an address, a command, an answer of engine-setup."""
    source, target = tmp_path / "answers.conf", tmp_path / "site.sls"
    source.write_text(HIDDEN)

    told = minion("hosted_engine_answers.to_pillar", str(source), target=str(target))

    assert "not-to-be-seen" not in repr(told)
    assert told["secrets"]["found"] == [
        "appliance:source", "hooks:guest_after_setup", "secrets:answers",
    ]  # fmt: skip
    assert "secret (password=)" in told["left_out"]["OVEHOSTED_STORAGE/mntOptions"]
    assert "OVEHOSTED_CORE/ansibleUserExtraVars" in told["left_out"]
    assert told["unknown"] == {"OVEHOSTED_X/comment": "str"}
    shown = told["pillar"]["hosted_engine"]
    assert shown["storage"]["mount_options"] == "vers=3.0,username=he,seal"
    assert shown["appliance"] == {"source": None}
    assert shown["secrets"]["answers"].keys() == {
        "OVESETUP_CONFIG/proxy", "OVESETUP_X/rootPwd", "QUESTION/2/OVESETUP_X_PASS",
    }  # fmt: skip
    assert "hosted_engine:appliance:source: holds a secret" in "\n".join(told["problems"])
    written = yaml.safe_load(target.read_text())["hosted_engine"]
    assert written["appliance"]["source"].endswith(
        "not-to-be-seen-2@files.example.com/appliance.ova"
    )
    assert written["secrets"]["answers"]["OVESETUP_X/rootPwd"] == "str:not-to-be-seen-7"


@pytest.mark.feature("from_ansible")
def test_a_secret_within_a_variable_is_hidden_and_told(minion, tmp_path):
    source = tmp_path / "vars.json"
    variables = FC | {
        "he_additional_package_list": ["https://he:not-to-be-seen@repo.example.com/a.rpm"],
        "he_mount_options": "credentials=/root/not-to-be-seen",
        "he_extra": {"db_password": "not-to-be-seen", "list": ["secret=not-to-be-seen"]},
        "he_gateway": "password=not-to-be-seen",
    }
    source.write_text(json.dumps(variables))

    told = minion("hosted_engine_answers.from_ansible", str(source))

    assert "not-to-be-seen" not in repr(told)
    assert told["secrets"]["found"] == ["network:gateway", "secrets:admin_password", "vm:packages"]
    assert told["left_out"].keys() == {"he_mount_options"}
    assert told["unknown"] == {"he_extra": "dict"}


def test_a_target_that_is_there_stays(minion, tmp_path):
    source, target, link = tmp_path / "a.conf", tmp_path / "site.sls", tmp_path / "link.sls"
    source.write_text(OLD)
    target.write_text("kept")
    link.symlink_to(tmp_path / "nowhere")

    for name in (target, link):
        with pytest.raises(SaltInvocationError, match="is there already"):
            minion("hosted_engine_answers.to_pillar", str(source), target=str(name))
    with pytest.raises(SaltInvocationError, match="isn't an absolute path"):
        minion("hosted_engine_answers.to_pillar", str(source), target="site.sls")
    with pytest.raises(CommandExecutionError, match="No such file or directory"):
        minion("hosted_engine_answers.to_pillar", str(source), target=str(tmp_path / "no" / "x"))

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
def test_a_file_that_cannot_be_read_is_named(minion, tmp_path, content, reason):
    source = tmp_path / "answers.conf"
    if content is not None:
        source.write_bytes(content)

    with pytest.raises(CommandExecutionError, match=reason) as caught:
        minion("hosted_engine_answers.to_pillar", str(source))

    assert str(source) in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.feature("round_trip")
@pytest.mark.parametrize("pillar", VALID.values(), ids=VALID)
def test_fhanswers_becomes_the_pillar_again(minion, tmp_path, pillar):
    """Settings as SLS and modules have them, of the pillar and of what comes back."""
    before = Minion(tmp_path / "before", pillar)
    source = tmp_path / "fhanswers.conf"
    source.write_text(fhanswers.text(pillar["hosted_engine"], IDS, "a-uuid"))

    told = minion("hosted_engine_answers.to_pillar", str(source))

    after = Minion(tmp_path / "after", told["pillar"])
    assert after("hosted_engine.settings") == before("hosted_engine.settings")
    # Secrets are never written there, and what they are needed for is said.
    bare = {"hosted_engine": told["pillar"]["hosted_engine"] | {"secrets": {}}}
    assert told["problems"] == sentences(Minion(tmp_path / "bare", bare)("hosted_engine.problems"))
    assert "hosted_engine:secrets:admin_password: missing" in repr(told["problems"])


@wants_root
@pytest.mark.feature("round_trip")
def test_the_archive_holds_what_the_user_answered(host: StorageHost, tmp_path):
    """As the agent takes it from the disk, read by another reader of otopi's form, and by ours."""
    host.state("hosted_engine_config.present")
    source = tmp_path / "fhanswers.conf"
    source.write_text(host.member("fhanswers.conf"))

    read = standin("hosted_engine_setup_standin.answers").parse(source.read_text())
    told = host.minions[False]("hosted_engine_answers.to_pillar", str(source))

    assert read["OVEHOSTED_STORAGE/storageDomainConnection"] == "nas.example.com:/exports/engine"
    assert read["OVEHOSTED_VM/vmMemSizeMB"] == 16384
    assert read["OVEHOSTED_VM/vmUUID"] == IDS["vm_id"]
    assert read["OVEHOSTED_STORAGE/mntOptions"] is None
    after = Minion(tmp_path / "after", told["pillar"])
    assert after("hosted_engine.settings") == host.settings


@wants_root
def test_a_deployed_host_keeps_a_text_of_another_form(host: StorageHost, tmp_path):
    """What an earlier version wrote, or another tool: the ids are there, so nothing is written."""
    host.state("hosted_engine_config.present")
    host.say(deployed=True)
    disk, folder = host.disk("configuration"), tmp_path / "archive"
    folder.mkdir()
    subprocess.run(["tar", "-xf", disk, "-C", folder], check=True)
    text = (folder / "fhanswers.conf").read_text()
    kept = "".join(line for line in text.splitlines(keepends=True) if "FORMULA" not in line)
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
