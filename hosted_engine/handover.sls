# What HA needs to know, the guest made ready for its final place, its disk on the shared storage.
{%- from "hosted_engine/map.jinja" import hosted_engine, deployed with context %}
{%- from "hosted_engine/site.jinja" import pause with context %}

include:
  - hosted_engine.engine
{{- pause("handover", "hosted_engine.engine", {"hosted_engine_libvirt": "libvirt answers over TLS"}) }}

libvirt answers over TLS:
  hosted_engine_libvirt.reachable:
    - name: {{ hosted_engine.host.address | json }}
    - require:
      - sls: hosted_engine.engine

# A package may have enabled it; with a configuration there, a reboot would start an empty disk.
HA agent waits for the engine's disk:
  service.dead:
    - name: ovirt-ha-agent
    - enable: False
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_libvirt: libvirt answers over TLS

Configuration of the hosted engine is written:
  hosted_engine_config.present:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - service: HA agent waits for the engine's disk

Guest is prepared for its final place:
  hosted_engine_guest.prepared:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_config: Configuration of the hosted engine is written
{%- if hosted_engine.restore.backup %}

# The last moment at which its database is at hand. The engine reads the value as it starts: until
# the bootstrap VM is off nothing is fenced, and in its final place it begins as any engine does.
Fencing is restored:
  hosted_engine_restore.fencing_restored:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_guest: Guest is prepared for its final place
    - require_in:
      - hosted_engine_bootstrap: Bootstrap VM is off
{%- endif %}

Bootstrap VM is off:
  hosted_engine_bootstrap.off:
    - name: {{ hosted_engine.bootstrap.name }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_guest: Guest is prepared for its final place

Bootstrap VM's disk is copied:
  hosted_engine_disk.copied:
    - name: {{ hosted_engine.vm.name }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_bootstrap: Bootstrap VM is off
