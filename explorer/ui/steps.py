"""The Steps tab: Eq. 12 on pictures, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from explorer.trajectory import Trajectory
from explorer.ui.component import Player
from explorer.ui.interrupt import State
from explorer.ui.state import BadInput, Options
from explorer.ui.stream import stream
from explorer.ui.tab import Asked, Tab


class StepsTab(Tab[Options]):
    """One run, every term of every step."""

    name, stage, options = "steps", Player, Options

    def stream(self, asked: Asked[Options], state: State) -> Iterator[dict[str, Any]]:
        return stream(self.checkpoints[asked.query.checkpoint], asked.query, self.finished, state)

    def numbers(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """The numbers of every step of a run, as plain JSON values.

        Raises:
            gr.Error: for a field that cannot be used, with the message for the user.
        """
        try:
            query = self.parse(given).query
        except BadInput as problem:
            raise gr.Error(str(problem)) from None
        checkpoint = self.checkpoints[query.checkpoint]
        trajectory = Trajectory(checkpoint, query.latent.make(checkpoint), query.settings, max_frames=1)
        for _ in trajectory:
            pass
        return [vars(c) | vars(n) for c, n in zip(trajectory.plan, trajectory.numbers, strict=True)]
