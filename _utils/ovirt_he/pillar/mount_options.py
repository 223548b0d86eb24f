"""Mount options of a storage domain: which storage type they fit, and what they must not hold."""

from __future__ import annotations

from collections.abc import Iterator

from ovirt_he.core.text import holds_secret

# Names of the options that only one storage type has.
_NAMES = {
    "glusterfs": "backup-volfile-servers backupvolfile-server volfile-max-fetch-attempts "
    "fetch-attempts volfile-server volume-name xlator-option direct-io-mode log-level log-file "
    "fopen-keep-cache enable-ino32 mem-accounting aux-gfid-mount background-qlen "
    "congestion-threshold use-readdirp reader-thread-count lru-limit",
    "nfs": "vers nfsvers minorversion proto mountproto mountport mountvers sec timeo retrans rsize "
    "wsize soft hard softerr bg fg lock nolock local_lock lookupcache nosharecache sharecache "
    "nconnect actimeo acregmin acregmax acdirmin acdirmax noresvport resvport clientaddr fsc nofsc "
    "rdma tcp udp intr nointr cto nocto",
}
OF = {kind: frozenset(names.split()) for kind, names in _NAMES.items()}
VERSIONS = {"3": "v3", "4": "v4", "4.0": "v4_0", "4.1": "v4_1", "4.2": "v4_2"}


def names(options: str) -> list[str]:
    return [option.partition("=")[0].strip() for option in options.split(",")]


def others(kind: str, options: str) -> Iterator[tuple[str, str]]:
    """Options that are for another storage type, and that type."""
    for name in names(options):
        for other, known in OF.items():
            if other != kind and name in known and name not in OF.get(kind, ()):
                yield name, other


def secret(options: str) -> list[str]:
    """Names of the options whose value is a secret."""
    return [name for name, value in _pairs(options) if _is_secret(name, value)]


def without_secrets(options: str) -> str:
    kept = [
        f"{name}={value}" if value else name
        for name, value in _pairs(options)
        if not _is_secret(name, value)
    ]
    return ",".join(kept)


def nfs_version(options: str) -> tuple[str | None, str]:
    """
    ``storage:nfs_version`` that options name, and the options without it; None: they name none.

    >>> nfs_version("vers=4,minorversion=1,noatime")
    ('v4_1', 'noatime')
    """
    pairs = _pairs(options)
    values = dict(pairs)
    version = values.get("nfsvers", values.get("vers", ""))
    if minor := values.get("minorversion"):
        version = f"{version or '4'}.{minor}" if "." not in version else version
    if version not in VERSIONS:
        return None, options
    kept = [
        f"{name}={value}" if value else name
        for name, value in pairs
        if name not in ("vers", "nfsvers", "minorversion")
    ]
    return VERSIONS[version], ",".join(kept)


def _pairs(options: str) -> list[tuple[str, str]]:
    parted = [option.partition("=") for option in options.split(",")]
    return [(name, value) for name, _, value in parted]


def _is_secret(name: str, value: str) -> bool:
    return holds_secret(f"{name}={value}")
