# An additional host that can run the engine VM: the running engine adds it and deploys HA on it.
{%- from "hosted_engine/map.jinja" import hosted_engine with context %}
{%- import_text "hosted_engine/files/requirements.txt" as requirements %}
{%- set wheelhouse = hosted_engine.python.wheelhouse %}
{%- set wheels = "/var/lib/hosted-engine/wheelhouse" if wheelhouse.startswith("salt://") else wheelhouse %}

Additional host pillar is valid:
  hosted_engine.valid

Additional host can join the engine:
  hosted_engine.joinable:
    - require:
      - hosted_engine: Additional host pillar is valid

{%- if hosted_engine.storage.type == "glusterfs" %}

# Without it, the host becomes non-operational in a data center with Gluster storage.
Gluster tools are installed on the additional host:
  pkg.installed:
    - name: glusterfs-cli
    - require:
      - hosted_engine: Additional host can join the engine
    - require_in:
      - ovirt_host: Engine manages the additional host
{%- endif %}

{%- if wheelhouse.startswith("salt://") %}

Python wheels for the additional host are present:
  file.recurse:
    - name: {{ wheels | json }}
    - source: {{ wheelhouse | json }}
    - require:
      - hosted_engine: Additional host can join the engine
    - require_in:
      - pip: Engine SDK is installed for Salt
{%- endif %}

Engine SDK is installed for Salt:
  pip.installed:
    - pkgs: {{ requirements.split() | select("match", "ovirt-engine-sdk") | list | json }}
{%- if wheelhouse %}
    - no_index: true
    - find_links: {{ wheels | json }}
{%- endif %}
    - reload_modules: true
    - require:
      - hosted_engine: Additional host can join the engine

Deployment record directory of the additional host exists:
  file.directory:
    - name: /var/lib/hosted-engine
    - mode: "0711"
    - require:
      - pip: Engine SDK is installed for Salt

Engine manages the additional host:
  ovirt_host.up:
    - name: {{ hosted_engine.host.name | json }}
    - address: {{ hosted_engine.host.address | json }}
    - cluster: {{ hosted_engine.cluster.name | json }}
    - network: {{ hosted_engine.network.name | json }}
    - ssh_port: {{ hosted_engine.host.ssh_port }}
    - hosted_engine: true
    - require:
      - file: Deployment record directory of the additional host exists

HA is deployed on the additional host:
  ovirt_hosted_engine.deployed:
    - name: {{ hosted_engine.host.name | json }}
    - require:
      - ovirt_host: Engine manages the additional host

Deployment of the additional host is finished:
  hosted_engine_deployment.over:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - ovirt_hosted_engine: HA is deployed on the additional host
