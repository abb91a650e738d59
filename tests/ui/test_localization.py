"""The words of the page: every language has all of them, and the code names each; the lesson's settings."""

import ast
import pickle
import re
from urllib.parse import parse_qsl

import pytest
from tab_values import TOY, english, tab_of

from explorer.checkpoint import CheckpointError
from explorer.support.arguments import as_int
from explorer.support.messages import PLACEHOLDER, LocalizedError, Message
from explorer.support.paper_tables import TABLE_1, TABLE_2
from explorer.ui import localization
from explorer.ui.address import from_address
from explorer.ui.components import lesson
from explorer.ui.localization import (
    HERE,
    LANGUAGE_NAMES,
    LANGUAGES,
    LocalizedMessage,
    localize,
    read_texts,
    texts,
    to_json,
)
from explorer.ui.tabs import NAMES

SOURCES = [path for suffix in ("py", "js", "html") for path in HERE.rglob(f"*.{suffix}") if "vendor" not in path.parts]
AREAS = "|".join({key.split(".")[0] for key in texts("en")})
KEY = re.compile(rf"""["'`]((?:{AREAS})(?:\.(?:\w+|\$?\{{[^}}]+\}})(?:_(?:\w+|\$\{{[^}}]+\}}))?)+)["'`]""")
FILES = (".js", ".css", ".html", ".json", ".py")
LIBRARY = [path for path in HERE.parent.glob("**/*.py") if path.name != "messages.py" and HERE not in path.parents]
RAISED = {
    "Message",
    "LocalizedError",
    "CheckpointError",
    "CustomStepError",
    "PictureError",
    "NotInDiffusers",
    "NetworkLost",
}


def library():
    """The template of each message of the library, by its key."""
    nodes = [node for path in LIBRARY for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED]
    return dict([part.value for part in call.args] for call in calls if len(call.args) == 2)


def used():
    """A pattern for each key that the code names; what it fills in stands for one part of a key."""
    named = {key for source in SOURCES for key in KEY.findall(source.read_text(encoding="utf-8"))}
    return {
        "".join(r"[\w-]+" if part.endswith("}") else re.escape(part) for part in re.split(r"(\$?\{[^}]+\})", key))
        for key in named
        if not key.endswith(FILES)
    } | set(map(re.escape, library()))


ENGLISH = {path.stem: path for path in HERE.glob("texts/en/*.json")}
ENGLISH |= {path.parent.name: path for path in HERE.glob("tabs/*/texts.json")}
TRANSLATIONS = [(language, name) for language in LANGUAGES if language != "en" for name in ENGLISH]


@pytest.mark.parametrize(("language", "name"), TRANSLATIONS, ids="-".join)
def test_a_translation_has_the_texts_of_english_with_the_same_names_to_fill_in(language, name):
    path = HERE / "texts" / language / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{name} is not translated into {LANGUAGE_NAMES[language]}; the page shows its English texts")
    originals, translation = read_texts(ENGLISH[name]), read_texts(path)
    assert translation.keys() == originals.keys()
    for key, text in translation.items():
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(originals[key])), key


def test_every_file_of_a_translation_translates_one_of_the_english_files():
    assert {path.stem for path in HERE.glob("texts/*/*.json")} <= ENGLISH.keys()
    assert {path.name for path in HERE.glob("texts/*") if path.is_dir()} == set(LANGUAGES)


def test_what_is_not_translated_is_shown_in_english(tmp_path, monkeypatch):
    (tmp_path / "texts/en").mkdir(parents=True)
    (tmp_path / "texts/de").mkdir()
    (tmp_path / "tabs/hello").mkdir(parents=True)
    (tmp_path / "texts/en/page.json").write_text('{"controls": {"seed": "Seed", "steps": "Steps"}}')
    (tmp_path / "tabs/hello/texts.json").write_text('{"hello": {"title": "Hello"}}')
    (tmp_path / "texts/de/page.json").write_text('{"controls": {"steps": "Schritte"}}')
    monkeypatch.setattr(localization, "HERE", tmp_path)
    german = texts.__wrapped__("de")
    own = {key: text for key, text in german.items() if not key.startswith("exercise.")}
    assert own == {"controls.seed": "Seed", "controls.steps": "Schritte", "hello.title": "Hello"}
    assert german["exercise.slips.lerp.name"] == "Linear weights: lerp"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_holds_markup_but_bold(language):
    for key, text in texts(language).items():
        assert text.strip() == text != "", key
        assert set(re.findall(r"<[^>]*>", text)) <= {"<b>", "</b>"}, key


def test_the_code_names_every_text_and_no_other():
    patterns = [re.compile(pattern) for pattern in used()]  # more than re keeps compiled
    left_over = [key for key in texts("en") if not any(pattern.fullmatch(key) for pattern in patterns)]
    missing = [pattern.pattern for pattern in patterns if not any(pattern.fullmatch(key) for key in texts("en"))]
    assert (left_over, missing) == ([], [])


def test_a_tab_is_called_by_one_name_in_all_its_languages():
    named = {(texts(language)[key], key) for language in LANGUAGES for key in texts("en") if key.startswith("tabs.")}
    assert len({name for name, _ in named}) == len(named)


def test_what_python_says_is_english_as_text_and_a_key_for_the_page():
    message = LocalizedMessage("controls.restored", {"name": "a.png"})
    assert str(message) == "The settings of a.png are restored."
    assert to_json(message) == {"say": "controls.restored", "values": {"name": "a.png"}}


def test_the_library_says_in_english_what_the_page_says_in_english():
    """But for a capital and a full stop, which a sentence of the page has."""
    for key, template in library().items():
        text = texts("en")[key].removesuffix(".")
        assert (text[0].lower(), text[1:]) == (template[0].lower(), template[1:]), key
    assert len(library()) > 40


def test_several_bad_entries_of_an_address_are_told_as_one_message():
    tab = tab_of("steps", TOY)
    _, notice = from_address({"steps": "0", "eta": "two"}, tab.default_request().fields(), tab.parse)
    assert (
        english(to_json(notice))
        == notice
        == (
            "S must be a whole number from 1 to 1000, not 0. η must be a number from 0 to 1, not 'two'. "
            "The default is used."
        )
    )


def test_a_message_is_plain_english_to_the_library_and_in_another_process():
    with pytest.raises(ValueError, match=r"^S must be a whole number from 1 to 10, not a huge number$") as caught:
        as_int("S", 10**50, 1, 10)
    assert str(localize(caught.value)) == f"{caught.value}."
    assert to_json(localize(caught.value))["values"]["given"] == {"say": "error.huge", "values": {}}
    error = CheckpointError("opening.missing", "{name}: {file} is missing", name="a", file="b")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (CheckpointError, "a: b is missing")
    assert localize(again) == "a: b is missing."
    assert str(LocalizedError("a text of another library")) == "a text of another library"
    assert Message("k", "{a} {b}", a=Message("l", "{c}", c=1)) == "1 b"


@pytest.mark.parametrize("entry", [*lesson()["stops"], *lesson()["examples"]], ids=lambda entry: entry["name"])
def test_the_settings_of_every_stop_and_example_can_be_used(entry):
    query = dict(parse_qsl(entry["query"], strict_parsing=True))
    name = query.pop("tab")
    tab = tab_of(name)
    defaults = tab.default_request().fields()
    _, message = from_address(query, defaults, tab.parse)
    assert message == ""
    assert set(query) <= {*defaults, "t", "t_forward", "moment"}
    assert entry.get("right", 1) in (1, 2, 3)


# ---- numbers in texts: each is a reading of the run, a setting, or the paper's ----

READING = re.compile(r"\{reading\.(\w+)\}")
PAPER = re.compile(r"\{paper ([^{}]+)\}")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[−-]\d+)?")
ALLOWED = re.compile(
    r"\{(?:S|t|eta)\} ?= ?[\d.]*\d"  # a setting
    r"|\{[^{}]*\}"  # readings, numbers of the paper, values, symbols such as {x_0}
    r"|(?:Eq\.|式|식) ?(?:\d+|\(14\))|(?:Table|表|표) 1|2020|CIFAR-10|coef[12]|Inception-v3|sha256|x_0"  # names
    r"|DPM-Solver(?:-\d|\+\+\(2M\))|RK4"
    r"|(?:Theorem|定理|정리) 1|(?:footnote|脚注|각주) 6"
    r"|(?:App\.|附录|부록) D[.\d]*|[Ss]ections? \d[.\d]*|第 \d[.\d]* 节|\d[.\d]*절"
    r"|\[−1, 1\]|\[0, 1\]|±(?:2|1\.5)\b|\b1−(?=\{)|\b1/(?=<b>)"  # ranges, 1 − beta, a fraction of a value
)
AREAS_WITH_NUMBERS = {"about", "examples", "guide", "lesson", "stops", *NAMES}
# What else is written in digits, the same in all languages: units, limits and settings that are offered; never a measurement.
CONSTANTS = {
    "stops.jump.ask": {"0", "1"},  # the first t; the variance of noise
    "stops.budget.ask": {"0.5", "1", "0"},  # the eta to move to
    "stops.shell.ask": {"1"},  # the length of noise, here and below
    "stops.shell.guess_1": {"0.7"},
    "stops.shell.guess_2": {"1"},
    "stops.shell.guess_3": {"1.4"},
    "stops.back.see": {"1"},
    "examples.last.look": {"0"},  # the last t, and what Eq. 12 has there
    "encode.of_noise": {"0", "1"},
    "encode.largest": {"2"},  # the width of [-1, 1]
    "forward.yours": {"0.5"},
    "forward.same": {"99", "100"},  # of the test
    "forward.beyond": {"99", "100"},
    "interpolate.over_steps": {"20", "50"},
    "about.interpolate": {"1"},  # of an even, straight path
    "interpolate.number.path_length": {"1"},
    "about.consistency": {"1"},  # of a picture with itself
    "consistency.limit": {"5"},  # percent beyond the quantile
    "consistency.unrelated": {"5"},
    "about.forward": {"0"},  # Theorem 1 needs an eta above it
    "forward.marginals": {"0"},
    "paths.at": {"0"},
    "paths.sweep": {"1"},  # of a ratio
    "paths.sweep_drawn": {"1"},
    "paths.before": {"1"},
    "about.quality": {"0"},  # of a perfect sampler
    "quality.perfect": {"0"},
    "quality.real_extrapolated": {"1"},  # of 1/N
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_quotes_no_measurement_but_as_a_reading_of_the_run(language):
    for key, text in texts(language).items():
        if key.split(".")[0] in AREAS_WITH_NUMBERS:
            assert set(NUMBER.findall(ALLOWED.sub("", text))) <= CONSTANTS.get(key, set()), (key, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_that_are_marked_as_the_papers_are_in_its_tables(language):
    rows = [row for table in TABLE_1.values() for row in table.values()]
    published = {f"{number:g}" for row in [*rows, TABLE_2] for number in row}
    for key, text in texts(language).items():
        numbers = [
            number for marked in PAPER.findall(text) for number in NUMBER.findall(re.sub("[,、] ?", " ", marked))
        ]
        assert set(numbers) <= published, key


@pytest.mark.parametrize(("language", "name"), TRANSLATIONS, ids="-".join)
def test_a_translation_quotes_the_numbers_of_english(language, name):
    for key, original in read_texts(ENGLISH[name]).items():
        text = texts(language)[key]
        assert set(READING.findall(text)) == set(READING.findall(original)), key
        quoted = [
            [NUMBER.findall(re.sub("[,、] ?", " ", marked)) for marked in PAPER.findall(t)] for t in (text, original)
        ]
        assert sorted(quoted[0]) == sorted(quoted[1]), key


def test_every_stop_and_example_says_what_its_parts_are_about():
    for entry in [*lesson()["stops"], *lesson()["examples"]]:
        assert set(entry["targets"]) <= {"ask", "see", "number", "tell"}, entry["name"]
        assert entry["targets"]["see"], entry["name"]
    for stop in lesson()["stops"]:
        assert stop["targets"]["number"], stop["name"]
