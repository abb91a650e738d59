"""Every tab after a restart: the same page, without a call of the network, and with a note of how it was computed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tab_values import ALL_TABS, SMALL, pictures_of, tab_of, values_of

import explorer as ex
from explorer import derivations
from explorer.runs import encoded_latent
from explorer.runs.admission import Admission
from explorer.runs.encoded_latent import store_encoded_in
from explorer.runs.results import ResultCache
from explorer.ui.derivation_checks import DerivationChecks
from explorer.ui.listeners import Listeners
from explorer.ui.prepare.preparation import missing_evaluations

sys.path.insert(0, str(Path(__file__).parent.parent))
from test_stored_results import offline, stored_in

REQUESTS = {
    "steps": {"steps": 6, "eta": 0.5, "seed": 3},
    **SMALL,
    "compare": SMALL["compare"] | {"wrong": True},
    "quality": {"seed": 3, "cell_pictures": 1, "cell_steps": "20"},
    "encode": SMALL["encode"] | {"largest": 20},
}
CHANGES = {"seconds", "script", "sheet", "rows", "previews", "other"}  # rows and the other picture are compared below


@pytest.fixture
def checkpoint(tiny_copy):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    np.savez(tiny_copy / "examples.npz", images=images)
    yield ex.load(tiny_copy, device="cpu")
    encoded_latent.ENCODED_LATENTS.clear()
    store_encoded_in(None)


def page_values(name, checkpoint, stored, given):
    """What the page gets, in a process that has just started."""
    encoded_latent.ENCODED_LATENTS.clear()
    store_encoded_in(stored)
    tab = tab_of(name, checkpoint, results=ResultCache(stored=stored))
    request = tab.parse(given)
    values = []
    for result in tab.page_results(request, lambda: "running"):
        values.append(result.to_page() | {"origin": result.origin})
    stored.flush(30)
    return values


def comparable(value):
    """What must be the same: everything but times and files, which differ from run to run."""
    facts = json.loads(value["facts"]) if "facts" in value else {}
    for row in facts.values():
        if isinstance(row, dict):
            row.pop("seconds", None)
    return {
        key: entry
        for key, entry in value.items()
        if key not in CHANGES | {"facts", "pictures", "evaluations", "expected", "origin"}
    } | {"facts": facts}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALL_TABS if name != "forward"])
def test_a_page_that_was_computed_before_is_complete_at_once_after_a_restart(checkpoint, tmp_path, few_columns, name):
    folder, given = tmp_path / "results", REQUESTS[name]
    *_, before = page_values(name, checkpoint, stored_in(folder, prepares=True), given)
    assert before["origin"] is None
    *_, after = page_values(name, offline(checkpoint), stored_in(folder), given)
    assert comparable(after) == comparable(before)
    if name == "steps":
        assert after["rows"] == before["rows"]
        assert json.loads(after["other"])["picture"] == json.loads(before["other"])["picture"]
    else:
        pictures = pictures_of(before)
        assert pictures or name == "paths"
        for key, picture in pictures_of(after).items():
            assert np.array_equal(picture, pictures[key]), key
        assert pictures_of(after).keys() == pictures.keys()
    assert not after.get("evaluations")
    assert after["origin"]["prepared"] is True
    assert after["origin"]["made"] > 1.7e9
    assert after["origin"]["engine"] == ("" if name == "paths" else "torch float32")


@pytest.mark.parametrize("name", ["compare", "consistency", "interpolate", "encode", "quality"])
def test_nothing_is_missing_of_a_stored_page_and_all_of_another(checkpoint, tmp_path, name):
    folder, given = tmp_path / "results", REQUESTS[name]
    page_values(name, checkpoint, stored_in(folder), given)
    for other, is_missing in ((given, False), (given | {"clip": True, "spacing": "quadratic"}, True)):
        tab = tab_of(name, offline(checkpoint), results=ResultCache(stored=stored_in(folder)))
        assert (missing_evaluations(tab, tab.parse(other)) > 0) is is_missing


def test_a_run_of_which_a_part_is_computed_now_does_not_claim_to_be_stored(checkpoint, tmp_path):
    folder = tmp_path / "results"
    page_values("consistency", checkpoint, stored_in(folder), REQUESTS["consistency"])
    more = REQUESTS["consistency"] | {"lengths": "2, 4, 8, 9"}
    *_, last = page_values("consistency", checkpoint, stored_in(folder), more)
    assert last["evaluations"] == 2 * 3 * 9
    assert last["origin"] is None


def test_the_repeat_of_ddim_is_the_one_that_was_run_beside_the_stored_row(checkpoint, tmp_path):
    folder, given = tmp_path / "results", REQUESTS["compare"]
    page_values("compare", checkpoint, stored_in(folder), given)
    (path,) = [entry.path for entry in stored_in(folder).store.entries() if entry.header()["kind"] == "repeat"]
    path.unlink()
    *_, last = page_values("compare", checkpoint, stored_in(folder), given)
    assert last["evaluations"] >= given["steps"]  # it is run again
    assert json.loads(last["facts"])["ddim"]["repeat"] == 0
    for entry in stored_in(folder).store.entries():
        if entry.header()["kind"] == "run":
            entry.path.unlink()
    *_, last = page_values("compare", checkpoint, stored_in(folder), given)
    assert json.loads(last["facts"])["ddim"]["repeat"] == 0
    assert last["evaluations"] == (9 + 2) * (5 + 1)  # with the rows: a repeat of others would say nothing about these


def test_without_a_store_a_page_is_as_before(checkpoint):
    tab = tab_of("consistency", checkpoint)
    values_of(tab, REQUESTS["consistency"])
    (again,) = list(tab.checked_results(tab.parse(REQUESTS["consistency"]), lambda: "running"))[-1:]
    assert again.evaluations == 0
    assert again.origin is None


def test_derivation_cards_are_stored(checkpoint, tmp_path, monkeypatch):
    checks = DerivationChecks({"tiny": checkpoint}, Admission(), stored := stored_in(tmp_path / "results"))
    request = {"name": "last_step", "checkpoint": "tiny"}
    before = checks.check_derivation(request)
    stored.flush(30)
    monkeypatch.setattr(derivations, "check", lambda *_: pytest.fail("computed again"))
    again = DerivationChecks({"tiny": offline(checkpoint)}, Admission(), stored_in(tmp_path / "results"))
    assert again.check_derivation(request) == before
    assert before["state"] == "done"


def test_the_page_is_told_how_its_result_was_computed(checkpoint, tmp_path):
    from tab_values import run

    folder = tmp_path / "results"
    for prepares, origin in ((True, None), (False, {"engine": "torch float32", "prepared": True})):
        stored = stored_in(folder, prepares)
        tab = tab_of("quality", checkpoint, results=ResultCache(stored=stored), listeners=Listeners())
        last = run(tab, {"seed": 3, "cell_pictures": 1, "cell_steps": "20"})[-1]
        stored.flush(30)
        told = last["origin"] and {key: last["origin"][key] for key in ("engine", "prepared")}
        assert told == origin
