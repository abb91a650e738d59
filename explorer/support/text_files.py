"""Files of texts: nested JSON objects, read as texts by key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def read_texts(path: Path) -> dict[str, str]:
    """Read one file of texts: ``{"controls": {"seed": ...}}`` becomes ``{"controls.seed": ...}``."""
    return dict(_flatten(json.loads(path.read_text(encoding="utf-8"))))


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flatten(value, f"{prefix}{name}.")
