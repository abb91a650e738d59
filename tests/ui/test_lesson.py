"""The lesson by keyboard alone, the languages, and "Pin as A"."""

import numpy as np
import pytest
from playwright.sync_api import TimeoutError

from explorer.ui.components import lesson
from explorer.ui.localization import texts

pytestmark = pytest.mark.usefixtures("quiet")

# All that can be read or heard below an element and is more than a symbol, but what a screen reader was told before.
WORDS = """root => [...root.querySelectorAll(':not(.announced)')].flatMap(node => [
    ...[...node.childNodes].filter(child => child.nodeType === Node.TEXT_NODE).map(child => child.nodeValue.trim()),
    ...['aria-label', 'aria-valuetext', 'title'].map(name => node.getAttribute(name)),
]).filter(text => /[a-z]{4}/i.test(text ?? ''))"""
SAME_IN_ALL = {"Home", "Space", "0 DDIM", "1 DDPM", "prev", "t_prev", "t → t_{prev}"}  # on keys, names and symbols


def shows(stage, selector):
    return stage.page.locator(selector).first.is_visible()


def test_the_lesson_is_walked_through_by_keyboard_and_asks_first(stage):
    stage.open("?steps=2&seed=7")
    page = stage.page
    stage.press("l", "Shift+Tab", " ")  # from "Next" to the switch
    for n, stop in enumerate(lesson()["stops"], 1):
        tab = stop["query"].split("&")[0].removeprefix("tab=")
        page.wait_for_function("tab => document.querySelector('explorer-controls').tab === tab", arg=tab)
        stage.settle()
        assert page.locator(".card h2").inner_text().startswith(f"Stop {n} of 9")
        assert page.locator('#tabs [aria-selected="true"]').first.inner_text() == texts("en")[f"tabs.{tab}"]
        assert not shows(stage, '.card [data-part="number"]')
        assert page.evaluate("document.body.dataset.asking") == stop["name"]
        stage.press(str(stop["right"]))
        assert page.locator(".guesses [data-right]").get_attribute("aria-pressed") == "true"
        assert shows(stage, '.card [data-part="number"]')
        assert stage.setting("seed") == 7
        stage.press("PageDown")
    assert stage.setting("calls") == 16
    assert "stop=9" in stage.address()
    stage.press("PageUp")
    assert "{" not in page.locator(".card").inner_text()
    stage.press("Escape")
    assert not shows(stage, ".card")


def test_a_question_hides_its_answer_on_the_stage(stage):
    stage.open("?steps=5&t=1000&stop=2")
    assert shows(stage, '#steps [data-panel="x0"] canvas')
    stage.page.locator('#lesson [name="ask_first"]').press(" ")
    assert not shows(stage, '#steps [data-panel="x0"] canvas')
    assert shows(stage, '#steps [data-panel="x_t"] canvas')
    assert stage.page.locator("#lesson .card [data-reading]:visible").count() == 0
    wait_for_spots(stage, ["x_t"])
    stage.press("1")
    wait_for_spots(stage, ["x0"])
    assert shows(stage, '#steps [data-panel="x0"] canvas')


def test_the_language_is_the_browsers_or_the_chosen_one_and_asks_for_no_run(stage, browser):
    stage.open("?steps=2")
    page = stage.page
    before = page.evaluate("heard.changed")
    english = {area: page.locator(area).evaluate(WORDS) for area in ("#steps", "#keys", "#saver")}
    for language in ("zh", "ko", "en"):
        stage.change_language(language)
        words = texts(language)
        assert page.get_by_role("tab", name=words["tabs.quality"], exact=True).is_visible()
        assert page.locator('[data-field="seed"] .label span').first.inner_text() == words["controls.seed"]
        assert page.get_attribute("html", "lang") == language
        assert ("lang=" in page.url) == (language != "en")
        for area in ("#controls", "#guide", "#lesson", "#steps"):
            assert "{" not in page.locator(area).inner_text()
        for area, before_it in english.items():
            now = page.locator(area).evaluate(WORDS)
            assert now == before_it if language == "en" else not set(now) & set(before_it) - SAME_IN_ALL
    assert page.evaluate("heard.changed") == before
    context = browser.new_context(locale="ko-KR", viewport={"width": 390, "height": 844})
    korean = type(stage)(context.new_page(), stage.url).open("?steps=1")
    assert korean.page.get_by_role("tab", name=texts("ko")["tabs.compare"], exact=True).is_visible()
    assert "lang=" not in korean.address()
    korean.press("l", "PageUp", *["PageDown"] * 7)  # on a phone the last tabs are in a menu
    korean.page.wait_for_function("document.querySelector('#encode').offsetParent !== null")
    assert korean.page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_an_example_sets_its_settings_and_a_pinned_picture_stands_beside_the_next(stage):
    stage.open("?seed=3&clip=1&steps=4")
    stage.press("a")
    first = stage.image('[data-pin="a"] canvas').astype(float)
    stage.page.get_by_role("button", name=texts("en")["examples.last.title"]).click()
    stage.wait_for_run()
    settings = stage.page.evaluate("document.querySelector('explorer-controls').settings")
    assert {key: settings[key] for key in ("seed", "steps", "eta", "clip")} == {
        "seed": 3,
        "steps": 10,
        "eta": 1,
        "clip": False,
    }
    assert stage.step() == 9
    second = stage.image('[data-pin="b"] canvas').astype(float)
    assert np.array_equal(second, stage.image('[data-panel="x_prev"] canvas'))  # the last step is on the screen
    mean = float(stage.text(".verdict .mean").split()[1])
    assert mean == pytest.approx(np.abs(first - second).mean() / 127.5, abs=6e-5)
    assert stage.text(".verdict .changed") == "Changed: η, S, Clip x̂_0 to [−1, 1]."
    stage.page.locator('#controls [name="notation"][value="ddim"]').check(force=True)
    bars = "bars => bars.every(bar => getComputedStyle(bar, '::before').display === 'none')"
    assert stage.page.locator("#stage-column .bar:not(.always)").evaluate_all(bars)
    stage.locator(".pin").click()
    assert not stage.locator(".pinned").is_visible()


# What the card is about: the first target of the part that is shown lies in the window and not behind the card, nor behind
# anything else in its middle; and no reading in the card is still awaited.
IN_VIEW = """targets => {
    const root = document.querySelector('explorer-' + document.querySelector('explorer-controls')?.tab);
    const target = root?.querySelector(targets[0]), box = target?.getBoundingClientRect();
    const card = document.querySelector('#lesson .card')?.getBoundingClientRect();
    if (!card || !box?.height || !target.hasAttribute('data-spot')) return false;
    if (box.top < 0 || box.bottom > card.top || box.left < 0 || box.right > innerWidth) return false;
    const middle = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
    return target.contains(middle) || middle?.contains(target);
}"""
READINGS = "() => [...document.querySelectorAll('#lesson .card [data-part]:not([hidden]) [data-reading]')].map(e => e.textContent)"
LAYOUTS = [(1366, 657, False), (1280, 720, False), (1280, 720, True)]
PROJECTOR = "on => { if (document.body.hasAttribute('data-projector') !== on) dispatchEvent(new CustomEvent('explorer:projector')); }"
PUBLISH = "([name, detail]) => dispatchEvent(new CustomEvent(`explorer:${name}`, { detail }))"


def begin(stage, kind, entry, number):
    """Go to a stop or an example, and wait until its card has all its numbers."""
    stage.page.evaluate(PUBLISH, [kind, number if kind == "stop" else entry["name"]])
    stage.page.wait_for_function(f"() => ({READINGS})().every(text => !text.includes('…'))", timeout=180_000)


def test_the_card_never_covers_what_it_is_about_and_quotes_what_is_there(stage):
    stage.open("?steps=2&side=5")
    entries = [("stop", n, entry) for n, entry in enumerate(lesson()["stops"], 1)]
    entries += [("example", 0, entry) for entry in lesson()["examples"]]
    for kind, number, entry in entries:
        begin(stage, kind, entry, number)
        for width, height, projector in LAYOUTS:
            stage.page.set_viewport_size({"width": width, "height": height})
            stage.page.evaluate(PROJECTOR, projector)
            try:
                stage.page.wait_for_function(IN_VIEW, arg=entry["targets"]["see"], timeout=180_000)
            except TimeoutError:
                pytest.fail(f"{entry['name']} at {width} × {height}, projector {projector}")
        assert "–" not in stage.page.evaluate(READINGS), entry["name"]


def quoted(stage, name):
    """A reading in the card."""
    return stage.page.locator(f'#lesson .card [data-reading="{name}"]').first.text_content()


def test_a_text_quotes_the_numbers_of_the_page_and_follows_its_settings(stage, brake):
    stage.open("?tab=compare&steps=4&moment=0&others=1&stop=5")

    def quotes_the_page():
        assert quoted(stage, "grain_large") == list(stage.facts("large").values())[1]

    quotes_the_page()
    first = quoted(stage, "grain_large")
    stage.change_language("ko")
    stage.settle()
    assert quoted(stage, "grain_large") == first
    assert texts("ko")["guide.paper"] in stage.page.locator(".card .of-paper").first.inner_text()
    brake()
    stage.type_number("steps", "5")
    assert quoted(stage, "grain_large") == "…" + texts("ko")["guide.waiting"]  # no number of other settings
    stage.wait_for_run()
    assert quoted(stage, "steps") == "5"
    quotes_the_page()
    assert quoted(stage, "grain_large") != first


def wait_for_spots(stage, names):
    """Wait until these, and no others, are framed on the page: panels by name, numbers by name."""
    stage.page.wait_for_function(
        """names => JSON.stringify(names) === JSON.stringify(
            [...document.querySelectorAll('[data-spot]')].map(e => e.dataset.panel ?? e.dataset.number))""",
        arg=names,
    )


def test_the_page_goes_to_what_a_part_is_about_until_the_user_scrolls(stage, brake):
    brake()
    stage.page.set_viewport_size({"width": 1366, "height": 657})
    stage.goto("?steps=50&t=1000&stop=2")
    page = stage.page
    number = lesson()["stops"][1]["targets"]["number"]
    page.wait_for_function(IN_VIEW, arg=lesson()["stops"][1]["targets"]["see"], timeout=180_000)
    wait_for_spots(stage, ["x0"])
    page.locator('#lesson [data-look="number"]').click()
    page.wait_for_function(IN_VIEW, arg=number, timeout=180_000)
    wait_for_spots(stage, ["distance"])
    page.mouse.move(600, 300)
    page.mouse.wheel(0, -150)
    page.wait_for_function(f"targets => !({IN_VIEW})(targets)", arg=number)
    before = page.evaluate("scrollY")
    stage.wait_for_run()  # all numbers of the step have changed
    assert page.evaluate("scrollY") == before
    stage.press("Escape")
    wait_for_spots(stage, [])


def test_on_a_phone_the_lesson_is_a_sheet_of_one_part_at_a_time(stage):
    stage.page.set_viewport_size({"width": 390, "height": 844})
    stage.open("?steps=4")
    page = stage.page
    page.locator("#lesson .enter").click()
    page.locator('#lesson [data-walk="1"]').click()
    stage.arrive("steps")
    page.wait_for_function(IN_VIEW, arg=lesson()["stops"][1]["targets"]["see"])
    for part in ("number", "see"):
        page.locator(f'#lesson [data-look="{part}"]').click()
        page.wait_for_function(IN_VIEW, arg=lesson()["stops"][1]["targets"][part])
        read = page.locator("#lesson [data-part] p:visible").evaluate_all(
            "all => all.map(e => e.parentNode.dataset.part)"
        )
        assert read == [part]
    page.locator("#lesson .fold").click()
    assert page.locator("#lesson .parts").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
