"""High availability keeps the engine on shared storage running."""

from __future__ import annotations

from ovirt_he.core import state
from ovirt_he.ha import modes
from salt.exceptions import CommandExecutionError


@state.converging
def lockspace_initialised(name: str) -> state.Goal:
    """
    Ensure that the lockspace is initialised, in which each host of HA has an id of its own.

    .. code-block:: yaml

        HA lockspace is initialised:
          hosted_engine_ha.lockspace_initialised:
            - name: hosted-engine
            - unless:
              - fun: hosted_engine.deployed

    Only during a deployment: afterwards, it is written again only by
    ``hosted_engine_repair.reinitialise_lockspace``.
    """
    state.refuse_other(name, "hosted-engine", "HA's lockspace")
    return state.Goal(
        {"lockspace": "hosted-engine"},
        read=__salt__["hosted_engine_ha.lockspace"],
        step=("hosted_engine_ha.initialise_lockspace",),
    )


@state.converging_own("engine:fqdn")
def maintenance_off(name: str) -> state.Goal:
    """
    Ensure that the broker answers, and that nothing keeps HA from starting the engine.

    .. code-block:: yaml

        Global maintenance is off:
          hosted_engine_ha.maintenance_off:
            - name: engine.example.com
            - unless:
              - fun: hosted_engine.deployed

    Only during a deployment, before the agent is enabled: later, maintenance is an operator's
    intent.
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if not (now and now["answers"]):
            return ("hosted_engine_ha.restart_broker",)
        return "hosted_engine_ha.set_maintenance", "none"

    # An agent that finds old local maintenance in its ha.conf waits for ever.
    return state.Goal(
        {"answers": True, "global_maintenance": False, "local_maintenance": False},
        read=__salt__["hosted_engine_ha.maintenance"],
        step=step,
    )


@state.converging_own("engine:fqdn")
def maintenance(name: str, mode: str) -> state.Goal:
    """
    Ensure that HA is in a mode of maintenance: ``global``, ``local`` or ``none``.

    .. code-block:: yaml

        HA leaves the engine alone:
          hosted_engine_ha.maintenance:
            - name: engine.example.com
            - mode: global

    One at a time: ``local``, of this host, ends global maintenance, and isn't set while the
    engine's VM runs here. The formula's own phases never use it.
    """

    flags = modes.flags(mode)

    def wanted(now: state.Facts | None) -> state.Facts:
        if mode == "local" and not (now and now["answers"]):
            return {"local_maintenance": True}
        return {"answers": True, **flags}

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        # After a boot in local maintenance there is no status, whether the broker works or not.
        if not (now and (now["answers"] or now["local_maintenance"])):
            return ("hosted_engine_ha.restart_broker",)
        if mode == "local" and now.get("engine_here"):
            raise CommandExecutionError(modes.MIGRATE)
        return "hosted_engine_ha.set_maintenance", mode

    return state.Goal(wanted, read=__salt__["hosted_engine_ha.maintenance"], step=step)


@state.converging
def agent_enabled(name: str) -> state.Goal:
    """
    Ensure that the agent is enabled: the point of no return.

    .. code-block:: yaml

        HA agent is enabled:
          hosted_engine_ha.agent_enabled:
            - name: ovirt-ha-agent

    Separate from its start, since Salt's ``service.running`` starts before it enables. After a
    killed run, an agent that runs without being enabled would not count as one.
    """
    state.refuse_other(name, "ovirt-ha-agent", "HA's agent")
    return state.Goal(
        {"agent": "enabled"},
        read=__salt__["hosted_engine_ha.agent"],
        step=("hosted_engine_ha.enable_agent",),
    )


@state.converging_own("engine:fqdn")
def healthy(name: str) -> state.Goal:
    """
    Ensure that the engine is healthy on shared storage, on any host, and recorded as such.

    .. code-block:: yaml

        Hosted engine is healthy on shared storage:
          hosted_engine_ha.healthy:
            - name: engine.example.com

    ``name`` is the engine's name, at which its page must answer over verified TLS, and which must
    resolve to the VM's address: the pillar's, or the one that DHCP assigned to its MAC address. An
    engine that is down under global maintenance is reported, not failed.
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now and (now["health"], now["page"]) == ("good", "answers"):
            if now["address"] != "right":
                raise CommandExecutionError(f"The engine is healthy, but {now['address']}")
            return ("hosted_engine_ha.record_deployment",)
        return ("hosted_engine_ha.wait_for_health",)

    return state.Goal(
        {"health": "good", "page": "answers", "address": "right", "recorded": True},
        read=__salt__["hosted_engine_ha.get"],
        step=step,
    )
