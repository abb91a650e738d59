"""What Steps sends to the page: a run as a growing value. No browser, no network weights."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tab_values import english, run, services_of, tab_of

import explorer as ex
from explorer.media.convert import step_panels
from explorer.runs.latent_spec import Seed
from explorer.runs.results import ResultCache
from explorer.ui.query import Query, TabRequest
from explorer.ui.tabs.steps import StepsTab
from explorer.ui.tabs.steps.options import StepsOptions
from explorer.ui.tabs.steps.result import MAX_PREVIEWS
from explorer.ui.tabs.steps.sprite_sheet import PublishedSheets, SpriteSheet


@pytest.fixture
def toy():
    return ex.from_denoiser(lambda x, t: 0.9 * x, (3, 8, 8), name="toy")


def values_of(checkpoint, state=lambda: "running", cache=None, **settings):
    tab = StepsTab(services_of(checkpoint, results=cache or ResultCache()))
    query = Query(checkpoint.name, Seed(3), ex.Settings(**settings))
    return [result.to_page() for result in tab.results(TabRequest(checkpoint, query, StepsOptions()), state)]


def test_the_last_value_holds_every_number_and_every_picture(toy):
    last = values_of(toy, steps=20, eta=0.5, clip=True)[-1]
    x_T = ex.latent(toy.shape, [3])
    steps = list(ex.denoise(toy, x_T, ex.Settings(20, 0.5, clip=True)))
    rows = [json.loads(line) for line in last["rows"].splitlines()]
    plan = json.loads(last["plan"])
    assert last["state"] == "ended"
    assert [(t, t_prev) for t, t_prev, *_ in plan] == [(s.t, s.t_prev) for s in steps]
    assert [row[-1] for row in rows] == [int(s.clipped.sum()) for s in steps]
    assert rows[4][5] == pytest.approx(steps[4].terms.x0.square().mean().sqrt().item(), rel=1e-6)
    distances = json.loads(last["distances"])
    assert distances["0"] == pytest.approx((steps[0].x0 - steps[-1].x_prev).square().mean().sqrt().item(), rel=1e-5)
    sheet = np.asarray(Image.open(last["sheet"]["file"]["path"]))
    columns = last["sheet"]["columns"]
    for k, step in enumerate(steps):
        top, left = k // columns * 8, k % columns * 40
        assert np.array_equal(sheet[top : top + 8, left : left + 40], step_panels(step))


@pytest.mark.parametrize("settings", [{"steps": 20, "eta": 0.5}, {"steps": 300, "eta": 0.0, "noise_seed": 3}])
@pytest.mark.parametrize("sheet_is_there", [True, False])
def test_a_run_that_was_made_before_comes_at_once_and_is_the_same(toy, settings, sheet_is_there):
    cache = ResultCache()
    before = values_of(toy, cache=cache, **settings)[-1]
    pixels = np.asarray(Image.open(before["sheet"]["file"]["path"]))
    if not sheet_is_there:
        Path(before["sheet"]["file"]["path"]).unlink()  # as the system clears its folder of temporary files
    silent = ex.from_denoiser(lambda x, t: pytest.fail("the network was called"), (3, 8, 8), name="toy")
    if settings["eta"] == 0:
        settings["noise_seed"] = 4  # has no say
    (after,) = values_of(silent, cache=cache, **settings)
    assert after["settings"]["noise_seed"] == settings.get("noise_seed", 0)
    for name in ("state", "rows", "plan", "kept", "distances"):
        assert after[name] == before[name]
    assert np.array_equal(np.asarray(Image.open(after["sheet"]["file"]["path"])), pixels)


def test_a_run_that_was_stopped_is_not_taken_for_a_whole_one(toy):
    cache, answers = ResultCache(), iter(["running", "stopped"])
    values_of(toy, state=lambda: next(answers), cache=cache, steps=50)
    assert len(values_of(toy, cache=cache, steps=50)[-1]["rows"].splitlines()) == 50


def test_the_oldest_sheets_go_and_are_not_found_any_more():
    sheets = PublishedSheets(max_sheets=2)
    for key in "abc":
        sheet = SpriteSheet(3, 4, 4)
        sheet.add(np.full((4, 20, 3), 7, dtype=np.uint8))
        sheets.put(key, sheet.publish())
    assert sheets.get("a") is None
    picture = Image.open(sheets.get("c")["file"]["path"])
    assert picture.size[1] == 4  # of what was there


def test_texts_only_grow_from_value_to_value(toy):
    values = values_of(toy, steps=300, eta=1.0)
    for before, after in itertools.pairwise(values):
        assert after["rows"].startswith(before["rows"])
        assert after["previews"].startswith(before["previews"])
        assert before["plan"] == after["plan"]
    assert len(values[0]["rows"].splitlines()) == 1  # the first step is sent at once


def test_a_thousand_steps_keep_all_numbers_and_at_most_250_frames(toy):
    last = values_of(toy, steps=1000, eta=1.0)[-1]
    kept = json.loads(last["kept"])
    assert len(last["rows"].splitlines()) == 1000
    assert len(kept) == 250
    assert (kept[0], kept[-1]) == (0, 999)
    assert len(last["previews"].splitlines()) <= MAX_PREVIEWS
    assert len(json.loads(last["distances"])) == 250


def test_a_superseded_run_ends_without_another_word(toy):
    answers = iter(["running", "running", "superseded"])
    values = values_of(toy, state=lambda: next(answers), steps=50)
    assert values[-1]["state"] == "running"
    assert len(values[-1]["rows"].splitlines()) <= 3


def test_a_stopped_run_keeps_what_is_there(toy):
    answers = iter(["running", "running", "stopped"])
    last = values_of(toy, state=lambda: next(answers), steps=50)[-1]
    assert last["state"] == "stopped"
    assert len(last["rows"].splitlines()) == 3
    assert last["sheet"] is not None


def test_grey_pictures_become_sheets_too():
    grey = ex.from_denoiser(lambda x, t: 0.9 * x, (1, 8, 8))
    last = values_of(grey, steps=4)[-1]
    assert Image.open(last["sheet"]["file"]["path"]).mode == "RGB"


def test_a_network_that_raises_is_told_and_the_next_run_works(toy):
    failing = {"on": True}

    def predict_noise(x, t):
        if failing["on"]:
            raise RuntimeError("out of memory")
        return 0.9 * x

    tab = tab_of("steps", ex.from_denoiser(predict_noise, (3, 8, 8), name="toy"))
    *_, last = run(tab, {"steps": 5})
    assert last["state"] == "error"
    assert "failed" in english(last["message"])
    failing["on"] = False
    *_, last = run(tab, {"steps": 5})
    assert last["state"] == "ended"


def test_a_refusal_offers_the_last_good_value(toy):
    tab = tab_of("steps", toy)
    run(tab, {"steps": 5})
    (refusal,) = run(tab, {"steps": 0, "count": 4})
    assert refusal["state"] == "error"
    assert refusal["count"] == 4
    assert (refusal["repair"]["key"], refusal["repair"]["value"]) == ("steps", 5)
    assert english(refusal["repair"]["label"]) == "Set S to 5"
    tab.forget("a")
    (refusal,) = run(tab, {"steps": 0})
    assert refusal["repair"]["value"] == 20  # a forgotten page gets the default


@pytest.mark.parametrize("given", [None, 3, "text", [], [1, 2]])
def test_a_value_that_is_no_object_is_refused(toy, given):
    (refusal,) = run(tab_of("steps", toy), given)
    assert refusal["state"] == "error"


def test_values_carry_what_they_answer(toy):
    values = run(tab_of("steps", toy), {"steps": 5, "count": 4, "notice": "told"})
    assert {value["count"] for value in values} == {4}
    assert {value["message"] for value in values} == {"told"}
    assert len({value["id"] for value in values}) == 1


def test_the_copied_script_makes_the_same_picture(toy, monkeypatch, tmp_path, capsys):
    query = Query("toy", Seed(3), ex.Settings(4, 0.5, noise_seed=2))
    monkeypatch.setattr(ex, "load", lambda name: toy)
    monkeypatch.chdir(tmp_path)
    exec(query.to_python(toy), {})
    expected = ex.to_image(ex.sample(toy, ex.latent(toy.shape, [3]), query.settings))
    assert np.array_equal(np.asarray(Image.open("picture.png")), np.asarray(expected))
    assert capsys.readouterr().out.count("Step(") == 4
