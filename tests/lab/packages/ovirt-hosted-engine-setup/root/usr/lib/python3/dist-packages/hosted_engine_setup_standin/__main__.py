"""One function an option of ``hosted-engine``; each gives the exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from hosted_engine_ha_standin import configuration, monitor, storage, vm_conf
from hosted_engine_ha_standin.link import broker
from vdsm_standin import rpc

from . import shared_config
from .status import vm_status

NO_DAEMON = "Cannot connect to the HA daemon, please check the logs.\n"


def set_maintenance(mode: str, vm_id: str) -> int:
    """Global through the broker; local only while the engine's VM isn't here."""
    if mode == "local":
        try:
            here = any(facts["vmId"] == vm_id for facts in rpc.call("Host.getVMList"))
        except (OSError, rpc.RemoteError) as err:
            sys.stderr.write(f"Failed communicating with VDSM: {err}")
            return 1
        if here:
            sys.stderr.write(
                "Unable to enter local maintenance mode: the engine VM is running on the current"
                " host, please migrate it before entering local maintenance mode.\n"
            )
            return 1
    try:
        broker("set_local_maintenance", value=mode == "local")
        broker("set_global_maintenance", value=mode == "global")
    except OSError:
        sys.stderr.write(NO_DAEMON)
        return 1
    return 0


def check_liveliness() -> int:
    """Ask the engine's health page."""
    try:
        values = configuration.parse(configuration.HOSTED_ENGINE_CONF.read_text())
    except OSError:
        sys.stderr.write("Error reading the configuration file\n")
        return 2
    if "fqdn" not in values:
        sys.stderr.write("Incomplete configuration, missing FQDN of the hosted engine VM\n")
        return 2
    up, said = monitor.engine_is_up(values["fqdn"], timeout=20)
    print(f"Engine replied: {said}" if up else "Engine is still unreachable")
    print("Hosted Engine is up!" if up else "Hosted Engine is not up!")
    return 0 if up else 1


def connect_storage(*_options: str) -> int:
    """Connect the storage server; no image is prepared."""
    try:
        values = configuration.read()
        storage.connect(values)
    except (configuration.ConfigurationError, RuntimeError) as err:
        sys.stderr.write(f"Error connecting storage: {err}\n")
        return 1
    return 0


def disconnect_storage(*_options: str) -> int:
    """Disconnect the storage server."""
    storage.disconnect(configuration.read())
    return 0


def vm_start(vm_id: str, path: str) -> int:
    """Start the engine's VM from a vm.conf."""
    try:
        status = rpc.call("VM.getStats", {"vmID": vm_id})["status"]
        print(f"VM exists and its status is {status}")
        return 1
    except rpc.RemoteError:
        # It isn't there: that's what starting it is for.
        parameters = vm_conf.parse(Path(path).read_text())
    try:
        vm_conf.check(parameters, vm_id)
        rpc.call("VM.create", {"vmID": vm_id, "vmParams": vm_conf.for_vdsm(parameters)})
    except (rpc.RemoteError, vm_conf.VmConfError) as err:
        sys.stderr.write(f"{err}\n")
        print("VM failed to launch")
        return 1
    print("VM in WaitForLaunch")
    return 0


def _vm_action(verb: str, vm_id: str) -> int:
    try:
        rpc.call(verb, {"vmID": vm_id})
    except rpc.RemoteError as err:
        sys.stderr.write(f"Command {verb} with args {{'vmID': '{vm_id}'}} failed:\n")
        sys.stderr.write(f"(code={err.code}, message={err})\n")
        return 1
    return 0


def vm_shutdown(vm_id: str) -> int:
    """Press the power button."""
    return _vm_action("VM.shutdown", vm_id)


def vm_poweroff(vm_id: str) -> int:
    """Cut the power."""
    return _vm_action("VM.destroy", vm_id)


def reinitialize_lockspace(*options: str) -> int:
    """Initialise the lockspace through the broker; a refusal is a traceback, as really."""
    broker("reset_lockspace", force=options[:1] == ("--force",))
    return 0


COMMANDS = {
    "vm-status": vm_status,
    "set-maintenance": set_maintenance,
    "check-liveliness": check_liveliness,
    "connect-storage": connect_storage,
    "disconnect-storage": disconnect_storage,
    "vm-start": vm_start,
    "vm-shutdown": vm_shutdown,
    "vm-poweroff": vm_poweroff,
    "reinitialize-lockspace": reinitialize_lockspace,
    "get-shared-config": shared_config.get,
    "set-shared-config": shared_config.put,
}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
