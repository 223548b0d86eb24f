"""What is mounted on this host, as the kernel lists it: no mount is touched for that."""

from __future__ import annotations

import re
from pathlib import Path

from ovirt_he.core import records

TABLE = Path("/proc/self/mounts")
# Spaces, tabs, line ends and backslashes stand there by their octal numbers.
ESCAPED = re.compile(r"\\([0-7]{3})")


def types() -> dict[str, str]:
    """Types of file systems by where they are mounted; of several in one place, the uppermost's."""
    entries = (line.split() for line in records.read_file(TABLE).splitlines())
    return {ESCAPED.sub(lambda sign: chr(int(sign[1], 8)), entry[1]): entry[2] for entry in entries}
