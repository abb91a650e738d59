"""What somebody might write to do harm."""

from __future__ import annotations

from pathlib import Path

MUCH = 64 << 20  # bytes: more than any refusal may take
LISTS = b"[" * 900 + b"]" * 900


class Trap:
    """Unpickling it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")
