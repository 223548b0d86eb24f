"""The seed: the CD from which cloud-init sets up the bootstrap VM. It holds secrets."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

from ovirt_he.bootstrap import vm, vm_files
from ovirt_he.core import command, records
from ovirt_he.core.errors import NotYet
from ovirt_he.guest import answers, network, ssh_keys
from ovirt_he.guest import files as guest_files
from ovirt_he.host import address_family, routes
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.pillar.settings import Settings, load, secret, secret_answers
from salt.exceptions import CommandExecutionError

SECRETS = ("admin_password", "root_password", "database_password", "dwh_database_password")
# Where cloud-init looks, what engine-setup reads from here itself, and the old-fashioned name that
# ISO 9660 wants besides.
FILES = {"meta-data": "/METADATA.;1", "user-data": "/USERDATA.;1", "answers": "/ANSWERS.;1"}


def get(name: str) -> dict[str, Any] | None:
    """
    Whether the seed ``name`` matches the pillar, and its mode; None: absent.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_seed.get /var/lib/hosted-engine/bootstrap/seed.iso

    ``content``: current, outdated, or unreadable. ``setup``: complete once the guest is set up.
    """
    path = Path(name)
    if not path.exists():
        return None
    keys = _keys()
    held = _read(path)
    content = "outdated"
    if held is None:
        content = "unreadable"
    elif keys is not None and held == _contents(keys):
        content = "current"
    return {
        "content": content,
        "mode": f"{path.stat().st_mode & 0o7777:04o}",
        "setup": "complete" if vm.is_complete(_settings()) else "open",
    }


def make(name: str) -> None:
    """
    Make the seed ``name``, and the keys where there are none yet.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_seed.make /var/lib/hosted-engine/bootstrap/seed.iso

    Raises CommandExecutionError when the host's address is unknown or the file can't be
    written, and on a deployed host; SaltInvocationError for a password that no answer file carries.
    """
    refuse_if_deployed(__salt__, f"Making the seed {name}")
    keys = _keys() or _make_keys()
    contents = _iso(_contents(keys))
    settings = _settings()
    names = f"{__salt__['hosted_engine_network.address']()},{settings['engine']['fqdn']}"
    kind, key, _ = keys["host_key_public"].split()
    records.write_file(vm_files.of(settings).known_hosts, f"{names} {kind} {key}\n")
    records.write_file(Path(name), contents)


def _settings() -> Settings:
    return load(__pillar__, __grains__)


def _keys() -> dict[str, str] | None:
    files = vm_files.of(_settings())
    paths = {
        "host_key": files.host_key,
        "host_key_public": files.host_key.with_suffix(".pub"),
        "client_key_public": files.client_key.with_suffix(".pub"),
    }
    try:
        return {half: path.read_text() for half, path in paths.items()}
    except FileNotFoundError:
        return None


def _make_keys() -> dict[str, str]:
    """Both pairs; each public key is written last, which shows that the private one exists."""
    files = vm_files.of(_settings())
    for path in (files.host_key, files.client_key):
        path.with_suffix(".pub").unlink(missing_ok=True)
        private, public = ssh_keys.make(guest_files.KEY_COMMENT)
        records.write_file(path, private)
        records.write_file(path.with_suffix(".pub"), public)
    made = _keys()
    if made is None:
        raise CommandExecutionError(f"The keys in {files.directory} vanished while being made")
    return made


def _contents(keys: dict[str, str]) -> dict[str, bytes]:
    """The seed's files. The same settings and keys give the same bytes, always."""
    settings = _settings()
    secrets = {name: secret(__pillar__, name) for name in SECRETS}
    address = __salt__["hosted_engine_network.address"]()
    hosts = network.hosts(settings, __grains__, address_family.of(settings), address)
    texts = {
        "meta-data": guest_files.meta_data(settings),
        "user-data": guest_files.user_data(
            settings,
            hosts=hosts,
            networking=network.files(
                settings, __grains__, routes.default_gateway(settings), address
            ),
            keys={half: text.strip() + "\n" * (half == "host_key") for half, text in keys.items()},
            root_hash=_hash(secrets["root_password"], keys["host_key"]),
        ),
        "answers": answers.text(settings, secrets, secret_answers(__pillar__)),
    }
    return {name: text.encode() for name, text in texts.items()}


def _hash(password: Any, key: str) -> str | None:
    """
    crypt's SHA-512 hash of root's password.

    Its salt comes from the private key: unknown to others, and the same at each look.
    """
    if password is None:
        return None
    salt = hashlib.sha256(f"root password {key}".encode()).hexdigest()[:16]
    asked = command.run(
        "openssl", "passwd", "-6", "-salt", salt, "-stdin", stdin=f"{password.value}\n"
    )
    return asked.stdout.strip()


def _library() -> Any:
    try:
        import pycdlib
    except ImportError as error:
        raise NotYet(
            "The library pycdlib isn't in Salt's Python: "
            "salt-call --local state.apply hosted_engine.appliance installs it"
        ) from error
    return pycdlib


def _iso(contents: dict[str, bytes]) -> bytes:
    image = _library().PyCdlib()
    image.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=guest_files.SEED_LABEL)
    for name, content in contents.items():
        image.add_fp(
            io.BytesIO(content), len(content), FILES[name], rr_name=name, joliet_path=f"/{name}"
        )
    out = io.BytesIO()
    image.write_fp(out)
    image.close()
    return out.getvalue()


def _read(path: Path) -> dict[str, bytes] | None:
    """The files of the seed at ``path``; None: it isn't one."""
    library = _library()
    image = library.PyCdlib()
    held: dict[str, bytes] = {}
    try:
        image.open(str(path))
        try:
            for name in FILES:
                content = io.BytesIO()
                image.get_file_from_iso_fp(content, rr_path=f"/{name}")
                held[name] = content.getvalue()
        finally:
            image.close()
    except library.pycdlibexception.PyCdlibException:
        return None
    return held
