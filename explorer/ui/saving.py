"""Export of files: a tab runs again from its settings, and the browser downloads a file made from the result."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from explorer.media.uploads import PictureError
from explorer.networks.network import NetworkLost
from explorer.runs.admission import Admission, ServerBusy
from explorer.runs.cancellation import Cancelled, State, check_cancelled
from explorer.runs.diffusers_script import NotInDiffusers, script
from explorer.runs.failures import explain
from explorer.ui.client import Visitor
from explorer.ui.export_formats import ExportFormat, ExportSource, NothingToExport
from explorer.ui.fields import InvalidField
from explorer.ui.file_serving import publish_file
from explorer.ui.latest_requests import LatestRequests, count_of
from explorer.ui.listeners import LISTENERS, Listeners
from explorer.ui.localization import LocalizedMessage, localize, to_json
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tab_result import TabResult

SECONDS_BETWEEN_UPDATES = 0.2
VIEW_KEY, VIEW_VALUE = re.compile(r"[a-z_]{1,12}"), re.compile(r"[\w.,-]{1,24}", re.ASCII)
MAX_VIEW_ENTRIES = 12


@dataclass(frozen=True)
class ExportRequest:
    """A validated request to export one file.

    Attributes:
        tab: the tab to run.
        format: an entry of its Save menu.
        request: the settings of the run.
        view: entries of the URL that only the browser uses, such as the time step on the screen.
    """

    tab: Tab[Any]
    format: ExportFormat
    request: TabRequest[Any]
    view: Mapping[str, str]

    @property
    def address(self) -> str:
        """The query string of the URL that shows the same result. It contains every setting, defaults too."""
        fields = {name: int(v) if isinstance(v, bool) else v for name, v in self.request.fields().items()}
        return urlencode({"tab": self.tab.name} | fields | dict(self.view))

    @property
    def file_name(self) -> str:
        """A file name with the settings, such as ddim-explorer_faces-64_seed-22_S-50_eta-0.5.gif."""
        fields = self.request.fields()
        parts = ["ddim-explorer"]
        parts += [self.tab.name] * (self.tab.name != "steps")
        parts += [self.request.query.checkpoint] * ("checkpoint" not in self.tab.unused_fields)
        for field in self.tab.file_name_fields_for(self.request):
            if field == "eta" and fields["variance"] == "large" and "variance" not in self.tab.unused_fields:
                parts.append("sigma-hat")
            else:
                parts.append(f"{'S' if field == 'steps' else field}-{fields[field]}")
        parts += [self.format.name] * (self.format.name not in (self.format.suffix, "picture"))
        names = (re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-")[:48] for part in parts)
        return "_".join(names) + f".{self.format.suffix}"

    def to_bytes(self, result: TabResult) -> bytes:
        """Make the file from the result of the ended run.

        Raises:
            InvalidField: the browser makes this format itself.
            NothingToExport: the result has no data for this format.
        """
        if self.format.make is None:
            raise InvalidField("kind", LocalizedMessage("file.by_browser"))
        return self.format.make(ExportSource(result, self.view, self.address))


class Exporter:
    """Makes the files that pages request.

    Args:
        tabs: by name.
        admission: limits the number of concurrent runs.
        listeners: who listens to the results of runs.
    """

    def __init__(
        self, tabs: Mapping[str, Tab[Any]], admission: Admission | None = None, listeners: Listeners = LISTENERS
    ) -> None:
        self.tabs = tabs
        self.admission, self.listeners = admission or Admission(), listeners
        self.latest = LatestRequests()

    def menus(self) -> dict[str, list[dict[str, Any]]]:
        """Return the entries of every tab's Save menu. ``here`` is true if the browser makes the file itself."""
        return {
            name: [
                {"name": entry.name, "label": entry.label, "suffix": entry.suffix, "here": entry.make is None}
                for entry in tab.export_formats
            ]
            for name, tab in self.tabs.items()
        }

    def parse(self, values: object) -> ExportRequest:
        """Validate a page's request for a file, {tab, kind, settings, view}. The tab validates the settings.

        Raises:
            InvalidField: for the first invalid part.
        """
        if not isinstance(values, dict) or values.get("tab") not in list(self.tabs):
            raise InvalidField("tab", LocalizedMessage("file.wish"))
        tab = self.tabs[values["tab"]]
        formats = {entry.name: entry for entry in tab.export_formats}
        if values.get("kind") not in list(formats):
            raise InvalidField("kind", LocalizedMessage("file.kinds", {"choices": ", ".join(formats)}))
        request = tab.parse(values.get("settings"))
        return ExportRequest(tab, formats[values["kind"]], request, _parse_view(values.get("view"), request))

    def make(self, values: Any, connection: gr.Request) -> Iterator[dict[str, Any]]:
        """Handle a request for a file: yield the progress, and at last the file or an error."""
        visitor = Visitor.of(connection)
        self.latest.record(visitor.session, values)
        labels = {"count": count_of(values)}
        state = self.listeners.state(visitor.session, self.latest.state_of(visitor.session, values))
        try:
            export = self.parse(values)
            export = replace(export, request=export.request.for_client(visitor.client))
            with self.admission.acquire(visitor.session, visitor.client, is_ready=False) as slot:
                self.listeners.wait_until_heard(visitor.session, state)
                slot.make_ready()
                for _ in slot.wait(state):
                    yield labels | {"state": "making", "share": 0}
                check_cancelled(state)
                for value in self._run_and_publish(export, state):
                    yield labels | value
        except (InvalidField, ServerBusy, NetworkLost, PictureError, NothingToExport) as error:
            yield labels | {"state": "error", "message": to_json(localize(error))}
        except Cancelled as cancelled:
            if cancelled.outcome == "stopped":
                yield labels | {"state": "stopped"}
        except Exception as error:
            message = explain(error, values, LocalizedMessage("file.failed"))
            yield labels | {"state": "error", "message": to_json(message)}

    def _run_and_publish(self, export: ExportRequest, state: State) -> Iterator[dict[str, Any]]:
        if export.format.make is None:
            raise InvalidField("kind", LocalizedMessage("file.by_browser"))
        yield {"state": "making", "share": 0}
        result = yield from _progress_values(run_to_end(export.tab, export.request, state))
        data = export.to_bytes(result)
        check_cancelled(state)
        yield {"state": "done", "name": export.file_name, "file": publish_file(data, export.file_name)}

    def about(self, values: object) -> dict[str, Any]:
        """Return what the page needs to make a file itself. The page calls this function.

        Returns:
            {name, settings, script, why}, or {error}. ``script`` makes the picture of Steps with plain diffusers. It is None
            for other tabs, and where diffusers cannot do the run; then ``why`` gives the reason.
        """
        try:
            export = self.parse(values)
        except InvalidField as error:
            return {"error": to_json(localize(error))}
        return {"name": export.file_name, "settings": export.address} | _diffusers_script(export)

    def stop(self, connection: gr.Request) -> None:
        """Cancel the page's latest request for a file."""
        self.latest.stop(connection.session_hash)

    def forget(self, session: str | None) -> None:
        """Drop what is kept for a closed page."""
        self.latest.forget(session)


def run_to_end(
    tab: Tab[Any], request: TabRequest[Any], state: State = lambda: "running"
) -> Generator[float, None, TabResult]:
    """Run a tab to its end. Yield the progress from 0 to 1 after every update; return the result.

    Raises:
        Cancelled: the run was stopped, or a newer request has arrived.
    """
    result = None
    for result in tab.checked_results(request, state):
        yield result.progress
        check_cancelled(state)
    if result is None or result.state != "ended":
        check_cancelled(state)
        raise RuntimeError("the run ended before its last step")
    return result


def final_result(tab: Tab[Any], request: TabRequest[Any], state: State = lambda: "running") -> TabResult:
    """Run a tab to its end and return the result. Errors as for :func:`run_to_end`."""
    run = run_to_end(tab, request, state)
    while True:
        try:
            next(run)
        except StopIteration as end:
            return end.value


def _progress_values(run: Generator[float, None, TabResult]) -> Generator[dict[str, Any], None, TabResult]:
    """Yield the progress of ``run`` as values for the page, at a limited rate; return the result."""
    last_update = time.perf_counter()
    while True:
        try:
            progress = next(run)
        except StopIteration as end:
            return end.value
        now = time.perf_counter()
        if now - last_update > SECONDS_BETWEEN_UPDATES:
            last_update = now
            yield {"state": "making", "share": round(progress, 3)}


def _diffusers_script(export: ExportRequest) -> dict[str, Any]:
    """The run of Steps as a script in plain diffusers, {script, why}."""
    if export.tab.name != "steps":
        return {"script": None, "why": ""}
    request = export.request
    try:
        return {"script": script(request.checkpoint, request.latent, request.settings), "why": ""}
    except NotInDiffusers as error:
        return {"script": None, "why": to_json(localize(error))}


def _parse_view(view: object, request: TabRequest[Any]) -> dict[str, str]:
    """Return the entries of ``view`` that are allowed in a URL; others are ignored."""
    entries = view if isinstance(view, dict) and len(view) <= MAX_VIEW_ENTRIES else {}
    return {
        key: str(value)
        for key, value in entries.items()
        if isinstance(key, str) and key not in request.fields() and key != "tab"
        if VIEW_KEY.fullmatch(key) and isinstance(value, (str, int, float)) and VIEW_VALUE.fullmatch(str(value))
    }


def exported_file(tab: Tab[Any], request: TabRequest[Any], name: str, result: TabResult) -> dict[str, Any]:
    """Publish the file of an entry of the tab's Save menu.

    Args:
        name: of the :class:`~explorer.ui.export_formats.ExportFormat`.
        result: of the ended run of ``request``.

    Returns:
        The file as ``gr.FileData`` JSON.
    """
    export_format = next(entry for entry in tab.export_formats if entry.name == name)
    export = ExportRequest(tab, export_format, request, {})
    return publish_file(export.to_bytes(result), export.file_name)
