# HA starts the engine from the shared storage; then nothing of the bootstrap is left.
{%- from "hosted_engine/map.jinja" import hosted_engine, deployed, maintained with context %}
{%- from "hosted_engine/site.jinja" import pause with context %}

include:
  - hosted_engine.handover
{{- pause("ha", "hosted_engine.handover", {"hosted_engine_disk": "Metadata of HA are empty"}) }}

Metadata of HA are empty:
  hosted_engine_disk.cleared:
    - name: metadata
    - unless: {{ deployed | json }}
    - require:
      - sls: hosted_engine.handover

Lockspace of HA is made:
  hosted_engine_ha.lockspace_initialised:
    - name: hosted-engine
    - unless: {{ deployed | json }}
    - require:
      - hosted_engine_disk: Metadata of HA are empty

This host no longer looks for the bootstrap VM:
  hosted_engine_hosts.absent:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - hosted_engine_ha: Lockspace of HA is made

# It may fail its first start.
HA broker runs:
  service.running:
    - name: ovirt-ha-broker
    - enable: True
    - retry:
        attempts: 2
        interval: 2
    - require:
      - hosted_engine_hosts: This host no longer looks for the bootstrap VM

# Before the agent: afterwards, maintenance is an operator's intent.
HA may start the engine:
  hosted_engine_ha.maintenance_off:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - unless: {{ deployed | json }}
    - require:
      - service: HA broker runs

# The point of no return. Enabled first: an agent that runs without it would be taken for none.
HA agent is enabled:
  hosted_engine_ha.agent_enabled:
    - name: ovirt-ha-agent
    - require:
      - hosted_engine_ha: HA may start the engine

HA agent runs:
  service.running:
    - name: ovirt-ha-agent
    - unless: {{ maintained | json }}
    - require:
      - hosted_engine_ha: HA agent is enabled

Hosted engine is healthy in its final place:
  hosted_engine_ha.healthy:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - service: HA agent runs

# From here on each may fail by itself: told now, healed by the next run.
Bootstrap VM is gone:
  hosted_engine_bootstrap.absent:
    - name: {{ hosted_engine.bootstrap.name }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy in its final place

Bootstrap network is gone:
  hosted_engine_network.absent:
    - name: {{ hosted_engine.bootstrap.network }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy in its final place

Bootstrap directory is gone:
  hosted_engine_bootstrap.cleared:
    - name: {{ hosted_engine.bootstrap.directory | json }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy in its final place
      - hosted_engine_bootstrap: Bootstrap VM is gone

Engine has forgotten the bootstrap VM:
  ovirt_vm.absent:
    - name: external-{{ hosted_engine.bootstrap.name }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy in its final place
      - hosted_engine_bootstrap: Bootstrap VM is gone
{%- if hosted_engine.hooks.host_after_deployment %}

# Durable, and due only while the record of the setup says that this deployment isn't over.
Hooks host_after_deployment have run:
  hosted_engine_hook.ran:
    - name: host_after_deployment
    - require:
      - hosted_engine_ha: Hosted engine is healthy in its final place
    - require_in:
      - hosted_engine_deployment: Deployment is over
{%- endif %}

# Last but for the package: a record of the setup says that a deployment is under way.
Deployment is over:
  hosted_engine_deployment.over:
    - name: {{ hosted_engine.engine.fqdn | json }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy in its final place
{%- if hosted_engine.appliance.remove and not hosted_engine.appliance.source %}

Appliance's package is removed:
  hosted_engine_appliance.removed:
    - name: {{ hosted_engine.appliance.package | json }}
    - require:
      - hosted_engine_ha: Hosted engine is healthy in its final place
{%- endif %}
