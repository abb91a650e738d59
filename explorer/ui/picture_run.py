"""The loop of the tabs that show many finished pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from torch import Tensor

from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.results import BATCH, PictureRequest, ResultCache, generate_pictures
from explorer.runs.throttle import Throttle
from explorer.ui.tab_result import TabResult

SECONDS_BETWEEN_UPDATES = 0.3  # for updates that bring no picture
ResultT = TypeVar("ResultT", bound=TabResult)


def run_pictures(
    result: ResultT,
    requests: Sequence[PictureRequest],
    cache: ResultCache,
    state: State,
    take: Callable[[int, Tensor], object],
    batch: int = BATCH,
) -> Iterator[ResultT]:
    """Make the requested pictures; yield ``result`` whenever some are ready, and now and then between.

    Args:
        take: puts the picture (C, H, W) of a request, given by its index, into the result.

    Raises:
        Cancelled: the user stopped the run, or a newer request has arrived.
    """
    throttle = Throttle(SECONDS_BETWEEN_UPDATES)
    for progress in generate_pictures(result.checkpoint, requests, cache, batch):
        for index, picture in progress.ready.items():
            take(index, picture)
        result.evaluations, result.expected = progress.evaluations, progress.expected
        if throttle.ready() or progress.ready or progress.evaluations == 0:
            yield result
            throttle.done()
        check_cancelled(state)
    result.state = "ended"
    yield result
