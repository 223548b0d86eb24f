"""
What the guest gets beside its engine: packages, a security profile, FIPS mode, root's login.

All of it happens in the guest, before engine-setup: what conflicts with the engine then fails
during the bootstrap, at once and with its output, and not on shared storage.
"""

from __future__ import annotations

import shlex
from typing import Any

SCRIPT = "/usr/local/libexec/hosted-engine-options"
FOLDER = "/var/lib/hosted-engine"
# Marks the part before the reboot as done.
DONE = f"{FOLDER}/options-done"
SSHD = "/etc/ssh/sshd_config"
REPORT = "/root/openscap-report.html"
BEGIN, END = "# hosted engine: login of root", "# hosted engine: end"
LOGIN = {
    "password": ["PermitRootLogin yes", "PasswordAuthentication yes"],
    "keys": ["PermitRootLogin prohibit-password"],
    "none": ["PermitRootLogin no"],
}

# apt-get: the guest of the lab is Debian (design.md); hosted_engine_appliance.remove has its dpkg.
PACKAGES = """if command -v dnf > /dev/null; then
    dnf --assumeyes @OFFLINE@install @PACKAGES@
else
    apt-get --quiet update
    DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes install @PACKAGES@
fi
"""

# Each distribution names its content differently. Exit code 2: done, but some rules still fail.
PROFILE = f"""command -v oscap > /dev/null || {{
    echo 'OpenSCAP is missing: add openscap-scanner and scap-security-guide to vm:packages' >&2
    exit 1
}}
. /etc/os-release
major=${{VERSION_ID%%.*}}
case $ID in
    centos) names="cs$major centos$major" ;;
    rocky) names="rl$major" ;;
    *) names=$ID$major ;;
esac
content=
for name in $names; do
    file=/usr/share/xml/scap/ssg/content/ssg-$name-ds.xml
    [ -n "$content" ] || [ ! -e "$file" ] || content=$file
done
if [ -z "$content" ]; then
    echo "No content of the SCAP security guide for $ID $major: ssg-{{$names}}-ds.xml" >&2
    exit 1
fi
code=0
oscap xccdf eval --profile @PROFILE@ --remediate --report {REPORT} "$content" || code=$?
case $code in
    0 | 2) ;;
    *) exit 1 ;;
esac
"""

FIPS = """command -v fips-mode-setup > /dev/null || {
    echo 'fips-mode-setup is missing: this appliance has no FIPS mode to switch on' >&2
    exit 1
}
fips-mode-setup --enable
"""

# The unit must neither fail nor continue with engine-setup while the system shuts down.
REBOOT = f"""mkdir -p {FOLDER}
: > {DONE}
systemctl enable @UNIT@
sync
trap 'exit 0' TERM
systemctl reboot
sleep 600 &
wait
exit 1
"""

IN_FIPS = """if [ "$(cat /proc/sys/crypto/fips_enabled)" != 1 ]; then
    echo 'FIPS mode was switched on, but the kernel is not in it after the reboot' >&2
    exit 1
fi
"""


def script(settings: dict[str, Any], unit: str) -> str:
    """
    The script that runs before engine-setup, in ``unit``; "": there is nothing to do.

    A security profile and FIPS mode take effect at a boot, so it reboots, and runs once more.
    """
    vm = settings["vm"]
    parts = []
    if vm["packages"]:
        names = " ".join(shlex.quote(name) for name in vm["packages"])
        offline = "--disablerepo='*' " if settings["engine"]["offline"] else ""
        parts.append(PACKAGES.replace("@OFFLINE@", offline).replace("@PACKAGES@", names))
    if vm["openscap_profile"]:
        parts.append(PROFILE.replace("@PROFILE@", vm["openscap_profile"]))
        # Profiles forbid root's login, which the bootstrap needs until its end.
        parts.append(root_login("keys"))
    if vm["fips"]:
        parts.append(FIPS)
    if not parts:
        return ""
    if not (vm["openscap_profile"] or vm["fips"]):
        return "#!/bin/sh\nset -e\n" + "".join(parts)
    first = "".join(parts) + REBOOT.replace("@UNIT@", unit)
    # From here on an interrupted engine-setup must not start again at a boot.
    second = f"systemctl disable {unit}\n" + (IN_FIPS if vm["fips"] else "")
    return f"#!/bin/sh\nset -e\nif [ ! -e {DONE} ]; then\n{first}fi\n{second}"


def root_login(policy: str) -> str:
    """
    Shell that sets how root may sign in by ssh; for ``unchanged``, shell that removes these lines.

    At the file's start: sshd takes the first value, and EL 8's knows no Include.
    """
    lines = LOGIN.get(policy, [])
    removed = f"    sed -i '/^{BEGIN}$/,/^{END}$/d' {SSHD}\n"
    text = "\\n".join([BEGIN, *lines, END])
    added = f"    sed -i '1i {text}' {SSHD}\n" if lines else ""
    return f"if [ -e {SSHD} ]; then\n{removed}{added}fi\n"
