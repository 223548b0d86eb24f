"""What other tools were told: answer files of two ages, and a vars file of the Ansible role."""

from __future__ import annotations

# A dialog of 2014: other names, NFS's version in the type, and passwords that were asked for.
FIRST_VERSIONS = """\
[environment:default]
OVEHOSTED_CORE/screenProceed=none:None
OVEHOSTED_NETWORK/bridgeIf=str:em1
OVEHOSTED_NETWORK/firewallManager=str:iptables
OVEHOSTED_NETWORK/fqdn=str:engine.example.com
OVEHOSTED_NETWORK/gateway=str:192.0.2.1
OVEHOSTED_ENGINE/appHostName=str:hosted_engine_1
OVEHOSTED_STORAGE/domainType=str:nfs4
OVEHOSTED_STORAGE/storageDatacenterName=str:hosted_datacenter
OVEHOSTED_STORAGE/storageDomainConnection=str:[2001:db8::1]:/exports/engine/
OVEHOSTED_STORAGE/imgSizeGB=str:25
OVEHOSTED_VM/vmMemSizeMB=int:4096
OVEHOSTED_VM/vmBoot=str:cdrom
OVEHOSTED_VDSM/consoleType=str:qxl
OVEHOSTED_VDSM/cpu=str:model_SandyBridge
"""

# A dialog of today, by --generate-answer: iSCSI with two portals and CHAP.
ISCSI = """\
# kept by the storage people

[environment:default]
OVEHOSTED_CORE/deployProceed=bool:True
OVEHOSTED_CORE/enableKeycloak=bool:0
OVEHOSTED_ENGINE/adminPassword=str:not-to-be-seen=%a
OVEHOSTED_NETWORK/fqdn=str:engine.example.com
OVEHOSTED_NETWORK/bridgeIf=str:bond0.150
OVEHOSTED_NETWORK/forceIPv4=bool:True
OVEHOSTED_NETWORK/forceIPv6=bool:F
OVEHOSTED_NETWORK/network_test=str:tcp
OVEHOSTED_NETWORK/network_test_tcp_address=str:192.0.2.7
OVEHOSTED_NETWORK/network_test_tcp_port=int:53
OVEHOSTED_STORAGE/domainType=str:iscsi
OVEHOSTED_STORAGE/storageDomainConnection=str:192.0.2.20,192.0.2.21
OVEHOSTED_STORAGE/iSCSIPortalIPAddress=str:192.0.2.20,192.0.2.21
OVEHOSTED_STORAGE/iSCSIPortalPort=str:3260,3261
OVEHOSTED_STORAGE/iSCSIPortal=str:1,1
OVEHOSTED_STORAGE/iSCSIPortalUser=str:he
OVEHOSTED_STORAGE/iSCSIPortalPassword=str:not-to-be-seen-chap
OVEHOSTED_STORAGE/iSCSITargetName=str:iqn.2024-01.com.example:he
OVEHOSTED_STORAGE/LunID=str:36589cfc000000e8a909165bdfb47b3d9
OVEHOSTED_STORAGE/discardSupport=bool:True
OVEHOSTED_STORAGE/imgSizeGB=str:80
OVEHOSTED_STORAGE/mntOptions=none:None
OVEHOSTED_VM/vmVCpus=str:8
OVEHOSTED_VM/cloudinitInstanceHostName=str:engine
OVEHOSTED_VM/cloudinitInstanceDomainName=str:example.com
OVEHOSTED_VM/cloudinitRootPwd=str:not-to-be-seen-root
OVEHOSTED_VM/cloudinitVMDNS=str:192.0.2.53, 192.0.2.54
OVEHOSTED_VM/cloudinitVMStaticCIDR=str:192.0.2.10/24
OVEHOSTED_VM/rootSshPubkey=multi-str:ssh-rsa AAAA== one
  ssh-rsa BBBB== two
OVEHOSTED_VM/rootSshAccess=str:without-password
OVEHOSTED_VM/applyOpenScapProfile=bool:True
OVEHOSTED_VM/OpenScapProfileName=str:PCI-DSS
OVEHOSTED_VM/shoeSize=int:43
OVESETUP_CONFIG/websocketProxyConfig=bool:False
OVESETUP_DB/password=str:not-to-be-seen-db
OVESETUP_GRAFANA_DB/password=str:not-to-be-seen-grafana

[environment:default]
OVEHOSTED_NOTIF/destEmail=str:a@example.com,b@example.com
"""

# As one writes it by hand.
NFS = """
he_fqdn: engine.example.com
he_bridge_if: eno1
he_domain_type: nfs
he_storage_domain_addr: nas.example.com
he_storage_domain_path: /exports/engine/
he_mount_options: noatime
he_nfs_version: v4_1
he_mem_size_MB: "8192"
he_vcpus: 4
he_disk_size_GB: 61
he_vm_mac_addr: 00:16:3e:12:34:56
he_vm_ip_addr: 192.0.2.10
he_vm_ip_prefix: "24"
he_gateway: 192.0.2.1
he_dns_addr: [192.0.2.53, 192.0.2.54]
he_vm_etc_hosts: yes
he_network_test: dns
he_time_zone: Europe/Vienna
he_root_ssh_pubkey: ssh-ed25519 AAAA me
he_root_ssh_access: no
he_admin_password: 123456
he_appliance_password: !unsafe "{{ not-to-be-seen }}"
he_db_password: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  36306634
he_cluster_comp_version: 4.7
he_additional_package_list: [tmux, strace]
he_apply_openscap_profile: true
he_pause_host: true
he_enable_keycloak: "{{ keycloak | default(true) }}"
he_ipv4_subnet_prefix: "10.11.12"
he_ansible_host_name: node1.example.com
he_dest_email: a@example.com, b@example.com
he_shoe_size: 43
ansible_user: root
"""
