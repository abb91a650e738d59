"""Reports on exercises: their texts in three languages, and their pictures."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from planted_slips import step
from test_notebook import images_of

import explorer as ex
from explorer.exercises import TASKS, formulas
from explorer.exercises.calling import Convention, to_numpy
from explorer.exercises.texts import LANGUAGES, check_language, say, texts
from explorer.support.messages import PLACEHOLDER

# Functions written in numpy are given torch tensors, too: the check tries both. torch does not know numpy 2's __array_wrap__ yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__ must accept context:DeprecationWarning")
SIGMA_FOR_DIRECTION = step(direction=lambda ab, prev, s, eta: s)


@pytest.fixture(scope="module")
def gaussian_module():
    """Gaussian data of pictures, with a mean of its own for each pixel."""
    schedule = ex.Schedule.linear()
    mean = torch.linspace(-0.8, 0.8, 3 * 8 * 8).reshape(3, 8, 8)

    def predict_noise(x_t, t):
        ab = float(schedule.alpha_bar[int(t)])
        return (1 - ab) ** 0.5 * (x_t - ab**0.5 * mean) / (ab * 0.2**2 + 1 - ab)

    return ex.from_denoiser(predict_noise, (3, 8, 8), schedule, "faces of one colour")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_placeholders(language):
    assert texts(language).keys() == texts("en").keys()
    for key, text in texts(language).items():
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(texts("en")[key])), key
        assert not re.search(r"\d\.\d{3}", text), key  # measured numbers are filled in
    names = {slip.name for task in TASKS.values() for slip in task.slips}
    assert {key.split(".")[1] for key in texts(language) if key.startswith("slips.")} == names


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_term_of_every_task_has_a_name(language):
    for task in TASKS.values():
        for term in task.terms:
            assert f"terms.{task.name}.{term}" in texts(language) or f"terms.{term}" in texts(language), (
                task.name,
                term,
            )


def test_the_report_speaks_the_learners_language(monkeypatch):
    report = ex.check("ddim_step", SIGMA_FOR_DIRECTION, checkpoint=None, language="en")
    assert "σ as the factor of the direction" in str(report)
    for language in ("zh", "ko"):
        assert say(language, "slips.sigma-for-direction.name") in str(replace(report, language=language))
    for name, language in (("zh_CN.UTF-8", "zh"), ("ko_KR.UTF-8", "ko"), ("fr_FR.UTF-8", "en"), ("", "en")):
        monkeypatch.setenv("LC_ALL", name)
        monkeypatch.setenv("LANG", name)
        if name:
            assert check_language(None) == language


@pytest.mark.parametrize("task", TASKS)
def test_a_correct_solution_makes_the_correct_pictures(task, gaussian_module):
    report = ex.check(task, TASKS[task].reference, checkpoint=gaussian_module)
    assert report.passed, report
    assert not report.comparison.differ
    assert len(images_of(report._repr_html_())) == 2


@pytest.mark.parametrize("task", TASKS)
def test_a_slip_is_shown_beside_the_correct_picture(task, gaussian_module):
    report = ex.check(task, TASKS[task].slips[0].function, checkpoint=gaussian_module, language="en")
    assert not report.passed
    assert report.comparison.differ
    html = report._repr_html_()
    yours, correct, *_ = images_of(html)
    assert not np.array_equal(yours, correct)
    assert report.title in html
    assert f"First difference, at t = {report.comparison.first.t}" in html


def test_the_pictures_are_those_of_the_first_step_that_differs(gaussian_module):
    schedule, tau = gaussian_module.schedule, formulas.timesteps(1000, 6)
    switch = float(schedule.alpha_bar[tau[3]])

    def late(x_t, eps, z, ab, prev, eta):
        return (formulas.ddim_step if ab < switch else SIGMA_FOR_DIRECTION)(x_t, eps, z, ab, prev, eta)

    report = ex.check("ddim_step", late, checkpoint=gaussian_module)
    assert report.comparison.first.t == tau[2]
    run = list(ex.denoise(gaussian_module, ex.latent((3, 8, 8), [22]), ex.Settings(6, eta=0.5, noise_seed=22)))
    assert torch.allclose(report.comparison.first.correct, run[2].x_prev[0], atol=1e-3)
    assert torch.allclose(report.comparison.final.correct, run[-1].x_prev[0], atol=1e-3)


def test_a_function_that_knows_only_the_small_models_does_not_pass(gaussian_module):
    def memorised(x_t, eps, alpha_bar):
        return formulas.predicted_x0(x_t, eps, alpha_bar) * (1 if x_t.shape[1:] == (2, 4, 4) else 0.5)

    report = ex.check("predicted_x0", memorised, checkpoint=gaussian_module)
    assert not report.passed
    assert report.comparison.differ

    def fixed_shape(x_t, eps, alpha_bar):
        return formulas.predicted_x0(x_t.reshape(3, 2, 4, 4), eps, alpha_bar)

    assert ex.check("predicted_x0", fixed_shape, checkpoint=gaussian_module).slip == "raises"


def test_without_the_checkpoint_the_check_goes_on_and_says_so():
    report = ex.check("sigma", formulas.sigma, checkpoint="no/such/../checkpoint", language="en")
    assert report.passed
    assert "There are no pictures" in str(report)


def test_texts_of_errors_are_escaped_in_html():
    def fail(alpha_bar, alpha_bar_prev, eta):
        raise ValueError("<script>alert(1)</script>")

    html = ex.check("sigma", fail, checkpoint=None)._repr_html_()
    assert "<script>" not in html


def test_arguments_are_passed_as_the_convention_says():
    assert isinstance(Convention(True).convert(np.zeros((1, 1, 2, 2), np.float32)), torch.Tensor)
    assert isinstance(Convention(True).convert(0.5), float)
    assert Convention(True, tensor_numbers=True).convert(0.5).ndim == 0
    assert isinstance(Convention(False).convert(np.zeros((1, 1, 2, 2))), np.ndarray)
    assert to_numpy(torch.ones(2, dtype=torch.bfloat16)).tolist() == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_correct_functions_pass_on_faces(task):
    report = ex.check(task, TASKS[task].reference)
    assert report.passed
    assert report.comparison.checkpoint == "faces-64"
