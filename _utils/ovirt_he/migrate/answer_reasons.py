"""Answers of ``hosted-engine --deploy`` that have no key of the pillar: each with the reason."""

from __future__ import annotations

# reason: {section: names}
_WHY = {
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
    "preflight's checks aren't switched off: they only tell what would fail later": {
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
    "a file or variables of Ansible: convert them by hosted_engine_answers.from_ansible": {
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
    "a further host of an old deployment: further hosts are added through the engine today": {
        "CORE": "isAdditionalHost additionalHostEnabled additionalHostReDeployment",
        "FIRST_HOST": "fetchAnswer fqdn rootPassword sshdPort skipSharedStorageAF "
        "deployWithHE35Hosts",
        "HOST": "rootPassword",
    },
    "the upgrade of an old appliance: deploy anew from a backup, restore:backup": {
        "CORE": "upgradingAppliance rollbackUpgrade",
        "UPGRADE": "abortUnsupportedVer backupFileName backupImgSizeGB createLMVolumes "
        "dstBackupFileName extend_volume restoreDwh restoreReports",
    },
}

# answer: reason
REASONS = {
    f"OVEHOSTED_{section}/{name}": reason
    for reason, sections in _WHY.items()
    for section, names in sections.items()
    for name in names.split()
} | {
    "PACKAGER/dnfpackagerEnabled": "engine:offline says whether packages are looked up",
    "PACKAGER/yumpackagerEnabled": "engine:offline says whether packages are looked up",
    "OVESETUP_PKI/renew": "only with a restore: restore:renew_pki",
    "QUESTION/1/OVESETUP_SKIP_RENEW_PKI_CONFIRM": "only with a restore: restore:renew_pki",
}
