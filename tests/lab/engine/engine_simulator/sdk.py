"""Between the state's plain entities and the API's XML, by the SDK's own readers and writers.

Everything that leaves goes through reader and writer, so what the SDK doesn't know can't be sent.
The SDK is imported at first use: in an emulated guest that takes longer than the server's start.
"""

from __future__ import annotations

import datetime
from enum import Enum
from typing import Any
from xml.sax.saxutils import escape, quoteattr

BASE = "/ovirt-engine/api"
# Where an entity of that element name lives.
HOMES = {
    "cluster": "clusters",
    "cpu_profile": "cpuprofiles",
    "data_center": "datacenters",
    "disk": "disks",
    "disk_profile": "diskprofiles",
    "event": "events",
    "host": "hosts",
    "job": "jobs",
    "network": "networks",
    "storage_domain": "storagedomains",
    "template": "templates",
    "vm": "vms",
    "vnic_profile": "vnicprofiles",
}
# Collections that an entity links to, as the engine does.
LINKS = {
    "cluster": ("networks", "cpuprofiles"),
    "data_center": ("clusters", "networks", "storagedomains"),
    "disk": (),
    "host": ("nics", "storage"),
    "network": ("vnicprofiles",),
    "storage_domain": ("disks", "diskprofiles"),
    "vm": ("diskattachments", "graphicsconsoles", "nics"),
}


class NotUnderstood(Exception):
    """A body that the SDK's reader can't make sense of."""


def parse(body: bytes) -> tuple[str, dict[str, Any]]:
    """The type's name and the plain entity of an XML body."""
    from ovirtsdk4 import reader, readers, types

    assert readers, "imported for its registration"
    try:
        value = reader.Reader.read(body)
    except Exception as err:  # the SDK's XML reader raises nothing more special
        raise NotUnderstood(str(err)) from err
    if not isinstance(value, types.Struct):
        raise NotUnderstood("the body holds no element, or a list")
    return type(value).__name__, plain(value)


def plain(value: Any) -> Any:
    """A structure of the SDK as dictionaries, lists, strings, numbers; None left out."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if hasattr(value, "__dict__"):
        return {
            name.lstrip("_").rstrip("_"): plain(item)
            for name, item in vars(value).items()
            if item is not None
        }
    return value


def render(tag: str, value: dict[str, Any] | list[dict[str, Any]]) -> bytes:
    """The XML of an entity, or of a collection, named ``tag``."""
    from ovirtsdk4 import reader, readers, types, writer, writers

    assert readers and writers, "imported for their registration"
    if isinstance(value, list):
        rows = [_element(singular(tag), item) for item in value]
        items = reader.Reader.read(f"<{tag}>{''.join(rows)}</{tag}>") or []
        text = writer.Writer.write(list(items), root=tag, indent=True)
    else:
        item = reader.Reader.read(_element(tag, value))
        assert isinstance(item, types.Struct), tag
        text = writer.Writer.write(item, root=tag, indent=True)
        text = _with_links(text, tag, value)
    return text.encode()


def singular(tag: str) -> str:
    """The element name of a collection's members."""
    irregular = {"iscsi_details": "iscsi_details", "logical_units": "logical_unit"}
    if tag in irregular:
        return irregular[tag]
    return tag[:-3] + "y" if tag.endswith("ies") else tag.removesuffix("s")


def href(tag: str, entity: dict[str, Any]) -> str | None:
    """Where that entity is found, if it has a place of its own."""
    if "href" in entity or "id" not in entity or tag not in HOMES:
        return entity.get("href")
    return f"{BASE}/{HOMES[tag]}/{entity['id']}"


def _element(tag: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"<{tag}>{str(value).lower()}</{tag}>"
    if isinstance(value, list):
        inner = "".join(_element(singular(tag), item) for item in value)
        return f"<{tag}>{inner}</{tag}>"
    if not isinstance(value, dict):
        return f"<{tag}>{escape(str(value))}</{tag}>"
    attributes = {"id": value.get("id"), "href": href(tag, value)}
    head = "".join(f" {name}={quoteattr(str(text))}" for name, text in attributes.items() if text)
    inner = "".join(
        _element(name, item)
        for name, item in value.items()
        # What begins with "_" is the simulator's own business.
        if name not in attributes and item is not None and not name.startswith("_")
    )
    return f"<{tag}{head}>{inner}</{tag}>"


def _with_links(text: str, tag: str, entity: dict[str, Any]) -> str:
    """Add the links to collections, which the SDK's writer leaves out, before the closing tag."""
    place = href(tag, entity)
    end = text.rfind(f"</{tag}>")
    if not place or end < 0:
        return text
    links = [
        f'<link href="{place}/{name}" rel="{name}"/>'
        for name in LINKS.get(tag, ())
        if not any(key.replace("_", "") == name for key in entity)
    ]
    return text[:end] + "".join(links) + text[end:]
