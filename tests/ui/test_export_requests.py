"""What a page may ask to be saved, what is refused, how a file is named, and how a wish ends early. No browser."""

import logging
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from saved_files import GIVEN, said
from tab_values import english

import explorer.ui.export_formats
from explorer.runs.results import ResultCache
from explorer.ui.export_formats import EXPORT_FORMATS, ExportFormat
from explorer.ui.fields import InvalidField
from explorer.ui.latest_requests import LatestRequests
from explorer.ui.query import from_address
from explorer.ui.saving import Exporter
from explorer.ui.tabs.steps import StepsTab


@pytest.mark.parametrize("tab", GIVEN)
def test_the_settings_inside_a_picture_are_an_address_that_shows_it_again(saves, tab):
    kind = EXPORT_FORMATS[tab][0].name
    settings = saves.parse({"tab": tab, "kind": kind, "settings": GIVEN[tab], "view": {"t": 300}}).settings
    address = {key: values[0] for key, values in parse_qs(settings, keep_blank_values=True).items()}
    assert (address["tab"], address["t"]) == (tab, "300")
    defaults = saves.tabs[tab].defaults().fields()
    fields, notice = from_address(address, defaults, saves.tabs[tab].parse)
    assert notice == ""
    assert saves.tabs[tab].parse(fields) == saves.tabs[tab].parse(GIVEN[tab])


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (None, "expected an object"),
        ([], "expected an object"),
        ({"tab": ["steps"]}, "expected an object"),
        ({"tab": "steps"}, "this tab saves picture, strip"),
        ({"tab": "steps", "kind": {}}, "this tab saves picture, strip"),
        ({"tab": "compare", "kind": "npz"}, "this tab saves sheet"),
        ({"tab": "steps", "kind": "picture"}, "expected an object"),
        ({"tab": "steps", "kind": "picture", "settings": {"steps": 0}}, "S must be a whole number from 1 to 1000"),
        ({"tab": "steps", "kind": "svg", "settings": {}}, "made by the browser"),
        ({"tab": "encode", "kind": "picture", "settings": {"picture": 99}}, "have the numbers 0 to 3, not 99"),
        ({"tab": "encode", "kind": "picture", "settings": {"picture": "0" * 16}}, "choose the file again"),
    ],
)
def test_a_bad_wish_is_refused_with_a_message(saves, wish, expected):
    last = list(saves.make(wish, SimpleNamespace(session_hash="a")))[-1]
    assert last["state"] == "error"
    assert expected.lower() in english(last["message"]).lower()


def test_a_name_cannot_leave_its_folder_and_a_view_cannot_bring_settings(saves):
    view = {"t": "7", "seed": "9", "tab": "paths", "../x": "1", "moment": "<b>", "frame": {"a": 1}, 5: "5"}
    wanted = saves.parse({"tab": "steps", "kind": "picture", "settings": {"seed": "slerp(1, 2, 0.5)"}, "view": view})
    assert wanted.view == {"t": "7"}
    assert wanted.name == "ddim-explorer_toy_seed-slerp-1-2-0.5_S-20_eta-0.0.png"
    large = saves.parse({"tab": "steps", "kind": "gif", "settings": {"variance": "large", "steps": 50}})
    assert large.name == "ddim-explorer_toy_seed-22_S-50_sigma-hat.gif"
    loop = saves.parse({"tab": "interpolate", "kind": "pad", "settings": {"way": "loop", "loop": "1, 2"}})
    assert loop.name == "ddim-explorer_interpolate_toy_loop-1-2_S-20_pad.png"


@pytest.mark.parametrize("tab", ["steps", "compare", "encode"])
def test_a_file_that_is_not_wanted_any_more_is_not_made(saves, tab):
    request = SimpleNamespace(session_hash="a")
    wish = {"tab": tab, "kind": EXPORT_FORMATS[tab][0].name, "settings": GIVEN[tab], "count": 1}
    stopped = saves.make(wish, request)
    next(stopped)
    saves.stop(request)
    assert [value["state"] for value in stopped] == ["stopped"]
    superseded = saves.make(wish | {"count": 2}, request)
    next(superseded)
    saves.newest.record("a", {"count": 3})
    assert list(superseded) == []
    assert list(saves.make(wish | {"count": 4}, request))[-1]["state"] == "done"


def test_a_fault_of_ours_is_noted_and_the_page_hears_of_it(saves, monkeypatch, caplog):
    def broken(shown):
        raise RuntimeError("secret")

    monkeypatch.setitem(
        explorer.ui.export_formats.EXPORT_FORMATS, "steps", (ExportFormat("picture", "Picture", "png", broken),)
    )
    with caplog.at_level(logging.ERROR):
        last = said(saves, "steps", "picture")[-1]
    assert last["state"] == "error"
    assert "secret" not in english(last["message"])
    assert "secret" in caplog.text


def test_about_names_the_file_and_says_what_diffusers_can_do(saves, tiny):
    tabs = {"steps": StepsTab({"tiny": tiny}, LatestRequests(), ResultCache())}
    about = Exporter(tabs).about({"tab": "steps", "kind": "svg", "settings": {"steps": 10}})
    assert about["name"] == "ddim-explorer_tiny_seed-22_S-10_eta-0.0.svg"
    compile(about["script"], "copied.py", "exec")
    about = Exporter(tabs).about({"tab": "steps", "kind": "svg", "settings": {"steps": 30}})
    assert about["script"] is None
    assert "leading" in english(about["why"])
    assert "S must be" in english(saves.about({"tab": "steps", "kind": "svg", "settings": {"steps": 0}})["error"])
    assert saves.about({"tab": "paths", "kind": "svg", "settings": {}})["script"] is None


def test_a_bad_field_is_the_same_refusal_as_that_of_a_run(saves):
    wish = {"tab": "steps", "kind": "gif", "settings": {"eta": 2}}
    with pytest.raises(InvalidField, match="η must be a number from 0 to 1"):
        saves.parse(wish)
