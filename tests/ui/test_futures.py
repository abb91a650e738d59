"""The branching futures of Steps: what is computed, and what the page and the files get."""

import json

import numpy as np
import pytest
from tab_values import TOY, pictures_of, tab_of, values_of

import explorer as ex
from explorer.media.convert import to_rgb, to_uint8
from explorer.ui.export_formats import NothingToExport
from explorer.ui.tabs.steps.futures_export import fork_rows, tree

GIVEN = {"seed": 3, "steps": 10, "eta": 0.8, "noise_seed": 5, "fork": 500}


def last_of(tab, **given):
    value = values_of(tab, GIVEN | given)[-1]
    return json.loads(value["futures"]), pictures_of({"pictures": value["branches"]}), value


def test_the_tree_has_the_pictures_of_eight_noise_seeds():
    futures, pictures, value = last_of(tab_of("steps"))
    settings = ex.Settings(steps=10, eta=0.8, noise_seed=5)
    run = list(ex.denoise(TOY, ex.latent(TOY.shape, [3]), settings))
    *_, last = ex.branch(TOY, run[5].x_t, settings, 5)
    assert (futures["state"], futures["index"], futures["t"], futures["evaluations"]) == ("ended", 5, 500, 40)
    assert futures["std"] == pytest.approx(ex.pixel_std(last.x_prev), rel=1e-5)
    for k in range(8):
        assert np.array_equal(pictures[f"{k}/{len(futures['columns'])}"], to_rgb(to_uint8(last.x_prev[k : k + 1]))[0])
    assert value["state"] == "ended"


def test_at_eta_zero_all_futures_are_identical():
    futures, pictures, _ = last_of(tab_of("steps"), eta=0)
    assert (futures["isDeterministic"], futures["std"], futures["largest"]) == (True, 0, 0)
    assert all(np.array_equal(pictures["0/3"], pictures[f"{k}/3"]) for k in range(8))


def test_the_curve_has_several_forks_and_a_second_request_computes_nothing():
    tab = tab_of("steps")
    futures = last_of(tab, fork_curve=True)[0]
    assert len(futures["curve"]) == 10
    assert futures["curve"][0][0] == 1000
    assert futures["curve"][-1][1] == 0  # the last step adds no noise
    again = last_of(tab, fork_curve=True)[0]
    assert (again["evaluations"], again["expected"]) == (0, 0)
    assert again["curve"] == futures["curve"]


def test_without_a_fork_nothing_is_computed_and_nothing_can_be_saved():
    tab = tab_of("steps")
    *_, result = tab.results(tab.parse(GIVEN | {"fork": 0}), lambda: "running")
    assert result.to_page()["futures"] == result.to_page()["branches"] == ""
    for make in (tree, fork_rows):
        with pytest.raises(NothingToExport):
            make(result)


def test_the_files_have_the_tree_and_the_numbers():
    tab = tab_of("steps")
    *_, result = tab.results(tab.parse(GIVEN), lambda: "running")
    columns = len(result.futures.trunk) + len(result.futures.columns) + 1
    assert tree(result).shape == (8 * 8 + 7 * 2, columns * 8 + (columns - 1) * 2, 3)
    [row] = fork_rows(result)
    assert (row["t"], row["eta"], row["noise_seed"]) == (500, 0.8, 5)


@pytest.mark.parametrize("fork_curve", [False, True])
def test_the_script_makes_the_same_numbers(fork_curve, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ex, "load", lambda name, **_: TOY)
    futures, _, value = last_of(tab_of("steps"), fork_curve=fork_curve)
    exec(compile(value["script"], "script", "exec"), {})
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert float(printed[0][1]) == pytest.approx(futures["std"], rel=1e-5)
    assert [int(t) for t, _ in printed[1:]] == ([t for t, _ in futures["curve"]] if fork_curve else [])
    assert len(list(tmp_path.glob("future-*.png"))) == 8
