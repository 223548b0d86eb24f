"""The engine's appliance, as an image that a VM can start on."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging
def extracted(name: str, source: str = "", sha1: str = "") -> state.Goal:
    """
    Ensure that the appliance's image exists, complete and checked.

    .. code-block:: yaml

        Appliance's image is extracted:
          hosted_engine_appliance.extracted:
            - name: /var/lib/hosted-engine/bootstrap/appliance.qcow2
            - source: salt://images/appliance.ova
            - sha1: 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12

    Without a source it's the installed package's image, checked against the package's checksum.
    """
    return state.Goal(
        {"format": "qcow2", "complete": True},
        read=lambda: __salt__["hosted_engine_appliance.get"](name, source, sha1),
        step=("hosted_engine_appliance.extract", name, source, sha1),
    )


@state.converging_own("appliance:package")
def removed(name: str) -> state.Goal:
    """
    Ensure that no package of an appliance is installed any more, once the engine is deployed.

    .. code-block:: yaml

        Appliance package is removed:
          hosted_engine_appliance.removed:
            - name: ovirt-engine-appliance

    The package is the one that the image came with, whatever its full name. Nothing that needs it
    is removed with it: then this fails.
    """

    def read() -> state.Facts | None:
        package = __salt__["hosted_engine_appliance.package"]()
        return {"package": package} if package else None

    return state.Goal(
        None,
        read=read,
        step=lambda now, _: ("hosted_engine_appliance.remove", (now or {})["package"]),
    )
