"""Malicious inputs."""

from __future__ import annotations

from pathlib import Path

MUCH = 64 << 20  # bytes; refusing a file must allocate less
LISTS = b"[" * 900 + b"]" * 900


class Trap:
    """An object whose unpickling creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")
