"""Which files a page may ask for, what is refused, how a file is named, and how a request ends early. No browser."""

import logging
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from saved_files import EXPORT_FORMATS, GIVEN, answers_of
from tab_values import english, tab_of

from explorer.ui.address import from_address
from explorer.ui.export_formats import ExportFormat
from explorer.ui.fields import InvalidField
from explorer.ui.saving import Exporter
from explorer.ui.tabs.steps import StepsTab


@pytest.mark.parametrize("tab", GIVEN)
def test_the_settings_inside_a_picture_are_an_address_that_shows_it_again(exporter, tab):
    kind = EXPORT_FORMATS[tab][0].name
    settings = exporter.parse({"tab": tab, "kind": kind, "settings": GIVEN[tab], "view": {"t": 300}}).address
    address = {key: values[0] for key, values in parse_qs(settings, keep_blank_values=True).items()}
    assert (address["tab"], address["t"]) == (tab, "300")
    defaults = exporter.tabs[tab].default_request().fields()
    fields, notice = from_address(address, defaults, exporter.tabs[tab].parse)
    assert notice == ""
    assert exporter.tabs[tab].parse(fields) == exporter.tabs[tab].parse(GIVEN[tab])


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
def test_a_bad_request_is_refused_with_a_message(exporter, wish, expected):
    last = list(exporter.make(wish, SimpleNamespace(session_hash="a")))[-1]
    assert last["state"] == "error"
    assert expected.lower() in english(last["message"]).lower()


def test_a_name_cannot_leave_its_folder_and_a_view_cannot_bring_settings(exporter):
    view = {"t": "7", "seed": "9", "tab": "paths", "../x": "1", "moment": "<b>", "frame": {"a": 1}, 5: "5"}
    wanted = exporter.parse({"tab": "steps", "kind": "picture", "settings": {"seed": "slerp(1, 2, 0.5)"}, "view": view})
    assert wanted.view == {"t": "7"}
    assert wanted.file_name == "ddim-explorer_toy_seed-slerp-1-2-0.5_S-20_eta-0.0.png"
    large = exporter.parse({"tab": "steps", "kind": "gif", "settings": {"variance": "large", "steps": 50}})
    assert large.file_name == "ddim-explorer_toy_seed-22_S-50_sigma-hat.gif"
    loop = exporter.parse({"tab": "interpolate", "kind": "pad", "settings": {"way": "loop", "loop": "1, 2"}})
    assert loop.file_name == "ddim-explorer_interpolate_toy_loop-1-2_S-20_pad.png"


@pytest.mark.parametrize("tab", ["steps", "compare", "encode"])
def test_a_file_that_is_not_wanted_any_more_is_not_made(exporter, tab):
    connection = SimpleNamespace(session_hash="a")
    wish = {"tab": tab, "kind": EXPORT_FORMATS[tab][0].name, "settings": GIVEN[tab], "count": 1}
    stopped = exporter.make(wish, connection)
    next(stopped)
    exporter.stop(connection)
    assert [value["state"] for value in stopped] == ["stopped"]
    superseded = exporter.make(wish | {"count": 2}, connection)
    next(superseded)
    exporter.latest.record("a", {"count": 3})
    assert list(superseded) == []
    assert list(exporter.make(wish | {"count": 4}, connection))[-1]["state"] == "done"


def test_a_fault_of_ours_is_noted_and_the_page_hears_of_it(exporter, monkeypatch, caplog):
    def broken(source):
        raise RuntimeError("secret")

    monkeypatch.setattr(StepsTab, "export_formats", (ExportFormat("picture", "files.picture", "png", broken),))
    with caplog.at_level(logging.ERROR):
        last = answers_of(exporter, "steps", "picture")[-1]
    assert last["state"] == "error"
    assert "secret" not in english(last["message"])
    assert "secret" in caplog.text


def test_about_names_the_file_and_says_what_diffusers_can_do(exporter, tiny):
    tabs = {"steps": tab_of("steps", tiny)}
    about = Exporter(tabs).about({"tab": "steps", "kind": "svg", "settings": {"steps": 10}})
    assert about["name"] == "ddim-explorer_tiny_seed-22_S-10_eta-0.0.svg"
    compile(about["script"], "copied.py", "exec")
    about = Exporter(tabs).about({"tab": "steps", "kind": "svg", "settings": {"steps": 30}})
    assert about["script"] is None
    assert "leading" in english(about["why"])
    assert "S must be" in english(exporter.about({"tab": "steps", "kind": "svg", "settings": {"steps": 0}})["error"])
    assert exporter.about({"tab": "paths", "kind": "svg", "settings": {}})["script"] is None


def test_a_bad_field_is_the_same_refusal_as_that_of_a_run(exporter):
    wish = {"tab": "steps", "kind": "gif", "settings": {"eta": 2}}
    with pytest.raises(InvalidField, match="η must be a number from 0 to 1"):
        exporter.parse(wish)
