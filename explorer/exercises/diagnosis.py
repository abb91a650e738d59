"""Find out what is wrong with the results of a solution.

The results on all probes are laid beside the correct ones. If they differ, they are laid beside those of each known slip: a
slip is named only if it reproduces every result. Otherwise the term that differs is found by linear regression of the
results on the arguments, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from explorer.exercises.calling import Outcome, Problem, Solution
from explorer.exercises.exact_loop import Record, RecordedLoop, to_numpy
from explorer.exercises.formulas import sqrt
from explorer.exercises.slip import Slip
from explorer.exercises.tasks import TASKS, Task

LINEAR = 1e-3  # largest part of a result that a linear function of the arguments may leave unexplained
HALF_PRECISION = 3e-2  # largest error that float16 or bfloat16 explain, relative to the largest value


@dataclass(frozen=True)
class Number:
    """The number that shows a difference.

    Attributes:
        kind: "factor" of the argument ``symbol``, "value" of ``symbol``, "list", "label", "level", "level_prev", "count" or
            "difference" (the largest one; ``correct`` is then empty).
        symbol: such as "ε".
        yours, correct: as text.
        where: the arguments at which it was measured, such as "ᾱ_t = 0.3, ᾱ_prev = 0.6, η = 0.5".
    """

    kind: str
    symbol: str
    yours: str
    correct: str
    where: str


@dataclass(frozen=True)
class Finding:
    """What is wrong: the name of a slip or of a problem, or None for an unknown difference."""

    slip: str | None
    term: str | None
    number: Number | None


SYMBOLS = {
    "alpha_bar": "ᾱ_t",
    "alpha_bar_prev": "ᾱ_prev",
    "alpha_bar_next": "ᾱ_next",
    "eta": "η",
    "eps": "ε",
    "tau": "τ",
    **{name: name for name in ("x_0", "x_t", "x_s", "z", "a", "b", "w", "T", "S")},
}


@cache
def correct_outcomes(task: str) -> tuple[Outcome, ...]:
    """The correct results on the task's probes."""
    return _outcomes_of(TASKS[task], TASKS[task].reference)


@cache
def slip_outcomes(task: str, slip: Slip) -> tuple[Outcome, ...]:
    """The results of a slip on the task's probes."""
    return _outcomes_of(TASKS[task], slip.function)


def _outcomes_of(task: Task, function: Any, probes: tuple[tuple[Any, ...], ...] | None = None) -> tuple[Outcome, ...]:
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
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=0, atol=tolerance * _scale(b), equal_nan=True))


def _scale(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 1.0


def all_equal(results: Sequence[Outcome], others: Sequence[Outcome], tolerance: float) -> bool:
    return all(equal(a.value, b.value, tolerance) for a, b in zip(results, others, strict=True))


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
    pairs = ((slip, _outcomes_of(task, slip.function, task.further)) for slip in alike)
    return next((slip for slip, expected in pairs if all_equal(_marked(further), _marked(expected), tolerance)), None)


def _is_half_precision(results: Sequence[Outcome]) -> bool:
    """Whether all numbers have at most 11 bits, as in float16 and bfloat16, so that rounding to 11 bits changes none."""
    values = np.concatenate([outcome.value.reshape(-1) for outcome in results])
    mantissa, _ = np.frexp(values)
    return bool(np.all(mantissa * 2**11 == np.rint(mantissa * 2**11)))


def where_of(task: Task, probe: tuple[Any, ...]) -> str:
    """The numbers among a probe's arguments, such as "ᾱ_t = 0.3, η = 0.5"."""
    names = task.arguments[2:] if task.is_loop else task.arguments
    numbers = [(name, value) for name, value in zip(names, probe, strict=True) if not isinstance(value, np.ndarray)]
    return ", ".join(
        f"{'ᾱ_s' if name == 'alpha_bar' and task.name == 'encode_step' else SYMBOLS[name]} = {value}"
        for name, value in numbers
    )


# Terms and numbers


def factors(task: Task, probe: tuple[Any, ...], value: np.ndarray) -> dict[str, float] | None:
    """The factor of each array among the arguments, by least squares; None unless ``value`` is such a sum.

    slerp's factors differ from row to row; those of the first row are returned.
    """
    arrays = {name: arg for name, arg in zip(task.arguments, probe, strict=True) if isinstance(arg, np.ndarray)}
    rows = [slice(0, 1), slice(1, 2), slice(2, 3)] if task.name == "slerp" else [slice(None)]
    found = []
    for row in rows:
        columns = np.stack([array[row].reshape(-1).astype(np.float64) for array in arrays.values()], axis=1)
        target = value[row].reshape(-1)
        if not np.isfinite(target).all():
            return None
        solution = np.linalg.lstsq(columns, target, rcond=None)[0]
        if np.abs(columns @ solution - target).max() > LINEAR * max(np.abs(target).max(), 1e-9):
            return None
        found.append(solution)
    return dict(zip(arrays, found[0].tolist(), strict=True))


def _differs(a: float, b: float) -> bool:
    return abs(a - b) > 1e-4 * max(abs(a), abs(b), 1e-2)


def find_term(task: Task, results: Sequence[Outcome]) -> str:
    """The term in which results differ, as far as the probes can tell; "whole" if they cannot."""
    if task.is_loop:
        return _term_of_loop(results)
    if task.result == "number":
        return _term_of_sigma(results)
    if task.result == "steps":
        return _term_of_steps(results)
    wrong: dict[str, list[bool]] = {}
    for probe, outcome, good in zip(task.probes, results, correct_outcomes(task.name), strict=True):
        yours, correct = factors(task, probe, outcome.value), factors(task, probe, good.value)
        if yours is None or correct is None:
            return "whole"
        for name, factor in correct.items():
            wrong.setdefault(name, []).append(_differs(yours[name], factor))
    names = frozenset(name for name, differs in wrong.items() if any(differs))
    term = task.blame.get(names, "whole")
    # At the last step, the factor of eps comes from predicted x_0 alone. If it is right there, the direction is wrong.
    if task.name == "ddim_step" and term == "eps" and not wrong["eps"][-1]:
        return "direction"
    # At alpha_bar = 1, the factor of eps comes from the direction alone.
    if task.name == "encode_step" and term == "eps" and wrong["eps"][0]:
        return "direction"
    return term


def _term_of_sigma(results: Sequence[Outcome]) -> str:
    value = {probe: float(outcome.value) for probe, outcome in zip(TASKS["sigma"].probes, results, strict=True)}
    half, one, zero = (value[0.3, 0.6, eta] for eta in (0.5, 1.0, 0.0))
    proportional = abs(zero) < 1e-6 and not _differs(2 * half, one)
    right = dict(zip(TASKS["sigma"].probes, (float(o.value) for o in correct_outcomes("sigma")), strict=True))
    if not proportional and not _differs(one, right[0.3, 0.6, 1.0]):
        return "eta"
    return "roots" if proportional else "whole"


def _term_of_steps(results: Sequence[Outcome]) -> str:
    for outcome, good in zip(results, correct_outcomes("timesteps"), strict=True):
        yours, correct = outcome.value.tolist(), good.value.tolist()
        if yours == correct:
            continue
        if len(yours) != len(correct):
            return "count"
        if sorted(yours) == correct:
            return "order"
        if yours[-1] != correct[-1]:
            return "last"
        return "first" if yours[0] != correct[0] and yours[1:] == correct[1:] else "floor"
    return "whole"


def _loop_difference(record: Record, right: Record) -> tuple[str, int] | None:
    """The first thing that a loop does differently, and at which step."""
    if record.stochastic:
        return "eta", 0
    if sorted(record.labels) == sorted(right.labels) and record.labels != right.labels:
        return "order", 0
    for k, (ab, prev) in enumerate(right.levels):
        if k >= len(record.labels) or k >= len(record.levels):
            return "count", k
        if record.labels[k] != right.labels[k]:
            return "label", k
        if record.levels[k][0] != ab:
            return "level", k
        if record.levels[k][1] != prev:
            return ("last" if prev == 1 else "t_prev"), k
        network, step = record.continued[k]
        if not step:
            return "x_t", k
        if not network:
            return "network", k
    return ("count", len(right.levels)) if len(record.levels) > len(right.levels) else None


def _term_of_loop(results: Sequence[Outcome]) -> str:
    for outcome, good in zip(results, correct_outcomes("sample"), strict=True):
        if outcome.record and good.record and (found := _loop_difference(outcome.record, good.record)):
            return found[0]
    return "whole"


def find_number(task: Task, results: Sequence[Outcome], term: str) -> Number:
    """The number that shows the difference best, at the probe where it is largest."""
    right = correct_outcomes(task.name)
    errors = [_error(outcome.value, good.value) for outcome, good in zip(results, right, strict=True)]
    k = int(np.argmax(errors))
    probe, outcome, good, where = task.probes[k], results[k], right[k], where_of(task, task.probes[k])
    if task.result == "number":
        return Number("value", "σ_t", _text(outcome.value), _text(good.value), where)
    if task.result == "steps":
        k = next(i for i, error in enumerate(errors) if error)  # the first, since lists have no size of a difference
        yours, correct = (_short(o[k].value.tolist()) for o in (results, right))
        return Number("list", "τ", yours, correct, where_of(task, task.probes[k]))
    if task.is_loop and (number := _number_of_loop(results)):
        return number
    if not task.is_loop and (number := _factor(task, probe, outcome.value, good.value, term)):
        return number
    return Number(
        "difference", "", f"{np.nan_to_num(np.abs(outcome.value - good.value), nan=np.inf).max():.4g}", "", where
    )


def _error(value: np.ndarray, good: np.ndarray) -> float:
    """Relative error for choosing a probe: 0 where equal, and NaN counts as large."""
    if value.shape != good.shape:
        return float("inf")
    error = np.abs(np.asarray(value, dtype=np.float64) - good) / max(_scale(good), 1e-9)
    return float(np.nan_to_num(error, nan=1e9, posinf=1e9).max())


def _factor(task: Task, probe: tuple[Any, ...], value: np.ndarray, good: np.ndarray, term: str) -> Number | None:
    """The factor that differs most. That of eps is told as the factor of the direction, if predicted x_0 is right."""
    yours, correct = factors(task, probe, value), factors(task, probe, good)
    if yours is None or correct is None:
        return None
    named = [name for name, blamed in task.blame.items() if blamed == term and len(name) == 1]
    names = [next(iter(name)) for name in named] or list(correct)
    name = max(names, key=lambda n: abs(yours[n] - correct[n]))
    if not _differs(yours[name], correct[name]):
        name = max(correct, key=lambda n: abs(yours[n] - correct[n]))
    if not _differs(yours[name], correct[name]):
        return None
    symbol, where = SYMBOLS[name], where_of(task, probe)
    if term in ("direction", "sigma") and name == "eps":  # without the part of eps that predicted x_0 contributes
        numbers = dict(zip(task.arguments, probe, strict=True))
        ab, other = numbers["alpha_bar"], numbers["alpha_bar_prev" if "alpha_bar_prev" in numbers else "alpha_bar_next"]
        part = -sqrt(other) * sqrt(1 - ab) / sqrt(ab)
        return Number("direction", symbol, _text(yours["eps"] - part), _text(correct["eps"] - part), where)
    return Number("factor", symbol, _text(yours[name]), _text(correct[name]), where)


def _number_of_loop(results: Sequence[Outcome]) -> Number | None:
    for probe, outcome, good in zip(TASKS["sample"].probes, results, correct_outcomes("sample"), strict=True):
        record, right = outcome.record, good.record
        found = _loop_difference(record, right) if record and right else None
        if not (record and right and found):
            continue
        kind, k = found
        where = where_of(TASKS["sample"], probe)
        if kind == "label":
            return Number("label", str(k + 1), str(record.labels[k]), str(right.labels[k]), where)
        if kind == "order":
            return Number("label", "1", str(record.labels[0]), str(right.labels[0]), where)
        if kind in ("level", "t_prev", "last"):
            which = int(kind != "level")
            yours, correct = _text(record.levels[k][which]), _text(right.levels[k][which])
            return Number("level_prev" if which else "level", str(k + 1), yours, correct, where)
        if kind == "count":
            return Number("count", "", str(len(record.levels)), str(len(right.levels)), where)
    return None


def _text(number: Any) -> str:
    """Four digits; 0 for what is only rounding."""
    return f"{number:.4g}" if abs(number) > 1e-7 else "0"


def _short(values: list[Any]) -> str:
    shown = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in values]
    return "[" + ", ".join(shown if len(shown) <= 8 else [*shown[:4], "…", *shown[-3:]]) + f"] ({len(shown)})"


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
