"""The derivation cards: their texts are complete, the server computes their numbers once, and refuses what is no card."""

import json
import threading
from dataclasses import replace

import pytest
from tab_values import TOY, english

from explorer import derivations
from explorer.derivations import CARDS, Value
from explorer.runs.admission import Admission
from explorer.runs.failures import RunFailure
from explorer.support.messages import Message
from explorer.ui.components import references
from explorer.ui.derivation_checks import DerivationChecks
from explorer.ui.localization import HERE, LANGUAGES, texts
from explorer.ui.tabs import TABS

ENTRIES = {card["name"]: card for card in json.loads((HERE / "shell/derivations.json").read_text("utf-8"))}
ODD = [None, 3, [], {}, "", "theorem", {"name": "theorem"}, {"name": ["theorem"], "checkpoint": "toy"}]
ODD += [
    {"name": name, "checkpoint": "toy"} for name in ("no_such", "__class__", "../theorem", "x" * 10**6, {}, 1, None)
]
ODD += [{"name": "theorem", "checkpoint": name} for name in ("faces", "/etc/passwd", "x" * 10**6, ["toy"], {}, 0, None)]


@pytest.fixture
def checks():
    return DerivationChecks({"toy": TOY}, Admission())


def test_every_check_has_a_card_on_one_of_the_tabs_and_every_tab_but_exercises_has_a_card():
    assert ENTRIES.keys() == CARDS.keys()
    assert {card["tab"] for card in ENTRIES.values()} == {tab.name for tab in TABS} - {"exercises"}


def test_every_source_is_one_of_the_references_or_a_book_or_a_library():
    keys = {entry["key"] for entry in references()} | {"bishop", "diffusers"}
    kinds = {kind for card in ENTRIES.values() for _, kind, _ in card["sources"]} - {""}
    assert {paper for card in ENTRIES.values() for paper, _, _ in card["sources"]} <= keys
    assert all(f"derivation.{kind}" in texts("en") for kind in kinds)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_card_has_a_text_for_each_step_and_each_number(checks, language):
    for name, card in ENTRIES.items():
        values = checks.check_derivation({"name": name, "checkpoint": "toy"})["values"]
        parts = {"title", "when", *(f"s{i}" for i in range(1, len(card["formulas"]) + 1))}
        parts |= {f"{kind}_{value['name']}" for value in values for kind in "ve"}
        start = f"derivations.{name}."
        assert {key.removeprefix(start) for key in texts(language) if key.startswith(start)} == parts, name
        lines = len(card["formulas"]) + sum(tex is not None for tex in card["formulas"]) + 2
        assert 5 <= lines <= 8, name  # the steps, their formulas, the conditions and the sources


def test_the_numbers_are_those_of_the_library_and_are_computed_once(checks, monkeypatch):
    request = {"name": "theorem", "checkpoint": "toy"}
    answer = checks.check_derivation(request)
    assert (answer["state"], answer["passed"]) == ("done", True)
    computed = derivations.check("theorem", TOY)
    assert [(v["name"], v["measured"], v["expected"]) for v in answer["values"]] == [
        (v.name, v.measured, v.expected) for v in computed
    ]
    monkeypatch.setitem(CARDS, "theorem", lambda checkpoint: pytest.fail("it is known"))
    assert checks.check_derivation(request) == answer


def test_a_class_that_opens_a_card_together_has_it_computed_once(checks, monkeypatch):
    computed, ready = [], threading.Barrier(8)

    def count(checkpoint):
        computed.append(checkpoint.name)
        return [Value("a", 1.0, 1.0, 0.0, "equal")]

    def ask():
        ready.wait()
        answers.append(checks.check_derivation({"name": "theorem", "checkpoint": "toy"}))

    monkeypatch.setitem(CARDS, "theorem", count)
    answers = []
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert computed == ["toy"]
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)


def test_a_changed_checkpoint_is_computed_again(monkeypatch):
    opened = {"toy": TOY}
    checks = DerivationChecks(opened, Admission())
    request, versions = {"name": "calls", "checkpoint": "toy"}, []
    monkeypatch.setitem(CARDS, "calls", lambda checkpoint: versions.append(checkpoint.version) or [])
    checks.check_derivation(request)
    opened["toy"] = replace(TOY, version="2")
    checks.check_derivation(request)
    assert versions == ["", "2"]


@pytest.mark.parametrize("sent", ODD, ids=range(len(ODD)))
def test_what_is_no_card_or_no_checkpoint_is_refused_in_few_words(checks, sent):
    answer = checks.check_derivation(sent)
    assert answer["state"] == "error"
    assert 0 < len(english(answer["message"])) < 300
    assert len(json.dumps(answer)) < 1000


def test_a_number_that_is_not_finite_can_be_sent(checks, monkeypatch):
    values = [Value("a", float("nan"), float("inf"), 0.0, "equal")]
    monkeypatch.setitem(CARDS, "theorem", lambda checkpoint: values)
    answer = checks.check_derivation({"name": "theorem", "checkpoint": "toy"})
    assert answer["passed"] is False
    assert json.loads(json.dumps(answer, allow_nan=False))["values"][0]["measured"] is None


def test_a_full_queue_and_a_failing_network_are_told_and_the_next_request_is_answered(monkeypatch):
    request = {"name": "theorem", "checkpoint": "toy"}
    full = DerivationChecks({"toy": TOY}, Admission(0, 0))
    assert "busy" in english(full.check_derivation(request)["message"])
    checks = DerivationChecks({"toy": TOY}, Admission())

    def fail(checkpoint):
        raise RunFailure(Message("status.not_finite", texts("en")["status.not_finite"], label=3))

    with monkeypatch.context() as patch:
        patch.setitem(CARDS, "theorem", fail)
        assert "t = 3" in english(checks.check_derivation(request)["message"])
    assert checks.check_derivation(request)["state"] == "done"


def test_a_checkpoint_whose_pictures_are_damaged_is_told(tmp_path):
    (tmp_path / "examples.npz").write_bytes(b"no pictures")
    checks = DerivationChecks({"toy": replace(TOY, folder=tmp_path)}, Admission())
    answer = checks.check_derivation({"name": "scaling", "checkpoint": "toy"})
    assert (answer["state"], "damaged" in english(answer["message"])) == ("error", True)


def test_the_page_of_an_app_answers_over_http(pages):
    from starlette.testclient import TestClient

    from explorer.ui.app import build, launch_options

    demo = build({"toy": TOY})
    assert isinstance(pages[0].derivations, DerivationChecks)
    component = next(i for i, block in demo.blocks.items() if getattr(block, "elem_id", "") == "derivations")
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    try:
        with TestClient(demo.app, base_url=url) as client:

            def post(data, name="check_derivation"):
                body = {"data": data, "fn_name": name, "component_id": component, "session_hash": "a"}
                return client.post("/gradio_api/component_server", json=body)

            assert post({"name": "calls", "checkpoint": "toy"}).json()["passed"] is True
            assert post({"name": "calls", "checkpoint": "/etc"}).json()["state"] == "error"
            assert post({}, "_compute").status_code == 404
    finally:
        demo.close()
