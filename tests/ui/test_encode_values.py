"""What Encode sends to the page. No browser."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tab_values import SMALL, english, pictures_of, predict_noise, shown, tab_of, values_of

import explorer as ex
from explorer.media.convert import to_unit
from explorer.paper import TABLE_2, TABLE_2_STEPS
from explorer.runs.latent_spec import parse


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
        (0, False, "plain", [7, 380]),
        (0, True, "ahead", [8, 380, 385]),
        (2, False, "refined-2", [21, 380, 3 * 380]),
        (1, True, "ahead-refined-1", [15, 380, 2 * 380 + 5]),
    ],
)
def test_the_table_holds_the_error_of_every_cheap_s(make, checkpoints, refine, ahead, inversion, calls):
    last = values_of(make("encode"), SMALL["encode"] | {"refine": refine, "ahead": ahead})[-1]
    table, x_0 = json.loads(last["table"]), to_unit(checkpoints["toy"].examples()[2:3])
    assert last["inversion"] == inversion
    assert set(table) == {"plain", inversion}
    for errors in table.values():
        assert list(errors) == ["10", "20", "50", "100", "200"]
        assert list(errors.values()) == sorted(errors.values(), reverse=True)
    for way, how in (("plain", {"ahead": False}), (inversion, {"ahead": ahead, "iterations": refine})):
        again = round_trip(checkpoints["toy"], x_0, 20, **how)
        assert table[way]["20"] == pytest.approx(mse(again, x_0), rel=1e-6)
        assert np.array_equal(pictures_of(last)[f"back/{way}/20"], shown(again))
    assert inversion == "plain" or all(error < table["plain"][S] / 2 for S, error in table[inversion].items())
    up, *ways = calls
    assert last["evaluations"] == last["expected"] == up + 7 + sum(ways) + 380 * len(ways)


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
    assert len(backs) == 10
    for name, picture in backs.items():
        assert np.array_equal(pictures_of(again)[name], picture)
    assert again["evaluations"] == again["expected"] == 15
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


def test_mean_errors_come_from_the_measured_ones(make, folder):
    measured = json.loads(values_of(make("encode"), SMALL["encode"])[0]["measured"])
    assert measured["errors"] == {}
    assert english(measured["note"]) == "not measured yet: python -m explorer evaluate toy"
    entry = {
        "pictures": 8,
        "how": "",
        "held_out": "",
        "weights": "",
        "cells": [
            {"steps": 10, "mse": 0.01, "spread": 0},
            {"steps": 20, "mse": 0.005, "spread": 0},
            {"steps": 10, "mse": 0.001, "spread": 0, "inversion": "refined-1"},
        ],
    }
    (folder / "quality.json").write_text(json.dumps({"reconstruction": entry}))
    measured = json.loads(values_of(make("encode"), SMALL["encode"])[0]["measured"])
    assert measured["errors"] == {"plain": [[10, 0.01], [20, 0.005]], "refined-1": [[10, 0.001]]}
    assert english(measured["note"]) == "over 8 held-out pictures"


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
