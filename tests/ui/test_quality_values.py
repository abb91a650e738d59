"""What Quality sends to the page. No browser."""

import json

import numpy as np
import pytest
from tab_values import SHAPE, SMALL, english, pictures_of, previews_of, shown, tab_of, values_of

import explorer as ex
from explorer.checkpoint import CHECKPOINTS
from explorer.support.paper_tables import TABLE_1, TABLE_1_STEPS

FRECHET = {
    **{"features": "toy features", "reference": "toy pictures", "weights": "", "precision": "", "how": ""},
    "real": {"distance": 0.5, "spread": 0.1, "pictures": 9},
    "cells": [
        {
            **{"steps": steps, "eta": eta, "distance": distance, "spread": 0.1, "pictures": 9, "batch": 4},
            **{"seconds_per_picture": 0.2, "machine": "a"},
        }
        for steps, eta, distance in [(10, 0.0, 3.5), (10, "large", 40.0), (20, 0.0, 3)]
    ],
}


def test_quality_shows_the_measured_cells_and_those_of_the_paper(make, folder):
    (folder / "quality.json").write_text(json.dumps({"frechet": FRECHET}))
    last = values_of(make("quality"), SMALL["quality"] | {"samples": False})[-1]
    assert json.loads(last["measured"]) == {
        "cells": [[10, "0", 3.5, 0.1, 0.2, 9], [10, "large", 40.0, 0.1, 0.2, 9], [20, "0", 3.0, 0.1, 0.2, 9]],
        "note": "",
        "features": "toy features",
        "reference": "toy pictures",
        "machine": "a, batches of 4",
        "real": {"distance": 0.5, "standard_error": 0.1, "pictures": 9, "draws": 1, "deviation": None, "source": ""},
        "floor": None,
    }
    paper = json.loads(last["paper"])
    assert paper["steps"] == list(TABLE_1_STEPS)
    assert paper["tables"]["CelebA"]["large"] == list(TABLE_1["CelebA"]["large"])
    assert set(paper["tables"]["CIFAR10"]) == {"0", "0.2", "0.5", "1", "large"}
    assert (last["evaluations"], last["pictures"]) == (0, "")
    assert json.loads(last["samples"])["steps"] == []


@pytest.mark.parametrize("folder", sorted(CHECKPOINTS.glob("*/")), ids=lambda folder: folder.name)
def test_what_a_shipped_checkpoint_says_of_its_distances_has_a_text_in_every_language(folder):
    last = values_of(tab_of("quality", ex.load(folder.name)), {"samples": False})[-1]
    told = json.loads(last["measured"])
    for message in [told[key] for key in ("note", "features", "reference") if told.get(key)]:
        assert message["say"].startswith("measured.")
    if told["cells"]:
        frechet = json.loads((folder / "quality.json").read_text(encoding="utf-8"))["frechet"]
        assert english(told["features"]) == frechet["features"]
        assert english(told["reference"]) == frechet["reference"]


def test_the_samples_are_pictures_of_the_cells(make, checkpoints):
    toy = checkpoints["toy"]
    last = values_of(make("quality"), SMALL["quality"])[-1]
    pictures = pictures_of(last)
    assert json.loads(last["samples"]) == {"steps": [5, 10, 20, 50], "pictures": 2}
    assert len(pictures) == 4 * 4 * 2
    settings = {"0": {"eta": 0.0}, "0.5": {"eta": 0.5}, "1": {"eta": 1.0}, "large": {"eta": 1.0, "variance": "large"}}
    for S, eta, i in [(5, "0", 0), (10, "0.5", 1), (20, "1", 0), (50, "large", 1)]:
        made = ex.sample(toy, ex.latent(SHAPE, [3 + i]), ex.Settings(S, noise_seed=5 + i, **settings[eta]))
        assert np.array_equal(pictures[f"{S}/{eta}/{i}"], shown(made))
    assert last["evaluations"] == 2 * 4 * (5 + 10 + 20 + 50)


def test_the_default_view_needs_few_evaluations_and_more_pictures_are_offered(make):
    tab = make("quality")
    default = values_of(tab, SMALL["quality"])[-1]
    assert default["expected"] <= 1000  # 10 s at 10 ms per evaluation
    more = values_of(tab, SMALL["quality"] | {"cell_pictures": 3, "cell_steps": "100"})[-1]
    assert json.loads(more["samples"]) == {"steps": [5, 10, 20, 50, 100], "pictures": 3}
    first, all_of_them = pictures_of(default), pictures_of(more)
    assert {name: all_of_them[name].tobytes() for name in first} == {k: v.tobytes() for k, v in first.items()}
    assert len(all_of_them) == 3 * 4 * 5


def test_the_first_column_is_the_preview_of_the_others_at_no_cost(make):
    values = values_of(make("quality"), SMALL["quality"])
    first = next(value for value in values if pictures_of(value))
    previews, pictures = previews_of(first), pictures_of(first)
    assert {name.split("/")[0] for name in pictures} == {"5"}
    assert {name.split("/")[0] for name in previews} >= {"20", "50"}
    for name, ((steps, requested), pixels) in previews.items():
        S, cell = name.split("/", 1)
        assert (steps, requested) == (5, int(S))
        assert np.array_equal(pixels, pictures[f"5/{cell}"])
    assert first["evaluations"] == 2 * 4 * 5
    assert first["expected"] == 2 * 4 * (5 + 10 + 20 + 50)


def test_samples_come_with_few_steps_first_and_are_remembered(make):
    tab = make("quality")
    values = values_of(tab, SMALL["quality"])
    names = list(pictures_of(values[-1]))
    assert [int(name.split("/")[0]) for name in names] == sorted(int(name.split("/")[0]) for name in names)
    again = values_of(tab, SMALL["quality"])
    assert again[-1]["evaluations"] == 0
    assert set(pictures_of(again[0])) == set(names)


def test_no_samples_of_more_steps_than_the_checkpoint_has(make):
    schedule = ex.Schedule.linear(T=30)
    tab = tab_of("quality", ex.from_denoiser(lambda x, t: 0.9 * x, SHAPE, schedule, "tiny"))
    last = values_of(tab, SMALL["quality"])[-1]
    assert json.loads(last["samples"])["steps"] == [5, 10, 20]


def test_a_latent_that_is_no_seed_counts_up_from_zero(make):
    mixed = values_of(make("quality"), SMALL["quality"] | {"seed": "slerp(1, 2, 0.5)"})[-1]
    zero = values_of(make("quality"), SMALL["quality"] | {"seed": 0})[-1]
    assert {k: v.tobytes() for k, v in pictures_of(mixed).items()} == {
        k: v.tobytes() for k, v in pictures_of(zero).items()
    }
