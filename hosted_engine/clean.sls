# Takes a failed or unwanted deployment down, in reverse; the next run starts anew. Stays: packages,
# vdsm and its certificates, the management bridge. A deployed engine only falls when it is named.
{%- from "hosted_engine/map.jinja" import hosted_engine with context %}

Deployment may be taken down:
  hosted_engine_clean.allowed:
    - name: {{ hosted_engine.engine.fqdn | json }}

{%- for unit in ("agent", "broker") %}

HA {{ unit }} is stopped:
  service.dead:
    - name: ovirt-ha-{{ unit }}
    - enable: False
    - require:
      - hosted_engine_clean: Deployment may be taken down
{%- endfor %}

Hosted engine VM is stopped:
  hosted_engine_clean.engine_stopped:
    - name: {{ hosted_engine.vm.name }}
    - require:
      - service: HA agent is stopped

Storage of the deployment is on record:
  hosted_engine_clean.storage_recorded:
    - name: {{ hosted_engine.storage.name }}
    - require:
      - hosted_engine_clean: Deployment may be taken down

Bootstrap VM is thrown away:
  hosted_engine_bootstrap.absent:
    - name: {{ hosted_engine.bootstrap.name }}
    - onlyif:
      - fun: hosted_engine_clean.in_libvirt
    - require:
      - hosted_engine_clean: Storage of the deployment is on record

Storage of the deployment is clean:
  hosted_engine_clean.storage_removed:
    - name: {{ hosted_engine.storage.name }}
    - require:
      - service: HA broker is stopped
      - hosted_engine_clean: Hosted engine VM is stopped
      - hosted_engine_bootstrap: Bootstrap VM is thrown away

Engine may not sign in any more:
  hosted_engine_clean.key_removed:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - hosted_engine_bootstrap: Bootstrap VM is thrown away
      - hosted_engine_clean: Hosted engine VM is stopped

Host keeps its routes:
  hosted_engine_clean.routes_kept:
    - name: {{ hosted_engine.host.name | json }}
    - require:
      - hosted_engine_clean: Deployment may be taken down

Bootstrap network is thrown away:
  hosted_engine_network.absent:
    - name: {{ hosted_engine.bootstrap.network }}
    - onlyif:
      - fun: hosted_engine_clean.in_libvirt
    - require:
      - hosted_engine_bootstrap: Bootstrap VM is thrown away

Bootstrap directory is thrown away:
  hosted_engine_bootstrap.cleared:
    - name: {{ hosted_engine.bootstrap.directory | json }}
    - require:
      - hosted_engine_bootstrap: Bootstrap VM is thrown away

Engine's line in the hosts file is gone:
  hosted_engine_hosts.absent:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - hosted_engine_clean: Deployment may be taken down

Configuration of the deployment is gone:
  file.absent:
    - names:
      - /etc/ovirt-hosted-engine/hosted-engine.conf
      - /run/ovirt-hosted-engine-ha
    - require:
      - hosted_engine_clean: Storage of the deployment is clean

# Last: what is recorded says what is ours.
Records of the deployment are gone:
  hosted_engine_deployment.forgotten:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - file: Configuration of the deployment is gone
      - hosted_engine_clean: Host keeps its routes
      - hosted_engine_clean: Engine may not sign in any more
      - hosted_engine_bootstrap: Bootstrap directory is thrown away
      - hosted_engine_network: Bootstrap network is thrown away
