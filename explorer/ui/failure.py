"""Why a run failed though nothing was wrong with what was asked, in words for those who asked."""

from __future__ import annotations

import errno
import logging

import torch
from torch import Tensor

from explorer.ui.language import Said

LARGEST = 1e12  # of predicted noise, which is about 1; beyond, sums of squares leave float32
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


class Failure(Exception):
    """A run cannot go on; the message says why, in the page's words."""


class Ending(Failure):
    """The app is ending: the network is not called any more."""

    def __init__(self) -> None:
        super().__init__(Said("server.ending"))


def check_finite(eps: Tensor, t: int | Tensor) -> Tensor:
    """``eps`` (B, C, H, W) as it is.

    Raises:
        Failure: NaN, infinite or absurdly large, naming the t (of the first such row).
    """
    if not eps.abs().max() <= LARGEST:  # NaN is not
        bad = ~(eps.abs().flatten(1).amax(1) <= LARGEST)
        label = int(torch.as_tensor(t).expand(len(eps))[bad][0])
        raise Failure(Said("status.not_finite", {"label": label}))
    return eps


def why(error: Exception, what: object, otherwise: str = "status.failed") -> Said:
    """What the user is told of an error; what is not expected is noted with its traceback.

    Args:
        what: was going on, for the note.
        otherwise: key of the text for an error of no known kind.
    """
    if isinstance(error, Failure):
        return error.args[0]
    logging.error("failed: %s", str(what)[:500], exc_info=error)
    return Said("server.disk" if isinstance(error, OSError) and error.errno in DISK else otherwise)
