"""vdsm's answers about storage, as vdsm-client prints them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from minion import Minion
from ovirt_he.core import command
from salt.exceptions import CommandExecutionError
from unit.configured import PILLAR

STORAGE = {
    "type": "iscsi", "portals": ["192.0.2.7", "192.0.2.8"], "user": "host",
    "target": "iqn.2020-01.com.example:engine", "lun": "36001405a",
}  # fmt: skip
SECRETS = {"admin_password": "not-to-be-seen", "iscsi_password": "host-secret"}


@pytest.fixture(scope="module")
def minion(tmp_path_factory: pytest.TempPathFactory) -> Minion:
    pillar = PILLAR["hosted_engine"] | {"storage": STORAGE, "secrets": SECRETS}
    return Minion(tmp_path_factory.mktemp("minion"), {"hosted_engine": pillar})


def answers(monkeypatch: pytest.MonkeyPatch, code: int, output: str, errors: str = "") -> list[Any]:
    asked: list[Any] = []

    def run(*arguments: str, stdin: str, **_: Any) -> Any:
        asked.append((arguments, json.loads(stdin)))
        return subprocess.CompletedProcess(arguments, code, output, errors)

    monkeypatch.setattr(command, "run", run)
    return asked


def test_one_portal_that_is_connected_is_enough(
    minion: Minion, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, 0, '[{"id": "a", "status": 465}, {"id": "b", "status": 0}]')

    minion("vdsm.connect_storage", minion("hosted_engine.settings")["storage"])

    ((arguments, given),) = asked
    assert "host-secret" not in str(arguments)
    assert [each["password"] for each in given["connectionParams"]] == ["host-secret"] * 2


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ('[{"id": "a", "status": 465}, {"id": "b", "status": 475}]', "error code 465, 475"),
        ("no JSON", "error code unknown"),
    ],
)
def test_storage_of_which_nothing_is_connected_is_reported(
    minion: Minion, monkeypatch: pytest.MonkeyPatch, output: str, reason: str
) -> None:
    answers(monkeypatch, 0, output)

    with pytest.raises(CommandExecutionError, match=reason):
        minion("vdsm.connect_storage", minion("hosted_engine.settings")["storage"])


def test_a_refusal_is_shown_without_the_password_that_vdsm_client_repeats(
    minion: Minion, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = (
        "vdsm-client: Command StoragePool.connectStorageServer with args {'connectionParams': "
        "[{'password': 'host-secret'}]} failed:\n(code=100, message=General Exception: "
        '("login with host-secret",))\n'
    )
    answers(monkeypatch, 1, "", errors)

    with pytest.raises(CommandExecutionError) as failed:
        minion("vdsm.connect_storage", minion("hosted_engine.settings")["storage"])

    assert "code=100, message=General Exception" in str(failed.value)
    assert "host-secret" not in str(failed.value)
    assert "args" not in str(failed.value), "Python's form of a password isn't the password"


@pytest.mark.parametrize("path", ["", "/no/such/volume"])
def test_a_prepared_volume_that_is_not_there_is_reported(
    minion: Minion, monkeypatch: pytest.MonkeyPatch, path: str, tmp_path: Path
) -> None:
    run = command.run

    def prepared(*arguments: str, **options: Any) -> Any:
        if arguments[0] != "vdsm-client":
            return run(*arguments, **options)
        return subprocess.CompletedProcess(arguments, 0, json.dumps({"path": path}), "")

    monkeypatch.setattr(command, "run", prepared)

    with pytest.raises(CommandExecutionError, match="vdsm prepared the volume v of the image i"):
        minion("vdsm.prepare_image", "d", "i", "v")
