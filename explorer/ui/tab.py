"""The base class of all tabs: it validates a request of the page, runs it, and reports errors."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import gradio as gr

from explorer.checkpoint import Checkpoint
from explorer.custom_sampler import CustomStep
from explorer.media.uploads import PictureError
from explorer.networks.network import NetworkLost
from explorer.runs.admission import Admission, ServerBusy
from explorer.runs.cancellation import Cancelled, State
from explorer.runs.failures import explain
from explorer.runs.latent_spec import LatentSpec
from explorer.runs.results import ResultCache
from explorer.support.bounded_cache import BoundedCache
from explorer.support.sizes import size_of
from explorer.ui.client import Visitor
from explorer.ui.endpoints import Endpoint
from explorer.ui.export_formats import ExportFormat
from explorer.ui.fields import InvalidField, Options, check_field, field_label
from explorer.ui.latest_requests import LatestRequests, count_of
from explorer.ui.listeners import LISTENERS, Listeners
from explorer.ui.localization import LocalizedMessage, localize, notice_of, texts, to_json
from explorer.ui.query import Query, TabRequest
from explorer.ui.tab_result import TabResult

MAX_REQUEST_BYTES = 8 << 20  # of the last valid requests of all pages, for each tab
REQUEST_BYTES = 2 << 10  # of a request's objects, besides its fields
RUN_IDS = itertools.count(1)
OptionsT = TypeVar("OptionsT", bound=Options)
ResultT = TypeVar("ResultT", bound=TabResult)


@dataclass(frozen=True)
class Services:
    """What all tabs of an app share.

    Attributes:
        checkpoints: by name. The first one is the default; users may open others later.
        latest: the latest request of each page.
        results: cache of pictures and runs.
        admission: limits the number of concurrent runs.
        listeners: who listens to the results of runs.
        max_calls: maximum number of network calls in one run; None for no limit.
        custom_step: the user's own step, which some tabs run beside Eq. 12; None without one.
    """

    checkpoints: Mapping[str, Checkpoint]
    latest: LatestRequests = field(default_factory=LatestRequests)
    results: ResultCache = field(default_factory=ResultCache)
    admission: Admission = field(default_factory=Admission)
    listeners: Listeners = LISTENERS
    max_calls: int | None = None
    custom_step: CustomStep | None = None

    @property
    def max_steps(self) -> dict[str, int]:
        """T, the maximum of S, of each checkpoint by name."""
        return {name: checkpoint.schedule.T for name, checkpoint in self.checkpoints.items()}


class Tab(ABC, Generic[OptionsT]):
    """Base class of a tab. Each subclass and its files are in ``tabs/<name>/``.

    Attributes:
        name: used in URLs, text keys and file names.
        options: class of the tab's own settings.
        export_formats: entries of its Save menu.
        endpoints: its endpoints of the public API.
        file_name_fields: fields whose values are part of the name of an exported file.
        default_eta: eta of the page on this tab until the user, the address or the lesson chooses one. For endpoints it is 0.
        unused_fields: fields of the control column that have no effect on this tab.
        view_keys: keys of the URL that only the page reads, such as the step that is looked at.
        picture_field: the field with the choice of a real picture.
        steps_field: the field with S, blamed when a run needs too many network calls.
        server_functions: functions that the page may call.
    """

    name: ClassVar[str]
    options: type[OptionsT]
    export_formats: ClassVar[Sequence[ExportFormat]] = ()
    endpoints: ClassVar[Sequence[Endpoint]] = ()
    file_name_fields: ClassVar[tuple[str, ...]] = ("seed", "steps", "eta")
    default_eta: ClassVar[float] = 0.0
    unused_fields: ClassVar[tuple[str, ...]] = ()
    view_keys: ClassVar[tuple[str, ...]] = ()
    picture_field: ClassVar[str] = "seed"
    steps_field: ClassVar[str] = "steps"
    server_functions: ClassVar[Sequence[Any]] = ()

    def __init__(self, services: Services) -> None:
        self.services = services
        self.last_good: BoundedCache[TabRequest[OptionsT]] = BoundedCache(MAX_REQUEST_BYTES)  # by session

    @property
    def title(self) -> str:
        """The tab's English title; the page translates it."""
        return texts("en")[f"tabs.{self.name}"]

    @abstractmethod
    def results(self, request: TabRequest[OptionsT], state: State) -> Iterator[TabResult]:
        """Run a request. Yield the result after every visible change, the last time with the state "ended".

        An implementation calls :func:`explorer.runs.cancellation.check_cancelled` after every network call and does not
        catch its exception.
        """

    def page_results(self, request: TabRequest[OptionsT], state: State) -> Iterator[TabResult]:
        """Run a request for the page: :meth:`results`, and what a tab shows on the page alone.

        The results may go on after one with the state "ended", which keeps that state.
        """
        return self.results(request, state)

    def check(self, request: TabRequest[OptionsT]) -> TabRequest[OptionsT]:
        """Validate the fields together, after each has been validated alone. Return the request to run.

        Raises:
            InvalidField: a value is not allowed with those of other fields.
        """
        return request

    def latents(self, request: TabRequest[OptionsT]) -> dict[str, list[LatentSpec]]:
        """Return the latents that a run starts from, by the field that names them."""
        return {} if "seed" in self.unused_fields else {"seed": [request.latent]}

    def file_name_fields_for(self, request: TabRequest[OptionsT]) -> tuple[str, ...]:
        """Return the fields whose values are part of the name of a file that is exported from this request."""
        return self.file_name_fields

    def default_request(self, eta: float = 0.0) -> TabRequest[OptionsT]:
        """Return the default request of an endpoint; with :attr:`default_eta`, that of a page whose settings are unchanged."""
        query = Query.parse({"eta": eta}, self.services.max_steps)
        return TabRequest(self.services.checkpoints[query.checkpoint], query, self.options())

    def parse(self, values: object) -> TabRequest[OptionsT]:
        """Validate the values of the page's controls.

        Raises:
            InvalidField: for the first invalid field.
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
        """Handle a change of the controls: yield the values that the page shows. Errors are values too."""
        visitor = Visitor.of(connection)
        session = visitor.session
        labels: dict[str, Any] = {"id": next(RUN_IDS), "count": count_of(values)}
        state = self.services.listeners.state(session, self.services.latest.state_of(session, values))
        try:
            request = self.parse(values)
        except InvalidField as error:
            yield labels | self._invalid_field(error, session, values)
            return
        if state() == "superseded":
            return
        previous = self._last_good(session)
        self._keep(session, request)
        labels["message"] = notice_of(values)
        try:
            for value in self._admit_and_run(request, visitor, state):
                yield labels | value
        except (ServerBusy, NetworkLost) as error:
            yield labels | _error(localize(error))
        except (InvalidField, PictureError) as error:
            if state() != "superseded":
                self._keep(session, previous)
            invalid = error if isinstance(error, InvalidField) else InvalidField(self.picture_field, localize(error))
            yield labels | self._invalid_field(invalid, session, values)
        except Exception as error:
            yield labels | _error(explain(error, values))

    def _admit_and_run(self, request: TabRequest[OptionsT], visitor: Visitor, state: State) -> Iterator[dict[str, Any]]:
        """Wait in the queue, then run. Yield the position in the queue, and then the results."""
        with self.services.admission.acquire(visitor.session, visitor.client, is_ready=False) as slot:
            self.services.listeners.wait_until_heard(visitor.session, state)
            slot.make_ready()
            for position in slot.wait(state):
                message = LocalizedMessage("server.place", {"place": position})
                yield {"state": "queued", "message": to_json(message)}
            if state() == "superseded":
                return
            for result in self._checked(self.page_results(request.for_client(visitor.client), state)):
                timings = [[t.candidate.name, t.candidate.threads, t.batch, t.milliseconds] for t in result.timings]
                labels = {"engine": result.engine, "timings": timings, "origin": result.origin}
                yield result.to_page() | labels

    def checked_results(self, request: TabRequest[OptionsT], state: State) -> Iterator[TabResult]:
        """Yield :meth:`results` within the limit of network calls. If the run is stopped, the last state is "stopped".

        Raises:
            InvalidField: the run needs more network calls than allowed.
        """
        return self._checked(self.results(request, state))

    def _checked(self, results: Iterator[TabResult]) -> Iterator[TabResult]:
        result: TabResult | None = None
        try:
            for result in results:
                yield self.check_calls(result)
        except Cancelled as cancelled:
            if cancelled.outcome == "stopped" and result is not None:
                result.state = "stopped"
                yield result

    def check_calls(self, result: ResultT) -> ResultT:
        """Return ``result`` if its run stays within the limit of network calls.

        Raises:
            InvalidField: the run needs more network calls than allowed.
        """
        limit, expected = self.services.max_calls, result.expected_evaluations or 0
        if limit is not None and expected > limit:
            message = LocalizedMessage("error.evaluations", {"count": expected, "most": limit})
            raise InvalidField(self.steps_field, message)
        return result

    def forget(self, session: str | None) -> None:
        """Drop what is kept for a closed page."""
        self.last_good.drop(lambda page: page == session)

    def _keep(self, session: str | None, request: TabRequest[OptionsT]) -> None:
        """Keep the last valid request of a page."""
        self.last_good.put(session, request, size_of((session, request.fields())) + REQUEST_BYTES)

    def _last_good(self, session: str | None) -> TabRequest[OptionsT]:
        """The page's last valid request, or the default one."""
        return self.last_good.get(session) or self.default_request(self.default_eta)

    def _invalid_field(self, error: InvalidField, session: str | None, values: object) -> dict[str, Any]:
        """The value that reports an invalid field and offers its last good value."""
        good = self._last_good(session).fields()[error.field]
        label = LocalizedMessage("error.repair", {"name": field_label(error.field), "value": str(good)})
        repair: dict[str, Any] | None = {"key": error.field, "value": good, "label": to_json(label)}
        if isinstance(values, dict) and repr(values.get(error.field)) == repr(good):
            repair = None  # the refused value itself: valid for another checkpoint only, or the default
        return _error(localize(error)) | {"repair": repair, "field": error.field}


def _error(message: str) -> dict[str, Any]:
    return {"state": "error", "message": to_json(message), "repair": None, "field": None}
