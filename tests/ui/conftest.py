"""A live app on localhost, and a page of it in headless Chromium. Without Chromium these tests skip."""

import os
import shutil
from pathlib import Path

import pytest
import torch

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import explorer as ex
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


class Stage:
    """A page with the Steps stage: what is on it, and the ways a user moves it."""

    def __init__(self, page, url):
        self.page = page
        self.url = url
        self.requests = []
        self.errors = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def open(self, query=""):
        self.page.goto(self.url + query)
        self.wait("ended")
        return self

    def wait(self, state, timeout=60_000):
        self.page.wait_for_selector(f'.status[data-state="{state}"]', timeout=timeout)

    def wait_for_run(self, **settings):
        """Wait until the newest settings are the ones on the screen and their run has ended."""
        self.page.wait_for_selector(".stage:not([data-waiting])", timeout=60_000)
        self.wait("ended")

    def set_range(self, name, value):
        """Move a slider of the control column as a drag does: value, then input."""
        self.page.evaluate(
            """([name, value]) => {
                const range = document.querySelector(`[data-range="${name}"]`);
                range.value = value;
                range.dispatchEvent(new Event('input', {bubbles: true}));
            }""",
            [name, value],
        )

    def type_number(self, name, text):
        box = self.page.locator(f'#controls [name="{name}"]')
        box.fill(text)
        box.press("Enter")

    def pixels(self, panel):
        """Checksum of a panel's canvas."""
        return self.page.evaluate(
            """panel => {
                const canvas = document.querySelector(`[data-panel="${panel}"] canvas`);
                const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                let sum = 0;
                for (const byte of data) sum = (Math.imul(sum, 31) + byte) | 0;
                return sum;
            }""",
            panel,
        )

    def pictures(self):
        return [self.pixels(panel) for panel in ("x_t", "x0", "direction", "noise", "x_prev")]

    def text(self, selector):
        return self.page.locator(selector).first.inner_text()

    def step(self):
        return int(self.page.get_attribute(".stage", "data-step"))

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
def root():
    return Path(__file__).resolve().parents[2]
