"""The schema's groups about the engine's virtual machine: its image, itself, its bootstrap."""

from __future__ import annotations

from ovirt_he.pillar import schema_types
from ovirt_he.pillar.schema_types import flag, group, number, text, texts

APPLIANCE = group(
    "Image of the engine.",
    package=text(
        "Package that contains it.",
        "ovirt-engine-appliance",
        pattern=r"^\S+$",
        named="he_appliance_package",
    ),
    source=text(
        "A qcow2 or an OVA: a path on the host, or salt://. Empty: the package's own image; "
        "otherwise the package isn't installed.",
        named="VM/ovfArchive he_appliance",
    ),
    sha1=text(
        "Checksum of source. Empty: not checked; the package's own image is checked against its "
        "package's.",
        pattern=r"^([0-9a-fA-F]{40})?$",
    ),
    remove=flag(
        "Remove the package once the engine is healthy on shared storage.",
        named="he_remove_appliance_rpm",
    ),
)

PYTHON = group(
    "Libraries of Salt's own Python.",
    wheelhouse=text(
        "Directory of wheels, a path on the host or salt://. Empty: the configured index."
    ),
)

VM = group(
    "The engine's virtual machine.",
    name=text(
        "Its name in the engine and in libvirt.",
        "HostedEngine",
        enum=["HostedEngine"],
        named="VM/vmName he_vm_name",
    ),
    memory_mib=number("Memory, MiB.", 16384, 512, named="VM/vmMemSizeMB he_mem_size_MB"),
    cpus=number("Virtual CPUs.", 4, maximum=512, named="VM/vmVCpus he_vcpus"),
    disk_gib=number(
        "Size of its disk, GiB; at least that of the appliance.",
        61,
        named="STORAGE/imgSizeGB he_disk_size_GB",
    ),
    disk_format=text("Format of its disk on shared storage.", "raw", enum=["raw", "cow"]),
    disk_allocation=text(
        "Allocation of its disk. auto: preallocated for raw on iscsi and fc, otherwise sparse. On "
        "iscsi and fc cow gets its whole size at once, too.",
        "auto",
        enum=["auto", "sparse", "preallocated"],
    ),
    graphics=text(
        "Protocol of its graphical console.",
        "vnc",
        enum=["vnc", "spice"],
        named="VDSM/consoleType he_graphic_device",
    ),
    mac=text(
        "MAC address of its network card, unicast. Empty: derived from the engine's name.",
        pattern=r"^(([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})?$",
        named="VM/vmMACAddr he_vm_mac_addr",
    ),
    machine=text(
        "Emulated machine. Empty: libvirt's q35 at first, then the cluster's.",
        pattern=r"^\S*$",
        maxLength=30,
        named="VM/emulatedMachine he_emulated_machine",
    ),
    firmware=text("Firmware that the appliance boots with.", "uefi", enum=["uefi", "bios"]),
    secure_boot=flag("Secure Boot: boot only what is signed (uefi)."),
    address=text(
        "Its final address with prefix length, such as 192.0.2.10/24 or 2001:db8::10/64. Empty: "
        "by DHCP.",
        pattern=r"^([0-9A-Fa-f.:]+/[0-9]{1,3})?$",
        named="VM/cloudinitVMStaticCIDR",
    ),
    dns=texts(
        "Its DNS servers, three at most. Empty: with DHCP, those that it offers.",
        pattern=schema_types.ADDRESS,
        named="VM/cloudinitVMDNS he_dns_addr",
    ),
    search_domain=text("Domain in which the guest looks names up.", pattern=r"^[A-Za-z0-9.-]*$"),
    hosts_entries=flag(
        "Keep lines for engine and host in its /etc/hosts; with DHCP only the host's.",
        named="VM/cloudinitVMETCHOSTS he_vm_etc_hosts",
    ),
    time_zone=text(
        "Time zone. Empty: the appliance's.",
        pattern=r"^[A-Za-z0-9_+/-]*$",
        named="VM/cloudinitVMTZ he_time_zone",
    ),
    root_ssh_keys=texts(
        "Public ssh keys of its root.",
        pattern=schema_types.LINE,
        named="VM/rootSshPubkey he_root_ssh_pubkey",
    ),
    root_login=text(
        "How root may sign in to it by ssh, finally. unchanged: as in the appliance.",
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
        "OpenSCAP profile that the guest is hardened by, such as stig. Empty: none.",
        pattern=r"^[A-Za-z0-9_.-]*$",
    ),
    fips=flag("FIPS mode in the guest.", named="VM/enableFips he_enable_fips"),
)

BOOTSTRAP = group(
    "The VM in which the engine is set up before it moves to shared storage.",
    directory=text(
        "Directory of its disk until the deployment ends; used by nothing else.",
        "/var/lib/hosted-engine/bootstrap",
        pattern=r"^/[\w./-]+$",
        named="he_local_vm_dir_path",
    ),
    network=text("Its libvirt network.", "hosted-engine", enum=["hosted-engine"]),
    subnets=texts(
        "Candidates for its NAT network, /24; the first that overlaps no network of the host is "
        "used.",
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
