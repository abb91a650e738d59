"""The command line ``python -m explorer course``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from explorer.course.notebooks import LANGUAGES, PACKAGE, write_notebooks


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m explorer course",
        description="Write the labs of the course as notebooks, and the instructor's key to each; or slides.",
    )
    parser.add_argument("folder", help="folder to write to; it is made if needed", type=Path)
    text = f"languages of the notebooks (default: {' '.join(LANGUAGES)})"
    parser.add_argument("--languages", help=text, nargs="+", choices=LANGUAGES, default=LANGUAGES)
    text = f"what pip installs on Colab and Kaggle: a package, a wheel's address, or git+https://… (default {PACKAGE})"
    parser.add_argument(
        "--slides",
        action="store_true",
        help="write a slide for each stop of the lesson instead: SVG, and PNG of 1920 x 1080 if a Chromium is installed",
    )
    parser.add_argument("--checkpoint", help="of the slides' pictures (default faces-64)", default="faces-64")
    parser.add_argument("--install", help=text, default=PACKAGE, metavar="WHAT")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse_arguments(arguments)
    try:
        written = _slides(args) if args.slides else write_notebooks(args.folder, tuple(args.languages), args.install)
        for path in written:
            print(path, flush=True)
    except OSError as error:
        print(f"{args.folder}: {error.strerror}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    return 0


def _slides(args: argparse.Namespace) -> Iterator[Path]:
    from explorer.checkpoint import load
    from explorer.course.slides import find_browser, write_slides

    if find_browser() is None:
        print("There is no Chromium on this machine, so the slides are SVG files alone.", file=sys.stderr)
    yield from write_slides(args.folder, tuple(args.languages), load(args.checkpoint, engine="auto"))
