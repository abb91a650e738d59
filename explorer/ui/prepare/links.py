"""The pages that are to be prepared, as addresses of the app: of the lesson, of the examples, from the command line or a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from explorer.storage.safe_read import read_file
from explorer.support.arguments import shorten

LESSON = Path(__file__).parent.parent / "lesson.json"
MAX_FILE_BYTES = 1 << 20
MAX_LINKS = 1000
EXPECTED = "expected an address of the app, such as '/?tab=steps&seed=22&steps=50', or a file with one of them per line"


@dataclass(frozen=True)
class Link:
    """An address of the app.

    Attributes:
        query: its query string.
        source: where it comes from, for error messages.
    """

    query: str
    source: str

    @property
    def entries(self) -> dict[str, str]:
        """The entries of the query string; of several with one name the last one."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def __str__(self) -> str:
        return f"/?{self.query}"


def lesson_links(stops: bool, examples: bool) -> list[Link]:
    """Return the pages of the lesson's stops, of the examples, or of both."""
    lesson: Mapping[str, Any] = json.loads(LESSON.read_text(encoding="utf-8"))
    names = ["stops"] * stops + ["examples"] * examples
    return [Link(entry["query"], f"{name}/{entry['name']}") for name in names for entry in lesson[name]]


def read_links(arguments: Iterable[str]) -> list[Link]:
    """Return the pages that arguments of the command line name.

    Args:
        arguments: links, and names of files with one link per line. Empty lines and lines that begin with # are skipped.

    Raises:
        ValueError: one is neither a link nor a readable text file, or there are more than :data:`MAX_LINKS`.
    """
    links = [link for argument in arguments for link in _read(argument)]
    if len(links) > MAX_LINKS:
        raise ValueError(f"{len(links):,} links; the limit is {MAX_LINKS:,}")
    return links


def _read(argument: str) -> Iterator[Link]:
    """The links of one argument."""
    if _may_be_link(argument):
        yield parse_link(argument, "LINK")
        return
    try:
        text = read_file(Path(argument), MAX_FILE_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f"{shorten(argument)}: no such file; {EXPECTED}") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{shorten(argument)}: not a text file with one link per line ({error})") from None
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise ValueError(f"{argument}: no links; expected one address of the app per line")
    for number, line in lines:
        yield parse_link(line, f"{argument}, line {number}")


def _may_be_link(text: str) -> bool:
    """Whether a text is meant as a link; a path such as /home/me/links.txt has no question mark."""
    return "?" in text or text == "/" or text.startswith(("http://", "https://", "tab="))


def parse_link(text: str, source: str) -> Link:
    """Return the page that a text names: a URL, a path with a query string, or a query string.

    Raises:
        ValueError: it is none of these.
    """
    try:
        parts = urlsplit(text.strip())
        if parts.scheme not in ("", "http", "https"):
            raise ValueError(f"{parts.scheme}: is not http: or https:")
        query = parts.query if "?" in text or parts.scheme or parts.path == "/" else text.strip()
        entries = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=100)
    except ValueError as error:
        raise ValueError(f"{source}: {EXPECTED}, not {shorten(text)} ({error})") from None
    if not entries and query:
        raise ValueError(f"{source}: {EXPECTED}, not {shorten(text)}")
    return Link(query, source)
