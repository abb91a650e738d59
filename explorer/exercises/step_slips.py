"""Slips in one step of Eq. 12 and in its sigma."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from explorer.exercises import formulas
from explorer.exercises.formulas import direction_scale, predicted_x0, ratio, sigma, sqrt
from explorer.exercises.picture_slips import PREDICTED_X0
from explorer.exercises.slip import Slip


def make_step(
    x0: Callable[..., Any] = predicted_x0,
    x0_scale: Callable[[float, float], float] = lambda ab, prev: sqrt(prev),
    sigma: Callable[[float, float, float], float] = sigma,
    direction: Callable[[float, float, float], float] = lambda ab, prev, s: sqrt(1 - prev - s**2),
    towards: Callable[..., Any] = lambda x_t, eps, x0: eps,
    noise: Callable[[float, float, float, float], float] = lambda ab, prev, s, eta: s,
) -> Callable[..., Any]:
    """Return Eq. 12 with some of its parts replaced.

    Args:
        x0: predicted x_0 from (x_t, eps, ab).
        x0_scale: its factor from (ab, prev).
        sigma: from (ab, prev, eta).
        direction: factor of the direction from (ab, prev, sigma).
        towards: what the direction multiplies, from (x_t, eps, predicted x_0).
        noise: factor of z from (ab, prev, sigma, eta).
    """

    def step(x_t: Any, eps: Any, z: Any, ab: float, prev: float, eta: float) -> Any:
        s, x0_t = sigma(ab, prev, eta), x0(x_t, eps, ab)
        return (
            x0_scale(ab, prev) * x0_t + direction(ab, prev, s) * towards(x_t, eps, x0_t) + noise(ab, prev, s, eta) * z
        )

    return step


def beta_tilde(ab: float, prev: float) -> float:
    """Variance of DDPM's posterior, sigma^2 at eta = 1."""
    return ratio(1 - prev, 1 - ab) * (1 - ab / prev)


SIGMA = (
    Slip("eta-on-variance", "eta", lambda ab, prev, eta: sqrt(eta * beta_tilde(ab, prev))),
    Slip("eta-missing", "eta", lambda ab, prev, eta: sqrt(beta_tilde(ab, prev))),
    Slip("variance-for-sigma", "roots", lambda ab, prev, eta: sigma(ab, prev, eta) ** 2),
    Slip("sigma-roots-missing", "roots", lambda ab, prev, eta: eta * beta_tilde(ab, prev)),
    Slip("sigma-first-root-only", "roots", lambda ab, prev, eta: eta * sqrt(ratio(1 - prev, 1 - ab)) * (1 - ab / prev)),
    Slip("sigma-hat", "first", lambda ab, prev, eta: eta * sqrt(1 - ab / prev)),
    Slip("sigma-second-factor-missing", "second", lambda ab, prev, eta: eta * sqrt(ratio(1 - prev, 1 - ab))),
    Slip("alpha-bars-swapped", "roots", lambda ab, prev, eta: sigma(prev, ab, eta)),
    Slip(
        "sigma-first-ratio-inverted",
        "first",
        lambda ab, prev, eta: eta * sqrt(ratio(1 - ab, 1 - prev)) * sqrt(1 - ab / prev),
    ),
    Slip("alpha-bar-for-alpha", "second", lambda ab, prev, eta: eta * sqrt(ratio(1 - prev, 1 - ab)) * sqrt(1 - ab)),
    Slip(
        "sigma-difference",
        "second",
        lambda ab, prev, eta: eta * sqrt(ratio(1 - prev, 1 - ab)) * sqrt(prev - ab),
    ),
)
_SIGMA = {slip.name: slip.function for slip in SIGMA}


def _own_x0(function: Callable[..., Any]) -> Callable[..., Any]:
    return make_step(x0=function)


def _stale_eps_after_clip(x_t: Any, eps: Any, ab: float) -> Any:
    return np.clip(predicted_x0(x_t, eps, ab), -1, 1)


def _clip(x_t: Any, eps: Any, z: Any, ab: float, prev: float, eta: float) -> Any:
    x0 = _stale_eps_after_clip(x_t, eps, ab)
    return formulas.ddim_step(x_t, (x_t - sqrt(ab) * x0) / sqrt(1 - ab), z, ab, prev, eta)


def _one_noise(x_t: Any, eps: Any, z: Any, ab: float, prev: float, eta: float) -> Any:
    return formulas.ddim_step(x_t, eps, z[:1], ab, prev, eta)


def _swapped(x_t: Any, eps: Any, z: Any, ab: float, prev: float, eta: float) -> Any:
    return formulas.ddim_step(x_t, eps, z, prev, ab, eta)


def _ancestral_with_alpha_bar(x_t: Any, eps: Any, z: Any, ab: float, prev: float, eta: float) -> Any:
    """DDPM's mean (x_t - (1 - alpha) / sqrt(1 - ab) eps) / sqrt(alpha), with alpha = ab / prev, and sigma z."""
    alpha = ab / prev
    return (x_t - (1 - alpha) / sqrt(1 - ab) * eps) / sqrt(alpha) + sigma(ab, prev, eta) * z


DDIM_STEP = (
    # the direction pointing to x_t
    Slip("sigma-for-direction", "direction", make_step(direction=lambda ab, prev, s: s)),
    Slip("variance-for-direction", "direction", make_step(direction=lambda ab, prev, s: s**2)),
    Slip("direction-without-sigma", "direction", make_step(direction=lambda ab, prev, s: sqrt(1 - prev))),
    Slip("direction-sigma-not-squared", "direction", make_step(direction=lambda ab, prev, s: sqrt(1 - prev - s))),
    Slip("direction-root-missing", "direction", make_step(direction=lambda ab, prev, s: 1 - prev - s**2)),
    Slip("direction-plus-variance", "direction", make_step(direction=lambda ab, prev, s: sqrt(1 - prev + s**2))),
    Slip("direction-at-t", "direction", make_step(direction=lambda ab, prev, s: sqrt(1 - ab - s**2))),
    Slip("direction-missing", "direction", make_step(direction=lambda ab, prev, s: 0.0)),
    Slip("direction-sign", "direction", make_step(towards=lambda x_t, eps, x0: -eps)),
    Slip("x-t-for-eps", "direction", make_step(towards=lambda x_t, eps, x0: x_t)),
    # the random noise
    Slip("noise-missing", "noise", make_step(noise=lambda ab, prev, s, eta: 0.0)),
    Slip("noise-unscaled", "noise", make_step(noise=lambda ab, prev, s, eta: 1.0)),
    Slip("variance-for-sigma", "noise", make_step(noise=lambda ab, prev, s, eta: s**2)),
    Slip("eta-for-sigma", "noise", make_step(noise=lambda ab, prev, s, eta: eta)),
    Slip(
        "noise-in-the-last-step", "noise", make_step(noise=lambda ab, prev, s, eta: _SIGMA["sigma-hat"](ab, prev, eta))
    ),
    Slip("one-noise-for-the-batch", "noise", _one_noise),
    # sigma in both terms
    *(
        Slip(name, "sigma", make_step(sigma=_SIGMA[name]))
        for name in (
            "eta-on-variance",
            "eta-missing",
            "sigma-hat",
            "sigma-roots-missing",
            "sigma-first-root-only",
            "sigma-second-factor-missing",
            "sigma-difference",
            "sigma-first-ratio-inverted",
            "alpha-bar-for-alpha",
        )
    ),
    *(  # the same, where a negative number under the root of the direction is raised to 0
        Slip(name, "sigma", make_step(sigma=_SIGMA[name], direction=direction_scale))
        for name in ("sigma-hat", "sigma-second-factor-missing")
    ),
    # predicted x_0
    *(Slip(slip.name, "x0", _own_x0(slip.function)) for slip in PREDICTED_X0 if slip.name != "clipped"),
    Slip("stale-eps-after-clip", "x0", make_step(x0=_stale_eps_after_clip)),
    Slip("clipped", "x0", _clip),
    Slip("x0-scale-at-t", "x0", make_step(x0_scale=lambda ab, prev: sqrt(ab))),
    Slip("x0-scale-root-missing", "x0", make_step(x0_scale=lambda ab, prev: prev)),
    Slip("x0-scale-missing", "x0", make_step(x0_scale=lambda ab, prev: 1.0)),
    # all of them
    Slip("alpha-bars-swapped", "whole", _swapped),
    Slip("ddpm-mean-at-every-eta", "direction", _ancestral_with_alpha_bar),
)
