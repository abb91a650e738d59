"""Gradio's state of the pages, without the values of the components.

Gradio keeps the last value of every component for every session, so a page's pictures, or whatever a stranger sends under
invented names of sessions. Only deep links read these values, which this app does not offer.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gradio.state_holder import SessionState, StateHolder


class ValuelessState(SessionState):
    """The state of a session, whose size does not depend on what the session sends or receives."""

    def __init__(self, blocks: Any) -> None:
        # With no component to describe: that takes most of the time and memory of a new session.
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks={}))  # type: ignore[arg-type]

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None:
        """Keep nothing."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Keep nothing."""


class ValuelessStateHolder(StateHolder):
    """The states of at most ``capacity`` sessions, those that were used last."""

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = ValuelessState(self.blocks)
        return super().__getitem__(session_id)


def keep_no_values(app: Any) -> None:
    """Let Gradio's server keep no values. Calling it again has no effect.

    Args:
        app: ``gradio.routes.App``.
    """
    if not isinstance(app.state_holder, ValuelessStateHolder):
        app.state_holder = ValuelessStateHolder()
        app.state_holder.set_blocks(app.get_blocks())
