"""The schedule: alpha_bar, sigma, the coefficients of Eq. 12, and tau."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import explorer as ex
from explorer.schedule import SPACINGS
from explorer.support.arguments import shorten

SCHEDULE = ex.Schedule.linear()
BETA = np.linspace(1e-4, 0.02, 1000)  # DDPM, Sec. 4: beta_1 = 1e-4 to beta_T = 0.02
JUMPS = [(1000, 999), (1000, 900), (500, 499), (731, 20), (2, 1), (2, 0), (1, 0), (1000, 0)]
NOT_A_NUMBER_OF_STEPS = [0, -1, 1001, 2.5, math.nan, math.inf, "50", None, True, 10**400, [50]]


# alpha_bar


def test_alpha_bar_begins_at_one_and_is_float64():
    assert SCHEDULE.alpha_bar[0] == 1
    assert SCHEDULE.alpha_bar.dtype == np.float64
    assert SCHEDULE.alpha_bar.shape == (1001,)
    assert SCHEDULE.T == 1000


def test_alpha_bar_is_the_running_product_of_one_minus_beta():
    product = 1.0
    for t, beta in enumerate(BETA.tolist(), start=1):
        product *= 1 - beta
        assert SCHEDULE.alpha_bar[t] == pytest.approx(product, rel=1e-12)


def test_alpha_bar_of_ddpm_ends_at_4e_minus_5():
    assert SCHEDULE.alpha_bar[1000] == pytest.approx(4.0358e-5, rel=1e-4)
    assert SCHEDULE.alpha_bar[1] == pytest.approx(0.9999, rel=1e-12)


def test_alpha_bar_is_read_only_and_a_copy():
    source = np.array([1.0, 0.5, 0.1])
    schedule = ex.Schedule(source)
    source[1] = 0.9
    assert schedule.alpha_bar[1] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        schedule.alpha_bar[1] = 0.9


@pytest.mark.parametrize(
    "alpha_bar", [[0.9, 0.5], [1.0], [1, 0.5, 0.5], [1, 0.5, 0.6], [1, 0.0], [1, -0.1], [1, math.nan], [[1, 0.5]]]
)
def test_alpha_bar_must_fall_from_one_and_stay_above_zero(alpha_bar):
    with pytest.raises(ValueError, match="alpha_bar must"):
        ex.Schedule(np.array(alpha_bar))


@pytest.mark.parametrize("betas", [[], [0.0], [1.0], [0.1, math.nan], [-0.1], [[0.1]]])
def test_betas_lie_inside_zero_and_one(betas):
    with pytest.raises(ValueError, match=r"betas .* inside \(0, 1\)"):
        ex.Schedule.from_betas(betas)


# sigma


@pytest.mark.parametrize(("t", "t_prev"), JUMPS)
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_sigma_is_equation_16(t, t_prev, eta):
    ab, ab_prev = SCHEDULE.alpha_bar[t], SCHEDULE.alpha_bar[t_prev]
    expected = eta * np.sqrt((1 - ab_prev) / (1 - ab)) * np.sqrt(1 - ab / ab_prev)
    assert SCHEDULE.sigma(t, t_prev, eta) == pytest.approx(expected, rel=1e-12)
    assert SCHEDULE.coefficients(t, t_prev, eta).sigma == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("t", [1, 2, 10, 500, 1000])
def test_sigma_at_eta_one_is_the_root_of_ddpms_beta_tilde(t):
    alpha_bar = np.concatenate([[1.0], np.cumprod(1 - BETA)])
    beta_tilde = (1 - alpha_bar[t - 1]) / (1 - alpha_bar[t]) * BETA[t - 1]  # DDPM, Eq. 7
    assert SCHEDULE.sigma(t, t - 1, 1.0) ** 2 == pytest.approx(beta_tilde, rel=1e-9)


@pytest.mark.parametrize("t", [2, 10, 500, 1000])
def test_sigma_hat_of_a_single_step_is_the_root_of_beta(t):
    assert SCHEDULE.sigma_hat(t, t - 1) ** 2 == pytest.approx(BETA[t - 1], rel=1e-9)


@pytest.mark.parametrize(("t", "t_prev"), [jump for jump in JUMPS if jump[1] > 0])
def test_sigma_hat_is_larger_than_sigma_at_eta_one(t, t_prev):
    expected = math.sqrt(1 - SCHEDULE.alpha_bar[t] / SCHEDULE.alpha_bar[t_prev])
    assert SCHEDULE.sigma_hat(t, t_prev) == pytest.approx(expected, rel=1e-12)
    assert SCHEDULE.sigma_hat(t, t_prev) > SCHEDULE.sigma(t, t_prev, 1.0)


@pytest.mark.parametrize("jump", [(0, 0), (1, 1), (1, 2), (1001, 1000), (5, -1), (math.nan, 0)])
def test_invalid_jumps_are_refused(jump):
    for function in (SCHEDULE.sigma_hat, SCHEDULE.coefficients, lambda t, t_prev: SCHEDULE.sigma(t, t_prev, 1.0)):
        with pytest.raises(ValueError, match="0 <= t_prev < t <= 1000"):
            function(*jump)


# coefficients


@pytest.mark.parametrize(("t", "t_prev"), JUMPS)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_squares_of_direction_and_noise_add_up_to_one_minus_alpha_bar_prev(t, t_prev, eta):
    c = SCHEDULE.coefficients(t, t_prev, eta)
    assert c.direction_scale**2 + c.sigma**2 == pytest.approx(1 - SCHEDULE.alpha_bar[t_prev], rel=1e-12, abs=1e-15)
    assert c.sqrt_alpha_bar_prev == pytest.approx(math.sqrt(SCHEDULE.alpha_bar[t_prev]), rel=1e-15)
    assert (c.t, c.t_prev) == (t, t_prev)
    assert (c.alpha_bar, c.alpha_bar_prev) == (SCHEDULE.alpha_bar[t], SCHEDULE.alpha_bar[t_prev])


def test_the_short_names_of_the_coefficients_are_aliases():
    c = SCHEDULE.coefficients(500, 400, 0.5)
    assert (c.x0, c.direction, c.noise) == (c.sqrt_alpha_bar_prev, c.direction_scale, c.sigma)


@pytest.mark.parametrize("variance", ["eta", "large"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("t", [1, 20, 1000])
def test_the_last_step_returns_predicted_x0(variance, eta, t):
    c = SCHEDULE.coefficients(t, 0, eta, variance)
    assert (c.sqrt_alpha_bar_prev, c.direction_scale, c.sigma) == (1, 0, 0)


@pytest.mark.parametrize(("t", "t_prev"), [jump for jump in JUMPS if jump[1] > 0])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_large_variance_has_sigma_hat_for_noise_and_sigma_one_in_the_direction(t, t_prev, eta):
    c = SCHEDULE.coefficients(t, t_prev, eta, "large")
    assert c.sigma == SCHEDULE.sigma_hat(t, t_prev)
    expected = math.sqrt(1 - SCHEDULE.alpha_bar[t_prev] - SCHEDULE.sigma(t, t_prev, 1.0) ** 2)
    assert c.direction_scale == pytest.approx(expected, rel=1e-12)


@given(
    st.integers(1, 1000),
    st.integers(0, 999),
    st.floats(0, 1),
    st.sampled_from(["eta", "large"]),
    st.floats(-3, 3),
    st.floats(-3, 3),
)
def test_both_forms_of_eq_12_are_equal(t, t_prev, eta, variance, x_t, eps):
    c = SCHEDULE.coefficients(t, t_prev % t, eta, variance)
    x0 = (x_t - math.sqrt(1 - c.alpha_bar) * eps) / math.sqrt(c.alpha_bar)
    assert c.m * x_t + c.k * x0 == pytest.approx(
        c.sqrt_alpha_bar_prev * x0 + c.direction_scale * eps, rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("t", [2, 500, 1000])
def test_m_and_k_at_eta_one_are_the_coefficients_of_ddpms_posterior_mean(t):
    ab, ab_prev, beta = SCHEDULE.alpha_bar[t], SCHEDULE.alpha_bar[t - 1], BETA[t - 1]
    c = SCHEDULE.coefficients(t, t - 1, 1.0)
    assert c.k == pytest.approx(math.sqrt(ab_prev) * beta / (1 - ab), rel=1e-6)
    assert c.m == pytest.approx(math.sqrt(1 - beta) * (1 - ab_prev) / (1 - ab), rel=1e-6)


@pytest.mark.parametrize("eta", [-0.1, 1.1, math.nan, math.inf, "0.5", None, True, [0.5], 10**400])
def test_eta_lies_in_zero_to_one(eta):
    with pytest.raises(ValueError, match="eta must be a number from 0 to 1") as raised:
        SCHEDULE.coefficients(2, 1, eta)
    assert len(str(raised.value)) < 120


@pytest.mark.parametrize("variance", ["small", "", None, 0])
def test_an_unknown_variance_is_refused_with_the_known_ones(variance):
    with pytest.raises(ValueError, match="variance must be one of eta, large"):
        SCHEDULE.coefficients(2, 1, 0.0, variance)


# tau


@st.composite
def lengths(draw) -> tuple[int, int]:
    T = draw(st.integers(1, 2000))
    return T, draw(st.integers(1, T))


@given(lengths(), st.sampled_from(SPACINGS))
def test_tau_has_S_steps_and_rises_strictly_within_1_to_T(T_S, spacing):
    T, S = T_S
    tau = ex.timesteps(T, S, spacing)
    assert len(tau) == S
    assert all(type(t) is int for t in tau)
    assert all(a < b for a, b in zip([0, *tau], tau, strict=False))
    assert tau[-1] <= T


@given(lengths(), st.sampled_from(["linear", "quadratic"]))
def test_linear_and_quadratic_tau_begin_the_run_at_T(T_S, spacing):
    assert ex.timesteps(*T_S, spacing)[-1] == T_S[0]


@given(lengths())
def test_linear_tau_is_the_floor_of_T_i_over_S(T_S):
    T, S = T_S
    assert ex.timesteps(T, S) == [math.floor(T * i / S + 1e-9) for i in range(1, S + 1)]


@given(lengths())
def test_quadratic_tau_is_the_floor_of_T_i_squared_over_S_squared_once_that_passes_i(T_S):
    T, S = T_S
    for i, t in enumerate(ex.timesteps(T, S, "quadratic"), start=1):
        assert t == max(i, math.floor(T * i * i / (S * S) + 1e-9))


@given(lengths())
def test_leading_tau_begins_at_one_with_equal_strides(T_S):
    T, S = T_S
    tau = ex.timesteps(T, S, "leading")
    assert tau[0] == 1
    assert {b - a for a, b in itertools.pairwise(tau)} <= {T // S}


@given(lengths())
def test_leading_tau_is_that_of_the_original_code_exactly_where_S_divides_T(T_S):
    """There labels are ``range(0, T, T // S)``, and the network is told them: t is one more."""
    T, S = T_S
    original = [label + 1 for label in range(0, T, T // S)]
    assert (ex.timesteps(T, S, "leading") == original) == (T % S == 0 or len(original) == S)
    assert len(original) >= S


def original_quadratic(T, S):
    """The labels of the original code (ermongroup/ddim, runners/diffusion.py, skip_type "quad"), with its repetitions."""
    seq = np.linspace(0, np.sqrt(T * 0.8), S) ** 2
    return [int(s) for s in list(seq)]


@given(lengths())
def test_original_quadratic_tau_has_the_labels_of_the_original_code_where_none_is_there_twice(T_S):
    T, S = T_S
    labels, tau = original_quadratic(T, S), ex.timesteps(T, S, "quadratic-ddim")
    if len(set(labels)) == S:
        assert [t - 1 for t in tau] == labels
    assert [t - 1 for t in tau] == [max(i, label) for i, label in enumerate(labels)]


def test_original_quadratic_tau_starts_at_label_800():
    assert ex.timesteps(1000, 10, "quadratic-ddim") == [1, 10, 40, 89, 159, 247, 356, 484, 633, 801]
    assert [ex.timesteps(1000, S, "quadratic-ddim")[-1] for S in (2, 3, 20, 50, 100, 500)] == [801] * 6
    assert ex.timesteps(1000, 2, "quadratic-ddim") == [1, 801]
    assert ex.timesteps(1000, 1, "quadratic-ddim") == [1]
    assert ex.timesteps(15, 4, "quadratic-ddim")[-1] == 12  # as the page computes it, too
    assert len(set(original_quadratic(1000, 28))) == 28  # from 30 steps on the original code visits labels twice
    assert len(set(original_quadratic(1000, 30))) < 30


def test_tau_of_every_step_is_1_to_T():
    for spacing in SPACINGS:
        assert ex.timesteps(1000, 1000, spacing) == list(range(1, 1001))


def test_tau_of_the_papers_examples():
    assert ex.timesteps(1000, 10) == [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]
    assert ex.timesteps(1000, 10, "quadratic") == [10, 40, 90, 160, 250, 360, 490, 640, 810, 1000]
    assert ex.timesteps(1000, 10, "leading") == [1, 101, 201, 301, 401, 501, 601, 701, 801, 901]
    assert ex.timesteps(1000, 3) == [333, 666, 1000]


def test_jumps_go_down_tau_and_end_at_zero():
    assert ex.jumps([1, 5, 9]) == [(9, 5), (5, 1), (1, 0)]
    assert ex.jumps([1000]) == [(1000, 0)]


@pytest.mark.parametrize("steps", NOT_A_NUMBER_OF_STEPS)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_S_is_a_whole_number_from_1_to_T(steps, spacing):
    with pytest.raises(ValueError, match=r"steps.* a whole number from 1 to 1000") as raised:
        ex.timesteps(1000, steps, spacing)
    assert len(str(raised.value)) < 160


@pytest.mark.parametrize("T", [0, -5, 1.5, math.nan, "1000", None, True])
def test_T_is_a_whole_number_of_at_least_one(T):
    with pytest.raises(ValueError, match="T must be a whole number of at least 1"):
        ex.timesteps(T, 1)


@pytest.mark.parametrize("spacing", ["cosine", "", None, 3])
def test_an_unknown_spacing_is_refused_with_the_known_ones(spacing):
    with pytest.raises(ValueError, match="spacing must be one of linear, quadratic, leading, quadratic-ddim"):
        ex.timesteps(1000, 10, spacing)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float64, float])
def test_whole_numbers_of_numpy_and_whole_floats_count_as_steps(kind):
    tau = ex.timesteps(kind(200), kind(20))
    assert tau == ex.timesteps(200, 20)
    assert all(type(t) is int for t in tau)


def test_values_in_error_messages_are_shortened():
    deep: list[object] = []
    for _ in range(20_000):
        deep = [deep]
    for value in (
        deep,
        {"a": deep},
        ["x" * 10**6],
        "x" * 10**6,
        list(range(10**5)),
        10**5000,
        {1: 10**5000},
        "\ud800\0",
    ):
        assert len(shorten(value)) <= 40
        shorten(value).encode()
    assert (shorten([1, 2]), shorten("a" * 38), shorten({"a": 1, "b": 2})) == (
        "[1, 2]",
        repr("a" * 38),
        "{'a': 1, 'b': 2}",
    )
