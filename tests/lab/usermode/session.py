"""
In hv: the formula's functions by Salt's own loader, in one process; each salt-call would take 10 s.

Its first line is the pillar. Each further one is JSON: [FUNCTION, ARGUMENTS], or [SOURCE] of Python
in which ``call`` runs a function and the modules of _utils are imported by name. It answers each
with a line: {"result": …} or {"error": …, "kind": …}.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

FORMULA = Path("/srv/formula")
sys.path[:0] = [str(FORMULA / "tests"), str(FORMULA / "_utils")]


class Names(dict):
    """Python's names: those of _utils are imported when they are used."""

    def __missing__(self, name: str) -> Any:
        if not name.startswith("hosted_engine"):
            raise KeyError(name)
        return importlib.import_module(name)


def main() -> None:
    # What Salt prints isn't an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from minion import Minion

    minion = Minion(Path(tempfile.mkdtemp()), json.loads(sys.stdin.readline()))
    names = Names(call=minion, minion=minion, Path=Path)
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        try:
            result = minion(what, *arguments[0]) if arguments else eval(what, names)
            answer = {"result": result}
        except Exception as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        print(json.dumps(answer, default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
