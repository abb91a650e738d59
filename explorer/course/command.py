"""The command line ``python -m explorer course``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from explorer.course.notebooks import LANGUAGES, PACKAGE, write_notebooks


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m explorer course",
        description="Write the labs of the course as notebooks, and the instructor's key to each.",
    )
    parser.add_argument("folder", help="folder to write to; it is made if needed", type=Path)
    text = f"languages of the notebooks (default: {' '.join(LANGUAGES)})"
    parser.add_argument("--languages", help=text, nargs="+", choices=LANGUAGES, default=LANGUAGES)
    text = f"what pip installs on Colab and Kaggle: a package, a wheel's address, or git+https://… (default {PACKAGE})"
    parser.add_argument("--install", help=text, default=PACKAGE, metavar="WHAT")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse_arguments(arguments)
    try:
        written = write_notebooks(args.folder, tuple(args.languages), args.install)
    except OSError as error:
        print(f"{args.folder}: {error.strerror}", file=sys.stderr)
        return 1
    for path in written:
        print(path)
    return 0
