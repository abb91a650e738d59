"""What Compare sends to the page. No browser."""

import json
import math

import numpy as np
import pytest
import torch
from tab_values import SHAPE, SMALL, TOY, ends_after, picture, pictures_of, previews_of, shown, tab_of, values_of

import explorer as ex
from explorer.evaluation.metrics import grain
from explorer.trajectory import rms
from explorer.ui.tabs.compare.comparison import own_range
from explorer.ui.tabs.steps import StepsTab

SETTINGS = {
    "ddim": {"eta": 0.0},
    "yours": {"eta": 0.5},
    "ddpm": {"eta": 1.0},
    "large": {"eta": 1.0, "variance": "large"},
}


def test_every_row_of_a_comparison_is_its_own_run_from_the_same_latent():
    last = values_of(tab_of("compare"), SMALL["compare"])[-1]
    pictures, moments = pictures_of(last), json.loads(last["moments"])
    tau = ex.timesteps(1000, 9)[::-1]
    assert [t for _, t in moments] == [tau[i] for i, _ in moments]
    assert len(moments) == 8
    assert (moments[0][0], moments[-1][0]) == (0, 8)
    assert list(json.loads(last["rows"])) == [*SETTINGS, "wrong"]
    for name, settings in SETTINGS.items():
        steps = list(ex.denoise(TOY, ex.latent(SHAPE, [3]), ex.Settings(9, noise_seed=5, **settings)))
        for i, _ in moments:
            assert np.array_equal(pictures[f"{name}/{i}/x_t"], shown(steps[i].x_t))
            assert np.array_equal(pictures[f"{name}/{i}/x0"], shown(steps[i].x0))
        assert np.array_equal(pictures[f"{name}/end"], shown(steps[-1].x_prev))
    for k in range(2):
        other = picture(3, steps=9, eta=1.0, noise_seed=6 + k)
        assert np.array_equal(pictures[f"ddpm/other/{k}"], other)
    assert last["evaluations"] == last["expected"] == (9 + 2) * (5 + 1 + 2)  # and the previews


def test_previews_of_all_pictures_come_before_the_first_row_and_are_replaced():
    values = values_of(tab_of("compare"), SMALL["compare"])
    last = values[-1]
    first = values[1]
    previews = previews_of(first)
    assert not pictures_of(first)
    assert previews.keys() == {name for name in pictures_of(last) if not name.endswith("/own")}  # on a range of its own
    assert first["evaluations"] == 2 * (5 + 1 + 2)
    assert json.loads(first["facts"]) == {}
    for name, settings in SETTINGS.items():
        coarse = list(ex.denoise(TOY, ex.latent(SHAPE, [3]), ex.Settings(2, noise_seed=5, **settings)))
        assert previews[f"{name}/end"][0] == (2, 9)
        assert np.array_equal(previews[f"{name}/end"][1], shown(coarse[1].x_prev))
        for index, t in json.loads(last["moments"]):
            nearest = coarse[0] if t > 500 else coarse[1]
            assert np.array_equal(previews[f"{name}/{index}/x0"][1], shown(nearest.x0))
            assert np.array_equal(previews[f"{name}/{index}/x_t"][1], shown(nearest.x_t))
    stopped = values_of(tab_of("compare"), SMALL["compare"], ends_after(3, "stopped"))[-1]
    assert stopped["state"] == "stopped"
    assert json.loads(stopped["facts"]) == {}
    assert "ddim/end" in previews_of(stopped).keys() - pictures_of(stopped).keys()


def test_the_default_view_needs_at_most_1000_evaluations():
    tab = tab_of("compare")
    assert 100 < values_of(tab, {"eta": tab.default_eta})[-1]["evaluations"] <= 1000


def test_the_numbers_of_a_comparison():
    facts = json.loads(values_of(tab_of("compare"), SMALL["compare"])[-1]["facts"])
    x_T = ex.latent(SHAPE, [3])
    ends = {name: ex.sample(TOY, x_T, ex.Settings(9, noise_seed=5, **s)) for name, s in SETTINGS.items()}
    for name, end in ends.items():
        assert facts[name]["nfe"] == 9
        assert facts[name]["distance"] == pytest.approx(rms(end - ends["ddim"]), abs=1e-6)
        assert facts[name]["grain"] == pytest.approx(grain(end).item(), rel=1e-5)
    assert facts["ddim"]["repeat"] == 0
    assert 0 < facts["ddpm"]["posterior"] < 1e-5
    others = [ex.sample(TOY, x_T, ex.Settings(9, 1.0, noise_seed=6 + k)) for k in range(2)]
    assert facts["ddpm"]["others"] == pytest.approx([rms(other - ends["ddpm"]) for other in others], rel=1e-5)
    assert min(facts["ddpm"]["others"]) > 0.3
    assert facts["wrong"]["distance"] > 0.3  # told S..1, the network takes noise for picture
    assert facts["examples"]["grain"] is None


def test_a_picture_that_would_be_blank_has_a_range_of_its_own():
    inside, noise = torch.linspace(-1.5, 1.5, 3 * 64).view(3, 8, 8), ex.latent(SHAPE, [1])[0]
    assert own_range(inside) is None
    assert own_range(noise) is None  # x_T is shown as in the other rows
    assert own_range(torch.full(SHAPE, 7.0)) is None  # there is nothing to be seen in it
    assert own_range(torch.full(SHAPE, math.inf)) is None
    low, high = own_range(40 * noise + 100)
    assert 0 < ((40 * noise + 100 < low) | (40 * noise + 100 > high)).float().mean() < 0.05


def test_only_wrong_labels_change_the_range_and_their_picture_is_seen():
    last = values_of(tab_of("compare"), SMALL["compare"])[-1]
    pictures, ranges = pictures_of(last), json.loads(last["ranges"])
    assert ranges
    for name, (low, high) in ranges.items():
        assert name.startswith("wrong/")
        assert low < high
        own = pictures[f"{name}/own"]
        assert own.std() > 30  # of 255 levels
        assert len(np.unique(own)) > len(np.unique(pictures[name]))  # clamped, most values are equal


def test_your_eta_at_its_ends_is_ddim_and_ddpm():
    for eta, name in ((0.0, "ddim"), (1.0, "ddpm")):
        pictures = pictures_of(values_of(tab_of("compare"), SMALL["compare"] | {"eta": eta})[-1])
        assert np.array_equal(pictures["yours/end"], pictures[f"{name}/end"])


def test_the_row_of_wrong_labels_is_there_only_where_it_is_asked_for():
    last = values_of(tab_of("compare"), SMALL["compare"] | {"wrong": False})[-1]
    assert list(json.loads(last["rows"])) == list(SETTINGS)
    assert "wrong" not in json.loads(last["facts"])
    assert not any(name.startswith("wrong") for name in pictures_of(last))


@pytest.mark.parametrize("others", [1, 8])
def test_the_repeat_is_the_same_bit_for_bit_however_many_other_runs_there_are(tiny, others):
    facts = json.loads(values_of(tab_of("compare", tiny), {"steps": 3, "others": others})[-1]["facts"])
    assert facts["ddim"]["repeat"] == 0
    assert len(facts["ddpm"]["others"]) == others
    assert min(facts["ddpm"]["others"]) > 0


def test_fewer_steps_than_moments_are_all_shown():
    last = values_of(tab_of("compare"), SMALL["compare"] | {"steps": 1})[-1]
    assert json.loads(last["moments"]) == [[0, 1000]]
    assert json.loads(last["facts"])["ddpm"]["others"] == [0, 0]  # one step, and no noise after the last


def test_rows_that_were_made_before_by_any_tab_are_not_made_again(tiny):
    tab = tab_of("compare", tiny)
    given = {"steps": 9, "eta": 0.5, "others": 2}
    *_, first = values_of(tab, given)
    assert first["expected"] == (9 + 2) * (5 + 1 + 2)  # S = 9, and the previews
    *_, again = values_of(tab, given)
    assert again["expected"] == 9 + 2  # the repeat of DDIM is always run
    before, after = pictures_of(first), pictures_of(again)
    for name in before:
        assert np.array_equal(after[name], before[name]), name
    facts = json.loads(again["facts"])
    assert facts["ddim"]["repeat"] == 0
    assert [facts[name]["seconds"] is None for name in [*SETTINGS, "wrong"]] == [True] * 5
    *_, moved = values_of(tab, given | {"eta": 0.7})
    assert moved["expected"] == (9 + 2) * (1 + 1)
    steps = StepsTab(tab.services)
    for settings in ({"eta": 0.0}, {"eta": 1.0}, {"variance": "large", "eta": 1.0}, {"eta": 0.7}):
        assert len(values_of(steps, {"steps": 9, **settings})) == 1  # at once
    assert len(values_of(steps, {"steps": 9, "eta": 0.6})) > 1
    *_, after = values_of(tab, given | {"eta": 0.6})
    assert after["expected"] == 9 + 2  # that run is cached, too


def test_your_row_is_not_made_twice_where_it_is_another(tiny):
    for eta in (0.0, 1.0):
        *_, last = values_of(tab_of("compare", tiny), {"steps": 3, "eta": eta, "others": 1})
        assert last["expected"] == 3 * (4 + 1 + 1)
