"""Fixtures of several files; pytest gives them to each that names them."""

from __future__ import annotations

from unit.preflight_lab import lab

__all__ = ["lab"]
