"""vdsm's key, its certificate from the engine's CA, and libvirt's PKI made of the same files."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

from .errors import VdsmError
from .layout import KVM, VDSM
from .process import run

VDSM_PKI = Path("/etc/pki/vdsm")
KEY = VDSM_PKI / "keys/vdsmkey.pem"
CERTIFICATE = VDSM_PKI / "certs/vdsmcert.pem"
CA = VDSM_PKI / "certs/cacert.pem"
# libvirt's own default places, for clients; the server's certificate is named in libvirtd.conf.
CLIENT = {
    Path("/etc/pki/CA/cacert.pem"): CA,
    Path("/etc/pki/libvirt/clientcert.pem"): CERTIFICATE,
    Path("/etc/pki/libvirt/private/clientkey.pem"): KEY,
}


def request() -> str:
    """Make vdsm's key, once, and give a certificate request for it (PEM)."""
    if not KEY.exists():
        with tempfile.NamedTemporaryFile(dir=KEY.parent, delete=False) as file:
            run("openssl", "genrsa", "-out", file.name, "2048")
        _own(Path(file.name), 0o440)
        Path(file.name).rename(KEY)
    subject = f"/O=VDSM/CN={socket.getfqdn()}"
    return run("openssl", "req", "-new", "-sha256", "-subj", subject, "-key", str(KEY))


def install(certificate: str, ca: str) -> None:
    """Install what the engine signed. Raises VdsmError for another key's, or another CA's."""
    with tempfile.TemporaryDirectory() as folder:
        signed, authority = Path(folder, "certificate"), Path(folder, "ca")
        signed.write_text(certificate)
        authority.write_text(ca)
        ours = run("openssl", "pkey", "-in", str(KEY), "-pubout")
        if run("openssl", "x509", "-in", str(signed), "-noout", "-pubkey") != ours:
            raise VdsmError("the certificate does not belong to /etc/pki/vdsm/keys/vdsmkey.pem")
        run("openssl", "verify", "-CAfile", str(authority), str(signed))
    for path, text in ((CA, ca), (CERTIFICATE, certificate)):
        path.write_text(text)
        _own(path, 0o644)
    for target, source in CLIENT.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o600 if source is KEY else 0o644)


def installed() -> bool:
    """Whether vdsm has all that TLS needs."""
    return all(path.is_file() for path in (KEY, CERTIFICATE, CA))


def _own(path: Path, mode: int) -> None:
    os.chown(path, VDSM, KVM)
    path.chmod(mode)
