"""The lab's hypervisors. Tests need ``Host``; everything else is for tests/lab/lab."""

from .host import Host
from .run import LabError

__all__ = ["Host", "LabError"]
