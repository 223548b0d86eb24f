"""The audit log."""

from __future__ import annotations

from .api import Answer, Request, not_found, route


@route("GET", "/events")
def events(request: Request) -> Answer:
    """Newest first, as the engine gives them; ``from`` leaves out that index and older."""
    after = int(request.query.get("from", "0"))
    with request.engine.look() as data:
        found = [e for e in reversed(data["events"]) if e["index"] > after]
    return Answer("events", found)


@route("GET", "/events/{}")
def one_event(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        for entry in data["events"]:
            if entry["id"] == identifier:
                return Answer("event", entry)
    raise not_found(f"Entity not found: {identifier}")
