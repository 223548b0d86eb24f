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


def extracted(host: Host, tmp_path: Path, name: str) -> str:
    """A file, as another reader of ISO 9660 sees it."""
    out = tmp_path / name
    out.unlink(missing_ok=True)
    extract = ["xorriso", "-osirrox", "on", "-indev", seed(host), "-extract", f"/{name}", out]
    subprocess.run(extract, check=True, capture_output=True)
    return out.read_text()


def read(host: Host, tmp_path: Path) -> dict[str, Any]:
    first, _, rest = extracted(host, tmp_path, "user-data").partition("\n")
    assert first == "#cloud-config"
    return dict(json.loads(rest))


def files(user_data: dict[str, Any]) -> dict[str, str]:
    return {file["path"]: file["content"] for file in user_data["write_files"]}
