"""Slips as students write them, in torch or numpy, apart from the package's own implementations: (task, slip, function)."""

import math

import numpy as np
import torch


def sigma(ab, prev, eta):
    return eta * math.sqrt((1 - prev) / (1 - ab)) * math.sqrt(1 - ab / prev)


def x0_of(x_t, eps, ab):
    return (x_t - (1 - ab) ** 0.5 * eps) / ab**0.5


def step(direction=None, noise=None, scale=None, s=sigma, x0=x0_of):
    """Eq. 12 in torch, with a part replaced: each from (ab, prev, sigma, eta)."""

    def f(x_t, eps, z, ab, prev, eta):
        sig = s(ab, prev, eta)
        parts = (ab, prev, sig, eta)
        a = scale(*parts) if scale else math.sqrt(prev)
        b = direction(*parts) if direction else math.sqrt(1 - prev - sig * sig)
        c = noise(*parts) if noise else sig
        return a * x0(x_t, eps, ab) + b * eps + c * z

    return f


def loop(x_T, tau, body):
    x = x_T
    for i in reversed(range(len(tau))):
        x = body(x, i, tau[i], tau[i - 1] if i else 0)
    return x


def sampler(label=lambda i, t: t, prev=lambda i, t, t_prev, tau, T: t_prev, sees=lambda x, x_T: x):
    def f(step, predict_noise, alpha_bar, tau, x_T):
        T = len(alpha_bar) - 1

        def body(x, i, t, t_prev):
            eps = predict_noise(sees(x, x_T), label(i, t))
            return step(x, eps, None, alpha_bar[t], alpha_bar[prev(i, t, t_prev, tau, T)], 0)

        return loop(x_T, tau, body)

    return f


def without_last_step(step, predict_noise, alpha_bar, tau, x_T):
    x = x_T
    for t, t_prev in zip(tau[::-1], tau[-2::-1], strict=False):
        x = step(x, predict_noise(x, t), None, alpha_bar[t], alpha_bar[t_prev], 0)
    return x


def upwards(step, predict_noise, alpha_bar, tau, x_T):
    x, t_prev = x_T, 0
    for t in tau:
        x = step(x, predict_noise(x, t), None, alpha_bar[t], alpha_bar[t_prev], 0)
        t_prev = t
    return x


def slerp(a, b, w, dims=(1, 2, 3), divide=True, arccos=torch.arccos):
    cosine = (a * b).sum(dims, keepdim=True) / (
        a.square().sum(dims, keepdim=True).sqrt() * b.square().sum(dims, keepdim=True).sqrt()
    )
    theta = arccos(cosine)
    mixed = torch.sin((1 - w) * theta) * a + torch.sin(w * theta) * b
    return mixed / torch.sin(theta) if divide else mixed


def per_pixel(a, b, w):
    theta = torch.arccos(torch.nn.functional.cosine_similarity(a, b)[:, None])
    return (torch.sin((1 - w) * theta) * a + torch.sin(w * theta) * b) / torch.sin(theta)


def clipped_with_stale_eps(x_t, eps, ab):
    return x0_of(x_t, eps, ab).clamp(-1, 1)


def only_eps_divided(x_t, eps, ab):
    return x_t - (1 - ab) ** 0.5 * eps / ab**0.5


def one_noise(x_t, eps, z, ab, prev, eta):
    return torch.stack([step()(x, e, z[0], ab, prev, eta) for x, e in zip(x_t, eps, strict=True)])


PLANTED = [
    ("diffuse", "roots-missing", lambda x, e, ab: ab * x + (1 - ab) * e),
    ("diffuse", "noise-root-missing", lambda x, e, ab: torch.sqrt(ab) * x + (1 - ab) * e),
    ("diffuse", "signal-and-noise-swapped", lambda x, e, ab: torch.sqrt(1 - ab) * x + torch.sqrt(ab) * e),
    ("diffuse", "one-minus-root", lambda x, e, ab: np.sqrt(ab) * x + (1 - np.sqrt(ab)) * e),
    ("diffuse", "noise-unscaled", lambda x, e, ab: x * math.sqrt(ab) + e),
    ("diffuse", "one-noise-for-the-batch", lambda x, e, ab: x * math.sqrt(ab) + math.sqrt(1 - ab) * e[0]),
    ("predicted_x0", "x0-not-divided", lambda x, e, ab: x - math.sqrt(1 - ab) * e),
    ("predicted_x0", "x0-divided-by-alpha-bar", lambda x, e, ab: (x - math.sqrt(1 - ab) * e) / ab),
    ("predicted_x0", "x0-eps-root-missing", lambda x, e, ab: (x - (1 - ab) * e) / ab**0.5),
    ("predicted_x0", "x0-brackets-missing", only_eps_divided),
    ("predicted_x0", "clipped", clipped_with_stale_eps),
    ("sigma", "eta-on-variance", lambda ab, prev, eta: math.sqrt(eta * (1 - prev) / (1 - ab) * (1 - ab / prev))),
    ("sigma", "sigma-roots-missing", lambda ab, prev, eta: eta * (1 - prev) / (1 - ab) * (1 - ab / prev)),
    ("sigma", "variance-for-sigma", lambda ab, prev, eta: eta**2 * (1 - prev) / (1 - ab) * (1 - ab / prev)),
    ("sigma", "sigma-hat", lambda ab, prev, eta: eta * torch.sqrt(1 - ab / prev)),
    ("sigma", "alpha-bar-for-alpha", lambda ab, prev, eta: eta * np.sqrt((1 - prev) / (1 - ab)) * np.sqrt(1 - ab)),
    ("sigma", "alpha-bars-swapped", lambda ab, prev, eta: sigma(prev, ab, eta)),
    ("timesteps", "leading", lambda T, S: list(range(1, T + 1, T // S))[:S]),
    ("timesteps", "too-many-steps", lambda T, S: range(1, T + 1, T // S)),
    ("timesteps", "from-zero", lambda T, S: (torch.arange(S) * (T // S)).tolist()),
    ("timesteps", "integer-division-first", lambda T, S: np.arange(1, S + 1) * (T // S)),
    ("timesteps", "not-rounded", lambda T, S: np.arange(1, S + 1) * T / S),
    ("timesteps", "descending", lambda T, S: [T * i // S for i in range(1, S + 1)][::-1]),
    ("timesteps", "linspace-from-zero", lambda T, S: np.linspace(0, T - 1, S).astype(int)),
    ("timesteps", "indices-for-steps", lambda T, S: np.arange(S) + 1),
    ("ddim_step", "sigma-for-direction", step(direction=lambda ab, prev, s, eta: s)),
    ("ddim_step", "variance-for-direction", step(direction=lambda ab, prev, s, eta: s * s)),
    ("ddim_step", "direction-without-sigma", step(direction=lambda ab, prev, s, eta: (1 - prev) ** 0.5)),
    ("ddim_step", "direction-sigma-not-squared", step(direction=lambda ab, prev, s, eta: np.sqrt(1 - prev - s))),
    ("ddim_step", "direction-root-missing", step(direction=lambda ab, prev, s, eta: 1 - prev - s**2)),
    ("ddim_step", "direction-at-t", step(direction=lambda ab, prev, s, eta: (1 - ab - s**2) ** 0.5)),
    ("ddim_step", "noise-unscaled", step(noise=lambda ab, prev, s, eta: 1)),
    ("ddim_step", "noise-missing", step(noise=lambda ab, prev, s, eta: 0)),
    ("ddim_step", "variance-for-sigma", step(noise=lambda ab, prev, s, eta: s**2)),
    ("ddim_step", "eta-for-sigma", step(noise=lambda ab, prev, s, eta: eta)),
    ("ddim_step", "noise-in-the-last-step", step(noise=lambda ab, prev, s, eta: eta * math.sqrt(1 - ab / prev))),
    ("ddim_step", "sigma-hat", step(s=lambda ab, prev, eta: eta * math.sqrt(1 - ab / prev))),
    ("ddim_step", "eta-on-variance", step(s=lambda ab, prev, eta: math.sqrt(eta) * sigma(ab, prev, 1))),
    ("ddim_step", "x0-scale-at-t", step(scale=lambda ab, prev, s, eta: ab**0.5)),
    ("ddim_step", "x0-scale-root-missing", step(scale=lambda ab, prev, s, eta: prev)),
    ("ddim_step", "x0-brackets-missing", step(x0=only_eps_divided)),
    ("ddim_step", "stale-eps-after-clip", step(x0=clipped_with_stale_eps)),
    ("ddim_step", "alpha-bars-swapped", lambda x, e, z, ab, prev, eta: step()(x, e, z, prev, ab, eta)),
    ("ddim_step", "one-noise-for-the-batch", one_noise),
    ("sample", "label-is-index", sampler(label=lambda i, t: i + 1)),
    ("sample", "label-off-by-one", sampler(label=lambda i, t: t - 1)),
    ("sample", "t-prev-by-division", sampler(prev=lambda i, t, t_prev, tau, T: max(0, t - T // len(tau)))),
    ("sample", "t-prev-at-least-one", sampler(prev=lambda i, t, t_prev, tau, T: max(1, t - T // len(tau)))),
    ("sample", "t-prev-is-t-minus-one", sampler(prev=lambda i, t, t_prev, tau, T: t - 1)),
    ("sample", "alpha-bar-at-the-end", sampler(prev=lambda i, t, t_prev, tau, T: t_prev or 1)),
    ("sample", "network-sees-x-T", sampler(sees=lambda x, x_T: x_T)),
    ("sample", "last-step-missing", without_last_step),
    ("sample", "ascending-loop", upwards),
    ("slerp", "lerp", torch.lerp),
    ("slerp", "whole-batch-as-one", lambda a, b, w: slerp(a, b, w, dims=(0, 1, 2, 3))),
    ("slerp", "angle-per-channel", lambda a, b, w: slerp(a, b, w, dims=(2, 3))),
    ("slerp", "angle-per-pixel", per_pixel),
    ("slerp", "sine-division-missing", lambda a, b, w: slerp(a, b, w, divide=False)),
    ("slerp", "arccos-missing", lambda a, b, w: slerp(a, b, w, arccos=lambda cosine: cosine)),
    ("slerp", "weights-swapped", lambda a, b, w: slerp(a, b, 1 - w)),
    ("encode_step", "alpha-bars-swapped", lambda x, e, ab, up: ab**0.5 * x0_of(x, e, up) + (1 - ab) ** 0.5 * e),
    ("encode_step", "forward-step", lambda x, e, ab, up: (up / ab) ** 0.5 * x + (1 - up / ab) ** 0.5 * e),
    ("encode_step", "x-s-for-x0", lambda x, e, ab, up: up**0.5 * x + (1 - up) ** 0.5 * e),
    ("encode_step", "direction-at-s", lambda x, e, ab, up: up**0.5 * x0_of(x, e, ab) + (1 - ab) ** 0.5 * e),
    ("encode_step", "old-noise-kept", lambda x, e, ab, up: (up / ab) ** 0.5 * x + (1 - up) ** 0.5 * e),
]
