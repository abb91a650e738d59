"""The run of a tab that shows many final pictures: generate them in batches and add them to the tab's result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from torch import Tensor

from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.results import BATCH, PREVIEW_STEPS, PictureRequest, ResultCache, generate_pictures
from explorer.runs.throttle import Throttle
from explorer.ui.tab_result import TabResult

SECONDS_BETWEEN_UPDATES = 0.3  # for updates without a new picture
ResultT = TypeVar("ResultT", bound=TabResult)


def run_pictures(
    result: ResultT,
    requests: Sequence[PictureRequest],
    cache: ResultCache,
    state: State,
    add_picture: Callable[[int, Tensor], object],
    batch: int = BATCH,
    names: Sequence[str] = (),
    preview_steps: int = PREVIEW_STEPS,
) -> Iterator[ResultT]:
    """Generate the requested pictures. Yield ``result`` whenever some are ready, and regularly in between.

    Args:
        add_picture: called with the index of a request and its picture (C, H, W); adds the picture to the result.
        batch: largest number of pictures in one network call.
        names: the name in ``result.pictures`` of each request's picture. If given, a preview of every picture is shown
            first. Previews are no part of what ``add_picture`` gets, so nothing is measured on them or saved.
        preview_steps: S of the previews.

    Raises:
        Cancelled: the user stopped the run, or a newer request has arrived.
    """
    throttle = Throttle(SECONDS_BETWEEN_UPDATES)
    for progress in generate_pictures(result.checkpoint, requests, cache, batch, preview_steps if names else 0):
        for index, preview in progress.previews.items():
            result.pictures.add_preview(names[index], preview.picture, preview.steps, preview.requested_steps)
        for index, picture in progress.ready.items():
            add_picture(index, picture)
            result.add_origin(cache.origin(result.checkpoint, requests[index]))
        result.evaluations, result.expected_evaluations = progress.evaluations, progress.expected
        if throttle.ready() or progress.ready or progress.previews or progress.evaluations == 0:
            yield result
            throttle.done()
        check_cancelled(state)
    result.state = "ended"
    yield result
