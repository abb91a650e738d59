"""What anybody may send to the handlers of the page and to the endpoints: refused in words, and the next run works."""

import inspect
import json
from types import SimpleNamespace

import gradio as gr
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tab_values import SMALL, TOY, english, tab_of, tabs_over

from explorer.fuzz.hostile_values import NUMBERS, TEXTS, nested
from explorer.ui.api import all_endpoints, endpoint_function
from explorer.ui.app import build
from explorer.ui.checkpoint_registry import CheckpointRegistry
from explorer.ui.fields import InvalidField
from explorer.ui.latest_requests import MAX_PAGES, LatestRequests, count_of
from explorer.ui.localization import notice_of
from explorer.ui.real_pictures import receive_picture
from explorer.ui.saving import Exporter

MEGABYTE = "𝔵" * (1 << 20)
LONGEST = 4000  # characters of a refusal
FILE = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}, "url": "http://127.0.0.1:1/"}
ODD = [*TEXTS, *NUMBERS, None, True, False, [], {}, [0], FILE, nested(900), MEGABYTE, [1] * 10**5, {"a": nested(500)}]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)
QUICK = settings(
    max_examples=15, deadline=5000, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
RUN = {"steps": {"seed": 3, "steps": 4}, **SMALL}
RUN["encode"], RUN["forward"] = {"steps": 3, "picture": "made"}, {"steps": 5, "walks": 100, "real": "made"}
RUN["consistency"] = {"latents": "1, 2", "lengths": "2, 4"}
CONTROLS = ("checkpoint", "seed", "eta", "steps", "spacing", "variance", "noise_seed", "clip", "count", "notice")


@pytest.fixture(scope="module")
def tabs():
    return tabs_over(TOY)


def function_of(name, tabs):
    """The function of an endpoint, as Gradio calls it."""
    return next(endpoint_function(endpoint, tab) for endpoint, tab in all_endpoints(tabs) if endpoint.name == name)


def fields_of(tab):
    return st.dictionaries(st.sampled_from([*CONTROLS, *tab.options().fields()]), JSON, min_size=1, max_size=3)


def short(answer):
    """It can be sent, and is short."""
    text = json.dumps(answer, ensure_ascii=False).encode()
    assert len(text) <= LONGEST
    return answer


def ended(tab, run):
    """Whether a good run of the same page comes to its end; of a long one, whether it begins."""
    values = tab.run(run, SimpleNamespace(session_hash="a"))
    return any(value["state"] in ("ended", "running") for value in values)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_whatever_a_page_sends_to_a_tab_is_run_or_refused_in_words(tabs, name):
    tab = tabs[name]

    @QUICK
    @given(st.one_of(fields_of(tab).map(lambda odd: RUN[name] | odd), JSON))
    def check(sent):
        first = next(tab.run(sent, SimpleNamespace(session_hash="a")), None)
        assert first is not None
        if first["state"] == "error":
            short(first)
            assert not english(first["message"]).startswith("The run failed on the server")
            assert first["field"] is None or first["field"] in tab.default_request().fields()
        else:
            short([first["message"], first["count"], first["settings"]])

    check()
    assert ended(tab, RUN[name])


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_no_odd_value_of_any_field_of_any_tab_is_more_than_a_bad_input(tabs, value):
    for tab in tabs.values():
        for field in tab.default_request().fields():
            try:
                answer = tab.parse({field: value}).fields()
            except InvalidField as problem:
                answer = [tab.default_request().fields()[problem.field], str(problem)]
            short(answer)


@pytest.mark.parametrize("name", ["steps", "picture", "strip", "compare", "interpolate"])
def test_whatever_an_endpoint_is_given_it_answers_or_says_what_is_wrong(tabs, name):
    function = function_of(name, tabs)
    usual = {key: p.default for key, p in inspect.signature(function).parameters.items()}
    usual |= {"steps": 2, **({"frames": 8} if "frames" in usual else {})}
    function(*usual.values())

    @QUICK
    @given(st.dictionaries(st.sampled_from(list(usual)), JSON, min_size=1, max_size=2))
    def check(odd):
        try:
            function(*(usual | odd).values())
        except gr.Error as error:
            short(error.message)

    check()
    for wrong in ((), [*usual.values(), 1]):  # Gradio itself counts them first
        with pytest.raises((gr.Error, ValueError, TypeError)):
            function(*wrong)
    function(*usual.values())


@QUICK
@given(JSON)
def test_whatever_is_asked_of_the_exporter_the_registry_and_for_a_picture_is_answered(sent):
    tabs = {"steps": tab_of("steps", TOY), "encode": tab_of("encode")}
    exporter, connection = Exporter(tabs), SimpleNamespace(session_hash="a")
    good = {"tab": "steps", "kind": "csv", "settings": {"steps": 2}, "view": {}, "count": 1}
    for wish in (sent, good | {"tab": sent}, good | {"kind": sent}, good | {"settings": sent}, good | {"view": sent}):
        short(exporter.about(wish))
        *_, last = exporter.make(wish, connection) if wish is sent else [{"state": "done"}]
        assert last["state"] in ("done", "error")
        assert "file.failed" not in str(last)
    shipped = CheckpointRegistry({"toy": TOY})
    for asked in (sent, {"text": sent}):
        short(shipped.open(asked if asked is sent else sent))
    short(receive_picture(sent))


@QUICK
@given(st.dictionaries(st.sampled_from(["toy", "checkpoint", "steps", "seed", "tab", "a\0"]), st.sampled_from(TEXTS)))
def test_the_page_opens_with_any_address(query):
    demo = PAGE
    restore = next(f for f in demo.fns.values() if f.name == "restore").fn
    controls, _ = restore(SimpleNamespace(query_params=query))
    short({key: value for key, value in controls.items() if key != "checkpoints"})


PAGE = build({"toy": TOY})


def test_a_count_or_a_notice_of_somebodys_own_making_goes_no_further():
    for odd in (float("nan"), float("inf"), -1, 10**400, "5", [1], None, FILE):
        assert count_of({"count": odd}) == 0
    said = {"say": "controls.restored", "values": {"name": "a.png"}}
    assert notice_of({"notice": said}) == said
    assert notice_of({"notice": ""}) == ""
    html = {"say": "controls.restored", "values": {"name": {"html": "<img src=x onerror=alert(1)>"}}}
    for odd in (
        FILE,
        [FILE],
        html,
        {"say": "no.such", "values": {}},
        said | {"meta": 1},
        MEGABYTE,
        "\ud800",
        nested(900),
    ):
        assert notice_of({"notice": odd}) == ""
    latest = LatestRequests()
    latest.record("a", {"count": float("inf")})
    assert latest.state_of("a", {"count": 1})() == "running"


@pytest.mark.slow
def test_pages_that_are_never_closed_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("explorer.ui.latest_requests.MAX_PAGES", 50)
    assert MAX_PAGES == 10_000
    latest, tab = LatestRequests(), tab_of("steps", TOY)
    for i in range(200):
        latest.record(f"page {i}", {"count": 1})
        latest.stop(f"page {i}")
        next(tab.run({"steps": 1}, SimpleNamespace(session_hash=f"page {i}"))) if i < 60 else None
    assert len(latest) == 50  # what a page shows is bounded by its bytes: test_session_memory.py
    assert latest.state_of("page 199", {"count": 1})() == "stopped"


@pytest.mark.parametrize("name", ["consistency", "interpolate", "compare"])
def test_where_strangers_use_the_app_a_run_of_too_many_calls_is_refused(name):
    tab = tab_of(name, TOY, max_calls=10)
    (value,) = tab.run(RUN[name], SimpleNamespace(session_hash="a"))
    assert value["state"] == "error"
    assert "the limit here is 10" in english(value["message"])
    assert value["field"] == tab.steps_field
    if name != "consistency":
        function = function_of(name, {name: tab})
        with pytest.raises(gr.Error, match="the limit here is 10"):
            function(*(p.default for p in inspect.signature(function).parameters.values()))
    assert ended(tab_of(name, TOY), RUN[name])
