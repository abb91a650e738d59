"""Several runs through the network as one batch, each with its own settings, and even its own time step.

A call of the network on eight pictures costs far less than eight calls. The rows of a batch need not be at the same t, so
runs share calls whatever their settings are; each step of each run is the same pure step as in a run alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.latents import step_noise
from explorer.sampler import Settings, Step, check_latents, ddim_step
from explorer.schedule import jumps, timesteps


@dataclass(frozen=True, eq=False)
class Run:
    """One run of a shared batch.

    Attributes:
        x_T: (B, C, H, W) float32.
        settings: how to go down.
        wrong_labels: tell the network S, S-1, ... 1 instead of the original time steps: the mistake of counting the
            steps of tau instead of keeping its values.
    """

    x_T: Tensor
    settings: Settings
    wrong_labels: bool = False


def denoise_together(checkpoint: Checkpoint, runs: Sequence[Run]) -> Iterator[list[Step | None]]:
    """Run all of ``runs`` down their taus, one call of the network for the k-th steps of all of them.

    Yields:
        one Step for each run, None for a run that has ended before.

    Raises:
        ValueError: at once, as :func:`explorer.denoise`; no runs.
    """
    if not runs:
        raise ValueError("expected at least one run")
    schedule = checkpoint.schedule
    plans, seeds = [], []
    for run in runs:
        check_latents("x_T", run.x_T, checkpoint)
        plans.append(jumps(timesteps(schedule.T, run.settings.steps, run.settings.spacing)))
        seeds.append(run.settings.noise_seeds(len(run.x_T)))

    def go() -> Iterator[list[Step | None]]:
        states = [run.x_T for run in runs]
        for k in range(max(map(len, plans))):
            active = [i for i, plan in enumerate(plans) if k < len(plan)]
            labels = [len(plans[i]) - k if runs[i].wrong_labels else plans[i][k][0] for i in active]
            sizes = [len(states[i]) for i in active]
            t = labels[0] if len(set(labels)) == 1 else torch.tensor(labels).repeat_interleave(torch.tensor(sizes))
            predicted = checkpoint.predict_noise(torch.cat([states[i] for i in active]), t).split(sizes)
            steps: list[Step | None] = [None] * len(runs)
            for i, eps_theta in zip(active, predicted, strict=True):
                settings = runs[i].settings
                c = schedule.coefficients(*plans[i][k], settings.eta, settings.variance)
                z = step_noise(checkpoint.shape, seeds[i], c.t).to(eps_theta) if c.noise else None
                step = ddim_step(states[i], eps_theta, z, c, settings.clip)
                states[i], steps[i] = step.x_prev, step
            yield steps

    return go()
