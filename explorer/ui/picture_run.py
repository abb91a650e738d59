"""Many pictures on their way to a stage: the loop that the tabs of finished pictures share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.runs.cancellation import State, check_cancelled, until_cancelled
from explorer.runs.results import BATCH, PictureRequest, Progress, ResultCache, generate_pictures
from explorer.runs.throttle import Throttle

SECONDS_BETWEEN = 0.3  # of two updates that bring no picture


def stream_pictures(
    checkpoint: Checkpoint,
    wanted: Sequence[PictureRequest],
    finished: ResultCache,
    state: State,
    take: Callable[[int, Tensor], object],
    value: Callable[[], dict[str, Any]],
    batch: int = BATCH,
) -> Iterator[dict[str, Any]]:
    """Make the pictures of ``wanted`` and yield the stage's value whenever some are ready, and now and then between.

    Args:
        state: asked after every call of the network, as for :meth:`explorer.ui.tab.Tab.stream`.
        take: called with the index and the picture (C, H, W) of each that is ready.
        value: the stage's value as it is now, without what is added here: state, NFE done and expected, seconds.
    """
    started = time.perf_counter()
    progress = Progress({}, 0, 0)

    def now(outcome: str) -> dict[str, Any]:
        counts = {"evaluations": progress.evaluations, "expected": progress.expected}
        return value() | counts | {"state": outcome, "seconds": time.perf_counter() - started}

    def go() -> Iterator[dict[str, Any]]:
        nonlocal progress
        pace = Throttle(SECONDS_BETWEEN)
        for progress in generate_pictures(checkpoint, wanted, finished, batch):
            for index, picture in progress.ready.items():
                take(index, picture)
            if pace.due() or progress.ready or progress.evaluations == 0:
                yield now("running")
                pace.told()
            check_cancelled(state)
        yield now("ended")

    yield from until_cancelled(go(), now)
