"""Errors during a run whose request was valid, and their messages for the user."""

from __future__ import annotations

import errno
import logging

import torch
from torch import Tensor

from explorer.support.messages import Message

MAX_ABS_NOISE = 1e12  # predicted noise is about 1; sums of squares of larger values than this overflow float32
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


class RunFailure(Exception):
    """A run cannot continue. The message tells the user why."""


class ShuttingDown(RunFailure):
    """The app is shutting down, so the network is not called any more."""

    def __init__(self) -> None:
        super().__init__(
            Message(
                "server.ending",
                "The app on the server is shutting down. What is on the screen stays; run it again once the app is back",
            )
        )


def check_finite(eps: Tensor, t: int | Tensor) -> Tensor:
    """Return ``eps`` (B, C, H, W) unchanged.

    Raises:
        RunFailure: a value is NaN, infinite, or larger than :data:`MAX_ABS_NOISE`. The message gives the t of the first
            affected row.
    """
    if not eps.abs().max() <= MAX_ABS_NOISE:  # also true for NaN
        invalid_rows = ~(eps.abs().flatten(1).amax(1) <= MAX_ABS_NOISE)
        label = int(torch.as_tensor(t).expand(len(eps))[invalid_rows][0])
        raise RunFailure(
            Message(
                "status.not_finite",
                "The run ended early: at t = {label} the network returned values that are not finite (NaN or infinity)",
                label=label,
            )
        )
    return eps


def explain(error: Exception, context: object, fallback: Message | None = None) -> Message:
    """Return the message for the user about an error. An unexpected error is logged with its traceback.

    Args:
        error: the exception.
        context: what failed, such as the request; written to the log.
        fallback: the message for unexpected errors; a general one if None.
    """
    if isinstance(error, RunFailure):
        return error.args[0]
    logging.error("failed: %s", str(context)[:500], exc_info=error)
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        return Message(
            "server.disk",
            "The disk of the server is full or not writable, so this could not be finished. "
            "What is on the screen stays",
        )
    return fallback or Message(
        "status.failed", "The run failed on the server; the reason is in its log. Try again, or change a setting"
    )
