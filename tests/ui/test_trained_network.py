"""What the page shows of the network that is shipped, on the fast engine. The other tests in a browser need no trained one."""

import numpy as np
import pytest
from gradio_client import Client
from PIL import Image
from stage import lane

import explorer as ex
from explorer.evaluation.metrics import grain
from explorer.media.convert import to_unit


@pytest.mark.slow
def test_the_picture_endpoint_of_the_fast_engine_gives_the_picture_of_the_core(trained_app_url, trained_faces):
    made = Image.open(Client(trained_app_url, verbose=False).predict(seed=5, steps=2, api_name="/picture"))
    exact = ex.to_image(ex.sample(trained_faces, ex.latent(trained_faces.shape, [5]), ex.Settings(steps=2)))
    assert np.abs(np.asarray(made, dtype=int) - np.asarray(exact)).max() <= 2  # another engine


def test_the_pictures_of_the_fast_engine_on_the_screen_are_those_of_the_core(trained_stage, trained_faces):
    trained_stage.open("?seed=5&steps=10&eta=0&t=600")
    x_T = ex.latent(trained_faces.shape, [5])
    step = next(s for s in ex.denoise(trained_faces, x_T, ex.Settings(10)) if s.t == 600)
    assert trained_stage.off('[data-panel="x0"] canvas', step.x0) <= 1


def test_at_20_steps_the_large_variance_leaves_grain_and_wrong_labels_break_the_picture(trained_stage, trained_faces):
    stage = trained_stage.open("?tab=compare&steps=20&others=1")

    def number(name, label):
        return next(float(value) for of, value in stage.facts(name).items() if label in of)

    real = grain(to_unit(trained_faces.examples()[:64])).mean().item()
    assert f"{real:.3f}" in " ".join(stage.facts("ddim"))
    assert number("large", "grain") > 3 * number("ddim", "grain")
    assert number("large", "grain") > 3 * real
    assert number("ddpm", "grain") < 2 * real
    assert number("wrong", "rms") > 0.5


def test_ddim_moves_smoothly_and_ddpm_with_noise_of_its_own_jumps(trained_stage):
    stage = trained_stage.open("?tab=interpolate&steps=10&frames=8&side=5&lerp=0")
    (slerp, _, _), (ddpm, jump, _) = (
        map(float, stage.locator(f"{lane(name)} .facts b").all_inner_texts()) for name in ("slerp", "ddpm")
    )
    assert ddpm > 2 * slerp  # the path length
    assert ddpm > 20  # about that of unrelated pictures, 49
    assert jump < 2  # all steps are equally large
