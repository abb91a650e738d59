"""Slips in the time steps tau and in the loop over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from explorer.exercises.slip import Slip


def _linspace(low: float, high: float, S: int) -> list[int]:
    return np.linspace(low, high, S).astype(int).tolist()


TIMESTEPS = (
    Slip("leading", "last", lambda T, S: [1 + i * (T // S) for i in range(S)]),
    Slip("from-zero", "first", lambda T, S: [i * (T // S) for i in range(S)]),
    Slip("too-many-steps", "count", lambda T, S: list(range(1, T + 1, T // S))),
    Slip("integer-division-first", "floor", lambda T, S: [i * (T // S) for i in range(1, S + 1)]),
    Slip("rounded-to-nearest", "floor", lambda T, S: [round(T * i / S) for i in range(1, S + 1)]),
    Slip("rounded-up", "floor", lambda T, S: [-(-T * i // S) for i in range(1, S + 1)]),
    Slip("not-rounded", "floor", lambda T, S: [T * i / S for i in range(1, S + 1)]),
    Slip("descending", "order", lambda T, S: [T * i // S for i in range(S, 0, -1)]),
    Slip("linspace-from-one", "first", lambda T, S: _linspace(1, T, S)),
    Slip("linspace-from-zero", "first", lambda T, S: _linspace(0, T - 1, S)),
    Slip("labels-from-zero", "last", lambda T, S: [T * i // S - 1 for i in range(1, S + 1)]),
    Slip("zero-included", "count", lambda T, S: [T * i // S for i in range(S + 1)]),
    Slip("indices-for-steps", "last", lambda T, S: list(range(1, S + 1))),
    Slip("quadratic", "floor", lambda T, S: [max(i, T * i * i // (S * S)) for i in range(1, S + 1)]),
)

Jumps = Callable[[Sequence[int], int], Iterator[tuple[int, int]]]


def pairs(tau: Sequence[int], T: int) -> Iterator[tuple[int, int]]:
    """The right jumps (t, t_prev)."""
    yield from zip(reversed(tau), [*reversed(tau[:-1]), 0], strict=True)


def make_loop(
    jumps: Jumps = pairs,
    label: Callable[[int, int], int] = lambda t, k: t,
    level: Callable[[Any, int], Any] = lambda alpha_bar, t: alpha_bar[t],
    network_sees: Callable[[Any, Any], Any] = lambda x_t, x_T: x_t,
    step_starts: Callable[[Any, Any], Any] = lambda x_t, x_T: x_t,
    eps_once: bool = False,
) -> Callable[..., Any]:
    """Return the loop over tau with some of its parts replaced.

    Args:
        jumps: the pairs (t, t_prev) from (tau, T).
        label: what the network is told, from t and the number k of steps that are left, S to 1.
        level: alpha_bar at a time step.
        network_sees, step_starts: the input of the network and of the step, from (x_t, x_T).
        eps_once: evaluate the network in the first step only.
    """

    def sample(step: Callable, predict_noise: Callable, alpha_bar: Any, tau: Sequence[int], x_T: Any) -> Any:
        x_t, eps, plan = x_T, None, list(jumps(tau, len(alpha_bar) - 1))
        for k, (t, t_prev) in zip(range(len(plan), 0, -1), plan, strict=True):
            if eps is None or not eps_once:
                eps = predict_noise(network_sees(x_t, x_T), label(t, k))
            x_t = step(step_starts(x_t, x_T), eps, 0.0, level(alpha_bar, t), level(alpha_bar, t_prev), 0.0)
        return x_t

    return sample


def _from_division(least: int) -> Jumps:
    def jumps(tau: Sequence[int], T: int) -> Iterator[tuple[int, int]]:
        for t in reversed(tau):
            yield t, max(t - T // len(tau), least)

    return jumps


def _last_at(level: int) -> Jumps:
    return lambda tau, T: ((t, t_prev or level) for t, t_prev in pairs(tau, T))


def _ascending(tau: Sequence[int], T: int) -> Iterator[tuple[int, int]]:
    yield from zip(tau, [0, *tau[:-1]], strict=True)


def _without(index: int) -> Jumps:
    def jumps(tau: Sequence[int], T: int) -> Iterator[tuple[int, int]]:
        plan = list(pairs(tau, T))
        del plan[index]
        yield from plan

    return jumps


SAMPLE = (
    Slip("label-is-index", "label", make_loop(label=lambda t, k: k)),
    Slip("label-off-by-one", "label", make_loop(label=lambda t, k: t - 1)),
    Slip("ascending-loop", "order", make_loop(jumps=_ascending)),
    Slip("t-prev-by-division", "t_prev", make_loop(jumps=_from_division(0))),
    Slip("t-prev-at-least-one", "t_prev", make_loop(jumps=_from_division(1))),
    Slip("t-prev-is-t-minus-one", "t_prev", make_loop(jumps=lambda tau, T: ((t, t - 1) for t in reversed(tau)))),
    Slip("alpha-bar-at-the-end", "last", make_loop(jumps=_last_at(1))),
    Slip("last-step-missing", "last", make_loop(jumps=_without(-1))),
    Slip("first-step-missing", "first", make_loop(jumps=_without(0))),
    Slip("alpha-bar-off-by-one", "level", make_loop(level=lambda alpha_bar, t: alpha_bar[max(t - 1, 0)])),
    Slip("eps-never-updated", "network", make_loop(eps_once=True)),
    Slip("network-sees-x-T", "network", make_loop(network_sees=lambda x_t, x_T: x_T)),
    Slip("x-t-never-updated", "x_t", make_loop(network_sees=lambda x, x_T: x_T, step_starts=lambda x, x_T: x_T)),
)
