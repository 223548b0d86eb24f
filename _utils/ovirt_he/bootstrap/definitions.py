"""libvirt's definitions of the bootstrap VM and of its network."""

from __future__ import annotations

import ipaddress
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ovirt_he.bootstrap import vm_files

BRIDGE = "virbr-he"
# The appliance is built for no other.
ARCHITECTURE = "x86_64"
# In the subnet: the host's end, and the guest's address, the only one there is a lease for.
HOST, GUEST = 1, 10

NETWORK = """<network>
  <name>{name}</name>
  <forward mode='nat'/>
  <bridge name={bridge} stp='off' delay='0'/>
  <ip address={host} netmask={netmask}>
    <dhcp>
      <range start={guest} end={guest}/>
      <host mac={mac} ip={guest}/>
    </dhcp>
  </ip>
</network>
"""

# Without DHCP, libvirt's dnsmasq advertises itself as router: the guest's own address is static.
NETWORK_IPV6 = """<network>
  <name>{name}</name>
  <forward mode='nat'><nat ipv6='yes'/></forward>
  <bridge name={bridge} stp='off' delay='0'/>
  <ip family='ipv6' address={host} prefix='{prefix}'/>
</network>
"""

# The seed is on virtio-scsi: not every appliance's kernel knows AHCI. It is mandatory, so that the
# VM never starts without the data that marks it as the bootstrap VM.
DOMAIN = """<domain type={kind}>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>{cpus}</vcpu>
  <os{firmware}>
    <type arch={architecture} machine={machine}>hvm</type>{secure_boot}
    <boot dev='hd'/>
  </os>
  <features><acpi/><apic/>{smm}</features>
  <cpu mode={cpu}/>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='writeback' discard='unmap'/>
      <source file={disk}/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file={seed} startupPolicy='mandatory'/>
      <target dev='sda' bus='scsi'/>
      <readonly/>
    </disk>
    <interface type='network'>
      <source network={network}/>
      <mac address={mac}/>
      <model type='virtio'/>
    </interface>
    <serial type='file'>
      <source path={console} append='on'/>
    </serial>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""

# The firmware is libvirt's choice, from what the host has; Secure Boot as the engine's VM has it.
NO_SECURE_BOOT = "\n    <firmware><feature enabled='no' name='secure-boot'/></firmware>"
SECURE_BOOT = """
    <firmware>
      <feature enabled='yes' name='secure-boot'/>
      <feature enabled='yes' name='enrolled-keys'/>
    </firmware>"""


def network(name: str, subnet: str, mac: str) -> str:
    """
    The NAT network. IPv4: with one pinned lease, an address to rely on, none to search for. IPv6:
    the guest gives itself that address.
    """
    hosts = ipaddress.ip_network(subnet)
    template = NETWORK if hosts.version == 4 else NETWORK_IPV6
    return template.format(
        name=escape(name),
        bridge=quoteattr(BRIDGE),
        host=quoteattr(str(hosts[HOST])),
        netmask=quoteattr(str(hosts.netmask)),
        prefix=hosts.prefixlen,
        guest=quoteattr(str(hosts[GUEST])),
        mac=quoteattr(mac),
    )


def domain(settings: dict[str, Any], kind: str) -> str:
    """The bootstrap VM; ``kind``: kvm or qemu."""
    files, vm, bootstrap = vm_files.of(settings), settings["vm"], settings["bootstrap"]
    uefi, secure = vm["firmware"] == "uefi", vm["secure_boot"]
    features = SECURE_BOOT if secure else NO_SECURE_BOOT
    return DOMAIN.format(
        kind=quoteattr(kind),
        name=escape(bootstrap["name"]),
        uuid=bootstrap["uuid"],
        memory=vm["memory_mib"],
        cpus=vm["cpus"],
        firmware=" firmware='efi'" if uefi else "",
        secure_boot=features if uefi else "",
        # Secure Boot's firmware keeps its variables out of the guest's reach.
        smm="<smm state='on'/>" if uefi and secure else "",
        architecture=quoteattr(ARCHITECTURE),
        machine=quoteattr(vm["machine"] or "q35"),
        cpu=quoteattr("host-passthrough" if kind == "kvm" else "maximum"),
        disk=quoteattr(str(files.disk)),
        seed=quoteattr(str(files.seed)),
        console=quoteattr(str(files.console)),
        network=quoteattr(bootstrap["network"]),
        mac=quoteattr(vm["mac"]),
    )
