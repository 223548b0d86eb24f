"""HA's configuration, on this host and on the shared storage: one key at a time."""

from __future__ import annotations

import re
from typing import Any

from ovirt_he.core import command
from ovirt_he.ha import conf
from salt.exceptions import CommandExecutionError, SaltInvocationError

__func_alias__ = {"set_": "set"}

# The command's types, and what they mean.
TYPES = {
    "he_local": "hosted-engine.conf of this host",
    "he_shared": "hosted-engine.conf on the storage, for hosts that are added later",
    "ha": "the agent's own flags",
    "broker": "broker.conf on the storage: mail and notifications",
}
# Keys of broker.conf are SECTION.option: email.smtp-server, notify.state_transition.
KEY = re.compile(r"[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)?")
# The password of an iSCSI session: the master's job cache keeps what a function returns.
SECRET = {"password"}


def get(key: str, type: str) -> str | None:
    """
    The value of a key; None: an optional key that isn't set.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_shared_config.get gateway he_shared
        salt-call --local hosted_engine_shared_config.get email.smtp-server broker

    ``type``: ``he_local`` (this host), ``he_shared`` (for hosts that are added later), ``broker``
    (notifications), ``ha`` (the agent's own flags). Raises CommandExecutionError for a key that
    isn't there, with those that are; SaltInvocationError for a key that holds a password.
    """
    _check(key, type)
    output = command.run("hosted-engine", "--get-shared-config", key, f"--type={type}").stdout
    found = re.search(rf"^{re.escape(key)} : (.*), type : {type}$", output, re.MULTILINE)
    if found is None:
        raise CommandExecutionError(f"{key} of {type}: hosted-engine answered {output.strip()!r}")
    return None if found[1] == "None" else found[1]


def set_(key: str, value: Any, type: str) -> None:
    """
    Set a key, and read it back; one that already has the value isn't changed.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_shared_config.set gateway 192.0.2.1 he_local

    The broker reads its mail settings at each notification. HA reads all other keys when it starts:
    restart ovirt-ha-broker and ovirt-ha-agent, under global maintenance. Raises
    SaltInvocationError for what identifies the deployment, for the agent's own flags, and for
    values that the files' readers read differently.
    """
    _check(key, type)
    text = str(value)
    if why := _unfit(key, text, type):
        raise SaltInvocationError(f"{key} of {type} isn't set: {why}")
    # The command appends a second line where the value is already set.
    if get(key, type) == text:
        return
    command.run("hosted-engine", "--set-shared-config", key, text, f"--type={type}")
    if (now := get(key, type)) != text:
        raise CommandExecutionError(f"{key} of {type} reads {now!r} after it was set to {text!r}")


def _check(key: str, type: str) -> None:
    if type not in TYPES:
        types = "; ".join(f"{name}: {what}" for name, what in TYPES.items())
        raise SaltInvocationError(f"type {type!r}: one of these is expected. {types}")
    if not KEY.fullmatch(key):
        raise SaltInvocationError(
            f"key {key!r}: letters, digits, _ and - are allowed; for broker with its section, "
            "such as email.smtp-server"
        )
    if key in SECRET:
        raise SaltInvocationError(
            f"{key} is a secret, which must not be on a command line or in an answer: "
            f"see {conf.CONFIGURATION} on the host"
        )


def _unfit(key: str, value: str, type: str) -> str | None:
    """Why a value isn't written; None: it may be."""
    if type == "ha":
        return "the agent manages its flags; use hosted_engine_ha.set_maintenance for maintenance"
    if not value or value != value.strip() or not value.isprintable():
        return "empty values, spaces at the ends and control characters would be lost"
    if type == "broker":
        return "the broker interpolates %" if "%" in value else None
    if key in conf.OURS:
        return "it identifies the deployment and its storage, and is set by the formula"
    return conf.unreadable(value)
