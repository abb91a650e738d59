"""What was measured of a checkpoint, and what to say where nothing was."""

from __future__ import annotations

from explorer.checkpoint import Checkpoint
from explorer.quality import Quality, read_quality


def measured(checkpoint: Checkpoint) -> tuple[Quality | None, str]:
    """The checkpoint's ``quality.json`` if it has one that can be read, and a note for where something is missing."""
    missing = f"not measured yet: python -m explorer evaluate {checkpoint.name}"
    if checkpoint.folder is None:
        return None, missing
    try:
        return read_quality(checkpoint.folder), missing
    except ValueError as problem:
        return None, str(problem)
