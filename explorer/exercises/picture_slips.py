"""Slips in the forward process, predicted x_0, slerp, and the step of an encoding."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.exercises import formulas
from explorer.exercises.formulas import angle, predicted_x0, slerp_by, sqrt
from explorer.exercises.slip import Slip

DIFFUSE = (
    Slip("roots-missing", "both", lambda x_0, eps, ab: ab * x_0 + (1 - ab) * eps),
    Slip("signal-root-missing", "x_0", lambda x_0, eps, ab: ab * x_0 + sqrt(1 - ab) * eps),
    Slip("noise-root-missing", "eps", lambda x_0, eps, ab: sqrt(ab) * x_0 + (1 - ab) * eps),
    Slip("signal-and-noise-swapped", "both", lambda x_0, eps, ab: sqrt(1 - ab) * x_0 + sqrt(ab) * eps),
    Slip("one-minus-root", "eps", lambda x_0, eps, ab: sqrt(ab) * x_0 + (1 - sqrt(ab)) * eps),
    Slip("signal-unscaled", "x_0", lambda x_0, eps, ab: x_0 + sqrt(1 - ab) * eps),
    Slip("noise-unscaled", "eps", lambda x_0, eps, ab: sqrt(ab) * x_0 + eps),
    Slip("variance-exploding", "both", lambda x_0, eps, ab: x_0 + sqrt((1 - ab) / ab) * eps),
    Slip("one-noise-for-the-batch", "eps", lambda x_0, eps, ab: formulas.diffuse(x_0, eps[:1], ab)),
)

PREDICTED_X0 = (
    Slip("x0-not-divided", "x_t", lambda x_t, eps, ab: x_t - sqrt(1 - ab) * eps),
    Slip("x0-divided-by-alpha-bar", "both", lambda x_t, eps, ab: (x_t - sqrt(1 - ab) * eps) / ab),
    Slip("x0-eps-root-missing", "eps", lambda x_t, eps, ab: (x_t - (1 - ab) * eps) / sqrt(ab)),
    Slip("x0-eps-unscaled", "eps", lambda x_t, eps, ab: (x_t - eps) / sqrt(ab)),
    Slip("x0-sign", "eps", lambda x_t, eps, ab: (x_t + sqrt(1 - ab) * eps) / sqrt(ab)),
    Slip("x0-roots-swapped", "both", lambda x_t, eps, ab: (x_t - sqrt(ab) * eps) / sqrt(1 - ab)),
    Slip("x0-brackets-missing", "x_t", lambda x_t, eps, ab: x_t - sqrt(1 - ab) * eps / sqrt(ab)),
    Slip("x0-from-v", "both", lambda x_t, eps, ab: sqrt(ab) * x_t - sqrt(1 - ab) * eps),
    Slip("clipped", "both", lambda x_t, eps, ab: np.clip(predicted_x0(x_t, eps, ab), -1, 1)),
)


def _cosine(a: np.ndarray, b: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    norms = np.sqrt((a * a).sum(axes, keepdims=True) * (b * b).sum(axes, keepdims=True))
    return (a * b).sum(axes, keepdims=True) / norms


def _slerp_over(axes: tuple[int, ...]) -> Any:
    return lambda a, b, w: slerp_by(np.arccos(np.clip(_cosine(a, b, axes), -1, 1)), a, b, w)


def _not_normalised(a: np.ndarray, b: np.ndarray, w: float) -> np.ndarray:
    return slerp_by(np.arccos((a * b).sum((1, 2, 3), keepdims=True)), a, b, w)


def _first_row(a: np.ndarray, b: np.ndarray, w: float) -> np.ndarray:
    return slerp_by(angle(a, b)[:1], a, b, w)


def _mean_for_sum(a: np.ndarray, b: np.ndarray, w: float) -> np.ndarray:
    return slerp_by(np.arccos(_cosine(a, b, (1, 2, 3)) / a[0].size), a, b, w)


def _normalised_lerp(a: np.ndarray, b: np.ndarray, w: float) -> np.ndarray:
    mixed = (1 - w) * a + w * b
    return mixed / np.linalg.norm(mixed.reshape(len(a), -1), axis=1).reshape(-1, 1, 1, 1) * np.sqrt(a[0].size)


def _undivided(a: np.ndarray, b: np.ndarray, w: float) -> np.ndarray:
    theta = angle(a, b)
    return np.sin((1 - w) * theta) * a + np.sin(w * theta) * b


SLERP = (
    Slip("lerp", "weights", lambda a, b, w: (1 - w) * a + w * b),
    Slip("root-weights", "weights", lambda a, b, w: sqrt(1 - w) * a + sqrt(w) * b),
    Slip("normalised-lerp", "weights", _normalised_lerp),
    Slip("weights-swapped", "weights", lambda a, b, w: formulas.slerp(b, a, w)),
    Slip("sine-division-missing", "sine", _undivided),
    Slip("whole-batch-as-one", "theta", _slerp_over((0, 1, 2, 3))),
    Slip("angle-per-pixel", "theta", _slerp_over((1,))),
    Slip("angle-per-channel", "theta", _slerp_over((2, 3))),
    Slip("angle-of-first-row", "theta", _first_row),
    Slip("norms-missing", "theta", _not_normalised),
    Slip("mean-for-sum", "theta", _mean_for_sum),
    Slip("arccos-missing", "theta", lambda a, b, w: slerp_by(_cosine(a, b, (1, 2, 3)), a, b, w)),
    Slip("degrees", "theta", lambda a, b, w: slerp_by(np.degrees(angle(a, b)), a, b, w)),
)

ENCODE_STEP = (
    Slip("alpha-bars-swapped", "whole", lambda x_s, eps, ab, up: formulas.encode_step(x_s, eps, up, ab)),
    Slip("forward-step", "whole", lambda x_s, eps, ab, up: sqrt(up / ab) * x_s + sqrt(1 - up / ab) * eps),
    Slip("x-s-for-x0", "x0", lambda x_s, eps, ab, up: formulas.diffuse(x_s, eps, up)),
    Slip("old-noise-kept", "x0", lambda x_s, eps, ab, up: sqrt(up / ab) * x_s + sqrt(1 - up) * eps),
    Slip(
        "direction-at-s",
        "direction",
        lambda x_s, eps, ab, up: sqrt(up) * predicted_x0(x_s, eps, ab) + sqrt(1 - ab) * eps,
    ),
    Slip("x0-scale-at-s", "x0", lambda x_s, eps, ab, up: sqrt(ab) * predicted_x0(x_s, eps, ab) + sqrt(1 - up) * eps),
    Slip(
        "direction-root-missing",
        "direction",
        lambda x_s, eps, ab, up: sqrt(up) * predicted_x0(x_s, eps, ab) + (1 - up) * eps,
    ),
    *(
        Slip(
            slip.name,
            "x0",
            lambda x_s, eps, ab, up, x0=slip.function: sqrt(up) * x0(x_s, eps, ab) + sqrt(1 - up) * eps,
        )
        for slip in PREDICTED_X0
        if slip.name in ("x0-not-divided", "x0-divided-by-alpha-bar", "x0-eps-root-missing", "x0-sign")
    ),
)
