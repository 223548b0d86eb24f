"""
The bootstrap VM: the appliance's image, its files on the host, its definition in libvirt. Imports
core, pillar and host.
"""
