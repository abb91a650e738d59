"""Common slips in study notes about DDIM, each with the number that shows it."""

from __future__ import annotations

import math

import numpy as np
import torch

from explorer.checkpoint import Checkpoint
from explorer.derivations.samples import MAX_PICTURES, NOISE_SEED, middle_jump, pictures, rms, tau_of
from explorer.derivations.value import Value, above, below, equal
from explorer.forward import diffuse
from explorer.latents import latent
from explorer.schedule import timesteps


def cumulative(checkpoint: Checkpoint) -> list[Value]:
    """Slip: q(x_t | x_prev) = N(sqrt(ab_t) x_prev, (1 - ab_t) I). The cumulative ab_t belongs to x_0 (Eq. 4), beta_t to x_prev.

    Composed over t steps the slip leaves prod sqrt(ab_i) of x_0 instead of sqrt(ab_t).
    """
    alpha_bar = checkpoint.schedule.alpha_bar
    t = min(checkpoint.schedule.T, max(2, checkpoint.schedule.T // 10))
    right = float(np.sqrt(np.prod(alpha_bar[1 : t + 1] / alpha_bar[:t])))
    slip = float(np.exp(np.log(alpha_bar[1 : t + 1]).sum() / 2))
    return [equal("right", right, math.sqrt(alpha_bar[t]), 1e-9), below("slip", slip, right)]


def jump_beta(checkpoint: Checkpoint) -> list[Value]:
    """Slip: sigma^2 = (1 - ab_prev)/(1 - ab_t) beta_t with the beta of one step, for a jump over many.

    The jump's beta is 1 - ab_t / ab_prev = 1 - prod (1 - beta_i). At S = 50 the slip's sigma is far too small.
    """
    schedule = checkpoint.schedule
    c = middle_jump(schedule, steps=50, eta=1.0)
    betas = 1 - schedule.alpha_bar[1:] / schedule.alpha_bar[:-1]
    jump = 1 - float(np.prod(1 - betas[c.t_prev : c.t]))
    slip = math.sqrt((1 - c.alpha_bar_prev) / (1 - c.alpha_bar) * float(betas[c.t - 1]))
    right = math.sqrt((1 - c.alpha_bar_prev) / (1 - c.alpha_bar) * jump)
    return [equal("right", c.sigma, right, 1e-9), below("slip", slip, right)]


def labels(checkpoint: Checkpoint) -> list[Value]:
    """Slip: a run of 50 steps asks the network with the labels 50, 49, ..., 1. They must be tau: 1000, 980, ..., 20.

    The error of predicted noise at the middle of the run, with the right label and with the wrong one.
    """
    schedule = checkpoint.schedule
    tau = tau_of(schedule, 50)
    i = len(tau) // 2
    x_0 = pictures(checkpoint)
    eps = latent(checkpoint.shape, [NOISE_SEED + row for row in range(len(x_0))])
    x_t = diffuse(x_0, eps, tau[i - 1], schedule)

    def error(label: int) -> float:
        return rms(checkpoint.predict_noise(x_t.to(checkpoint.predict_noise.device), label).cpu() - eps)

    right, wrong = tau[i - 1], max(1, i)
    return [
        above("level", math.sqrt(1 - schedule.alpha_bar[right]), math.sqrt(1 - schedule.alpha_bar[wrong])),
        above("error", error(wrong), error(right)),
    ]


def independent_pixels(checkpoint: Checkpoint) -> list[Value]:
    """Slip: "the pixels of a picture are independent Gaussians". Only the noise is: q(x_t | x_0) given one picture.

    The correlation of horizontal neighbours, over held-out pictures and over noise.
    """
    x_0 = pictures(checkpoint, MAX_PICTURES)
    noise = latent(checkpoint.shape, range(len(x_0)))

    def neighbours(x: torch.Tensor) -> float:
        return float(np.corrcoef(x[..., 1:].flatten().numpy(), x[..., :-1].flatten().numpy())[0, 1])

    return [
        above("pictures", neighbours(x_0), 0.1),
        equal("noise", neighbours(noise), 0, 5 / math.sqrt(noise[..., 1:].numel())),
    ]


def stable_diffusion(checkpoint: Checkpoint) -> list[Value]:
    """Slip: "DDPM is the original Stable Diffusion". DDPM diffuses the pixels; Stable Diffusion the latent of an autoencoder.

    A DDPM's x_t has as many values as the picture. Stable Diffusion (Rombach et al. 2022, arXiv 2112.10752) diffuses
    64 x 64 x 4 values for a picture of 512 x 512 x 3.
    """
    x_T = latent(checkpoint.shape, [0])
    eps = checkpoint.predict_noise(x_T.to(checkpoint.predict_noise.device), checkpoint.schedule.T)
    here, there = math.prod(checkpoint.shape) / eps.numel(), 512 * 512 * 3 / (64 * 64 * 4)
    return [equal("pixels", here, 1, 0), above("latent", there, here)]


def leading(checkpoint: Checkpoint) -> list[Value]:
    """Slip: "leading" spacing is the original code's. Its range(0, T, T // S) is longer if S does not divide T.

    "leading", 1 + i (T // S) for i < S, is the rule of diffusers.
    """
    T = checkpoint.schedule.T
    S = next((S for S in range(30, 1, -1) if T >= S and len(range(0, T, T // S)) != S), 1)
    return [
        equal("diffusers", len(timesteps(T, S, "leading")), S, 0),
        above("original", len(range(0, T, T // S)), S),
    ]
