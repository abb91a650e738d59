"""What Consistency sends to the page. No browser."""

import itertools
import json
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
import torch
from tab_values import (
    SHAPE,
    SMALL,
    TOY,
    ends_after,
    first_value,
    picture,
    pictures_of,
    predict_noise,
    shown,
    tab_of,
    values_of,
)

import explorer as ex
from explorer.evaluation.metrics import similarity
from explorer.media.convert import to_unit
from explorer.runs.latent_spec import parse
from explorer.ui.tabs.consistency.exports import similarity_rows


def test_every_cell_is_its_own_run():
    last = values_of(tab_of("consistency"), SMALL["consistency"])[-1]
    pictures = pictures_of(last)
    for row, latent in enumerate(["1", "slerp(2, 3, 0.25)", "4"]):
        for S in (2, 4, 8):
            for eta in (0, 1):
                expected = picture(latent, steps=S, eta=float(eta), noise_seed=5 + row)
                assert np.array_equal(pictures[f"{eta}/{S}/{row}"], expected)
        assert np.array_equal(pictures[f"x_T/{row}"], shown(parse(latent).latent(TOY) / 3))
    assert len(pictures) == 2 * 3 * 3 + 3
    assert last["expected"] == 2 * 3 * (2 + 4 + 8)
    assert json.loads(last["latents"]) == [1, "slerp(2, 3, 0.25)", 4]


def test_the_columns_are_in_order_however_they_are_typed():
    assert tab_of("consistency").parse({"lengths": " 10,5 ,, 020"}).options.lengths == "5, 10, 20"


def test_similarity_is_taken_to_the_largest_S_that_is_complete():
    values = values_of(tab_of("consistency"), SMALL["consistency"])
    seen = [json.loads(value["similarity"])["0"]["reference"] for value in values]
    assert [S for S, _ in itertools.groupby(seen) if S] == [2, 4, 8]
    told = json.loads(values[-1]["similarity"])
    seeds = [ex.latent(SHAPE, [1]), parse("slerp(2, 3, 0.25)").latent(TOY), ex.latent(SHAPE, [4])]
    for eta in (0, 1):
        made = [
            ex.sample(TOY, torch.cat(seeds), ex.Settings(S, float(eta), noise_seed=5)).clamp(-1, 1) for S in (2, 4, 8)
        ]
        mean = torch.cat(made).mean(0)
        for k in range(2):
            expected = similarity(made[k], made[2], mean).tolist()
            assert told[str(eta)]["columns"][k] == pytest.approx(expected, abs=1e-5)
        assert told[str(eta)]["columns"][2] is None  # the reference: 1 by definition
    assert values[-1]["mean_of"] == "shown"


def test_a_column_that_is_not_there_yet_has_no_number():
    stopped = values_of(tab_of("consistency"), SMALL["consistency"], ends_after(2, "stopped"))[-1]  # one column: S = 2
    told = json.loads(stopped["similarity"])["0"]
    assert told["reference"] == 2
    assert told["columns"] == [None, None, None]


def test_the_default_view_needs_at_most_1000_evaluations_and_leaves_S_1000_to_be_added():
    first = first_value(tab_of("consistency"))
    assert first["expected"] == 2 * 4 * (5 + 10 + 20 + 50) <= 1000
    assert json.loads(first["lengths"])[-1] < first["T"] == 1000


def test_an_address_with_its_own_columns_means_the_same_as_before():
    lengths = "5, 10, 20, 50, 100, 1000"
    assert json.loads(first_value(tab_of("consistency"), lengths=lengths)["lengths"]) == [5, 10, 20, 50, 100, 1000]


def test_the_band_is_the_similarity_of_all_pairs_of_held_out_pictures():
    faces = ex.load("faces-64")
    examples = to_unit(faces.examples()).double()
    told = json.loads(first_value(tab_of("consistency", replace(faces, predict_noise=predict_noise)))["unrelated"])
    centred = (examples - examples.mean(0)).flatten(1).numpy()
    pairs = np.corrcoef(
        np.hstack([centred, -centred])
    )  # with its negative, the mean over pixels is 0: no second centring
    above = pairs[np.triu_indices(len(centred), 1)]
    assert told["pictures"] == len(examples)
    assert told["mean"] == pytest.approx(above.mean(), abs=1e-9)
    assert told["deviation"] == pytest.approx(above.std(ddof=1), abs=1e-9)
    assert (above > told["quantile"]).mean() == pytest.approx(0.05, abs=0.001)
    assert 0.2 < told["deviation"] < 0.4
    assert json.loads(first_value(tab_of("consistency"))["unrelated"]) is None  # the toy has no pictures


def test_the_saved_table_names_the_reference():
    tab = tab_of("consistency")
    result = deque(tab.checked_results(tab.parse(SMALL["consistency"]), lambda: "running"), maxlen=1)[0]
    rows = similarity_rows(result)
    assert len(rows) == 2 * 3 * 3
    assert {row["to_steps"] for row in rows} == {8}
    assert all((row["similarity"] == 1) == (row["steps"] == 8) for row in rows)


def test_pictures_are_remembered_and_a_new_column_costs_only_itself():
    tab = tab_of("consistency")
    first = values_of(tab, SMALL["consistency"])[-1]
    *_, again = values_of(tab, SMALL["consistency"])
    assert (again["evaluations"], again["expected"]) == (0, 0)
    before = pictures_of(first)
    assert pictures_of(again).keys() == before.keys()
    assert all(np.array_equal(pixels, before[name]) for name, pixels in pictures_of(again).items())
    wider = values_of(tab, SMALL["consistency"] | {"lengths": "2, 4, 6, 8"})[-1]
    assert wider["evaluations"] == 2 * 3 * 6
    other_noise = values_of(tab, SMALL["consistency"] | {"noise_seed": 50})[-1]
    assert other_noise["evaluations"] == 3 * (2 + 4 + 8)  # eta = 0 is remembered


@pytest.mark.slow
def test_on_faces_ddim_keeps_its_picture_over_S_and_ddpm_does_not():
    tab = tab_of("consistency", ex.load("faces-64"))
    last = values_of(tab, {"latents": "0, 1, 2, 3", "lengths": "10, 20"})[-1]
    told = json.loads(last["similarity"])
    ddim, ddpm = (np.array(told[eta]["columns"][0]) for eta in ("0", "1"))
    assert ddim.mean() > 0.9
    assert ddim.mean() > ddpm.mean() + 0.3
    assert (ddim > ddpm).all()
    assert last["mean_of"] == "examples"
