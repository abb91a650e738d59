"""The server's process: its memory, its signals, and whether there is a browser on this machine.

Each function works on every system; what a system lacks is left out.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from threading import Thread

SECONDS_BETWEEN_TRIMS = 10
M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3  # as in glibc's malloc.h


def limit_memory() -> None:
    """Configure glibc's allocator to return freed memory to the system. Do nothing on other systems.

    The server has one thread per run. By default glibc keeps a separate arena for each thread, and small allocations
    that live long keep freed memory from being returned, so the process would grow with the number of runs.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_ARENA_MAX, 2)
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 20)
        trim = libc.malloc_trim
    except (OSError, AttributeError):  # not glibc
        return

    def trim_periodically() -> None:
        while True:
            time.sleep(SECONDS_BETWEEN_TRIMS)
            trim(0)

    Thread(target=trim_periodically, name="memory", daemon=True).start()


def handle_signals(handler: Callable[..., object]) -> None:
    """Install the handler of SIGINT (Ctrl-C) and SIGTERM, and on Windows of Ctrl-Break, which other programs send there."""
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handler)


def has_browser() -> bool:
    """Return whether a browser with a window can be opened on this machine."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
