# A further host that may run the engine: the running engine adds it, and configures HA on it.
{%- from "hosted_engine/map.jinja" import hosted_engine with context %}
{%- import_text "hosted_engine/files/requirements.txt" as requirements %}
{%- set wheelhouse = hosted_engine.python.wheelhouse %}
{%- set wheels = "/var/lib/hosted-engine/wheelhouse" if wheelhouse.startswith("salt://") else wheelhouse %}

Pillar of the further host is valid:
  hosted_engine.valid

Further host can join the engine:
  hosted_engine.joinable:
    - require:
      - hosted_engine: Pillar of the further host is valid

{%- if hosted_engine.storage.type == "glusterfs" %}

# A host without it isn't operational in a data center with Gluster storage.
Gluster's tools are on the further host:
  pkg.installed:
    - name: glusterfs-cli
    - require:
      - hosted_engine: Further host can join the engine
    - require_in:
      - ovirt_host: Engine manages the further host
{%- endif %}

{%- if wheelhouse.startswith("salt://") %}

Wheels for the further host are there:
  file.recurse:
    - name: {{ wheels | json }}
    - source: {{ wheelhouse | json }}
    - require:
      - hosted_engine: Further host can join the engine
    - require_in:
      - pip: SDK of the engine is in Salt's Python
{%- endif %}

SDK of the engine is in Salt's Python:
  pip.installed:
    - pkgs: {{ requirements.split() | select("match", "ovirt-engine-sdk") | list | json }}
{%- if wheelhouse %}
    - no_index: true
    - find_links: {{ wheels | json }}
{%- endif %}
    - reload_modules: true
    - require:
      - hosted_engine: Further host can join the engine

Records of the further host have a directory:
  file.directory:
    - name: /var/lib/hosted-engine
    - mode: "0711"
    - require:
      - pip: SDK of the engine is in Salt's Python

Engine manages the further host:
  ovirt_host.up:
    - name: {{ hosted_engine.host.name | json }}
    - address: {{ hosted_engine.host.address | json }}
    - cluster: {{ hosted_engine.cluster.name | json }}
    - network: {{ hosted_engine.network.name | json }}
    - ssh_port: {{ hosted_engine.host.ssh_port }}
    - hosted_engine: true
    - require:
      - file: Records of the further host have a directory

Further host may run the engine:
  ovirt_hosted_engine.deployed:
    - name: {{ hosted_engine.host.name | json }}
    - require:
      - ovirt_host: Engine manages the further host

Deployment of the further host is over:
  hosted_engine_deployment.over:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - ovirt_hosted_engine: Further host may run the engine
