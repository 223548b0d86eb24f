"""
A pillar from the answer file of ``hosted-engine --deploy``, or from variables of the Ansible role.

A command for whoever migrates, ``python3 tools/pillar_from_answers --help``; minions don't load it.
Imports the package ``ovirt_he``, whose schema says what the other tools call a key.
"""
