"""A lab hypervisor with its engine and its share, as a test sees it: Salt, commands, files."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .engine_api import Engine

LAB = Path(__file__).parents[1] / "lab" / "lab"
FOLDER = Path(os.environ.get("HOSTED_ENGINE_LAB", "/var/lib/hosted-engine-lab"))
BOOTSTRAP = "/var/lib/hosted-engine/bootstrap"
ADMIN_PASSWORD = "lab's own: $ecret #1"  # of tests/lab/hosts/pillar.sls
ROOT_PASSWORD = "r00t of the {lab}"
MINUTES = 60


def lab(*arguments: str, timeout: float = 10 * MINUTES) -> str:
    """Run the lab's command; its output is part of the failure."""
    done = subprocess.run(
        [LAB, *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"lab {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class State:
    """One state's result of a run."""

    id: str
    function: str
    result: bool | None
    changes: dict[str, Any]
    comment: str


@dataclass
class Site:
    name: str

    @classmethod
    def fresh(cls, name: str) -> Site:
        lab("destroy")
        lab("up", name)
        return cls(name)

    @property
    def number(self) -> int:
        return int(self.name.removeprefix("hv"))

    @property
    def fqdn(self) -> str:
        return f"engine{self.number}.lab.test"

    @property
    def address(self) -> str:
        return f"10.77.0.{10 + self.number}"

    @property
    def engine_address(self) -> str:
        return f"10.77.0.{100 + self.number}"

    def engine(self, ca_file: str = "/etc/pki/vdsm/certs/cacert.pem") -> Engine:
        return Engine(self.run, self.fqdn, ca_file, ADMIN_PASSWORD)

    def run(
        self,
        command: list[str],
        *,
        input: str | None = None,
        codes: tuple[int, ...] = (0,),
        timeout: float = 2 * MINUTES,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [LAB, "exec", self.name, *command],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        assert done.returncode in codes, f"{command}: {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def output(self, *command: str) -> str:
        return self.run(list(command)).stdout.strip()

    def json(self, *command: str) -> Any:
        return json.loads(self.output(*command))

    def apply(
        self,
        sls: str = "hosted_engine",
        *,
        test: bool = False,
        pillar: dict[str, Any] | None = None,
    ) -> list[State]:
        """``state.apply`` as a person runs it; the states in their order, whatever they said."""
        command = ["salt-call", "--local", "--out=json", "state.apply", sls, f"test={test}"]
        if pillar:
            command.append(f"pillar={json.dumps(pillar)}")
        said = self.run(command, codes=(0, 1, 2), timeout=20 * MINUTES)
        try:
            returned = json.loads(said.stdout)["local"]
        except ValueError as error:
            raise AssertionError(f"no JSON: {said.stdout}{said.stderr}") from error
        assert isinstance(returned, dict), f"{sls}: {returned}\n{said.stderr}"
        return [
            State(
                id=item["__id__"],
                function=name.split("_|-")[0] + "." + name.rsplit("_|-", 1)[1],
                result=item["result"],
                changes=item["changes"],
                comment=str(item["comment"]),
            )
            for name, item in sorted(returned.items(), key=lambda pair: pair[1]["__run_num__"])
        ]

    def pillar(self, **hosted_engine: Any) -> None:
        """Lay these keys over the lab's pillar: a file on the host, so that secrets stay in it."""
        text = "#!yaml\n" + json.dumps({"hosted_engine": hosted_engine})
        self.run(["install", "-m", "600", "/dev/stdin", "/srv/pillar/site.sls"], input=text)

    def configuration(self) -> dict[str, str]:
        """hosted-engine.conf, read as text."""
        lines = self.output("cat", "/etc/ovirt-hosted-engine/hosted-engine.conf").splitlines()
        return dict(line.split("=", 1) for line in lines if line)

    def volume(self, image: str, volume: str) -> str:
        """Path of a volume, found by its name: on a mount, or as the link to a LUN's volume."""
        # The link to a folder on a mount isn't followed.
        folders = "/rhev/data-center/mnt", "/run/vdsm/storage"
        return self.output("find", *folders, "-path", f"*/{image}/{volume}")

    def disk(self, name: str) -> str:
        """Path of a disk on the storage, from the mount's listing and the API, not from vdsm."""
        attributes = self.engine().named("disks", name)
        return self.volume(attributes.get("id"), attributes.findtext("image_id"))

    def holding(self, text: str, *folders: str) -> list[str]:
        """Files below folders that hold a text."""
        command = ["grep", "-rlF", "--file=/dev/stdin", *folders]
        return self.run(command, input=f"{text}\n", codes=(0, 1, 2)).stdout.split()

    def on_machine(self, path: str) -> Path:
        """Where the machine sees a file of this host, or of the share that the host mounts."""
        mounts = "/rhev/data-center/mnt/nas.lab.test:_exports_"
        if path.startswith(mounts):
            share, _, rest = path.removeprefix(mounts).partition("/")
            return FOLDER / "storage" / share / "mount" / rest
        return FOLDER / "hosts" / self.name / "root" / path.lstrip("/")

    @contextlib.contextmanager
    def mounted(self, path: str, *options: str) -> Iterator[Path]:
        """An image of this host, mounted read-only on the machine: by the kernel's own reader."""
        with tempfile.TemporaryDirectory() as directory:
            loop = ",".join(("loop", "ro", *options))
            subprocess.run(["mount", "-o", loop, self.on_machine(path), directory], check=True)
            try:
                yield Path(directory)
            finally:
                subprocess.run(["umount", directory], check=True)

    @contextlib.contextmanager
    def backup(self, domain: str, target: str) -> Iterator[Path]:
        """Files in a running VM at one moment: a backup by libvirt, the journal replayed."""
        copy, job, auth = (f"/var/tmp/backup.{suffix}" for suffix in ("raw", "xml", "conf"))
        xml = f"""<domainbackup><disks><disk name="{target}" type="file">
            <target file="{copy}"/><driver type="raw"/></disk></disks></domainbackup>"""
        password = self.output("cat", "/etc/pki/vdsm/keys/libvirt_password")
        login = (
            f"[credentials-vdsm]\nauthname=vdsm@ovirt\npassword={password}\n"
            "[auth-libvirt-localhost]\ncredentials=vdsm\n"
        )
        for path, text in ((job, xml), (auth, login)):
            self.run(["install", "-m", "600", "/dev/stdin", path], input=text)
        virsh = ["virsh", "-c", f"qemu:///system?authfile={auth}"]
        self.run([*virsh, "backup-begin", domain, job])
        while "None" not in self.output(*virsh, "domjobinfo", domain):
            time.sleep(0.5)
        try:
            with self.mounted(copy, "rw", "offset=1048576") as files:
                yield files
        finally:
            self.run(["rm", copy, job, auth])

    def killed_when(self, condition: str, sls: str = "hosted_engine") -> None:
        """Start a run, and kill it without mercy as soon as a shell condition holds on the host.

        The host itself watches, since a call from outside may take longer than the condition holds.
        """
        script = f"""
            rm -f /run/run-ended
            {{ salt-call --local state.apply {sls} >/run/run.log 2>&1; : >/run/run-ended; }} &
            until {{ {condition}; }} >/dev/null 2>&1; do
                if [ -e /run/run-ended ]; then tail -c 6000 /run/run.log; exit 1; fi
                sleep 0.02
            done
            pkill -KILL -f salt-call
        """
        done = self.run(["sh"], input=script, codes=(0, 1), timeout=10 * MINUTES)
        assert done.returncode == 0, f"{condition}: never held. {done.stdout}"

    def guest(self, *command: str) -> str:
        """A command in the bootstrap guest, with our own ssh and the keys of the seed."""
        network = self.output("virsh", "-c", "qemu:///system", "-r", "net-dumpxml", "hosted-engine")
        found = re.search(r"<host [^>]*ip='([^']+)'", network)
        assert found, network
        return self.output(
            "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
            "-o", f"UserKnownHostsFile={BOOTSTRAP}/known_hosts", "-i", f"{BOOTSTRAP}/client_key",
            f"root@{found[1]}", *command,
        )  # fmt: skip

    def power_cut(self) -> None:
        lab("crash", self.name)
        lab("up", self.name)

    def call(self, function: str, *arguments: str) -> Any:
        return self.json("salt-call", "--local", "--out=json", function, *arguments)["local"]


def failures(states: list[State]) -> str:
    """What went wrong, for an assertion's message; empty when all is well."""
    return "\n".join(f"{s.id}: {s.comment} {s.changes}" for s in states if s.result is False)


def changes(states: list[State]) -> dict[str, Any]:
    return {state.id: state.changes for state in states if state.changes}
