"""The picture of the other eta beside a run of Steps: what is computed, when, and what the page is told of it."""

import base64
import io
import json
import threading
import time
from threading import Semaphore, current_thread

import numpy as np
import pytest
from PIL import Image
from tab_values import TOY, services_of

import explorer as ex
from explorer.media.convert import to_rgb, to_uint8
from explorer.runs.latent_spec import Seed
from explorer.runs.results import PictureRequest, ResultCache
from explorer.runs.throttle import Throttle
from explorer.ui.query import Query, TabRequest
from explorer.ui.tabs.steps import StepsTab
from explorer.ui.tabs.steps.options import StepsOptions
from explorer.ui.tabs.steps.other_eta import COARSE_STEPS, OtherPicture, other_settings


def values_of(state=lambda: "running", cache=None, checkpoint=TOY, **settings):
    """What the page is sent of a run from seed 3, "other" as the page reads it."""
    tab = StepsTab(services_of(checkpoint, results=cache or ResultCache()))
    request = TabRequest(checkpoint, Query(checkpoint.name, Seed(3), ex.Settings(**settings)), StepsOptions())
    values = (result.to_page() for result in tab.page_results(request, state))
    return [value | {"other": json.loads(value["other"])} for value in values]


def shown(other):
    """The picture of an "other", uint8 (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(other["picture"].partition(",")[2]))))


def expected(**settings):
    return to_rgb(to_uint8(ex.sample(TOY, ex.latent(TOY.shape, [3]), ex.Settings(**settings))))[0]


@pytest.mark.parametrize(
    ("given", "eta"),
    [({"eta": 0.0}, 1), ({"eta": 0.4}, 1), ({"eta": 1.0}, 0), ({"eta": 0.0, "variance": "large"}, 0)],
)
def test_the_picture_is_that_of_a_run_with_the_other_eta(given, eta):
    more = {"steps": 12, "spacing": "quadratic", "clip": True, "noise_seed": 7}
    last = values_of(**given, **more)[-1]
    other = last["other"]
    assert (other["eta"], other["state"], other["steps"], other["evaluations"]) == (eta, "ended", 12, 12)
    assert (other["isCoarse"], other["t"]) == (False, None)
    assert np.array_equal(shown(other), expected(eta=float(eta), **more))
    assert len(last["rows"].splitlines()) == 12  # the run itself has its own numbers alone


def test_the_run_comes_first_and_has_ended_before_the_other_one_begins():
    values = values_of(steps=12)
    ended = [value["state"] for value in values].index("ended")
    assert {value["other"]["state"] for value in values[: ended + 1]} == {"waiting"}
    assert {value["state"] for value in values[ended:]} == {"ended"}
    assert values[ended + 1]["other"]["state"] == "running"
    assert values[ended + 1]["other"]["t"] == 1000  # predicted x_0 of its first step


def soon(is_so, seconds=20):
    """Whether it comes to be so."""
    ends = time.monotonic() + seconds
    while not is_so() and time.monotonic() < ends:
        time.sleep(0.01)
    return is_so()


def results_of(checkpoint, **settings):
    tab = StepsTab(services_of(checkpoint, results=ResultCache()))
    request = TabRequest(checkpoint, Query(checkpoint.name, Seed(3), ex.Settings(**settings)), StepsOptions())
    return tab.page_results(request, lambda: "running")


def test_beside_a_long_run_a_preview_of_it_is_made_after_the_first_step(monkeypatch):
    monkeypatch.setattr(Throttle, "ready", lambda self: True)
    results = results_of(TOY, steps=100)
    assert json.loads(next(results).other.to_page())["picture"] == ""
    other = next(results).other
    assert soon(lambda: json.loads(other.to_page())["isCoarse"])
    coarse = json.loads(other.to_page())
    assert (coarse["steps"], coarse["state"], coarse["evaluations"]) == (COARSE_STEPS, "waiting", 0)
    assert np.array_equal(shown(coarse), expected(eta=1.0, steps=COARSE_STEPS))


def test_the_preview_ends_with_the_run_beside_it(monkeypatch):
    monkeypatch.setattr(Throttle, "ready", lambda self: True)
    let, calls = Semaphore(0), []

    def predict_noise(x_t, t):
        calls.append(current_thread().name)
        let.acquire(timeout=20)
        return TOY.predict_noise(x_t, t)

    other = OtherPicture(
        ex.from_denoiser(predict_noise, TOY.shape, name="toy"),
        PictureRequest(Seed(3), ex.Settings(steps=100)),
        ResultCache(),
        lambda: "running",
    )
    other.start_preview()
    assert soon(lambda: len(calls) == 1)
    other.end_preview()
    let.release(100)
    assert soon(lambda: not any(thread.name == "preview" for thread in threading.enumerate()))
    assert len(calls) == 1
    assert json.loads(other.to_page())["picture"] == ""


def test_what_was_made_before_is_shown_at_once():
    cache = ResultCache()
    values_of(cache=cache, steps=12, eta=1.0)
    first = values_of(cache=cache, steps=12, eta=0.5)[0]["other"]
    assert (first["state"], first["evaluations"]) == ("ended", 0)
    assert np.array_equal(shown(first), expected(eta=1.0, steps=12))
    (again,) = values_of(cache=cache, steps=12, eta=1.0)  # this run, and the one at eta = 0, too
    assert (again["state"], again["other"]["state"]) == ("ended", "ended")


def test_a_stopped_run_starts_no_other_one():
    answers = iter(["running", "running", "stopped"])
    last = values_of(lambda: next(answers), steps=20)[-1]
    assert (last["state"], last["other"]["state"], last["other"]["evaluations"]) == ("stopped", "stopped", 0)


def test_the_other_one_can_be_stopped_and_superseded_too():
    def after(calls, outcome):
        answers = iter(["running"] * calls)
        return lambda: next(answers, outcome)

    last = values_of(after(15, "stopped"), steps=12)[-1]
    assert (last["state"], last["other"]["state"]) == ("ended", "stopped")
    assert 0 < last["other"]["evaluations"] < 12
    assert last["other"]["t"] > 0
    values = values_of(after(15, "superseded"), steps=12)
    assert values[-1]["other"]["state"] in ("waiting", "running")


def test_other_settings_keep_everything_but_the_variance():
    settings = ex.Settings(30, 0.5, spacing="leading", clip=True, noise_seed=4)
    assert other_settings(settings) == ex.Settings(30, 1.0, spacing="leading", clip=True, noise_seed=4)
    assert other_settings(other_settings(settings)).eta == 0
