"""The results of the correct functions and of the slips on the probes of each task, and when two results are equal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from explorer.exercises.calling import Outcome
from explorer.exercises.exact_loop import RecordedLoop, to_numpy
from explorer.exercises.slip import Slip
from explorer.exercises.tasks import TASKS, Task


@cache
def correct_outcomes(task: str) -> tuple[Outcome, ...]:
    """The correct results on the task's probes."""
    return outcomes_of(TASKS[task], TASKS[task].reference)


@cache
def slip_outcomes(task: str, slip: Slip) -> tuple[Outcome, ...]:
    """The results of a slip on the task's probes."""
    return outcomes_of(TASKS[task], slip.function)


def outcomes_of(task: Task, function: Any, probes: tuple[tuple[Any, ...], ...] | None = None) -> tuple[Outcome, ...]:
    outcomes = []
    for probe in task.probes if probes is None else probes:
        loop = RecordedLoop(probe[0], probe[-1]) if task.is_loop else None
        given = [value.astype(np.float64) if isinstance(value, np.ndarray) else value for value in probe]
        with np.errstate(all="ignore"):
            value = function(*((loop.step, loop.predict_noise) if loop else ()), *given)
        outcomes.append(Outcome(to_numpy(value), "float64", loop.record if loop else None))
    return tuple(outcomes)


def equal(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    """Whether two results are equal to within the tolerance, relative to the largest value of ``b``. NaN equals NaN."""
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=0, atol=tolerance * scale_of(b), equal_nan=True))


def scale_of(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 1.0


def all_equal(results: Sequence[Outcome], others: Sequence[Outcome], tolerance: float) -> bool:
    return all(equal(a.value, b.value, tolerance) for a, b in zip(results, others, strict=True))
