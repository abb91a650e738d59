"""A checkpoint's ``quality.json`` for the page: its measurements, and notes in the page's language."""

from __future__ import annotations

import re
from typing import Any

from explorer.checkpoint import Checkpoint
from explorer.storage.quality_file import Quality, read_quality
from explorer.support.messages import PLACEHOLDER
from explorer.ui.localization import LocalizedMessage, texts, to_json


def read_measurements(checkpoint: Checkpoint) -> tuple[Quality | None, dict[str, Any] | str]:
    """Read the checkpoint's ``quality.json``.

    Returns:
        The measurements, None if there are none or the file is invalid; and a note to show where one is missing, as JSON.
    """
    missing = to_json(LocalizedMessage("measured.missing", {"name": checkpoint.name}))
    if checkpoint.folder is None:
        return None, missing
    try:
        return read_quality(checkpoint.folder), missing
    except ValueError as error:
        return None, str(error)


def localize_description(text: str, *keys: str) -> dict[str, Any] | str:
    """Translate an English description from ``quality.json``.

    Args:
        text: the description.
        keys: texts that it may be an instance of, in order of preference.

    Returns:
        The message as JSON; ``text`` itself if it matches none of the keys' English texts.
    """
    for key in keys:
        parts = PLACEHOLDER.split(texts("en")[key])  # text and placeholder names in turn
        pattern = "".join(f"(?P<{part}>.+)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
        if match := re.fullmatch(pattern, text):
            return to_json(LocalizedMessage(key, match.groupdict()))
    return text
