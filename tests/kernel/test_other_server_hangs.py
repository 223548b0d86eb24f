"""Our domain's server answers, another domain's swallows packets: ours is found all the same."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from .conftest import nfs

DOMAIN = "77777777-2222-4333-8444-555555555555"
TAIL = f"{DOMAIN}/images/img/vol"
MOUNTS = "/rhev/data-center/mnt"
OURS = f"{MOUNTS}/nas.lab.test:_exports_engine1"
# Before ours in the order of names, so that whoever asks all mounts asks it first.
OTHER = f"{MOUNTS}/10.78.0.3:_exports_engine3"
# No machine has this address: what is sent there is lost without an answer.
NOBODY = "02:00:00:00:00:01"
OPTIONS = "soft,nosharecache,timeo=100,retrans=3,vers=3,nolock"


@pytest.fixture
def other_hangs(hv, nas) -> Iterator[None]:
    nas.script(
        f"""
        mkdir -p /exports/engine1/{DOMAIN}/images/img
        truncate -s 1M /exports/engine1/{TAIL}
        chown -R 36:36 /exports/engine1/{DOMAIN}
        """
    )
    hv.script(
        f"""
        mkdir -p {OURS} {OTHER}
        mount -t nfs -o {OPTIONS} nas.lab.test:/exports/engine1 {OURS}
        mount -t nfs -o {OPTIONS} 10.78.0.3:/exports/engine3 {OTHER}
        ip neighbour replace 10.78.0.3 lladdr {NOBODY} nud permanent dev bond0
        echo 3 > /proc/sys/vm/drop_caches
        """
    )
    yield
    hv.script(
        f"""
        ip neighbour delete 10.78.0.3 dev bond0
        umount -f -l {OTHER}
        umount -f -l {OURS}
        """
    )
    nas.run("rm", "-rf", f"/exports/engine1/{DOMAIN}")


def test_ours_is_found_while_anothers_server_hangs(formula, hv, other_hangs):
    # The other one hangs indeed: an attribute that isn't cached isn't answered.
    assert hv.run("timeout", "5", "ls", f"{OTHER}/x", check=False).returncode == 124

    # Salt's loader takes its time as well.
    assert formula()("test.ping")
    begun = time.monotonic()
    found = formula().python(
        f"ovirt_he.host.volume.find({DOMAIN!r}, 'img', 'vol', {nfs('engine1', 'v3')!r})"
    )
    waited = time.monotonic() - begun

    assert found == f"{OURS}/{TAIL}"
    assert waited < 15, f"{waited:.0f} s: the other mount was touched"
    assert formula().python(f"ovirt_he.host.volume.find({DOMAIN!r}, 'img', 'vol')") == found
