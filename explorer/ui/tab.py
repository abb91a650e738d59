"""What all tabs share: check a request, run it as the latest request of its page, and say what is wrong."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import gradio as gr

from explorer.checkpoint import Checkpoint
from explorer.media.uploads import PictureError
from explorer.networks.network import NetworkLost
from explorer.runs.admission import Admission, ServerBusy
from explorer.runs.cancellation import Cancelled, State
from explorer.runs.failures import explain
from explorer.runs.latent_spec import LatentSpec
from explorer.runs.results import ResultCache
from explorer.support.bounded_cache import BoundedCache
from explorer.ui.export_formats import ExportFormat
from explorer.ui.fields import InvalidField, Options, check_field, field_label
from explorer.ui.latest_requests import MAX_PAGES, LatestRequests, count_of
from explorer.ui.localization import LocalizedMessage, localize, notice_of, texts, to_json
from explorer.ui.query import Query, TabRequest
from explorer.ui.tab_result import TabResult

if TYPE_CHECKING:
    from explorer.ui.endpoints import Endpoint

RUN_IDS = itertools.count(1)
OptionsT = TypeVar("OptionsT", bound=Options)
ResultT = TypeVar("ResultT", bound=TabResult)


@dataclass(frozen=True)
class Services:
    """What the tabs of an app share.

    Attributes:
        checkpoints: by name. The first one is the default; others may be opened later.
        latest: the latest request of each page.
        results: pictures and runs that were made before.
        admission: how many runs there are at once.
        max_calls: calls of the network in one run, at most; None for no limit.
    """

    checkpoints: Mapping[str, Checkpoint]
    latest: LatestRequests = field(default_factory=LatestRequests)
    results: ResultCache = field(default_factory=ResultCache)
    admission: Admission = field(default_factory=Admission)
    max_calls: int | None = None

    @property
    def max_steps(self) -> dict[str, int]:
        """T of each checkpoint by name."""
        return {name: checkpoint.schedule.T for name, checkpoint in self.checkpoints.items()}


class Tab(ABC, Generic[OptionsT]):
    """One tab: its settings, its checks and its run. A subclass and its files live in ``tabs/<name>/``.

    Attributes:
        name: in addresses, texts and file names.
        options: the class of the settings that the tab has for itself.
        export_formats: the entries of its Save menu.
        endpoints: what other programs can ask of it.
        file_name_fields: fields whose values go into the name of a saved file.
        unused: fields of the control column that have no effect here.
        picture_field: the field that names a real picture.
        length_field: the field that makes a run long.
        server_functions: functions that the page may call.
    """

    name: ClassVar[str]
    options: type[OptionsT]
    export_formats: ClassVar[Sequence[ExportFormat]] = ()
    endpoints: ClassVar[Sequence[Endpoint]] = ()
    file_name_fields: ClassVar[tuple[str, ...]] = ("seed", "steps", "eta")
    unused: ClassVar[tuple[str, ...]] = ()
    picture_field: ClassVar[str] = "seed"
    length_field: ClassVar[str] = "steps"
    server_functions: ClassVar[Sequence[Any]] = ()

    def __init__(self, services: Services) -> None:
        self.services = services
        self.last_good: BoundedCache[TabRequest[OptionsT]] = BoundedCache(MAX_PAGES)

    @property
    def title(self) -> str:
        """The tab's English title; the page translates it."""
        return texts("en")[f"tabs.{self.name}"]

    @abstractmethod
    def results(self, request: TabRequest[OptionsT], state: State) -> Iterator[TabResult]:
        """Run a request. Yields its result after every change worth showing, at last with the state "ended".

        It calls :func:`explorer.runs.cancellation.check_cancelled` after every call of the network, and lets its
        exception through.
        """

    def check(self, request: TabRequest[OptionsT]) -> TabRequest[OptionsT]:
        """Check what no field shows alone.

        Raises:
            InvalidField: the fields do not fit together.
        """
        return request

    def latents(self, request: TabRequest[OptionsT]) -> dict[str, list[LatentSpec]]:
        """The latents that a run takes, by the field that names them."""
        return {} if "seed" in self.unused else {"seed": [request.latent]}

    def default_request(self) -> TabRequest[OptionsT]:
        """The request of a page that nobody has touched."""
        query = Query.default(self.services.max_steps)
        return TabRequest(self.services.checkpoints[query.checkpoint], query, self.options())

    def parse(self, values: object) -> TabRequest[OptionsT]:
        """Check the values of the controls.

        Raises:
            InvalidField: a field cannot be used.
        """
        if not isinstance(values, dict):
            raise InvalidField("checkpoint", LocalizedMessage("error.controls"))
        query = Query.parse(values, self.services.max_steps)
        checkpoint = self.services.checkpoints[query.checkpoint]
        request = self.check(TabRequest(checkpoint, query, self.options.parse(values)))
        for name, latents in self.latents(request).items():
            for latent in latents:
                check_field(name, latent, lambda latent: latent.check(checkpoint))
        return request

    def run(self, values: dict[str, Any], connection: gr.Request) -> Iterator[dict[str, Any]]:
        """Handler of every change of the controls: the values that the page shows, or what is wrong."""
        session = connection.session_hash
        labels: dict[str, Any] = {"id": next(RUN_IDS), "count": count_of(values)}
        state = self.services.latest.state_of(session, values)
        try:
            request = self.parse(values)
        except InvalidField as problem:
            yield labels | self._refusal(problem, session, values)
            return
        if state() == "superseded":
            return
        before = self._last_good(session)
        self.last_good.put(session, request)
        labels["message"] = notice_of(values)
        try:
            with self.services.admission.acquire(session) as slot:
                for place in slot.wait(state):
                    message = LocalizedMessage("server.place", {"place": place})
                    yield labels | {"state": "queued", "message": to_json(message)}
                if state() == "superseded":
                    return
                for result in self.checked_results(request, state):
                    yield result.to_page() | labels | {"engine": request.checkpoint.engine}
        except (ServerBusy, NetworkLost) as problem:
            yield labels | _error(localize(problem))
        except (InvalidField, PictureError) as problem:
            if state() != "superseded":
                self.last_good.put(session, before)
            refused = (
                problem if isinstance(problem, InvalidField) else InvalidField(self.picture_field, localize(problem))
            )
            yield labels | self._refusal(refused, session, values)
        except Exception as error:
            yield labels | _error(explain(error, values))

    def checked_results(self, request: TabRequest[OptionsT], state: State) -> Iterator[TabResult]:
        """:meth:`results`, within the limit of network calls. A stopped run yields its result once more, as "stopped".

        Raises:
            InvalidField: the run would call the network more often than is allowed here.
        """
        result: TabResult | None = None
        try:
            for result in self.results(request, state):
                yield self.within_limits(result)
        except Cancelled as cancelled:
            if cancelled.outcome == "stopped" and result is not None:
                result.state = "stopped"
                yield result

    def within_limits(self, result: ResultT) -> ResultT:
        """Return ``result``.

        Raises:
            InvalidField: its run needs more calls of the network than are allowed here.
        """
        most, expected = self.services.max_calls, result.expected_evaluations or 0
        if most is not None and expected > most:
            message = LocalizedMessage("error.evaluations", {"count": expected, "most": most})
            raise InvalidField(self.length_field, message)
        return result

    def forget(self, session: str | None) -> None:
        """The page was closed."""
        self.last_good.drop(lambda page: page == session)

    def _last_good(self, session: str | None) -> TabRequest[OptionsT]:
        """The page's last request that could be used."""
        return self.last_good.get(session) or self.default_request()

    def _refusal(self, problem: InvalidField, session: str | None, values: object) -> dict[str, Any]:
        good = self._last_good(session).fields()[problem.field]
        label = LocalizedMessage("error.repair", {"name": field_label(problem.field), "value": str(good)})
        repair: dict[str, Any] | None = {"key": problem.field, "value": good, "label": to_json(label)}
        if isinstance(values, dict) and repr(values.get(problem.field)) == repr(good):
            repair = None  # it is what was refused: good for another checkpoint, or as the default
        return _error(localize(problem)) | {"repair": repair, "field": problem.field}


def _error(message: str) -> dict[str, Any]:
    return {"state": "error", "message": to_json(message), "repair": None, "field": None}
