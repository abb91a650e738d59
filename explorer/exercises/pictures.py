"""Use a solution on the pictures of a checkpoint, beside the correct function, and find the first step where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint, load
from explorer.exercises import formulas
from explorer.exercises.calling import Solution
from explorer.latents import latent, step_noise
from explorer.media.convert import to_unit
from explorer.schedule import jumps

STEPS = 6
STEPS_UP = 4  # of an encoding, which is then sampled again in as many
ETA = 0.5  # of the tasks that add noise
SEEDS = (22, 3)  # latents
DIFFERENT = 2e-3  # largest difference of float32 computations over a run, relative to the largest value


@dataclass(frozen=True, eq=False)
class Pair:
    """A picture of the solution and the correct one, (C, H, W); the time step that they belong to."""

    t: int
    yours: Tensor
    correct: Tensor

    @property
    def differ(self) -> bool:
        scale = float(self.correct.abs().max())
        return not bool((self.yours - self.correct).abs().max() <= DIFFERENT * scale)  # also for NaN


@dataclass(frozen=True, eq=False)
class Comparison:
    """A solution's pictures beside the correct ones.

    Attributes:
        checkpoint: its name.
        first: at the first step where they differ; the last step if they are equal.
        final: the pictures at the end of the run.
    """

    checkpoint: str
    first: Pair
    final: Pair

    @property
    def differ(self) -> bool:
        return self.first.differ


@lru_cache(maxsize=2)
def loaded(name: str) -> Checkpoint:
    """The checkpoint of that name, read once."""
    return load(name)


def compare(solution: Solution, checkpoint: Checkpoint) -> Comparison | None:
    """Use a solution on a checkpoint; None for time steps that no run can visit.

    Raises:
        Problem: the function has no result on pictures of this size.
    """
    pairs = list(_PICTURES[solution.task.name](solution, checkpoint))
    if not pairs:
        return None
    first = next((pair for pair in pairs if pair.differ), pairs[-1])
    return Comparison(checkpoint.name, first, pairs[-1])


@lru_cache(maxsize=256)
def _eps(checkpoint: Checkpoint, t: int, x: bytes) -> np.ndarray:
    """Predicted noise of one picture, given as the bytes of float32 numbers. The correct run is the same in every check."""
    x_t = torch.frombuffer(bytearray(x), dtype=torch.float32).reshape(1, *checkpoint.shape)
    x_t = torch.nan_to_num(x_t, 0.0, 0.0, 0.0)  # a network has no use for NaN
    return checkpoint.predict_noise(x_t.to(checkpoint.predict_noise.device), t).cpu().numpy()


class _Both:
    """A run of two rows: the solution's state and the correct one. While they are equal, the network is called once."""

    def __init__(self, checkpoint: Checkpoint, start: Tensor) -> None:
        self.checkpoint, self.x = checkpoint, torch.cat([start[:1], start[-1:]])

    def eps(self, t: int) -> np.ndarray:
        correct = _eps(self.checkpoint, t, self.x[1].numpy().tobytes())
        yours = _eps(self.checkpoint, t, self.x[0].numpy().tobytes()) if self.pair(t).differ else correct
        return np.concatenate([yours, correct])

    def pair(self, t: int) -> Pair:
        return Pair(t, self.x[0], self.x[1])


def _tensor(value: Any) -> Tensor:
    return torch.from_numpy(np.array(value, dtype=np.float32))


def _array(value: Tensor) -> np.ndarray:
    return value.numpy().copy()


def _plan(checkpoint: Checkpoint, steps: int = STEPS) -> list[int]:
    T = checkpoint.schedule.T
    return formulas.timesteps(T, min(steps, T))


def _example(checkpoint: Checkpoint) -> Tensor:
    """A held-out picture (1, C, H, W), or a sample where the checkpoint has none."""
    examples = checkpoint.examples()
    if len(examples):
        return to_unit(examples[:1])
    return _run(checkpoint, latent(checkpoint.shape, SEEDS[:1]), _plan(checkpoint)).clamp(-1, 1)


def _run(checkpoint: Checkpoint, x: Tensor, tau: list[int]) -> Tensor:
    """The correct run with eta = 0."""
    both = _Both(checkpoint, x)
    for t, t_prev in jumps(tau):
        alpha_bar = checkpoint.schedule.alpha_bar
        both.x = _tensor(formulas.ddim_step(both.x.numpy(), both.eps(t), 0.0, alpha_bar[t], alpha_bar[t_prev], 0.0))
    return both.x[: len(x)]


def _diffuse(solution: Solution, checkpoint: Checkpoint) -> Iterator[Pair]:
    x_0, eps = _array(_example(checkpoint)), _array(latent(checkpoint.shape, SEEDS[:1]))
    for t in _plan(checkpoint)[:3]:  # later ones are noise
        ab = float(checkpoint.schedule.alpha_bar[t])
        yours, correct = solution(x_0, eps, ab).value, formulas.diffuse(x_0, eps, ab)
        yield Pair(t, _tensor(yours)[0], _tensor(correct)[0])


def _predicted_x0(solution: Solution, checkpoint: Checkpoint) -> Iterator[Pair]:
    x_0, noise = _array(_example(checkpoint)), _array(latent(checkpoint.shape, SEEDS[:1]))
    for t in _plan(checkpoint)[2::-1]:
        ab = float(checkpoint.schedule.alpha_bar[t])
        both = _Both(checkpoint, _tensor(formulas.diffuse(x_0, noise, ab)))
        x_t, eps = _array(both.x[:1]), both.eps(t)[:1]
        yield Pair(t, _tensor(solution(x_t, eps, ab).value)[0], _tensor(formulas.predicted_x0(x_t, eps, ab))[0])


def _steps(checkpoint: Checkpoint, step: Callable[..., Any]) -> Iterator[Pair]:
    """A run in which ``step``, in numpy, makes the first row, and the correct function the second."""
    alpha_bar = checkpoint.schedule.alpha_bar
    both = _Both(checkpoint, latent(checkpoint.shape, SEEDS[:1]))
    for t, t_prev in jumps(_plan(checkpoint)):
        eps, x, z = both.eps(t), both.x.numpy(), _array(step_noise(checkpoint.shape, SEEDS[:1], t))
        numbers = (float(alpha_bar[t]), float(alpha_bar[t_prev]), ETA)
        yours = step(x[:1].copy(), eps[:1].copy(), z, *numbers)
        both.x = torch.cat([_tensor(yours), _tensor(formulas.ddim_step(x[1:], eps[1:], z, *numbers))])
        yield both.pair(t_prev)


def _ddim_step(solution: Solution, checkpoint: Checkpoint) -> Iterator[Pair]:
    return _steps(checkpoint, lambda *args: solution(*args).value)


def _sigma(solution: Solution, checkpoint: Checkpoint) -> Iterator[Pair]:
    def step(x_t: Any, eps: Any, z: Any, ab: float, prev: float, eta: float) -> Any:
        s = float(solution(ab, prev, eta).value)
        direction = formulas.direction_scale(ab, prev, s)
        return formulas.sqrt(prev) * formulas.predicted_x0(x_t, eps, ab) + direction * eps + s * z

    return _steps(checkpoint, step)


def _timesteps(solution: Solution, checkpoint: Checkpoint) -> Iterator[Pair]:
    """Two runs along the two lists of time steps, as far as both go. S does not divide T = 1000."""
    T = checkpoint.schedule.T
    S = min(STEPS + 1, T)
    tau = [int(t) for t in solution(T, S).value if float(t).is_integer()]
    start, alpha_bar = latent(checkpoint.shape, SEEDS[:1]), checkpoint.schedule.alpha_bar
    if not 1 <= len(tau) <= 2 * S or not set(tau) <= set(range(T + 1)):
        return
    plans = [list(zip(reversed(ts), [*reversed(ts[:-1]), 0], strict=True)) for ts in (tau, formulas.timesteps(T, S))]
    both = _Both(checkpoint, start)
    for k in range(max(map(len, plans))):
        for row, plan in enumerate(plans):
            if k >= len(plan):
                continue
            t, t_prev = plan[k]
            x = both.x.numpy()[row : row + 1]
            eps = _Both(checkpoint, _tensor(x)).eps(max(t, 1))[:1]
            both.x[row] = _tensor(formulas.ddim_step(x, eps, 0.0, alpha_bar[t], alpha_bar[t_prev], 0.0))[0]
        yield both.pair(plans[1][min(k, S - 1)][1])


def _sample(solution: Solution, checkpoint: Checkpoint) -> Iterator[Pair]:
    alpha_bar, tau = checkpoint.schedule.alpha_bar, _plan(checkpoint)
    x_T = _array(latent(checkpoint.shape, SEEDS[:1]))

    def network(x_t: Any, t: int) -> Any:
        x = x_t if isinstance(x_t, Tensor) else _tensor(x_t)
        eps = checkpoint.predict_noise(x.float().to(checkpoint.predict_noise.device), t).cpu()
        return eps if isinstance(x_t, Tensor) else eps.numpy()

    outcome = solution(alpha_bar, tau, x_T, network=network)
    states = [_tensor(state)[0] for state in (outcome.record.states if outcome.record else [])]
    both = _Both(checkpoint, _tensor(x_T))
    for k, (t, t_prev) in enumerate(jumps(tau)):
        both.x = _tensor(formulas.ddim_step(both.x.numpy(), both.eps(t), 0.0, alpha_bar[t], alpha_bar[t_prev], 0.0))
        last = t_prev == 0
        yours = _tensor(outcome.value)[0] if last or not states else states[min(k, len(states) - 1)]
        yield Pair(t_prev, yours, both.x[0])


def _slerp(solution: Solution, checkpoint: Checkpoint) -> Iterator[Pair]:
    a, b = (_array(x) for x in latent(checkpoint.shape, SEEDS).split(1))
    yours, correct = _tensor(solution(a, b, 0.5).value), _tensor(formulas.slerp(a, b, 0.5))
    yield Pair(checkpoint.schedule.T, yours[0], correct[0])
    pictures = _run(checkpoint, torch.nan_to_num(torch.cat([yours, correct]), 0.0, 0.0, 0.0), _plan(checkpoint))
    yield Pair(0, pictures[0], pictures[1])


def _encode_step(solution: Solution, checkpoint: Checkpoint) -> Iterator[Pair]:
    tau = _plan(checkpoint, STEPS_UP)
    alpha_bar, both, s = checkpoint.schedule.alpha_bar, _Both(checkpoint, _example(checkpoint)), 0
    for t in tau:
        eps, x, numbers = both.eps(max(s, 1)), both.x.numpy(), (float(alpha_bar[s]), float(alpha_bar[t]))
        yours = solution(x[:1].copy(), eps[:1].copy(), *numbers).value
        both.x = torch.cat([_tensor(yours), _tensor(formulas.encode_step(x[1:], eps[1:], *numbers))])
        s = t
        yield both.pair(t)
    back = _run(checkpoint, torch.nan_to_num(both.x, 0.0, 0.0, 0.0), tau)
    yield Pair(0, back[0], back[1])


_PICTURES: dict[str, Callable[[Solution, Checkpoint], Iterator[Pair]]] = {
    "diffuse": _diffuse,
    "predicted_x0": _predicted_x0,
    "sigma": _sigma,
    "timesteps": _timesteps,
    "ddim_step": _ddim_step,
    "sample": _sample,
    "slerp": _slerp,
    "encode_step": _encode_step,
}
