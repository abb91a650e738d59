"""The words of the page: every language has all of them, and the code names each; the lesson's settings."""

import ast
import pickle
import re
from urllib.parse import parse_qsl

import pytest
from sent import TABS, TOY, english, tab_of

from explorer.checkpoint import CheckpointError
from explorer.finished import Finished
from explorer.message import Message, Refused
from explorer.schedule import as_int
from explorer.ui.components import lesson
from explorer.ui.language import HERE, LANGUAGES, PLACEHOLDER, Said, said, sent, texts
from explorer.ui.state import Newest, from_address
from explorer.ui.steps import StepsTab

SOURCES = [path for suffix in ("py", "js", "html") for path in HERE.rglob(f"*.{suffix}") if "vendor" not in path.parts]
AREAS = "|".join({key.split(".")[0] for key in texts("en")})
KEY = re.compile(rf"""["'`]((?:{AREAS})(?:\.(?:\w+|\$?\{{[^}}]+\}})(?:_(?:\w+|\$\{{[^}}]+\}}))?)+)["'`]""")
FILES = (".js", ".css", ".html", ".json", ".py")
LIBRARY = [path for path in HERE.parent.glob("**/*.py") if path.name != "message.py" and HERE not in path.parents]
RAISED = {"Message", "Refused", "CheckpointError", "PictureError", "NotInDiffusers", "NetworkLost"}


def library():
    """The template of each message of the library, by its key."""
    nodes = [node for path in LIBRARY for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED]
    return dict([part.value for part in call.args] for call in calls if len(call.args) == 2)


def used():
    """A pattern for each key that the code names; what it fills in stands for one part of a key."""
    named = {key for source in SOURCES for key in KEY.findall(source.read_text(encoding="utf-8"))}
    return {
        "".join(r"\w+" if part.endswith("}") else re.escape(part) for part in re.split(r"(\$?\{[^}]+\})", key))
        for key in named
        if not key.endswith(FILES)
    } | set(map(re.escape, library()))


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_has_the_texts_of_english_with_the_same_names_to_fill_in(language):
    assert LANGUAGES[0] == "en"
    originals, own = texts("en"), texts(language)
    assert own.keys() == originals.keys()
    for key, text in own.items():
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(originals[key])), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_holds_markup_but_bold(language):
    for key, text in texts(language).items():
        assert text.strip() == text != "", key
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


def test_the_library_says_in_english_what_the_page_says_in_english():
    """But for a capital and a full stop, which a sentence of the page has."""
    for key, template in library().items():
        text = texts("en")[key].removesuffix(".")
        assert (text[0].lower(), text[1:]) == (template[0].lower(), template[1:]), key
    assert len(library()) > 40


def test_several_bad_entries_of_an_address_are_told_as_one_message():
    tab = StepsTab({"toy": TOY}, Newest(), Finished())
    _, notice = from_address({"steps": "0", "eta": "two"}, tab.defaults().fields(), tab.parse)
    assert (
        english(sent(notice))
        == notice
        == (
            "S must be a whole number from 1 to 1000, not 0. η must be a number from 0 to 1, not 'two'. "
            "The usual value is shown."
        )
    )


def test_a_message_is_plain_english_to_the_library_and_in_another_process():
    with pytest.raises(ValueError, match=r"^S must be a whole number from 1 to 10, not a huge number$") as caught:
        as_int("S", 10**50, 1, 10)
    assert str(said(caught.value)) == f"{caught.value}."
    assert sent(said(caught.value))["values"]["given"] == {"say": "error.huge", "values": {}}
    error = CheckpointError("opening.missing", "{name}: {file} is missing", name="a", file="b")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (CheckpointError, "a: b is missing")
    assert said(again) == "a: b is missing."
    assert str(Refused("a text of another library")) == "a text of another library"
    assert Message("k", "{a} {b}", a=Message("l", "{c}", c=1)) == "1 b"


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
