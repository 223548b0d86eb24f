"""
What the execution and state modules of the hosted-engine formula share. Each folder is a room that
imports from the rooms before it only: core, pillar, host, bootstrap, guest, ha, engine,
preflight.
"""

from __future__ import annotations

import os
import sys


class Freshness:
    """
    Drops the package from Python's cache of modules when its files have changed, so that a minion
    that stays up through an upgrade doesn't run new modules on old code of ours.

    An import finder that finds nothing: Salt calls ``importlib.invalidate_caches()``, and so this,
    after each module that it loads, and it loads its own anew after each sync.
    """

    def __init__(self) -> None:
        self.stamps = self._read()

    @staticmethod
    def _read() -> dict[str, tuple[int, int]]:
        # Not pathlib, which takes four times as long, for each of some hundred calls per run.
        rooms = [room for room in os.scandir(*__path__) if room.is_dir()]
        files = [file for room in rooms for file in os.scandir(room) if file.name.endswith(".py")]
        return {file.path: (file.stat().st_mtime_ns, file.stat().st_size) for file in files}

    def find_spec(self, *_: object) -> None:
        return None

    def invalidate_caches(self) -> None:
        if self._read() == self.stamps:
            return
        sys.meta_path.remove(self)
        for name in [name for name in sys.modules if name.split(".")[0] == __name__]:
            del sys.modules[name]


# Salt also loads this file under a name of its own, which nobody imports.
if __name__ == "ovirt_he":
    sys.meta_path.append(Freshness())
