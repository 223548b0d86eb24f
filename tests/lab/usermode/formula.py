"""The formula in hv, asked from the machine: one process for each pillar."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from .host import UserModeHost

PYTHON = "/opt/saltstack/salt/bin/python3"


class Failed(Exception):
    """A function raised; ``kind``: the exception's name in hv."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.kind = kind


class Formula:
    """Salt's loader on the checkout, in hv, with a pillar. It lives until ``close``."""

    def __init__(self, hv: UserModeHost, pillar: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            hv.command(PYTHON, "-B", "/srv/formula/tests/lab/usermode/session.py"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._say(pillar)

    def __call__(self, function: str, *arguments: Any) -> Any:
        """An execution module's answer. Raises Failed with what it raised."""
        return self._ask([function, arguments])

    def python(self, source: str) -> Any:
        """Value of an expression of Python."""
        return self._ask([source])

    def _ask(self, what: list[Any]) -> Any:
        self._say(what)
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"hv's process ended: {self.process.poll()}"
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"], answer["kind"])
        return answer["result"]

    def _say(self, what: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
