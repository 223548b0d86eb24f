# What the host needs, Salt's own Python included, and the engine's image, checked and whole.
{%- from "hosted_engine/map.jinja" import hosted_engine, deployed with context %}
{%- import_text "hosted_engine/files/requirements.txt" as requirements %}
{%- set directory = hosted_engine.bootstrap.directory %}
{%- set wheelhouse = hosted_engine.python.wheelhouse %}
{%- set wheels = "/var/lib/hosted-engine/wheelhouse" if wheelhouse.startswith("salt://") else wheelhouse %}

include:
  - hosted_engine.preflight

Hosted engine packages are installed:
  pkg.installed:
    - pkgs:
      - ovirt-hosted-engine-setup
{%- if hosted_engine.storage.type == "glusterfs" %}
      # The engine refuses Gluster storage on a host without it.
      - glusterfs-cli
{%- endif %}
    - require:
      - sls: hosted_engine.preflight

# Preflight could only look as far as a bare host can.
Hosted engine storage can be used:
  hosted_engine_storage_probe.usable:
    - name: {{ hosted_engine.storage.name | json }}
    - unless: {{ deployed | json }}
    - require:
      - pkg: Hosted engine packages are installed
{%- if not hosted_engine.appliance.source %}

# Only during a deployment: afterwards nobody needs it.
Appliance's package is installed:
  pkg.installed:
    - name: {{ hosted_engine.appliance.package | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_storage_probe: Hosted engine storage can be used
    - require_in:
      - hosted_engine_appliance: Appliance is extracted
{%- endif %}

{%- if wheelhouse.startswith("salt://") %}

Hosted engine wheels are there:
  file.recurse:
    - name: {{ wheels | json }}
    - source: {{ wheelhouse | json }}
    - require:
      - sls: hosted_engine.preflight
    - require_in:
      - pip: Hosted engine libraries are in Salt's Python
{%- endif %}

# In Salt's own Python, wherever it lives: without bin_env that's what Salt's pip module takes.
Hosted engine libraries are in Salt's Python:
  pip.installed:
    - pkgs: {{ requirements.split() | json }}
{%- if wheelhouse %}
    - no_index: true
    - find_links: {{ wheels | json }}
{%- endif %}
    - reload_modules: true
    - require:
      - hosted_engine_storage_probe: Hosted engine storage can be used

# QEMU passes through, and sees nothing.
Hosted engine records have a directory:
  file.directory:
    - name: /var/lib/hosted-engine
    - mode: "0711"
    - unless: {{ deployed | json }}
    - require:
      - pip: Hosted engine libraries are in Salt's Python

Bootstrap directory is there:
  file.directory:
    - name: {{ directory | json }}
    - user: root
    - group: root
    - mode: "0711"
    - makedirs: true
    - unless: {{ deployed | json }}
    - require:
      - file: Hosted engine records have a directory

Appliance is extracted:
  hosted_engine_appliance.extracted:
    - name: {{ (directory ~ "/appliance.qcow2") | json }}
    - source: {{ hosted_engine.appliance.source | json }}
    - sha1: {{ hosted_engine.appliance.sha1 | json }}
    - unless: {{ deployed | json }}
    - require:
      - file: Bootstrap directory is there
