"""Storage domains: where each is, and the verbs that make, measure and remove them."""

from __future__ import annotations

import shutil
from typing import Any

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


def stats(storagedomainID: str, **_others: object) -> dict[str, int]:
    """Bytes that are free and taken where the domain lies."""
    return find(storagedomainID).stats()
