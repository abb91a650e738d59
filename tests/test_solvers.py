"""The ODE solvers beside the closed form for Gaussian data, and beside diffusers' schedulers on the same time steps."""

import itertools
import math

import diffusers
import numpy as np
import pytest
import torch

import explorer as ex
from explorer.solver_steps import ADAMS_BASHFORTH, half_log_snr, middle_label, rk4_weights
from explorer.solvers import (
    ORDERS,
    SolverRun,
    dpm_solver_1_step,
    network_calls,
    solve_together,
    solver_timesteps,
    steps_within,
    transfer,
)

MEAN, STD = 0.3, 0.5
CALLS = (8, 16, 32, 64, 128, 256)


def gaussian(schedule):
    """The exact eps of N(MEAN, STD^2), for one t or a t for each row, in the precision of x_t."""

    def predict_noise(x_t, t):
        ab = torch.as_tensor(schedule.alpha_bar[np.asarray(t)].reshape(-1, 1, 1, 1))
        eps = (1 - ab).sqrt() * (x_t.double() - ab.sqrt() * MEAN) / (ab * STD**2 + 1 - ab)
        return eps.to(x_t)

    return ex.from_denoiser(predict_noise, (1, 4, 4), schedule)


def solution(x, start, end):
    """The solution of the ODE for N(MEAN, STD^2), from alpha_bar ``start`` to ``end``: the same quantile."""
    std = [math.sqrt(ab * STD**2 + 1 - ab) for ab in (start, end)]
    return math.sqrt(end) * MEAN + std[1] / std[0] * (x - math.sqrt(start) * MEAN)


def schedule_even_in_lambda(T=30_000, low=-2.0, high=3.0):
    """A fine schedule whose lambda falls evenly from ``high`` at t = 1 to ``low`` at T."""
    return ex.Schedule(np.concatenate([[1], 1 / (1 + np.exp(-2 * np.linspace(high, low, T)))]))


FINE_DDPM = ex.Schedule.linear(20_000, 1e-4 / 20, 0.02 / 20)  # the alpha_bar of DDPM's schedule at 20 times as many t
X_T = torch.randn(4, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def errors(solver, schedule, spacing):
    """log of the calls and of the rms error of the state at the end, for each number of calls.

    All solvers but plms take DDIM's step 1 -> 0, whose error is not theirs: the exact state at t = 1 takes it, too.
    """
    checkpoint, ab = gaussian(schedule), schedule.alpha_bar
    exact = solution(X_T, ab[-1], ab[1])
    exact = transfer(exact, checkpoint.predict_noise(exact, 1), ab[1], 1.0)
    points = []
    for calls in CALLS:
        *_, last = ex.solve(checkpoint, X_T, solver, steps_within(solver, calls), spacing)
        points.append((math.log(last.calls), math.log((last.x_prev - exact).square().mean().sqrt())))
    return np.array(points).T


@pytest.mark.parametrize("solver", ex.SOLVERS)
def test_the_error_falls_with_the_theoretical_order(solver):
    schedule = FINE_DDPM if solver == "plms" else schedule_even_in_lambda()
    slope = -np.polyfit(*errors(solver, schedule, "log-snr"), 1)[0]
    assert slope == pytest.approx(ORDERS[solver], abs=0.2)


@pytest.mark.parametrize(
    ("solver", "order"),
    [("ddim", 0.96), ("heun", 1.6), ("dpm-solver-2", 1.7), ("dpm-solver++-2m", 1.7), ("plms", 2.0), ("rk4", 1.3)],
)
def test_evenly_spaced_t_of_ddpms_schedule_lower_the_measured_order(solver, order):
    """Their first jumps are long in s, their last ones in lambda, and the last one is Euler's. plms needs even steps in t."""
    slope = -np.polyfit(*errors(solver, ex.Schedule.linear(), "linear"), 1)[0]
    assert slope == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("spacing", ["linear", "quadratic", "leading"])
def test_ddim_is_the_sampler_at_eta_zero(gaussian, spacing, clip):
    checkpoint, x_T = gaussian(), ex.latent((1, 4, 4), [0, 1])
    sampled = list(ex.denoise(checkpoint, x_T, ex.Settings(10, spacing=spacing, clip=clip)))
    solved = list(ex.solve(checkpoint, x_T, "ddim", 10, spacing, clip))
    for a, b in zip(sampled, solved, strict=True):
        assert (a.t, a.t_prev) == (b.t, b.t_prev)
        assert torch.allclose(a.x0, b.x0, atol=1e-5)
        assert torch.allclose(a.x_prev, b.x_prev, atol=1e-5)


def test_ddims_step_is_dpm_solver_1():
    schedule = ex.Schedule.linear()
    for step in ex.solve(gaussian(schedule), X_T, "ddim", 20):
        other = dpm_solver_1_step(step.x_t, step.eps_theta, step.alpha_bar, step.alpha_bar_prev)
        assert torch.allclose(step.x_prev, other, atol=1e-12)


# ---- beside diffusers ----

BETAS = {"num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}


def pictures_of(scheduler, labels, x_T, scale=None):
    """The result of a scheduler of diffusers with the time steps ``labels`` + 1, the network scaled as it expects."""
    checkpoint, x = gaussian(ex.Schedule.linear()), x_T
    for label in labels:
        model_input = scheduler.scale_model_input(x, label) if hasattr(scheduler, "scale_model_input") else x
        x = scheduler.step(checkpoint.predict_noise(model_input, int(label) + 1), label, x).prev_sample
    return x


def relative_difference(a, b):
    """Largest difference, over the range of a picture."""
    return float((a - b).abs().max()) / 2


def labels_of(tau):
    """diffusers counts time steps from 0."""
    return [t - 1 for t in reversed(tau)]


@pytest.fixture
def x_T():
    return ex.latent((1, 4, 4), [0, 1]).double()


@pytest.mark.parametrize("steps", [5, 10, 50])
def test_heun_is_that_of_diffusers(x_T, steps):
    scheduler = diffusers.HeunDiscreteScheduler(**BETAS, timestep_spacing="trailing")
    scheduler.set_timesteps(steps)
    tau = solver_timesteps(ex.Schedule.linear(), steps)
    assert scheduler.timesteps.tolist() == [label for t in labels_of(tau) for label in (t, t)][1:]
    initial = x_T / math.sqrt(ex.Schedule.linear().alpha_bar[-1])  # its state is x_bar
    theirs = pictures_of(scheduler, scheduler.timesteps, initial)
    *_, ours = ex.solve(gaussian(ex.Schedule.linear()), x_T, "heun", steps)
    assert relative_difference(ours.x_prev, theirs) < 1e-4


@pytest.mark.parametrize("steps", [5, 10, 50])
def test_dpm_solver_pp_2m_is_that_of_diffusers(x_T, steps):
    scheduler = diffusers.DPMSolverMultistepScheduler(**BETAS, timestep_spacing="trailing", final_sigmas_type="zero")
    scheduler.set_timesteps(steps)
    assert scheduler.timesteps.tolist() == labels_of(solver_timesteps(ex.Schedule.linear(), steps))
    theirs = pictures_of(scheduler, scheduler.timesteps, x_T)
    *_, ours = ex.solve(gaussian(ex.Schedule.linear()), x_T, "dpm-solver++-2m", steps)
    assert relative_difference(ours.x_prev, theirs) < 1e-4


@pytest.mark.parametrize("steps", [5, 10, 40])
def test_dpm_solver_2_is_that_of_diffusers(x_T, steps):
    """Its time steps are those at which ours calls the network. It cannot take the last step, in which lambda is infinite."""
    ours = list(ex.solve(gaussian(ex.Schedule.linear()), x_T, "dpm-solver-2", steps))
    labels = [label - 1 for step in ours for label in step.labels]
    scheduler = diffusers.DPMSolverSinglestepScheduler(
        **BETAS,
        algorithm_type="dpmsolver",
        final_sigmas_type="sigma_min",
    )
    scheduler.set_timesteps(timesteps=labels)
    scheduler.order_list = [order for step in ours for order in range(1, len(step.labels) + 1)]
    theirs = pictures_of(scheduler, scheduler.timesteps[:-1], x_T)
    assert relative_difference(ours[-1].x_t, theirs) < 1e-4


@pytest.mark.parametrize("steps", [5, 10, 50])
def test_plms_is_that_of_diffusers(x_T, steps):
    scheduler = diffusers.PNDMScheduler(
        **BETAS, skip_prk_steps=True, set_alpha_to_one=True, timestep_spacing="trailing"
    )
    scheduler.set_timesteps(steps)
    assert sorted(set(scheduler.timesteps.tolist()), reverse=True) == labels_of(
        solver_timesteps(ex.Schedule.linear(), steps)
    )
    theirs = pictures_of(scheduler, scheduler.timesteps, x_T)
    *_, ours = ex.solve(gaussian(ex.Schedule.linear()), x_T, "plms", steps)
    assert ours.calls == len(scheduler.timesteps)
    assert relative_difference(ours.x_prev, theirs) < 1e-4


def test_rk4_is_kuttas_method_where_a_label_lies_in_the_middle():
    assert rk4_weights(1 / 2) == pytest.approx((1 / 6, 1 / 3, 1 / 3, 1 / 6))


@pytest.mark.parametrize("c", [0.2, 0.4, 0.5, 0.7])
def test_the_weights_of_rk4_meet_the_conditions_of_third_order(c):
    b1, b2, b3, b4 = rk4_weights(c)
    assert b1 + b2 + b3 + b4 == pytest.approx(1)
    assert (b2 + b3) * c + b4 == pytest.approx(1 / 2)
    assert (b2 + b3) * c**2 + b4 == pytest.approx(1 / 3)
    assert b3 * c * c + b4 * c == pytest.approx(1 / 6)


def test_the_weights_of_adams_and_bashforth_extrapolate_polynomials():
    """k + 1 values at 0, -1, ..., -k give the mean over 0..1 of every polynomial up to degree k."""
    for weights in ADAMS_BASHFORTH:
        for degree in range(len(weights)):
            mean = sum(w * (-k) ** degree for k, w in enumerate(weights))
            assert mean == pytest.approx(1 / (degree + 1))


# ---- the run ----


def test_the_label_nearest_to_the_middle_and_where_it_lies():
    position = np.array([0.0, 1.0, 2.0, 3.5, 5.0, 8.0])
    assert middle_label(position, 5, 1) == (4, pytest.approx(3 / 7))
    assert middle_label(position, 2, 1) is None


@pytest.mark.parametrize("solver", ex.SOLVERS)
@pytest.mark.parametrize("spacing", ["linear", "quadratic", "log-snr"])
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 60, 100])
def test_calls_are_counted_as_they_are_made(solver, spacing, steps):
    schedule, labels = ex.Schedule.linear(100), []

    def predict_noise(x_t, t):
        assert 1 <= t <= 100
        labels.append(t)
        return torch.zeros_like(x_t)

    checkpoint = ex.from_denoiser(predict_noise, (1, 1, 1), schedule)
    run = list(ex.solve(checkpoint, torch.zeros(1, 1, 1, 1), solver, steps, spacing))
    assert [step.t for step in run] == solver_timesteps(schedule, steps, spacing)[::-1]
    assert run[-1].t_prev == 0
    assert [label for step in run for label in step.labels] == labels
    assert [step.calls for step in run] == np.cumsum([len(step.labels) for step in run]).tolist()
    assert run[-1].calls == network_calls(solver, solver_timesteps(schedule, steps, spacing))
    assert steps_within(solver, run[-1].calls) <= steps


@pytest.mark.parametrize("solver", ex.SOLVERS)
def test_as_many_steps_as_the_calls_allow(solver):
    for calls in range(1, 101):
        steps = steps_within(solver, calls)
        assert network_calls(solver, ex.timesteps(1000, steps)) <= calls
        assert network_calls(solver, ex.timesteps(1000, steps + 1)) > calls


@pytest.mark.parametrize("steps", [1, 2, 5, 37, 99, 100])
def test_log_snr_steps_run_from_T_to_1_and_are_nearest_to_even_in_lambda(steps):
    schedule = ex.Schedule.linear(100)
    tau = solver_timesteps(schedule, steps, "log-snr")
    assert len(tau) == steps
    assert all(a < b for a, b in itertools.pairwise(tau))
    assert tau[-1] == 100
    assert tau[0] == (100 if steps == 1 else 1)
    if steps == 5:
        lambdas = half_log_snr(schedule)
        even = np.linspace(lambdas[1], lambdas[100], 5)
        assert tau == [1 + int(np.abs(lambdas[1:] - value).argmin()) for value in even]


def test_runs_that_share_calls_give_what_each_gives_alone():
    checkpoint = gaussian(ex.Schedule.linear())
    rows = []
    predict = checkpoint.predict_noise

    def counted(x_t, t):
        rows.append(len(x_t))
        return predict(x_t, t)

    shared = ex.from_denoiser(counted, checkpoint.shape, checkpoint.schedule)
    runs = [SolverRun(X_T[: 1 + k % 2], solver, 4 + k) for k, solver in enumerate(ex.SOLVERS)]
    together = {i: [] for i in range(len(runs))}
    calls = list(solve_together(shared, runs, max_rows=4))
    for call in calls:
        for i, step in call.steps.items():
            together[i].append(step)
    assert [call.rows for call in calls] == rows
    assert max(rows) <= 4
    assert max(rows) > 2
    for i, run in enumerate(runs):
        alone = list(ex.solve(checkpoint, run.x_T, run.solver, run.steps))
        assert [step.calls for step in together[i]] == [step.calls for step in alone]
        assert torch.allclose(together[i][-1].x_prev, alone[-1].x_prev, atol=1e-12)


@pytest.mark.parametrize("solver", ex.SOLVERS)
def test_clip_keeps_every_prediction_in_the_range_of_a_picture(solver):
    checkpoint = gaussian(ex.Schedule.linear())
    for step in ex.solve(checkpoint, 3 * X_T, solver, 6, clip=True):
        assert float(step.x0.abs().max()) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"solver": "euler"}, "solver must be one of ddim, heun, dpm-solver-2.*, not 'euler'"),
        ({"spacing": "karras"}, "spacing must be one of linear.*log-snr, not 'karras'"),
        ({"steps": 0}, "from 1 to 1000, not 0"),
        ({"steps": 1001, "spacing": "log-snr"}, "from 1 to 1000, not 1001"),
        ({"x_T": torch.zeros(1, 3, 4, 4)}, r"x_T must be \(B, 1, 4, 4\), not \(1, 3, 4, 4\)"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(arguments, message):
    with pytest.raises(ValueError, match=message):
        ex.solve(**{"checkpoint": gaussian(ex.Schedule.linear()), "x_T": X_T} | arguments)


def test_a_step_says_where_it_asked_the_network():
    first, *_ = ex.solve(gaussian(ex.Schedule.linear()), X_T, "heun", 4)
    assert repr(first) == "SolverStep(1000 -> 750: network at 1000, 750, 2 calls)"
