"""The Steps tab: Eq. 12 on pictures, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.runs.cancellation import State
from explorer.ui.component import Player
from explorer.ui.fields import Options
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.steps.stream import stream


class StepsTab(Tab[Options]):
    """One run, every term of every step."""

    name, stage, options = "steps", Player, Options

    def stream(self, asked: TabRequest[Options], state: State) -> Iterator[dict[str, Any]]:
        return stream(self.checkpoints[asked.query.checkpoint], asked.query, self.finished, state)
