"""What all tabs share: read the controls, run as the newest request of their page, say what is wrong."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import gradio as gr

from explorer.checkpoint import Checkpoint
from explorer.media.uploads import PictureError
from explorer.networks.network import NetworkLost
from explorer.runs.admission import Admission, ServerBusy
from explorer.runs.cancellation import State
from explorer.runs.failures import explain
from explorer.runs.latent_spec import LatentSpec
from explorer.runs.results import ResultCache
from explorer.support.bounded_cache import BoundedCache
from explorer.ui.component import Stage
from explorer.ui.fields import InvalidField, Options, checked, name_of
from explorer.ui.latest_requests import MOST_PAGES, LatestRequests, count_of
from explorer.ui.localization import LocalizedMessage, localize, notice_of, texts, to_json
from explorer.ui.query import Query, lengths_of

RUN_IDS = itertools.count(1)
OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class TabRequest(Generic[OptionsT]):
    """One request of a page: the control column, and the tab's own settings."""

    query: Query
    options: OptionsT

    def fields(self) -> dict[str, Any]:
        return self.query.fields() | self.options.fields()


class Tab(ABC, Generic[OptionsT]):
    """A stage and what happens when the controls change.

    Args:
        checkpoints: by name, the first one is the default; there may be others later.
        newest: what each page asked for last.
        finished: pictures that were made before.
        turns: who may run now; nobody waits without it.
    """

    name: ClassVar[str]
    stage: ClassVar[type[Stage]]
    picture_field: ClassVar[str] = "seed"  # the field that names a real picture
    length_field: ClassVar[str] = "steps"  # the field that makes a run long
    most_calls: int | None = None  # of the network in one run
    idle: ClassVar[tuple[str, ...]] = ()  # fields of the control column that have no say here
    options: type[OptionsT]

    def __init__(
        self,
        checkpoints: Mapping[str, Checkpoint],
        newest: LatestRequests,
        finished: ResultCache,
        turns: Admission | None = None,
    ) -> None:
        self.checkpoints = checkpoints
        self.newest = newest
        self.finished = finished
        self.turns = turns or Admission()
        self.last_good: BoundedCache[TabRequest[OptionsT]] = BoundedCache(MOST_PAGES)

    @property
    def title(self) -> str:
        """What the tab is called, in English; the page says it in its own language."""
        return texts("en")[f"tabs.{self.name}"]

    @abstractmethod
    def stream(self, asked: TabRequest[OptionsT], state: State) -> Iterator[dict[str, Any]]:
        """The values that the stage shows while a run goes on; ends by itself when ``state`` is no longer "running"."""

    @property
    def lengths(self) -> dict[str, int]:
        """T of each checkpoint."""
        return lengths_of(self.checkpoints)

    def defaults(self) -> TabRequest[OptionsT]:
        return TabRequest(Query.usual(self.lengths), self.options())

    def build(self) -> Stage:
        """Put the tab's content into the current context."""
        return self.stage(elem_id=self.name, label=self.title)

    def parse(self, given: object) -> TabRequest[OptionsT]:
        """The controls' value, checked; :class:`InvalidField` if a field cannot be used."""
        if not isinstance(given, dict):
            raise InvalidField("checkpoint", LocalizedMessage("error.controls"))
        query = Query.parse(given, self.lengths)
        asked = self.check(TabRequest(query, self.options.parse(given)))
        for field, recipes in self.latents(asked).items():
            for recipe in recipes:
                checked(field, recipe, lambda recipe: recipe.check(self.checkpoints[query.checkpoint]))
        return asked

    def latents(self, asked: TabRequest[OptionsT]) -> dict[str, list[LatentSpec]]:
        """The latents that a run takes, by the field that names them."""
        return {} if "seed" in self.idle else {"seed": [asked.query.latent]}

    def check(self, asked: TabRequest[OptionsT]) -> TabRequest[OptionsT]:
        """What cannot be seen from one field alone; :class:`InvalidField` if they do not fit together."""
        return asked

    def allow(self, calls: int | None) -> None:
        """:class:`InvalidField` for a run of so many calls of the network, if that is more than one may have here."""
        if self.most_calls is not None and (calls or 0) > self.most_calls:
            raise InvalidField(
                self.length_field, LocalizedMessage("error.evaluations", {"count": calls or 0, "most": self.most_calls})
            )

    def run(self, given: dict[str, Any], request: gr.Request) -> Iterator[dict[str, Any]]:
        """Handler of every change of the controls: a run as a stream of the stage's values, or what is wrong."""
        session = request.session_hash
        labels: dict[str, Any] = {"id": next(RUN_IDS), "count": count_of(given)}
        try:
            asked = self.parse(given)
        except InvalidField as problem:
            yield labels | self._refusal(problem, session, given)
            return

        def state() -> str:
            if self.newest.stopped(session):
                return "stopped"
            return "superseded" if self.newest.superseded(session, given) else "running"

        if state() == "superseded":
            return
        before = self._last_good(session)
        self.last_good.put(session, asked, 1)
        labels["message"] = notice_of(given)
        try:
            with self.turns.take(session) as turn:
                for place in turn.wait(state):
                    yield labels | {
                        "state": "queued",
                        "message": to_json(LocalizedMessage("server.place", {"place": place})),
                    }
                if state() == "superseded":
                    return
                checkpoint = self.checkpoints[asked.query.checkpoint]
                for value in self.stream(asked, state):
                    self.allow(value.get("expected"))
                    yield value | labels | {"engine": checkpoint.engine}
        except (ServerBusy, NetworkLost) as problem:
            yield labels | {"state": "error", "message": to_json(localize(problem)), "repair": None, "field": None}
        except (InvalidField, PictureError) as problem:
            if state() != "superseded":
                self.last_good.put(session, before, 1)
            refused = (
                problem if isinstance(problem, InvalidField) else InvalidField(self.picture_field, localize(problem))
            )
            yield labels | self._refusal(refused, session, given)
        except Exception as error:
            yield labels | {"state": "error", "message": to_json(explain(error, asked)), "repair": None, "field": None}

    def forget(self, session: str | None) -> None:
        """The page was closed."""
        self.last_good.drop(lambda page: page == session)

    def _last_good(self, session: str | None) -> TabRequest[OptionsT]:
        """What the page asked for last that could be used."""
        return self.last_good.get(session) or self.defaults()

    def _refusal(self, problem: InvalidField, session: str | None, given: object) -> dict[str, Any]:
        good = self._last_good(session).fields()[problem.field]
        label = to_json(LocalizedMessage("error.repair", {"name": name_of(problem.field), "value": str(good)}))
        repair: dict[str, Any] | None = {"key": problem.field, "value": good, "label": label}
        if isinstance(given, dict) and repr(given.get(problem.field)) == repr(good):
            repair = None  # it is what was refused: good for another checkpoint, or as the default
        return {"state": "error", "message": to_json(localize(problem)), "repair": repair, "field": problem.field}
