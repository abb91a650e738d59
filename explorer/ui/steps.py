"""The Steps tab: Eq. 12 on pictures, step by step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import gradio as gr

from explorer.trajectory import Trajectory
from explorer.ui.component import Player
from explorer.ui.interrupt import State
from explorer.ui.state import BadInput, Options
from explorer.ui.stream import stream
from explorer.ui.tab import Asked, Tab
from explorer.ui.turns import Busy


class StepsTab(Tab[Options]):
    """One run, every term of every step."""

    name, title, stage, options = "steps", "Steps", Player, Options

    def stream(self, asked: Asked[Options], state: State) -> Iterator[dict[str, Any]]:
        return stream(self.checkpoints[asked.query.checkpoint], asked.query, self.finished, state)

    def numbers(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """The numbers of every step of a run, as plain JSON values.

        Raises:
            gr.Error: for a field that cannot be used, or when too many wait, with the message for the user.
        """
        try:
            query = self.parse(given).query
            turn = self.turns.take()
        except (BadInput, Busy) as problem:
            raise gr.Error(str(problem)) from None
        with turn:
            deque(turn.wait(lambda: "running"), maxlen=0)
            checkpoint = self.checkpoints[query.checkpoint]
            trajectory = Trajectory(checkpoint, query.latent.make(checkpoint), query.settings, max_frames=1)
            deque(trajectory, maxlen=0)
        return [vars(c) | vars(n) for c, n in zip(trajectory.plan, trajectory.numbers, strict=True)]
