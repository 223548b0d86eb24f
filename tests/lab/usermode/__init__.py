"""Hosts with a kernel of their own: user-mode Linux, as storage server and as hypervisor."""
