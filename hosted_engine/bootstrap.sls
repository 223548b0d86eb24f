# The engine is set up in a VM of its own, on this host's disk, behind a NAT network.
{%- from "hosted_engine/map.jinja" import hosted_engine, deployed with context %}
{%- from "hosted_engine/site.jinja" import hooks, pause with context %}
{%- set directory = hosted_engine.bootstrap.directory %}
{%- set vm = hosted_engine.bootstrap.name %}

include:
  - hosted_engine.appliance

{{- pause("bootstrap", "hosted_engine.appliance", {"hosted_engine_libvirt": "libvirtd runs"}) }}

libvirtd runs:
  hosted_engine_libvirt.monolithic:
    - unless: {{ deployed | json }}
    - require:
      - sls: hosted_engine.appliance
{{- hooks(
      ["host_before_setup"],
      {"hosted_engine_libvirt": "libvirtd runs"},
      {"hosted_engine_network": "Bootstrap network is up"}) }}

Bootstrap network is up:
  hosted_engine_network.up:
    - name: {{ hosted_engine.bootstrap.network }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_libvirt: libvirtd runs

# The guest's address is in it, so the network comes first.
Bootstrap seed is written:
  hosted_engine_seed.present:
    - name: {{ (directory ~ "/seed.iso") | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_network: Bootstrap network is up

Bootstrap VM runs:
  hosted_engine_bootstrap.running:
    - name: {{ vm }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_seed: Bootstrap seed is written

This host finds the engine in its bootstrap VM:
  hosted_engine_hosts.present:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_bootstrap: Bootstrap VM runs
{%- if hosted_engine.hooks.guest_before_setup or hosted_engine.restore.backup %}

# What comes before engine-setup: the guest waits until it is told to begin.
Bootstrap VM waits for its setup:
  hosted_engine_gate.reached:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_hosts: This host finds the engine in its bootstrap VM
{{- hooks(
      ["guest_before_setup"],
      {"hosted_engine_gate": "Bootstrap VM waits for its setup"},
      {"hosted_engine_gate": "engine-setup may begin"}) }}
{%- if hosted_engine.restore.backup %}

# The guest restores it by itself: a run that is cut off doesn't cut the restore off.
Backup is in the bootstrap VM:
  hosted_engine_restore.sent:
    - name: {{ hosted_engine.restore.backup | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_gate: Bootstrap VM waits for its setup
    - require_in:
      - hosted_engine_gate: engine-setup may begin
{%- endif %}

engine-setup may begin:
  hosted_engine_gate.opened:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_gate: Bootstrap VM waits for its setup
    - require_in:
      - hosted_engine_guest: engine-setup is complete
{%- endif %}

engine-setup is complete:
  hosted_engine_guest.set_up:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_hosts: This host finds the engine in its bootstrap VM
{{- hooks(["guest_after_setup", "host_after_setup"], {"hosted_engine_guest": "engine-setup is complete"}) }}
