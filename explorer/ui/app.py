"""The whole page, and the public API beside it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.checkpoint import Checkpoint
from explorer.ui.component import Controls, page_css
from explorer.ui.state import Newest, Query
from explorer.ui.steps import StepsTab
from explorer.ui.worker import on_network_thread

MODEL = "model"  # concurrency id of everything that runs the network
RUNS_AT_ONCE = 4
CACHE = (600, 3600)  # seconds between clearings of old sheets, and the age at which they go


def launch_options() -> dict[str, Any]:
    """What ``demo.launch`` needs for the page to look as it should and to stay offline."""
    return {
        "css": page_css(),
        "theme": gr.themes.Base(),
        "max_file_size": "20mb",
        "show_error": False,
        "run_history": False,
        "ssr_mode": False,
    }


def build(checkpoints: dict[str, Checkpoint]) -> gr.Blocks:
    """The app over ``checkpoints``, by name; the first one is the default.

    Returns:
        Blocks; call ``.launch(**launch_options())``.
    """
    checkpoints = {name: on_network_thread(checkpoint) for name, checkpoint in checkpoints.items()}
    names = list(checkpoints)
    newest = Newest()
    tab = StepsTab(checkpoints, newest)
    default = Query(names[0])

    def restore(request: gr.Request) -> dict[str, Any]:
        """The controls as the address says; entries that cannot be used take their defaults, and a notice says so."""
        asked = dict(request.query_params)
        query, notice = Query.from_address(asked, tab.lengths)
        value = query.fields() | {"count": 0, "notice": notice}
        newest.record(request.session_hash, value)
        return value

    def bump(given: dict[str, Any], request: gr.Request) -> None:
        newest.record(request.session_hash, given)

    def stop(request: gr.Request) -> None:
        newest.stop(request.session_hash)

    with gr.Blocks(title="DDIM Explorer", analytics_enabled=False, fill_width=True, delete_cache=CACHE) as demo:
        with gr.Row(elem_id="page"):
            with gr.Column(elem_id="control-column"):
                controls = Controls(
                    default.fields(),
                    elem_id="controls",
                    checkpoints=names,
                    defaults=default.fields(),
                    lengths=tab.lengths,
                    seeds={name: list(checkpoint.card.seeds) for name, checkpoint in checkpoints.items()},
                    credits={name: checkpoint.card.licence for name, checkpoint in checkpoints.items()},
                )
            with gr.Column(elem_id="stage-column"), gr.Tabs(elem_id="tabs"), gr.Tab("Steps", id="steps"):
                player = tab.build()
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        model: dict[str, Any] = {"concurrency_id": MODEL, "concurrency_limit": RUNS_AT_ONCE, **quiet}
        demo.load(restore, None, controls, queue=False, **quiet).then(tab.run, controls, player, **model)
        controls.input(bump, controls, None, queue=False, **quiet)
        controls.input(tab.run, controls, player, trigger_mode="always_last", **model)
        player.stop(stop, None, None, queue=False, **quiet)
        demo.unload(tab.forget)

        def steps_api(
            checkpoint: str = default.checkpoint,
            seed: int = default.seed,
            steps: int = default.settings.steps,
            eta: float = default.settings.eta,
            variance: str = "eta",
            spacing: str = "linear",
            clip: bool = default.settings.clip,
            noise_seed: int = 0,
        ) -> list[dict[str, Any]]:
            """Run Eq. 12 and return the numbers of every step: t, t_prev, alpha_bar, the coefficients, rms of the terms."""
            given = {
                "checkpoint": checkpoint,
                "seed": seed,
                "steps": steps,
                "eta": eta,
                "variance": variance,
                "spacing": spacing,
                "clip": clip,
                "noise_seed": noise_seed,
            }
            return tab.numbers(given)

        gr.api(steps_api, api_name="steps", concurrency_id=MODEL)
    return demo
