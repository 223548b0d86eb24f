"""
Texts that go into the engine's guest: cloud-init's user data, answers, units, the final network.

These texts and the shell scripts of this room are strings, not files of the formula: sync copies
only Python, salt-ssh only files that states' arguments name, and a module alone has no files.
tests/unit/test_guest_shell.py runs shellcheck on everything that is rendered.
"""

from __future__ import annotations

import json
from typing import Any

from ovirt_he.guest import network, options
from ovirt_he.guest.network import HOSTS_MARKER

# Answers that the appliance may ship; engine-setup accepts that the file is missing.
SHIPPED = "/root/ovirt-engine-answers"
FOLDER = "/var/lib/hosted-engine"
# The seed, mounted in memory for root alone: what a file of the guest's disk held stays in its free
# blocks, which are copied to the shared storage.
SEED, SEED_LABEL = "/run/hosted-engine/seed", "cidata"
# The formula's answers come after them: with otopi, the last file wins.
ANSWERS = f"{SEED}/answers"
# Only this file proves that engine-setup succeeded: systemd says the same of a unit that never ran.
MARKER = f"{FOLDER}/setup-complete"
KEYFILE = network.KEYFILE
# engine-setup waits for this file where hooks or a restore come first.
GATE = f"{FOLDER}/setup-may-begin"
# The restore script and the backup: both are copied before the gate is opened.
RESTORE = f"{FOLDER}/restore"
BACKUP = f"{FOLDER}/backup"
HANDOVER = "/usr/local/libexec/hosted-engine-handover"
SETUP_UNIT = "hosted-engine-setup.service"
HANDOVER_UNIT = "hosted-engine-handover.service"
UNITS = "/etc/systemd/system"
# The comment that identifies the formula's key among root's.
KEY_COMMENT = "hosted-engine-bootstrap"

# No time limit: the formula waits outside, and reports what it saw. No stdin: nothing may prompt.
# Enabled only where the guest reboots before engine-setup.
SETUP = f"""[Unit]
Description=Set up the hosted engine
ConditionPathExists=!{MARKER}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=HOME=/root LC_ALL=C.UTF-8
StandardInput=null
TimeoutStartSec=infinity
@STEPS@

[Install]
WantedBy=multi-user.target
"""
MOUNT = (
    f"mountpoint -q {SEED} || "
    f"{{ umask 077 && mkdir -p {SEED} && mount -o ro LABEL={SEED_LABEL} {SEED}; }}"
)
WAIT = f"ExecStartPre=/bin/sh -c 'until [ -e {GATE} ]; do sleep 1; done'"

# Before cloud-init and the network: the first packet is already one of the final network.
HANDOVER_SERVICE = f"""[Unit]
Description=First boot of the hosted engine on shared storage
DefaultDependencies=no
RequiresMountsFor=/etc /root /usr /var /var/lib/cloud
After=systemd-remount-fs.service
Before=cloud-init-local.service network-pre.target NetworkManager.service sysinit.target
Before=shutdown.target
Conflicts=shutdown.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={HANDOVER}
StandardOutput=journal+console

[Install]
WantedBy=sysinit.target
"""

# It may be interrupted at any line: what its next run needs is removed last.
HANDOVER_SCRIPT = f"""#!/bin/sh
# Runs at each boot, acts at the first one outside of the bootstrap VM, and removes itself.
set -e
[ "$(tr A-Z a-z < /sys/class/dmi/id/product_uuid)" != @UUID@ ] || exit 0
connections=/etc/NetworkManager/system-connections
mkdir -p "$connections"
install -m 0600 {KEYFILE} "$connections/hosted-engine.nmconnection"
sed -i '/{HOSTS_MARKER}$/d' /etc/hosts
if [ -e {network.FINAL_HOSTS} ]; then
    grep -vxFf /etc/hosts {network.FINAL_HOSTS} >> /etc/hosts || true
fi
if [ -e /root/.ssh/authorized_keys ]; then
    sed -i '/ {KEY_COMMENT}$/d' /root/.ssh/authorized_keys
fi
@ROOT_LOGIN@rm -rf /var/lib/cloud/instance /var/lib/cloud/instances
rm -f /etc/ssh/ssh_host_*
# In FIPS mode one type of key is refused; the others are generated.
ssh-keygen -q -A || ls /etc/ssh/ssh_host_*_key > /dev/null
if command -v restorecon > /dev/null; then
    restorecon -R "$connections" /etc/hosts /etc/ssh /root/.ssh
fi
touch /etc/cloud/cloud-init.disabled
sync
rm -f {UNITS}/multi-user.target.wants/{SETUP_UNIT} {UNITS}/{SETUP_UNIT} {options.SCRIPT}
rm -f {UNITS}/sysinit.target.wants/{HANDOVER_UNIT} {UNITS}/{HANDOVER_UNIT}
rm -rf /var/lib/hosted-engine
rm -f {HANDOVER}
sync
"""


def has_gate(settings: dict[str, Any]) -> bool:
    """Whether engine-setup waits until the gate is opened."""
    return bool(settings["hooks"]["guest_before_setup"] or settings["restore"]["backup"])


def meta_data(settings: dict[str, Any]) -> str:
    """cloud-init's meta data; the instance is the bootstrap VM."""
    fqdn, uuid = settings["engine"]["fqdn"], settings["bootstrap"]["uuid"]
    return json.dumps({"instance-id": f"hosted-engine-{uuid}", "local-hostname": fqdn}) + "\n"


def setup_unit(settings: dict[str, Any]) -> str:
    """The unit that sets the engine up: its steps in order; the first failure ends it."""
    offline = " --offline" if settings["engine"]["offline"] else ""
    # Hooks come first, before the gate opens: they may set up the repositories of packages.
    steps = [
        *([WAIT] if has_gate(settings) else []),
        *([f"ExecStartPre={options.SCRIPT}"] if options.script(settings, SETUP_UNIT) else []),
        *([f"ExecStartPre=/bin/sh {RESTORE}"] if settings["restore"]["backup"] else []),
        f"ExecStartPre=/bin/sh -c '{MOUNT}'",
        "ExecStart=/usr/bin/engine-setup --accept-defaults "
        f"--config-append={SHIPPED} --config-append={ANSWERS}{offline}",
        f"ExecStartPost=/bin/sh -c 'mkdir -p {FOLDER} && sync && : > {MARKER} && sync'",
    ]
    return SETUP.replace("@STEPS@", "\n".join(steps))


def handover_script(settings: dict[str, Any]) -> str:
    """The script of the first boot on shared storage."""
    login = options.root_login(settings["vm"]["root_login"])
    script = HANDOVER_SCRIPT.replace("@UUID@", settings["bootstrap"]["uuid"])
    return script.replace("@ROOT_LOGIN@", login)


def user_data(
    settings: dict[str, Any],
    *,
    hosts: str,
    networking: dict[str, str],
    keys: dict[str, str],
    root_hash: str | None,
) -> str:
    """
    cloud-init's user data: JSON, which is YAML. No password is in it: cloud-init keeps copies.

    ``hosts``: lines for the guest's hosts file. ``networking``: network files, for root only.
    ``keys``: host_key, host_key_public and client_key_public, as OpenSSH writes them.
    ``root_hash``: crypt's hash of root's password.
    """
    fqdn, vm = settings["engine"]["fqdn"], settings["vm"]
    data: dict[str, Any] = {
        "hostname": fqdn,
        "fqdn": fqdn,
        "prefer_fqdn_over_hostname": True,
        "users": [],
        "disable_root": False,
        "ssh_deletekeys": True,
        "ssh_genkeytypes": [],
        "ssh_keys": {
            "ecdsa_private": keys["host_key"],
            "ecdsa_public": keys["host_key_public"],
        },
        "ssh_authorized_keys": [keys["client_key_public"], *vm["root_ssh_keys"]],
        "write_files": _write_files(settings, hosts, networking),
        # cloud-init is disabled for all later boots before the long part begins. engine-setup is
        # a unit, since directly under cloud-init it hung with SELinux enforcing.
        "runcmd": [
            *network.commands(networking),
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", HANDOVER_UNIT],
            ["touch", "/etc/cloud/cloud-init.disabled"],
            ["systemctl", "start", "--no-block", SETUP_UNIT],
        ],
    }
    if vm["time_zone"]:
        data["timezone"] = vm["time_zone"]
    if root_hash:
        # Both EL 8's cloud-init and current ones read the list.
        data["chpasswd"] = {"expire": False, "list": f"root:{root_hash}\n"}
    # Beyond the basic plane JSON's escapes are pairs, which YAML reads as two characters.
    return "#cloud-config\n" + json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _write_files(
    settings: dict[str, Any], hosts: str, networking: dict[str, str]
) -> list[dict[str, Any]]:
    before_setup = options.script(settings, SETUP_UNIT)
    return [
        *(_file(path, text, "0600") for path, text in networking.items()),
        _file(HANDOVER, handover_script(settings), "0755"),
        _file(f"{UNITS}/{HANDOVER_UNIT}", HANDOVER_SERVICE),
        _file(f"{UNITS}/{SETUP_UNIT}", setup_unit(settings)),
        *([_file(options.SCRIPT, before_setup, "0755")] if before_setup else []),
        _file("/etc/hosts", hosts) | {"append": True},
    ]


def _file(path: str, content: str, permissions: str = "0644") -> dict[str, Any]:
    return {"path": path, "content": content, "permissions": permissions}
