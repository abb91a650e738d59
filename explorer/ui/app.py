"""The whole page, and the public API beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from explorer.checkpoint import Checkpoint
from explorer.finished import Finished
from explorer.ui.compare import CompareTab
from explorer.ui.component import Controls, Saver, page_css
from explorer.ui.consistency import ConsistencyTab
from explorer.ui.encode import EncodeTab
from explorer.ui.forward import ForwardTab
from explorer.ui.interpolate import InterpolateTab
from explorer.ui.opened import Checkpoints, Loader
from explorer.ui.paths import PathsTab
from explorer.ui.quality import QualityTab
from explorer.ui.save import Saves
from explorer.ui.state import Newest, Query, from_address
from explorer.ui.steps import StepsTab
from explorer.ui.tab import Tab
from explorer.ui.worker import keep_threads_for_the_network

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


OTHER_TABS: tuple[type[Tab[Any]], ...] = (
    CompareTab,
    ConsistencyTab,
    InterpolateTab,
    EncodeTab,
    ForwardTab,
    PathsTab,
    QualityTab,
)


def build(shipped: Mapping[str, Checkpoint], open_others: Loader | None = None) -> gr.Blocks:
    """The app over some checkpoints.

    Args:
        shipped: by name; the first one is the default.
        open_others: opens what is typed into the checkpoint field, a folder of this machine or a hub id; None, as for an
            app that strangers use, if there are to be no others.

    Returns:
        Blocks; call ``.launch(**launch_options())``.
    """
    keep_threads_for_the_network()
    newest, finished = Newest(), Finished()
    checkpoints = Checkpoints(shipped, open_others, finished.forget)
    steps_tab = StepsTab(checkpoints, newest, finished)
    others = (tab(checkpoints, newest, finished) for tab in OTHER_TABS)
    tabs: dict[str, Tab[Any]] = {tab.name: tab for tab in (steps_tab, *others)}
    saves = Saves(tabs)
    default = Query.usual(steps_tab.lengths)
    defaults = default.fields()
    for tab in tabs.values():
        defaults |= tab.options().fields()

    def check(given: Mapping[str, Any]) -> None:
        for tab in tabs.values():
            tab.parse(dict(given))

    def restore(request: gr.Request) -> tuple[dict[str, Any], Any]:
        """The controls as the address says; entries that cannot be used take their defaults, and a notice says so.

        A checkpoint that has to be opened first is opened by the page, which meanwhile shows the usual picture.
        """
        query = dict(request.query_params)
        later = checkpoints.open_others and query.get("checkpoint", default.checkpoint) not in checkpoints
        fields, notice = from_address({} if later else query, defaults, check)
        fields["steps"] = min(fields["steps"], steps_tab.lengths[fields["checkpoint"]])
        front = query.get("tab", steps_tab.name)
        front = front if front in tabs else steps_tab.name
        there = {"count": 0, "notice": notice, "tab": front, "later": later, "checkpoints": checkpoints.described()}
        return fields | there, gr.Tabs(selected=front)

    def open_checkpoint(given: Any) -> dict[str, Any]:
        """A checkpoint that a page wants, {text, again}: see :meth:`Checkpoints.open`."""
        given = given if isinstance(given, dict) else {}
        return checkpoints.open(given.get("text"), given.get("again") is True)

    def bump(given: dict[str, Any], request: gr.Request) -> None:
        newest.record(request.session_hash, given)

    def stop(request: gr.Request) -> None:
        newest.stop(request.session_hash)

    def about(given: Any) -> dict[str, Any]:
        return saves.about(given)

    def forget(request: gr.Request) -> None:
        newest.forget(request.session_hash)
        saves.forget(request.session_hash)
        for tab in tabs.values():
            tab.forget(request.session_hash)

    with gr.Blocks(title="DDIM Explorer", analytics_enabled=False, fill_width=True, delete_cache=CACHE) as demo:
        with gr.Row(elem_id="page"):
            with gr.Column(elem_id="control-column"):
                controls = Controls(
                    defaults,
                    elem_id="controls",
                    checkpoints=checkpoints.described(),
                    defaults=defaults,
                    open_others=checkpoints.open_others,
                    server_functions=[open_checkpoint],
                    options={name: list(tab.options().fields()) for name, tab in tabs.items()},
                    idle={name: list(tab.idle) for name, tab in tabs.items()},
                )
            with gr.Column(elem_id="stage-column"), gr.Tabs(elem_id="tabs") as frame:
                stages = {}
                for name, tab in tabs.items():
                    with gr.Tab(tab.title, id=name, render_children=True) as front:
                        stages[name] = tab.build()
                    tell = f"() => window.dispatchEvent(new CustomEvent('explorer:tab', {{detail: '{name}'}}))"
                    front.select(None, None, None, js=tell)
        saver = Saver(elem_id="saver", kinds=saves.kinds(), server_functions=[about])
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        model: dict[str, Any] = {"concurrency_id": MODEL, "concurrency_limit": RUNS_AT_ONCE, **quiet}
        demo.load(restore, None, [controls, frame], queue=False, **quiet)
        controls.input(bump, controls, None, queue=False, trigger_mode="multiple", **quiet)
        for name, tab in tabs.items():
            run = getattr(controls, f"run_{name}")
            run(tab.run, controls, stages[name], trigger_mode="always_last", **model)
            stages[name].stop(stop, None, None, queue=False, **quiet)
        saver.make(saves.make, saver, saver, trigger_mode="multiple", **model)
        saver.stop(saves.stop, None, None, queue=False, **quiet)
        demo.unload(forget)

        def steps_api(
            checkpoint: str = default.checkpoint,
            seed: int = default.fields()["seed"],
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
            return steps_tab.numbers(given)

        gr.api(steps_api, api_name="steps", concurrency_id=MODEL)
    return demo
