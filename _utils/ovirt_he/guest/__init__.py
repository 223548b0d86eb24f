"""
The engine's machine from the inside: the channel into the bootstrap VM, its network, the answers
of engine-setup, restore. Imports core, pillar, host and bootstrap.
"""
