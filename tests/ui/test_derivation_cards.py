"""The derivation cards in a browser: every card is opened and shows its numbers."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe

from explorer.ui.localization import HERE, texts

pytestmark = pytest.mark.usefixtures("quiet")
CARDS = json.loads((HERE / "shell/derivations.json").read_text("utf-8"))
TABS = list(dict.fromkeys(card["tab"] for card in CARDS))
SMALL = "lengths=1%2C2&latents=1%2C2&frames=8&side=5&moments=8&others=1&walks=100&points=200"
OPEN_ALL = "cards => cards.forEach(card => card.open = true)"
ANSWERED = """count => {
  const boxes = [...document.querySelectorAll('#derivations .check')];
  return boxes.length === count && boxes.every(box => !['', 'waiting'].includes(box.dataset.state ?? ''));
}"""
# What is wider than the place that it has, by the name of its card.
TOO_WIDE = """() => [...document.querySelectorAll('#derivations :is(.formula, .check, summary)')]
  .filter(part => part.scrollWidth > part.clientWidth + 1).map(part => part.closest('[data-card]').dataset.card)"""


def bring(page, tab):
    page.evaluate("tab => dispatchEvent(new CustomEvent('explorer:set', { detail: { tab } }))", tab)
    names = [card["name"] for card in CARDS if card["tab"] == tab]
    page.wait_for_function(
        "names => [...document.querySelectorAll('#derivations [data-card]')].map(c => c.dataset.card).sort().join() === names",
        arg=",".join(sorted(names)),
    )
    return names


def test_every_card_is_opened_and_confirmed_and_fits_on_a_phone(stage):
    stage.open(f"?steps=2&{SMALL}")
    page = stage.page
    for tab in TABS:
        names = bring(page, tab)
        page.set_viewport_size({"width": 1366, "height": 657})
        page.locator("#derivations [data-card]").evaluate_all(OPEN_ALL)
        page.wait_for_function(ANSWERED, arg=len(names), timeout=180_000)
        states = page.locator("#derivations .check").evaluate_all("boxes => boxes.map(box => box.dataset.state)")
        assert states == ["confirmed"] * len(names), tab
        numbers = page.locator("#derivations .measured").all_inner_texts()
        assert len(numbers) >= len(names)
        assert all(number[0] in "−0123456789" for number in numbers), numbers
        for width in (1366, 390):
            page.set_viewport_size({"width": width, "height": 844})
            stage.settle()
            assert page.evaluate(TOO_WIDE) == [], (tab, width)
    faults = Axe().run(page, context="#derivations", options={"resultTypes": ["violations"], "preload": False}).response
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults["violations"]] == []
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_card_waits_tells_an_error_and_asks_again(stage):
    answers = iter(["lost", "later"])

    def answer(route):
        if "check_derivation" not in (route.request.post_data or "") or next(answers, "") != "lost":
            route.continue_()
        else:
            route.fulfill(status=500, body="{}")

    stage.page.route("**/component_server**", answer)
    stage.open("?steps=2")
    card = stage.page.locator('#derivations [data-card="last_step"]')
    card.locator("summary").press("Enter")
    card.locator('.check[data-state="error"]').wait_for()
    assert texts("en")["controls.no_answer"] in card.locator(".check").inner_text()
    stage.errors.clear()  # the browser notes the failed request
    card.get_by_role("button").press("Enter")
    card.locator('.check[data-state="confirmed"]').wait_for()
    for language in ("zh", "ko", "en"):  # the card stays open, with its numbers
        stage.change_language(language)
        assert card.locator("summary").inner_text().startswith(texts(language)["derivations.last_step.title"][:3])
        assert card.locator(".verdict").inner_text() == texts(language)["derivation.confirmed"].format(
            checkpoint="faces-64"
        )
        assert "{" not in card.inner_text()
    stage.page.locator('#controls [name="notation"][value="ddim"]').check(force=True)
    stage.settle()
    plain = card.locator(".formula .m").first.get_attribute("data-plain")
    assert plain.startswith("α_0 = 1")
