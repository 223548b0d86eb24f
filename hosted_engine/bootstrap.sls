# Run engine-setup in a temporary VM on the host's local disk, behind a NAT network.
{%- from "hosted_engine/map.jinja" import hosted_engine, deployed with context %}
{%- from "hosted_engine/site.jinja" import hooks, pause with context %}
{%- set directory = hosted_engine.bootstrap.directory %}
{%- set vm = hosted_engine.bootstrap.name %}

include:
  - hosted_engine.appliance

{{- pause("bootstrap", "hosted_engine.appliance", {"hosted_engine_libvirt": "libvirtd is running"}) }}

libvirtd is running:
  hosted_engine_libvirt.monolithic:
    - unless: {{ deployed | json }}
    - require:
      - sls: hosted_engine.appliance
{{- hooks(
      ["host_before_setup"],
      {"hosted_engine_libvirt": "libvirtd is running"},
      {"hosted_engine_network": "Bootstrap network is up"}) }}

Bootstrap network is up:
  hosted_engine_network.up:
    - name: {{ hosted_engine.bootstrap.network }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_libvirt: libvirtd is running

# The seed contains the guest's address, so the network must exist first.
Bootstrap seed is written:
  hosted_engine_seed.present:
    - name: {{ (directory ~ "/seed.iso") | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_network: Bootstrap network is up

Bootstrap VM is running:
  hosted_engine_bootstrap.running:
    - name: {{ vm }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_seed: Bootstrap seed is written

Engine name resolves to the bootstrap VM:
  hosted_engine_hosts.present:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_bootstrap: Bootstrap VM is running
{%- if hosted_engine.hooks.guest_before_setup or hosted_engine.restore.backup %}

# The guest waits before engine-setup until the hooks have run and the backup is in place.
Bootstrap VM is ready for engine-setup:
  hosted_engine_gate.reached:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_hosts: Engine name resolves to the bootstrap VM
{{- hooks(
      ["guest_before_setup"],
      {"hosted_engine_gate": "Bootstrap VM is ready for engine-setup"},
      {"hosted_engine_gate": "engine-setup is allowed to start"}) }}
{%- if hosted_engine.restore.backup %}

# The guest restores the backup itself, so the restore continues even if this Salt run is interrupted.
Backup is copied to the bootstrap VM:
  hosted_engine_restore.sent:
    - name: {{ hosted_engine.restore.backup | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_gate: Bootstrap VM is ready for engine-setup
    - require_in:
      - hosted_engine_gate: engine-setup is allowed to start
{%- endif %}

engine-setup is allowed to start:
  hosted_engine_gate.opened:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_gate: Bootstrap VM is ready for engine-setup
    - require_in:
      - hosted_engine_guest: engine-setup is complete
{%- endif %}

engine-setup is complete:
  hosted_engine_guest.set_up:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_hosts: Engine name resolves to the bootstrap VM
{{- hooks(["guest_after_setup", "host_after_setup"], {"hosted_engine_guest": "engine-setup is complete"}) }}
