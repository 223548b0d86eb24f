"""``vdsm-tool configure``: libvirtd on TLS with a login on its local socket, firewall, services."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from . import leases, pki
from .errors import VdsmError
from .process import run

LIBVIRTD_CONF = Path("/etc/libvirt/libvirtd.conf")
SASL_CONF = Path("/etc/sasl2/libvirt.conf")
PASSWORD = Path("/etc/pki/vdsm/keys/libvirt_password")
LOGIN = "vdsm@ovirt"
BEGIN = "## beginning of configuration section by vdsm-4.50"
END = "## end of configuration section by vdsm-4.50"
SECTION = re.compile(f"^{re.escape(BEGIN)}.*?^{re.escape(END)}\n?", re.MULTILINE | re.DOTALL)
DROP_IN = Path("/etc/systemd/system/libvirtd.service.d/unit.conf")
VARIANT = Path("/var/lib/vdsm/variant")
VARIANTS = ("", "no-tls", "keep-routes")
SOCKETS = [f"libvirtd{kind}.socket" for kind in ("-tls", "-ro", "-admin", "")]
SERVICES = ("vdsm", "libvirt-tls", "ovirt-imageio", "ovirt-vmconsole", "ssh")


def is_configured() -> bool:
    """Whether vdsmd may start: our section stands, and the PKI is installed."""
    return bool(SECTION.search(LIBVIRTD_CONF.read_text())) and pki.installed()


def configure(variant: str = "") -> None:
    """Configure libvirt for vdsm and restart both; guests that run go on running."""
    if variant not in VARIANTS:
        raise VdsmError(f"VARIANT is {variant!r}; there are {', '.join(map(repr, VARIANTS))}")
    if not pki.installed():
        raise VdsmError("vdsm has no certificate yet: vdsm-tool install-certificates comes first")
    VARIANT.write_text(variant)
    leases.configure()
    _libvirtd_conf()
    _login()
    _restart_libvirt(tls=variant != "no-tls")
    _firewall()
    run("systemctl", "enable", "-q", "vdsmd.service", "sanlock.service")
    run("systemctl", "start", "sanlock.service")
    run("systemctl", "restart", "vdsmd.service")


def kept_routes(variant: str | None) -> bool:
    """Whether the host keeps its routes: by the caller's variant, else by configure's."""
    known = VARIANT.read_text() if VARIANT.exists() else ""
    return (variant or known) == "keep-routes"


def _libvirtd_conf() -> None:
    settings = {
        "auth_unix_rw": "sasl",
        "ca_file": pki.CA,
        "cert_file": pki.CERTIFICATE,
        "key_file": pki.KEY,
        "unix_sock_group": "kvm",
        "unix_sock_rw_perms": "0770",
    }
    lines = [f'{key}="{value}"' for key, value in settings.items()]
    text = "\n".join([BEGIN, *lines, "keepalive_interval=-1", END, ""])
    before = SECTION.sub("", LIBVIRTD_CONF.read_text())
    LIBVIRTD_CONF.write_text(f"{before.rstrip()}\n{text}")


def _login() -> None:
    kept = [
        line
        for line in SASL_CONF.read_text().splitlines()
        if not re.match(r"\s*(mech_list|sasldb_path|keytab)\s*:", line)
    ]
    settings = ["mech_list: scram-sha-256", "sasldb_path: /etc/libvirt/passwd.db"]
    SASL_CONF.write_text("\n".join([*kept, *settings, ""]))
    run("saslpasswd2", "-p", "-a", "libvirt", LOGIN, text=PASSWORD.read_text().strip())


def _restart_libvirt(tls: bool) -> None:
    """With its sockets up any client would start libvirtd again in the gap: they go first."""
    DROP_IN.parent.mkdir(parents=True, exist_ok=True)
    if tls:
        DROP_IN.write_text("[Unit]\nRequires=libvirtd-tls.socket\nAfter=libvirtd-tls.socket\n")
    else:
        DROP_IN.unlink(missing_ok=True)
        run("systemctl", "disable", "-q", "libvirtd-tls.socket")
    run("systemctl", "daemon-reload")
    run("systemctl", "stop", *SOCKETS, "libvirtd.service")
    run("systemctl", "enable", "-q", "libvirtd.service", *(["libvirtd-tls.socket"] if tls else []))
    run("systemctl", "start", *(unit for unit in SOCKETS if tls or "-tls" not in unit))
    run("systemctl", "start", "libvirtd.service")


def _firewall() -> None:
    """Open what the engine and other hosts use, in the default zone, where firewalld runs."""
    if not shutil.which("firewall-cmd"):
        return
    state = subprocess.run(["firewall-cmd", "--state"], capture_output=True, check=False)
    if state.returncode == 0:
        services = [f"--add-service={service}" for service in SERVICES]
        run("firewall-cmd", "-q", "--permanent", *services)
        run("firewall-cmd", "-q", *services)
