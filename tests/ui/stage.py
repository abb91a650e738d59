"""A page of the app, and the ways a user moves what is on it."""

from urllib.parse import parse_qs

import numpy as np
import torch

from explorer.media.convert import to_rgb, to_uint8

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

# The text of an element as it is read. A formula stands for its own line of text: its letters are placed one by one.
READ = """element => {
  const formulas = [...element.querySelectorAll('.m')].map(formula => [formula, [...formula.childNodes]]);
  for (const [formula] of formulas) formula.replaceChildren(formula.dataset.plain);
  const text = element.innerText;
  for (const [formula, children] of formulas) formula.replaceChildren(...children);
  return text;
}"""


def lane(name):
    """A row of a film."""
    return f'.lane[data-lane="{name}"]'


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

    def goto(self, query=""):
        """Open the page, and wait for nothing."""
        self.tab = parse_qs(query.lstrip("?")).get("tab", ["steps"])[0]
        errors = len(self.errors)
        self.page.goto(self.url + query, wait_until="commit")
        del self.errors[errors:]  # a page that is left in the middle of a request says that it broke off
        self.page.wait_for_load_state()
        return self

    def open(self, query=""):
        """Open the page, and wait for its run."""
        self.goto(query)
        self.wait_for_run()
        return self

    def locator(self, selector):
        """Elements of the stage in front; the other tabs have such elements too."""
        return self.page.locator(f"#{self.tab} {selector}")

    def wait(self, state, timeout=180_000):
        self.locator(f'.status[data-state="{state}"]').wait_for(timeout=timeout)

    def wait_for_run(self):
        """Wait until the run of the newest settings has ended and its pictures are on the screen."""
        self.page.wait_for_function(
            "tab => heard.ended[tab] && heard.ended[tab] === heard.changed[tab] && !heard.decoding",
            arg=self.tab,
            timeout=180_000,
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
        self.page.wait_for_function("tab => document.querySelector('explorer-controls').tab === tab", arg=tab)
        self.tab = tab
        self.wait_for_run()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

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

    def change_language(self, language):
        """Choose a language, and wait until the stage in front is drawn in it."""
        self.page.locator(f'#controls [name="language"][value="{language}"]').check(force=True)
        self.page.wait_for_function("language => document.documentElement.lang === language", arg=language)
        self.settle()

    def type_number(self, name, text):
        self.enter(self.page.locator(f'#controls [name="{name}"]'), text)

    def type_option(self, name, text):
        """Type into a field of the tab in front."""
        self.enter(self.locator(f'.options [name="{name}"]'), text)

    def enter(self, box, text):
        box.fill(text)
        box.press("Enter")

    def choose(self, name, value):
        """One of several choices of the stage."""
        self.locator(f'[name="{name}"][value="{value}"]').check(force=True)

    def bring(self, data, name="picture.png", kind="image/png"):
        """Choose a file of one's own."""
        self.locator(".bring input").set_input_files({"name": name, "mimeType": kind, "buffer": data})

    def wait_for_calls(self, text):
        """Wait until a run with such a count of calls, "of 1000", has made some of them."""
        self.page.wait_for_function(
            "([tab, text]) => new RegExp(`NFE [1-9][0-9,]* ${text}`).test(document.querySelector(`#${tab} .status .nfe`).textContent)",
            arg=[self.tab, text],
            timeout=180_000,
        )

    def stop(self):
        self.locator(".stop").click()
        self.wait("stopped")

    def repair(self):
        """Take the value that is offered instead of the refused one."""
        self.locator(".repair").click()
        self.wait_for_run()

    def address(self):
        """The address, once it holds what was done last."""
        self.page.wait_for_timeout(400)
        return self.page.url

    def setting(self, name):
        return self.page.evaluate("name => document.querySelector('explorer-controls').settings[name]", name)

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

    def assert_refused(self, field, expected):
        """The field is refused: for one of the tab's own it is said beside it, for one of the control column below, and beside it too."""
        self.wait("error")
        assert "last successful run" in self.text(".status .message")
        own = self.locator(f'[name="{field}"]')
        if own.count() == 0:
            assert expected in self.text(".status .message")
            box = self.page.locator(f'#controls [data-field="{field}"]')
            assert expected in box.locator(".problem").inner_text()
            assert box.locator(f'[name="{field}"]').get_attribute("aria-invalid") == "true"
        else:
            assert expected in self.text(f'.option:has([name="{field}"]) .problem')
            assert own.first.get_attribute("aria-invalid") == "true"

    def assert_film(self, name, frames):
        """The keys walk through the film, and each row shows the frame that they have come to."""
        for key, at in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", len(frames) - 1)):
            self.press(key)
            assert self.pixels(f"{lane(name)} .now canvas") == frames[at]

    def text(self, selector):
        """What is read there, each formula as one line."""
        return self.locator(selector).first.evaluate(READ)

    def lanes(self):
        """The names of the rows of a film."""
        return self.locator(".lane").evaluate_all("lanes => lanes.map(lane => lane.dataset.lane)")

    def facts(self, name):
        """The numbers of a row of Compare by their labels."""
        entries = self.locator(f"{lane(name)} .facts > *").all_inner_texts()
        return dict(zip(entries[::2], entries[1::2], strict=True))

    def table(self):
        """The rows of the first table by what they begin with."""
        rows = self.locator("table tr").evaluate_all(f"rows => rows.map(row => [...row.cells].map({READ}))")
        return {row[0]: row[1:] for row in rows[1:]}

    def step(self):
        return int(self.locator(".stage").get_attribute("data-step"))

    def coefficient(self, panel):
        return float(self.text(f'[data-panel="{panel}"] .coefficient').removesuffix("×").strip())

    def settle(self):
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
