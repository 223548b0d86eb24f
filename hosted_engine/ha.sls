# Start the engine from shared storage under HA, then remove everything that belongs to the bootstrap.
{%- from "hosted_engine/map.jinja" import hosted_engine, deployed, global_maintenance with context %}
{%- from "hosted_engine/site.jinja" import pause with context %}

include:
  - hosted_engine.handover
{{- pause("ha", "hosted_engine.handover", {"hosted_engine_disk": "HA metadata is empty"}) }}

HA metadata is empty:
  hosted_engine_disk.cleared:
    - name: metadata
    - unless: {{ deployed | json }}
    - require:
      - sls: hosted_engine.handover

HA lockspace is initialised:
  hosted_engine_ha.lockspace_initialised:
    - name: hosted-engine
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_disk: HA metadata is empty

Engine name no longer resolves to the bootstrap VM:
  hosted_engine_hosts.absent:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - hosted_engine_ha: HA lockspace is initialised

# The broker's first start may fail.
HA broker is running:
  service.running:
    - name: ovirt-ha-broker
    - enable: True
    - retry:
        attempts: 2
        interval: 2
    - require:
      - hosted_engine_hosts: Engine name no longer resolves to the bootstrap VM

# Before the agent starts. Once the host is deployed, maintenance is the operator's decision.
Global maintenance is off:
  hosted_engine_ha.maintenance_off:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - service: HA broker is running

# The point of no return. Enabled before it is started: a running agent that isn't enabled doesn't
# mark the host as deployed.
HA agent is enabled:
  hosted_engine_ha.agent_enabled:
    - name: ovirt-ha-agent
    - require:
      - hosted_engine_ha: Global maintenance is off

HA agent is running:
  service.running:
    - name: ovirt-ha-agent
    - unless: {{ global_maintenance | json }}
    - require:
      - hosted_engine_ha: HA agent is enabled

Hosted engine is healthy on shared storage:
  hosted_engine_ha.healthy:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - service: HA agent is running

# The engine no longer depends on the states below: the next run repeats those that fail.
Bootstrap VM is removed:
  hosted_engine_bootstrap.absent:
    - name: {{ hosted_engine.bootstrap.name }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy on shared storage

Bootstrap network is removed:
  hosted_engine_network.absent:
    - name: {{ hosted_engine.bootstrap.network }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy on shared storage

Bootstrap directory is removed:
  hosted_engine_bootstrap.cleared:
    - name: {{ hosted_engine.bootstrap.directory | json }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy on shared storage
      - hosted_engine_bootstrap: Bootstrap VM is removed

Bootstrap VM is removed from the engine:
  ovirt_vm.absent:
    - name: external-{{ hosted_engine.bootstrap.name }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy on shared storage
      - hosted_engine_bootstrap: Bootstrap VM is removed
{%- if hosted_engine.hooks.host_after_deployment %}

# Checked in every run, but pending only while the setup record exists, that is, until the deployment
# is finished.
Hooks host_after_deployment have run:
  hosted_engine_hook.ran:
    - name: host_after_deployment
    - require:
      - hosted_engine_ha: Hosted engine is healthy on shared storage
    - require_in:
      - hosted_engine_deployment: Deployment is finished
{%- endif %}

# Removes the setup record, which marks a deployment in progress. Only the package is removed later.
Deployment is finished:
  hosted_engine_deployment.over:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy on shared storage
{%- if hosted_engine.appliance.remove and not hosted_engine.appliance.source %}

Appliance package is removed:
  hosted_engine_appliance.removed:
    - name: {{ hosted_engine.appliance.package | json }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy on shared storage
{%- endif %}
