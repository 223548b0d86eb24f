# Remove a failed or unwanted deployment, in reverse order, so that the next run starts from scratch.
# Packages, vdsm with its certificates and the management bridge are kept. A deployed engine is only
# removed if the pillar names it (hosted_engine:clean).
{%- from "hosted_engine/map.jinja" import hosted_engine with context %}

Removal of the deployment is allowed:
  hosted_engine_clean.allowed:
    - name: {{ hosted_engine.engine.fqdn | json }}

{%- for unit in ("agent", "broker") %}

HA {{ unit }} is stopped:
  service.dead:
    - name: ovirt-ha-{{ unit }}
    - enable: False
    - require:
      - hosted_engine_clean: Removal of the deployment is allowed
{%- endfor %}

Hosted engine VM is stopped:
  hosted_engine_clean.engine_stopped:
    - name: {{ hosted_engine.vm.name }}
    - require:
      - service: HA agent is stopped

Deployment storage is recorded:
  hosted_engine_clean.storage_recorded:
    - name: {{ hosted_engine.storage.name }}
    - require:
      - hosted_engine_clean: Removal of the deployment is allowed

Bootstrap VM is destroyed:
  hosted_engine_bootstrap.absent:
    - name: {{ hosted_engine.bootstrap.name }}
    - onlyif:
      - fun: hosted_engine_clean.in_libvirt
    - require:
      - hosted_engine_clean: Deployment storage is recorded

Deployment storage domain is removed:
  hosted_engine_clean.storage_removed:
    - name: {{ hosted_engine.storage.name }}
    - require:
      - service: HA broker is stopped
      - hosted_engine_clean: Hosted engine VM is stopped
      - hosted_engine_bootstrap: Bootstrap VM is destroyed

Engine SSH key is removed:
  hosted_engine_clean.key_removed:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - hosted_engine_bootstrap: Bootstrap VM is destroyed
      - hosted_engine_clean: Hosted engine VM is stopped

Host routes are restored:
  hosted_engine_clean.routes_kept:
    - name: {{ hosted_engine.host.name | json }}
    - require:
      - hosted_engine_clean: Removal of the deployment is allowed

Bootstrap network is destroyed:
  hosted_engine_network.absent:
    - name: {{ hosted_engine.bootstrap.network }}
    - onlyif:
      - fun: hosted_engine_clean.in_libvirt
    - require:
      - hosted_engine_bootstrap: Bootstrap VM is destroyed

Bootstrap directory is deleted:
  hosted_engine_bootstrap.cleared:
    - name: {{ hosted_engine.bootstrap.directory | json }}
    - require:
      - hosted_engine_bootstrap: Bootstrap VM is destroyed

Engine entry in the hosts file is removed:
  hosted_engine_hosts.absent:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - hosted_engine_clean: Removal of the deployment is allowed

HA configuration is removed:
  file.absent:
    - names:
      - /etc/ovirt-hosted-engine/hosted-engine.conf
      - /run/ovirt-hosted-engine-ha
    - require:
      - hosted_engine_clean: Deployment storage domain is removed

# Last, because the records say which objects belong to this deployment.
Deployment records are removed:
  hosted_engine_deployment.forgotten:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - file: HA configuration is removed
      - hosted_engine_clean: Host routes are restored
      - hosted_engine_clean: Engine SSH key is removed
      - hosted_engine_bootstrap: Bootstrap directory is deleted
      - hosted_engine_network: Bootstrap network is destroyed
