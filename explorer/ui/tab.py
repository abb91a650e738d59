"""What all tabs share: read the controls, run as the newest request of their page, say what is wrong."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import gradio as gr

from explorer.checkpoint import Checkpoint
from explorer.engine import NetworkLost
from explorer.finished import Finished, Remembered
from explorer.given import PictureError
from explorer.recipe import Recipe
from explorer.ui import components
from explorer.ui.failure import why
from explorer.ui.interrupt import State
from explorer.ui.language import Said, notice_of, said, sent, texts
from explorer.ui.state import (
    MOST_PAGES,
    BadInput,
    Newest,
    Options,
    Query,
    checked,
    count_of,
    lengths_of,
    name_of,
)
from explorer.ui.turns import Busy, Turns

RUN_IDS = itertools.count(1)
OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class Asked(Generic[OptionsT]):
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
    picture_field: ClassVar[str] = "seed"  # the field that names a real picture
    length_field: ClassVar[str] = "steps"  # the field that makes a run long
    most_calls: int | None = None  # of the network in one run
    idle: ClassVar[tuple[str, ...]] = ()  # fields of the control column that have no say here
    options: type[OptionsT]

    def __init__(
        self, checkpoints: Mapping[str, Checkpoint], newest: Newest, finished: Finished, turns: Turns | None = None
    ) -> None:
        self.checkpoints = checkpoints
        self.newest = newest
        self.finished = finished
        self.turns = turns or Turns()
        self.last_good: Remembered[Asked[OptionsT]] = Remembered(MOST_PAGES)

    @property
    def title(self) -> str:
        """What the tab is called, in English; the page says it in its own language."""
        return texts("en")[f"tabs.{self.name}"]

    @abstractmethod
    def stream(self, asked: Asked[OptionsT], state: State) -> Iterator[dict[str, Any]]:
        """The values that the stage shows while a run goes on; ends by itself when ``state`` is no longer "running"."""

    @property
    def lengths(self) -> dict[str, int]:
        """T of each checkpoint."""
        return lengths_of(self.checkpoints)

    def defaults(self) -> Asked[OptionsT]:
        return Asked(Query.usual(self.lengths), self.options())

    def build(self) -> gr.HTML:
        """Put the tab's content into the current context."""
        return components.tab(self.name, label=self.title)

    def parse(self, given: object) -> Asked[OptionsT]:
        """The controls' value, checked; :class:`BadInput` if a field cannot be used."""
        if not isinstance(given, dict):
            raise BadInput("checkpoint", Said("error.controls"))
        query = Query.parse(given, self.lengths)
        asked = self.check(Asked(query, self.options.parse(given)))
        for field, recipes in self.latents(asked).items():
            for recipe in recipes:
                checked(field, recipe, lambda recipe: recipe.check(self.checkpoints[query.checkpoint]))
        return asked

    def latents(self, asked: Asked[OptionsT]) -> dict[str, list[Recipe]]:
        """The latents that a run takes, by the field that names them."""
        return {} if "seed" in self.idle else {"seed": [asked.query.latent]}

    def check(self, asked: Asked[OptionsT]) -> Asked[OptionsT]:
        """What cannot be seen from one field alone; :class:`BadInput` if they do not fit together."""
        return asked

    def allow(self, calls: int | None) -> None:
        """:class:`BadInput` for a run of so many calls of the network, if that is more than one may have here."""
        if self.most_calls is not None and (calls or 0) > self.most_calls:
            raise BadInput(self.length_field, Said("error.evaluations", {"count": calls or 0, "most": self.most_calls}))

    def run(self, given: dict[str, Any], request: gr.Request) -> Iterator[dict[str, Any]]:
        """Handler of every change of the controls: a run as a stream of the stage's values, or what is wrong."""
        session = request.session_hash
        labels: dict[str, Any] = {"id": next(RUN_IDS), "count": count_of(given)}
        try:
            asked = self.parse(given)
        except BadInput as problem:
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
                    yield labels | {"state": "queued", "message": Said("server.place", {"place": place}).sent()}
                if state() == "superseded":
                    return
                checkpoint = self.checkpoints[asked.query.checkpoint]
                for value in self.stream(asked, state):
                    self.allow(value.get("expected"))
                    yield value | labels | {"engine": checkpoint.engine}
        except (Busy, NetworkLost) as problem:
            yield labels | {"state": "error", "message": sent(said(problem)), "repair": None, "field": None}
        except (BadInput, PictureError) as problem:
            if state() != "superseded":
                self.last_good.put(session, before, 1)
            refused = problem if isinstance(problem, BadInput) else BadInput(self.picture_field, said(problem))
            yield labels | self._refusal(refused, session, given)
        except Exception as error:
            yield labels | {"state": "error", "message": why(error, asked).sent(), "repair": None, "field": None}

    def forget(self, session: str | None) -> None:
        """The page was closed."""
        self.last_good.drop(lambda page: page == session)

    def _last_good(self, session: str | None) -> Asked[OptionsT]:
        """What the page asked for last that could be used."""
        return self.last_good.get(session) or self.defaults()

    def _refusal(self, problem: BadInput, session: str | None, given: object) -> dict[str, Any]:
        good = self._last_good(session).fields()[problem.field]
        label = Said("error.repair", {"name": name_of(problem.field), "value": str(good)}).sent()
        repair: dict[str, Any] | None = {"key": problem.field, "value": good, "label": label}
        if isinstance(given, dict) and repr(given.get(problem.field)) == repr(good):
            repair = None  # it is what was refused: good for another checkpoint, or as the default
        return {"state": "error", "message": sent(said(problem)), "repair": repair, "field": problem.field}
