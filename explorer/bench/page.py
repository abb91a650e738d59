"""What a user of the page waits for, measured in Chromium."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from explorer.bench.app_process import served
from explorer.bench.measures import Plan, Row

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ENDED = '#steps .status[data-state="ended"]'
# Runs a change of the settings and waits for the end of the run it begins; milliseconds until its sheet can be scrubbed.
CHANGE = """settings => new Promise(done => {
  const started = performance.now();
  let wanted = null, ended = -1;   // the end may be told before the change is: of a run that the page still has
  const look = () => { if (wanted !== null && ended >= wanted) requestAnimationFrame(() => done(performance.now() - started)); };
  addEventListener('explorer:changed', ({ detail }) => { if (detail.tab === 'steps') { wanted ??= detail.count; look(); } });
  addEventListener('explorer:ended', ({ detail }) => { if (detail.tab === 'steps') { ended = detail.count; look(); } });
  dispatchEvent(new CustomEvent('explorer:set', { detail: settings }));
})"""
# Drags the time slider from one end to the other by an input per animation frame; how many pictures were different.
DRAG = """() => new Promise(done => {
  const time = document.querySelector('#steps .time'), canvas = document.querySelector('#steps [data-panel="x_t"] canvas');
  const context = canvas.getContext('2d'), seen = new Set(), T = +time.max, started = performance.now();
  let k = 0;
  const look = () => seen.add(context.getImageData(0, 0, canvas.width, canvas.height).data.join());
  const move = () => {
    look();
    if (k > 60) return done({ frames: seen.size - 1, seconds: (performance.now() - started) / 1000 });
    time.value = Math.round(T * k++ / 60);
    time.dispatchEvent(new Event('input', { bubbles: true }));
    requestAnimationFrame(move);
  };
  requestAnimationFrame(move);
})"""


def page(plan: Plan) -> Iterator[Row]:
    """Start to the first face, a moved slider, one moved back, and scrubbing. Nothing where there is no Chromium."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        yield "the page", "not measured", "needs Chromium and the extra `test`"
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        with closing(browser), served(plan) as (server, started):
            tab.goto(server.address)
            tab.locator(ENDED).wait_for(timeout=120_000)
            yield (
                "`python app.py` to the first whole run on the page",
                f"{time.perf_counter() - started:.1f} s",
                "S = 20",
            )
            yield from _sliders(tab, plan)


def _sliders(tab: Any, plan: Plan) -> Iterator[Row]:
    tab.evaluate(CHANGE, {"steps": plan.steps, "eta": 0})
    moved = [tab.evaluate(CHANGE, {"eta": 0.1 + 0.1 * k}) / 1000 for k in range(plan.rounds)]
    yield f"η moved, S = {plan.steps}: whole run on the page", f"{statistics.median(moved):.2f} s", f"{len(moved)} runs"
    back = [tab.evaluate(CHANGE, {"eta": 0.1 + 0.1 * k}) / 1000 for k in range(plan.rounds)]
    yield "η moved back: whole sheet on the page", f"{statistics.median(back):.3f} s", f"{len(back)} moves"
    tab.evaluate(CHANGE, {"steps": 100, "eta": 1})
    drags = [tab.evaluate(DRAG) for _ in range(plan.rounds)]
    frames = statistics.median(drag["frames"] for drag in drags)
    seconds = statistics.median(drag["seconds"] for drag in drags)
    yield "distinct pictures in a drag of 60 inputs, S = 100", f"{frames:.0f}", f"in {seconds:.2f} s"
