"""Files of what a tab shows: the tab runs again from its settings, and the browser downloads the file."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from explorer.media.uploads import PictureError
from explorer.networks.network import NetworkLost
from explorer.runs.admission import Admission, ServerBusy
from explorer.runs.cancellation import Cancelled, State, check_cancelled
from explorer.runs.diffusers_script import NotInDiffusers, script
from explorer.runs.failures import explain
from explorer.ui.export_formats import ExportFormat, ExportSource, NothingToExport
from explorer.ui.fields import InvalidField
from explorer.ui.file_serving import publish_file
from explorer.ui.latest_requests import LatestRequests, count_of
from explorer.ui.localization import LocalizedMessage, localize, to_json
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tab_result import TabResult

SECONDS_BETWEEN_UPDATES = 0.2
VIEW_KEY, VIEW_VALUE = re.compile(r"[a-z_]{1,12}"), re.compile(r"[\w.,-]{1,24}", re.ASCII)
MAX_VIEW = 12  # entries


@dataclass(frozen=True)
class ExportRequest:
    """One file that a page asks for.

    Attributes:
        view: entries of the address that only the browser uses, such as the time step on the screen.
    """

    tab: Tab[Any]
    format: ExportFormat
    request: TabRequest[Any]
    view: Mapping[str, str]

    @property
    def address(self) -> str:
        """The query of the address that shows the same again. It names every setting, also the defaults."""
        fields = {name: int(v) if isinstance(v, bool) else v for name, v in self.request.fields().items()}
        return urlencode({"tab": self.tab.name} | fields | dict(self.view))

    @property
    def file_name(self) -> str:
        """A name that tells the settings, such as ddim-explorer_faces-64_seed-22_S-50_eta-0.5.gif."""
        fields = self.request.fields()
        parts = ["ddim-explorer"]
        parts += [self.tab.name] * (self.tab.name != "steps")
        parts += [self.request.query.checkpoint] * ("checkpoint" not in self.tab.unused)
        for field in ("loop", "steps") if fields.get("way") == "loop" else self.tab.file_name_fields:
            if field == "eta" and fields["variance"] == "large" and "variance" not in self.tab.unused:
                parts.append("sigma-hat")
            else:
                parts.append(f"{'S' if field == 'steps' else field}-{fields[field]}")
        parts += [self.format.name] * (self.format.name not in (self.format.suffix, "picture"))
        names = (re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-")[:48] for part in parts)
        return "_".join(names) + f".{self.format.suffix}"

    def file_from(self, result: TabResult) -> bytes:
        """The file, made from the result at the end of the run.

        Raises:
            InvalidField: the browser makes this kind of file itself.
            NothingToExport: the result has nothing of this kind.
        """
        if self.format.make is None:
            raise InvalidField("kind", LocalizedMessage("file.by_browser"))
        return self.format.make(ExportSource(result, self.view, self.address))


class Exporter:
    """Makes the files that pages ask for.

    Args:
        tabs: by name.
        admission: how many runs there are at once.
    """

    def __init__(self, tabs: Mapping[str, Tab[Any]], admission: Admission | None = None) -> None:
        self.tabs = tabs
        self.admission = admission or Admission()
        self.latest = LatestRequests()

    def menus(self) -> dict[str, list[dict[str, Any]]]:
        """The entries of every tab's Save menu; ``here`` says that the browser makes the file itself."""
        return {
            name: [
                {"name": of.name, "label": of.label, "suffix": of.suffix, "here": of.make is None}
                for of in tab.export_formats
            ]
            for name, tab in self.tabs.items()
        }

    def parse(self, values: object) -> ExportRequest:
        """Check what a page asks for, {tab, kind, settings, view}, as the tab checks its run.

        Raises:
            InvalidField: a part of it cannot be used.
        """
        if not isinstance(values, dict) or values.get("tab") not in list(self.tabs):
            raise InvalidField("tab", LocalizedMessage("file.wish"))
        tab = self.tabs[values["tab"]]
        formats = {of.name: of for of in tab.export_formats}
        if values.get("kind") not in list(formats):
            raise InvalidField("kind", LocalizedMessage("file.kinds", {"choices": ", ".join(formats)}))
        request = tab.parse(values.get("settings"))
        return ExportRequest(tab, formats[values["kind"]], request, _parse_view(values.get("view"), request))

    def make(self, values: Any, connection: gr.Request) -> Iterator[dict[str, Any]]:
        """Handler of every request: how far the file is, and at last the file, or what is wrong."""
        session = connection.session_hash
        self.latest.record(session, values)
        labels = {"count": count_of(values)}
        state = self.latest.state_of(session, values)
        try:
            wanted = self.parse(values)
            with self.admission.acquire(session) as slot:
                for _ in slot.wait(state):
                    yield labels | {"state": "making", "share": 0}
                for value in self._make(wanted, state):
                    yield labels | value
        except (InvalidField, ServerBusy, NetworkLost, PictureError, NothingToExport) as problem:
            yield labels | {"state": "error", "message": to_json(localize(problem))}
        except Cancelled as cancelled:
            if cancelled.outcome == "stopped":
                yield labels | {"state": "stopped"}
        except Exception as error:
            message = explain(error, values, LocalizedMessage("file.failed"))
            yield labels | {"state": "error", "message": to_json(message)}

    def _make(self, wanted: ExportRequest, state: State) -> Iterator[dict[str, Any]]:
        if wanted.format.make is None:
            raise InvalidField("kind", LocalizedMessage("file.by_browser"))
        yield {"state": "making", "share": 0}
        result = yield from _updates(run_to_end(wanted.tab, wanted.request, state))
        data = wanted.file_from(result)
        check_cancelled(state)
        yield {"state": "done", "name": wanted.file_name, "file": publish_file(data, wanted.file_name)}

    def about(self, values: object) -> dict[str, Any]:
        """What a page needs to make a file itself; for Steps also the run as a script in plain diffusers.

        Returns:
            {name, settings, script, why}, or {error}. ``script`` is None where plain diffusers cannot do the run; ``why``
            says so.
        """
        try:
            wanted = self.parse(values)
        except InvalidField as problem:
            return {"error": to_json(localize(problem))}
        answer: dict[str, Any] = {"name": wanted.file_name, "settings": wanted.address, "script": None, "why": ""}
        if wanted.tab.name == "steps":
            try:
                request = wanted.request
                answer["script"] = script(request.checkpoint, request.latent, request.settings)
            except NotInDiffusers as problem:
                answer["why"] = to_json(localize(problem))
        return answer

    def stop(self, connection: gr.Request) -> None:
        """The user does not want the file any more."""
        self.latest.stop(connection.session_hash)

    def forget(self, session: str | None) -> None:
        """The page was closed."""
        self.latest.forget(session)


def run_to_end(
    tab: Tab[Any], request: TabRequest[Any], state: State = lambda: "running"
) -> Generator[float, None, TabResult]:
    """Run a tab: yields the share that is done after every update, returns its result.

    Raises:
        Cancelled: the run was stopped, or a newer request has arrived.
    """
    result = None
    for result in tab.checked_results(request, state):
        yield result.progress
        check_cancelled(state)
    if result is None or result.state != "ended":
        check_cancelled(state)
        raise RuntimeError("the run ended before its end")
    return result


def final_result(tab: Tab[Any], request: TabRequest[Any]) -> TabResult:
    """Run a tab to its end, and return its result."""
    shares = run_to_end(tab, request)
    while True:
        try:
            next(shares)
        except StopIteration as end:
            return end.value


def _updates(shares: Generator[float, None, TabResult]) -> Generator[dict[str, Any], None, TabResult]:
    """The shares as values for the page, not too many of them; returns what ``shares`` returns."""
    told = time.perf_counter()
    while True:
        try:
            share = next(shares)
        except StopIteration as end:
            return end.value
        now = time.perf_counter()
        if now - told > SECONDS_BETWEEN_UPDATES:
            told = now
            yield {"state": "making", "share": round(share, 3)}


def _parse_view(view: object, request: TabRequest[Any]) -> dict[str, str]:
    """The entries of ``view`` that may stand in an address."""
    entries = view if isinstance(view, dict) and len(view) <= MAX_VIEW else {}
    return {
        key: str(value)
        for key, value in entries.items()
        if isinstance(key, str) and key not in request.fields() and key != "tab"
        if VIEW_KEY.fullmatch(key) and isinstance(value, (str, int, float)) and VIEW_VALUE.fullmatch(str(value))
    }
