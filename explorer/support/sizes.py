"""The size of a value in memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def size_of(value: Any) -> int:
    """Return about how many bytes a value of texts, numbers, lists and mappings takes. Shared parts count each time."""
    size = sys.getsizeof(value)
    if isinstance(value, Mapping):
        return size + sum(size_of(key) + size_of(entry) for key, entry in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return size + sum(map(size_of, value))
    return size
