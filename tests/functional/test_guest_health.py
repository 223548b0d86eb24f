"""hosted_engine_guest: the engine's health page, by the engine simulator over TLS."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from functional.ssh_guest import SET_UP, Guest, guest

__all__ = ["guest"]


@pytest.fixture
def page(guest, engine, monkeypatch) -> Guest:
    """The guest's engine has its page up, and the hosts file says that it's here."""
    resolve = socket.getaddrinfo

    def resolved(name: Any, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if name == engine.fqdn else name, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    guest.host.pillar["engine"] = {"fqdn": engine.fqdn, "port": engine.port}
    guest.host.with_pillar()
    guest.host.records.mkdir(exist_ok=True)
    guest.put(state="running", setup="complete")
    return guest


def trust(guest: Guest, certificate: Path) -> None:
    (guest.host.records / "engine-ca.pem").write_text(certificate.read_text())


def test_health_is_told_over_verified_tls(page, engine, engine_pki, monkeypatch):
    trust(page, engine_pki / "ca.pem")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    ret = page.host.minion.state(SET_UP, engine.fqdn)

    assert (ret["result"], ret["changes"]) == (True, {})


def test_a_foreign_certificate_is_no_health(page, engine, tmp_path):
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other"]
    files = ["-keyout", tmp_path / "key.pem", "-out", tmp_path / "other.pem"]
    subprocess.run([*make, *files], check=True, capture_output=True)
    trust(page, tmp_path / "other.pem")

    said = page.host.minion("hosted_engine_guest.health")

    assert "CERTIFICATE_VERIFY_FAILED" in said or "certificate verify failed" in said


def test_an_engine_that_is_down_is_told_by_its_url(page, engine, engine_pki):
    trust(page, engine_pki / "ca.pem")
    engine.stop()

    ret = page.host.minion.state(SET_UP, engine.fqdn)

    assert ret["result"] is False
    assert f"https://{engine.fqdn}:{engine.port}/ovirt-engine/services/health" in ret["comment"]
