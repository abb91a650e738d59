"""How much memory a process takes. Figures that a system does not offer are 0."""

from __future__ import annotations

import sys
from pathlib import Path

try:
    import resource
except ModuleNotFoundError:  # Windows
    resource = None  # type: ignore[assignment]


def peak_memory() -> int:
    """Peak resident memory of this process in bytes; 0 on Windows."""
    if resource is None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def resident_memory(pid: int) -> int:
    """Resident memory of a process in bytes; 0 if it has ended, or on systems without ``/proc``."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS:")), 0)
