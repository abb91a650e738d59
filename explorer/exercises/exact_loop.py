"""A diffusion model that is exact and tiny, and that records how a sampling loop uses it.

The data are Gaussian with independent pixels, N(mu, s^2). Then E[eps | x_t] = sqrt(1 - ab) (x_t - sqrt(ab) mu) /
(ab s^2 + 1 - ab). The step is Eq. 12. Both take numpy arrays and torch tensors.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from explorer.exercises import formulas
from explorer.support.arguments import shorten

STD = 0.4
SHAPE = (
    3,
    2,
    4,
    4,
)  # of the latents: rows, channels, height and width all matter, and rows and channels differ in number


@dataclass
class Record:
    """What a loop did.

    Attributes:
        labels: the t of each call of the network.
        levels: (alpha_bar, alpha_bar_prev) of each step.
        continued: for each step, whether it started from the result of the step before, as the network's input did.
        stochastic: whether any step was given an eta other than 0.
        states: the state after each step, as numpy arrays.
    """

    labels: list[int] = field(default_factory=list)
    levels: list[tuple[float, float]] = field(default_factory=list)
    continued: list[tuple[bool, bool]] = field(default_factory=list)
    stochastic: bool = False
    states: list[np.ndarray] = field(default_factory=list)


def to_numpy(value: Any) -> np.ndarray:
    """A detached copy of a number, an array or a tensor as float64; other types as numpy converts them."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        # .numpy() first: numpy 2 warns when it copies a tensor itself
        return np.array((value.double() if value.is_floating_point() else value).numpy())
    return np.array(value)


def label_of(t: Any, T: int) -> int:
    """The label in 1..T that a network was given: a whole number, or an array of equal ones.

    Raises:
        ValueError: it is anything else.
    """
    labels = set(to_numpy(t).reshape(-1).tolist())
    try:
        (label,) = labels
        label = int(label) if isinstance(label, float) and label.is_integer() else operator.index(label)
    except (TypeError, ValueError):
        raise ValueError(f"predict_noise(x_t, t) takes one whole t from 1 to {T}, not {shorten(t)}") from None
    if not 1 <= label <= T:
        raise ValueError(f"predict_noise(x_t, t) takes t from 1 to {T}, not {label}")
    return label


class RecordedLoop:
    """``step`` and ``predict_noise`` for a sampling loop, and the record of their calls.

    Args:
        alpha_bar: float64 (T+1,).
        x_T: where the loop starts.
        network: eps_theta(x_t, t); None for the exact one of this module.
    """

    def __init__(
        self, alpha_bar: np.ndarray, x_T: np.ndarray, network: Callable[[Any, int], Any] | None = None
    ) -> None:
        self.record = Record()
        self._alpha_bar = alpha_bar
        self._network = network or self._exact
        self._start = np.array(x_T, dtype=np.float64)
        self._network_continued = True

    def predict_noise(self, x_t: Any, t: Any) -> Any:
        """Predicted noise; t in 1..T."""
        label = label_of(t, len(self._alpha_bar) - 1)
        self.record.labels.append(label)
        self._network_continued = self._is_state(x_t)
        return self._network(x_t, label)

    def step(
        self, x_t: Any, eps: Any, z: Any = None, alpha_bar: Any = 1.0, alpha_bar_prev: Any = 1.0, eta: Any = 0.0
    ) -> Any:
        """One step of Eq. 12. ``z`` may be None or 0 at eta = 0."""
        ab, prev, eta = float(alpha_bar), float(alpha_bar_prev), float(eta)
        self.record.levels.append((ab, prev))
        self.record.continued.append((self._network_continued, self._is_state(x_t)))
        self.record.stochastic |= eta != 0
        x_prev = formulas.ddim_step(x_t, eps, 0.0 if z is None else z, ab, prev, eta)
        self.record.states.append(to_numpy(x_prev))
        return x_prev

    def _is_state(self, x_t: Any) -> bool:
        """Whether x_t is the result of the last step; x_T before it."""
        state = self.record.states[-1] if self.record.states else self._start
        given = to_numpy(x_t)
        return given.shape == state.shape and bool(np.allclose(given, state, rtol=1e-4, atol=1e-5))

    def _exact(self, x_t: Any, t: int) -> Any:
        ab = float(self._alpha_bar[t])
        mean = means(tuple(x_t.shape))
        mu = torch.from_numpy(mean).to(x_t) if isinstance(x_t, torch.Tensor) else mean
        return formulas.sqrt(1 - ab) * (x_t - formulas.sqrt(ab) * mu) / (ab * STD**2 + 1 - ab)


def means(shape: tuple[int, ...]) -> np.ndarray:
    """mu of each pixel, the same for all rows: (C, H, W) from -0.8 to 0.8."""
    return np.linspace(-0.8, 0.8, int(np.prod(shape[1:]))).reshape(shape[1:])
