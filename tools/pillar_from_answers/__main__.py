"""Run from a checkout by its directory, with any Python that has PyYAML; Salt isn't needed."""

from __future__ import annotations

import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "_utils")]
try:
    import salt.exceptions  # noqa: F401
except ImportError:
    # Of Salt the package needs the classes of its errors.
    exceptions = types.ModuleType("salt.exceptions")
    for name in ("CommandExecutionError", "CommandNotFoundError", "SaltInvocationError"):
        setattr(exceptions, name, type(name, (Exception,), {}))
    exceptions.SaltException = Exception  # type: ignore[attr-defined]
    sys.modules |= {"salt": types.ModuleType("salt"), "salt.exceptions": exceptions}

from pillar_from_answers.command import main  # noqa: E402  after what it needs

sys.exit(main())
