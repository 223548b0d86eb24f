"""Signing in to the simulator, its PKI, its health, and its faults."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from functional.engine_process import PASSWORD, Engine

from .conftest import Site


def sign_in(engine: Engine, **facts: Any) -> ovirtsdk4.Connection:
    return ovirtsdk4.Connection(
        url=engine.url,
        **{
            "username": engine.user,
            "password": engine.password,
            "ca_file": str(engine.ca_file),
        }
        | facts,
    )


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"password": "wrong"}, r"access_denied : Cannot authenticate user 'admin@internal'"),
        ({"username": "root@internal"}, "The username or password is incorrect"),
        ({"username": "admin@elsewhere"}, "No valid profile"),
    ],
)
def test_wrong_credentials_are_refused_in_the_sso_form(
    engine: Engine, facts: dict[str, str], text: str
) -> None:
    with pytest.raises(ovirtsdk4.AuthError, match=text):
        sign_in(engine, **facts).authenticate()


def test_a_foreign_ca_is_not_trusted(engine: Engine, tmp_path: Any) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=foreign"]
    foreign = tmp_path / "ca.pem"
    subprocess.run(
        [*command, "-keyout", str(tmp_path / "key"), "-out", str(foreign)],
        check=True,
        capture_output=True,
    )
    with pytest.raises(ovirtsdk4.Error, match=r"SSL|certificate"):
        sign_in(engine, ca_file=str(foreign)).authenticate()


def test_the_password_is_nowhere_in_clear(engine: Engine) -> None:
    engine.curl("/hosts")
    for path in engine.folder.iterdir():
        if path.is_file():
            assert PASSWORD not in path.read_text(errors="replace"), path
    assert (engine.folder / "sso.json").stat().st_mode & 0o077 == 0
    assert (engine.folder / "state.json").stat().st_mode & 0o077 == 0


def test_a_wrong_token_is_refused(engine: Engine) -> None:
    with pytest.raises(ovirtsdk4.AuthError, match="nobody@internal"):
        sign_in(engine, token="forged", username="nobody@internal").system_service().get()
    command = ["curl", "--silent", "--cacert", str(engine.ca_file), "--write-out", "%{http_code}"]
    done = subprocess.run(
        [*command, "--header", "Authorization: Bearer forged", engine.url],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("401")


def test_the_sdk_signs_in_again_when_its_token_expires(engine: Engine) -> None:
    with sign_in(engine) as connection:
        before = connection.authenticate()
        engine.faults(expire_tokens=True)
        assert connection.system_service().get().product_info.version.major == 4
        assert connection.authenticate() != before


def test_a_token_is_dead_after_its_time_or_sign_out(engine: Engine) -> None:
    engine.stop()
    engine.start(token_lifetime="0.3")
    with sign_in(engine) as connection:
        token = connection.authenticate()
        service = sign_in(engine, token=token, username="x@internal").system_service()
        assert service.get()
        connection.close()
        with pytest.raises(ovirtsdk4.AuthError):
            service.get()


def test_pki_resources_belong_together(engine: Engine, tmp_path: Any) -> None:
    page = "/ovirt-engine/services/pki-resource?resource={}&format={}"
    ca, _, _ = engine.curl_raw(page.format("ca-certificate", "X509-PEM-CA")).rpartition("\n")
    assert ca == engine.ca_file.read_text()
    certificate = engine.curl_raw(page.format("engine-certificate", "X509-PEM")).rpartition("\n")[0]
    (tmp_path / "engine.cer").write_text(certificate)
    subprocess.run(
        ["openssl", "verify", "-CAfile", str(engine.ca_file), str(tmp_path / "engine.cer")],
        check=True,
        capture_output=True,
    )
    key = engine.curl_raw(page.format("engine-certificate", "OPENSSH-PUBKEY")).split()
    assert (key[0], key[2]) == ("ssh-rsa", "ovirt-engine")
    private = engine.pki / "keys" / "engine_id_rsa"
    public = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(private)], check=True, capture_output=True, text=True
    )
    assert public.stdout.split()[1] == key[1]


def test_health(engine: Engine) -> None:
    answer = engine.curl_raw("/ovirt-engine/services/health")
    assert answer == "DB Up!Welcome to Health Status!\n200"


def test_unavailable_and_dropped_as_often_as_asked(engine: Engine) -> None:
    engine.faults(http_503=2, drop=1)
    with sign_in(engine) as connection:
        service = connection.system_service()
        with pytest.raises(ovirtsdk4.Error):
            service.get()
        for _ in range(2):
            with pytest.raises(ovirtsdk4.Error, match="content type"):
                service.get()
        assert service.get()
    left = json.loads((engine.folder / "faults.json").read_text())
    assert left == {"http_503": 0, "drop": 0}


def test_stuck_and_illegal_disks(engine: Engine, site: Site, api: Any) -> None:
    domain = site.active_domain()
    engine.faults(stuck="disk")
    disk = api.disks_service().disk_service(site.add_disk(domain, "slow").id)
    assert disk.get().status == types.DiskStatus.LOCKED

    engine.faults(disk="illegal")
    engine.wait(lambda: disk.get().status == types.DiskStatus.ILLEGAL)


@pytest.mark.parametrize(
    ("header", "status"), [("Accept: application/json", "406"), ("Content-Type: text/plain", "415")]
)
def test_xml_is_the_only_language(engine: Engine, header: str, status: str) -> None:
    command = ["curl", "--silent", "--config", "-", "--cacert", str(engine.ca_file)]
    command += ["--write-out", "%{http_code}", "--header", header, "--data", "<vm/>"]
    done = subprocess.run(
        [*command, f"{engine.url}/vms"],
        input=f'user = "{engine.user}:{engine.password}"\nheader = "Content-Type: application/xml"'
        if "Accept" in header
        else f'user = "{engine.user}:{engine.password}"',
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith(status)


def test_a_body_that_is_no_xml(engine: Engine) -> None:
    fault = engine.curl("/vms", method="POST", body="{}", status=400)
    assert fault.findtext("reason") == "Request syntactically incorrect."
