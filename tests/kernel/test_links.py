"""Interfaces as the kernel makes them, and what preflight says of each."""

from __future__ import annotations

import json
import re

import pytest

# What ip makes of them, and the id of a VLAN where it has one.
REFUSED = {
    "bond0.20": ("link bond0 name bond0.20 type vlan proto 802.1ad id 20", 20, "802.1ad"),
    "bond0.12.5": ("link bond0.12 name bond0.12.5 type vlan id 5", 5, "a VLAN below another"),
    "x-vxlan": ("x-vxlan type vxlan id 5 dstport 4789 dev bond0", 0, "a tunnel (vxlan)"),
    "x-gretap": ("x-gretap type gretap remote 10.78.0.2 local 10.78.0.12", 0, "tunnel (gretap)"),
    "x-sit": ("x-sit type sit remote 10.78.0.2", 0, "which isn't ether"),
    "x-vrf": ("x-vrf type vrf table 77", 0, "a VRF"),
    "x-ifb": ("x-ifb type ifb", 0, "an ifb"),
    "x-team": ("x-team type team", 0, "a team"),
    "x-bridge": ("x-bridge type bridge", 0, "a bridge of this host's own"),
    "x-macvlan": ("link bond0 name x-macvlan type macvlan mode bridge", 0, "a macvlan"),
    "x-ipvlan": ("link bond0.12 name x-ipvlan type ipvlan", 0, "an ipvlan"),
}


def problems(formula, interface: str, vlan: int = 0, mtu: int = 1500) -> list[dict[str, str]]:
    """What the checks of links find, with the pillar naming that interface."""
    source = f"""[
        [setattr(host, "interface", {interface!r}),
         host.settings["network"].update(vlan={vlan}, mtu={mtu}),
         ovirt_he.preflight.check.found(ovirt_he.preflight.links.CHECKS, host)][-1]
        for host in [ovirt_he.preflight.check.Host(call("hosted_engine.settings"), {{}}, {{}})]
    ][0]"""
    return list(formula().python(" ".join(source.split())))


@pytest.fixture(params=REFUSED)
def refused(request, hv):
    """A link, and what is said of it."""
    words, vlan, told = REFUSED[request.param]
    hv.run("ip", "link", "add", *words.split())
    yield request.param, vlan, told
    hv.run("ip", "link", "delete", request.param)


def test_a_vlan_on_a_bond_of_two_cards_is_fine(formula, hv):
    assert "802.1Q id 12" in hv.run("ip", "-d", "link", "show", "bond0.12").stdout
    assert problems(formula, "bond0.12", vlan=12) == []
    assert problems(formula, "bond0") == []


def test_what_carries_no_bridge_of_vms_is_refused(formula, refused):
    interface, vlan, told = refused
    (problem,) = problems(formula, interface, vlan=vlan)

    assert told in problem["problem"]
    assert problem["key"] == "hosted_engine:host:interface"


def test_the_cards_mtu_limits_the_vlan_on_their_bond(formula, hv):
    """bond0.12 itself names a limit of 65535, and yet the kernel refuses."""
    assert "maxmtu 65535" in hv.run("ip", "-d", "link", "show", "bond0.12").stdout
    assert "maxmtu 1500" in hv.run("ip", "-d", "link", "show", "vec0").stdout
    assert hv.run("ip", "link", "set", "bond0", "mtu", "9000", check=False).returncode != 0

    (problem,) = problems(formula, "bond0.12", vlan=12, mtu=9000)

    assert re.match(r"9000, but vec\d below bond0.12 carries 1500", problem["problem"])
    assert problem["key"] == "hosted_engine:network:mtu"
    assert problems(formula, "bond0.12", vlan=12, mtu=1500) == []


SALT = """
mkdir -p /etc/salt-lab/pillar /etc/salt-lab/files
ln -sfn /srv/formula/{_modules,_utils,hosted_engine} /etc/salt-lab/files/
cat > /etc/salt-lab/minion <<END
id: hv.lab.test
file_client: local
root_dir: /var/tmp/salt-lab
file_roots: {base: [/etc/salt-lab/files]}
pillar_roots: {base: [/etc/salt-lab/pillar]}
fileserver_followsymlinks: true
END
echo "base: {'*': [site]}" > /etc/salt-lab/pillar/top.sls
cat > /etc/salt-lab/pillar/site.sls <<END
hosted_engine:
  engine: {fqdn: engine.lab.test}
  host: {name: hv.lab.test, address: 10.79.0.12, interface: bond0.12}
  network: {vlan: 12, mtu: 9000, test: none}
  storage: {type: nfs, address: nas.lab.test, path: /exports/engine1, nfs_version: v4_2}
  secrets: {admin_password: not-to-be-seen-admin}
END
salt-call --local -c /etc/salt-lab saltutil.sync_all > /dev/null
salt-call --local -c /etc/salt-lab --out json hosted_engine.preflight || true
"""


def test_the_whole_preflight_by_salt_call(hv):
    """What this host lacks is reported, and nothing of its links and its storage that is fine."""
    found = json.loads(hv.script(SALT, timeout=300))["local"]
    told = {one["check"]: one["problem"] for one in found}

    assert re.match(r"9000, but vec\d below bond0.12 carries 1500 at most", told.pop("mtu"))
    assert "nas.lab.test:/exports/engine1" in told.pop("export_has_room")
    fine = {"kind_of_interface", "vlan", "host_name", "servers_resolve"}
    fine |= {"export_mounts", "export_is_writable", "export_takes_direct_io", "export_is_free"}
    assert not fine & set(told), told
