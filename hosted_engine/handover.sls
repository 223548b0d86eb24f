# Write HA's configuration, prepare the guest for its move, and copy its disk to shared storage.
{%- from "hosted_engine/map.jinja" import hosted_engine, deployed with context %}
{%- from "hosted_engine/site.jinja" import pause with context %}

include:
  - hosted_engine.engine
{{- pause("handover", "hosted_engine.engine", {"hosted_engine_libvirt": "libvirt is reachable over TLS"}) }}

libvirt is reachable over TLS:
  hosted_engine_libvirt.reachable:
    - name: {{ hosted_engine.host.address | json }}
    - require:
      - sls: hosted_engine.engine

# A package may have enabled the agent. Once the configuration exists, a reboot would make it start the
# VM from a disk that is still empty.
HA agent is stopped until the disk is copied:
  service.dead:
    - name: ovirt-ha-agent
    - enable: False
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_libvirt: libvirt is reachable over TLS

HA configuration is written:
  hosted_engine_config.present:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - service: HA agent is stopped until the disk is copied

Guest is prepared to run on shared storage:
  hosted_engine_guest.prepared:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_config: HA configuration is written
{%- if hosted_engine.restore.backup %}

# The engine's database is last reachable here. The engine reads the value at startup, so the bootstrap
# engine still fences nothing, and the engine on shared storage starts with the backup's value.
Fencing is restored:
  hosted_engine_restore.fencing_restored:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_guest: Guest is prepared to run on shared storage
    - require_in:
      - hosted_engine_bootstrap: Bootstrap VM is shut down
{%- endif %}

Bootstrap VM is shut down:
  hosted_engine_bootstrap.off:
    - name: {{ hosted_engine.bootstrap.name }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_guest: Guest is prepared to run on shared storage

Engine disk is copied to shared storage:
  hosted_engine_disk.copied:
    - name: {{ hosted_engine.vm.name }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_bootstrap: Bootstrap VM is shut down
