"""Where results differ from the correct ones: the term of the formula, and the number that shows it.

The factors of the arguments are found by linear regression of the results on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.exercises.calling import Outcome
from explorer.exercises.exact_loop import Record
from explorer.exercises.formulas import sqrt
from explorer.exercises.outcomes import correct_outcomes, scale_of
from explorer.exercises.tasks import TASKS, Task

LINEAR = 1e-3  # largest part of a result that a linear function of the arguments may leave unexplained


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


SYMBOLS = {
    "alpha_bar": "ᾱ_t",
    "alpha_bar_prev": "ᾱ_prev",
    "alpha_bar_next": "ᾱ_next",
    "eta": "η",
    "eps": "ε",
    "tau": "τ",
    **{name: name for name in ("x_0", "x_t", "x_s", "z", "a", "b", "w", "T", "S")},
}


def where_of(task: Task, probe: tuple[Any, ...]) -> str:
    """The numbers among a probe's arguments, such as "ᾱ_t = 0.3, η = 0.5"."""
    names = task.arguments[2:] if task.is_loop else task.arguments
    numbers = [(name, value) for name, value in zip(names, probe, strict=True) if not isinstance(value, np.ndarray)]
    return ", ".join(
        f"{'ᾱ_s' if name == 'alpha_bar' and task.name == 'encode_step' else SYMBOLS[name]} = {value}"
        for name, value in numbers
    )


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
    error = np.abs(np.asarray(value, dtype=np.float64) - good) / max(scale_of(good), 1e-9)
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
