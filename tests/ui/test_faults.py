"""Faults in the midst of a run: who is told what, what stays, and that the next run works. No server, no browser."""

import base64
import io
import json
import math
import shutil
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from files import full_disk, read_only_disk
from PIL import Image
from tab_values import ALL_TABS, SMALL, TOY, english, predict_noise, run, tabs_over

import explorer as ex
from explorer.runs.failures import RunFailure, check_finite
from explorer.runs.shared_network import scheduled
from explorer.ui import app
from explorer.ui.api import all_endpoints, endpoint_function
from explorer.ui.saving import Exporter
from explorer.ui.tabs.steps.sprite_sheet import PublishedSheets

SMALL = SMALL | {"steps": {"steps": 9, "eta": 0.5}, "encode": {"steps": 7}}
WITH_NETWORK = ("steps", "compare", "consistency", "interpolate", "encode", "quality", "solvers")


def scheduled_tabs(*checkpoints):
    """All tabs over checkpoints, as the app has them."""
    return tabs_over(*map(scheduled, checkpoints))


class Faulty:
    """The toy's eps; at t = ``at`` and below, ``fault`` for the first row."""

    def __init__(self, fault, at=600):
        self.fault, self.at = fault, at

    def __call__(self, x_t, t):
        eps = predict_noise(x_t, t).clone()
        t = torch.as_tensor(t).expand(len(x_t))
        if self.fault is not None and t[0] <= self.at:
            eps[0, 0, 0, 0] = self.fault
        return eps


@pytest.mark.parametrize(
    ("name", "fault"), [*((name, math.nan) for name in WITH_NETWORK), ("steps", -math.inf), ("steps", 1e30)]
)
def test_a_network_that_comes_to_no_numbers_is_told_with_its_t_and_the_next_run_works(name, fault):
    network = Faulty(fault, at=300)
    tab = scheduled_tabs(replace(TOY, predict_noise=network))[name]
    values = run(tab, SMALL[name])
    assert values[-1]["state"] == "error"
    said = english(values[-1]["message"])
    assert "not finite (NaN or infinity)" in said
    assert 1 <= int(said.split("t = ")[1].split(" ")[0]) <= 300
    for value in values:  # what JSON has no word for would stop the page
        assert "NaN" not in json.dumps(value, allow_nan=False)
        assert "Infinity" not in json.dumps(value)
    network.fault = None
    assert run(tab, SMALL[name])[-1]["state"] == "ended"


def test_the_t_is_that_of_the_row_at_fault():
    eps = torch.zeros(3, 1, 2, 2)
    assert check_finite(eps, torch.tensor([7, 8, 9])) is eps
    eps[1, 0, 1, 1] = math.nan
    with pytest.raises(RunFailure, match="at t = 8 the network"):
        check_finite(eps, torch.tensor([7, 8, 9]))


def sheet_of(value):
    """The pixels of a run's sheet, wherever they lie."""
    file = value["sheet"]["file"]
    there = file["path"] if "path" in file else io.BytesIO(base64.b64decode(file["url"].split(",")[1]))
    return np.asarray(Image.open(there), dtype=int)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder that Gradio serves from."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))
    sheets = PublishedSheets()
    for module in ("result", "sprite_sheet"):
        monkeypatch.setattr(f"explorer.ui.tabs.steps.{module}.PUBLISHED_SHEETS", sheets)
    return tmp_path / "served"


@pytest.mark.parametrize("disk", [full_disk, read_only_disk])
def test_a_disk_that_takes_no_sheet_costs_no_picture(cache, disk):
    tab = scheduled_tabs(TOY)["steps"]
    with disk():
        made, again = run(tab, SMALL["steps"])[-1], run(tab, SMALL["steps"])[-1]
    assert {made["state"], again["state"]} == {"ended"}
    assert [path for path in cache.rglob("*") if path.is_file()] == []  # and no half of one
    later = run(tab, SMALL["steps"])[-1]
    expected = sheet_of(later)
    assert later["sheet"]["file"]["path"].startswith(str(cache))
    for value in (made, again):
        assert np.abs(sheet_of(value) - expected).mean() < 3  # a JPEG


@pytest.mark.parametrize("disk", [full_disk, read_only_disk])
def test_a_file_that_the_disk_does_not_take_is_refused_in_words_and_made_when_it_does(cache, disk):
    tabs = scheduled_tabs(TOY)
    exporter = Exporter(tabs)
    wish = {"tab": "compare", "kind": "sheet", "settings": SMALL["compare"], "count": 1}
    endpoint = next(endpoint_function(of, tab) for of, tab in all_endpoints(tabs) if of.name == "compare")
    page = SimpleNamespace(session_hash="a")
    with disk():
        *_, refused = exporter.make(wish, page)
        with pytest.raises(gr.Error, match="The disk of the server is full or not writable"):
            endpoint("toy", 3, 9, 0.5, "linear", False, 5, True, 1)
    assert "The disk of the server is full or not writable" in english(refused["message"])
    *_, made = exporter.make(wish, page)
    assert made["state"] == "done"
    assert Image.open(endpoint("toy", 3, 9, 0.5, "linear", False, 5, True, 1)[1]["path"]).width > 8


@pytest.fixture
def opened(tiny_copy):
    """A checkpoint whose folder a test may remove while it is open."""
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    np.savez(tiny_copy / "examples.npz", images=pictures)
    return ex.load(tiny_copy, device="cpu")


SHORT_RUNS = SMALL | {
    "steps": {"steps": 3},
    "encode": {"steps": 2, "picture": 0},
    "consistency": {"latents": "1, 2", "lengths": "2, 3"},
    "forward": SMALL["forward"] | {"real": 0},
    "quality": {"samples": False},
}


def begins(tab, given):
    """Whether a run gets to its first value; its end would take long."""
    values = tab.run(given, SimpleNamespace(session_hash="a"))
    state = next(values)["state"]
    values.close()
    return state in ("running", "ended")


@pytest.mark.parametrize("name", ["steps", "encode", "forward", "quality", "consistency"])
def test_a_checkpoint_whose_folder_is_removed_goes_on_from_memory(opened, name):
    tab = scheduled_tabs(opened, TOY)[name]
    shutil.rmtree(opened.folder)
    for checkpoint in (opened, TOY):
        assert begins(tab, SHORT_RUNS[name] | {"checkpoint": checkpoint.name})
    if name in ("encode", "forward"):
        field = "picture" if name == "encode" else "real"
        (refusal,) = run(tab, SHORT_RUNS[name] | {"checkpoint": opened.name, field: 2})
        assert "ships no held-out pictures" in english(refusal["message"])


def test_files_replaced_by_damaged_ones_are_told_where_they_are_asked_for(opened):
    tabs = scheduled_tabs(opened, TOY)
    assert begins(tabs["encode"], {"steps": 2, "picture": 1})
    for name in ("examples.npz", "quality.json", "unet/diffusion_pytorch_model.safetensors"):
        (opened.folder / name).write_bytes(b"{damaged")
    (refusal,) = run(tabs["encode"], {"steps": 2, "picture": 1})
    assert "is damaged or holds no array named images" in english(refusal["message"])
    *_, measured = run(tabs["quality"], {"samples": False})
    assert "not a readable JSON file" in json.loads(measured["measured"])["note"]
    assert run(tabs["steps"], {"steps": 3})[-1]["state"] == "ended"  # its weights are in memory
    assert begins(tabs["encode"], {"checkpoint": "toy", "steps": 2})


@pytest.fixture
def app_page(pages):
    """What the app keeps of its pages, and its handlers by name."""
    demo = app.build({"toy": TOY})
    return pages[0], {f.name: f.fn for f in demo.fns.values()}


@pytest.mark.slow
def test_of_two_hundred_pages_that_were_closed_nothing_is_kept(app_page):
    kept, call = app_page
    tabs, runs = kept.tabs, []
    for k in range(200):
        page = SimpleNamespace(session_hash=f"page {k}")
        name, given = list(ALL_TABS)[k % len(ALL_TABS)], {"count": 1, "steps": 2}
        call["record_change"](given, page)
        if k % 4 == 0:  # a page that is closed in the midst of its run
            runs.append(tabs["steps"].run(given, page))
            next(runs[-1])
        elif k % 4 == 1:  # one whose run only begins when it is closed
            runs.append(tabs[name].run({"count": 1, "steps": 0}, page))
        else:
            assert run(tabs["forward"], given | {"walks": 100}, page.session_hash)[-1]["state"] == "ended"
        call["stop"](page)
        list(kept.exporter.make({"tab": "forward", "count": 1}, page))
        call["forget"](page)
        for begun in runs:
            list(begun)
    assert [len(tab.last_good) for tab in tabs.values()] == [0] * len(tabs)
    assert [len(kept.services.latest), len(kept.exporter.latest)] == [0, 0]
    assert kept.services.admission.slots == ()
