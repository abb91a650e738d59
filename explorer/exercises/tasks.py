"""The tasks: their formulas, the correct functions, the inputs on which a solution is tried, and the known slips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from explorer.exercises import formulas
from explorer.exercises.exact_loop import SHAPE
from explorer.exercises.loop_slips import SAMPLE, TIMESTEPS
from explorer.exercises.picture_slips import DIFFUSE, ENCODE_STEP, PREDICTED_X0, SLERP
from explorer.exercises.slip import Slip
from explorer.exercises.step_slips import DDIM_STEP, SIGMA

Result = Literal["array", "number", "steps"]  # what a task's function returns


@dataclass(frozen=True, eq=False)
class Task:
    """A function that a learner writes.

    Attributes:
        name: such as "ddim_step".
        arguments: names of the function's arguments, in order.
        formula: the formula in plain text.
        source: where it is in the DDIM paper: ("eq", "12") or ("app", "D.2").
        result: an array like the first argument, a number, or ascending time steps.
        reference: the correct function.
        probes: the arguments on which a solution is tried. The task "sample" is given ``step`` and ``predict_noise`` in
            addition, see :class:`explorer.exercises.exact_loop.RecordedLoop`.
        further: probes for slips that have no finite result on the others. The correct function need not have one here:
            alpha_bar may rise with t.
        slips: known mistakes.
        terms: formula of each term by its key. Its name is a text.
        blame: the term that is wrong if the factors of just these arguments are.
        tolerance: largest error of a correct solution, relative to the largest value; it allows for float32.
    """

    name: str
    arguments: tuple[str, ...]
    formula: str
    source: tuple[str, str]
    result: Result
    reference: Callable[..., Any]
    probes: tuple[tuple[Any, ...], ...]
    slips: tuple[Slip, ...]
    terms: Mapping[str, str]
    blame: Mapping[frozenset[str], str] = field(default_factory=dict)
    tolerance: float = 2e-5
    further: tuple[tuple[Any, ...], ...] = ()

    @property
    def signature(self) -> str:
        """Such as "ddim_step(x_t, eps, z, alpha_bar, alpha_bar_prev, eta)"."""
        return f"{self.name}({', '.join(self.arguments)})"

    @property
    def is_loop(self) -> bool:
        """Whether the function is a loop that calls a step and a network."""
        return self.arguments[:2] == ("step", "predict_noise")


def _normal(seed: int, *, correlated_with: np.ndarray | None = None) -> np.ndarray:
    """Standard normal float32 numbers of shape :data:`SHAPE`. Each row has its own correlation with another array."""
    noise = np.random.default_rng(seed).standard_normal(SHAPE)
    if correlated_with is not None:
        cosine = np.array([0.6, -0.3, 0.2]).reshape(-1, 1, 1, 1)
        noise = 1.4 * (cosine * correlated_with + np.sqrt(1 - cosine**2) * noise)
    return noise.astype(np.float32)


X, EPS, Z = _normal(1), _normal(2), _normal(3)
TOWARDS = _normal(4, correlated_with=X)
LEVELS = (0.9, 0.6, 0.3, 0.05, 0.01)  # alpha_bar
JUMPS = (  # alpha_bar, alpha_bar_prev, eta; the last step, to alpha_bar_0 = 1, and both ends of eta are among them
    (0.3, 0.6, 0.5),
    (0.05, 0.3, 1.0),
    (0.6, 0.9, 0.0),
    (0.01, 0.05, 0.3),
    (0.9, 1.0, 0.7),
)
BACKWARD = ((0.6, 0.3, 0.5), (0.9, 0.6, 1.0))
RISES = ((1.0, 0.9), (0.9, 0.6), (0.6, 0.3), (0.3, 0.05))  # alpha_bar, alpha_bar_next
WEIGHTS = (0.3, 0.5, 0.8, 0.0, 1.0)
ALPHA_BAR = np.concatenate([[1.0], np.cumprod(1 - np.linspace(2e-3, 0.15, 50))])  # T = 50
LOOPS = ([7, 14, 21, 28, 35, 42, 50], [2, 5, 11, 23, 50], [50])  # tau; the steps of the second grow, and T // S is 10


def _blame(**terms: str) -> Mapping[frozenset[str], str]:
    """``x_t_eps="both"`` as a keyword would be ambiguous, so a term's arguments are joined by two underscores."""
    return MappingProxyType({frozenset(names.split("__")): term for names, term in terms.items()})


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            Task(
                "diffuse",
                ("x_0", "eps", "alpha_bar"),
                "x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε",
                ("eq", "4"),
                "array",
                formulas.diffuse,
                tuple((X, EPS, level) for level in LEVELS),
                DIFFUSE,
                {"x_0": "√ᾱ_t x_0", "eps": "√(1−ᾱ_t) ε", "both": "√ᾱ_t x_0 + √(1−ᾱ_t) ε", "whole": "x_t"},
                _blame(x_0="x_0", eps="eps", x_0__eps="both"),
            ),
            Task(
                "predicted_x0",
                ("x_t", "eps", "alpha_bar"),
                "x̂_0 = (x_t − √(1−ᾱ_t) ε) / √ᾱ_t",
                ("eq", "9"),
                "array",
                formulas.predicted_x0,
                tuple((X, EPS, level) for level in LEVELS),
                PREDICTED_X0,
                {"x_t": "x_t / √ᾱ_t", "eps": "√(1−ᾱ_t) ε / √ᾱ_t", "both": "(x_t − √(1−ᾱ_t) ε) / √ᾱ_t", "whole": "x̂_0"},
                _blame(x_t="x_t", eps="eps", x_t__eps="both"),
            ),
            Task(
                "sigma",
                ("alpha_bar", "alpha_bar_prev", "eta"),
                "σ_t = η √((1−ᾱ_prev)/(1−ᾱ_t)) √(1−ᾱ_t/ᾱ_prev)",
                ("eq", "16"),
                "number",
                formulas.sigma,
                (*JUMPS, (0.3, 0.6, 1.0), (0.3, 0.6, 0.0), (0.02, 0.8, 0.5)),
                SIGMA,
                {
                    "eta": "η",
                    "first": "√((1−ᾱ_prev)/(1−ᾱ_t))",
                    "second": "√(1−ᾱ_t/ᾱ_prev)",
                    "roots": "√((1−ᾱ_prev)/(1−ᾱ_t)) √(1−ᾱ_t/ᾱ_prev)",
                    "whole": "σ_t",
                },
                further=BACKWARD,
            ),
            Task(
                "timesteps",
                ("T", "S"),
                "τ_i = ⌊T i / S⌋, i = 1 … S",
                ("app", "D.2"),
                "steps",
                formulas.timesteps,
                ((1000, 50), (1000, 30), (50, 7), (10, 10), (7, 1), (1000, 3)),
                TIMESTEPS,
                {
                    "count": "i = 1 … S",
                    "first": "τ_1",
                    "last": "τ_S",
                    "floor": "⌊T i / S⌋",
                    "order": "τ_1 < … < τ_S",
                    "whole": "τ",
                },
                tolerance=0,
            ),
            Task(
                "ddim_step",
                ("x_t", "eps", "z", "alpha_bar", "alpha_bar_prev", "eta"),
                "x_prev = √ᾱ_prev (x_t − √(1−ᾱ_t) ε) / √ᾱ_t + √(1−ᾱ_prev−σ²) ε + σ z",
                ("eq", "12"),
                "array",
                formulas.ddim_step,
                tuple((X, EPS, Z, *jump) for jump in JUMPS),
                DDIM_STEP,
                {
                    "x0": "√ᾱ_prev (x_t − √(1−ᾱ_t) ε) / √ᾱ_t",
                    "direction": "√(1−ᾱ_prev−σ²) ε",
                    "noise": "σ z",
                    "sigma": "σ",
                    "eps": "ε",
                    "whole": "x_prev",
                },
                _blame(
                    x_t="x0", eps="eps", z="noise", eps__z="sigma", x_t__eps="x0", x_t__z="whole", x_t__eps__z="whole"
                ),
                further=tuple((X, EPS, Z, *jump) for jump in BACKWARD),
            ),
            Task(
                "sample",
                ("step", "predict_noise", "alpha_bar", "tau", "x_T"),
                "for (t, t_prev) in (τ_S, τ_{S−1}), …, (τ_1, 0): x = step(x, ε_θ(x, t), 0, ᾱ_t, ᾱ_{t_prev}, 0)",
                ("eq", "12"),
                "array",
                formulas.sample,
                tuple((ALPHA_BAR, tau, X) for tau in LOOPS),
                SAMPLE,
                {
                    "label": "ε_θ(x_t, t)",
                    "network": "ε_θ(x_t, t)",
                    "x_t": "x_t",
                    "order": "τ_S > … > τ_1",
                    "t_prev": "t_prev",
                    "last": "(τ_1, 0)",
                    "first": "(τ_S, τ_{S−1})",
                    "level": "ᾱ_t",
                    "count": "S",
                    "eta": "η = 0",
                    "whole": "x_0",
                },
                tolerance=1e-4,
            ),
            Task(
                "slerp",
                ("a", "b", "w"),
                "sin((1−w)θ)/sin θ · a + sin(wθ)/sin θ · b, cos θ = a·b / (‖a‖ ‖b‖)",
                ("eq", "67"),
                "array",
                formulas.slerp,
                tuple((X, TOWARDS, w) for w in WEIGHTS),
                SLERP,
                {
                    "weights": "sin((1−w)θ), sin(wθ)",
                    "sine": "1 / sin θ",
                    "theta": "cos θ = a·b / (‖a‖ ‖b‖)",
                    "whole": "slerp(a, b, w)",
                },
                _blame(a="weights", b="weights", a__b="weights"),
                further=tuple((0.1 * X, 0.1 * TOWARDS, w) for w in WEIGHTS[:3]),
            ),
            Task(
                "encode_step",
                ("x_s", "eps", "alpha_bar", "alpha_bar_next"),
                "x_next = √ᾱ_next (x_s − √(1−ᾱ_s) ε) / √ᾱ_s + √(1−ᾱ_next) ε",
                ("eq", "13"),
                "array",
                formulas.encode_step,
                tuple((X, EPS, *rise) for rise in RISES),
                ENCODE_STEP,
                {
                    "x0": "√ᾱ_next (x_s − √(1−ᾱ_s) ε) / √ᾱ_s",
                    "direction": "√(1−ᾱ_next) ε",
                    "eps": "ε",
                    "whole": "x_next",
                },
                _blame(x_s="x0", eps="eps", x_s__eps="x0"),
            ),
        )
    }
)
