"""Every tab on the screens that people have, with a scrollbar that takes room, in every language, and on paper: nothing is cut off,
nothing scrolls sideways, and axe-core finds no serious fault."""

from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import chromium
from stage import Stage

SMALL = "?steps=5&eta=0.5&others=1&latents=22%2C+10&lengths=2%2C+5&frames=8&side=5&drawn=5&points=200&samples=0"
TABS = (
    "steps",
    "compare",
    "consistency",
    "interpolate",
    "encode",
    "forward",
    "paths",
    "quality",
    "solvers",
    "exercises",
)
LAPTOP, PHONE = (1366, 657), (390, 844)  # the laptop has 768 lines, less the bars of the browser
SCREENS = (PHONE, (820, 1180), (1024, 700), (1280, 600), LAPTOP)
PAPER = {"width": 718, "height": 1000}  # A4, less its margins
SCREEN_RULES = ["color-contrast", "scrollable-region-focusable"]  # what depends on colours and layout

# Lines of text, one for each thing that is cut off, or that one must scroll sideways to see. A root sign (hide-tail) is drawn longer
# than it is shown.
CUT_OFF = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  const name = (e) => [e.parentElement, e].map((e) => `${e.localName}.${e.getAttribute('class') ?? ''}`).join(' > ');
  const say = (what, e, size) => found.push(`${what} ${name(e)} ${size}: ${e.textContent.trim().slice(0, 40)}`);
  if (document.documentElement.scrollWidth > wide) found.push(`the page: ${document.documentElement.scrollWidth} > ${wide}`);
  for (const e of document.querySelectorAll('#page *')) {
    const { left, right, width, height } = e.getBoundingClientRect();
    if (width <= 1 || height <= 1 || e.closest('.hide-tail') || !e.checkVisibility({ visibilityProperty: true })) continue;
    if (right > wide + 0.5 || left < -0.5) say('outside', e, `${left.toFixed()}..${right.toFixed()}`);
    const { overflowX } = getComputedStyle(e);
    if (overflowX !== 'visible' && e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1)
      say(overflowX, e, `${e.scrollWidth} > ${e.clientWidth}`);
  }
  return found;
}"""
# How many columns each grid of a tab has.
COLUMNS = """tab => [...document.querySelectorAll(`#${tab} .stage *`)]
  .filter((e) => getComputedStyle(e).display === 'grid' && e.checkVisibility() && !e.closest('.actions'))
  .map((e) => `${e.className}: ${getComputedStyle(e).gridTemplateColumns.split(' ').length}`)"""
# Promise that a tab is drawn anew: `drawn`.
AWAIT_DRAWING = """tab => {
  const stage = document.querySelector(`explorer-${tab}`);
  window.drawn = new Promise((done, fail) => {
    setTimeout(() => fail(new Error('not drawn within 20 s')), 20_000);
    stage.resized = () => {
      delete stage.resized;
      stage.resized();
      requestAnimationFrame(() => requestAnimationFrame(done));
    };
  });
}"""


class Screen(Stage):
    """A page whose window changes its size and its colours."""

    def resize(self, width, height):
        self.page.evaluate(AWAIT_DRAWING, self.tab)
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.evaluate("drawn")

    def change_colours(self):
        """From light to dark, or back."""
        self.page.evaluate(AWAIT_DRAWING, self.tab)
        self.page.evaluate("() => { document.body.classList.toggle('dark'); }")
        self.page.evaluate("drawn")

    @contextmanager
    def on_paper(self):
        """The page as it is printed, with the tab as it was drawn."""
        self.page.emulate_media(media="print")
        self.page.set_viewport_size(PAPER)
        self.settle()
        try:
            yield
        finally:
            self.page.emulate_media(media="screen")

    def faults(self, *rules):
        """The serious and critical findings of axe-core, of some rules or of all."""
        options = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": rules} if rules else {})
        found = Axe().run(self.page, options=options).response["violations"]
        grave = [fault for fault in found if fault["impact"] in ("serious", "critical")]
        return [(fault["id"], node["target"], node["failureSummary"]) for fault in grave for node in fault["nodes"]]


@pytest.fixture(scope="module")
def screen(browser, app_url):
    """A page with a scrollbar beside it, as most people have one. All tests of this file share it."""
    path = chromium()
    visible = browser.browser_type.launch(
        executable_path=path, args=["--no-sandbox", "--disable-gpu"], ignore_default_args=["--hide-scrollbars"]
    )
    screen = Screen(visible.new_page(viewport={"width": 390, "height": 844}), app_url).open(SMALL)
    screen.page.click(".pill")  # on a phone the fields are seen too
    yield screen
    visible.close()


@pytest.mark.slow
@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("tab", TABS)
def test_a_tab_fits_every_screen_and_paper_and_axe_finds_no_serious_fault(screen, tab):
    screen.page.set_viewport_size({"width": 1440, "height": 900})
    screen.page.evaluate("() => document.body.classList.remove('dark')")
    screen.switch(tab.capitalize())
    for size in SCREENS:
        screen.resize(*size)
        assert screen.page.evaluate(CUT_OFF) == [], size
        if size in (LAPTOP, PHONE):  # fingers are used on a phone
            assert screen.faults(*([] if size == LAPTOP else [*SCREEN_RULES, "target-size"])) == []
            for language in ("zh", "ko", "en"):
                screen.change_language(language)
                assert screen.page.evaluate(CUT_OFF) == [], (size, language)
            screen.change_colours()
            assert screen.page.evaluate(CUT_OFF) == [], (size, "dark")
            assert screen.faults(*SCREEN_RULES) == []
            screen.change_colours()
    if tab == "steps":
        return  # on paper it is in test_steps_layout.py
    columns = screen.page.evaluate(COLUMNS, tab)
    with screen.on_paper():
        assert screen.page.evaluate(CUT_OFF) == []
        assert screen.page.evaluate(COLUMNS, tab) == columns


def test_all_tabs_are_in_sight_on_a_phone(screen):
    screen.page.set_viewport_size({"width": 390, "height": 844})
    titles = screen.page.locator('#tabs [role="tab"]')
    for language in ("zh", "ko", "en"):
        screen.change_language(language)
        assert titles.count() == len(TABS)
        for title in titles.all():
            box = title.bounding_box()
            assert 0 <= box["x"] < box["x"] + box["width"] <= 375
            assert box["height"] >= 24  # the least that a finger hits


def test_axe_finds_no_serious_fault_in_the_list_of_keys(screen):
    screen.page.set_viewport_size({"width": 1366, "height": 657})
    screen.page.locator('[data-tool="help"]').click()
    assert screen.faults() == []
    screen.page.keyboard.press("Escape")
