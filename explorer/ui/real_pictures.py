"""Real pictures on the page: the held-out pictures of a checkpoint, and pictures that the user uploads."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from explorer.checkpoint import Checkpoint, CheckpointError
from explorer.media.convert import to_unit
from explorer.media.uploads import MAX_FILE, UPLOADS, PictureError
from explorer.runs.latent_spec import UPLOAD_NAME
from explorer.support.arguments import as_int, shorten
from explorer.support.number_text import is_blank, read_whole
from explorer.ui.localization import LocalizedMessage, localize, to_json
from explorer.ui.picture_stream import PictureStream

MAX_THUMBNAILS = 6  # held-out pictures to choose from
GENERATED = "made"  # field value: use a picture that the network generates


def check_picture(value: Any) -> int | str:
    """Validate the choice of a picture: the index of a held-out one, the name of an uploaded one, or :data:`GENERATED`.

    Raises:
        ValueError: the choice is none of these.
    """
    if value == GENERATED or (isinstance(value, str) and UPLOAD_NAME.fullmatch(value)):
        return value
    if isinstance(value, str) and (number := read_whole(value)) is not None:
        value = number
    if is_blank(value):
        raise ValueError(LocalizedMessage("brought.empty"))
    if isinstance(value, str):
        raise ValueError(LocalizedMessage("brought.which", {"given": shorten(value)}))
    return as_int(LocalizedMessage("field.held_out"), value, 0, None)


def receive_picture(data: str) -> dict[str, Any]:
    """Keep an uploaded picture in memory. The page calls this function.

    Args:
        data: the picture file in base64.

    Returns:
        {name}, or {error} with a message.
    """
    try:
        if not isinstance(data, str) or len(data) > MAX_FILE * 4 // 3 + 4:
            raise PictureError(LocalizedMessage("brought.too_much", {"most": MAX_FILE >> 20}))
        return {"name": UPLOADS.put(base64.b64decode(data, validate=True))}
    except PictureError as error:
        return {"error": to_json(localize(error))}
    except ValueError:
        return {"error": to_json(LocalizedMessage("brought.no_picture"))}


def examples_of(checkpoint: Checkpoint) -> np.ndarray:
    """Return the held-out pictures, uint8 (N, H, W, C). A damaged file counts as empty; choosing one reports the error."""
    try:
        return checkpoint.examples()
    except CheckpointError:
        return np.zeros((0, *checkpoint.shape[1:], checkpoint.shape[0]), dtype=np.uint8)


def add_examples(pictures: PictureStream, checkpoint: Checkpoint) -> int:
    """Add the first held-out pictures as "example/0", "example/1", … and return their number."""
    examples = examples_of(checkpoint)[:MAX_THUMBNAILS]
    for i in range(len(examples)):
        pictures.add(f"example/{i}", to_unit(examples[i : i + 1])[0])
    return len(examples)
