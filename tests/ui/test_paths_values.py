"""What Paths sends to the page. No browser."""

import json

import numpy as np
import pytest
from tab_values import SMALL, values_of

import explorer as ex
from explorer.mixture import PRESETS
from explorer.ui.tabs.paths.tab import sweep_cell


def three_runs(tab, given):
    """The value with all points of the three runs, before the sweep."""
    values = (result.to_page() for result in tab.checked_results(tab.parse(given), lambda: "running"))
    return next(value for value in values if all("energy" in run for run in json.loads(value["runs"]).values()))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_runs_down_to_its_own_distribution(make, preset):
    value = three_runs(make("paths"), SMALL["paths"] | {"mixture": preset, "steps": 50, "points": 500})
    runs, (weights, means, stds) = json.loads(value["runs"]), json.loads(value["mixture"])
    assert list(runs) == ["0", "yours", "1"]
    assert sum(weights) == pytest.approx(1)
    assert len(means) == len(stds) == json.loads(value["exact"])["modes"]
    for run in runs.values():
        assert len(run["x"]) == 5
        assert run["t"] == [0, *ex.timesteps(1000, 50)]
        assert np.array(run["x"]).shape == (5, 51, 2)
        assert len(run["ends"]) == 500
        assert abs(run["energy"]) < 0.05
        assert run["spread"] == pytest.approx(1, abs=0.35)


def test_ddim_is_straight_in_the_coordinates_of_its_equation_and_ddpm_is_not(make):
    runs = json.loads(three_runs(make("paths"), SMALL["paths"] | {"steps": 100})["runs"])
    assert 1 <= runs["0"]["straight_ode"] < 1.1
    assert runs["1"]["straight_ode"] > 1.5
    assert runs["0"]["straight_ode"] < runs["yours"]["straight_ode"] < runs["1"]["straight_ode"]
    assert runs["0"]["straight"] < runs["1"]["straight"] / 3
    for run in runs.values():
        assert run["straight_near"] > run["straight_ode"]


def test_yours_is_what_the_column_says_and_all_begin_at_the_same_points(make):
    value = three_runs(make("paths"), SMALL["paths"] | {"eta": 0, "clip": True})
    runs = json.loads(value["runs"])
    assert runs["yours"] == runs["0"]
    assert [path[-1] for path in runs["1"]["x"]] == [path[-1] for path in runs["0"]["x"]]
    large = json.loads(three_runs(make("paths"), SMALL["paths"] | {"variance": "large"})["runs"])
    assert large["yours"]["eta"] == "large"
    assert large["yours"]["spread"] > large["1"]["spread"]
    other = json.loads(three_runs(make("paths"), SMALL["paths"] | {"seed": 4})["runs"])
    assert other["0"]["x"] != runs["0"]["x"]
    mixed = json.loads(three_runs(make("paths"), SMALL["paths"] | {"seed": "slerp(1, 2, 0.5)"})["runs"])
    assert mixed["0"]["x"] == json.loads(three_runs(make("paths"), SMALL["paths"] | {"seed": 0})["runs"])["0"]["x"]


def test_cells_of_the_sweep_are_made_once(make, few_columns):
    sweep_cell.cache_clear()
    first = values_of(make("paths"), SMALL["paths"])[-1]
    assert sweep_cell.cache_info().misses == 6
    again = values_of(make("paths"), SMALL["paths"] | {"seed": 4, "eta": 0.2})[-1]
    assert again["sweep"] == first["sweep"]
    assert sweep_cell.cache_info().misses == 6
    values_of(make("paths"), SMALL["paths"] | {"spacing": "quadratic"})
    assert sweep_cell.cache_info().misses == 12


def test_the_sweep_shows_too_little_noise_for_few_steps_of_ddpm_and_too_much_for_the_larger_variance():
    few = {kind: sweep_cell("ring", 10, kind, "linear") for kind in ("0", "1", "large")}
    many = {kind: sweep_cell("ring", 100, kind, "linear") for kind in ("0", "1", "large")}
    for kind, cell in many.items():
        assert abs(cell.end - 1) < abs(few[kind].end - 1) or abs(cell.end - 1) < 0.05
    assert few["large"].before > 1.1
    assert few["large"].before > few["1"].before


def test_the_copied_script_of_paths_makes_the_same_points(make, capsys):
    value = three_runs(make("paths"), SMALL["paths"] | {"noise_seed": 6})
    scope = {}
    exec(value["script"], scope)
    yours = json.loads(value["runs"])["yours"]
    np.testing.assert_allclose(scope["paths"].x[:5, 0], [path[0] for path in yours["x"]], atol=1e-4)
    assert float(capsys.readouterr().out.rsplit(":", 1)[1]) == pytest.approx(yours["energy"])
