"""What a slip does to a picture: runs with a slip in one step, in sigma, in the time steps, or in the loop.

The runs use the exercises' own copy of Eq. 12, see :mod:`explorer.exercises.formulas`. The sampler of the library has no switch
for a slip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from explorer.exercises import formulas
from explorer.exercises.slip import Slip
from explorer.exercises.tasks import TASKS, Task

GALLERY_TASKS = ("ddim_step", "sigma", "sample", "timesteps")
WITHOUT_RUN = {"not-rounded"}  # its time steps cannot be looked up
LARGEST_INPUT = 1e3  # of the network: a state may grow without bound
Network = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Planted:
    """A slip in one of the tasks of the gallery; ``slip`` is None for the correct function.

    Attributes:
        task: the task whose function has the slip.
        slip: the slip.
    """

    task: Task
    slip: Slip | None = None

    @property
    def name(self) -> str:
        """Such as "ddim_step.sigma-for-direction", or "ddim_step"."""
        return self.task.name if self.slip is None else f"{self.task.name}.{self.slip.name}"

    @property
    def function(self) -> Callable[..., Any]:
        return self.task.reference if self.slip is None else self.slip.function

    @property
    def is_loop(self) -> bool:
        """Whether the slip is in the loop or its time steps, which is run with eta = 0."""
        return self.task.name in ("sample", "timesteps")


@dataclass(frozen=True, eq=False)
class SlipRun:
    """A run with a slip.

    Attributes:
        predictions: predicted x_0 by Eq. 9 at every step, from the state and the noise that the step was given; each
            (1, C, H, W).
        picture: the result, (1, C, H, W).
    """

    predictions: list[np.ndarray]
    picture: np.ndarray


@dataclass(frozen=True, eq=False)
class Experiment:
    """What all runs of the gallery share.

    Attributes:
        alpha_bar: float64 (T + 1,).
        steps: S.
        eta: of the runs with a slip in the step or in sigma.
        x_T: (1, C, H, W) float32.
        noise_at: z of the step at t, (1, C, H, W).
        network: eps_theta(x_t, t) of an array and a time step in 1..T. What it raises ends the run.
    """

    alpha_bar: np.ndarray
    steps: int
    eta: float
    x_T: np.ndarray
    noise_at: Callable[[int], np.ndarray]
    network: Network
    _predictions: list[np.ndarray] = field(default_factory=list)

    @property
    def T(self) -> int:
        return len(self.alpha_bar) - 1

    def run(self, planted: Planted) -> SlipRun:
        """Sample from x_T with a slip."""
        self._predictions.clear()
        with np.errstate(all="ignore"):  # a slip may divide by zero
            picture = _RUNS[planted.task.name](self, planted.function)
        return SlipRun(list(self._predictions), np.asarray(picture, np.float32))

    def predict_noise(self, x_t: np.ndarray, t: int) -> np.ndarray:
        """eps_theta of a state that may be wrong: its values are limited, and t is at least 1."""
        finite = np.nan_to_num(np.asarray(x_t, np.float32), nan=0.0, posinf=LARGEST_INPUT, neginf=-LARGEST_INPUT)
        return self.network(finite.clip(-LARGEST_INPUT, LARGEST_INPUT), min(max(int(t), 1), self.T))

    def record(self, x_t: np.ndarray, eps: np.ndarray, alpha_bar: float) -> None:
        self._predictions.append(np.asarray(formulas.predicted_x0(x_t, eps, alpha_bar), np.float32))

    def sample(self, step: Callable[..., Any], tau: Sequence[int], eta: float) -> np.ndarray:
        """The correct loop with a step, along tau."""
        x_t = self.x_T
        for t, t_prev in zip(reversed(tau), [*reversed(tau[:-1]), 0], strict=True):
            eps, level = self.predict_noise(x_t, t), float(self.alpha_bar[t])
            self.record(x_t, eps, level)
            z = self.noise_at(t) if eta else np.zeros_like(x_t)
            x_t = step(x_t, eps, z, level, float(self.alpha_bar[t_prev]), eta)
        return x_t


def _with_step(experiment: Experiment, step: Callable[..., Any]) -> np.ndarray:
    return experiment.sample(step, formulas.timesteps(experiment.T, experiment.steps), experiment.eta)


def _with_sigma(experiment: Experiment, sigma: Callable[..., Any]) -> np.ndarray:
    def step(x_t: Any, eps: Any, z: Any, ab: float, prev: float, eta: float) -> Any:
        s = float(sigma(ab, prev, eta))
        x0, direction = formulas.predicted_x0(x_t, eps, ab), formulas.direction_scale(ab, prev, s)
        return formulas.sqrt(prev) * x0 + direction * eps + s * z

    return _with_step(experiment, step)


def _with_timesteps(experiment: Experiment, timesteps: Callable[..., Any]) -> np.ndarray:
    tau = [min(max(int(t), 0), experiment.T) for t in timesteps(experiment.T, experiment.steps)]
    return experiment.sample(formulas.ddim_step, tau, 0.0)


def _with_loop(experiment: Experiment, loop: Callable[..., Any]) -> np.ndarray:
    def step(x_t: Any, eps: Any, z: Any, ab: float, prev: float, eta: float) -> Any:
        experiment.record(x_t, eps, float(ab))
        return formulas.ddim_step(x_t, eps, z, float(ab), float(prev), eta)

    tau = formulas.timesteps(experiment.T, experiment.steps)
    return loop(step, experiment.predict_noise, experiment.alpha_bar, tau, experiment.x_T)


_RUNS: dict[str, Callable[[Experiment, Callable[..., Any]], np.ndarray]] = {
    "ddim_step": _with_step,
    "sigma": _with_sigma,
    "sample": _with_loop,
    "timesteps": _with_timesteps,
}


def gallery() -> dict[str, Planted]:
    """Return all slips of the gallery by name, in the order of the tasks."""
    slips = (Planted(TASKS[task], slip) for task in GALLERY_TASKS for slip in TASKS[task].slips)
    return {planted.name: planted for planted in slips if planted.slip and planted.slip.name not in WITHOUT_RUN}
