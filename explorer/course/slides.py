"""Slides: one for each stop of the lesson, with its question, its guesses, the pictures of its run, and what to say.

A slide is an SVG of 1920 x 1080. A Chromium on this machine, if there is one, makes a PNG of the same size from it.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from explorer.checkpoint import Checkpoint
from explorer.support.messages import PLACEHOLDER

WIDTH, HEIGHT, MARGIN = 1920, 1080, 80
FORMATS = {  # the file of each tab that a slide shows
    "forward": "picture",
    "steps": "strip",
    "compare": "sheet",
    "consistency": "grid",
    "interpolate": "strips",
    "encode": "picture",
    "solvers": "sheet",
}
SYMBOLS = {  # of the placeholders in questions and guesses: base and index
    "eta": ("η", ""),
    "eps": ("ε", ""),
    "sigma": ("σ", ""),
    "sigma_hat": ("σ̂", ""),
    "S": ("S", ""),
    "t": ("t", ""),
    "x_0": ("x", "0"),
    "x_t": ("x", "t"),
    "x_T": ("x", "T"),
}
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
FONT = "IBM Plex Sans, Helvetica, Arial, Noto Sans CJK SC, Noto Sans CJK KR, sans-serif"
Piece = tuple[str, str]  # a text and the index after it


@dataclass(frozen=True)
class Slide:
    """What a slide shows.

    Attributes:
        name: of the stop.
        head: number and tab.
        ask: the question.
        guesses: the possible answers.
        tell: what to say.
        picture: PNG of the stop's run, in its own pixels.
        link: address of the stop in the app.
    """

    name: str
    head: str
    ask: str
    guesses: Sequence[str]
    tell: str
    picture: bytes
    link: str


def lesson_slides(checkpoint: Checkpoint, language: str, pictures: Mapping[str, bytes]) -> list[Slide]:
    """Return the slides of the lesson in a language.

    Args:
        checkpoint: whose T the texts name.
        language: "en", "zh" or "ko".
        pictures: of :func:`run_stops`.
    """
    from explorer.ui.components import lesson
    from explorer.ui.localization import texts

    says, stops = texts(language), lesson()["stops"]
    slides = []
    for number, stop in enumerate(stops, 1):
        name, tab = stop["name"], _tab(stop)
        own = {part: says[f"stops.{name}.{part}"] for part in ("ask", "guess_1", "guess_2", "guess_3", "tell")}
        own = {part: text.replace("{reading.T}", str(checkpoint.schedule.T)) for part, text in own.items()}
        values = {"n": str(number), "of": str(len(stops)), "tab": says[f"tabs.{tab}"]}
        head = PLACEHOLDER.sub(lambda match, values=values: values[match[1]], says["lesson.stop"])  # type: ignore[misc]
        guesses = [own[f"guess_{n}"] for n in (1, 2, 3)]
        slides.append(
            Slide(name, head, own["ask"], guesses, own["tell"], pictures[name], f"/?{stop['query']}&stop={number}")
        )
    return slides


def run_stops(checkpoint: Checkpoint) -> dict[str, bytes]:
    """Run every stop of the lesson on a checkpoint, and return the file that its slide shows, by the name of the stop."""
    from explorer.ui.address import settings_in
    from explorer.ui.components import lesson
    from explorer.ui.export_formats import ExportSource
    from explorer.ui.prepare.links import Link
    from explorer.ui.tab import Services
    from explorer.ui.tabs import TABS

    services = Services({checkpoint.name: checkpoint})
    tabs = {tab.name: tab(services) for tab in TABS}
    pictures = {}
    for stop in lesson()["stops"]:
        tab = tabs[_tab(stop)]
        fields, _ = settings_in(Link(stop["query"], stop["name"]).entries, tab.name, tabs, services.checkpoints)
        *_, result = tab.results(tab.parse(fields), lambda: "running")
        make = next(entry.make for entry in tab.export_formats if entry.name == FORMATS[tab.name])
        assert make is not None
        pictures[stop["name"]] = make(ExportSource(result))
    return pictures


def _tab(stop: Mapping[str, Any]) -> str:
    from explorer.ui.prepare.links import Link

    return Link(stop["query"], stop["name"]).entries["tab"]


def svg(slide: Slide) -> str:
    """Return a slide as SVG."""
    width, height = Image.open(BytesIO(slide.picture)).size
    wide = width > 1.6 * height  # below the texts; otherwise beside them
    column = WIDTH - 2 * MARGIN if wide else 900
    parts, y = [_line([(slide.head, "")], MARGIN, 90, 30, "#555")], 160.0
    for size, weight, color, text, gap in (
        (52, 600, "#111", slide.ask, 34),
        *((40, 400, "#333", f"{n}.  {guess}", 14) for n, guess in enumerate(slide.guesses, 1)),
    ):
        for line in wrap(text, column / size):
            parts.append(_line(line, MARGIN, y, size, color, weight))
            y += 1.3 * size
        y += gap
    bottom = HEIGHT - 150
    said = wrap(slide.tell, (WIDTH - 2 * MARGIN) / 44)
    bottom -= 57 * (len(said) - 1)
    top, left = (y + 10, MARGIN) if wide else (130.0, MARGIN + column + 60)
    space = WIDTH - MARGIN - left, bottom - 60 - top
    scale = min(space[0] / width, space[1] / height)
    data = base64.b64encode(slide.picture).decode()
    parts.append(
        f'<image x="{left:.0f}" y="{top:.0f}" width="{scale * width:.0f}" height="{scale * height:.0f}" '
        f'style="image-rendering: pixelated" href="data:image/png;base64,{data}"/>'
    )
    for k, line in enumerate(said):
        parts.append(_line(line, MARGIN, bottom + 57 * k, 44, "#111", 600))
    parts.append(_line([(slide.link, "")], MARGIN, HEIGHT - 50, 24, "#777"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="{FONT}"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>'
    )


def wrap(text: str, ems: float) -> list[list[Piece]]:
    """Break a text with placeholders into lines of at most ``ems`` times the type size.

    Chinese breaks between any two characters, other languages at spaces.
    """
    lines: list[list[Piece]] = [[]]
    used = 0.0
    for piece in _pieces(text):
        width = sum(map(_em, piece[0])) + 0.6 * sum(map(_em, piece[1]))
        if used + width > ems and lines[-1]:
            lines.append([])
            used, piece = 0.0, (piece[0].lstrip(), piece[1])
        lines[-1].append(piece)
        used += width
    return lines


def _pieces(text: str) -> Iterator[Piece]:
    """What must not be broken: words with the space before them, characters of Chinese, and symbols."""
    position = 0
    for match in PLACEHOLDER.finditer(text):
        yield from _words(text[position : match.start()])
        yield SYMBOLS[match[1]]
        position = match.end()
    yield from _words(text[position:])


def _words(text: str) -> Iterator[Piece]:
    word = ""
    for character in text:
        if character == " " or _is_wide(character):
            if word:
                yield word, ""
            word = character
        else:
            word += character
    if word:
        yield word, ""


def _is_wide(character: str) -> bool:
    """Whether a character is as wide as the type is high, and a line may break before it. Korean breaks at spaces."""
    return "\u3040" <= character <= "\u9fff"


def _em(character: str) -> float:
    """About the width of a character, over the type size; 0 for an accent."""
    if character in "\u0302\u0304":
        return 0.0
    if _is_wide(character) or "\uac00" <= character <= "\ud7a3" or character in "，。：；！？（）“”":
        return 1.0
    return 0.28 if character in " .,:;il'’|!" else 0.56


def _line(pieces: Sequence[Piece], x: float, y: float, size: float, color: str, weight: int = 400) -> str:
    spans = []
    for text, index in pieces:
        spans.append(escape(text))
        if index:
            shift = f"{0.25 * size:.0f}"
            spans.append(
                f'<tspan dy="{shift}" font-size="70%">{escape(index)}</tspan><tspan dy="-{shift}">\u200b</tspan>'
            )
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" fill="{color}" '
        f'xml:space="preserve">{"".join(spans)}</text>'
    )


def find_browser() -> str | None:
    """Return the path of a Chromium on this machine; None if there is none."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def to_png(svg_file: Path, browser: str) -> Path:
    """Make a PNG of 1920 x 1080 beside an SVG file.

    Raises:
        OSError: the browser makes no picture.
    """
    target = svg_file.with_suffix(".png")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"]
    command = [browser, *options, f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={target}", svg_file.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if done.returncode or not target.exists():
        raise OSError(0, f"{browser} made no picture of {svg_file.name}")
    return target


def write_slides(folder: Path, languages: Sequence[str], checkpoint: Checkpoint) -> Iterator[Path]:
    """Write ``folder/<language>/slides/<number>-<stop>.svg`` for every stop, and the PNG if there is a Chromium.

    Yields:
        Every file that was written.
    """
    pictures, browser = run_stops(checkpoint), find_browser()
    for language in languages:
        target = folder.resolve() / language / "slides"
        target.mkdir(parents=True, exist_ok=True)
        for number, slide in enumerate(lesson_slides(checkpoint, language, pictures), 1):
            file = target / f"{number}-{slide.name}.svg"
            file.write_text(svg(slide), encoding="utf-8")
            yield file
            if browser:
                yield to_png(file, browser)
