"""The API's skeleton: routes, collections with their parameters, and refusals."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import sdk

if TYPE_CHECKING:
    from .engine import Engine

Entity = dict[str, Any]


class Fault(Exception):
    """A refusal, as the engine words it; without a reason its answer has no body."""

    def __init__(self, status: int, detail: str = "", reason: str = "Operation Failed") -> None:
        super().__init__(f"{status} {reason}: {detail}")
        self.status = status
        self.entity: Entity | None = {"reason": reason, "detail": detail} if reason else None


def refused(detail: str) -> Fault:
    """The engine validated the wish and says no: 409."""
    return Fault(409, f"[{detail}]")


def failed(detail: str) -> Fault:
    """The engine tried, and the host or storage answered with an error: 400."""
    return Fault(400, f"[{detail}]")


def incomplete(what: str) -> Fault:
    return Fault(400, what, reason="Incomplete parameters")


def not_found(what: str = "") -> Fault:
    """The engine says 404 and nothing else: ``what`` is for the simulator's own log."""
    return Fault(404, what, reason="")


@dataclass
class Request:
    """One call of the API, already signed in."""

    engine: Engine
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Entity = field(default_factory=dict)

    def flag(self, name: str, default: bool = False) -> bool:
        text = self.query.get(name)
        return default if text is None else text.lower() in ("true", "1", "")


@dataclass
class Answer:
    """What the API gives; one without a tag has no body."""

    tag: str
    value: Entity | list[Entity]
    status: int = 200

    def __post_init__(self) -> None:
        # Made while the state is held, written when it no longer is: so it must be a copy.
        self.value = copy.deepcopy(self.value)


Handler = Callable[..., Answer]
ROUTES: list[tuple[str, re.Pattern[str], Handler, bool]] = []


def route(method: str, path: str, *, action: bool = False) -> Callable[[Handler], Handler]:
    """Serve ``method path``; each ``{}`` of the path is an argument. Refused actions say so."""
    pattern = re.compile("^" + path.replace("{}", "([^/]+)") + "$")

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, handler, action))
        return handler

    return register


def dispatch(request: Request) -> Answer:
    """Find and run the handler; collections are searched, cut and followed here, once for all."""
    found = False
    for method, pattern, handler, action in ROUTES:
        match = pattern.match(request.path)
        if not match:
            continue
        found = True
        if method != request.method:
            continue
        try:
            answer = handler(request, *match.groups())
        except Fault as err:
            if action and err.entity:
                err.entity = {"status": "failed", "fault": err.entity}
            raise
        return _shaped(request, answer) if request.method == "GET" else answer
    if found:
        raise Fault(405, f"{request.method} {request.path}", reason="Method Not Allowed")
    raise not_found(f"no such path: {request.path}")


def done(**extra: Any) -> Answer:
    """What an action answers when it's complete."""
    return Answer("action", {"status": "complete", **extra})


def nothing() -> Answer:
    """The engine has nothing to say: 204, no body."""
    return Answer("", {}, 204)


def get(data: Entity, kind: str, identifier: str) -> Entity:
    """The entity with that id, or 404 as the engine gives it."""
    entity = data[kind].get(identifier)
    if entity is None:
        raise not_found(f"Entity not found: {identifier}")
    return entity


def reference(data: Entity, kind: str, given: Entity | None, what: str) -> Entity:
    """The entity that a body points to by id or by name; 400 without either, 404 if unknown."""
    if not given or not (given.get("id") or given.get("name")):
        raise incomplete(what)
    for entity in data[kind].values():
        if given.get("id") in (None, entity["id"]) and given.get("name") in (None, entity["name"]):
            return entity
    # Other than a path, a body that names nothing is told so.
    raise Fault(404, f"Entity not found: {given.get('name') or given.get('id')}")


def _shaped(request: Request, answer: Answer) -> Answer:
    if isinstance(answer.value, list):
        if "search" in request.query:
            answer.value = search(answer.value, request.query["search"])
        maximum = int(request.query.get("max", "-1"))
        if maximum >= 0:
            answer.value = answer.value[:maximum]
    if request.query.get("follow"):
        items = answer.value if isinstance(answer.value, list) else [answer.value]
        tag = sdk.singular(answer.tag) if isinstance(answer.value, list) else answer.tag
        followed = [_followed(request, tag, item) for item in items]
        answer.value = followed if isinstance(answer.value, list) else followed[0]
    return answer


def _followed(request: Request, tag: str, entity: Entity) -> Entity:
    """A copy of the entity with the links that ``follow`` names put in place."""
    entity = dict(entity)
    for chain in request.query["follow"].split(","):
        name, _, rest = chain.strip().partition(".")
        target = entity.get(name)
        if isinstance(target, dict):
            place = sdk.href(name, target)
        else:
            place = f"{sdk.href(tag, entity)}/{name.replace('_', '')}"
        if not place:
            raise Fault(400, f"can't follow {name} of {tag}", reason="Operation Failed")
        query = {"follow": rest} if rest else {}
        path = place.removeprefix(sdk.BASE)
        entity[name] = dispatch(Request(request.engine, "GET", path, query)).value
    return entity


SEVERITIES = ["normal", "warning", "error", "alert"]
TERM = re.compile(r"^\s*([\w.]+)\s*(>=|<=|!=|=|>|<)\s*(.*?)\s*$")


def search(items: list[Entity], text: str) -> list[Entity]:
    """The items that a search of the engine's language finds: ``name=x and severity>=warning``."""
    text = re.sub(r"\s*sortby\s+.*$", "", text, flags=re.IGNORECASE)
    for term in filter(str.strip, re.split(r"\s+and\s+", text, flags=re.IGNORECASE)):
        match = TERM.match(term)
        if not match:
            raise Fault(400, f"[Invalid Search text: {term}]")
        name, operator, wanted = match.groups()
        items = [i for i in items if _matches(i, name, operator, wanted.strip("\"'"))]
    return items


def _matches(item: Entity, name: str, operator: str, wanted: str) -> bool:
    value = _value(item, name.lower())
    if name.lower() == "severity" and wanted in SEVERITIES:
        left, right = SEVERITIES.index(value), SEVERITIES.index(wanted)
        return _compare(left, operator, right)
    pattern = re.escape(wanted.lower()).replace(r"\*", ".*")
    equal = re.fullmatch(pattern, str(value).lower()) is not None
    if operator in ("=", "!="):
        return equal is (operator == "=")
    return _compare(float(value), operator, float(wanted))


def _compare(left: float, operator: str, right: float) -> bool:
    return {
        "=": left == right,
        "!=": left != right,
        ">": left > right,
        "<": left < right,
        ">=": left >= right,
        "<=": left <= right,
    }[operator]


SEARCHED = {
    "datacenter": "data_center",
    "host.name": "host",
    "hosts.name": "host",
    "vms.name": "vm",
    "message": "description",
}


def _value(item: Entity, name: str) -> Any:
    value = item.get(SEARCHED.get(name, name), "")
    return value.get("name", "") if isinstance(value, dict) else value
