"""
The pillar ``hosted_engine``: every key, its type, default, unit and description, in one place.

It uses the subset of JSON Schema that ``ovirt_he.pillar.validate`` checks. Validation, the settings
that SLS files and modules read, docs/pillar.md and the test of pillar.example are based on it.
"""

from __future__ import annotations

from ovirt_he.pillar import schema_run, schema_types, schema_vm
from ovirt_he.pillar.schema_types import flag, group, mapping, needs, number, secret, text, texts

SCHEMA = group(
    "Deployment of an oVirt hosted engine.",
    required=("engine", "storage", "secrets"),
    engine=group(
        "The engine.",
        required=("fqdn",),
        fqdn=text(
            "Fully qualified name of the engine. It must resolve to the engine's final address. At "
            "most 64 characters, the limit of a certificate's common name.",
            None,
            pattern=schema_types.FQDN,
            maxLength=schema_types.COMMON_NAME,
            named="NETWORK/fqdn he_fqdn OVESETUP_CONFIG/fqdn",
        ),
        port=number("HTTPS port of the engine's API.", 443, maximum=65535),
        ca_file=text(
            "CA certificate (PEM, a path on the host) that verifies the engine's certificate. "
            "Needed if a company CA signed it, and with host:joins. Empty: the engine's own CA, "
            "read from the guest over ssh."
        ),
        keycloak=flag(
            "Have engine-setup configure Keycloak as the identity provider.",
            named="CORE/enableKeycloak he_enable_keycloak OVESETUP_CONFIG/keycloakEnable",
        ),
        offline=flag(
            "Run engine-setup without looking up packages.",
            named="he_offline_deployment OVESETUP_CORE/offlinePackager",
        ),
        answers=mapping(
            "Other answers for engine-setup, as otopi writes them: OVESETUP_X/y: bool:True.",
            schema_types.ANSWER_NAME,
            schema_types.ANSWER,
        ),
    ),
    host=group(
        "This hypervisor, as the engine manages it.",
        name=text(
            "Name of the host in the engine. Empty: its fully qualified name.",
            pattern=schema_types.HOST_NAME,
            maxLength=255,
            named="ENGINE/appHostName he_host_name",
        ),
        address=text(
            "Name or address at which the engine reaches the host, on the management interface. "
            "Empty: its fully qualified name. At most 64 characters, the limit of a certificate's "
            "common name.",
            maxLength=schema_types.COMMON_NAME,
            named="NETWORK/host_name he_host_address",
        ),
        interface=text(
            "Management interface. Empty: the one with the default route.",
            pattern=r"^\S{0,15}$",
            named="NETWORK/bridgeIf he_bridge_if",
        ),
        joins=flag(
            "This host joins a running engine, with hosted_engine.host; no engine of its own is "
            "deployed here."
        ),
        ssh_port=number(
            "Port at which the engine logs in to the host by ssh.",
            22,
            maximum=65535,
            named="NETWORK/sshdPort",
        ),
        firewall=text(
            "If firewalld isn't running: optional continues with a warning, required stops.",
            "optional",
            enum=["optional", "required"],
        ),
        emulation=flag(
            "Use QEMU's emulation if there is no hardware virtualisation. For tests only."
        ),
    ),
    datacenter=group(
        "Data center. One that already has storage is used as it is.",
        name=text(
            "Name.",
            "Default",
            pattern=schema_types.NAME,
            maxLength=40,
            named="ENGINE/datacenterName he_data_center",
        ),
        version=text(
            "Compatibility version, such as 4.7. Empty: the engine's.",
            pattern=schema_types.VERSION,
            named="he_data_center_comp_version",
        ),
    ),
    cluster=group(
        "Cluster. One that already has hosts is used as it is.",
        name=text(
            "Name.",
            "Default",
            pattern=schema_types.CLUSTER_NAME,
            maxLength=40,
            named="ENGINE/clusterName he_cluster",
        ),
        version=text(
            "Compatibility version, such as 4.7. Empty: the engine's.",
            pattern=schema_types.VERSION,
            named="he_cluster_comp_version",
        ),
        cpu_type=text(
            "CPU type as the engine names it, such as Intel Nehalem Family. Empty: that of the "
            "first host.",
            maxLength=255,
            named="he_cluster_cpu_type",
        ),
        gluster_service=flag(
            "Enable the Gluster service, for hosts that also provide Gluster storage.",
            named="ENGINE/enableHcGlusterService he_enable_hc_gluster_service",
        ),
    ),
    network=group(
        "Management network.",
        name=text(
            "Name of the network and of its bridge, at most 15 characters.",
            "ovirtmgmt",
            pattern=schema_types.BRIDGE,
            named="NETWORK/bridgeName he_mgmt_network",
        ),
        family=text(
            "Address family that host and engine use for each other. auto: the family of "
            "vm:address, otherwise that of the host's address; IPv4 if it has both.",
            "auto",
            enum=["auto", "ipv4", "ipv6"],
        ),
        vlan=number("VLAN id, the same as that of host:interface. 0: none.", 0, 0, maximum=4094),
        mtu=number("MTU of the management network. 0: the engine's.", 0, 0, maximum=65520),
        gateway=text(
            "Address that HA pings, and the default gateway of a guest with a static address. "
            "Empty: the host's default gateway.",
            pattern=r"^[0-9A-Fa-f.:]*$",
            named="NETWORK/gateway he_gateway",
        ),
        test=text(
            "How HA tests the network.",
            "ping",
            enum=["ping", "dns", "tcp", "none"],
            named="NETWORK/network_test he_network_test",
        ),
        tcp_address=text(
            "Address for the tcp test.",
            pattern=r"^\S*$",
            named="NETWORK/network_test_tcp_address he_tcp_t_address",
        ),
        tcp_port=number(
            "Port for the tcp test.",
            0,
            0,
            maximum=65535,
            named="NETWORK/network_test_tcp_port he_tcp_t_port",
        ),
    ),
    storage=group(
        "Shared storage of the hosted engine.",
        rules=[
            needs(["nfs", "glusterfs"], "address", "path", default=True),
            needs(["iscsi"], "portals", "target"),
        ],
        name=text(
            "Name of the storage domain.",
            "hosted_storage",
            pattern=schema_types.NAME,
            maxLength=250,
            named="STORAGE/storageDomainName he_storage_domain_name",
        ),
        type=text(
            "Type of the storage. posixfs is refused, because HA doesn't support it.",
            "nfs",
            enum=["nfs", "glusterfs", "iscsi", "fc"],
            named="STORAGE/domainType he_domain_type",
        ),
        address=text("Name or address of the server (nfs, glusterfs).", pattern=r"^\S*$"),
        path=text(
            "Exported path (nfs), or volume with a leading slash (glusterfs).",
            pattern=r"^(/\S*[^/\s])?$",
        ),
        nfs_version=text(
            "NFS version.",
            "auto",
            enum=["auto", "v3", "v4", "v4_0", "v4_1", "v4_2"],
            named="STORAGE/nfsVersion he_nfs_version",
        ),
        mount_options=text(
            "Additional mount options, comma-separated (nfs, glusterfs).",
            pattern=r"^\S*$",
            maxLength=500,
            named="STORAGE/mntOptions he_mount_options",
        ),
        portals=texts(
            "Portals of the target (iscsi), ADDRESS or ADDRESS:PORT; the default port is 3260. The "
            "first one is used for discovery.",
            pattern=schema_types.PORTAL,
        ),
        target=text(
            "Name of the target: IQN, EUI or NAA (iscsi).",
            pattern=r"^\S*$",
            maxLength=128,
            named="STORAGE/iSCSITargetName he_iscsi_target",
        ),
        portal_group=number(
            "Number of the target's portal group, TPGT (iscsi).",
            1,
            0,
            maximum=65535,
            named="STORAGE/iSCSIPortal he_iscsi_tpgt",
        ),
        user=text(
            "CHAP user of the session (iscsi). Empty: none.",
            pattern=r"^\S*$",
            named="STORAGE/iSCSIPortalUser he_iscsi_username",
        ),
        discovery_user=text(
            "CHAP user of the discovery (iscsi). Empty: none.",
            pattern=r"^\S*$",
            named="STORAGE/iSCSIDiscoverUser he_iscsi_discover_username",
        ),
        lun=text(
            "Id of the LUN (iscsi, fc). Empty: the only free one that is at least 15 GiB larger "
            "than vm:disk_gib; hosted_engine.storage_devices lists them.",
            pattern=r"^\S*$",
            named="STORAGE/LunID he_lun_id",
        ),
        discard_after_delete=flag(
            "Return the blocks of a removed disk to the LUN (iscsi, fc).",
            named="STORAGE/discardSupport he_discard",
        ),
    ),
    appliance=schema_vm.APPLIANCE,
    python=schema_vm.PYTHON,
    vm=schema_vm.VM,
    bootstrap=schema_vm.BOOTSTRAP,
    notification=schema_run.NOTIFICATION,
    timeouts=schema_run.TIMEOUTS,
    preflight=schema_run.PREFLIGHT,
    hooks=schema_run.HOOKS,
    restore=schema_run.RESTORE,
    pause_before={
        "type": "array",
        "description": "Phases before which the deployment stops once; the next run continues.",
        "items": {"type": "string", "enum": ["bootstrap", "engine", "handover", "ha"]},
        "default": [],
    },
    clean=text(
        "Fully qualified name of the deployed engine that hosted_engine.clean may remove, with "
        "its disk. Empty: it only removes a deployment that isn't finished."
    ),
    secrets=group(
        "Secrets, from a GPG or SDB pillar. Only execution modules read them.",
        required=("admin_password",),
        admin_password=secret(
            "Password of the engine's administrator.",
            named="ENGINE/adminPassword he_admin_password OVESETUP_CONFIG/adminPassword",
        ),
        root_password=secret(
            "Password of root in the engine VM. If not given, root can only log in with ssh keys.",
            named="VM/cloudinitRootPwd he_appliance_password",
        ),
        database_password=secret(
            "Password of the engine database. If not given, engine-setup generates one.",
            named="he_db_password OVESETUP_DB/password",
        ),
        dwh_database_password=secret(
            "Password of the data warehouse database. If not given, engine-setup generates one.",
            named="he_dwh_db_password OVESETUP_DWH_DB/password",
        ),
        iscsi_password=secret(
            "Password of storage:user.", named="STORAGE/iSCSIPortalPassword he_iscsi_password"
        ),
        iscsi_discovery_password=secret(
            "Password of storage:discovery_user.",
            named="STORAGE/iSCSIDiscoverPassword he_iscsi_discover_password",
        ),
        answers=mapping(
            "Answers for engine-setup that are secret, as in engine:answers.",
            schema_types.ANSWER_NAME,
            schema_types.ANSWER,
            writeOnly=True,
        ),
    ),
)
