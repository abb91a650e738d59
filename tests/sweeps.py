"""A small sweep for the tests of clusters, and what its files say while it is computed."""

from __future__ import annotations

import json
import time
from pathlib import Path

SWEEP = ["--pictures=36", "--batch=4", "--encoded=6", "--device=cpu", "--steps", "3", "20", "--etas", "0", "large"]
SWEEP += ["--encode-steps", "2", "5"]


def saved_chunks(folder: Path) -> dict[Path, int]:
    """The files with the sums of all chunks so far, which are replaced after every chunk, and their modification times."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("evaluation/frechet-*.npz")}


def wait_for_another_chunk(folder: Path, before: dict[Path, int]) -> None:
    deadline = time.monotonic() + 120
    while saved_chunks(folder) == before:
        assert time.monotonic() < deadline, "no further chunk is saved"
        time.sleep(0.005)


def without_timings(folder: Path) -> dict:
    """``quality.json`` without what depends on the machine."""
    quality = json.loads((folder / "quality.json").read_text())
    for cell in quality["frechet"]["cells"]:
        del cell["seconds_per_picture"], cell["machine"]
    return quality
