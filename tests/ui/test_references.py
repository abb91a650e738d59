"""The list of references, and the citations of the texts: each leads to an entry, in every language and by hand."""

import re

import pytest

from explorer.ui.components import references
from explorer.ui.localization import LANGUAGES, texts

KEYS = [entry["key"] for entry in references()]
CITATION = re.compile(r"\{cite\.(\w+)\}")


def cited(language):
    return {key for text in texts(language).values() for key in CITATION.findall(text)}


def test_every_reference_has_authors_a_year_a_title_and_an_arxiv_id():
    assert len(KEYS) == len(set(KEYS)) == len({entry["arxiv"] for entry in references()})
    for entry in references():
        assert re.fullmatch(r"\d{4}\.\d{5}(v\d+)?", entry["arxiv"]), entry
        assert entry["year"] == 2000 + int(entry["arxiv"][:2]), entry  # of the first version, which the id begins with
        assert entry["topic"] in ("models", "inversion", "measures"), entry
        assert entry["authors"], entry
        assert all(" " in author for author in entry["authors"]), entry
        assert entry["title"] == entry["title"].strip(". ") != "", entry


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_citation_leads_to_a_reference(language):
    assert cited(language) <= set(KEYS)


def test_a_reference_is_either_cited_or_listed_as_background():
    background = {entry["key"] for entry in references() if entry.get("background")}
    assert set(KEYS) - cited("en") == background


@pytest.mark.browser
@pytest.mark.usefixtures("quiet")
def test_a_citation_opens_its_reference_below_the_tab_and_leads_back(stage):
    stage.goto("?steps=3")
    page = stage.page
    address = page.evaluate("location.href")
    link = page.locator("#guide .about a.cite").first
    key = link.get_attribute("data-cite")
    assert page.locator(".references li:visible").count() == 0
    link.press("Enter")
    entry = page.locator(f"#reference-{key}")
    assert entry.evaluate("e => e === document.activeElement && e.hasAttribute('data-cited')")
    assert link.inner_text() == entry.locator("b").inner_text()
    paper = entry.locator("a")
    arxiv = next(entry["arxiv"] for entry in references() if entry["key"] == key)
    assert paper.get_attribute("href") == f"https://arxiv.org/abs/{arxiv}"
    assert (paper.get_attribute("target"), paper.get_attribute("rel")) == ("_blank", "noopener")
    assert page.locator(".references .back:visible").count() == 1
    entry.locator(".back").click()
    assert link.evaluate("e => e === document.activeElement")
    assert page.evaluate("location.href") == address
