"""The Steps tab: Eq. 12 on pictures, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.ui.interrupt import State
from explorer.ui.state import Options
from explorer.ui.stream import stream
from explorer.ui.tab import Asked, Tab


class StepsTab(Tab[Options]):
    """One run, every term of every step."""

    name, options = "steps", Options

    def stream(self, asked: Asked[Options], state: State) -> Iterator[dict[str, Any]]:
        return stream(self.checkpoints[asked.query.checkpoint], asked.query, self.finished, state)
