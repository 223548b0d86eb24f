"""Storage domains: where each is, and the verbs that make, measure and remove them."""

from __future__ import annotations

import shutil
from typing import Any

from . import mounts
from .block_domain import BlockDomain
from .errors import StorageDomainDoesNotExist
from .file_domain import FileDomain
from .layout import LINKS


def find(domain_id: str) -> FileDomain | BlockDomain:
    """A domain on connected storage. Raises StorageDomainDoesNotExist."""
    found = FileDomain.find(domain_id) or BlockDomain.find(domain_id)
    if found is None:
        raise StorageDomainDoesNotExist((domain_id,))
    return found


def create(storagedomainID: str, name: str, connection: Any, **_others: object) -> None:
    """Make a domain on a connected export or on a LUN. Raises what either refuses."""
    if "devices" in connection:
        BlockDomain.create(storagedomainID, name, connection["devices"])
    else:
        FileDomain.create(storagedomainID, name, connection)


def format_domain(storagedomainID: str, **_others: object) -> None:
    """Remove a domain with all that is on it."""
    find(storagedomainID).format()
    shutil.rmtree(LINKS / storagedomainID, ignore_errors=True)


def listed(connection: Any, **_others: object) -> list[dict[str, str]]:
    """The domains on a mounted export, whoever made them."""
    _type, root, _remote = mounts.location(connection)
    found = (path.parent.parent.name for path in sorted(root.glob("*/dom_md/metadata")))
    return [{"id": identifier} for identifier in found]


def info(storagedomainID: str, **_others: object) -> dict[str, Any]:
    """What a domain's metadata says of it."""
    facts = find(storagedomainID).metadata()
    pool = facts.get("POOL_UUID")
    return {
        "uuid": storagedomainID,
        "name": facts.get("DESCRIPTION", ""),
        "class": facts.get("CLASS", ""),
        "role": facts.get("ROLE", ""),
        "version": facts.get("VERSION", ""),
        "pool": [pool] if pool else [],
    }


def stats(storagedomainID: str, **_others: object) -> dict[str, int]:
    """Bytes that are free and taken where the domain lies."""
    return find(storagedomainID).stats()
