"""Keys of HA's configuration, on this host and on the shared storage."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging
def present(name: str, value: str, type: str) -> state.Goal:
    """
    Ensure that a key of HA's configuration has a value.

    .. code-block:: yaml

        HA mails go through the new relay:
          hosted_engine_shared_config.present:
            - name: email.smtp-server
            - value: relay.example.com
            - type: broker

    ``type``: ``he_local`` (this host), ``he_shared`` (for hosts that are added later), ``broker``
    (notifications: keys are SECTION.option). HA reads it at its next start, which is left to the
    operator; the broker reads its own at each notification.
    """
    return state.Goal(
        {"value": str(value)},
        read=lambda: {"value": __salt__["hosted_engine_shared_config.get"](name, type)},
        step=("hosted_engine_shared_config.set", name, str(value), type),
    )
