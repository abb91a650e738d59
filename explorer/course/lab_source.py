"""The source of a lab: one file for all languages, cell by cell.

A file is a sequence of blocks. A block starts with a line ``=== kind`` and may have sections, which start with ``--- name``:

    === text                    a text cell; a section for each language: --- en, --- zh, --- ko
    === setup                   the cells of labs/setup.md
    === code                    a code cell, the same in every language
    === task ddim_step          a function to write: its head, --- stub, --- solution. The next cell checks it
    === task heun_step solver   the same, checked by check_solver
    === question budget         a question to answer before the next cell; --- answer en and so on are in the key
    === handin                  the list of what to hand in, and a cell that prints predictions and reports

``<<todo>>``, ``<<language>>`` and ``<<install>>`` are filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LABS = Path(__file__).parent / "labs"
SETUP = "setup"
KINDS = ("text", "setup", "code", "task", "question", "handin")


@dataclass(frozen=True)
class Block:
    """A block of a lab: its kind, the words after it, and its sections by name; "" is what comes before the first."""

    kind: str
    words: tuple[str, ...]
    sections: Mapping[str, str]


def lab_names() -> list[str]:
    """Names of the labs, in order."""
    return sorted(path.stem for path in LABS.glob("[0-9]*.md"))


def read_lab(name: str) -> list[Block]:
    """Return the blocks of a lab, with those of the set-up in their place."""
    return [part for block in _blocks(name) for part in (_blocks(SETUP) if block.kind == "setup" else [block])]


def _blocks(name: str) -> Iterator[Block]:
    text = (LABS / f"{name}.md").read_text(encoding="utf-8")
    for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        kind, *words = head.split()
        if kind not in KINDS:
            raise ValueError(f"{name}: unknown block {head!r}; expected one of {', '.join(KINDS)}")
        first, *rest = re.split(r"^--- (.+)$", body, flags=re.MULTILINE)
        sections = {"": first.strip("\n"), **{n: t.strip("\n") for n, t in zip(rest[::2], rest[1::2], strict=True)}}
        yield Block(kind, tuple(words), sections)
