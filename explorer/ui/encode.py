"""The Encode tab: a real picture up into its latent and back (C17)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from explorer.finished import Remembered
from explorer.ui import components
from explorer.ui.interrupt import State
from explorer.ui.real import examples_of, receive_picture
from explorer.ui.round_trip import Back, EncodeOptions, RoundTrip
from explorer.ui.tab import Asked, Tab

KEPT_BYTES = 32 << 20  # of pictures that came back


class EncodeTab(Tab[EncodeOptions]):
    """x_0 up to x_T by DDIM inversion, and down again."""

    name, options = "encode", EncodeOptions
    picture_field = "picture"
    idle = ("eta", "variance", "noise_seed", "clip")

    def build(self) -> gr.HTML:
        return components.tab(self.name, label=self.title, server_functions=[receive_picture])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.backs: Remembered[Back] = Remembered(KEPT_BYTES)

    def check(self, asked: Asked[EncodeOptions]) -> Asked[EncodeOptions]:
        """Without held-out pictures the first one is what the settings make."""
        if asked.options.picture == 0 and len(examples_of(self.checkpoints[asked.query.checkpoint])) == 0:
            return replace(asked, options=replace(asked.options, picture="made"))
        return asked

    def stream(self, asked: Asked[EncodeOptions], state: State) -> Iterator[dict[str, Any]]:
        checkpoint = self.checkpoints[asked.query.checkpoint]
        return RoundTrip(checkpoint, asked, self.backs, state).stream()
