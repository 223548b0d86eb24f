"""Answers and variables of the role that have no key of the pillar: each with the reason."""

from __future__ import annotations

# reason: {section: names}
_ANSWERS = {
    "confirmed at the terminal; applying the states confirms it": {
        "CORE": "screenProceed deployProceed confirmSettings upgradeProceed rollbackProceed",
        "UPGRADE": "LMVolumesUpgradeProceed confirmUpgradeDiskResize confirmUpgradeSuccess",
        "VM": "acceptDownloadEApplianceRPM automateVMShutdown cloudinitExecuteEngineSetup",
        "NETWORK": "promptRequiredNetworks",
        "ENGINE": "promptNonOperational",
    },
    "an id or a fact that came out of that deployment; a new one makes its own": {
        "STORAGE": "connectionUUID sdUUID spUUID vgUUID imgUUID volUUID GUID hostID "
        "metadataImageUUID metadataVolumeUUID lockspaceImageUUID lockspaceVolumeUUID "
        "confImageUUID confVolUUID fakeMasterSdUUID fakeMasterSdConnUUID blockDeviceSizeGB "
        "qcowSizeGB ovfSizeGB",
        "VM": "vmUUID localVmUUID nicUUID cdromUUID consoleUUID applianceVersion applianceMem "
        "applianceVCpus maxVCpus",
        "VDSM": "cpu engineCpu",
        "UPGRADE": "backupImgUUID backupVolUUID",
    },
    "follows from engine:fqdn": {
        "VM": "cloudinitInstanceHostName cloudinitInstanceDomainName",
    },
    "the bootstrap VM always starts from the appliance's disk and a seed made for it": {
        "VM": "cloudInitISO vmCDRom vmBoot cloudinitHostIP subst",
        "CORE": "tempDir",
    },
    "fixed: no deployment of today has another value": {
        "STORAGE": "storageDatacenterName imgDesc imgAlias confImageSizeGB storageType",
        "VDSM": "pkiSubject caSubject spicePkiSubject serviceName vdsmUid kvmGid vdscli vdsClient "
        "useSSL glusterMinimumVersion",
        "SANLOCK": "serviceName lockspaceName",
    },
    "the signing in of engine-setup's administrator; his name follows from engine:keycloak": {
        "ENGINE": "adminUsername interactiveAdminPassword",
    },
    "TLS is always verified; a company's CA: engine:ca_file": {
        "ENGINE": "insecureSSL temporaryCertificate",
    },
    "firewalld is used where it runs; host:firewall: required insists on it": {
        "NETWORK": "firewallManager firewalldServices firewalldSubst",
    },
    "preflight's checks aren't switched off: they only report what would fail later": {
        "CORE": "checkRequirements memCheckRequirements skipTTYCheck",
        "NETWORK": "fqdnReverseValidation refuseDeployingWithNM allowInvalidBondModes",
    },
    "an engine name without DNS isn't supported: engine:fqdn resolves before the start": {
        "CORE": "forceIpProceed",
    },
    "libgfapi isn't used: Gluster is mounted": {
        "ENGINE": "enableLibgfapi",
    },
    "Gluster's volume is made by those who run Gluster; its replicas are theirs to choose": {
        "ENGINE": "allowGlusterReplicaOne",
        "STORAGE": "glusterBrick glusterProvisionedShareName glusterProvisioningEnabled",
    },
    "nothing is formatted by this formula: a LUN that is used is refused": {
        "ENGINE": "forceCreateVG",
    },
    "a file or variables of Ansible: convert them with --ansible": {
        "CORE": "ansibleUserExtraVars ansibleDeployment",
    },
    "a time-out: timeouts:setup": {
        "ENGINE": "engineSetupTimeout",
    },
    "a console's password lasts minutes: set one when you need it": {
        "VDSM": "passwd passwdValiditySecs",
    },
    "where hosted-engine --deploy itself keeps or finds things": {
        "CORE": "etcAnswerFile userAnswerFile answerFile miscReached nodeSetup",
        "STORAGE": "storageAnswerFileContent storageHEConfContent brokerConfContent vmConfContent",
    },
    "an additional host of an old deployment: hosts are added through the engine today": {
        "CORE": "isAdditionalHost additionalHostEnabled additionalHostReDeployment",
        "FIRST_HOST": "fetchAnswer fqdn rootPassword sshdPort skipSharedStorageAF "
        "deployWithHE35Hosts",
        "HOST": "rootPassword",
    },
    "the upgrade of an old appliance: deploy again from a backup, restore:backup": {
        "CORE": "upgradingAppliance rollbackUpgrade",
        "UPGRADE": "abortUnsupportedVer backupFileName backupImgSizeGB createLMVolumes "
        "dstBackupFileName extend_volume restoreDwh restoreReports",
    },
}

_VARIABLES = {
    "the formula runs on the hypervisor itself, as its minion": "he_ansible_host_name",
    "the administrator's name follows from engine:keycloak": "he_admin_username",
    "the guest's name is engine:fqdn": "he_cloud_init_host_name he_cloud_init_domain_name",
    "the image itself says it": "he_appliance_type",
    "the console is graphical and serial; its protocol is vm:graphics": (
        "he_console_type he_video_device he_graphic_protocols"
    ),
    "the engine's VM has no CD: the seed goes with the bootstrap VM": "he_cdrom",
    "a failed run stops by itself and says why; the next one goes on": (
        "he_pause_after_failed_add_host he_pause_after_failed_restore"
    ),
    "hooks:guest_before_setup runs before engine-setup; phases are the places to pause at": (
        "he_pause_before_engine_setup"
    ),
    "salt-call -l debug shows it": "he_debug_mode",
    "preflight's checks aren't switched off: they only report what would fail later": (
        "he_requirements_check_enabled he_memory_requirements_check_enabled"
    ),
    "preflight's own limits, from what the host and the appliance have": (
        "he_minimal_mem_size_MB he_minimal_disk_size_GB he_reserved_memory_MB "
        "he_avail_memory_grace_MB"
    ),
    "the host's network to its storage is configured before, by those who run it": "he_storage_if",
    "the name is fixed: bootstrap:directory is one directory, ours alone": (
        "he_local_vm_dir_prefix he_local_vm_dir"
    ),
    "virt-install's flags for UEFI: vm:firmware and vm:secure_boot": ("he_vm_efi_boot_flags"),
    "nothing waits at a forwarded port: the engine is asked over the bootstrap network": (
        "he_webui_forward_port he_setup_lock_file"
    ),
    "libvirt is reached over its socket, then over TLS: no password": "he_libvirt_authfile",
    "libgfapi isn't used: Gluster is mounted": "he_enable_libgfapi",
    "only for the dialog of hosted-engine --deploy": "he_just_collect_network_interfaces",
    "commands always run in the locale C.UTF-8": "he_cmd_lang",
    "an answer of engine-setup: OVESETUP_GRAFANA_CORE/enable below engine:answers": (
        "he_enable_grafana"
    ),
    "parts of the role's first versions; the formula's phases are its SLS files": (
        "he_install_packages he_pre_checks he_initial_clean he_final_clean he_final_tasks "
        "he_bootstrap_local_vm he_bootstrap_local_vm_engine he_bootstrap_local_vm_add_host "
        "he_bootstrap_pre_install_local_engine_vm he_bootstrap_post_install_local_engine_vm "
        "he_create_storage_domain he_create_target_vm he_engine_vm_configuration "
        "he_apply_repositories_role"
    ),
    "an id of a new VM; the engine makes it": "he_vm_uuid he_nic_uuid he_cdrom_uuid",
    "internal: the role finds it out as it runs, and so does the formula": (
        "he_host_ip he_fqdn_ansible_host he_maxvcpus he_fips_enabled "
        "he_default_gateway_4 he_default_gateway_6 he_appliance_path he_appliance_config_path "
        "he_appliance_out he_appliance_sha1 he_appliance_ova_path he_appliance_ova_out "
        "he_appliance_ova_sha1 he_hashed_appliance_password he_vm_details he_virtio_disk_details "
        "he_virtio_disk_path he_sanlock_disk_details he_metadata_disk_details "
        "he_metadata_disk_path he_conf_disk_details he_conf_disk_path"
    ),
}


# answer: reason
ANSWERS = {
    f"OVEHOSTED_{section}/{name}": reason
    for reason, sections in _ANSWERS.items()
    for section, names in sections.items()
    for name in names.split()
} | {
    "PACKAGER/dnfpackagerEnabled": "engine:offline says whether packages are looked up",
    "PACKAGER/yumpackagerEnabled": "engine:offline says whether packages are looked up",
    "OVESETUP_PKI/renew": "only with a restore: restore:renew_pki",
    "QUESTION/1/OVESETUP_SKIP_RENEW_PKI_CONFIRM": "only with a restore: restore:renew_pki",
}

# variable: reason
VARIABLES = {name: reason for reason, names in _VARIABLES.items() for name in names.split()}
