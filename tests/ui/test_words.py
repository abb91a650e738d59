"""The stages in another language: re-labelled where they stand, with nothing left in English."""

import re

import pytest

from explorer.ui.localization import texts

pytestmark = pytest.mark.usefixtures("quiet")
NAMES = {"DDIM", "DDPM", "CTRL", "MARKOV", "LOSS", "MARGINAL"}  # what the field writes so in all languages
OWN = ".stage > *:not(.status)"  # the status row is the same on all stages


def left_over(stage):
    """English words that are read or heard of the stage in front."""
    heard = "all => all.flatMap(e => [e.innerText, ...[...e.querySelectorAll('[aria-label]:not(.plot)')].map(n => n.ariaLabel)])"
    words = re.findall(r"[A-Za-z]{3,}", " ".join(stage.locator(OWN).evaluate_all(heard)))
    return {word for word in words if word.upper() not in NAMES}


def speak(stage, language):
    stage.page.locator(f'#controls [name="language"][value="{language}"]').check(force=True)
    stage.settle()


def test_a_stage_changes_its_language_where_it_stands_and_leaves_nothing_in_english(stage):
    stage.open("?tab=forward&steps=20&walks=200")
    before, asked = stage.table(), stage.page.evaluate("heard.changed")
    english = left_over(stage)
    assert {"Pixels", "mean", "Noise"} <= english
    for language in ("zh", "ko"):
        speak(stage, language)
        words = texts(language)
        assert stage.text("h2") == words["forward.title"]
        assert list(stage.table().values()) == list(before.values())
        assert words["forward.mean"] in stage.table()
        assert words["forward.between"] in stage.text('[data-process="0.5"] h4')
        assert left_over(stage) == set()
    speak(stage, "en")
    assert stage.table() == before
    assert left_over(stage) == english
    assert stage.page.evaluate("heard.changed") == asked
