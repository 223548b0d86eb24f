"""
The pillar ``hosted_engine``: every key, its type, default, unit and meaning, in one place.

JSON Schema's vocabulary, the subset that ``hosted_engine_validate`` checks. Validation, the
settings that SLS and modules read, docs/pillar.md and the test of pillar.example come from it.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def text(description: str, default: str | None = "", **more: Any) -> Schema:
    return {"type": "string", "description": description, "default": default, **more}


def number(description: str, default: int, minimum: int = 1, **more: Any) -> Schema:
    return {
        "type": "integer",
        "description": description,
        "default": default,
        "minimum": minimum,
        **more,
    }


def flag(description: str, default: bool = False) -> Schema:
    return {"type": "boolean", "description": description, "default": default}


def texts(description: str, default: list[str] | None = None, **items: Any) -> Schema:
    return {
        "type": "array",
        "description": description,
        "items": {"type": "string", **items},
        "default": default or [],
    }


def group(description: str, required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


# A secret has no default and is never merged into the settings: see hosted_engine_settings.secret.
def secret(description: str) -> Schema:
    return {"type": "string", "description": description, "minLength": 1, "writeOnly": True}


NAME = r"^[A-Za-z0-9_.-]+$"
FQDN = r"^(?=.{4,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}$"
MAC = r"^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$"
# Networks and addresses are read by Python's ipaddress in preflight; here only what they look like.
ADDRESS = r"^[0-9A-Fa-f.:]+$"
INTERFACE = r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$"

SCHEMA = group(
    "Deployment of an oVirt hosted engine.",
    required=("engine", "storage", "secrets"),
    engine=group(
        "The engine.",
        required=("fqdn",),
        fqdn=text(
            "Fully qualified name of the engine; resolves to its final address.", None, pattern=FQDN
        ),
        port=number("HTTPS port of the engine's API.", 443, maximum=65535),
        ca_file=text(
            "CA certificate (PEM, a path on the host) that signed the engine's certificate, where "
            "a company's own CA did. Empty: the engine's own CA, read over ssh from the guest."
        ),
        keycloak=flag("Let engine-setup configure Keycloak as the identity provider."),
        offline=flag("engine-setup looks up no packages."),
    ),
    host=group(
        "This hypervisor, as the engine manages it.",
        name=text("Name of the host in the engine. Empty: its fully qualified name."),
        address=text(
            "Name or address at which the engine reaches the host; lies on the management "
            "interface. Empty: its fully qualified name."
        ),
        interface=text(
            "Management interface. Empty: the one with the default route.", pattern=r"^\S{0,15}$"
        ),
        emulation=flag("Go on without hardware virtualisation, by QEMU's emulation: for tests."),
    ),
    datacenter=group("Data center.", name=text("Its name.", "Default", pattern=NAME)),
    cluster=group("Cluster.", name=text("Its name.", "Default", pattern=NAME)),
    network=group(
        "Management network.",
        name=text("Name of the network and of its bridge.", "ovirtmgmt", pattern=NAME),
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
        required=("address", "path"),
        name=text("Name of the storage domain.", "hosted_storage", pattern=NAME),
        type=text("Kind of storage.", "nfs", enum=["nfs"]),
        address=text("Name or address of the server.", None, pattern=r"^\S+$"),
        path=text("Exported path.", None, pattern=r"^/\S*[^/\s]$"),
        nfs_version=text("NFS version.", "auto", enum=["auto", "v3", "v4", "v4_0", "v4_1", "v4_2"]),
        mount_options=text("Further mount options, comma-separated.", pattern=r"^\S*$"),
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
        mac=text(
            "MAC address of its network card, unicast. Empty: made from the engine's name.",
            pattern=r"^(([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})?$",
        ),
        machine=text(
            "Emulated machine. Empty: libvirt's q35 at first, then the cluster's.", pattern=r"^\S*$"
        ),
        firmware=text("Firmware that the appliance boots with.", "uefi", enum=["uefi", "bios"]),
        address=text(
            "Its final address with prefix length, such as 192.0.2.10/24. Empty: by DHCP.",
            pattern=r"^([0-9.]+/[0-9]{1,2})?$",
        ),
        dns=texts("DNS servers of a static guest, three at most.", pattern=ADDRESS),
        time_zone=text("Time zone. Empty: the appliance's.", pattern=r"^[A-Za-z0-9_+/-]*$"),
        root_ssh_key=text("Public ssh key for root, kept in the final VM."),
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
            "Candidates for its NAT network, /24; the first that collides with no route is taken.",
            ["192.168.222.0/24", "192.168.223.0/24", "192.168.1.0/24", "10.253.222.0/24"],
            pattern=INTERFACE,
        ),
    ),
    notification=group(
        "Mail about HA's changes of state.",
        smtp_server=text("Mail server.", "localhost", pattern=r"^\S+$"),
        smtp_port=number("Its port.", 25, maximum=65535),
        source=text("Sender.", "root@localhost", pattern=r"^\S+@\S+$"),
        destinations=texts("Recipients.", ["root@localhost"], pattern=r"^[^\s,]+@[^\s,]+$"),
        state_transition=text(
            "Regular expression of the transitions that are mailed.",
            "maintenance|start|stop|migrate|up|down",
        ),
    ),
    timeouts=group(
        "Longest waits, seconds.",
        command=number("A command of the host.", 120),
        boot=number("Start of a VM until ssh answers.", 600),
        setup=number("engine-setup.", 3600),
        engine=number("The engine's answer on its health page after a start.", 600),
        host=number("Host up in the engine.", 1800),
        storage=number("Storage domain active, disks there.", 900),
        ovf=number("The VM's definition on the storage.", 600),
        shutdown=number("Orderly shutdown of the bootstrap VM.", 300),
        copy=number("Copy of the disk.", 3600),
        ha=number("HA reports a healthy engine.", 1200),
    ),
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
    ),
)
