"""The text files: the same keys and placeholders in every language, none missing and none left over; the lesson's settings."""

import re
from urllib.parse import parse_qsl

import pytest
from sent import TABS, TOY, tab_of

from explorer.finished import Finished
from explorer.ui.component import lesson
from explorer.ui.language import HERE, LANGUAGES, PLACEHOLDER, Said, texts
from explorer.ui.state import Newest, from_address
from explorer.ui.steps import StepsTab

SOURCES = [*HERE.glob("*.py"), *HERE.glob("web/*.js"), *HERE.glob("web/*.html")]
AREAS = "|".join({key.split(".")[0] for key in texts("en")})
KEY = re.compile(rf"""["'`]((?:{AREAS})(?:\.(?:\w+|\$?\{{[^}}]+\}})(?:_(?:\w+|\$\{{[^}}]+\}}))?)+)["'`]""")
FILES = (".js", ".css", ".html", ".json", ".py")


def used():
    """A pattern for each key that the code names; what it fills in stands for one part of a key."""
    named = {key for source in SOURCES for key in KEY.findall(source.read_text(encoding="utf-8"))}
    return {
        "".join(r"\w+" if part.endswith("}") else re.escape(part) for part in re.split(r"(\$?\{[^}]+\})", key))
        for key in named
        if not key.endswith(FILES)
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_placeholders_as_english(language):
    english, own = texts("en"), texts(language)
    assert own.keys() == english.keys()
    for key, text in own.items():
        assert text.strip() == text != "", key
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(english[key])), key
        assert set(re.findall(r"<[^>]*>", text)) <= {"<b>", "</b>"}, key


def test_the_code_names_every_text_and_no_other():
    patterns = used()
    left_over = [key for key in texts("en") if not any(re.fullmatch(pattern, key) for pattern in patterns)]
    missing = [pattern for pattern in patterns if not any(re.fullmatch(pattern, key) for key in texts("en"))]
    assert (left_over, missing) == ([], [])


def test_a_tab_is_called_by_one_name_in_all_its_languages():
    named = {(texts(language)[key], key) for language in LANGUAGES for key in texts("en") if key.startswith("tabs.")}
    assert len({name for name, _ in named}) == len(named)


def test_what_python_says_is_english_as_text_and_a_key_for_the_page():
    said = Said("controls.restored", {"name": "a.png"})
    assert str(said) == "The settings of a.png are back."
    assert said.sent() == {"say": "controls.restored", "values": {"name": "a.png"}}


@pytest.mark.parametrize("entry", [*lesson()["stops"], *lesson()["examples"]], ids=lambda entry: entry["name"])
def test_the_settings_of_every_stop_and_example_can_be_used(entry):
    query = dict(parse_qsl(entry["query"], strict_parsing=True))
    name = query.pop("tab")
    tab = tab_of(name) if name in TABS else StepsTab({"toy": TOY}, Newest(), Finished())
    defaults = tab.defaults().fields()
    _, message = from_address(query, defaults, tab.parse)
    assert message == ""
    assert set(query) <= {*defaults, "t", "t_forward", "moment"}
    assert entry.get("right", 1) in (1, 2, 3)
