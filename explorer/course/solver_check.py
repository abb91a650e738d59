"""Check a step of a solver for d x_bar / d s = eps(x_bar, s) by its order on Gaussian data.

For data N(mu, d^2) the marginal of x_bar at level s is N(mu, d^2 + s^2), and the ODE keeps quantiles:

    eps(x_bar, s) = s (x_bar - mu) / (d^2 + s^2),    x_bar(0) = mu + (x_bar(s) - mu) d / sqrt(d^2 + s^2)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.course.notebooks import LANGUAGES, course_texts
from explorer.support.arguments import shorten
from explorer.support.messages import PLACEHOLDER

ORDERS = {"euler_step": 1, "heun_step": 2}
MEAN, STD, TOP = 0.3, 0.5, 3.0
STEPS = (16, 32, 64)
TOLERANCE = 0.15  # of the order
Step = Callable[[Any, float, float, Callable[[Any, float], Any]], Any]


@dataclass(frozen=True, repr=False)
class SolverReport:
    """What the check of a solver found.

    Attributes:
        method: name in :data:`ORDERS`.
        order: as measured; NaN if the step has no result.
        errors: largest errors at :data:`STEPS` steps.
        problem: what the step raised; "" if nothing.
        language: of the texts.
        todo: whether the step is not written yet.
    """

    method: str
    order: float = math.nan
    errors: tuple[float, ...] = ()
    problem: str = ""
    language: str = "en"
    todo: bool = False

    @property
    def passed(self) -> bool:
        """Whether the measured order is that of the method."""
        return abs(self.order - ORDERS[self.method]) < TOLERANCE

    def __repr__(self) -> str:
        if self.todo:
            return f"✗ {self._say('todo', text=self.problem)}"
        if self.problem:
            return f"✗ {self._say('raises', error=self.problem)}"
        head = self._say("passed" if self.passed else "failed", order=f"{self.order:.2f}", expected=ORDERS[self.method])
        rows = [self._say("errors", steps=S, error=f"{error:.2e}") for S, error in zip(STEPS, self.errors, strict=True)]
        wrong = [] if self.passed else [self._say("wrong")]
        return "\n  ".join([f"{'✓' if self.passed else '✗'} {head}", *rows, *wrong])

    def _say(self, key: str, **values: object) -> str:
        values["method"] = self.method
        template = course_texts(self.language)["solver"][key]
        return PLACEHOLDER.sub(lambda match: str(values[match[1]]), template)


def check_solver(method: str, step: Step, language: str = "en") -> SolverReport:
    """Measure the order of ``step(x_bar, s, s_prev, eps_at)``, which goes down from level s to s_prev.

    Args:
        method: "euler_step" (order 1) or "heun_step" (order 2).
        step: takes numpy arrays (N,), and calls ``eps_at(x_bar, s)`` as often as it needs.
        language: "en", "zh" or "ko".

    Raises:
        ValueError: ``method`` or ``language`` is unknown.
    """
    if method not in ORDERS:
        raise ValueError(f"method must be one of {', '.join(ORDERS)}, not {shorten(method)}")
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, not {shorten(language)}")
    try:
        errors = tuple(_error(step, S) for S in STEPS)
    except NotImplementedError as error:
        return SolverReport(method, problem=str(error), language=language, todo=True)
    except Exception as error:
        return SolverReport(method, problem=f"{type(error).__name__}: {error}", language=language)
    order = math.log2(errors[-2] / errors[-1]) if min(errors) > 0 else math.nan
    return SolverReport(method, order, errors, language=language)


def _error(step: Step, S: int) -> float:
    """The largest error at level 0, over points from both tails of the distribution."""
    start = MEAN + np.linspace(-2, 2, 9) * math.hypot(STD, TOP)
    x_bar, levels = start, np.linspace(TOP, 0, S + 1).tolist()
    for s, s_prev in itertools.pairwise(levels):
        x_bar = step(x_bar.copy(), s, s_prev, _eps)
    exact = MEAN + (start - MEAN) * STD / math.hypot(STD, TOP)
    return float(np.abs(np.asarray(x_bar, dtype=np.float64) - exact).max())


def _eps(x_bar: np.ndarray, s: float) -> np.ndarray:
    return s * (x_bar - MEAN) / (STD**2 + s**2)
