# The engine takes over this host, its storage, and makes the VM that it will live in.
{%- from "hosted_engine/map.jinja" import hosted_engine, deployed, maintained with context %}
{%- from "hosted_engine/site.jinja" import hooks, pause with context %}

include:
  - hosted_engine.bootstrap
{{- pause(
      "engine",
      "hosted_engine.bootstrap",
      {"ovirt_datacenter": "Data center of the hosted engine is there"}) }}

# What asks the engine of a deployed host needs it up: HA's services are what brings it up.
HA broker of a deployed host runs:
  service.running:
    - name: ovirt-ha-broker
    - onlyif: {{ deployed | json }}
    - require:
      - sls: hosted_engine.bootstrap

Engine of a deployed host is kept running by HA:
  service.running:
    - name: ovirt-ha-agent
    - onlyif: {{ deployed | json }}
    - unless: {{ maintained | json }}
    - require:
      - service: HA broker of a deployed host runs

Data center of the hosted engine is there:
  ovirt_datacenter.present:
    - name: {{ hosted_engine.datacenter.name | json }}
    - version: {{ hosted_engine.datacenter.version | json }}
    - cluster: {{ hosted_engine.cluster.name | json }}
    - require:
      - sls: hosted_engine.bootstrap
      - service: Engine of a deployed host is kept running by HA

Cluster of the hosted engine is there:
  ovirt_cluster.present:
    - name: {{ hosted_engine.cluster.name | json }}
    - datacenter: {{ hosted_engine.datacenter.name | json }}
    - version: {{ hosted_engine.cluster.version | json }}
    - cpu_type: {{ hosted_engine.cluster.cpu_type | json }}
    - gluster_service: {{ hosted_engine.cluster.gluster_service | json }}
    - require:
      - ovirt_datacenter: Data center of the hosted engine is there

# While no host uses it: a change of its VLAN would cut one off.
Management network is as the hosts need it:
  ovirt_network.present:
    - name: {{ hosted_engine.network.name | json }}
    - datacenter: {{ hosted_engine.datacenter.name | json }}
    - cluster: {{ hosted_engine.cluster.name | json }}
    - vlan: {{ hosted_engine.network.vlan }}
    - mtu: {{ hosted_engine.network.mtu }}
    - require:
      - ovirt_cluster: Cluster of the hosted engine is there

Hosted engine manages this host:
  ovirt_host.up:
    - name: {{ hosted_engine.host.name | json }}
    - address: {{ hosted_engine.host.address | json }}
    - cluster: {{ hosted_engine.cluster.name | json }}
    - network: {{ hosted_engine.network.name | json }}
    - ssh_port: {{ hosted_engine.host.ssh_port }}
    - require:
      - ovirt_network: Management network is as the hosts need it
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

# HA's three must never find their storage full, and are read and written block by block.
Hosted engine disks are there:
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

Hosted engine VM is there:
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
      - ovirt_disk: Hosted engine disks are there

# After all devices: the engine attaches no disk to a VM that is marked as its own.
Hosted engine VM is marked as such:
  ovirt_vm.hosted_engine:
    - name: {{ hosted_engine.vm.name | json }}
    - unless: {{ deployed | json }}
    - require:
      - ovirt_vm: Hosted engine VM is there

Hosted engine VM is defined on its storage:
  ovirt_vm.stored:
    - name: {{ hosted_engine.vm.name | json }}
    - storage_domain: {{ hosted_engine.storage.name | json }}
    - unless: {{ deployed | json }}
    - require:
      - ovirt_vm: Hosted engine VM is marked as such
