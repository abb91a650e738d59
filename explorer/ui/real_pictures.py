"""Real pictures on the page: which one is chosen, and how one of the user's own arrives."""

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


def real_or_number(given: Any) -> int | str:
    """The check of a real picture: the number of a held-out one, or the name of one that was brought."""
    if isinstance(given, str) and UPLOAD_NAME.fullmatch(given):
        return given
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 10:
        given = int(given)
    if isinstance(given, str):
        raise ValueError(LocalizedMessage("brought.which", {"given": shorten(given)}))
    return as_int(LocalizedMessage("field.held_out"), given, 0, None)


def made_or_real(given: Any) -> int | str:
    """The check of a picture that may also be "made" by the network, as where there are no held-out ones."""
    return "made" if given == "made" else real_or_number(given)


def receive_picture(data: str) -> dict[str, Any]:
    """A picture file from the page, as base64: its name, or what is wrong with it. It is kept in memory alone."""
    try:
        if not isinstance(data, str) or len(data) > MAX_FILE * 4 // 3 + 4:
            raise PictureError(LocalizedMessage("brought.too_much", {"most": MAX_FILE >> 20}))
        return {"name": UPLOADS.put(base64.b64decode(data, validate=True))}
    except PictureError as problem:
        return {"error": to_json(localize(problem))}
    except ValueError:
        return {"error": to_json(LocalizedMessage("brought.no_picture"))}


def examples_of(checkpoint: Checkpoint) -> np.ndarray:
    """The held-out pictures; none where their file is damaged, which is told to the one who asks for a certain picture."""
    try:
        return checkpoint.examples()
    except CheckpointError:
        return np.zeros((0, *checkpoint.shape[1:], checkpoint.shape[0]), dtype=np.uint8)


def add_examples(pieces: PictureStream, checkpoint: Checkpoint) -> int:
    """Put the first held-out pictures among ``pieces`` as "example/0" and so on, and say how many."""
    examples = examples_of(checkpoint)[:SHOWN]
    for i in range(len(examples)):
        pieces.add(f"example/{i}", to_unit(examples[i : i + 1])[0])
    return len(examples)
