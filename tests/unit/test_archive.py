"""The configuration archive, read back by tar as the agent does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ovirt_he.ha import archive, conf, fhanswers
from salt.exceptions import CommandExecutionError

from unit.configured import DOMAIN, IDS, OTHER, PILLAR, VM, known

TEXTS = {
    conf.HOSTED_ENGINE: conf.hosted_engine_conf(known(), IDS, "192.0.2.1"),
    conf.VM: conf.vm_conf(known(), IDS),
    conf.BROKER: conf.broker_conf(known()),
    conf.VERSION: "2.5.2\n",
    conf.ANSWERS: fhanswers.text(PILLAR["hosted_engine"], IDS, "a-uuid"),
}


def extracted(disk: Path, name: str) -> str:
    command = ["tar", "-xOf", disk, name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_tar_reads_what_was_built(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(archive.build(TEXTS) + bytes(100_000))

    listed = subprocess.run(["tar", "-tf", disk], capture_output=True, text=True, check=True)
    assert sorted(listed.stdout.split()) == sorted(conf.MEMBERS)
    for name, text in TEXTS.items():
        out = subprocess.run(
            ["tar", "-xOf", disk, name], capture_output=True, text=True, check=True
        )
        assert out.stdout == text


def test_it_has_the_one_length() -> None:
    assert len(archive.build(TEXTS)) == 20480
    assert archive.build(TEXTS) == archive.build(TEXTS), "no time stamps in it"


def test_what_is_too_long_is_refused_and_named() -> None:
    texts = TEXTS | {conf.ANSWERS: TEXTS[conf.ANSWERS] + f"OVEHOSTED_VM/key=str:{'k' * 15_000}\n"}

    with pytest.raises(CommandExecutionError, match=r"OVEHOSTED_VM/key in fhanswers.conf \(15021"):
        archive.build(texts)


def test_the_longest_that_fits_is_written_whole(tmp_path: Path) -> None:
    room = archive.ARCHIVE_BYTES - 2 * 512 - len(archive.build(TEXTS).rstrip(b"\0"))
    last = TEXTS[conf.HOSTED_ENGINE]
    texts = TEXTS | {conf.HOSTED_ENGINE: last + "x" * room}

    disk = tmp_path / "disk"
    disk.write_bytes(archive.build(texts))

    out = subprocess.run(["tar", "-xOf", disk, conf.HOSTED_ENGINE], capture_output=True, check=True)
    assert out.stdout.decode() == last + "x" * room
    with pytest.raises(CommandExecutionError, match="nothing was written"):
        archive.build(texts | {conf.HOSTED_ENGINE: last + "x" * (room + 1)})


@pytest.mark.parametrize("blocks", range(6))
def test_a_torn_write_of_ours_is_known_as_ours(blocks: int) -> None:
    data = archive.build(TEXTS)

    torn = data[: blocks * 4096].ljust(len(data), b"\0")

    assert archive.foreign(torn, IDS) is None


@pytest.mark.parametrize("tail", [b"", b"x" * 4096])
def test_an_empty_first_block_is_no_archive(tail: bytes) -> None:
    assert archive.foreign(bytes(4096) + tail, IDS) is None


@pytest.mark.parametrize("data", [b"LABELONE".ljust(20480, b"x"), b"\x1f\x8b".ljust(20480, b"\0")])
def test_something_else_is_not_overwritten(data: bytes) -> None:
    assert "no configuration archive" in str(archive.foreign(data, IDS))


@pytest.mark.parametrize(
    ("name", "old"),
    [(conf.VM, VM), (conf.HOSTED_ENGINE, VM), (conf.HOSTED_ENGINE, DOMAIN)],
)
def test_another_deployments_archive_is_told(name: str, old: str) -> None:
    data = archive.build(TEXTS | {name: TEXTS[name].replace(old, OTHER)})

    assert OTHER in str(archive.foreign(data, IDS))


def test_mending_keeps_what_an_operator_set() -> None:
    fresh = TEXTS[conf.HOSTED_ENGINE]
    current = fresh.replace("gateway=192.0.2.1", "gateway=192.0.2.254").replace(VM, OTHER)
    current = current.replace("console=vnc\n", "") + "own=1\n"

    mended = archive.updated(conf.HOSTED_ENGINE, fresh, current)

    values = conf.properties(mended)
    assert values["gateway"] == "192.0.2.254"
    assert values["vmid"] == VM
    assert values["console"] == "vnc"
    assert values["own"] == "1"
    assert archive.updated(conf.HOSTED_ENGINE, fresh, mended) == mended


def test_mending_what_lacks_nothing_changes_no_byte() -> None:
    for name, text in TEXTS.items():
        own = text + "# an operator's line\n"
        assert archive.updated(name, text, own) == own


def test_answers_of_another_tool_stay() -> None:
    fresh = TEXTS[conf.ANSWERS]
    current = "[environment:default]\nOVEHOSTED_CORE/checkRequirements=bool:True\n"

    mended = archive.updated(conf.ANSWERS, fresh, current + f"OVEHOSTED_VM/vmUUID=str:{OTHER}\n")

    assert "OVEHOSTED_CORE/checkRequirements=bool:True" in mended
    assert f"OVEHOSTED_VM/vmUUID=str:{VM}" in mended
    assert OTHER not in mended


@pytest.mark.parametrize("name", conf.MEMBERS)
@pytest.mark.parametrize("broken", [None, "", "\x00\x00"])
def test_a_member_without_content_is_written_anew(name: str, broken: str | None) -> None:
    assert archive.updated(name, TEXTS[name], broken) == TEXTS[name]


def test_nuls_behind_a_members_text_are_no_part_of_it() -> None:
    """A write that was cut short leaves them."""
    for text in ("2.5.2\n", "x"):
        members = archive.members(archive.build(TEXTS | {conf.VERSION: f"{text}\0\0\0"}))

        assert members[conf.VERSION] == text
