"""Drawn data of Paths: the text of a drawing, what is refused, and what is computed from it. No browser."""

import ast
import base64
import json

import numpy as np
import pytest
from tab_values import SMALL, english, first_value, run, values_of

import explorer as ex
from explorer.mixture import PRESETS, Mixture
from explorer.plane import mode_std, sample_paths, spread_around_means
from explorer.schedule import Schedule
from explorer.ui.address import from_address
from explorer.ui.fields import InvalidField
from explorer.ui.security.request_guard import MAX_QUERY
from explorer.ui.tabs.paths import tab as paths_tab
from explorer.ui.tabs.paths.drawing import (
    MAX_POINTS,
    STD,
    drawing_field,
    drawn_mixture,
    points_of,
    python_list,
    text_of,
)
from explorer.ui.tabs.paths.exports import mean_rows

POINTS = np.array([[-3, 3], [0, 0], [0.025, -0.5], [2.975, 1]])
TEXT = text_of(POINTS)
DRAWN = SMALL["paths"] | {"mixture": "drawing", "drawing": TEXT}


def spiral(count):
    """Points of a spiral, all of them different."""
    angle = np.linspace(1, 20, count)
    return np.stack([np.cos(angle), np.sin(angle)], 1) * angle[:, None] / 8


def test_points_on_the_grid_of_the_text_come_back_exactly():
    assert points_of(TEXT).tolist() == POINTS.tolist()
    every = np.arange(-120, 121) / 40
    assert points_of(text_of(np.stack([every, -every], 1))).tolist() == np.stack([every, -every], 1).tolist()


def test_the_text_is_two_bytes_for_each_point_in_base64url():
    signed = np.frombuffer(base64.urlsafe_b64decode(TEXT + "=" * (-len(TEXT) % 4)), np.uint8).astype(int) - 128
    assert (signed.reshape(-1, 2) / 40).tolist() == POINTS.tolist()
    assert "=" not in TEXT


def test_other_points_are_rounded_and_moved_to_the_border():
    assert points_of(text_of(np.array([[0.013, -0.012], [7, -7]]))).tolist() == [[0.025, 0], [3, -3]]


def test_the_largest_drawing_fits_into_an_address():
    text = text_of(spiral(MAX_POINTS))
    assert len(points_of(text)) == MAX_POINTS
    assert len(text) == 1334 < MAX_QUERY / 2


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "base64url"),
        (["gIA"], "base64url"),
        ("gI A", "base64url"),
        ("gIA=", "base64url"),
        ("gI+/", "base64url"),
        ("点", "base64url"),
        ("g", "base64url"),
        ("gI", "base64url"),  # one byte
        ("gIAA", "base64url"),  # three bytes
        ("A" * 1340, "at most 500"),
        ("A" * 10**6, "at most 500"),
        (text_of(np.zeros((MAX_POINTS, 2))) + "gIA", "at most 500"),
        (base64.urlsafe_b64encode(bytes([128, 249])).decode().rstrip("="), "between −3 and 3"),
    ],
)
def test_what_is_no_drawing_is_refused_with_what_was_expected(value, said):
    with pytest.raises(ValueError, match=said) as refused:
        drawing_field(value)
    assert len(str(refused.value)) < 200


def test_the_choice_needs_points_and_the_page_offers_what_it_had_before(make):
    tab = make("paths")
    with pytest.raises(InvalidField) as refused:
        tab.parse(SMALL["paths"] | {"mixture": "drawing"})
    assert refused.value.field == "mixture"
    value = run(tab, SMALL["paths"] | {"mixture": "drawing"})[-1]
    assert value["state"] == "error"
    assert "no points" in english(value["message"])
    assert (value["repair"]["key"], value["repair"]["value"]) == ("mixture", "ring")


@pytest.mark.parametrize("drawing", ["", "%%%", "A" * 2000])
def test_an_address_with_a_drawing_that_cannot_be_used_opens_the_default(make, drawing):
    tab = make("paths")
    defaults = tab.default_request().fields()
    restored, message = from_address({"mixture": "drawing", "drawing": drawing, "steps": "7"}, defaults, tab.parse)
    assert restored == defaults | {"steps": 7}
    assert message


def test_a_drawing_survives_the_address_also_while_a_preset_is_chosen(make):
    tab = make("paths")
    for mixture in ("drawing", "grid"):
        given = {"mixture": mixture, "drawing": TEXT}
        restored, message = from_address(given, tab.default_request().fields(), tab.parse)
        assert message == ""
        assert restored["drawing"] == TEXT
        assert restored["mixture"] == mixture


def test_the_data_are_equal_gaussians_around_the_points(make):
    weights, means, stds = json.loads(first_value(make("paths"), **DRAWN)["mixture"])
    assert means == POINTS.tolist()
    assert weights == pytest.approx([0.25] * 4)
    assert stds == [STD] * 4


def test_the_first_paths_come_before_all_points_and_are_those_of_the_whole_run(make, few_columns):
    values = values_of(make("paths"), DRAWN | {"drawing": text_of(spiral(MAX_POINTS))})
    first, *_, last = (json.loads(value["runs"]) for value in values)
    assert list(first) == ["0"]
    assert "energy" not in first["0"]
    for value in values:
        for name, paths in json.loads(value["runs"]).items():
            np.testing.assert_allclose(paths["x"], last[name]["x"], atol=2e-4)
    assert all("energy" in paths for paths in last.values())


def test_ddim_ends_at_the_drawn_points(make, few_columns):
    drawn = text_of(np.array([[-2.0, 0], [2, 1], [1, -2]]))
    value = values_of(make("paths"), DRAWN | {"drawing": drawn, "steps": 200})[-1]
    runs = json.loads(value["runs"])
    for paths in runs.values():
        distances = np.linalg.norm(np.array(paths["ends"])[:, None] - points_of(drawn), axis=-1).min(1)
        assert np.quantile(distances, 0.95) < 4 * STD
    assert runs["0"]["spread"] == pytest.approx(1, abs=0.15)


def test_a_superseded_run_ends_after_its_current_step(make):
    asked = []

    def state():
        asked.append(None)
        return "running" if len(asked) < 3 else "superseded"

    values_of(make("paths"), DRAWN | {"steps": 1000, "drawing": text_of(spiral(MAX_POINTS))}, state)
    assert len(asked) == 3


def test_the_sweep_of_a_drawing_ends_where_its_cost_does_and_belongs_to_the_drawing(make, monkeypatch):
    monkeypatch.setattr(paths_tab, "SWEEP_STEPS", (5, 1000))
    paths_tab.sweep_cell.cache_clear()
    sweep = json.loads(values_of(make("paths"), DRAWN)[-1]["sweep"])
    assert all(list(cells) == ["5"] for cells in sweep.values())
    values_of(make("paths"), DRAWN | {"eta": 0.2})
    assert paths_tab.sweep_cell.cache_info().misses == 3
    values_of(make("paths"), DRAWN | {"drawing": text_of(-POINTS)})
    assert paths_tab.sweep_cell.cache_info().misses == 6


@pytest.mark.parametrize("preset", PRESETS)
def test_the_spread_around_the_means_is_exact_for_samples_however_many_components_there_are(preset):
    mixture = Mixture.preset(preset)
    exact = np.sqrt(mixture.weights @ np.square(mixture.stds))
    assert spread_around_means(mixture, mixture.sample(4000, seed=3)) == pytest.approx(exact, rel=0.03)
    many = drawn_mixture(text_of(spiral(MAX_POINTS)))
    few_samples = many.sample(300, seed=3)
    assert spread_around_means(many, few_samples) == pytest.approx(STD, rel=0.1)
    assert abs(np.nanmean(mode_std(many, few_samples)) / STD - 1) > 0.1  # which needs several points in each component


def test_points_beside_the_data_are_spread_more():
    mixture = drawn_mixture(text_of(np.array([[1.0, 1], [-1, -1]])))
    apart = mixture.sample(2000) + 0.1
    assert spread_around_means(mixture, apart) == pytest.approx(np.hypot(STD, 0.1), rel=0.03)


def test_the_copied_script_makes_the_same_points_from_public_names(make, few_columns, capsys):
    value = values_of(make("paths"), DRAWN | {"noise_seed": 6, "drawing": text_of(spiral(60))})[-1]
    scope = {}
    exec(value["script"], scope)
    yours = json.loads(value["runs"])["yours"]
    np.testing.assert_allclose(scope["paths"].x[:5, 0], [path[0] for path in yours["x"]], atol=1e-4)
    assert float(capsys.readouterr().out.rsplit(":", 1)[1]) == pytest.approx(yours["energy"])
    assert "explorer.ui" not in value["script"]
    assert max(map(len, value["script"].splitlines())) <= 130


def test_points_are_written_as_python_reads_them():
    points = points_of(text_of(spiral(MAX_POINTS)))
    assert np.array(ast.literal_eval(python_list(points.tolist()))).tolist() == points.tolist()


def test_the_saved_table_holds_the_points(make, few_columns):
    results = list(make("paths").checked_results(make("paths").parse(DRAWN), lambda: "running"))
    assert [[row["x"], row["y"]] for row in mean_rows(results[-1])] == POINTS.tolist()


def test_what_runs_after_each_step_may_end_the_run():
    class Ended(Exception):
        pass

    steps = []

    def after_step():
        steps.append(None)
        if len(steps) == 4:
            raise Ended

    with pytest.raises(Ended):
        sample_paths(Mixture.preset("ring"), 3, ex.Settings(steps=9), 0, Schedule.linear(), after_step)
    assert len(steps) == 4
