"""Patterns of the pillar's values, as regular expressions."""

from __future__ import annotations

# The engine takes no dot in most names; a cluster's may have one, and a host's.
NAME = r"^[A-Za-z0-9_-]+$"
CLUSTER_NAME = r"^[A-Za-z0-9_.-]+$"
HOST_NAME = r"^[A-Za-z0-9_.-]*$"
# A name of Linux' for a bridge, in characters that the engine hands on to it unchanged.
BRIDGE = r"^[A-Za-z0-9_-]{1,15}$"
# Characters of the common name in a certificate.
COMMON_NAME = 64
FQDN = r"^(?=.{4,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}$"
# Networks and addresses are read by Python's ipaddress in preflight; here only what they look like.
ADDRESS = r"^[0-9A-Fa-f.:]+$"
INTERFACE = r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$"
# ADDRESS or [ADDRESS] or a name, with a port or without one.
PORTAL = r"^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+|[0-9A-Fa-f:]+:[0-9A-Fa-f:]*)(:[0-9]{1,5})?$"
VERSION = r"^([0-9]+\.[0-9]+)?$"
# As otopi writes them: OVESETUP_DB/host=str:db.example.com.
ANSWER_NAME = r"^[A-Z0-9_]+(/[0-9]+)?/[A-Za-z0-9_.-]+$"
ANSWER = r"^(str:.*|bool:(True|False)|int:-?[0-9]+|none:None|multi-str:.*)$"
SLS = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
LINE = r"^\S.*$"
