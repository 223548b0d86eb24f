"""
The engine's API: a verified connection, its errors, compatibility levels, and what the SDK lacks.
Imports core, pillar, host, bootstrap, guest and ha.
"""
