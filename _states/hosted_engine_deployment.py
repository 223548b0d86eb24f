"""Records of a deployment on its host."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging_own("engine:fqdn")
def over(name: str) -> state.Goal:
    """
    Ensure that no deployment is recorded as in progress.

    .. code-block:: yaml

        Deployment is finished:
          hosted_engine_deployment.over:
            - name: engine.example.com

    The records of a healthy engine and of what this deployment made stay.
    """
    return _absent("hosted_engine_deployment.finish")


@state.converging_own("engine:fqdn")
def forgotten(name: str) -> state.Goal:
    """
    Ensure that nothing of a deployment is on record, as after ``hosted_engine.clean``.

    .. code-block:: yaml

        Deployment records are removed:
          hosted_engine_deployment.forgotten:
            - name: engine.example.com
    """
    return _absent("hosted_engine_deployment.forget", everything=True)


def _absent(verb: str, everything: bool = False) -> state.Goal:
    def read() -> state.Facts | None:
        found = __salt__["hosted_engine_deployment.records"](everything)
        return {"records": found} if found else None

    return state.Goal(None, read, (verb,))
