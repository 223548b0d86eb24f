"""An oVirt engine for tests: its API over HTTPS, and what it does to hosts, without the engine."""

from __future__ import annotations

__version__ = "4.5.6"
