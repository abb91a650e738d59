"""Why a run failed although its request was valid, in words for the user."""

from __future__ import annotations

import errno
import logging

import torch
from torch import Tensor

from explorer.support.messages import Message

LARGEST = 1e12  # of predicted noise, which is about 1; beyond this, sums of squares overflow float32
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


class RunFailure(Exception):
    """A run cannot go on; the message says why, in words for the user."""


class ShuttingDown(RunFailure):
    """The app is shutting down: the network is not called any more."""

    def __init__(self) -> None:
        super().__init__(
            Message(
                "server.ending",
                "The app on the server is ending. What is on the screen stays; run it again once the app is back",
            )
        )


def check_finite(eps: Tensor, t: int | Tensor) -> Tensor:
    """Return ``eps`` (B, C, H, W) unchanged.

    Raises:
        RunFailure: a value is NaN, infinite or absurdly large. The message names the t of the first such row.
    """
    if not eps.abs().max() <= LARGEST:  # also true for NaN
        bad = ~(eps.abs().flatten(1).amax(1) <= LARGEST)
        label = int(torch.as_tensor(t).expand(len(eps))[bad][0])
        raise RunFailure(
            Message(
                "status.not_finite",
                "The run ended early: at t = {label} the network came to values that are no finite numbers (NaN or infinity)",
                label=label,
            )
        )
    return eps


def explain(error: Exception, what: object, otherwise: Message | None = None) -> Message:
    """What the user is told about an error. An unexpected error is logged with its traceback.

    Args:
        what: was going on; it goes into the log.
        otherwise: the message for an error of no known kind.
    """
    if isinstance(error, RunFailure):
        return error.args[0]
    logging.error("failed: %s", str(what)[:500], exc_info=error)
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        return Message(
            "server.disk",
            "The disk of the server is full or cannot be written, so this could not be finished. "
            "What is on the screen stays",
        )
    return otherwise or Message(
        "status.failed", "The run failed on the server, which has noted why. Try again, or change a setting"
    )
