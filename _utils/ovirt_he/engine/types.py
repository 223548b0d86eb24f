"""The SDK's types, such as ``Host``, imported at their first use: a run may install the SDK."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    from ovirtsdk4 import types

    return getattr(types, name)
