# Install packages and Python libraries on the host, then extract and verify the appliance image.
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
      # The engine refuses Gluster storage on a host without this package.
      - glusterfs-cli
{%- endif %}
    - require:
      - sls: hosted_engine.preflight

# Repeats the storage checks that preflight could not run before these packages were installed.
Hosted engine storage is usable:
  hosted_engine_storage_probe.usable:
    - name: {{ hosted_engine.storage.name | json }}
    - unless: {{ deployed | json }}
    - require:
      - pkg: Hosted engine packages are installed
{%- if not hosted_engine.appliance.source %}

# Only needed during the deployment.
Appliance package is installed:
  pkg.installed:
    - name: {{ hosted_engine.appliance.package | json }}
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_storage_probe: Hosted engine storage is usable
    - require_in:
      - hosted_engine_appliance: Appliance is extracted
{%- endif %}

{%- if wheelhouse.startswith("salt://") %}

Python wheels are present:
  file.recurse:
    - name: {{ wheels | json }}
    - source: {{ wheelhouse | json }}
    - require:
      - sls: hosted_engine.preflight
    - require_in:
      - pip: Python libraries are installed for Salt
{%- endif %}

# Without bin_env, Salt's pip module installs into the Python that Salt itself runs on.
Python libraries are installed for Salt:
  pip.installed:
    - pkgs: {{ requirements.split() | json }}
{%- if wheelhouse %}
    - no_index: true
    - find_links: {{ wheels | json }}
{%- endif %}
    - reload_modules: true
    - require:
      - hosted_engine_storage_probe: Hosted engine storage is usable

# 0711: QEMU's user may pass through but not list the directory.
Deployment record directory exists:
  file.directory:
    - name: /var/lib/hosted-engine
    - mode: "0711"
    - unless: {{ deployed | json }}
    - require:
      - pip: Python libraries are installed for Salt

Bootstrap directory exists:
  file.directory:
    - name: {{ directory | json }}
    - user: root
    - group: root
    - mode: "0711"
    - makedirs: true
    - unless: {{ deployed | json }}
    - require:
      - file: Deployment record directory exists

Appliance is extracted:
  hosted_engine_appliance.extracted:
    - name: {{ (directory ~ "/appliance.qcow2") | json }}
    - source: {{ hosted_engine.appliance.source | json }}
    - sha1: {{ hosted_engine.appliance.sha1 | json }}
    - unless: {{ deployed | json }}
    - require:
      - file: Bootstrap directory exists
