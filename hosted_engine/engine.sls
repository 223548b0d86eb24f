# Add the host and its storage to the engine, and create the VM in which the engine will finally run.
{%- from "hosted_engine/map.jinja" import hosted_engine, deployed, global_maintenance with context %}
{%- from "hosted_engine/site.jinja" import hooks, pause with context %}

include:
  - hosted_engine.bootstrap
{{- pause(
      "engine",
      "hosted_engine.bootstrap",
      {"ovirt_datacenter": "Hosted engine data center exists"}) }}

# On a deployed host, HA starts the engine VM; the states below need the engine to answer.
HA broker of the deployed host is running:
  service.running:
    - name: ovirt-ha-broker
    - onlyif: {{ deployed | json }}
    - require:
      - sls: hosted_engine.bootstrap

HA agent of the deployed host is running:
  service.running:
    - name: ovirt-ha-agent
    - onlyif: {{ deployed | json }}
    - unless: {{ global_maintenance | json }}
    - require:
      - service: HA broker of the deployed host is running

Hosted engine data center exists:
  ovirt_datacenter.present:
    - name: {{ hosted_engine.datacenter.name | json }}
    - version: {{ hosted_engine.datacenter.version | json }}
    - cluster: {{ hosted_engine.cluster.name | json }}
    - require:
      - sls: hosted_engine.bootstrap
      - service: HA agent of the deployed host is running

Hosted engine cluster exists:
  ovirt_cluster.present:
    - name: {{ hosted_engine.cluster.name | json }}
    - datacenter: {{ hosted_engine.datacenter.name | json }}
    - version: {{ hosted_engine.cluster.version | json }}
    - cpu_type: {{ hosted_engine.cluster.cpu_type | json }}
    - gluster_service: {{ hosted_engine.cluster.gluster_service | json }}
    - require:
      - ovirt_datacenter: Hosted engine data center exists

# Before any host uses the network: a later change of its VLAN could disconnect hosts.
Management network is configured:
  ovirt_network.present:
    - name: {{ hosted_engine.network.name | json }}
    - datacenter: {{ hosted_engine.datacenter.name | json }}
    - cluster: {{ hosted_engine.cluster.name | json }}
    - vlan: {{ hosted_engine.network.vlan }}
    - mtu: {{ hosted_engine.network.mtu }}
    - require:
      - ovirt_cluster: Hosted engine cluster exists

Hosted engine manages this host:
  ovirt_host.up:
    - name: {{ hosted_engine.host.name | json }}
    - address: {{ hosted_engine.host.address | json }}
    - cluster: {{ hosted_engine.cluster.name | json }}
    - network: {{ hosted_engine.network.name | json }}
    - ssh_port: {{ hosted_engine.host.ssh_port }}
    - require:
      - ovirt_network: Management network is configured
{{- hooks(
      ["guest_after_host", "host_after_host"],
      {"ovirt_host": "Hosted engine manages this host"},
      {"ovirt_storage_domain": "Hosted engine storage is active"}) }}

Hosted engine storage is active:
  ovirt_storage_domain.active:
    - name: {{ hosted_engine.storage.name | json }}
    - datacenter: {{ hosted_engine.datacenter.name | json }}
    - host: {{ hosted_engine.host.name | json }}
    - storage: {{ hosted_engine.storage | json }}
    - disk_gib: {{ hosted_engine.vm.disk_gib }}
    - require:
      - ovirt_host: Hosted engine manages this host

# The three HA disks are preallocated: they are accessed block by block and must never run out of space.
Hosted engine disks exist:
  ovirt_disk.present:
    - storage_domain: {{ hosted_engine.storage.name | json }}
    - disks:
        he_virtio_disk:
          content_type: hosted_engine
          size_mib: {{ hosted_engine.vm.disk_gib * 1024 }}
          format: {{ hosted_engine.vm.disk_format }}
          sparse: {{ hosted_engine.vm.disk_sparse | json }}
        he_sanlock:
          content_type: hosted_engine_sanlock
          size_mib: 1024
          sparse: false
        HostedEngineConfigurationImage:
          content_type: hosted_engine_configuration
          size_mib: 1024
          sparse: false
        he_metadata:
          content_type: hosted_engine_metadata
          size_mib: 128
          sparse: false
    - require:
      - ovirt_storage_domain: Hosted engine storage is active

Hosted engine VM exists:
  ovirt_vm.present:
    - name: {{ hosted_engine.vm.name | json }}
    - cluster: {{ hosted_engine.cluster.name | json }}
    - storage_domain: {{ hosted_engine.storage.name | json }}
    - disk: he_virtio_disk
    - network: {{ hosted_engine.network.name | json }}
    - mac: {{ hosted_engine.vm.mac | json }}
    - memory_mib: {{ hosted_engine.vm.memory_mib }}
    - cpus: {{ hosted_engine.vm.cpus }}
    - firmware: {{ "secure_boot" if hosted_engine.vm.secure_boot else hosted_engine.vm.firmware }}
    - graphics: {{ hosted_engine.vm.graphics }}
    - machine: {{ hosted_engine.vm.machine | json }}
    - require:
      - ovirt_disk: Hosted engine disks exist

# After all devices are attached: the engine refuses to attach disks to a VM with this mark.
Hosted engine VM is marked as the hosted engine:
  ovirt_vm.hosted_engine:
    - name: {{ hosted_engine.vm.name | json }}
    - unless: {{ deployed | json }}
    - require:
      - ovirt_vm: Hosted engine VM exists

Hosted engine VM definition is on shared storage:
  ovirt_vm.stored:
    - name: {{ hosted_engine.vm.name | json }}
    - storage_domain: {{ hosted_engine.storage.name | json }}
    - unless: {{ deployed | json }}
    - require:
      - ovirt_vm: Hosted engine VM is marked as the hosted engine
