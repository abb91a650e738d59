"""Exercises: a known slip is named, a correct function passes in any form, and a wrong one never does."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_slips import PLANTED, sigma, slerp, step, x0_of

import explorer as ex
from explorer.exercises import TASKS, formulas
from explorer.exercises.exact_loop import to_numpy
from explorer.sampler import ddpm_posterior_step
from explorer.schedule import Coefficients

# Functions written in numpy are given torch tensors, too: the check tries both. torch does not know numpy 2's __array_wrap__ yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__ must accept context:DeprecationWarning")
OWN = [(task.name, slip.name, slip.function) for task in TASKS.values() for slip in task.slips]
NOT_WHOLE = {"x0", "direction", "noise", "sigma", "eps"}


def check(task, function, **options):
    return ex.check(task, function, checkpoint=None, language="en", **options)


def in_numpy(function):
    return lambda *args: function(*args) if np else None  # a function that names numpy is given numpy arrays


@pytest.mark.parametrize(("task", "slip", "function"), PLANTED, ids=[f"{t}-{s}" for t, s, _ in PLANTED])
def test_a_slip_as_students_write_it_is_named_with_its_number(task, slip, function):
    report = check(task, function)
    assert (report.passed, report.slip) == (False, slip)
    assert report.term in TASKS[task].terms
    assert report.number.yours != report.number.correct


def test_every_known_slip_is_named():
    named = [(task, slip, check(task, in_numpy(function)).slip) for task, slip, function in OWN]
    assert [row for row in named if row[1] != row[2]] == []
    assert len({slip for _, slip, _ in named}) > 60


# Correct functions in other forms


def m_k_form(x_t, eps, z, ab, prev, eta):
    """App. C of the notes: m x_t + k x_0 + sigma z."""
    s = sigma(ab, prev, eta)
    m = math.sqrt((1 - prev - s**2) / (1 - ab))
    k = math.sqrt(prev) - m * math.sqrt(ab)
    return m * x_t + k * x0_of(x_t, eps, ab) + s * z


def posterior_mean_at_eta_one(x_t, eps, z, ab, prev, eta):
    if eta != 1:
        return m_k_form(x_t, eps, z, ab, prev, eta)
    c = Coefficients(2, 1, float(ab), float(prev), math.sqrt(prev), 0.0, 0.0)
    return ddpm_posterior_step(x_t, x0_of(x_t, eps, ab), z, c)


def diffusers_formula(x_t, eps, z, ab, prev, eta):
    """The scheduler itself, with a schedule of the two alpha_bar."""
    scheduler = DDIMScheduler(num_train_timesteps=2, clip_sample=False, set_alpha_to_one=True, steps_offset=0)
    scheduler.alphas_cumprod = torch.tensor([prev, ab], dtype=torch.float64)
    scheduler.set_timesteps(2)
    out = scheduler.step(eps.double(), 1, x_t.double(), eta=float(eta), variance_noise=z.double())
    return out.prev_sample


def numpy_only(x_t, eps, z, ab, prev, eta):
    assert isinstance(x_t, np.ndarray)
    variance = np.float64(eta) ** 2 * (1 - prev) / (1 - ab) * (1 - ab / prev)
    x0 = np.divide(np.subtract(x_t, np.sqrt(1 - ab) * eps), np.sqrt(ab))
    return np.add(np.sqrt(prev) * x0, np.sqrt(1 - prev - variance) * eps) + np.sqrt(variance) * z


def tensor_numbers_only(x_t, eps, z, ab, prev, eta):
    s = eta * torch.sqrt((1 - prev) / (1 - ab)) * torch.sqrt(1 - ab / prev)
    x0 = (x_t - torch.sqrt(1 - ab) * eps) / torch.sqrt(ab)
    return prev.sqrt() * x0 + torch.sqrt(1 - prev - s**2) * eps + s * z


def float32_numbers(x_t, eps, z, ab, prev, eta):
    ab, prev, eta = (torch.tensor(float(value), dtype=torch.float32) for value in (ab, prev, eta))
    return tensor_numbers_only(x_t, eps, z, ab, prev, eta)


def ode_form(x_t, eps, z, ab, prev, eta):
    """x / sqrt(ab) moves along eps by the difference of sqrt((1 - ab) / ab), plus what sigma changes."""
    s = sigma(ab, prev, eta)
    noise = (1 - prev - s**2) ** 0.5 / prev**0.5 - ((1 - ab) / ab) ** 0.5
    return prev**0.5 * (x_t / ab**0.5 + noise * eps) + s * z


FORMS = [
    step(),
    m_k_form,
    posterior_mean_at_eta_one,
    diffusers_formula,
    numpy_only,
    tensor_numbers_only,
    float32_numbers,
    ode_form,
    formulas.ddim_step,
]


@pytest.mark.parametrize("function", FORMS, ids=lambda f: f.__name__)
def test_a_correct_step_passes_in_every_form(function):
    report = check("ddim_step", function)
    assert report.passed, report
    assert report.slip is None


@pytest.mark.parametrize(
    ("task", "function"),
    [
        ("diffuse", lambda x, e, ab: torch.sqrt(ab) * x + torch.sqrt(1 - ab) * e),
        ("diffuse", lambda x, e, ab: ab.sqrt().view(-1, 1, 1, 1) * x + (1 - ab).sqrt().view(-1, 1, 1, 1) * e),
        ("predicted_x0", lambda x, e, ab: x / np.sqrt(ab) - np.sqrt(1 / ab - 1) * e),
        ("sigma", lambda ab, prev, eta: eta * ((1 - prev) / (1 - ab) * (1 - ab / prev)) ** 0.5),
        ("sigma", lambda ab, prev, eta: torch.tensor([float(sigma(ab, prev, eta))])),
        ("timesteps", ex.timesteps),
        ("timesteps", lambda T, S: np.floor(np.arange(1, S + 1) * T / S).astype(int)),
        ("timesteps", lambda T, S: torch.arange(1, S + 1) * T // S),
        ("slerp", slerp),
        ("slerp", ex.slerp),
        ("encode_step", lambda x, e, ab, up: x0_of(x, e, ab) * torch.sqrt(up) + (1 - up) ** 0.5 * e),
        ("sample", formulas.sample),
    ],
)
def test_correct_functions_of_the_other_tasks_pass(task, function):
    assert check(task, function).passed


def test_a_sampling_loop_with_keywords_numpy_labels_or_tensors_passes():
    def keywords(step, predict_noise, alpha_bar, tau, x_T):
        x, prevs = x_T.clone(), [0, *tau]
        for i in range(len(tau) - 1, -1, -1):
            t = torch.full((len(x),), tau[i])
            eps = predict_noise(x, t)
            x = step(x_t=x, eps=eps, z=None, alpha_bar=alpha_bar[tau[i]], alpha_bar_prev=alpha_bar[prevs[i]], eta=0)
        return x

    def in_numpy(step, predict_noise, alpha_bar, tau, x_T):
        x = np.copy(x_T)
        for t, t_prev in zip(np.array(tau)[::-1], [*np.array(tau)[-2::-1], 0], strict=True):
            x = step(x, predict_noise(x, t), np.zeros_like(x), alpha_bar[t], alpha_bar[t_prev], 0.0)
        return x

    assert check("sample", keywords).passed
    assert check("sample", in_numpy).passed


# Wrong functions


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    which=st.sampled_from(["x0", "direction", "noise", "offset"]),
    size=st.floats(0.003, 3),
    sign=st.sampled_from([-1, 1]),
)
def test_a_step_with_any_term_changed_never_passes(which, size, sign):
    by = {"x0": 1.0, "direction": 1.0, "noise": 1.0, "offset": 0.0, which: (which != "offset") + sign * size}

    def wrong(x_t, eps, z, ab, prev, eta):
        s = sigma(ab, prev, eta)
        x0 = by["x0"] * math.sqrt(prev) * x0_of(x_t, eps, ab)
        return x0 + by["direction"] * math.sqrt(1 - prev - s * s) * eps + by["noise"] * s * z + by["offset"]

    report = check("ddim_step", wrong)
    assert not report.passed
    assert report.term in NOT_WHOLE or which in ("x0", "offset") or report.slip


@settings(max_examples=30, deadline=None)
@given(task=st.sampled_from(["diffuse", "predicted_x0", "encode_step", "slerp", "sigma"]), data=st.data())
def test_a_result_with_one_changed_number_never_passes(task, data):
    probe = data.draw(st.integers(0, len(TASKS[task].probes) - 1))
    by = data.draw(st.floats(0.003, 10)) * data.draw(st.sampled_from([-1, 1]))
    place = data.draw(st.integers(0, 95))
    wanted = TASKS[task].probes[probe]

    def wrong(*args):
        result = to_numpy(TASKS[task].reference(*args))
        same = all(np.array_equal(a, b) for a, b in zip(args, wanted, strict=True))
        if same:
            scale = max(np.abs(result).max(), 0.1)
            result.reshape(-1)[place % result.size] += by * scale
        return result

    assert not check(task, wrong).passed


def test_an_unknown_slip_is_told_by_its_term_and_number_and_not_guessed():
    report = check("ddim_step", step(direction=lambda ab, prev, s, eta: 1.1 * math.sqrt(1 - prev - s * s)))
    assert (report.slip, report.term) == (None, "direction")
    assert report.title == "differs from Eq. 12 in this term: direction pointing to x_t, √(1−ᾱ_prev−σ²) ε"
    assert float(report.number.yours) == pytest.approx(1.1 * float(report.number.correct), rel=1e-3)
    report = check("ddim_step", step(noise=lambda ab, prev, s, eta: 0.9 * s))
    assert (report.slip, report.term, report.number.symbol) == (None, "noise", "z")
    report = check("ddim_step", step(scale=lambda ab, prev, s, eta: 0.9 * math.sqrt(prev)))
    assert (report.slip, report.term) == (None, "x0")
    report = check("ddim_step", lambda *args: torch.sin(step()(*args)))
    assert (report.slip, report.term) == (None, "whole")


# Functions without a usable result


def in_place(x_t, eps, alpha_bar):
    x_t -= math.sqrt(1 - alpha_bar) * eps
    x_t /= math.sqrt(alpha_bar)
    return x_t


def half(x_t, eps, alpha_bar):
    return x0_of(x_t.half(), eps.half(), alpha_bar).float()


def stub(x_t, eps, alpha_bar):
    raise NotImplementedError("write Eq. 9 here")


@pytest.mark.parametrize(
    ("function", "slip", "says"),
    [
        (stub, "not-implemented", "write Eq. 9 here"),
        (lambda x_t, eps, alpha_bar: unknown_name, "raises", "NameError: name 'unknown_name' is not defined (line "),  # noqa: F821
        (lambda x_t, eps: x_t, "signature", "predicted_x0(x_t, eps, alpha_bar)"),
        (lambda x_t, eps, alpha_bar: None, "no-result", "return"),
        (lambda x_t, eps, alpha_bar: "x0", "wrong-type", "returns a str"),
        (lambda x_t, eps, alpha_bar: {}, "wrong-type", "returns a dict"),
        (lambda x_t, eps, alpha_bar: x0_of(x_t, eps, alpha_bar)[0], "shape", "(2, 4, 4); it should be (3, 2, 4, 4)"),
        (lambda x_t, eps, alpha_bar: x0_of(x_t, eps, alpha_bar).half(), "float16", "16 bits"),
        (lambda x_t, eps, alpha_bar: x0_of(x_t, eps, alpha_bar).bfloat16(), "float16", "16 bits"),
        (half, "float16", "16 bits"),
        (lambda x_t, eps, alpha_bar: x0_of(x_t, eps, alpha_bar) / 0, "not-finite", "ᾱ_t = 0.9"),
        (lambda x_t, eps, alpha_bar: x0_of(x_t, eps, alpha_bar) + 1e-2 * torch.randn_like(x_t), "random", "Two calls"),
        (in_place, "in-place", "x_t holds other values"),
    ],
)
def test_a_function_without_a_usable_result_gets_a_clear_report(function, slip, says):
    report = check("predicted_x0", function)
    assert (report.passed, report.slip, report.term) == (False, slip, None)
    assert says in str(report)


def test_nan_everywhere_names_no_slip():
    """With alpha_bar and alpha_bar_prev swapped the result is NaN, too, but not if they are given swapped."""
    for task in ("sigma", "ddim_step"):
        report = check(task, lambda *args: args[0] * math.nan)
        assert (report.slip, report.term) == ("not-finite", None)


def test_the_sampling_step_divides_by_zero_where_an_encoding_starts():
    report = check("encode_step", lambda x, e, ab, up: step()(x, e, 0, ab, up, 0))
    assert report.slip in ("not-finite", "raises")


def test_right_time_steps_as_floats_are_refused():
    assert check("timesteps", lambda T, S: [float(T * i // S) for i in range(1, S + 1)]).slip == "float-steps"


def test_a_function_that_exits_does_not_end_the_session():
    assert check("sigma", lambda ab, prev, eta: exit()).slip == "raises"


def test_a_function_that_never_ends_is_stopped():
    def endless(ab, prev, eta):
        while True:
            pass

    began = time.monotonic()
    report = check("sigma", endless, time_limit=0.3)
    assert report.slip == "time-limit"
    assert "0.3 seconds" in str(report)
    assert time.monotonic() - began < 5
    assert not any(thread.name == "exercise" for thread in threading.enumerate())


def test_without_a_time_limit_the_function_runs_in_the_calling_thread():
    threads = []

    def record(ab, prev, eta):
        threads.append(threading.current_thread())
        return sigma(ab, prev, eta)

    assert check("sigma", record, time_limit=None).passed
    assert set(threads) == {threading.current_thread()}


def test_unusable_arguments_are_refused():
    with pytest.raises(ValueError, match="task must be one of diffuse, predicted_x0"):
        ex.check("ddpm_step", sigma)
    with pytest.raises(ValueError, match="language must be one of en, zh, ko"):
        ex.check("sigma", sigma, language="de")
    with pytest.raises(ValueError, match="time_limit"):
        ex.check("sigma", sigma, time_limit=0)
    with pytest.raises(TypeError, match=r"needs a function sigma\(alpha_bar, alpha_bar_prev, eta\)"):
        ex.check("sigma", 3)


# The correct functions beside the package's own


def test_the_correct_functions_agree_with_the_sampler():
    schedule = ex.Schedule.linear()
    x_t, eps, z = (ex.latent((1, 4, 4), [seed]) for seed in (1, 2, 3))
    for t, t_prev in ex.jumps(ex.timesteps(1000, 7)):
        c = schedule.coefficients(t, t_prev, 0.5)
        ab, prev = c.alpha_bar, c.alpha_bar_prev
        expected = ex.ddim_step(x_t, eps, z, c).x_prev
        assert torch.allclose(formulas.ddim_step(x_t, eps, z, ab, prev, 0.5), expected, rtol=1e-5, atol=1e-4)
        assert formulas.sigma(ab, prev, 0.5) == pytest.approx(c.sigma)
        assert torch.allclose(formulas.diffuse(x_t, eps, ab), ex.diffuse(x_t, eps, t, schedule))
    assert all(formulas.timesteps(1000, S) == ex.timesteps(1000, S) for S in (1, 7, 50, 1000))
    a, b = torch.cat([x_t, eps]), torch.cat([z, x_t + eps])
    assert torch.allclose(torch.from_numpy(formulas.slerp(a.numpy(), b.numpy(), 0.3)), ex.slerp(a, b, 0.3), atol=1e-5)


def test_the_correct_loops_agree_with_sample_and_encode(gaussian):
    checkpoint = gaussian()
    alpha_bar, x_T = checkpoint.schedule.alpha_bar, ex.latent(checkpoint.shape, [1])
    tau = ex.timesteps(1000, 7)
    ours = formulas.sample(formulas.ddim_step, checkpoint.predict_noise, alpha_bar, tau, x_T)
    assert torch.allclose(ours, ex.sample(checkpoint, x_T, ex.Settings(7)), atol=1e-5)
    x_s = ours
    for s, t in zip([0, *tau[:-1]], tau, strict=True):
        x_s = formulas.encode_step(x_s, checkpoint.predict_noise(x_s, max(s, 1)), alpha_bar[s], alpha_bar[t])
    assert torch.allclose(x_s, ex.encode(checkpoint, ours, steps=7), atol=1e-4)


@pytest.mark.filterwarnings("error")
def test_a_check_warns_of_nothing_that_the_report_tells():
    """The function divides by 0 at alpha_bar = 1, and tensors are copied to numpy."""
    report = check("encode_step", lambda x, eps, ab, up: x / np.sqrt(np.float64(float(1 - ab))))
    assert not report.passed
    assert check("ddim_step", step()).passed
