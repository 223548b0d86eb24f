"""
What the execution and state modules of the hosted-engine formula share. Each folder is a room that
imports from the rooms before it only: core, pillar, host, bootstrap, guest, ha, engine, migrate,
preflight.
"""
