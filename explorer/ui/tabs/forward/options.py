"""The settings of Forward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from explorer.support.number_text import to_ascii
from explorer.ui.fields import Check, Options, integer
from explorer.ui.localization import LocalizedMessage
from explorer.ui.real_pictures import check_picture

MAX_PIXELS = 3


def parse_pixels(value: Any) -> list[tuple[int, int]]:
    """Parse a list of pixels, "row:column, row:column".

    Raises:
        ValueError: malformed, a pixel occurs twice, or there are none or more than :data:`MAX_PIXELS`.
    """
    if not isinstance(value, str):
        raise ValueError(LocalizedMessage("error.pixels"))
    text = to_ascii(value[:200]).replace(";", ",")
    parts = [[n.strip() for n in part.split(":")] for part in text.split(",") if part.strip()]
    if not all(len(p) == 2 and all(n.isascii() and n.isdigit() and len(n) < 5 for n in p) for p in parts):
        raise ValueError(LocalizedMessage("error.pixels_each"))
    pixels = [(int(row), int(column)) for row, column in parts]
    if not 1 <= len(pixels) <= MAX_PIXELS or len(set(pixels)) < len(pixels):
        raise ValueError(LocalizedMessage("error.pixels_count", {"most": MAX_PIXELS, "count": len(pixels)}))
    return pixels


@dataclass(frozen=True)
class ForwardOptions(Options):
    """Settings of the Forward tab.

    Attributes:
        real: index of a held-out picture, name of an uploaded one, or "made" for one generated with the default settings.
        pixels: those whose paths are drawn, as "row:column, …"; empty for one slightly above the centre.
        walks: number of simulated paths for means and variances.
    """

    real: int | str = 0
    pixels: str = ""
    walks: int = 1000

    checks: ClassVar[Mapping[str, Check]] = {
        "real": check_picture,
        "pixels": lambda value: ", ".join(f"{row}:{column}" for row, column in parse_pixels(value)) if value else "",
        "walks": integer("walks", 100, 4000),
    }

    def pixel_positions(self, height: int, width: int) -> list[tuple[int, int]]:
        """Return (row, column) of each pixel whose paths are drawn."""
        return parse_pixels(self.pixels) if self.pixels else [(5 * height // 16, width // 2)]
