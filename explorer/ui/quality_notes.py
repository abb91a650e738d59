"""What was measured of a checkpoint, and what to say where nothing was."""

from __future__ import annotations

import re
from typing import Any

from explorer.checkpoint import Checkpoint
from explorer.storage.quality_file import Quality, read_quality
from explorer.support.messages import PLACEHOLDER
from explorer.ui.localization import LocalizedMessage, texts, to_json


def measured(checkpoint: Checkpoint) -> tuple[Quality | None, dict[str, Any] | str]:
    """The checkpoint's ``quality.json`` if it has one that can be read, and a note for where something is missing."""
    missing = to_json(LocalizedMessage("measured.missing", {"name": checkpoint.name}))
    if checkpoint.folder is None:
        return None, missing
    try:
        return read_quality(checkpoint.folder), missing
    except ValueError as problem:
        return None, str(problem)


def in_words(text: str, *keys: str) -> dict[str, Any] | str:
    """A text of ``quality.json`` as the page says it: by the first of ``keys`` that reads so in English, else as it is."""
    for key in keys:
        parts = PLACEHOLDER.split(texts("en")[key])  # every second one is a name
        pattern = "".join(f"(?P<{part}>.+)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
        if match := re.fullmatch(pattern, text):
            return to_json(LocalizedMessage(key, match.groupdict()))
    return text
