"""A host whose bootstrap network is defined, and its seed, read back by xorriso."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from functional.bootstrap_host import Host

PRESENT, UP = "hosted_engine_seed.present", "hosted_engine_network.up"
PASSWORD = "not-to-be-seen: 50% 'of' \"it\""


@pytest.fixture
def networked(host, hypervisor) -> Host:
    """A host whose network is defined; its rules are the network's tests' affair."""
    secrets = {"admin_password": PASSWORD, "root_password": "not-to-be-seen-root"}
    host.pillar["secrets"] = secrets
    host.pillar["vm"] = {"address": "192.0.2.10/24"}
    host.answers["ip", "-json", "-4", "route", "show", "default"] = json.dumps(
        [{"dst": "default", "gateway": "192.0.2.1", "dev": "eno1"}]
    )
    host.with_pillar()("hosted_engine_network.define", "hosted-engine")
    return host


def seed(host: Host) -> Path:
    return host.directory / "seed.iso"


def read(host: Host, tmp_path: Path) -> dict[str, Any]:
    """The user data, as another reader of ISO 9660 sees it."""
    out = tmp_path / "user-data"
    out.unlink(missing_ok=True)
    extract = ["xorriso", "-osirrox", "on", "-indev", seed(host), "-extract", "/user-data", out]
    subprocess.run(extract, check=True, capture_output=True)
    first, _, rest = out.read_text().partition("\n")
    assert first == "#cloud-config"
    return dict(json.loads(rest))


def files(user_data: dict[str, Any]) -> dict[str, str]:
    return {file["path"]: file["content"] for file in user_data["write_files"]}
