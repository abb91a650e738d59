"""The Steps tab: Eq. 12 on pictures, step by step."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from explorer.checkpoint import Checkpoint
from explorer.latents import latent
from explorer.trajectory import Trajectory
from explorer.ui.component import Player
from explorer.ui.state import BadInput, Newest, Query
from explorer.ui.stream import stream

RUN_IDS = itertools.count(1)


class StepsTab:
    """The stage and what happens when the controls change.

    Args:
        checkpoints: by name, the first one is the default.
        newest: what each page asked for last.
    """

    def __init__(self, checkpoints: dict[str, Checkpoint], newest: Newest) -> None:
        self.checkpoints = checkpoints
        self.lengths = {name: checkpoint.schedule.T for name, checkpoint in checkpoints.items()}
        self.newest = newest
        self.last_good: dict[str, Query] = {}

    def build(self) -> Player:
        """Put the tab's content into the current context."""
        return Player(elem_id="player", label="Steps")

    def parse(self, given: object) -> Query:
        """The controls' value as a query; :class:`BadInput` if a field cannot be used."""
        if not isinstance(given, dict):
            raise BadInput("checkpoint", "expected an object with the fields of the control column.")
        return Query.parse(given, self.lengths)

    def run(self, given: dict[str, Any], request: gr.Request) -> Iterator[dict[str, Any]]:
        """Handler of every change of the controls: a run as a stream of player values, or what is wrong with them."""
        session = request.session_hash
        try:
            query = self.parse(given)
        except BadInput as problem:
            count = given.get("count", 0) if isinstance(given, dict) else 0
            yield self._refusal(problem, session) | {"count": count}
            return
        self.last_good[session or ""] = query

        def state() -> str:
            if self.newest.stopped(session):
                return "stopped"
            return "superseded" if self.newest.superseded(session, given) else "running"

        if state() != "superseded":
            message = str(given.get("notice") or "")
            labels = {"id": next(RUN_IDS), "count": given.get("count", 0), "message": message}
            try:
                yield from stream(self.checkpoints[query.checkpoint], query, state, labels)
            except Exception:
                logging.exception("a run failed: %s", query)
                text = "The run failed on the server, which has noted why. Try again, or change a setting."
                yield labels | {"state": "error", "message": text, "repair": None}

    def numbers(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """The numbers of every step of a run, as plain JSON values.

        Raises:
            gr.Error: for a field that cannot be used, with the message for the user.
        """
        try:
            query = self.parse(given)
        except BadInput as problem:
            raise gr.Error(str(problem)) from None
        checkpoint = self.checkpoints[query.checkpoint]
        trajectory = Trajectory(checkpoint, latent(checkpoint.shape, [query.seed]), query.settings, max_frames=1)
        for _ in trajectory:
            pass
        return [vars(c) | vars(n) for c, n in zip(trajectory.plan, trajectory.numbers, strict=True)]

    def forget(self, request: gr.Request) -> None:
        """The page was closed."""
        self.newest.forget(request.session_hash)
        self.last_good.pop(request.session_hash or "", None)

    def _refusal(self, problem: BadInput, session: str | None) -> dict[str, Any]:
        good = self.last_good.get(session or "", Query(next(iter(self.checkpoints)))).fields()[problem.field]
        label = {"steps": "S", "eta": "η", "noise_seed": "noise seed"}.get(problem.field, problem.field)
        repair = {"key": problem.field, "value": good, "label": f"Set {label} to {good}"}
        return {"state": "error", "id": next(RUN_IDS), "message": str(problem), "repair": repair}
