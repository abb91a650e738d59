"""Derivations about the training objective: the ELBO, Theorem 1, and training at random t."""

from __future__ import annotations

import math

import numpy as np

from explorer.checkpoint import Checkpoint
from explorer.derivations import exact_gaussian as exact
from explorer.derivations.exact_gaussian import MEAN, STD
from explorer.derivations.samples import tau_of
from explorer.derivations.value import Value, above, at_most, below, equal
from explorer.forward import markov_paths, non_markov_paths
from explorer.schedule import Schedule

POINTS = 20_000
BATCH = 64
BATCHES = 200
LEARNING_RATE = 0.2


def elbo(checkpoint: Checkpoint) -> list[Value]:
    """From Eq. 2 to a sum of KL terms (DDPM Eq. 5, App. A; DDIM Eq. 11), at eta = 0.5.

    The left side uses the joint Gaussians of q and p_theta as a whole, the right side the single terms.
    """
    steps = exact.plan(checkpoint.schedule, 0.5)
    network = exact.wrong_network(steps)
    total = exact.sum_of_terms(steps, network)
    return [
        equal("terms", total, exact.objective(steps, network), 1e-7 * max(1.0, abs(total))),
        below("prior", exact.prior_term(steps[0].alpha_bar), 0.01),
    ]


def theorem(checkpoint: Checkpoint) -> list[Value]:
    """Theorem 1: J_sigma = L_gamma + C, with C the same for every network.

    So the difference of two networks is the same under both. At eta = 1, gamma_t is the weight of DDPM Eq. 12,
    beta^2 / (2 sigma^2 (1 - beta) (1 - ab_t)). For sigma -> 0 it diverges as 1 / sigma^2.
    """
    schedule = checkpoint.schedule
    steps = exact.plan(schedule, 0.5)
    networks = exact.wrong_network(steps), exact.exact_network(steps)
    of_objective, of_loss = (
        of(steps, networks[0]) - of(steps, networks[1]) for of in (exact.objective, exact.weighted_loss)
    )
    middle = len(steps) // 2 if len(steps) > 1 else 0
    ddpm = exact.plan(schedule, 1.0)
    c = ddpm[middle]
    beta = 1 - c.alpha_bar / c.alpha_bar_prev
    expected = beta**2 / (2 * c.sigma**2 * (1 - beta) * (1 - c.alpha_bar)) if c.sigma else math.nan
    near, nearer = (exact.loss_weights(exact.plan(schedule, eta))[middle] for eta in (0.01, 0.001))
    return [
        equal("difference", of_loss, of_objective, 1e-7 * max(1.0, abs(of_objective))),
        equal("ddpm", exact.loss_weights(ddpm)[middle], expected, 1e-9 * abs(expected)),
        equal("growth", nearer / near, 100, 1),
    ]


def same_minimum(checkpoint: Checkpoint) -> list[Value]:
    """Sec. 3.2, after Theorem 1: with unshared parameters the weights gamma do not move the minimum of L_gamma.

    Each time step fits eps_theta(x) = a x + b by least squares, once with gamma = 1 and once with the weights of
    Theorem 1; then one a and b are shared by all time steps.
    """
    steps = exact.plan(checkpoint.schedule, 0.5)
    rng = np.random.default_rng(5)
    x_0, eps = MEAN + STD * rng.standard_normal(POINTS), rng.standard_normal((len(steps), POINTS))
    designs = [
        np.stack([math.sqrt(c.alpha_bar) * x_0 + math.sqrt(1 - c.alpha_bar) * e, np.ones(POINTS)], 1)
        for c, e in zip(steps, eps, strict=True)
    ]

    def fit(weights: list[float], chosen: range) -> np.ndarray:
        gram = sum(weights[i] * designs[i].T @ designs[i] for i in chosen)
        return np.linalg.solve(gram, sum(weights[i] * designs[i].T @ eps[i] for i in chosen))

    ones, weights = [1.0] * len(steps), exact.loss_weights(steps)
    single = [range(i, i + 1) for i in range(len(steps))]
    unshared = max(float(np.abs(fit(ones, i) - fit(weights, i)).max()) for i in single)
    shared = float(np.abs(fit(ones, range(len(steps))) - fit(weights, range(len(steps)))).max())
    return [at_most("unshared", unshared, 1e-9), above("shared", shared, 0.01)]


def random_t(checkpoint: Checkpoint) -> list[Value]:
    """Why t is drawn at random (DDPM Algorithm 1): one t per picture estimates the gradient of the sum over all t.

    A model eps_theta(x, t) = w . phi(x, t), shared by all t, is trained on N(mu, s^2). Its loss and gradient over all t
    have a closed form. The mean of many stochastic gradients is compared with it, and one step is taken.
    """
    schedule = checkpoint.schedule
    gram, cross = _moments(schedule)
    w = np.zeros(len(cross))
    rng = np.random.default_rng(7)
    t = rng.integers(1, schedule.T + 1, (BATCHES, BATCH))
    x_0, eps = MEAN + STD * rng.standard_normal(t.shape), rng.standard_normal(t.shape)
    alpha_bar = schedule.alpha_bar[t]
    phi = _features(np.sqrt(alpha_bar) * x_0 + np.sqrt(1 - alpha_bar) * eps, alpha_bar)
    gradients = 2 * ((phi @ w - eps)[..., None] * phi).mean(1)
    error = gradients.mean(0) - 2 * (gram @ w - cross)
    in_standard_errors = np.abs(error) / (gradients.std(0, ddof=1) / math.sqrt(BATCHES))

    def loss(w: np.ndarray) -> float:
        return float(w @ gram @ w - 2 * w @ cross + 1)

    return [
        below("gradient", float(in_standard_errors.max()), 5),
        below("loss", loss(w - LEARNING_RATE * gradients[0]), loss(w)),
    ]


def _features(x: np.ndarray, alpha_bar: np.ndarray) -> np.ndarray:
    """phi(x, t) = (x, x sqrt(1 - ab), sqrt(ab)), stacked on a new last axis."""
    return np.stack([x, x * np.sqrt(1 - alpha_bar), np.sqrt(alpha_bar) * np.ones_like(x)], -1)


def _moments(schedule: Schedule) -> tuple[np.ndarray, np.ndarray]:
    """E[phi phi^T] and E[phi eps], averaged over t = 1..T."""
    alpha_bar = schedule.alpha_bar[1:]
    root, noise = np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)
    scale = np.stack([np.ones_like(root), noise], -1)  # the first two features are x times these
    second = alpha_bar * (MEAN**2 + STD**2) + 1 - alpha_bar
    gram = np.zeros((len(alpha_bar), 3, 3))
    gram[:, :2, :2] = second[:, None, None] * scale[:, :, None] * scale[:, None, :]
    gram[:, :2, 2] = gram[:, 2, :2] = (root * MEAN * root)[:, None] * scale
    gram[:, 2, 2] = alpha_bar
    cross = np.concatenate([noise[:, None] * scale, np.zeros((len(alpha_bar), 1))], 1)
    return gram.mean(0), cross.mean(0)


def loss_joint(checkpoint: Checkpoint) -> list[Value]:
    """L_simple depends on the marginals alone (Sec. 3): x_t from three joints gives one loss.

    The loss of a network that is some way off, at the middle of tau, over many x_0, beside its closed form.
    """
    schedule = checkpoint.schedule
    steps = exact.plan(schedule, 0.5)
    index = len(steps) // 2
    c, network = steps[index], exact.wrong_network(steps)[index]
    expected = exact.noise_error(network, c)
    tau = tau_of(schedule, exact.STEPS)
    x_0 = MEAN + STD * np.random.default_rng(9).standard_normal(POINTS)
    processes = {
        "markov": markov_paths(x_0, tau, schedule, seed=11),
        "half": non_markov_paths(x_0, tau, schedule, 0.5, seed=12),
        "zero": non_markov_paths(x_0, tau, schedule, 0.0, seed=13),
    }
    values = []
    for name, paths in processes.items():
        x_t = paths.x[0, paths.t.index(c.t)]
        eps = (x_t - math.sqrt(c.alpha_bar) * x_0) / math.sqrt(1 - c.alpha_bar)
        errors = np.square(eps - network.slope * x_t - network.intercept)
        values.append(equal(name, float(errors.mean()), expected, 5 * float(errors.std()) / math.sqrt(POINTS)))
    return values
