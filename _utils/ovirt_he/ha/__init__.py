"""
The HA agent and broker: hosted-engine.conf and its archive, the status of all hosts, metadata,
lockspace, and whose a storage domain is. Imports all rooms above, and not the engine's.
"""
