"""Real pictures on the page: which one is chosen, and how the user's own arrive."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from explorer.checkpoint import Checkpoint, CheckpointError
from explorer.media.convert import to_unit
from explorer.media.uploads import MAX_FILE, UPLOADS, PictureError
from explorer.runs.latent_spec import UPLOAD_NAME
from explorer.support.arguments import as_int, shorten
from explorer.ui.localization import LocalizedMessage, localize, to_json
from explorer.ui.picture_stream import PictureStream

SHOWN = 6  # held-out pictures to click on
MADE = "made"  # the choice of a picture that the network makes


def check_picture(value: Any) -> int | str:
    """The check of a chosen picture: the number of a held-out one, the name of an uploaded one, or "made".

    Raises:
        ValueError: it is none of these.
    """
    if value == MADE or (isinstance(value, str) and UPLOAD_NAME.fullmatch(value)):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, str):
        raise ValueError(LocalizedMessage("brought.which", {"given": shorten(value)}))
    return as_int(LocalizedMessage("field.held_out"), value, 0, None)


def receive_picture(data: str) -> dict[str, Any]:
    """Keep a picture file from the page, base64, in memory. Returns {name}, or {error} saying what is wrong with it."""
    try:
        if not isinstance(data, str) or len(data) > MAX_FILE * 4 // 3 + 4:
            raise PictureError(LocalizedMessage("brought.too_much", {"most": MAX_FILE >> 20}))
        return {"name": UPLOADS.put(base64.b64decode(data, validate=True))}
    except PictureError as problem:
        return {"error": to_json(localize(problem))}
    except ValueError:
        return {"error": to_json(LocalizedMessage("brought.no_picture"))}


def examples_of(checkpoint: Checkpoint) -> np.ndarray:
    """The held-out pictures, uint8 (N, H, W, C). None of them where their file is damaged: whoever asks for one is told."""
    try:
        return checkpoint.examples()
    except CheckpointError:
        return np.zeros((0, *checkpoint.shape[1:], checkpoint.shape[0]), dtype=np.uint8)


def add_examples(pictures: PictureStream, checkpoint: Checkpoint) -> int:
    """Add the first held-out pictures as "example/0" and so on, and return how many they are."""
    examples = examples_of(checkpoint)[:SHOWN]
    for i in range(len(examples)):
        pictures.add(f"example/{i}", to_unit(examples[i : i + 1])[0])
    return len(examples)
