"""
Configurations of other tools: answer files of ovirt-hosted-engine-setup and variables of the
Ansible role become a pillar, and a pillar an answer file. Imports all rooms but preflight.
"""
