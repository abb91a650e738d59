"""Find out what is wrong with the results of a solution.

The results on all probes are laid beside the correct ones. If they differ, they are laid beside those of each known slip: a
slip is named only if it reproduces every result. Otherwise the term that differs is found by linear regression of the
results on the arguments, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from explorer.exercises.calling import Outcome, Problem, Solution
from explorer.exercises.outcomes import all_equal, correct_outcomes, equal, outcomes_of, slip_outcomes
from explorer.exercises.slip import Slip
from explorer.exercises.terms import Number, find_number, find_term, where_of

HALF_PRECISION = 3e-2  # largest error that float16 or bfloat16 explain, relative to the largest value


@dataclass(frozen=True)
class Finding:
    """What is wrong: the name of a slip or of a problem, or None for an unknown difference."""

    slip: str | None
    term: str | None
    number: Number | None


def _marked(results: Sequence[Outcome]) -> list[Outcome]:
    """The results with NaN for every value that is not finite: root and division give one or the other, or an error."""
    return [replace(r, value=np.where(np.isfinite(r.value), r.value, np.nan)) for r in results]


def diagnose(solution: Solution) -> Finding | None:
    """Return what is wrong with a solution; None if its results on the task's probes are correct.

    Raises:
        Problem: it has no results, or they are floats where ints are needed, of half precision, or not finite.
    """
    task, results = solution.task, run_probes(solution)
    right = correct_outcomes(task.name)
    if all_equal(results, right, task.tolerance):
        if task.result == "steps" and any(outcome.value.dtype.kind == "f" for outcome in results):
            raise Problem("float-steps")
        return None
    if slip := find_slip(solution, results):
        return Finding(slip.name, slip.term, find_number(task, results, slip.term))
    if task.result == "array" and all_equal(results, right, HALF_PRECISION) and _is_half_precision(results):
        raise Problem("float16", dtype="float16")
    for probe, outcome, good in zip(task.probes, results, right, strict=True):
        if outcome.problem:
            raise outcome.problem
        if np.isfinite(good.value).all() and not np.isfinite(outcome.value).all():
            raise Problem("not-finite", where=where_of(task, probe))
    term = find_term(task, results)
    return Finding(None, term, find_number(task, results, term))


def find_slip(solution: Solution, results: Sequence[Outcome]) -> Slip | None:
    """The slip that reproduces the results on all probes. At least one of them must be finite, else it tells nothing."""
    task, tolerance = solution.task, max(solution.task.tolerance, 1e-6)
    alike = [s for s in task.slips if all_equal(_marked(results), _marked(slip_outcomes(task.name, s)), tolerance)]
    if not alike or any(np.isfinite(outcome.value).any() for outcome in results):
        return alike[0] if alike else None
    with np.errstate(all="ignore"):
        further = [_run_probe(solution, probe, results[0]) for probe in task.further]
    if not any(np.isfinite(outcome.value).any() for outcome in further):
        return None
    pairs = ((slip, outcomes_of(task, slip.function, task.further)) for slip in alike)
    return next((slip for slip, expected in pairs if all_equal(_marked(further), _marked(expected), tolerance)), None)


def _is_half_precision(results: Sequence[Outcome]) -> bool:
    """Whether all numbers have at most 11 bits, as in float16 and bfloat16, so that rounding to 11 bits changes none."""
    values = np.concatenate([outcome.value.reshape(-1) for outcome in results])
    mantissa, _ = np.frexp(values)
    return bool(np.all(mantissa * 2**11 == np.rint(mantissa * 2**11)))


def _run_probe(solution: Solution, probe: tuple[Any, ...], good: Outcome) -> Outcome:
    """The result on one probe. It is NaN where ``math`` refuses to compute, as numpy and torch would return it."""
    try:
        return solution(*probe)
    except Problem as problem:
        cause = problem.__cause__
        if not isinstance(cause, ArithmeticError) and "math domain error" not in str(cause):
            raise
        return Outcome(np.full_like(good.value, np.nan, dtype=np.float64), "float64", problem=problem)


def run_probes(solution: Solution) -> list[Outcome]:
    """The results of a solution on the task's probes.

    Raises:
        Problem: it has no result on one of them, or another one when it is called again.
    """
    probes = solution.task.probes
    results = [
        _run_probe(solution, probe, good)
        for probe, good in zip(probes, correct_outcomes(solution.task.name), strict=True)
    ]
    again = _run_probe(solution, probes[0], results[0])
    if not equal(again.value, results[0].value, 1e-6):
        raise Problem("random")
    return results
