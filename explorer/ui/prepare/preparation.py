"""Computing pages ahead: each is run as the app runs it, so that the app finds every part of it in the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from explorer import derivations
from explorer.checkpoint import Checkpoint
from explorer.runs.admission import Admission
from explorer.runs.encoded_latent import store_encoded_in
from explorer.runs.results import PictureRequest, ResultCache
from explorer.runs.shared_network import scheduled, warm_up
from explorer.runs.stored_kinds import json_kind
from explorer.runs.stored_results import StoredResults
from explorer.ui.address import settings_in
from explorer.ui.derivation_checks import DerivationChecks
from explorer.ui.prepare.links import Link
from explorer.ui.tab import Services, Tab, TabRequest
from explorer.ui.tabs import TABS
from explorer.ui.tabs.steps.other_eta import other_settings

PAGE = json_kind("page")  # {link}: a page all of whose parts are stored


@dataclass(frozen=True, eq=False)
class Page:
    """A page that is to be prepared.

    Attributes:
        link: its address.
        tab: that shows it.
        request: that the tab runs.
        evaluations: about how many network evaluations are missing.
    """

    link: Link
    tab: Tab[Any]
    request: TabRequest[Any]
    evaluations: int


@dataclass(frozen=True)
class Progress:
    """How far the preparation is.

    Attributes:
        page: that is being prepared.
        number, count: of the page, and of all pages.
        share: fraction of the page that is done.
        done: whether the page is done.
        evaluations: network evaluations that the page took so far; 0 for one that was prepared before.
        seconds: since the page was begun.
        seconds_left: until all pages are done; None if unknown.
    """

    page: Page
    number: int
    count: int
    share: float
    done: bool
    evaluations: int
    seconds: float
    seconds_left: float | None


class Preparation:
    """Computes pages into a store.

    Args:
        checkpoints: by name, on the engine that will serve the pages. The first one is the default.
        stored: the results on disk.
    """

    def __init__(self, checkpoints: Mapping[str, Checkpoint], stored: StoredResults) -> None:
        self.stored = stored
        self._checkpoints = {name: scheduled(checkpoint) for name, checkpoint in checkpoints.items()}
        self._tabs = self._new_tabs()
        store_encoded_in(stored)

    def plan(self, links: Sequence[Link]) -> list[Page]:
        """Return the pages of links, each once, and how much of each is missing.

        Raises:
            ValueError: a link names a tab or a value that does not exist.
        """
        pages: dict[object, Page] = {}
        for link in links:
            tab, request = self._request(link)
            key = tab.name, *request.fields().items()
            if key not in pages:
                pages[key] = Page(link, tab, request, missing_evaluations(tab, request))
        return list(pages.values())

    def run(self, pages: Sequence[Page], clock: Callable[[], float] = time.perf_counter) -> Iterator[Progress]:
        """Compute what is missing of pages. Yield the progress after every visible change.

        Raises:
            OSError: the disk is full or read-only.
        """
        to_do, done, started = sum(page.evaluations for page in pages), 0, clock()
        for number, page in enumerate(pages, 1):
            begun, evaluations = clock(), 0
            for result in page.tab.page_results(page.request, lambda: "running"):
                share = result.progress
                evaluations = max(evaluations, result.evaluations or 0)
                worked = done + share * page.evaluations
                left = (clock() - started) * (to_do - worked) / worked if worked else None
                yield Progress(page, number, len(pages), share, False, evaluations, clock() - begun, left)
            self._finish(page)
            done += page.evaluations
            left = (clock() - started) * (to_do - done) / done if done else None
            evaluations = page.evaluations and (evaluations or page.evaluations)
            yield Progress(page, number, len(pages), 1.0, True, evaluations, clock() - begun, left)

    def check_derivations(self) -> int:
        """Compute the numbers of all derivation cards for each checkpoint. Return how many cards there are."""
        checks = DerivationChecks(self._checkpoints, Admission(), self.stored)
        requests = [{"name": name, "checkpoint": c} for c in self._checkpoints for name in derivations.CARDS]
        for request in requests:
            checks.check_derivation(request)
        self._flush()
        return len(requests)

    def incomplete(self, pages: Sequence[Page]) -> list[Page]:
        """Return the pages of which a part is not in the store any more, because they do not fit into its budget."""
        tabs = self._new_tabs()  # which remember nothing
        return [page for page in pages if missing_evaluations(tabs[page.tab.name], page.request)]

    def _new_tabs(self) -> dict[str, Tab[Any]]:
        services = Services(self._checkpoints, results=ResultCache(stored=self.stored))
        return {tab.name: tab(services) for tab in TABS}

    def _request(self, link: Link) -> tuple[Tab[Any], TabRequest[Any]]:
        """The tab and the request of a link. Raise ValueError for a tab or a value that does not exist."""
        query = link.entries
        name = query.get("tab", next(iter(self._tabs)))
        if name not in self._tabs:
            raise ValueError(f"{link.source}: tab must be one of {', '.join(self._tabs)}, not {name!r}")
        fields, message = settings_in(query, name, self._tabs, self._checkpoints)
        if message:
            raise ValueError(f"{link.source}: {link}: {message}")
        return self._tabs[name], self._tabs[name].parse(fields)

    def _finish(self, page: Page) -> None:
        """Note that a page is prepared, after everything before has been written."""
        fields = page.request.fields()
        link = str(page.link)
        self.stored.put(PAGE, page.request.checkpoint, {"link": link}, 1 << 10, page.tab.name, *sorted(fields.items()))
        self._flush()

    def _flush(self) -> None:
        self.stored.flush(timeout=None)
        if self.stored.error is not None:
            raise self.stored.error


def missing_evaluations(tab: Tab[Any], request: TabRequest[Any]) -> int:
    """Return about how many network evaluations a page needs, beside what is cached."""
    if tab.name == "steps":  # which does not count its evaluations
        pictures = [request.query.picture.settings, other_settings(request.query.picture.settings)]
        requests = [PictureRequest(request.latent, settings) for settings in pictures]
        cached = [tab.services.results.run(request.checkpoint, requests[0]) is not None]
        cached.append(tab.services.results.picture(request.checkpoint, requests[1]) is not None)
        return cached.count(False) * request.settings.steps
    with closing(tab.results(request, lambda: "running")) as results:  # type: ignore[type-var]
        return next(results).expected_evaluations or 0


def on_serving_engine(checkpoint: Checkpoint) -> Checkpoint:
    """Return the checkpoint on the engine that the app uses once it has timed them, which is remembered for this machine."""
    warm_up(checkpoint).result()  # nothing is chosen before the first call
    return replace(checkpoint, predict_noise=checkpoint.predict_noise.prepare())
