"""How pictures, runs and encoded latents are stored.

All values are stored in full, as float32. Of a run whose every step is kept, x_T and eps_theta of each step are enough: Eq. 12
gives every x_t again, bit for bit. Whether it did so is checked on the final picture.
"""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import Any

import numpy as np
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.runs.stored_results import Content, Kind
from explorer.sampler import ddim_step, noise_for
from explorer.settings import Settings
from explorer.trajectory import Frame, Numbers, Record, Trajectory

COUNTS = [i for i, f in enumerate(fields(Numbers)) if f.name == "clipped"]  # columns of integers among the measurements


def tensor_kind(name: str, *shape: int) -> Kind[Tensor]:
    """The kind of a single tensor of this shape, float32."""
    return Kind(name, lambda tensor: Content({"x": tensor.numpy()}), lambda content: content.tensor("x", *shape))


def json_kind(name: str) -> Kind[Any]:
    """The kind of a value of texts, numbers, lists and objects."""
    return Kind(name, lambda value: Content(facts={"value": value}), lambda content: content.facts["value"])


def run_kind(checkpoint: Checkpoint, settings: Settings) -> Kind[Trajectory]:
    """The kind of a complete run of one picture with these settings."""
    return Kind("run", pack_run, lambda content: unpack_run(content, checkpoint, settings))


def pack_run(run: Trajectory) -> Content:
    """Return what is stored of a run."""
    arrays = run.arrays()
    numbers = np.array([astuple(row) for row in run.numbers], dtype=np.float64)
    content = {"kept": arrays["kept"].astype(np.int64), "eps_theta": arrays["eps_theta"], "x_0": arrays["x_0"]}
    states = {"x_T": arrays["x_t"][0]} if run.complete else {"x_t": arrays["x_t"]}
    return Content(content | states | {"numbers": numbers})


def unpack_run(content: Content, checkpoint: Checkpoint, settings: Settings) -> Trajectory:
    """Return the run with these contents.

    Raises:
        KeyError, ValueError: they are not those of a run with these settings.
    """
    S, shape = settings.steps, (1, *checkpoint.shape)
    kept = content.arrays["kept"].tolist()
    if (
        content.arrays["numbers"].shape != (S, len(fields(Numbers)))
        or sorted({*kept} & {*range(S)}) != kept
        or not kept
    ):
        raise ValueError("not the steps of this run")
    x_0, eps_theta = content.tensor("x_0", *shape), content.tensor("eps_theta", len(kept), *shape)
    if len(kept) == S:
        x_T = content.tensor("x_T", *shape)
        states = _states(checkpoint, settings, x_T, eps_theta)
        if not states.pop().equal(x_0):
            raise ValueError("Eq. 12 leads to another picture on this machine")
    else:
        states = list(content.tensor("x_t", len(kept), *shape))
        x_T = states[0]
    frames = {i: Frame(x_t, eps) for i, x_t, eps in zip(kept, states, eps_theta, strict=True)}
    return Trajectory(checkpoint, x_T, settings, recorded=Record(x_0, _numbers(content), frames))


def _states(checkpoint: Checkpoint, settings: Settings, x_T: Tensor, eps_theta: Tensor) -> list[Tensor]:
    """x_t of every step and the final picture, from the eps_theta of every step."""
    states = [x_T]
    for coefficients, eps in zip(settings.plan(checkpoint.schedule), eps_theta, strict=True):
        z = noise_for(checkpoint, coefficients, settings.noise_seeds(1), like=eps)
        states.append(ddim_step(states[-1], eps, z, coefficients, settings.clip).x_prev)
    return states


def _numbers(content: Content) -> list[Numbers]:
    rows = content.arrays["numbers"].tolist()
    return [Numbers(*(int(v) if i in COUNTS else v for i, v in enumerate(row))) for row in rows]  # type: ignore[arg-type]
