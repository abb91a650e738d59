"""Check a learner's solution of a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from explorer.checkpoint import Checkpoint, CheckpointError
from explorer.exercises.calling import Clock, Problem, Solution, check_signature, conventions_for
from explorer.exercises.diagnosis import Finding, diagnose
from explorer.exercises.pictures import Comparison, compare, loaded
from explorer.exercises.report import Report
from explorer.exercises.tasks import TASKS, Task
from explorer.exercises.terms import Number
from explorer.exercises.texts import check_language
from explorer.support.arguments import shorten

TIME_LIMIT = 10.0  # seconds for all calls of the function together
INCONCLUSIVE = ("raises", "wrong-type")  # a function in torch may do so when it is given numpy arrays, and the reverse


def check(
    task: str,
    function: Callable[..., Any],
    *,
    language: str | None = None,
    checkpoint: str | Checkpoint | None = "faces-64",
    time_limit: float | None = TIME_LIMIT,
) -> Report:
    """Run a function that should solve a task, and report whether it is correct and, if not, which slip it makes.

    The function may be written in torch or numpy, and may take alpha_bar, eta and w as floats or as 0-dimensional
    tensors: what it accepts is found by trying. It runs in this process on copies of its arguments.

    Args:
        task: a name in :data:`TASKS`: "diffuse", "predicted_x0", "sigma", "timesteps", "ddim_step", "sample", "slerp" or
            "encode_step".
        function: takes the task's arguments by position, see :attr:`Task.signature`. Arrays are (B, C, H, W) float32. That
            of "sample" is given ``step``, which is called as ``ddim_step`` with z = 0 and eta = 0, and
            ``predict_noise(x_t, t)``; alpha_bar is (T+1,) and tau an ascending list of ints.
        language: "en", "zh" or "ko"; that of the locale if None.
        checkpoint: makes the pictures; a name, a checkpoint, or None to check on exact models alone.
        time_limit: seconds that the function may take in all. None runs it in the calling thread without a limit, for a
            debugger.

    Raises:
        ValueError: there is no such task or language, or ``time_limit`` is not positive.
        TypeError: ``function`` is not callable.
    """
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, not {shorten(task)}")
    if not callable(function):
        raise TypeError(f"check needs a function {TASKS[task].signature}, not {shorten(function)}")
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit must be a number of seconds above 0, or None, not {shorten(time_limit)}")
    language = check_language(language)
    try:
        report = _check(TASKS[task], function, Clock(time_limit), checkpoint)
    except Problem as problem:
        report = Report(task, False, problem.name, values=problem.values)
    return replace(report, language=language)


def _check(task: Task, function: Callable[..., Any], clock: Clock, checkpoint: str | Checkpoint | None) -> Report:
    check_signature(task, function)
    solution, finding = _tried(task, function, clock)
    report = _report(task, finding)
    try:
        if isinstance(checkpoint, str):
            checkpoint = loaded(checkpoint)
    except CheckpointError:
        return replace(report, note="report.no_checkpoint")
    if checkpoint is None:
        return report
    try:
        comparison = compare(solution, checkpoint)
    except Problem:
        if finding is None:  # correct on the exact models, but it fails on pictures
            raise
        return report
    if finding is None and comparison and comparison.differ:
        report = _report(task, Finding(None, "whole", _difference(comparison)))
    return replace(report, comparison=comparison)


def _report(task: Task, finding: Finding | None) -> Report:
    if finding is None:
        return Report(task.name, True)
    return Report(task.name, False, finding.slip, finding.term, finding.number)


def _difference(comparison: Comparison) -> Number:
    pair = comparison.first
    return Number("difference", "", f"{float((pair.yours - pair.correct).abs().max()):.4g}", "", f"t = {pair.t}")


def _tried(task: Task, function: Callable[..., Any], clock: Clock) -> tuple[Solution, Finding | None]:
    """The function in the first convention in which it is correct; otherwise in the first in which it has results.

    Raises:
        Problem: it has no results in any; the first convention's problem.
    """
    problems: list[Problem] = []
    wrong: list[tuple[Solution, Finding]] = []
    for convention in conventions_for(function):
        solution = Solution(task, function, convention, clock)
        try:
            finding = diagnose(solution)
        except Problem as problem:
            problems.append(problem)
            if problem.name == "time-limit":
                break
            continue
        if finding is None:
            return solution, None
        wrong.append((solution, finding))
    decisive = [problem for problem in problems if problem.name not in INCONCLUSIVE]
    if wrong and not decisive:
        return next(((s, f) for s, f in wrong if f.slip), wrong[0])
    raise (decisive or problems)[0]
