"""Make the training pictures of faces-64 again: ``images`` uint8 (N, 64, 64, 3) in one .npz, picture i drawn from seed i.

python checkpoints/faces-64/generator/make_dataset.py faces-64.npz [--count 30000]

Needs Node.js 18 or newer with npm; the first run installs three pinned npm packages into ``node_modules`` beside this file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SIZE = 64  # as in make_faces.mjs
COUNT = 30_000


class GeneratorError(RuntimeError):
    """The pictures cannot be made; the message says what is missing and what to do."""


def find_program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise GeneratorError(
            f"{name} was not found: install Node.js 18 or newer, which brings node and npm (https://nodejs.org)"
        )
    return path


def run(command: list[str], advice: str) -> None:
    """Run ``command`` beside this file; its output goes to the terminal."""
    code = subprocess.run(command, cwd=HERE, check=False).returncode
    if code:
        raise GeneratorError(f"{Path(command[0]).stem} {command[1]} ended with exit status {code}: {advice}")


def install_packages() -> None:
    """``npm ci`` unless it was done; npm writes the file looked for last, so a broken-off install is done again."""
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        run([find_program("npm"), "ci", "--no-audit", "--no-fund"], "see its message above; it needs the npm registry")


def make_images(count: int, folder: Path) -> np.ndarray:
    """Pictures of seeds 0..count-1, uint8 (count, SIZE, SIZE, 3); ``folder`` holds them in between."""
    raw = folder / "faces.raw"
    run(
        [find_program("node"), "make_faces.mjs", "0", str(count), str(raw)],
        f"see its message above; if packages are at fault, delete {HERE / 'node_modules'} and try again",
    )
    return np.fromfile(raw, dtype=np.uint8).reshape(count, SIZE, SIZE, 3)


def make_dataset(out: Path, count: int) -> None:
    """Write ``out``, as a whole or not at all.

    Raises:
        GeneratorError: ``out`` cannot be written, ``count`` is no number of pictures, or node or npm is missing or fails.
    """
    if out.suffix != ".npz" or not out.parent.is_dir():
        raise GeneratorError(f"cannot write {out}: give the name of an .npz file in a folder that exists")
    if count < 1:
        raise GeneratorError(f"--count must be at least 1, not {count}")
    find_program("node")  # before anything is installed
    install_packages()
    # beside the result: 370 MB for 30,000 pictures can be too much for /tmp
    with tempfile.TemporaryDirectory(prefix=".faces-", dir=out.parent) as name:
        folder = Path(name)
        images = make_images(count, folder)
        np.savez_compressed(folder / out.name, images=images)
        os.replace(folder / out.name, out)
    print(f"{out}: {count} pictures of {SIZE}x{SIZE}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the training pictures of faces-64 again.")
    parser.add_argument("out", type=Path, help="the .npz file to write")
    parser.add_argument("--count", type=int, default=COUNT, help=f"pictures, from seed 0 on (default {COUNT})")
    given = parser.parse_args()
    try:
        make_dataset(given.out.absolute(), given.count)
    except (GeneratorError, OSError) as error:
        print(f"make_dataset: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
