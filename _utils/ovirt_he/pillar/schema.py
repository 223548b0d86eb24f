"""
The pillar ``hosted_engine``: every key, its type, default, unit and meaning, in one place.

JSON Schema's vocabulary, the subset that ``ovirt_he.pillar.validate`` checks. Validation, the
settings that SLS and modules read, docs/pillar.md and the test of pillar.example come from it.
"""

from __future__ import annotations

from ovirt_he.pillar import patterns, schema_run
from ovirt_he.pillar.schema_types import flag, group, mapping, needs, number, secret, text, texts

SCHEMA = group(
    "Deployment of an oVirt hosted engine.",
    required=("engine", "storage", "secrets"),
    engine=group(
        "The engine.",
        required=("fqdn",),
        fqdn=text(
            "Fully qualified name of the engine; resolves to its final address. 64 characters at "
            "most: its certificate holds no more.",
            None,
            pattern=patterns.FQDN,
            maxLength=patterns.COMMON_NAME,
        ),
        port=number("HTTPS port of the engine's API.", 443, maximum=65535),
        ca_file=text(
            "CA certificate (PEM, a path on the host) that signed the engine's certificate, where "
            "a company's own CA did, and with host:joins. Empty: the engine's own CA, read over "
            "ssh from the guest."
        ),
        keycloak=flag("Let engine-setup configure Keycloak as the identity provider."),
        offline=flag("engine-setup looks up no packages."),
        answers=mapping(
            "Further answers of engine-setup, as otopi writes them: OVESETUP_X/y: bool:True.",
            patterns.ANSWER_NAME,
            patterns.ANSWER,
        ),
    ),
    host=group(
        "This hypervisor, as the engine manages it.",
        name=text(
            "Name of the host in the engine. Empty: its fully qualified name.",
            pattern=patterns.HOST_NAME,
            maxLength=255,
        ),
        address=text(
            "Name or address at which the engine reaches the host; lies on the management "
            "interface. Empty: its fully qualified name. 64 characters at most: the host's "
            "certificate holds no more.",
            maxLength=patterns.COMMON_NAME,
        ),
        interface=text(
            "Management interface. Empty: the one with the default route.", pattern=r"^\S{0,15}$"
        ),
        joins=flag(
            "This host joins the running engine, by hosted_engine.host: no engine of its own is "
            "deployed here."
        ),
        ssh_port=number("Port at which the engine signs in to the host.", 22, maximum=65535),
        firewall=text(
            "What to do where firewalld doesn't run: go on and say so, or stop.",
            "optional",
            enum=["optional", "required"],
        ),
        emulation=flag("Go on without hardware virtualisation, by QEMU's emulation: for tests."),
    ),
    datacenter=group(
        "Data center. One that has storage is used as it is.",
        name=text("Its name.", "Default", pattern=patterns.NAME, maxLength=40),
        version=text(
            "Compatibility version, such as 4.7. Empty: the engine's.", pattern=patterns.VERSION
        ),
    ),
    cluster=group(
        "Cluster. One that has hosts is used as it is.",
        name=text("Its name.", "Default", pattern=patterns.CLUSTER_NAME, maxLength=40),
        version=text(
            "Compatibility version, such as 4.7. Empty: the engine's.", pattern=patterns.VERSION
        ),
        cpu_type=text(
            "CPU type as the engine names it, such as Intel Nehalem Family. Empty: that of its "
            "first host.",
            maxLength=255,
        ),
        gluster_service=flag("Gluster's service too, for hosts that are storage as well."),
    ),
    network=group(
        "Management network.",
        name=text(
            "Name of the network and of its bridge, 15 characters at most.",
            "ovirtmgmt",
            pattern=patterns.BRIDGE,
        ),
        family=text(
            "Family of the addresses at which host and engine reach each other. auto: that of "
            "vm:address, else of the host's address; both: IPv4.",
            "auto",
            enum=["auto", "ipv4", "ipv6"],
        ),
        vlan=number("VLAN of the network, that of host:interface. 0: none.", 0, 0, maximum=4094),
        mtu=number("MTU of the management network. 0: the engine's.", 0, 0, maximum=65520),
        gateway=text(
            "Address that HA pings, and default gateway of a static guest. Empty: the host's "
            "default gateway.",
            pattern=r"^[0-9A-Fa-f.:]*$",
        ),
        test=text("How HA tests the network.", "ping", enum=["ping", "dns", "tcp", "none"]),
        tcp_address=text("Address for the tcp test.", pattern=r"^\S*$"),
        tcp_port=number("Port for the tcp test.", 0, 0, maximum=65535),
    ),
    storage=group(
        "Shared storage of the hosted engine.",
        rules=[
            needs(["nfs", "glusterfs"], "address", "path", default=True),
            needs(["iscsi"], "portals", "target"),
        ],
        name=text(
            "Name of the storage domain.", "hosted_storage", pattern=patterns.NAME, maxLength=250
        ),
        type=text(
            "Kind of storage. posixfs isn't one, since HA doesn't know it.",
            "nfs",
            enum=["nfs", "glusterfs", "iscsi", "fc"],
        ),
        address=text("Name or address of the server (nfs, glusterfs).", pattern=r"^\S*$"),
        path=text(
            "Exported path (nfs), or volume with a slash before it (glusterfs).",
            pattern=r"^(/\S*[^/\s])?$",
        ),
        nfs_version=text("NFS version.", "auto", enum=["auto", "v3", "v4", "v4_0", "v4_1", "v4_2"]),
        mount_options=text(
            "Further mount options, comma-separated (nfs, glusterfs).",
            pattern=r"^\S*$",
            maxLength=500,
        ),
        portals=texts(
            "Portals of the target (iscsi), ADDRESS or ADDRESS:PORT; port 3260 where none is said. "
            "The first one is asked for the targets.",
            pattern=patterns.PORTAL,
        ),
        target=text(
            "Name of the target: IQN, EUI or NAA (iscsi).", pattern=r"^\S*$", maxLength=128
        ),
        portal_group=number(
            "Number of the target's portal group, TPGT (iscsi).", 1, 0, maximum=65535
        ),
        user=text("User of the session's CHAP (iscsi). Empty: none.", pattern=r"^\S*$"),
        discovery_user=text("User of the discovery's CHAP (iscsi). Empty: none.", pattern=r"^\S*$"),
        lun=text(
            "Id of the LUN (iscsi, fc). Empty: the only free one that has 15 GiB more than "
            "vm:disk_gib; hosted_engine.storage_devices lists them.",
            pattern=r"^\S*$",
        ),
        discard_after_delete=flag(
            "Give a disk's blocks back to the LUN after its removal (iscsi, fc)."
        ),
    ),
    appliance=group(
        "Image of the engine.",
        package=text("Package that brings it.", "ovirt-engine-appliance", pattern=r"^\S+$"),
        source=text(
            "A qcow2 or an OVA: a path on the host, or salt://. Empty: the package's own image; "
            "otherwise the package isn't installed."
        ),
        sha1=text(
            "Checksum of source. Empty: not checked; the package's own image is checked against "
            "its package's.",
            pattern=r"^([0-9a-fA-F]{40})?$",
        ),
        remove=flag("Remove the package once the engine is healthy in its final place."),
    ),
    python=group(
        "Libraries of Salt's own Python.",
        wheelhouse=text(
            "Directory of wheels, a path on the host or salt://. Empty: the configured index."
        ),
    ),
    vm=group(
        "The engine's virtual machine.",
        name=text("Its name in the engine and in libvirt.", "HostedEngine", enum=["HostedEngine"]),
        memory_mib=number("Memory, MiB.", 16384, 512),
        cpus=number("Virtual CPUs.", 4, maximum=512),
        disk_gib=number("Size of its disk, GiB; at least the appliance's.", 61),
        disk_format=text("Format of its disk on the storage.", "raw", enum=["raw", "cow"]),
        disk_allocation=text(
            "Room of its disk. auto: taken at once for raw on iscsi and fc, as written elsewhere; "
            "cow on these gets all its room at once, too.",
            "auto",
            enum=["auto", "sparse", "preallocated"],
        ),
        graphics=text("Protocol of its graphical console.", "vnc", enum=["vnc", "spice"]),
        mac=text(
            "MAC address of its network card, unicast. Empty: made from the engine's name.",
            pattern=r"^(([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})?$",
        ),
        machine=text(
            "Emulated machine. Empty: libvirt's q35 at first, then the cluster's.",
            pattern=r"^\S*$",
            maxLength=30,
        ),
        firmware=text("Firmware that the appliance boots with.", "uefi", enum=["uefi", "bios"]),
        secure_boot=flag("Boot nothing that isn't signed (uefi)."),
        address=text(
            "Its final address with prefix length, such as 192.0.2.10/24 or 2001:db8::10/64. "
            "Empty: by DHCP.",
            pattern=r"^([0-9A-Fa-f.:]+/[0-9]{1,3})?$",
        ),
        dns=texts(
            "Its DNS servers, three at most. Empty, by DHCP: what that says.",
            pattern=patterns.ADDRESS,
        ),
        search_domain=text(
            "Domain in which the guest looks names up.", pattern=r"^[A-Za-z0-9.-]*$"
        ),
        hosts_entries=flag(
            "Lines for engine and host in the final guest's /etc/hosts; by DHCP only the host's."
        ),
        time_zone=text("Time zone. Empty: the appliance's.", pattern=r"^[A-Za-z0-9_+/-]*$"),
        root_ssh_keys=texts(
            "Public ssh keys of root, kept in the final VM.", pattern=patterns.LINE
        ),
        root_login=text(
            "How root may sign in to the final VM by ssh. unchanged: as the appliance has it.",
            "unchanged",
            enum=["unchanged", "password", "keys", "none"],
        ),
        packages=texts(
            "Packages to install in the guest before engine-setup.", pattern=r"^[^\s-]\S*$"
        ),
        openscap_profile=text(
            "OpenSCAP profile that the guest is hardened by, such as stig. Empty: none.",
            pattern=r"^[A-Za-z0-9_.-]*$",
        ),
        fips=flag("FIPS mode in the guest."),
    ),
    bootstrap=group(
        "The VM in which the engine is set up before it moves to the shared storage.",
        directory=text(
            "Where its disk lies until the end; ours alone.",
            "/var/lib/hosted-engine/bootstrap",
            pattern=r"^/[\w./-]+$",
        ),
        network=text("Its libvirt network.", "hosted-engine", enum=["hosted-engine"]),
        subnets=texts(
            "Candidates for its NAT network, /24; the first that collides with nothing is taken.",
            ["192.168.222.0/24", "192.168.223.0/24", "192.168.1.0/24", "10.253.222.0/24"],
            pattern=patterns.INTERFACE,
        ),
        subnets_ipv6=texts(
            "Candidates where the family is IPv6, /64; the first that collides with nothing.",
            ["fd00:1234:5678:900::/64", "fd00:1234:5678:901::/64"],
            pattern=patterns.INTERFACE,
        ),
    ),
    notification=schema_run.NOTIFICATION,
    timeouts=schema_run.TIMEOUTS,
    preflight=schema_run.PREFLIGHT,
    hooks=schema_run.HOOKS,
    restore=schema_run.RESTORE,
    pause_before={
        "type": "array",
        "description": "Phases before which a run stops once, for a person to look; the next run "
        "goes on.",
        "items": {"type": "string", "enum": ["bootstrap", "engine", "handover", "ha"]},
        "default": [],
    },
    clean=text(
        "Fully qualified name of the deployed engine that hosted_engine.clean may take down, with "
        "its disk. Empty: it only takes down what isn't deployed."
    ),
    secrets=group(
        "Secrets: from a GPG or SDB pillar. Only modules read them.",
        required=("admin_password",),
        admin_password=secret("Password of the engine's administrator."),
        root_password=secret("Password of root in the engine's VM. Without one, only ssh keys."),
        database_password=secret("Password of the engine's database. Without one, engine-setup's."),
        dwh_database_password=secret("Password of the data warehouse's database."),
        iscsi_password=secret("Password of storage:user."),
        iscsi_discovery_password=secret("Password of storage:discovery_user."),
        answers=mapping(
            "Those of engine:answers that are secret.",
            patterns.ANSWER_NAME,
            patterns.ANSWER,
            writeOnly=True,
        ),
    ),
)
