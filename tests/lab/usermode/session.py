"""
In hv: the formula's functions by Salt's own loader, in one process; each salt-call would take 10 s.

Its first line is the pillar. Each further one is JSON: [FUNCTION, ARGUMENTS], or [SOURCE] of Python
in which ``call`` runs a function and ``ovirt_he`` is the package. It answers each
with a line: {"result": …} or {"error": …, "kind": …}.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
import tempfile
from pathlib import Path

FORMULA = Path("/srv/formula")
sys.path[:0] = [str(FORMULA / "tests"), str(FORMULA / "_utils")]


def main() -> None:
    # What Salt prints isn't an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import ovirt_he
    from minion import Minion

    minion = Minion(Path(tempfile.mkdtemp()), json.loads(sys.stdin.readline()))
    for module in pkgutil.walk_packages(ovirt_he.__path__, "ovirt_he."):
        importlib.import_module(module.name)
    names = {"call": minion, "minion": minion, "Path": Path, "ovirt_he": ovirt_he}
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
