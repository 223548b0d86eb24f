"""
Make a program start by another dynamic linker: its path in the ELF file is replaced.

    interpreter.py PROGRAM LINKER

Starting it as an argument of that linker doesn't do: user-mode Linux then takes its heap for the
end of the program, and panics.
"""

from __future__ import annotations

import sys
from pathlib import Path

DEBIANS = b"/lib64/ld-linux-x86-64.so.2\0"


def main(program: str, linker: str) -> None:
    path, new = Path(program), linker.encode()
    content = path.read_bytes()
    if content.count(DEBIANS) != 1 or len(new) >= len(DEBIANS):
        raise SystemExit(f"{program}: no place for {linker}")
    path.write_bytes(content.replace(DEBIANS, new.ljust(len(DEBIANS), b"\0")))


if __name__ == "__main__":
    main(*sys.argv[1:])
