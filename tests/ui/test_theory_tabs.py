"""What Encode, Forward, Paths and Quality send to the page. No browser; a toy network with four held-out pictures."""

import base64
import io
import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import explorer as ex
import explorer.ui.paths as paths_tab
from explorer import recipe
from explorer.finished import Finished
from explorer.given import GIVEN, as_tensor, read_picture
from explorer.mixture import PRESETS
from explorer.paper import TABLE_1, TABLE_1_STEPS, TABLE_2, TABLE_2_STEPS
from explorer.pictures import to_rgb, to_uint8
from explorer.quality import to_unit
from explorer.recipe import MAX_SEED, parse
from explorer.ui.encode import EncodeTab
from explorer.ui.forward import PROCESSES, ForwardTab
from explorer.ui.paths import PathsTab, sweep_cell
from explorer.ui.quality import QualityTab
from explorer.ui.real import receive_picture
from explorer.ui.state import BadInput, Newest, from_address

TABS = {tab.name: tab for tab in (EncodeTab, ForwardTab, PathsTab, QualityTab)}
SHAPE = (3, 8, 8)
MU, S_DATA = 0.3, 0.5
FORGOTTEN = "0123456789abcdef"


def predict_noise(x_t, t):
    """The exact eps of N(0.3, 0.5^2), every pixel for itself; each row of a batch at its own t."""
    alpha_bar = torch.from_numpy(ex.Schedule.linear().alpha_bar.copy())
    ab = alpha_bar[torch.as_tensor(t).expand(len(x_t))].view(-1, 1, 1, 1)
    return ((1 - ab).sqrt() * (x_t - ab.sqrt() * MU) / (ab * S_DATA**2 + 1 - ab)).float()


@pytest.fixture
def folder(tmp_path):
    """A checkpoint folder with held-out pictures alone."""
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    (tmp_path / "toy").mkdir()
    np.savez(tmp_path / "toy" / "examples.npz", images=pictures)
    return tmp_path / "toy"


@pytest.fixture
def checkpoints(folder, monkeypatch):
    """The toy, one without held-out pictures, a grey one, and one with T = 100. What was encoded before is forgotten."""
    monkeypatch.setattr(recipe, "ENCODED", type(recipe.ENCODED)())
    toy = replace(ex.from_denoiser(predict_noise, SHAPE, name="toy"), folder=folder)
    grey_folder = folder.parent / "grey"
    grey_folder.mkdir()
    np.savez(grey_folder / "examples.npz", images=toy.examples()[..., :1])
    return {
        "toy": toy,
        "bare": ex.from_denoiser(predict_noise, SHAPE, name="bare"),
        "grey": replace(ex.from_denoiser(predict_noise, (1, 8, 8), name="grey"), folder=grey_folder),
        "short": replace(toy, name="short", schedule=ex.Schedule.linear(T=100)),
    }


@pytest.fixture
def make(checkpoints):
    """``make(name)``: a tab over the checkpoints."""
    return lambda name: TABS[name](checkpoints, Newest(), Finished())


@pytest.fixture
def few_columns(monkeypatch):
    """Paths sweeps over two S alone."""
    monkeypatch.setattr(paths_tab, "SWEEP_STEPS", (5, 10))


@pytest.fixture
def brought():
    """The file of a picture, and its name among the brought ones."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(buffer, "png")
    return buffer.getvalue(), receive_picture(base64.b64encode(buffer.getvalue()).decode())["name"]


SMALL = {
    "encode": {"steps": 7, "picture": 2},
    "forward": {"steps": 20, "pixels": "2:3, 5:6", "walks": 1000, "real": 1},
    "paths": {"steps": 9, "eta": 0.5, "points": 300, "drawn": 5, "seed": 3},
    "quality": {"seed": 3, "noise_seed": 5},
}


def values_of(tab, given, state=lambda: "running"):
    return list(tab.stream(tab.parse(given), state))


def run(tab, given, session="a"):
    return list(tab.run(given, SimpleNamespace(session_hash=session)))


def pictures_of(value):
    """uint8 (H, W, 3) by name, as the page reads them."""
    pictures = {}
    for line in value["pictures"].splitlines():
        name, uri = line.split("\t")
        pictures[name] = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))
    return pictures


def floats_of(text):
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def shown(x):
    return to_rgb(to_uint8(x))[0]


def mse(again, x_0):
    return float((again - x_0).square().mean() / 4)


# All four


@pytest.mark.parametrize("name", TABS)
def test_texts_only_grow_and_the_last_value_is_plain_json(make, name, few_columns):
    values = values_of(make(name), SMALL[name])
    assert [value["state"] for value in values] == ["running"] * (len(values) - 1) + ["ended"]
    for before, after in itertools.pairwise(values):
        assert after["pictures"].startswith(before["pictures"])
        assert (after["evaluations"] or 0) >= (before["evaluations"] or 0)
        assert before["settings"] == after["settings"]
    assert values[-1]["evaluations"] == values[-1]["expected"]
    json.dumps(values[-1], allow_nan=False)
    for text in (v for k, v in values[-1].items() if isinstance(v, str) and v[:1] in ("[", "{") and k != "script"):
        json.dumps(json.loads(text), allow_nan=False)


@pytest.mark.parametrize("name", ["encode", "paths", "quality"])
@pytest.mark.parametrize("after", [0, 2, 8])
def test_a_superseded_run_ends_without_another_word_and_a_stopped_one_says_so(make, name, after, few_columns):
    def answers(last):
        return itertools.chain(["running"] * after, itertools.repeat(last)).__next__

    superseded = values_of(make(name), SMALL[name], answers("superseded"))
    assert all(value["state"] == "running" for value in superseded)
    whole = values_of(make(name), SMALL[name])[-1]
    stopped = values_of(make(name), SMALL[name], answers("stopped"))[-1]
    assert stopped["state"] == "stopped"
    assert stopped.keys() == whole.keys()
    assert set(pictures_of(stopped)) <= set(pictures_of(whole))


@pytest.mark.parametrize("name", TABS)
def test_all_settings_survive_the_way_through_the_address(make, name):
    others = {"refine": 3, "every_steps": True, "walks": 400, "mixture": "two moons", "samples": False}
    tab = make(name)
    asked = tab.parse({**others, **SMALL[name]})
    fields = asked.fields()
    address = {key: "1" if value is True else "0" if value is False else str(value) for key, value in fields.items()}
    restored, message = from_address(address, tab.defaults().fields(), tab.parse)
    assert message == ""
    assert restored == fields
    assert tab.parse(restored) == asked


REFUSED = [
    ("encode", "picture", "made up", "number of a held-out picture or the name of a brought one"),
    ("encode", "picture", -1, "held-out picture must be"),
    ("encode", "picture", 1.5, "held-out picture must be"),
    ("encode", "picture", None, "held-out picture must be"),
    ("encode", "picture", "9" * 400, "number of a held-out picture"),
    ("encode", "refine", 6, "from 0 to 5"),
    ("encode", "refine", "some", "from 0 to 5"),
    ("encode", "every_steps", "yes", "on or off"),
    ("encode", "steps", 1001, "from 1 to 1000"),
    ("encode", "seed", "encode(3)", r"encode\(picture, S\)"),
    ("forward", "real", "made", "number of a held-out picture"),
    ("forward", "real", [3], "held-out picture must be"),
    ("forward", "pixels", "8:0", "rows 0 to 7 and columns 0 to 7, so 8:0 is outside"),
    ("forward", "pixels", "0:0, 3:8", "so 3:8 is outside"),
    ("forward", "pixels", "2:3, 2:3", "1 to 3 different pixels"),
    ("forward", "pixels", "2:3, 02:3", "1 to 3 different pixels"),
    ("forward", "pixels", "0:0, 1:1, 2:2, 3:3", "1 to 3 different pixels, not 4"),
    ("forward", "pixels", ",", "1 to 3 different pixels, not 0"),
    ("forward", "pixels", "two:three", "a list such as 32:20, 50:32"),
    ("forward", "pixels", "2", "each a row and a column"),
    ("forward", "pixels", "-1:2", "each a row and a column"),
    ("forward", "pixels", "1:2:3", "each a row and a column"),
    ("forward", "pixels", "٣:1", "each a row and a column"),
    ("forward", "pixels", "9" * 10_000 + ":1", "each a row and a column"),
    ("forward", "pixels", 7, "a list such as"),
    ("forward", "walks", 99, "from 100 to 4000"),
    ("forward", "walks", 4001, "from 100 to 4000"),
    ("paths", "mixture", "cube", "ring, grid"),
    ("paths", "mixture", None, "must be one of"),
    ("paths", "drawn", 0, "from 1 to 60"),
    ("paths", "drawn", 61, "from 1 to 60"),
    ("paths", "points", 199, "from 200 to 2000"),
    ("paths", "points", 2001, "from 200 to 2000"),
    ("quality", "samples", 1, "on or off"),
    ("quality", "seed", MAX_SEED, "must be at most"),
    ("quality", "noise_seed", MAX_SEED, "must be at most"),
]


@pytest.mark.parametrize(("name", "field", "value", "expected"), REFUSED)
def test_a_field_that_cannot_be_used_is_named_and_the_last_good_value_offered(make, name, field, value, expected):
    tab = make(name)
    with pytest.raises(BadInput, match=expected) as caught:
        tab.parse({**SMALL[name], field: value})
    assert caught.value.field == field
    assert len(str(caught.value)) < 250
    good = tab.parse(SMALL[name])
    tab.last_good["a"] = good
    (refusal,) = run(tab, {**SMALL[name], field: value, "count": 4})
    assert (refusal["state"], refusal["field"], refusal["count"]) == ("error", field, 4)
    assert refusal["message"] == str(caught.value)
    assert refusal["repair"]["value"] == good.fields()[field]


@pytest.mark.parametrize(("name", "field"), [("encode", "picture"), ("forward", "real")])
def test_a_brought_picture_that_went_is_refused_beside_its_field(make, brought, name, field):
    tab = make(name)
    assert run(tab, {**SMALL[name], field: brought[1]})[-1]["state"] == "ended"
    (refusal,) = run(tab, {**SMALL[name], field: FORGOTTEN})
    assert (refusal["state"], refusal["field"]) == ("error", field)
    assert "choose the file again" in refusal["message"]
    assert refusal["repair"]["value"] == brought[1]  # not the one that was just refused
    (refusal,) = run(tab, {**SMALL[name], field: 4})
    assert "numbers 0 to 3, not 4" in refusal["message"]
    assert refusal["repair"]["value"] == brought[1]


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize(("name", "field", "number"), [("encode", "picture", 1), ("forward", "real", 0)])
def test_without_held_out_pictures_a_tab_says_so_and_takes_a_brought_one(
    make, folder, brought, name, field, number, damaged
):
    tab = make(name)
    if damaged:
        (folder / "examples.npz").write_bytes(b"PK no pictures")
    given = {**SMALL[name], "checkpoint": "toy" if damaged else "bare", field: number}
    (refusal,) = run(tab, given)
    assert refusal["field"] == field
    assert ("is damaged" if damaged else "bare ships no held-out pictures: choose a picture") in refusal["message"]
    assert (refusal["repair"] or {"value": 0})["value"] == tab.defaults().fields()[field]
    assert (refusal["repair"] is None) == (number == 0)  # the same again would not help
    last = run(tab, given | {field: brought[1]})[-1]
    assert (last["state"], last["examples"]) == ("ended", 0)


@pytest.mark.parametrize("damaged", [False, True])
def test_without_held_out_pictures_encode_begins_with_what_the_settings_make(make, folder, damaged):
    if damaged:
        (folder / "examples.npz").write_bytes(b"PK no pictures")
    last = run(make("encode"), {"steps": 7, "picture": 0, "checkpoint": "toy" if damaged else "bare"})[-1]
    assert last["state"] == "ended"
    assert last["settings"]["picture"] == "made"


# Real pictures


def test_a_file_from_the_page_is_kept_or_what_is_wrong_with_it_said(brought):
    data, name = brought
    assert np.array_equal(np.asarray(GIVEN.get(name)), np.asarray(read_picture(data)))
    assert receive_picture(base64.b64encode(b"no picture").decode()) == {
        "error": "This is no picture that can be read, or it is damaged: try a PNG or a JPEG."
    }
    for no_base64 in ("?", "data:image/png;base64,aaaa", None, 3, [data]):
        assert receive_picture(no_base64)["error"].endswith(".")
    assert "20 MB" in receive_picture("A" * (28 << 20))["error"]


# Encode


def round_trip(checkpoint, x_0, S, iterations=0):
    return ex.sample(checkpoint, ex.encode(checkpoint, x_0, S, iterations=iterations), ex.Settings(S))


def test_encode_shows_the_way_up_and_down(make, checkpoints):
    toy = checkpoints["toy"]
    last = values_of(make("encode"), SMALL["encode"])[-1]
    pictures, facts = pictures_of(last), json.loads(last["facts"])
    x_0 = to_unit(toy.examples()[2:3])
    x_T, again = ex.encode(toy, x_0, 7), round_trip(toy, x_0, 7)
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
    assert last["latent"] == "encode(2, 7)"
    assert torch.equal(parse(last["latent"]).make(toy), x_T)
    assert json.loads(last["paper"]) == [list(row) for row in zip(TABLE_2_STEPS, TABLE_2, strict=True)]
    assert last["examples"] == 4
    assert np.array_equal(pictures["example/3"], toy.examples()[3])


def test_the_latent_is_remembered_from_the_round_trip(make, checkpoints):
    asked = []

    def counted(x, t):
        asked.append(t)
        return predict_noise(x, t)

    toy = replace(checkpoints["toy"], predict_noise=counted)
    values_of(EncodeTab({"toy": toy}, Newest(), Finished()), SMALL["encode"] | {"refine": 1})
    asked.clear()
    parse("encode(2, 7, 1)").make(toy)
    assert asked == []


@pytest.mark.parametrize("refine", [0, 2])
def test_the_table_holds_the_error_of_every_cheap_s(make, checkpoints, refine):
    last = values_of(make("encode"), SMALL["encode"] | {"refine": refine})[-1]
    table, x_0 = json.loads(last["table"]), to_unit(checkpoints["toy"].examples()[2:3])
    assert list(table["plain"]) == ["10", "20", "50", "100", "200"]
    assert table["plain"]["20"] == pytest.approx(mse(round_trip(checkpoints["toy"], x_0, 20), x_0), rel=1e-6)
    errors = list(table["plain"].values())
    assert errors == sorted(errors, reverse=True)
    assert list(table["refined"]) == ([] if refine == 0 else list(table["plain"]))
    assert all(error < table["plain"][S] / 2 for S, error in table["refined"].items())
    calls = 7 * (2 + refine) + sum(S * (2 + k) for S in (10, 20, 50, 100, 200) for k in dict.fromkeys((0, refine)))
    assert last["evaluations"] == last["expected"] == calls


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
    assert again["evaluations"] == again["expected"] == 14
    longer = values_of(tab, SMALL["encode"] | {"steps": 20})[-1]
    assert longer["evaluations"] == longer["expected"] == 40
    other = values_of(tab, SMALL["encode"] | {"picture": 3})[-1]
    assert other["evaluations"] == first["evaluations"]
    assert other["table"] != first["table"]


def test_what_the_settings_make_is_a_picture_too(make, checkpoints):
    toy, given = checkpoints["toy"], SMALL["encode"] | {"picture": "made", "seed": "slerp(3, 4, 0.5)"}
    last = values_of(make("encode"), given)[-1]
    made = ex.sample(toy, parse("slerp(3, 4, 0.5)").make(toy), ex.Settings(7)).clamp(-1, 1)
    assert np.array_equal(pictures_of(last)["x_0"], shown(made))
    assert np.array_equal(pictures_of(last)["again"], shown(round_trip(toy, made, 7)))
    assert last["latent"] == ""
    assert last["evaluations"] == last["expected"]
    tab = make("encode")
    tables = [values_of(tab, given | {"seed": seed})[-1]["table"] for seed in (3, 4)]
    assert tables[0] != tables[1]  # errors of one are not those of the other


def test_a_run_that_is_stopped_while_its_picture_is_made_has_all_that_the_page_reads(make):
    given = SMALL["encode"] | {"picture": "made"}
    (stopped,) = values_of(make("encode"), given, iter(["running", "stopped", "stopped"]).__next__)
    assert stopped["state"] == "stopped"
    assert stopped["evaluations"] == 2
    assert stopped.keys() == values_of(make("encode"), given)[-1].keys()


def test_mean_errors_come_from_the_measured_ones(make, folder):
    note = json.loads(values_of(make("encode"), SMALL["encode"])[0]["measured"])
    assert note == {"errors": [], "note": "not measured yet: python -m explorer evaluate toy"}
    entry = {
        "pictures": 8,
        "how": "",
        "held_out": "",
        "weights": "",
        "cells": [{"steps": 10, "mse": 0.01, "spread": 0}],
    }
    (folder / "quality.json").write_text(json.dumps({"reconstruction": entry}))
    measured = json.loads(values_of(make("encode"), SMALL["encode"])[0]["measured"])
    assert measured == {"errors": [[10, 0.01]], "note": "over 8 held-out pictures"}


@pytest.mark.parametrize("picture", [2, "made", "brought"])
def test_the_copied_script_brings_the_same_picture_back(
    make, checkpoints, brought, picture, monkeypatch, tmp_path, capsys
):
    data, name = brought
    given = SMALL["encode"] | {
        "picture": name if picture == "brought" else picture,
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


# Forward


def test_forward_sends_what_the_page_mixes(make, checkpoints):
    toy = checkpoints["toy"]
    (value,) = values_of(make("forward"), SMALL["forward"] | {"noise_seed": 4})
    x_0 = to_unit(toy.examples()[1:2])
    assert np.array_equal(floats_of(value["x_0"]), x_0.numpy().ravel())
    assert np.array_equal(floats_of(value["eps"]), ex.latent(SHAPE, [4]).numpy().ravel())
    np.testing.assert_allclose(floats_of(value["alpha_bar"]), toy.schedule.alpha_bar, rtol=1e-6)
    assert json.loads(value["tau"]) == ex.timesteps(1000, 20)
    assert json.loads(value["pixels"]) == [
        [2, 3, pytest.approx(float(x_0[0, 0, 2, 3]), abs=1e-4)],
        [5, 6, pytest.approx(float(x_0[0, 0, 5, 6]), abs=1e-4)],
    ]


def test_the_usual_pixel_lies_in_every_picture(make, checkpoints):
    (value,) = values_of(make("forward"), SMALL["forward"] | {"pixels": ""})
    assert [place[:2] for place in json.loads(value["pixels"])] == [[2, 4]]
    tiny = ForwardTab({"one": ex.from_denoiser(predict_noise, (1, 1, 1), name="one")}, Newest(), Finished())
    assert tiny.parse({}).options.pixels == ""


def test_all_processes_have_the_marginals_and_joints_of_their_own(make):
    (value,) = values_of(make("forward"), SMALL["forward"] | {"noise_seed": 1})
    processes, pixels = json.loads(value["processes"]), json.loads(value["pixels"])
    assert list(processes) == list(PROCESSES)
    for process in processes.values():
        assert process["t"] == [0, *ex.timesteps(1000, 20)]
        assert process["largest"] < process["bound"]
        for (_, _, x), shown_paths in zip(pixels, process["paths"], strict=True):
            assert [path[0] for path in shown_paths] == pytest.approx([x] * 4, abs=1e-4)  # all begin at x_0
            assert all(len(path) == 21 for path in shown_paths)
    correlations = [processes[name]["correlation"] for name in ("1", "0.5", "0")]
    assert correlations == sorted(correlations)
    assert processes["markov"]["correlation"] == pytest.approx(processes["1"]["correlation"], abs=0.02)
    assert processes["0"]["correlation"] == pytest.approx(1)
    assert processes["0"]["straightness"] == pytest.approx(1, abs=1e-6)
    assert processes["1"]["straightness"] > 1.5


@pytest.mark.parametrize("steps", [1, 2, 1000])
def test_very_short_and_very_long_walks_have_the_marginals_too(make, steps):
    (value,) = values_of(make("forward"), SMALL["forward"] | {"steps": steps, "walks": 200})
    processes = json.loads(value["processes"])
    assert all(np.isfinite(p["largest"]) and p["largest"] < p["bound"] for p in processes.values())
    assert all(len(p["t"]) == min(250, steps + 1) for p in processes.values())


def test_a_grey_checkpoint_has_one_channel(make, checkpoints, brought):
    given = SMALL["forward"] | {"checkpoint": "grey"}
    (value,) = values_of(make("forward"), given)
    assert value["shape"] == [1, 8, 8]
    assert np.array_equal(floats_of(value["x_0"]), to_unit(checkpoints["grey"].examples()[1:2]).numpy().ravel())
    assert len(floats_of(value["eps"])) == 64
    assert pictures_of(value)["example/0"].shape == (8, 8, 3)
    data, name = brought
    (own,) = values_of(make("forward"), given | {"real": name})
    assert np.array_equal(floats_of(own["x_0"]), as_tensor(read_picture(data), (1, 8, 8)).numpy().ravel())


LOSS = {"pictures": 5, "mean": 0.1, "fifths_of_t": [1, 2, 3, 4, 5], "curve": [[10, 0.5], [900.5, 0.01]], "how": ""}
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


def test_forward_shows_the_measured_loss(make, folder):
    (folder / "quality.json").write_text(json.dumps({"loss": LOSS}))
    (value,) = values_of(make("forward"), SMALL["forward"])
    assert json.loads(value["loss"]) == {"curve": [[10, 0.5], [900.5, 0.01]], "note": "5 held-out pictures"}


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (None, "not measured yet: python -m explorer evaluate toy"),
        ("{}", "not measured yet"),
        ("{", "is not a readable JSON file"),
        ("[]", "must be Quality"),
        ('{"loss": {"pictures": 5}, "frechet": {}, "reconstruction": {}}', "has no mean"),
        ('{"loss": 3}', "must be LossEntry"),
        ('{"frechet": 3}', "must be FrechetTable"),
    ],
)
@pytest.mark.parametrize("name", ["encode", "forward", "quality"])
def test_without_measurements_a_note_says_so_and_the_rest_works(make, folder, name, text, note):
    if text is not None:
        (folder / "quality.json").write_text(text)
    last = run(make(name), SMALL[name])[-1]
    assert last["state"] == "ended"
    part = json.loads(last["loss" if name == "forward" else "measured"])
    assert note in part["note"]
    assert not any(value for key, value in part.items() if key != "note")
    assert len(pictures_of(last)) >= 4


def test_the_copied_script_of_forward_runs(make, checkpoints, monkeypatch, tmp_path):
    (value,) = values_of(make("forward"), SMALL["forward"] | {"noise_seed": 4})
    monkeypatch.setattr(ex, "load", lambda name: checkpoints[name])
    monkeypatch.chdir(tmp_path)
    exec(value["script"], {})
    x_0 = to_unit(checkpoints["toy"].examples()[1:2])
    expected = ex.diffuse(x_0, ex.latent(SHAPE, [4]), 300, checkpoints["toy"].schedule)
    assert np.array_equal(np.asarray(Image.open("x_300.png")), shown(expected))


# Paths


def three_runs(tab, given):
    """The last value before the sweep."""
    return values_of(tab, given, iter(["running", "running", "superseded"]).__next__)[-1]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_runs_down_to_its_own_distribution(make, preset):
    value = three_runs(make("paths"), SMALL["paths"] | {"mixture": preset, "steps": 50, "points": 500})
    runs, (weights, means, stds) = json.loads(value["runs"]), json.loads(value["mixture"])
    assert list(runs) == ["0", "yours", "1"]
    assert sum(weights) == pytest.approx(1)
    assert len(means) == len(stds) == json.loads(value["exact"])["modes"]
    for run_ in runs.values():
        assert len(run_["x"]) == 5
        assert run_["t"] == [0, *ex.timesteps(1000, 50)]
        assert np.array(run_["x"]).shape == (5, 51, 2)
        assert len(run_["ends"]) == 500
        assert abs(run_["energy"]) < 0.05
        assert run_["spread"] == pytest.approx(1, abs=0.35)


def test_ddim_is_straight_in_the_coordinates_of_its_equation_and_ddpm_is_not(make):
    runs = json.loads(three_runs(make("paths"), SMALL["paths"] | {"steps": 100})["runs"])
    assert 1 <= runs["0"]["straight_ode"] < 1.1
    assert runs["1"]["straight_ode"] > 1.5
    assert runs["0"]["straight_ode"] < runs["yours"]["straight_ode"] < runs["1"]["straight_ode"]
    assert runs["0"]["straight"] < runs["1"]["straight"] / 3


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
        assert abs(cell["end"] - 1) < abs(few[kind]["end"] - 1) or abs(cell["end"] - 1) < 0.05
    assert few["large"]["before"] > 1.1
    assert few["large"]["before"] > few["1"]["before"]


def test_the_copied_script_of_paths_makes_the_same_points(make, capsys):
    value = three_runs(make("paths"), SMALL["paths"] | {"noise_seed": 6})
    scope = {}
    exec(value["script"], scope)
    yours = json.loads(value["runs"])["yours"]
    np.testing.assert_allclose(scope["paths"].x[:5, 0], [path[0] for path in yours["x"]], atol=1e-4)
    assert float(capsys.readouterr().out.rsplit(":", 1)[1]) == pytest.approx(yours["energy"])


# Quality


def test_quality_shows_the_measured_cells_and_those_of_the_paper(make, folder):
    (folder / "quality.json").write_text(json.dumps({"frechet": FRECHET}))
    last = values_of(make("quality"), SMALL["quality"] | {"samples": False})[-1]
    assert json.loads(last["measured"]) == {
        "cells": [[10, "0", 3.5, 0.1, 0.2, 9], [10, "large", 40.0, 0.1, 0.2, 9], [20, "0", 3.0, 0.1, 0.2, 9]],
        "note": "",
        "features": "toy features",
        "reference": "toy pictures",
        "real": 0.5,
    }
    paper = json.loads(last["paper"])
    assert paper["steps"] == list(TABLE_1_STEPS)
    assert paper["tables"]["CelebA"]["large"] == list(TABLE_1["CelebA"]["large"])
    assert set(paper["tables"]["CIFAR10"]) == {"0", "0.2", "0.5", "1", "large"}
    assert (last["evaluations"], last["pictures"]) == (0, "")
    assert json.loads(last["samples"])["steps"] == []


def test_the_samples_are_pictures_of_the_cells(make, checkpoints):
    toy = checkpoints["toy"]
    last = values_of(make("quality"), SMALL["quality"])[-1]
    pictures = pictures_of(last)
    assert json.loads(last["samples"]) == {"steps": [5, 10, 20, 50], "pictures": 4}
    assert len(pictures) == 4 * 4 * 4
    settings = {"0": {"eta": 0.0}, "0.5": {"eta": 0.5}, "1": {"eta": 1.0}, "large": {"eta": 1.0, "variance": "large"}}
    for S, eta, i in [(5, "0", 0), (10, "0.5", 1), (20, "1", 2), (50, "large", 3)]:
        made = ex.sample(toy, ex.latent(SHAPE, [3 + i]), ex.Settings(S, noise_seed=5 + i, **settings[eta]))
        assert np.array_equal(pictures[f"{S}/{eta}/{i}"], shown(made))
    assert last["evaluations"] == 4 * 4 * (5 + 10 + 20 + 50)


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
    tab = QualityTab({"tiny": ex.from_denoiser(lambda x, t: 0.9 * x, SHAPE, schedule, "tiny")}, Newest(), Finished())
    last = values_of(tab, SMALL["quality"])[-1]
    assert json.loads(last["samples"])["steps"] == [5, 10, 20]


def test_a_latent_that_is_no_seed_counts_up_from_zero(make):
    mixed = values_of(make("quality"), SMALL["quality"] | {"seed": "slerp(1, 2, 0.5)"})[-1]
    zero = values_of(make("quality"), SMALL["quality"] | {"seed": 0})[-1]
    assert {k: v.tobytes() for k, v in pictures_of(mixed).items()} == {
        k: v.tobytes() for k, v in pictures_of(zero).items()
    }
