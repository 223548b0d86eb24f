"""Faults that a test asks for: ``faults.json`` next to the state, read whenever it matters."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from .state import write_atomically


class Faults:
    """Faults on demand. Numbers are counted down in the file: a test can watch them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "faults.json"
        self._lock = threading.Lock()

    def get(self, name: str) -> Any:
        """The fault's value, or None. A file that isn't JSON raises: typos must show."""
        try:
            return json.loads(self.path.read_text(encoding="utf-8")).get(name)
        except FileNotFoundError:
            return None

    def take(self, name: str) -> bool:
        """Use up one of a counted (or one-time) fault; False when none is left."""
        with self._lock:
            count = int(self.get(name) or 0)
            if count < 1:
                return False
            faults = json.loads(self.path.read_text(encoding="utf-8"))
            faults[name] = count - 1
            write_atomically(self.path, json.dumps(faults))
            return True
