"""Batched runs compared with the same runs one at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small import SHAPE, WAVY, any_settings, wavy
from torch import Tensor

import explorer as ex
from explorer.sampler import Run, denoise_together


@pytest.fixture
def listening() -> tuple[ex.Checkpoint, list[tuple[int, object]]]:
    """A checkpoint, and a list to which it appends the batch size and the labels of every call."""
    calls: list[tuple[int, object]] = []

    def predict_noise(x_t: Tensor, t: int | Tensor) -> Tensor:
        calls.append((len(x_t), t.tolist() if isinstance(t, Tensor) else t))
        return wavy(x_t, t)

    return ex.from_denoiser(predict_noise, SHAPE), calls


@given(st.lists(st.tuples(any_settings(steps=12), st.integers(1, 3)), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_every_step_of_a_batched_run_equals_that_of_the_run_alone(plans):
    runs = [Run(ex.latent(SHAPE, range(rows)), settings) for settings, rows in plans]
    together = list(denoise_together(WAVY, runs))
    assert len(together) == max(run.settings.steps for run in runs)
    for i, run in enumerate(runs):
        alone = list(ex.denoise(WAVY, run.x_T, run.settings))
        steps = [steps[i] for steps in together]
        assert steps[len(alone) :] == [None] * (len(together) - len(alone))
        for mine, theirs in zip(steps, alone, strict=False):
            assert mine.coefficients == theirs.coefficients
            assert torch.equal(mine.x_t, theirs.x_t)
            assert torch.equal(mine.x_prev, theirs.x_prev)
            assert (mine.z is None) == (theirs.z is None)


def test_all_runs_share_one_call_and_each_row_has_its_own_t(listening):
    checkpoint, calls = listening
    runs = [Run(ex.latent(SHAPE, [0, 1]), ex.Settings(4)), Run(ex.latent(SHAPE, [2]), ex.Settings(2, 1.0))]
    list(denoise_together(checkpoint, runs))
    assert calls == [(3, 1000), (3, [750, 750, 500]), (2, 500), (2, 250)]


def test_wrong_labels_are_indices_into_tau_and_change_nothing_else(listening):
    checkpoint, calls = listening
    x_T = ex.latent(SHAPE, [0])
    steps = [step for (step,) in denoise_together(checkpoint, [Run(x_T, ex.Settings(4), wrong_labels=True)])]
    assert calls == [(1, 4), (1, 3), (1, 2), (1, 1)]
    assert [step.t for step in steps] == [1000, 750, 500, 250]
    for step, S in zip(steps, (4, 3, 2, 1), strict=True):
        assert step.coefficients == checkpoint.schedule.coefficients(step.t, step.t_prev)
        assert torch.equal(step.eps_theta, wavy(step.x_t, S))


def test_wrong_labels_are_correct_if_S_equals_T():
    x_T = ex.latent(SHAPE, [0])
    right, wrong = (Run(x_T, ex.Settings(1000), wrong_labels=wrong) for wrong in (False, True))
    *_, (a, b) = denoise_together(WAVY, [right, wrong])
    assert torch.equal(a.x_prev, b.x_prev)


def test_a_run_does_not_modify_x_T():
    x_T = ex.latent(SHAPE, [0])
    list(denoise_together(WAVY, [Run(x_T, ex.Settings(3, 1.0)), Run(x_T, ex.Settings(3))]))
    assert torch.equal(x_T, ex.latent(SHAPE, [0]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x_T: [], "at least one run"),
        (lambda x_T: [Run(x_T, ex.Settings(2)), Run(x_T[:, :, :2], ex.Settings(2))], r"x_T must be \(B, 1, 4, 4\)"),
        (lambda x_T: [Run(x_T, ex.Settings(1001))], "from 1 to 1000"),
        (lambda x_T: [Run(x_T, ex.Settings(2, noise_seed=(1, 2)))], "2 seeds, but the batch has 1 rows"),
    ],
)
def test_invalid_runs_are_refused_before_the_first_step(make: Callable[[Tensor], list[Run]], message: str):
    with pytest.raises(ValueError, match=message):
        denoise_together(WAVY, make(ex.latent(SHAPE, [0])))
