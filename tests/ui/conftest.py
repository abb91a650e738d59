"""A live app on localhost, and a page of it in headless Chromium. Without Chromium these tests skip."""

import os
import shutil
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
import torch

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import explorer as ex
from explorer.pictures import to_rgb, to_uint8
from explorer.ui.app import build, launch_options

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def app_url():
    """Address of the app over the shipped faces."""
    torch.set_num_threads(os.cpu_count() or 1)  # the unit tests keep to one
    demo = build({"faces-64": ex.load("faces-64")})
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield url
    demo.close()


@pytest.fixture(scope="session")
def browser():
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have Chromium: the browser tests would all be skipped")
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


# What the page tells itself, and how many pictures it is decoding.
LISTEN = """
window.heard = { changed: {}, ended: {}, decoding: 0 };
for (const what of ['changed', 'ended']) addEventListener(`explorer:${what}`, ({ detail }) => { heard[what][detail.tab] = detail.count; });
const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, 'src');
Object.defineProperty(HTMLImageElement.prototype, 'src', { ...source, set(address) {
  heard.decoding += 1;
  for (const end of ['load', 'error']) this.addEventListener(end, () => { heard.decoding -= 1; }, { once: true });
  source.set.call(this, address);
} });
"""


class Stage:
    """A page of the app: what is on the stage of the tab in front, and the ways a user moves it."""

    def __init__(self, page, url):
        self.page = page
        self.url = url
        self.tab = "steps"
        self.requests = []
        self.errors = []
        page.add_init_script(LISTEN)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def open(self, query=""):
        self.tab = parse_qs(query.lstrip("?")).get("tab", ["steps"])[0]
        self.page.goto(self.url + query)
        self.wait_for_run()
        return self

    def locator(self, selector):
        """Elements of the stage in front; the other tabs have such elements too."""
        return self.page.locator(f"#{self.tab} {selector}")

    def wait(self, state, timeout=60_000):
        self.locator(f'.status[data-state="{state}"]').wait_for(timeout=timeout)

    def wait_for_run(self):
        """Wait until the run of the newest settings has ended and its pictures are on the screen."""
        self.page.wait_for_function(
            "tab => heard.ended[tab] && heard.ended[tab] === heard.changed[tab] && !heard.decoding",
            arg=self.tab,
            timeout=60_000,
        )
        self.locator(".stage:not([data-waiting])").wait_for()
        self.wait("ended")
        self.settle()

    def switch(self, title):
        """Bring a tab to the front with the mouse."""
        self.page.get_by_role("tab", name=title).click()
        self.arrive(title.lower())

    def arrive(self, tab):
        """Wait until a tab is in front and what it shows is its newest run."""
        self.page.wait_for_function("tab => window.explorer.tab === tab", arg=tab)
        self.tab = tab
        self.wait_for_run()

    def set_range(self, name, value):
        """Move a slider of the control column."""
        self._drag(self.page.locator(f'#controls [data-range="{name}"]'), value)

    def drag_to(self, selector, value):
        """Move a slider of the stage."""
        self._drag(self.locator(selector), value)
        self.settle()

    def _drag(self, slider, value):
        """As a drag does: value, then input."""
        slider.evaluate(
            """(range, value) => {
                range.value = value;
                range.dispatchEvent(new Event('input', {bubbles: true}));
            }""",
            value,
        )

    def type_number(self, name, text):
        self.enter(self.page.locator(f'#controls [name="{name}"]'), text)

    def type_option(self, name, text):
        """Type into a field of the tab in front."""
        self.enter(self.locator(f'.options [name="{name}"]'), text)

    def enter(self, box, text):
        box.fill(text)
        box.press("Enter")

    def setting(self, name):
        return self.page.evaluate("name => window.explorer.settings[name]", name)

    def pixels(self, selector):
        """Checksum of the first canvas there."""
        return self.pictures(selector)[0]

    def pictures(self, selector="canvas"):
        """Checksums of all canvases there, None for those without a picture."""
        return self.locator(selector).evaluate_all(
            """canvases => canvases.map(canvas => {
                if (canvas.classList.contains('blank')) return null;
                const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                let sum = 0;
                for (const byte of data) sum = (Math.imul(sum, 31) + byte) | 0;
                return sum;
            })"""
        )

    def image(self, selector):
        """The first canvas there: uint8 (H, W, 3)."""
        width, height, *values = self.locator(selector).first.evaluate(
            "canvas => [canvas.width, canvas.height, ...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
        )
        return np.array(values, dtype=np.uint8).reshape(height, width, 4)[..., :3]

    def off(self, selector, picture):
        """The largest difference between the first canvas there and a picture, of 255 levels.

        Args:
            picture: uint8 (H, W, 3), or (1, C, H, W) in [-1, 1]. The rounding of a run depends on its batch, so the same
                picture from two batches may be off by 1.
        """
        expected = to_rgb(to_uint8(picture))[0] if isinstance(picture, torch.Tensor) else picture
        return int(np.abs(self.image(selector).astype(int) - expected).max())

    def panel(self, name):
        """Checksum of a panel of Steps."""
        return self.pixels(f'[data-panel="{name}"] canvas')

    def panels(self):
        return [self.panel(name) for name in ("x_t", "x0", "direction", "noise", "x_prev")]

    def assert_quiet(self):
        """Nothing went wrong in the page, and nothing was asked from another host."""
        assert self.errors == []
        assert [u for u in self.requests if not u.startswith((self.url, "data:", "blob:"))] == []

    def text(self, selector):
        return self.locator(selector).first.inner_text()

    def step(self):
        return int(self.locator(".stage").get_attribute("data-step"))

    def coefficient(self, panel):
        return float(self.text(f'[data-panel="{panel}"] .coefficient').removesuffix("×").strip())

    def settle(self):
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.fixture
def stage(browser, app_url):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield Stage(context.new_page(), app_url)
    context.close()


@pytest.fixture
def elsewhere(browser, app_url):
    """``elsewhere(address)``: an address of the page, opened in a browser that knows nothing of the first."""
    contexts = []

    def open_there(address):
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}))
        return Stage(contexts[-1].new_page(), app_url).open(address.removeprefix(app_url))

    yield open_there
    for context in contexts:
        context.close()


@pytest.fixture
def root():
    return Path(__file__).resolve().parents[2]
