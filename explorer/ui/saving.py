"""Files of what a tab shows: the run is made again from its settings, by the tab itself, and given to the browser to keep."""

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
from explorer.runs.results import PictureRequest
from explorer.trajectory import Trajectory
from explorer.ui.export_formats import EXPORT_FORMATS, ExportFormat
from explorer.ui.fields import InvalidField
from explorer.ui.file_serving import publish_file
from explorer.ui.latest_requests import LatestRequests, count_of
from explorer.ui.localization import LocalizedMessage, localize, to_json
from explorer.ui.picture_stream import exact
from explorer.ui.shown import NothingToExport, TabResult
from explorer.ui.tab import Tab, TabRequest

SECONDS_BETWEEN = 0.2  # of two words about how far it is
VIEW = re.compile(r"[a-z_]{1,12}"), re.compile(r"[\w.,-]{1,24}", re.ASCII)  # an entry of the address and its value
MAX_VIEW = 12
TOLD: dict[str, tuple[str, ...]] = {  # the fields that a file's name tells
    "steps": ("seed", "steps", "eta"),
    "compare": ("seed", "steps", "eta"),
    "consistency": ("latents", "lengths"),
    "interpolate": ("a", "b", "steps"),
    "encode": ("picture", "steps"),
    "forward": ("real",),
    "paths": ("mixture", "steps", "eta"),
    "quality": ("seed",),
}


@dataclass(frozen=True)
class ExportRequest:
    """One file that a page asks for.

    Attributes:
        view: what only the browser needs to know of the address, such as the time step that is looked at.
    """

    tab: Tab[Any]
    kind: ExportFormat
    asked: TabRequest[Any]
    view: dict[str, str]

    @property
    def settings(self) -> str:
        """The query of the address that shows it again: every setting by name, also the usual ones."""
        fields = {name: int(v) if isinstance(v, bool) else v for name, v in self.asked.fields().items()}
        return urlencode({"tab": self.tab.name} | fields | self.view)

    @property
    def name(self) -> str:
        """A telling file name, such as ddim-explorer_faces-64_seed-22_S-50_eta-0.5.gif."""
        fields = self.asked.fields()
        parts = ["ddim-explorer"]
        parts += [self.tab.name] * (self.tab.name != "steps")
        parts += [self.asked.query.checkpoint] * ("checkpoint" not in self.tab.idle)
        told = TOLD[self.tab.name]
        for field in ("loop", "steps") if fields.get("way") == "loop" else told:
            if field == "eta" and fields["variance"] == "large" and "variance" not in self.tab.idle:
                parts.append("sigma-hat")
            else:
                parts.append(f"{'S' if field == 'steps' else field}-{fields[field]}")
        parts += [self.kind.name] * (self.kind.name not in (self.kind.suffix, "picture"))
        return "_".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-")[:48] for part in parts) + f".{self.kind.suffix}"


class Exporter:
    """Makes the files that pages ask for.

    Args:
        tabs: by name.
        turns: who may run now; nobody waits without it.
    """

    def __init__(self, tabs: Mapping[str, Tab[Any]], turns: Admission | None = None) -> None:
        self.tabs = tabs
        self.turns = turns or Admission()
        self.newest = LatestRequests()

    def kinds(self) -> dict[str, list[dict[str, Any]]]:
        """The entries of every tab's menu; ``here`` says that the browser makes the file itself."""
        return {
            name: [
                {"name": kind.name, "label": kind.label, "suffix": kind.suffix, "here": kind.make is None}
                for kind in EXPORT_FORMATS[name]
            ]
            for name in self.tabs
        }

    def parse(self, given: object) -> ExportRequest:
        """What a page asks for, {tab, kind, settings, view}, checked as the tab checks its run; :class:`InvalidField` if not."""
        if not isinstance(given, dict) or given.get("tab") not in list(self.tabs):
            raise InvalidField("tab", LocalizedMessage("file.wish"))
        tab = self.tabs[given["tab"]]
        kinds = {kind.name: kind for kind in EXPORT_FORMATS[tab.name]}
        if given.get("kind") not in list(kinds):
            raise InvalidField("kind", LocalizedMessage("file.kinds", {"choices": ", ".join(kinds)}))
        asked = tab.parse(given.get("settings"))
        view = given.get("view")
        view = view if isinstance(view, dict) and len(view) <= MAX_VIEW else {}
        known = {
            key: str(value)
            for key, value in view.items()
            if isinstance(key, str) and key not in asked.fields() and key != "tab"
            if VIEW[0].fullmatch(key) and isinstance(value, (str, int, float)) and VIEW[1].fullmatch(str(value))
        }
        return ExportRequest(tab, kinds[given["kind"]], asked, known)

    def make(self, given: Any, request: gr.Request) -> Iterator[dict[str, Any]]:
        """Handler of every wish: how far it is, and at last the file, or what is wrong."""
        session = request.session_hash
        self.newest.record(session, given)
        labels = {"count": count_of(given)}

        def state() -> str:
            if self.newest.stopped(session):
                return "stopped"
            return "superseded" if self.newest.superseded(session, given) else "running"

        try:
            wanted = self.parse(given)
            with self.turns.take(session) as turn:
                for _ in turn.wait(state):
                    yield labels | {"state": "making", "share": 0}
                for value in self._make(wanted, state):
                    yield labels | value
        except (InvalidField, ServerBusy, NetworkLost, PictureError, NothingToExport) as problem:
            yield labels | {"state": "error", "message": to_json(localize(problem))}
        except Cancelled as broken_off:
            if broken_off.outcome == "stopped":
                yield labels | {"state": "stopped"}
        except Exception as error:
            yield labels | {
                "state": "error",
                "message": to_json(explain(error, given, LocalizedMessage("file.failed"))),
            }

    def _make(self, wanted: ExportRequest, state: State) -> Iterator[dict[str, Any]]:
        if wanted.kind.make is None:
            raise InvalidField("kind", LocalizedMessage("file.by_browser"))
        yield {"state": "making", "share": 0}
        shown = yield from _now_and_then(run_again(wanted, state))
        data = wanted.kind.make(shown)
        check_cancelled(state)
        yield {"state": "done", "name": wanted.name, "file": publish_file(data, wanted.name)}

    def about(self, given: object) -> dict[str, Any]:
        """What a page needs to make a file itself: its name and settings. With it, the run of Steps in diffusers code.

        Returns:
            {name, settings, script, why}: ``script`` is None where plain diffusers cannot do the run, and ``why`` says so;
            or {error}.
        """
        try:
            wanted = self.parse(given)
            checkpoint = self.tabs[wanted.tab.name].checkpoints[wanted.asked.query.checkpoint]
            answer = {"name": wanted.name, "settings": wanted.settings, "script": None, "why": ""}
            if wanted.tab.name == "steps":
                try:
                    answer["script"] = script(checkpoint, wanted.asked.query.latent, wanted.asked.query.settings)
                except NotInDiffusers as problem:
                    answer["why"] = to_json(localize(problem))
            return answer
        except InvalidField as problem:
            return {"error": to_json(localize(problem))}

    def stop(self, request: gr.Request) -> None:
        """The page does not want its file any more."""
        self.newest.stop(request.session_hash)

    def forget(self, session: str | None) -> None:
        """The page was closed."""
        self.newest.forget(session)


def run_again(wanted: ExportRequest, state: State) -> Generator[float, None, TabResult]:
    """Make a tab's run again: yields the share that is done, returns what the tab shows at its end.

    Raises:
        Interrupted: something newer is wanted, or the user stopped.
    """
    query = wanted.asked.query
    checkpoint = wanted.tab.checkpoints[query.checkpoint]
    if wanted.tab.name == "steps":
        picture = PictureRequest(query.latent, query.settings)
        run = wanted.tab.finished.run(checkpoint, picture)
        if run is None:
            run = Trajectory(checkpoint, query.latent.latent(checkpoint), query.settings)
            for done, _ in enumerate(run, 1):
                yield done / len(run.plan)
                check_cancelled(state)
            wanted.tab.finished.put_run(picture, run)
        return TabResult(checkpoint, {"settings": wanted.asked.fields()}, wanted.view, wanted.settings, run)
    value: dict[str, Any] = {}
    stream = wanted.tab.stream(wanted.asked, state)
    while True:
        with exact():
            following = next(stream, None)
        if following is None:
            break
        value = following
        wanted.tab.allow(value["expected"])
        yield (value["evaluations"] or 0) / (value["expected"] or 1)
    if value.get("state") != "ended":
        check_cancelled(state)
        raise RuntimeError("the run ended before its end")
    return TabResult(checkpoint, value, wanted.view, wanted.settings)


def _now_and_then(shares: Generator[float, None, TabResult]) -> Generator[dict[str, Any], None, TabResult]:
    """The shares that are done as words for the page, not too many of them; what ``shares`` returns."""
    localize = time.perf_counter()
    while True:
        try:
            share = next(shares)
        except StopIteration as end:
            return end.value
        if (now := time.perf_counter()) - localize > SECONDS_BETWEEN:
            localize = now
            yield {"state": "making", "share": round(share, 3)}
