"""Derivations about the forward process: Eqs. 3, 4, 6, 7 and 8, and Secs. 2 to 4.2 of DDIM."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from explorer.checkpoint import Checkpoint
from explorer.derivations.exact_gaussian import prior_term
from explorer.derivations.samples import MAX_PICTURES, NOISE_SEED, pictures, tau_of
from explorer.derivations.value import Value, at_most, below, equal
from explorer.forward import diffuse, markov_paths, markov_step, non_markov_paths, posterior
from explorer.latents import latent
from explorer.schedule import Coefficients, Schedule, jumps

PATHS = 64
POINTS = 20_000  # for correlations


def many_steps(checkpoint: Checkpoint) -> list[Value]:
    """Why T is large (DDIM Sec. 2): x_T is nearly N(0, I), and a short reverse step is nearly Gaussian.

    The data x_0 = -1 or 1, each with probability 1/2, have the exact reverse density q(x_t | x_s) q(x_s) / q(x_t). Its
    excess kurtosis at x_t = 0, which is 0 for a Gaussian, is -2 k^4 / (k^2 + sigma^2)^2: a mixture of two normal
    distributions with means -k and k and the posterior variance sigma^2 (DDPM Eqs. 6, 7). It is integrated numerically.
    """
    schedule, T = checkpoint.schedule, checkpoint.schedule.T
    x_0 = pictures(checkpoint, MAX_PICTURES)
    values = [below("prior", prior_term(float(schedule.alpha_bar[T]), float(x_0.square().mean())), 0.01)]
    t = min(T, max(2, T // 5))
    for name, t_prev in (("short", t - 1), ("long", t - max(1, T // 10))):
        c = schedule.coefficients(t, t_prev, eta=1.0)
        expected = -2 * (c.k**2 / (c.k**2 + c.sigma**2)) ** 2 if t_prev else -2.0
        values.append(equal(name, _reverse_kurtosis(c), expected, 1e-6))
    return values


def _reverse_kurtosis(c: Coefficients) -> float:
    """Excess kurtosis of q(x_s | x_t = 0) for x_0 = -1 or 1, by Bayes' rule on a grid."""
    x = np.linspace(-6, 6, 20_001)
    ratio = c.alpha_bar / c.alpha_bar_prev
    centre, variance = math.sqrt(c.alpha_bar_prev), max(1 - c.alpha_bar_prev, 1e-12)
    log_density = np.logaddexp(-((x - centre) ** 2) / (2 * variance), -((x + centre) ** 2) / (2 * variance))
    log_density -= ratio * x**2 / (2 * (1 - ratio))
    density = np.exp(log_density - log_density.max())
    second, fourth = ((density * x**power).sum() / density.sum() for power in (2, 4))
    return float(fourth / second**2 - 3)


def one_jump(checkpoint: Checkpoint) -> list[Value]:
    """t steps of Eq. 3 are one jump of Eq. 4: the factors multiply to sqrt(ab_t), the variances add up to 1 - ab_t."""
    schedule = checkpoint.schedule
    t_end = max(1, schedule.T // 2)
    factor, variance = np.array(1.0), 0.0
    for t in range(1, t_end + 1):
        scale = float(markov_step(np.array(1.0), np.array(0.0), t - 1, t, schedule))
        std = float(markov_step(np.array(0.0), np.array(1.0), t - 1, t, schedule))
        factor, variance = scale * factor, scale**2 * variance + std**2
    alpha_bar = float(schedule.alpha_bar[t_end])
    return [
        equal("factor", float(factor), math.sqrt(alpha_bar), 1e-9),
        equal("variance", variance, 1 - alpha_bar, 1e-9),
    ]


def factorisation(checkpoint: Checkpoint) -> list[Value]:
    """prod q(x_t | x_s) = q(x_T | x_0) prod q(x_s | x_t, x_0): Bayes' rule for every factor, and the ratios cancel.

    Both sides are evaluated as log densities of paths of the Markov chain (Eq. 3); the posterior is that of eta = 1.
    """
    schedule = checkpoint.schedule
    tau = tau_of(schedule, 50)
    paths = markov_paths(np.array([-0.8, 0.1, 0.6]), tau, schedule, PATHS, seed=1)
    x, t = paths.x, paths.t
    forward = np.zeros(PATHS)
    for i in range(1, len(t)):
        ratio = schedule.alpha_bar[t[i]] / schedule.alpha_bar[t[i - 1]]
        forward += _log_normal(x[:, i], math.sqrt(ratio) * x[:, i - 1], math.sqrt(1 - ratio))
    last = schedule.alpha_bar[t[-1]]
    backward = _log_normal(x[:, -1], math.sqrt(last) * x[:, 0], math.sqrt(1 - last))
    for i in range(len(t) - 1, 1, -1):
        mean, sigma = posterior(x[:, i], x[:, 0], schedule.coefficients(t[i], t[i - 1], eta=1.0))
        backward += _log_normal(x[:, i - 1], mean, sigma)
    return [
        equal("backward", float(backward.mean()), float(forward.mean()), 1e-6 * max(1.0, abs(float(forward.mean())))),
        at_most("difference", float(np.abs(backward - forward).max()), 1e-6),
    ]


def _log_normal(x: np.ndarray, mean: np.ndarray, std: float) -> np.ndarray:
    """Log density of independent values, summed over the last axis."""
    return (-(((x - mean) / std) ** 2) / 2 - math.log(std) - math.log(2 * math.pi) / 2).sum(-1)


def marginals(checkpoint: Checkpoint) -> list[Value]:
    """Lemma 1: q_sigma has the marginals N(sqrt(ab_t) x_0, (1 - ab_t) I) for every sigma.

    The induction of App. B, carried out with numbers from t = T down to T/2: if x_t ~ N(a x_0, v) and
    x_prev ~ N(m x_t + k x_0, sigma^2), then x_prev ~ N((m a + k) x_0, m^2 v + sigma^2) (Bishop 2006, Eq. 2.115).
    """
    schedule = checkpoint.schedule
    pairs = [pair for pair in jumps(range(1, schedule.T + 1)) if pair[1] >= schedule.T // 2]
    values = []
    for name, eta in (("zero", 0.0), ("half", 0.5), ("one", 1.0)):
        *_, (alpha_bar, mean, variance) = _induction(schedule, pairs, eta)
        values.append(equal(f"variance_{name}", variance, 1 - alpha_bar, 1e-9))
    return [*values, equal("mean_half", mean, math.sqrt(alpha_bar), 1e-9)]


def skipping(checkpoint: Checkpoint) -> list[Value]:
    """Why steps can be skipped (Sec. 4.2, App. C.1): the same induction along tau gives the same marginals.

    It holds for eta = 1 as for eta = 0, so DDPM can be respaced too.
    """
    schedule = checkpoint.schedule
    pairs = jumps(tau_of(schedule, 10))
    pairs = pairs[: max(1, len(pairs) // 2)]
    values = []
    for name, eta in (("zero", 0.0), ("one", 1.0)):
        *_, (alpha_bar, mean, variance) = _induction(schedule, pairs, eta)
        values.append(equal(f"variance_{name}", variance, 1 - alpha_bar, 1e-9))
    return [*values, equal("mean", mean, math.sqrt(alpha_bar), 1e-9)]


def _induction(
    schedule: Schedule, pairs: Sequence[tuple[int, int]], eta: float
) -> Iterator[tuple[float, float, float]]:
    """Yield alpha_bar, and the factor of x_0 and the variance that the induction gives, for x_T and after each jump."""
    alpha_bar = float(schedule.alpha_bar[pairs[0][0]])
    mean, variance = math.sqrt(alpha_bar), 1 - alpha_bar
    yield alpha_bar, mean, variance
    one, zero = np.array(1.0), np.array(0.0)
    for t, t_prev in pairs:
        c = schedule.coefficients(t, t_prev, eta)
        (m, sigma), (k, _) = posterior(one, zero, c), posterior(zero, one, c)
        mean, variance = float(m * mean + k), float(m**2 * variance + sigma**2)
        yield c.alpha_bar_prev, mean, variance


def bayes(checkpoint: Checkpoint) -> list[Value]:
    """Eq. 8: q_sigma(x_t | x_prev, x_0) by Bayes' rule is Gaussian, and depends on x_0 unless eta = 1.

    With v = 1 - ab: the slope on x_prev is m v_t / v_prev, the factor of x_0 is sqrt(ab_t) - slope sqrt(ab_prev), and
    the variance is v_t - slope^2 v_prev. Only for eta = 1 these are Eq. 3: 0 and beta = 1 - ab_t / ab_prev.
    """
    schedule = checkpoint.schedule
    t, t_prev = jumps(tau_of(schedule, 20))[0]
    if not t_prev:  # q_sigma(x_1 | x_0) has no x_prev but x_0
        return [equal("x0_one", 0.0, 0, 0), equal("variance_one", 0.0, 0, 0), equal("variance_zero", 0.0, 0, 0)]

    def conditional(eta: float) -> tuple[float, float, float]:
        c = schedule.coefficients(t, t_prev, eta)
        m, _ = posterior(np.array(1.0), np.array(0.0), c)
        v_t, v_prev = 1 - c.alpha_bar, 1 - c.alpha_bar_prev
        slope = float(m) * v_t / v_prev
        return math.sqrt(c.alpha_bar) - slope * math.sqrt(c.alpha_bar_prev), v_t - slope**2 * v_prev, c.alpha_bar_prev

    beta = 1 - float(schedule.alpha_bar[t] / schedule.alpha_bar[t_prev])
    (x0_one, variance_one, _), (x0_half, _, _), (_, variance_zero, _) = map(conditional, (1.0, 0.5, 0.0))
    return [
        equal("x0_one", x0_one, 0, 1e-9),
        below("x0_half", x0_half, 0),
        equal("variance_one", variance_one, beta, 1e-9),
        equal("variance_zero", variance_zero, 0, 1e-9),
    ]


def scaling(checkpoint: Checkpoint) -> list[Value]:
    """Var(x_t) = ab_t Var(x_0) + 1 - ab_t (from Eq. 4): 1 at t = T for every scale of the data, but not at every t.

    DDPM Sec. 3.3 scales pictures to [-1, 1]. The same pictures in [0, 1] have a quarter of the variance.
    """
    schedule = checkpoint.schedule
    x_0 = pictures(checkpoint, MAX_PICTURES)
    eps = latent(checkpoint.shape, [NOISE_SEED + i for i in range(len(x_0))])
    tolerance = 6 * math.sqrt(2 / x_0.numel())
    data = float(x_0.double().var())
    t = max(1, schedule.T // 5)
    alpha_bar = float(schedule.alpha_bar[t])
    values = [below("data", data, 1)]
    for name, x, variance in (("signed", x_0, data), ("unsigned", (x_0 + 1) / 2, data / 4)):
        measured = float(diffuse(x, eps, t, schedule).double().var())
        values.append(equal(name, measured, alpha_bar * variance + 1 - alpha_bar, tolerance))
    end = float(diffuse((x_0 + 1) / 2, eps, schedule.T, schedule).double().var())
    return [*values, equal("end", end, 1, tolerance + float(schedule.alpha_bar[-1]))]


def latent_share(checkpoint: Checkpoint) -> list[Value]:
    """How much of x_T's noise is left in x_t: the product of the correlations of neighbours along q_sigma.

    Each is sqrt(1 - ab_prev - sigma^2) / sqrt(1 - ab_prev), which is 1 for eta = 0 (from Eq. 7). Measured as the
    correlation of x_T and x_t over many paths from one x_0.
    """
    schedule = checkpoint.schedule
    tau = tau_of(schedule, 20)
    middle = len(tau) // 2
    values = []
    for name, eta in (("zero", 0.0), ("one", 1.0)):
        paths = non_markov_paths(np.zeros(POINTS), tau, schedule, eta, seed=3)
        measured = float(np.corrcoef(paths.x[0, -1], paths.x[0, middle])[0, 1])
        expected = math.prod(
            math.sqrt(1 - (schedule.sigma(t, s, eta) ** 2) / (1 - schedule.alpha_bar[s]))
            for t, s in jumps(tau)
            if s >= paths.t[middle]
        )
        values.append(equal(name, measured, expected, 5 / math.sqrt(POINTS)))
    return values
