"""What Encode sends to the page. No browser."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tab_values import (
    SMALL,
    english,
    pictures_of,
    predict_noise,
    previews_of,
    run,
    shown,
    tab_of,
    values_of,
)

import explorer as ex
from explorer.media.convert import to_unit
from explorer.runs.latent_spec import parse
from explorer.support.paper_tables import TABLE_2, TABLE_2_STEPS


def mse(again, x_0):
    return float((again - x_0).square().mean() / 4)


def round_trip(checkpoint, x_0, S, iterations=0, ahead=True):
    return ex.sample(checkpoint, ex.encode(checkpoint, x_0, S, iterations=iterations, ahead=ahead), ex.Settings(S))


def test_encode_shows_the_way_up_and_down(make, checkpoints):
    toy = checkpoints["toy"]
    last = values_of(make("encode"), SMALL["encode"])[-1]
    pictures, facts = pictures_of(last), json.loads(last["facts"])
    x_0 = to_unit(toy.examples()[2:3])
    x_T, again = ex.encode(toy, x_0, 7, ahead=True), round_trip(toy, x_0, 7)
    assert json.loads(last["times"]) == [0, *ex.timesteps(1000, 7)]
    assert np.array_equal(pictures["x_0"], shown(x_0))
    assert np.array_equal(pictures["x_0"], toy.examples()[2])
    assert np.array_equal(pictures["x_T"], shown(x_T))
    assert np.array_equal(pictures["again"], shown(again))
    for step in ex.denoise(toy, x_T, ex.Settings(7)):
        assert np.array_equal(pictures[f"down/{step.t}"], shown(step.x_t))
    assert np.array_equal(pictures["up/1000"], pictures["down/1000"])
    assert facts["mse"] == pytest.approx(mse(again, x_0), rel=1e-6)
    assert facts["largest"] == pytest.approx(float((again - x_0).abs().max()))
    assert facts["norm"] == pytest.approx(float(x_T.norm()) / np.sqrt(192), rel=1e-6)
    assert sum(facts["histogram"]) * 0.2 == pytest.approx(float((x_T.abs() <= 4).float().mean()), abs=1e-3)
    assert last["latent"] == "encode(2, 7, ahead)"
    assert torch.equal(parse(last["latent"]).latent(toy), x_T)
    assert json.loads(last["paper"]) == [list(row) for row in zip(TABLE_2_STEPS, TABLE_2, strict=True)]
    assert last["examples"] == 4
    assert np.array_equal(pictures["example/3"], toy.examples()[3])


def test_the_latent_is_remembered_from_the_round_trip(make, checkpoints):
    asked = []

    def counted(x, t):
        asked.append(t)
        return predict_noise(x, t)

    toy = replace(checkpoints["toy"], predict_noise=counted)
    values_of(tab_of("encode", toy), SMALL["encode"] | {"refine": 1})
    asked.clear()
    parse("encode(2, 7, 1, ahead)").latent(toy)
    assert asked == []


@pytest.mark.parametrize(
    ("refine", "ahead", "inversion", "calls"),
    [
        (0, False, "plain", [7, 180]),
        (0, True, "ahead", [8, 180, 184]),
        (2, False, "refined-2", [21, 180, 3 * 180]),
        (1, True, "ahead-refined-1", [15, 180, 2 * 180 + 4]),
    ],
)
def test_the_table_holds_the_error_of_every_cheap_s(make, checkpoints, refine, ahead, inversion, calls):
    last = values_of(make("encode"), SMALL["encode"] | {"refine": refine, "ahead": ahead})[-1]
    table, x_0 = json.loads(last["table"]), to_unit(checkpoints["toy"].examples()[2:3])
    assert last["inversion"] == inversion
    assert set(table) == {"plain", inversion}
    for errors in table.values():
        assert list(errors) == ["10", "20", "50", "100"]
        assert list(errors.values()) == sorted(errors.values(), reverse=True)
    for way, how in (("plain", {"ahead": False}), (inversion, {"ahead": ahead, "iterations": refine})):
        again = round_trip(checkpoints["toy"], x_0, 20, **how)
        assert table[way]["20"] == pytest.approx(mse(again, x_0), rel=1e-6)
        assert np.array_equal(pictures_of(last)[f"back/{way}/20"], shown(again))
    assert inversion == "plain" or all(error < table["plain"][S] / 2 for S, error in table[inversion].items())
    up, *ways = calls
    assert last["evaluations"] == last["expected"] == up + 7 + sum(ways) + 180 * len(ways)


def test_the_label_of_the_far_end_is_a_way_of_its_own(make, checkpoints):
    toy, x_0 = checkpoints["toy"], to_unit(checkpoints["toy"].examples()[2:3])
    last = values_of(make("encode"), SMALL["encode"] | {"ahead": False, "label": "t"})[-1]
    x_T = ex.encode(toy, x_0, 7, label="t")
    assert np.array_equal(pictures_of(last)["x_T"], shown(x_T))
    assert last["latent"] == "encode(2, 7, label-t)"
    assert torch.equal(parse(last["latent"]).latent(toy), x_T)
    again = ex.sample(toy, ex.encode(toy, x_0, 20, label="t"), ex.Settings(20))
    assert json.loads(last["table"])["label-t"]["20"] == pytest.approx(mse(again, x_0), rel=1e-6)
    assert 'label="t"' in last["script"] or "label='t'" in last["script"]
    ahead = values_of(make("encode"), SMALL["encode"] | {"ahead": True, "label": "t"})[-1]
    assert ahead["inversion"] == "ahead"  # the label has no effect there


class Rounded:
    """A predictor whose fast engine rounds to bfloat16, as that of a CPU does, and its network in float32."""

    device, requested_engine, max_rows, any_thread, timings = torch.device("cpu"), "auto", 8, False, ()

    def __init__(self, engine):
        self.engine = engine
        self.exact = self.float32 = self if engine == "torch float32" else Rounded("torch float32")

    @property
    def unshared(self):
        return self

    def __call__(self, x_t, t):
        eps = predict_noise(x_t, t)
        return eps if self.engine == "torch float32" else eps.bfloat16().float()

    def choose_engine(self, shape):
        return self.engine

    def prepare(self):
        return self


def test_both_ways_are_computed_in_float32_and_the_status_row_says_so(checkpoints):
    """On the fast engine the errors would partly be those of its rounding."""
    toy = checkpoints["toy"]
    fast = replace(toy, predict_noise=Rounded("OpenVINO bfloat16"))
    x_0 = to_unit(toy.examples()[2:3])
    tab = tab_of("encode", fast)
    values = run(tab, SMALL["encode"])
    assert {value["engine"] for value in values} == {"torch float32"}
    assert json.loads(values[-1]["facts"])["mse"] == pytest.approx(mse(round_trip(toy, x_0, 7), x_0), rel=1e-6)
    table = json.loads(values[-1]["table"])
    assert table["plain"]["100"] == pytest.approx(mse(round_trip(toy, x_0, 100, ahead=False), x_0), rel=1e-6)
    mixed = ex.sample(fast, ex.encode(fast, x_0, 100), ex.Settings(100))
    assert mse(mixed, x_0) != pytest.approx(table["plain"]["100"], rel=0.05)


def test_every_place_has_a_picture_within_41_calls_and_the_default_view_takes_at_most_1000(make):
    """At 10 ms a call that is less than half a second, and ten seconds."""
    calls, places = 0, set()
    for value in values_of(make("encode"), {"picture": 2}):
        if value["evaluations"] <= 41:
            places = set(pictures_of(value)) | set(previews_of(value))
        calls = value["evaluations"]
    assert value["state"] == "ended"
    assert set(pictures_of(value)) == places
    assert calls == value["expected"] == 724 <= 1000
    previews = previews_of(value)
    assert {mark for mark, _ in previews.values()} == {(10, S) for S in (20, 50, 100)}
    assert not any(name.endswith("/10") for name in previews if name.startswith("back/"))


def test_the_times_of_the_film_and_the_rows_of_the_table_are_there_from_the_start(make):
    first, *_, last = values_of(make("encode"), SMALL["encode"])
    for key in ("times", "lengths", "offered", "inversion"):
        assert first[key] == last[key]
    assert json.loads(first["table"]).keys() == json.loads(last["table"]).keys()


@pytest.mark.slow
def test_larger_s_are_measured_on_request(make):
    tab = make("encode")
    small = values_of(tab, SMALL["encode"])[-1]
    large = values_of(tab, SMALL["encode"] | {"largest": 200})[-1]
    assert (small["lengths"], large["lengths"]) == ([10, 20, 50, 100], [10, 20, 50, 100, 200])
    assert large["evaluations"] == large["expected"] == 400 + 401  # the others are cached


@pytest.mark.slow
def test_every_s_and_no_more_than_the_checkpoint_has(make):
    every = json.loads(values_of(make("encode"), SMALL["encode"] | {"every_steps": True})[-1]["table"])
    assert list(every["plain"]) == list(map(str, TABLE_2_STEPS))
    given = SMALL["encode"] | {"checkpoint": "short", "every_steps": True}
    assert list(json.loads(values_of(make("encode"), given)[-1]["table"])["plain"]) == ["10", "20", "50", "100"]


def test_errors_are_remembered_for_the_same_picture_alone(make):
    tab = make("encode")
    first = values_of(tab, SMALL["encode"])[-1]
    again = values_of(tab, SMALL["encode"])[-1]
    assert again["table"] == first["table"]
    backs = {name: picture for name, picture in pictures_of(first).items() if name.startswith("back/")}
    assert len(backs) == 8
    for name, picture in backs.items():
        assert np.array_equal(pictures_of(again)[name], picture)
    assert again["evaluations"] == again["expected"] == 0
    longer = values_of(tab, SMALL["encode"] | {"steps": 20})[-1]
    assert longer["evaluations"] == longer["expected"] == 41
    other = values_of(tab, SMALL["encode"] | {"picture": 3})[-1]
    assert other["evaluations"] == first["evaluations"]
    assert other["table"] != first["table"]


@pytest.mark.slow
def test_what_the_settings_make_is_a_picture_too(make, checkpoints):
    toy, given = checkpoints["toy"], SMALL["encode"] | {"picture": "made", "seed": "slerp(3, 4, 0.5)"}
    last = values_of(make("encode"), given)[-1]
    made = ex.sample(toy, parse("slerp(3, 4, 0.5)").latent(toy), ex.Settings(7)).clamp(-1, 1)
    assert np.array_equal(pictures_of(last)["x_0"], shown(made))
    assert np.array_equal(pictures_of(last)["again"], shown(round_trip(toy, made, 7)))
    assert last["latent"] == ""
    assert last["evaluations"] == last["expected"]
    tab = make("encode")
    tables = [values_of(tab, given | {"seed": seed})[-1]["table"] for seed in (3, 4)]
    assert tables[0] != tables[1]  # errors of one are not those of the other


def test_a_run_that_is_stopped_while_its_picture_is_made_has_all_that_the_page_reads(make):
    given = SMALL["encode"] | {"picture": "made"}
    first, stopped = values_of(make("encode"), given, iter(["running", "stopped", "stopped"]).__next__)
    assert (first["state"], stopped["state"]) == ("running", "stopped")
    assert (first["evaluations"], stopped["evaluations"]) == (0, 2)
    whole = values_of(make("encode"), given)[-1]
    assert first.keys() == stopped.keys() == whole.keys()
    assert first["expected"] == stopped["expected"] == whole["expected"]


def test_the_errors_of_held_out_pictures_come_from_the_measured_ones(make, folder):
    measured = json.loads(values_of(make("encode"), SMALL["encode"])[0]["measured"])
    assert measured["errors"] == {}
    assert english(measured["note"]) == "not measured yet: python -m explorer evaluate toy"
    quartiles = {"first": 0.002, "median": 0.003, "third": 0.02, "pictures": 16}
    cells = [
        {"steps": 10, "mse": 0.01, "spread": 0.002, "quartiles": quartiles},
        {"steps": 20, "mse": 0.005, "spread": 0},
        {"steps": 10, "mse": 0.001, "spread": 0, "inversion": "refined-1", "pictures": 4},
    ]
    entry = {"pictures": 8, "how": "", "held_out": "", "weights": "", "cells": cells}
    (folder / "quality.json").write_text(json.dumps({"reconstruction": entry}))
    measured = json.loads(values_of(make("encode"), SMALL["encode"])[0]["measured"])
    plain, refined = measured["errors"]["plain"], measured["errors"]["refined-1"]
    assert plain["10"] == {"mean": 0.01, "standard_error": 0.002, "pictures": 8} | {
        "quartiles": [0.002, 0.003, 0.02],
        "quartile_pictures": 16,
    }
    assert plain["20"] == {"mean": 0.005, "standard_error": 0, "pictures": 8}
    assert refined["10"]["pictures"] == 4
    assert measured["note"] == ""


@pytest.mark.slow
@pytest.mark.parametrize("picture", [2, "made", "uploaded"])
def test_the_copied_script_brings_the_same_picture_back(
    make, checkpoints, uploaded, picture, monkeypatch, tmp_path, capsys
):
    data, name = uploaded
    given = SMALL["encode"] | {
        "picture": name if picture == "uploaded" else picture,
        "refine": 1,
        "seed": "encode(1, 5)",
    }
    last = values_of(make("encode"), given)[-1]
    monkeypatch.setattr(ex, "load", lambda name: checkpoints[name])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.png").write_bytes(data)
    exec(last["script"], {})
    assert np.array_equal(np.asarray(Image.open("again.png")), pictures_of(last)["again"])
    error = float(capsys.readouterr().out.split(":")[1])
    assert error == pytest.approx(json.loads(last["facts"])["mse"], rel=1e-5)
