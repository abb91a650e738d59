"""How long a user of the page waits, measured in Chromium."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from explorer.bench.app_process import start_app
from explorer.bench.measures import BenchConfig, Row

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
CHROMIUM = ("chromium", "google-chrome", "chromium-headless-shell")  # as users have it, first
RUN_ENDED = '#steps .status[data-state="ended"]'
# Changes settings and waits until all pictures of the new run can be scrubbed. Returns milliseconds.
CHANGE_SETTINGS = """settings => new Promise(resolve => {
  const started = performance.now();
  let requested = null, ended = -1;   // the page can answer from its own memory: then "ended" comes before "changed"
  const check = () => {
    if (requested !== null && ended >= requested) requestAnimationFrame(() => resolve(performance.now() - started));
  };
  addEventListener('explorer:changed', ({ detail }) => {
    if (detail.tab === 'steps') { requested ??= detail.count; check(); }
  });
  addEventListener('explorer:ended', ({ detail }) => { if (detail.tab === 'steps') { ended = detail.count; check(); } });
  dispatchEvent(new CustomEvent('explorer:set', { detail: settings }));
})"""
# Drags the time slider from one end to the other, one input per animation frame, and counts the distinct pictures.
DRAG = """() => new Promise(resolve => {
  const slider = document.querySelector('#steps .time'), T = +slider.max;
  const canvas = document.querySelector('#steps [data-panel="x_t"] canvas'), context = canvas.getContext('2d');
  const pictures = new Set(), started = performance.now();
  let k = 0;
  const move = () => {
    pictures.add(context.getImageData(0, 0, canvas.width, canvas.height).data.join());
    if (k > 60) return resolve({ distinct: pictures.size - 1, seconds: (performance.now() - started) / 1000 });
    slider.value = Math.round(T * k++ / 60);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    requestAnimationFrame(move);
  };
  requestAnimationFrame(move);
})"""


def page_latency(config: BenchConfig) -> Iterator[Row]:
    """Time from start to the first picture, after a changed setting, after changing it back, and while scrubbing.

    Without Playwright or Chromium, the only row says so.
    """
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        yield "the page", "not measured", "needs Chromium and the extra `test`"
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        with closing(browser), start_app(config) as server:
            page.goto(server.url)
            page.locator(RUN_ENDED).wait_for(timeout=120_000)
            seconds = time.perf_counter() - server.started
            yield "start of `python app.py` to the first complete run on the page", f"{seconds:.1f} s", "S = 20"
            yield from _interactions(page, config)


def _interactions(page: Any, config: BenchConfig) -> Iterator[Row]:
    page.evaluate(CHANGE_SETTINGS, {"steps": config.steps, "eta": 0})
    etas = [(k + 1) / (config.rounds + 1) for k in range(config.rounds)]
    new = [page.evaluate(CHANGE_SETTINGS, {"eta": eta}) / 1000 for eta in etas]
    yield (
        f"η changed, S = {config.steps}: complete run on the page",
        f"{statistics.median(new):.2f} s",
        f"{len(new)} runs",
    )
    cached = [page.evaluate(CHANGE_SETTINGS, {"eta": eta}) / 1000 for eta in etas]
    yield "η changed back: cached run on the page", f"{statistics.median(cached):.3f} s", f"{len(cached)} changes"
    page.evaluate(CHANGE_SETTINGS, {"steps": 100, "eta": 1})
    drags = [page.evaluate(DRAG) for _ in range(config.rounds)]
    distinct = statistics.median(drag["distinct"] for drag in drags)
    seconds = statistics.median(drag["seconds"] for drag in drags)
    yield "distinct pictures in a drag over 60 positions, S = 100", f"{distinct:.0f}", f"in {seconds:.2f} s"
