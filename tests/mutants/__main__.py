"""
Whether tests notice when a guard or a parser is wrong: each of a fixed sample of mutants must fail.

Every mutant is made in a temporary copy of the checkout, where the tests of its target run. A
mutant that survives needs a test of what it broke, or its line isn't needed.

The tests work in temporary folders. Still, some mutants lack a guard before something is removed:
run this where nothing can be lost.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.mutants.mutations import Mutant, of_file
from tests.mutants.targets import TARGETS, Target

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("_modules", "_states", "_utils", "docs", "hosted_engine", "release", "tests", "tools")
WANTED = 0.9  # of the mutants
PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "--tb=no")
# The last line of its output. A mutant of what conftest.py imports ends it before the first test.
VERDICT = re.compile(r"\d+ (passed|failed|errors?)\b|ImportError while loading conftest")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--each", type=int, default=6, help="mutants per target (%(default)s)")
    parser.add_argument("--only", default="*", help="targets whose path matches this pattern")
    asked = parser.parse_args()
    targets = [target for target in TARGETS if fnmatch.fnmatch(target.path, asked.only)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants.") as folder:
        copies: queue.Queue[Path] = queue.Queue()
        for number in range(asked.jobs):
            copies.put(_copy(Path(folder, str(number))))
        with ThreadPoolExecutor(asked.jobs) as pool:
            seconds = dict(
                zip(targets, pool.map(lambda one: _sound(one, copies), targets), strict=True)
            )
            runs = {
                pool.submit(_survives, mutant, target, copies, seconds[target]): mutant
                for target in targets
                for mutant in sample(target, asked.each)
            }
            alive = []
            for run in as_completed(runs):
                if run.result():
                    alive.append(runs[run])
                    print(f"survives  {runs[run]}", flush=True)
    dead = len(runs) - len(alive)
    minutes = (time.monotonic() - began) / 60
    print(f"{dead} of {len(runs)} mutants noticed ({dead / len(runs):.1%}) in {minutes:.1f} min")
    return 0 if dead >= WANTED * len(runs) else 1


def sample(target: Target, size: int) -> list[Mutant]:
    """The same ones for the same code, whatever else of the file changes."""
    return sorted(of_file(ROOT, target.path, target.functions), key=Mutant.order)[:size]


def _copy(place: Path) -> Path:
    for name in NEEDED:
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / name, place / name, ignore=ignored, symlinks=True)
    for file in ROOT.iterdir():
        if file.is_file() and file.name != ".git":
            shutil.copy(file, place)
    return place


def _fails(place: Path, target: Target, seconds: float | None = None) -> bool:
    """
    Whether the target's tests fail in this copy; a run that takes too long fails as well.

    Raises RuntimeError where pytest didn't come to a verdict: that says nothing of a mutant.
    """
    command = [sys.executable, "-m", "pytest", *PYTEST, *target.tests]
    # Byte code has the time of its source in whole seconds: a mutant might run in another's place.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "HOME": str(place)}
    process = subprocess.Popen(
        command,
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if not VERDICT.search(output):
        raise RuntimeError(f"{' '.join(command)}: {output.strip()[-500:]}")
    return process.returncode != 0


def _sound(target: Target, copies: queue.Queue[Path]) -> float:
    """Seconds that the target's tests take; they must pass before anything is mutated."""
    place, began = copies.get(), time.monotonic()
    try:
        if _fails(place, target):
            raise SystemExit(f"{target.path}: its tests fail unmutated: {' '.join(target.tests)}")
    finally:
        copies.put(place)
    return time.monotonic() - began


def _survives(mutant: Mutant, target: Target, copies: queue.Queue[Path], seconds: float) -> bool:
    place = copies.get()
    file = place / mutant.path
    source = file.read_bytes()
    try:
        file.write_bytes(mutant.applied(source))
        return not _fails(place, target, 30 + 4 * seconds)
    finally:
        file.write_bytes(source)
        copies.put(place)


if __name__ == "__main__":
    sys.exit(main())
