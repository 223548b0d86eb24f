"""What the guest gets beside its engine: the scripts run by sh, on a root of the test's own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.guest import files, options
from ovirt_he.pillar import settings as settings_

CONTENT = "usr/share/xml/scap/ssg/content"
FIPS = "proc/sys/crypto/fips_enabled"
STIG = {"openscap_profile": "stig"}


def settings(vm: dict[str, Any], **engine: Any) -> dict[str, Any]:
    pillar = {
        "engine": {"fqdn": "engine.example.com"} | engine,
        "storage": {"address": "nas.example.com", "path": "/engine"},
        "secrets": {"admin_password": "x"},
        "vm": vm,
    }
    return settings_.load({"hosted_engine": pillar}, {"fqdn": "node1.example.com"})


class Guest:
    """A root with the commands that a guest may have; each says with what it was called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("bin", "etc/ssh", CONTENT, "proc/sys/crypto", "root"):
            (root / folder).mkdir(parents=True)
        (root / FIPS).write_text("0\n")
        login = "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\n"
        (root / "etc/ssh/sshd_config").write_text(login)
        self.release("almalinux", "9.4")
        for name in ("cat", "mkdir", "sed", "sleep", "rm"):
            (root / "bin" / name).symlink_to(f"/usr/bin/{name}")
        for name in ("systemctl", "sync"):
            self.command(name)

    def release(self, identifier: str, version: str) -> None:
        (self.root / "etc/os-release").write_text(f'ID="{identifier}"\nVERSION_ID="{version}"\n')

    def command(self, name: str, text: str = "") -> None:
        path = self.root / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.root}/called\n{text}\n')
        path.chmod(0o755)

    @property
    def called(self) -> list[str]:
        told = self.root / "called"
        return [line.rstrip() for line in told.open()] if told.exists() else []

    def script(self, vm: dict[str, Any], **engine: Any) -> str:
        text = options.script(settings(vm, **engine), files.SETUP_UNIT)
        return re.sub(
            r"(?<![\w./])/(?=(etc|root|proc|var|usr/share|usr/local)/)", f"{self.root}/", text
        )

    def start(self, vm: dict[str, Any], **engine: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", "-c", self.script(vm, **engine)],
            env={"PATH": f"{self.root}/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def run(self, vm: dict[str, Any], **engine: Any) -> tuple[int, str]:
        """Exit code and output; at a reboot all is told to end, as systemd does."""
        (self.root / "called").unlink(missing_ok=True)
        running = self.start(vm, **engine)
        end = time.monotonic() + 20
        while running.poll() is None and time.monotonic() < end:
            if "systemctl reboot" in self.called and running.poll() is None:
                os.killpg(running.pid, signal.SIGTERM)
            time.sleep(0.05)
        # As systemd does: what was started in the meantime goes too.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        output = running.communicate(timeout=5)[0]
        return running.returncode, output


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    return Guest(tmp_path)


def test_with_nothing_asked_for_there_is_no_script():
    assert options.script(settings({}), files.SETUP_UNIT) == ""
    assert options.SCRIPT not in files.setup_unit(settings({}))


@pytest.mark.feature("packages")
def test_packages_are_installed_before_engine_setup(guest):
    guest.command("dnf")

    assert guest.run({"packages": ["vim-enhanced", "a$(id)"]})[0] == 0

    assert guest.called == ["dnf --assumeyes install vim-enhanced a$(id)"]
    unit = files.setup_unit(settings({"packages": ["x"]}))
    assert unit.index(f"ExecStartPre={options.SCRIPT}") < unit.index("ExecStart=/usr/bin/engine")


@pytest.mark.feature("packages")
def test_debian_s_guest_has_apt(guest):
    guest.command("apt-get")

    assert guest.run({"packages": ["vim"]})[0] == 0
    assert guest.called == ["apt-get --quiet update", "apt-get --quiet --yes install vim"]


@pytest.mark.feature("packages")
@pytest.mark.feature("offline")
def test_offline_no_repository_is_asked(guest):
    guest.command("dnf")

    guest.run({"packages": ["/srv/x.rpm"]}, offline=True)

    assert guest.called == ["dnf --assumeyes --disablerepo=* install /srv/x.rpm"]


@pytest.mark.feature("packages")
def test_packages_that_fail_stop_with_their_output(guest):
    guest.command("dnf", "echo No match for argument; exit 1")

    code, output = guest.run({"packages": ["nonesuch"]})

    assert (code, output) == (1, "No match for argument\n")


@pytest.mark.feature("openscap")
@pytest.mark.parametrize(
    ("identifier", "version", "name"),
    [
        ("almalinux", "9.4", "almalinux9"),
        ("centos", "9", "cs9"),
        ("centos", "8", "centos8"),
        ("rhel", "8.10", "rhel8"),
        ("rocky", "9.5", "rl9"),
    ],
)
@pytest.mark.parametrize("code", [0, 2])
def test_a_profile_is_applied_with_the_content_of_the_distribution(
    guest, identifier, version, name, code
):
    guest.release(identifier, version)
    content = guest.root / CONTENT / f"ssg-{name}-ds.xml"
    content.touch()
    guest.command("oscap", f"exit {code}")

    assert guest.run(STIG)[0] == 0

    report = f"{guest.root}/root/openscap-report.html"
    assert guest.called == [
        f"oscap xccdf eval --profile stig --remediate --report {report} {content}",
        f"systemctl enable {files.SETUP_UNIT}",
        "sync",
        "systemctl reboot",
    ]


@pytest.mark.feature("openscap")
def test_root_s_login_outlives_the_profile_until_the_handover(guest):
    (guest.root / CONTENT / "ssg-almalinux9-ds.xml").touch()
    guest.command("oscap")

    guest.run(STIG)

    # sshd takes the first value that it reads.
    lines = (guest.root / "etc/ssh/sshd_config").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == (
        "PermitRootLogin prohibit-password"
    )
    assert "Include /etc/ssh/sshd_config.d/*.conf" in lines


@pytest.mark.feature("openscap")
def test_a_profile_that_cannot_be_applied_says_why(guest):
    code, output = guest.run(STIG)
    assert code == 1
    assert "vm:packages" in output

    guest.command("oscap", "echo No such profile; exit 1")
    code, output = guest.run(STIG)
    assert code == 1
    assert "No content of the SCAP security guide for almalinux 9" in output

    (guest.root / CONTENT / "ssg-almalinux9-ds.xml").touch()
    code, output = guest.run(STIG)
    assert (code, output) == (1, "No such profile\n")
    assert "systemctl reboot" not in guest.called


@pytest.mark.feature("fips")
def test_fips_is_in_force_before_engine_setup_begins(guest):
    guest.command("fips-mode-setup")
    assert guest.run({"fips": True})[0] == 0
    assert guest.called[0] == "fips-mode-setup --enable"
    assert guest.called[-1] == "systemctl reboot"
    (guest.root / FIPS).write_text("1\n")

    assert guest.run({"fips": True}) == (0, "")

    assert guest.called == [f"systemctl disable {files.SETUP_UNIT}"]


@pytest.mark.feature("fips")
def test_fips_that_did_not_come_is_told(guest):
    guest.command("fips-mode-setup")
    guest.run({"fips": True})

    code, output = guest.run({"fips": True})

    assert code == 1
    assert "the kernel is not in it" in output


@pytest.mark.feature("fips")
def test_an_appliance_without_fips_says_so(guest):
    code, output = guest.run({"fips": True})

    assert code == 1
    assert "fips-mode-setup is missing" in output


def test_a_reboot_that_never_comes_is_a_failure(guest):
    (guest.root / "bin/sleep").unlink()
    guest.command("sleep")
    guest.command("fips-mode-setup")
    running = guest.start({"fips": True})

    assert running.wait(timeout=10) == 1


def effective(text: str, option: str) -> str | None:
    """The first value, as sshd takes it."""
    found = re.search(rf"^{option} (\S+)$", text, re.MULTILINE)
    return found[1] if found else None


@pytest.mark.feature("root_login")
@pytest.mark.parametrize(
    ("policy", "login"),
    [("unchanged", "no"), ("password", "yes"), ("keys", "prohibit-password"), ("none", "no")],
)
@pytest.mark.parametrize("times", [1, 2])
def test_root_s_login_is_set_once_however_often_it_is_cut_short(guest, policy, login, times):
    config = guest.root / "etc/ssh/sshd_config"
    before = config.read_text()
    for text in [options.root_login("keys")] + [options.root_login(policy)] * times:
        script = text.replace("/etc/", f"{guest.root}/etc/")
        subprocess.run(["sh", "-e", "-c", script], check=True)

    after = config.read_text()

    assert effective(after, "PermitRootLogin") == login
    assert effective(after, "PasswordAuthentication") == ("yes" if policy == "password" else None)
    assert after.count("# hosted engine:") == (0 if policy == "unchanged" else 2)
    assert after.endswith(before)


def test_every_script_is_one_for_sh_and_systemd(tmp_path):
    everything = {"packages": ["x"], "openscap_profile": "stig", "fips": True}
    script = options.script(settings(everything), files.SETUP_UNIT)
    subprocess.run(["sh", "-n", "-c", script], check=True)
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd on this machine")
    unit = tmp_path / files.SETUP_UNIT
    unit.write_text(re.sub(r"=/usr/\S+", "=/bin/true", files.setup_unit(settings(everything))))
    told = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert files.SETUP_UNIT not in told.stderr
