"""
The build machine's libvirt headers, cut down to what an older libvirt has.

libvirt-python binds every function that the headers and the API's description name, each by its
versioned symbol: built against libvirt 9.0 it doesn't load on libvirt 8.0, whatever version
libvirt-python itself has. The description says since when each function is there.
"""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

PARTS = ("libvirt", "libvirt-qemu", "libvirt-lxc")
PKG_CONFIG = """Name: {name}
Description: {name}, cut down to version {version}
Version: {version}
libvirt_api={folder}/libvirt-api.xml
Cflags: -I{folder}/include
Libs: -lvirt
"""


def write(folder: Path, version: str) -> None:
    """Headers, API descriptions and pkg-config's files as of a version of libvirt."""
    headers = folder / "include/libvirt"
    headers.mkdir(parents=True)
    number = sum(part * 1000**place for place, part in enumerate(reversed(_parts(version))))
    for header in (Path(_pkg_config("includedir")) / "libvirt").glob("*.h"):
        text = re.sub(r"(define LIBVIR_VERSION_NUMBER) \d+", rf"\1 {number}", header.read_text())
        (headers / header.name).write_text(text)
    described = Path(_pkg_config("libvirt_api"))
    for part in PARTS:
        name = f"{part}-api.xml"
        _described(described.with_name(name), version).write(folder / name)
        values = {"name": part, "version": version, "folder": folder}
        (folder / f"{part}.pc").write_text(PKG_CONFIG.format(**values))


def _described(path: Path, version: str) -> ET.ElementTree[ET.Element]:
    tree = ET.parse(path)  # noqa: S314, the build machine's own package
    symbols = tree.find("symbols")
    if symbols is None:
        raise ValueError(f"{path} describes no symbols")
    for symbol in list(symbols):
        since = symbol.get("version")
        if since and _parts(since) > _parts(version):
            symbols.remove(symbol)
    return tree


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _pkg_config(variable: str) -> str:
    command = ["pkg-config", "--variable", variable, "libvirt"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
