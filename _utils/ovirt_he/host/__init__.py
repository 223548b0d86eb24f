"""
The hypervisor: links, addresses, routes, firewall, libvirt, block devices, and the look at shared
storage. Imports core and pillar.
"""
