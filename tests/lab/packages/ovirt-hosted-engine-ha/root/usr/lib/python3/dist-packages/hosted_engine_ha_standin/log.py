"""Log files in the real ones' format."""

from __future__ import annotations

import logging
from pathlib import Path

FOLDER = Path("/var/log/ovirt-hosted-engine-ha")
FORMAT = (
    "%(threadName)s::%(levelname)s::%(asctime)s::%(module)s::%(lineno)d"
    "::%(name)s::(%(funcName)s) %(message)s"
)


def to_file(name: str) -> logging.Logger:
    """Log into agent.log or broker.log, and errors to the journal too."""
    handler = logging.FileHandler(FOLDER / f"{name}.log")
    errors = logging.StreamHandler()
    errors.setLevel(logging.ERROR)
    logging.basicConfig(level=logging.INFO, format=FORMAT, handlers=[handler, errors])
    return logging.getLogger(f"ovirt_hosted_engine_ha.{name}")
