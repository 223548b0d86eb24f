"""The engine's PKI, made with the openssl command: no library to import where starting is slow."""

from __future__ import annotations

import argparse
import ipaddress
import subprocess
import sys
import tempfile
from pathlib import Path

DAYS = "3650"
# A real engine's keys are all RSA; one takes seconds in an emulated guest, so only ssh's is here.
ELLIPTIC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
LEAF = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\n"


class PkiError(Exception):
    """openssl refused; the text says what was tried and what it answered."""


def _openssl(*arguments: str, text: str | None = None) -> str:
    done = subprocess.run(
        ["openssl", *arguments], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PkiError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def alternative_name(host: str) -> str:
    """The subjectAltName of a host that is called by this name or address."""
    try:
        return f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        return f"DNS:{host}"


class Pki:
    """The files below ``/etc/pki/ovirt-engine``, where the real engine keeps them."""

    def __init__(self, folder: Path) -> None:
        self.ca = folder / "ca.pem"
        self.ca_key = folder / "private" / "ca.pem"
        self.certificate = folder / "certs" / "apache.cer"
        self.key = folder / "keys" / "apache.key.nopass"
        self.engine_certificate = folder / "certs" / "engine.cer"
        self.ssh_key = folder / "keys" / "engine_id_rsa"
        self.ssh_public_key = folder / "keys" / "engine_id_rsa.pub"

    def create(self, fqdn: str, name: str = "") -> None:
        """
        A new CA, the certificate of the web server, and the engine's own with its ssh key.

        ``name``: the organization's; by default the domain.
        """
        for path in (self.ca_key, self.certificate, self.key):
            path.parent.mkdir(parents=True, exist_ok=True)
        for path in (self.ca_key, self.key, self.ssh_key):
            path.touch(mode=0o600)
            path.chmod(0o600)
        name = name or fqdn.partition(".")[2] or "localdomain"
        organization = "/C=US/O=" + name.replace("\\", r"\\").replace("/", r"\/")
        _openssl(
            *("req", "-x509", *ELLIPTIC, "-nodes", "-days", DAYS),
            *("-subj", f"{organization}/CN={fqdn}.ca", "-addext", "keyUsage=keyCertSign,cRLSign"),
            *("-keyout", str(self.ca_key), "-out", str(self.ca)),
        )
        for certificate, key, kind in (
            (self.certificate, self.key, ELLIPTIC),
            (self.engine_certificate, self.ssh_key, ("-newkey", "rsa:2048")),
        ):
            request = _openssl(
                *("req", "-new", *kind, "-nodes", "-keyout", str(key)),
                *("-subj", f"{organization}/CN={fqdn}"),
            )
            certificate.write_text(self.sign(request, fqdn), encoding="ascii")
        self.write_ssh_public_key()

    def renew(self, fqdn: str) -> None:
        """New certificates for the keys that are there, by the same CA."""
        subject = f"/C=US/O={fqdn.partition('.')[2] or 'localdomain'}/CN={fqdn}"
        for certificate, key in (
            (self.certificate, self.key),
            (self.engine_certificate, self.ssh_key),
        ):
            request = _openssl("req", "-new", "-key", str(key), "-subj", subject)
            certificate.write_text(self.sign(request, fqdn), encoding="ascii")

    def write_ssh_public_key(self) -> None:
        """The public half of the engine's key as ssh wants it in authorized_keys."""
        line = subprocess.run(
            ["ssh-keygen", "-y", "-f", str(self.ssh_key)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        self.ssh_public_key.write_text(f"{line[0]} {line[1]} ovirt-engine\n", encoding="ascii")

    def sign(self, request: str, host: str) -> str:
        """The certificate (PEM) for a request (PEM) of the host that is called ``host``."""
        extensions = f"{LEAF}extendedKeyUsage=serverAuth,clientAuth\n"
        extensions += f"subjectAltName={alternative_name(host)}\n"
        with tempfile.NamedTemporaryFile("w", suffix=".cnf") as file:
            file.write(extensions)
            file.flush()
            return _openssl(
                *("x509", "-req", "-CA", str(self.ca), "-CAkey", str(self.ca_key)),
                *("-days", DAYS, "-sha256", "-extfile", file.name),
                text=request,
            )


def main() -> int:
    """Make the engine's PKI, or sign a request (standard input) for a host (standard output)."""
    parser = argparse.ArgumentParser(prog="engine_simulator.pki", description=main.__doc__)
    parser.add_argument(
        "--pki", type=Path, required=True, help="for instance /etc/pki/ovirt-engine"
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, argument in (("create", "fqdn"), ("sign", "host")):
        verbs.add_parser(verb).add_argument(argument)
    arguments = parser.parse_args()
    pki = Pki(arguments.pki)
    try:
        if arguments.verb == "create":
            pki.create(arguments.fqdn)
        else:
            sys.stdout.write(pki.sign(sys.stdin.read(), arguments.host))
    except PkiError as err:
        print(err, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
