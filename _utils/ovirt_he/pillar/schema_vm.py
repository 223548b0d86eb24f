"""Groups of the schema about the engine VM: its image, the VM itself, the bootstrap VM."""

from __future__ import annotations

from ovirt_he.pillar import schema_types
from ovirt_he.pillar.schema_types import flag, group, number, text, texts

APPLIANCE = group(
    "Image of the engine VM.",
    package=text(
        "Package that contains the image.",
        "ovirt-engine-appliance",
        pattern=r"^\S+$",
        named="he_appliance_package",
    ),
    source=text(
        "A qcow2 or OVA image to use instead of the package, which then isn't installed: a path on "
        "the host, or salt://. Empty: the image in the package.",
        named="VM/ovfArchive he_appliance",
    ),
    sha1=text(
        "SHA-1 checksum of source. Empty: not checked. The image in the package is checked against "
        "the checksum in the package.",
        pattern=r"^([0-9a-fA-F]{40})?$",
    ),
    remove=flag(
        "Remove the package once the engine is healthy on shared storage.",
        named="he_remove_appliance_rpm",
    ),
)

PYTHON = group(
    "Libraries for Salt's Python.",
    wheelhouse=text(
        "Directory with wheels: a path on the host, or salt://. Empty: the configured index."
    ),
)

VM = group(
    "The engine VM.",
    name=text(
        "Name in the engine and in libvirt.",
        "HostedEngine",
        enum=["HostedEngine"],
        named="VM/vmName he_vm_name",
    ),
    memory_mib=number("Memory, MiB.", 16384, 512, named="VM/vmMemSizeMB he_mem_size_MB"),
    cpus=number("Virtual CPUs.", 4, maximum=512, named="VM/vmVCpus he_vcpus"),
    disk_gib=number(
        "Size of the disk, GiB; at least the size of the appliance image.",
        61,
        named="STORAGE/imgSizeGB he_disk_size_GB",
    ),
    disk_format=text("Format of the disk on shared storage.", "raw", enum=["raw", "cow"]),
    disk_allocation=text(
        "Allocation of the disk. auto: preallocated for raw on iscsi and fc, otherwise sparse. On "
        "iscsi and fc, cow is also allocated at its whole size.",
        "auto",
        enum=["auto", "sparse", "preallocated"],
    ),
    graphics=text(
        "Protocol of the graphical console.",
        "vnc",
        enum=["vnc", "spice"],
        named="VDSM/consoleType he_graphic_device",
    ),
    mac=text(
        "Unicast MAC address of the network card. Empty: derived from the engine's name.",
        pattern=r"^(([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})?$",
        named="VM/vmMACAddr he_vm_mac_addr",
    ),
    machine=text(
        "Machine type. Empty: libvirt's q35 for the bootstrap VM, then that of the cluster.",
        pattern=r"^\S*$",
        maxLength=30,
        named="VM/emulatedMachine he_emulated_machine",
    ),
    firmware=text("Firmware that the appliance boots with.", "uefi", enum=["uefi", "bios"]),
    secure_boot=flag("Secure Boot; needs uefi."),
    address=text(
        "Final address with prefix length, such as 192.0.2.10/24 or 2001:db8::10/64. Empty: DHCP.",
        pattern=r"^([0-9A-Fa-f.:]+/[0-9]{1,3})?$",
        named="VM/cloudinitVMStaticCIDR",
    ),
    dns=texts(
        "DNS servers, at most three. Empty: with DHCP, those that it offers.",
        pattern=schema_types.ADDRESS,
        named="VM/cloudinitVMDNS he_dns_addr",
    ),
    search_domain=text("DNS search domain of the guest.", pattern=r"^[A-Za-z0-9.-]*$"),
    hosts_entries=flag(
        "Keep lines for engine and host in the guest's /etc/hosts; with DHCP, only the host's.",
        named="VM/cloudinitVMETCHOSTS he_vm_etc_hosts",
    ),
    time_zone=text(
        "Time zone. Empty: that of the appliance.",
        pattern=r"^[A-Za-z0-9_+/-]*$",
        named="VM/cloudinitVMTZ he_time_zone",
    ),
    root_ssh_keys=texts(
        "Public ssh keys for root.",
        pattern=schema_types.LINE,
        named="VM/rootSshPubkey he_root_ssh_pubkey",
    ),
    root_login=text(
        "How root can log in by ssh on shared storage. unchanged: as in the appliance.",
        "unchanged",
        enum=["unchanged", "password", "keys", "none"],
        named="VM/rootSshAccess he_root_ssh_access",
    ),
    packages=texts(
        "Packages to install in the guest before engine-setup.",
        pattern=r"^[^\s-]\S*$",
        named="he_additional_package_list",
    ),
    openscap_profile=text(
        "OpenSCAP profile applied to the guest, such as stig. Empty: none.",
        pattern=r"^[A-Za-z0-9_.-]*$",
    ),
    fips=flag("FIPS mode in the guest.", named="VM/enableFips he_enable_fips"),
)

BOOTSTRAP = group(
    "The temporary VM in which the engine is set up before it moves to shared storage.",
    directory=text(
        "Directory of its disk during the deployment; must not be used by anything else.",
        "/var/lib/hosted-engine/bootstrap",
        pattern=r"^/[\w./-]+$",
        named="he_local_vm_dir_path",
    ),
    network=text("Name of its libvirt network.", "hosted-engine", enum=["hosted-engine"]),
    subnets=texts(
        "Candidates for its NAT network, /24; the first one that overlaps no network of the host "
        "is used.",
        ["192.168.222.0/24", "192.168.223.0/24", "192.168.1.0/24", "10.253.222.0/24"],
        pattern=schema_types.INTERFACE,
        named="he_ipv4_subnet_prefix",
    ),
    subnets_ipv6=texts(
        "The same for IPv6, /64.",
        ["fd00:1234:5678:900::/64", "fd00:1234:5678:901::/64"],
        pattern=schema_types.INTERFACE,
        named="he_ipv6_subnet_prefix",
    ),
)
