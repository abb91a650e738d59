"""Drawn data of Paths: points of the plane, and their text in the address.

A point is two bytes: each coordinate in units of 1/40, plus 128. The bytes of all points are written in base64url without
padding, so 500 points take 1,334 characters. ``drawing_code.js`` reads and writes the same text.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.mixture import Mixture
from explorer.support.arguments import shorten
from explorer.ui.localization import LocalizedMessage

DRAWING = "drawing"  # the choice beside the names of the presets
MAX_POINTS = 500
RANGE = 3.0  # the largest coordinate
STD = 0.08  # of the Gaussian around each point
PER_UNIT = 40  # a coordinate is a multiple of 1/40, which has an exact decimal
ZERO = 128  # the byte of 0
MAX_TEXT = -(-2 * MAX_POINTS * 4 // 3)  # characters
BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def points_of(text: str) -> np.ndarray:
    """Return the points of a drawing, float64 (N, 2) in [-3, 3].

    Raises:
        ValueError: ``text`` is not the text of at most :data:`MAX_POINTS` points in [-3, 3].
    """
    if not BASE64URL.fullmatch(text):
        raise ValueError(_malformed(text))
    if len(text) > MAX_TEXT:
        raise ValueError(LocalizedMessage("error.drawing_points", {"most": MAX_POINTS, "count": len(text) * 3 // 8}))
    if len(text) % 4 == 1:  # no number of bytes has this length
        raise ValueError(_malformed(text))
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(data) % 2:
        raise ValueError(_malformed(text))
    points = (np.frombuffer(data, np.uint8).astype(np.float64).reshape(-1, 2) - ZERO) / PER_UNIT
    if np.any(np.abs(points) > RANGE):
        raise ValueError(LocalizedMessage("error.drawing_outside", {"range": int(RANGE)}))
    return points


def text_of(points: np.ndarray) -> str:
    """Return the text of points (N, 2), rounded to multiples of 1/40 and moved to the border if they lie outside."""
    units = np.rint(np.clip(points, -RANGE, RANGE) * PER_UNIT) + ZERO
    return base64.urlsafe_b64encode(units.astype(np.uint8).tobytes()).decode().rstrip("=")


def drawing_field(value: Any) -> str:
    """Validate the text of a drawing. The empty text is a drawing without points."""
    if not isinstance(value, str):
        raise ValueError(_malformed(value))
    return text_of(points_of(value))


def drawn_mixture(text: str) -> Mixture:
    """Return the mixture of equal Gaussians of standard deviation :data:`STD` around the points of a drawing.

    Raises:
        ValueError: the text is no drawing, or has no points.
    """
    points = points_of(text)
    return Mixture(np.ones(len(points)), points, np.full(len(points), STD), DRAWING)


def python_list(points: Sequence[Sequence[float]], width: int = 120) -> str:
    """Return points as the source text of a Python list, in lines of about ``width`` characters."""
    lines = [""]
    for x, y in points:
        item = f"({x:g}, {y:g}), "
        if len(lines[-1]) + len(item) > width:
            lines.append("")
        lines[-1] += item
    return "[\n" + "".join(f"    {line.rstrip()}\n" for line in lines) + "]"


def _malformed(value: object) -> LocalizedMessage:
    return LocalizedMessage("error.drawing", {"most": MAX_POINTS, "given": shorten(value)})
