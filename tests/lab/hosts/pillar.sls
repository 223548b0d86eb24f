# The pillar of a lab hypervisor: hv1 gets engine1, hv2 gets engine2, each a site of its own.
{%- set number = grains["host"] | replace("hv", "") %}
hosted_engine:
  engine:
    fqdn: engine{{ number }}.lab.test
  host:
    emulation: true
  storage:
    address: nas.lab.test
    path: /exports/engine{{ number }}
  vm:
    memory_mib: 1024
    cpus: 2
    disk_gib: 3
    firmware: bios
    address: 10.77.0.{{ 100 + number | int }}/24
    dns: [10.77.0.1]
  python:
    wheelhouse: /srv/wheelhouse
  secrets:
    admin_password: "lab's own: $ecret #1"
    root_password: "r00t of the {lab}"
