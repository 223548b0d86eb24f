# The engine is set up in a VM of its own, on this host's disk, behind a NAT network.
{%- from "hosted_engine/map.jinja" import hosted_engine, transitional with context %}
{%- set directory = hosted_engine.bootstrap.directory %}
{%- set vm = hosted_engine.bootstrap.name %}

include:
  - hosted_engine.appliance

libvirtd runs:
  hosted_engine_libvirt.monolithic:
    - unless: {{ transitional | json }}
    - require:
      - sls: hosted_engine.appliance

Bootstrap network is up:
  hosted_engine_network.up:
    - name: {{ hosted_engine.bootstrap.network }}
    - unless: {{ transitional | json }}
    - require:
      - hosted_engine_libvirt: libvirtd runs

# The guest's address is in it, so the network comes first.
Bootstrap seed is written:
  hosted_engine_seed.present:
    - name: {{ (directory ~ "/seed.iso") | json }}
    - unless: {{ transitional | json }}
    - require:
      - hosted_engine_network: Bootstrap network is up

Bootstrap VM runs:
  hosted_engine_bootstrap.running:
    - name: {{ vm }}
    - unless: {{ transitional | json }}
    - require:
      - hosted_engine_seed: Bootstrap seed is written

This host finds the engine in its bootstrap VM:
  hosted_engine_hosts.present:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ transitional | json }}
    - require:
      - hosted_engine_bootstrap: Bootstrap VM runs

engine-setup is complete:
  hosted_engine_guest.set_up:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ transitional | json }}
    - require:
      - hosted_engine_hosts: This host finds the engine in its bootstrap VM
