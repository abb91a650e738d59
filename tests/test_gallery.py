"""The gallery of slips: runs with a slip in the step, in sigma, in the time steps or in the loop."""

import numpy as np
import pytest
import torch

import explorer as ex
from explorer.exercises.gallery import Experiment, Planted, gallery
from explorer.exercises.tasks import TASKS
from explorer.latents import step_noise

STEPS, ETA = 30, 0.5  # S does not divide T


@pytest.fixture(scope="module")
def checkpoint(gaussian):
    return gaussian()


@pytest.fixture(scope="module")
def experiment(checkpoint):
    return Experiment(
        checkpoint.schedule.alpha_bar,
        STEPS,
        ETA,
        ex.latent(checkpoint.shape, [0]).numpy(),
        noise_at=lambda t: step_noise(checkpoint.shape, [3], t).numpy(),
        network=lambda x, t: checkpoint.predict_noise(torch.from_numpy(x), t).numpy(),
    )


@pytest.mark.parametrize(("task", "eta"), [("ddim_step", ETA), ("sigma", ETA), ("sample", 0.0), ("timesteps", 0.0)])
def test_the_correct_functions_make_the_picture_of_the_library(experiment, checkpoint, task, eta):
    run = experiment.run(Planted(TASKS[task]))
    x_T = ex.latent(checkpoint.shape, [0])
    expected = ex.sample(checkpoint, x_T, ex.Settings(STEPS, eta, noise_seed=3))
    assert np.allclose(run.picture, expected.numpy(), atol=1e-5)
    assert len(run.predictions) == STEPS
    assert np.allclose(run.predictions[-1], expected.numpy(), atol=1e-5)  # the last step returns predicted x_0


@pytest.mark.parametrize("name", gallery())
def test_every_slip_has_a_run_of_its_own(experiment, name):
    planted = gallery()[name]
    correct = experiment.run(Planted(TASKS["sample" if planted.is_loop else "ddim_step"])).picture
    run = experiment.run(planted)
    assert run.picture.shape == correct.shape
    assert run.predictions
    if name not in SAME:
        assert not np.allclose(run.picture, correct, atol=1e-4, equal_nan=True), name


SAME = {  # with the settings of this test, or because the network is an affine function that does not notice
    "ddim_step.one-noise-for-the-batch",  # the batch has one row
}


def test_the_network_is_never_asked_about_a_state_or_a_time_step_that_it_cannot_have(checkpoint):
    asked = []

    def network(x, t):
        asked.append((float(np.abs(x).max()), t))
        return np.full_like(x, np.inf)

    x_T = ex.latent(checkpoint.shape, [0]).numpy()
    experiment = Experiment(checkpoint.schedule.alpha_bar, 10, 1.0, x_T, lambda t: x_T, network)
    for name in ("timesteps.zero-included", "ddim_step.alpha-bars-swapped", "sample.label-is-index"):
        experiment.run(gallery()[name])
    assert max(largest for largest, _ in asked) <= 1e3
    assert all(1 <= t <= checkpoint.schedule.T for _, t in asked)
