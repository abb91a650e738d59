"""Pictures of one colour each: a data set that a tiny network learns in seconds."""

from __future__ import annotations

import numpy as np


def flat_pictures(count: int, side: int = 8) -> np.ndarray:
    """Pictures of one colour each."""
    colours = np.random.default_rng(0).integers(0, 256, (count, 1, 1, 3), dtype=np.uint8)
    return np.broadcast_to(colours, (count, side, side, 3)).copy()
