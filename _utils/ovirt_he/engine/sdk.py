"""The engine's SDK: loaded, connected without proxies, its errors as readable text."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable
from typing import Any

from ovirt_he.core.errors import NotYet
from ovirt_he.core.text import safe

# Modules of the SDK in which the engine's answers are fetched and read.
PACKAGE = "ovirtsdk4"
# What Apache answers while the engine behind it doesn't answer.
GATEWAY = (502, 503, 504)
UNDER_WAY = re.compile(r"currently (being updated|in progress)")
CURL_OBJECT = re.compile(r"<pycurl\.Curl object at 0x[0-9a-f]+>,? ?")
NOTHING = (
    "it returned nothing (HTTP 204): what was requested doesn't exist at the moment, such as the "
    "display of a VM that doesn't run"
)
NOT_FOUND = "not found, or removed meanwhile (HTTP 404)"


def load() -> Any:
    """The SDK's package. Raises NotYet where it is missing, with what to install."""
    try:
        import ovirtsdk4
    except ImportError as error:
        raise NotYet(
            f"The engine's SDK is missing in Salt's own Python ({error}). Install it: "
            "salt-call --local state.apply hosted_engine.appliance, "
            "or salt-pip install ovirt-engine-sdk-python"
        ) from error
    return ovirtsdk4


def connect(library: Any, post: Callable[[str, dict[str, str]], str], **options: Any) -> Any:
    """
    A connection (``ovirtsdk4.Connection``) that uses no proxy of the environment.

    libcurl reads https_proxy and the like by itself, and the SDK has no option for it; the
    environment belongs to the whole process, so it isn't changed. ``post`` sends the form of a
    sign-in to a URL and returns the answer.
    """

    class Direct(library.Connection):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self._multi: Any = _Transfers(self._multi)

        def _get_sso_response(self, url: str, params: Any = "") -> Any:
            return json.loads(post(url, params))

    return Direct(**options)


class _Transfers:
    """libcurl's transfers of a connection, each of them without a proxy."""

    def __init__(self, multi: Any) -> None:
        self._multi = multi

    def add_handle(self, curl: Any) -> None:
        import pycurl

        curl.setopt(pycurl.NOPROXY, "*")
        self._multi.add_handle(curl)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._multi, name)


def raised(error: BaseException) -> bool:
    """Whether an exception of any type comes from the SDK: it raises whatever its libraries do."""
    frames = traceback.walk_tb(error.__traceback__)
    names = (frame.f_globals.get("__name__", "") for frame, _ in frames)
    return any(name == PACKAGE or name.startswith(f"{PACKAGE}.") for name in names)


def is_answer(error: Any) -> bool:
    """
    Whether an error of the SDK is an answer of the engine; else the connection may be half-read.
    """
    if error.code is None or error.code in GATEWAY:
        return False
    # Empty although an entity was expected: the answer was lost in transit.
    return error.fault is not None or error.code == 204 or error.code >= 400


def is_under_way(error: Any) -> bool:
    """Whether the engine refuses a request because it is already carrying it out."""
    detail = (error.fault.detail or "") if error.fault is not None else ""
    return error.code == 409 and bool(UNDER_WAY.search(detail))


def reason(error: BaseException) -> str:
    """Reason and detail of a fault; otherwise the error's text, without the SDK's internals."""
    fault, code = getattr(error, "fault", None), getattr(error, "code", None)
    if fault is not None:
        detail = re.sub(r"^\[(.*)\]$", r"\1", fault.detail or "", flags=re.DOTALL)
        parts = [part for part in (fault.reason, detail) if part]
        return safe(f"{': '.join(parts)} (HTTP {code})")
    if code is not None and 300 <= code < 400:
        return f"it redirects (HTTP {code}), which isn't followed"
    if code in (204, 404):
        return NOTHING if code == 204 else NOT_FOUND
    text = safe(CURL_OBJECT.sub("", str(error)))
    # What isn't one of the SDK's own errors comes from an answer that it can't parse.
    return text if hasattr(error, "fault") else f"{type(error).__name__}: {text}"
