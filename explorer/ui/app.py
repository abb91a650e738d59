"""The whole page, and the public API beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from explorer.checkpoint import Checkpoint
from explorer.finished import Finished
from explorer.ui import components, static_files
from explorer.ui.api import endpoints
from explorer.ui.compare import CompareTab
from explorer.ui.consistency import ConsistencyTab
from explorer.ui.encode import EncodeTab
from explorer.ui.forward import ForwardTab
from explorer.ui.guard import Guard
from explorer.ui.interpolate import InterpolateTab
from explorer.ui.language import sent
from explorer.ui.network import NETWORK, keep_threads_for_the_network
from explorer.ui.opened import Checkpoints, Loader
from explorer.ui.paths import PathsTab
from explorer.ui.quality import QualityTab
from explorer.ui.save import Saves
from explorer.ui.state import Newest, Query, from_address
from explorer.ui.steps import StepsTab
from explorer.ui.tab import Tab
from explorer.ui.turns import AT_ONCE, IN_LINE, Turns

THREADS = AT_ONCE + IN_LINE + 40  # of the server: one for each run that is under way or waits, and some for the rest
# Of the network in one run, where strangers use the app: all columns of Consistency for twelve latents.
STRANGERS_CALLS = 30_000
# Seconds between clearings of files for the page, and the age at which they go. A page has its file within seconds and
# keeps the pictures; a class makes some gigabytes of sheets in ten minutes.
CACHE = (60, 600)


def launch_options(logins: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """What ``demo.launch`` needs for the page to look as it should and to stay offline.

    Args:
        logins: users and their passwords, if the page is not for all. MCP has no login, so there is none then.
    """
    return {
        "head": components.page_head([tab.name for tab in TABS]),
        "theme": gr.themes.Base(),
        "max_file_size": "20mb",
        "max_threads": THREADS,
        "app_kwargs": {"middleware": [Middleware(Guard)], "routes": static_files.ROUTES},
        "show_error": False,
        "run_history": False,
        "ssr_mode": False,
        "auth": list(logins) or None,
        "mcp_server": find_spec("mcp") is not None and not logins,
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
TABS: tuple[type[Tab[Any]], ...] = (StepsTab, *OTHER_TABS)


def build(shipped: Mapping[str, Checkpoint], open_others: Loader | None = None) -> gr.Blocks:
    """The app over some checkpoints.

    Args:
        shipped: by name; the first one is the default.
        open_others: opens what is typed into the checkpoint field, a folder of this machine or a hub id; None, as for an
            app that strangers use, if there are to be no others; then a run has a limit too, ``STRANGERS_CALLS``.

    Returns:
        Blocks; call ``.launch(**launch_options())``.
    """
    keep_threads_for_the_network()
    newest, finished, turns = Newest(), Finished(), Turns()
    checkpoints = Checkpoints(shipped, open_others, finished.forget)
    tabs: dict[str, Tab[Any]] = {tab.name: tab(checkpoints, newest, finished, turns) for tab in TABS}
    steps_tab = tabs[StepsTab.name]
    for tab in tabs.values():
        tab.most_calls = None if open_others else STRANGERS_CALLS
    saves = Saves(tabs, turns)
    defaults = Query.usual(steps_tab.lengths).fields()
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
        later = checkpoints.open_others and query.get("checkpoint", defaults["checkpoint"]) not in checkpoints
        fields, notice = from_address({} if later else query, defaults, check)
        fields["steps"] = min(fields["steps"], steps_tab.lengths[fields["checkpoint"]])
        front = query.get("tab", steps_tab.name)
        front = front if front in tabs else steps_tab.name
        there = {
            "count": 0,
            "notice": sent(notice),
            "tab": front,
            "later": later,
            "checkpoints": checkpoints.described(),
        }
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
        turns.forget(request.session_hash)
        for tab in tabs.values():
            tab.forget(request.session_hash)

    with gr.Blocks(title="DDIM Explorer", analytics_enabled=False, fill_width=True, delete_cache=CACHE) as demo:
        with gr.Row(elem_id="page"):
            with gr.Column(elem_id="control-column"):
                controls = components.controls(
                    defaults,
                    list(tabs),
                    server_functions=[open_checkpoint],
                    about={
                        "checkpoints": checkpoints.described(),
                        "defaults": defaults,
                        "open_others": checkpoints.open_others,
                        "options": {name: list(tab.options().fields()) for name, tab in tabs.items()},
                        "idle": {name: list(tab.idle) for name, tab in tabs.items()},
                    },
                )
            with gr.Column(elem_id="stage-column"):
                components.lesson_card()
                with gr.Tabs(elem_id="tabs") as frame:
                    stages = {}
                    for name, tab in tabs.items():
                        with gr.Tab(tab.title, id=name, render_children=True) as front:
                            stages[name] = tab.build()
                        tell = f"() => window.dispatchEvent(new CustomEvent('explorer:tab', {{detail: '{name}'}}))"
                        front.select(None, None, None, js=tell)
                components.guide()
        saver = components.saver(about={"kinds": saves.kinds()}, server_functions=[about])
        components.help_on_keys()
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        runs: dict[str, Any] = {"concurrency_limit": None, **quiet}  # the turns see to it
        demo.load(restore, None, [controls, frame], queue=False, **quiet)
        controls.input(bump, controls, None, queue=False, trigger_mode="multiple", **quiet)
        for name, tab in tabs.items():
            run = getattr(controls, f"run_{name}")
            run(tab.run, controls, stages[name], trigger_mode="always_last", **runs)
            stages[name].stop(stop, None, None, queue=False, **quiet)
        saver.make(saves.make, saver, saver, trigger_mode="multiple", **runs)
        saver.stop(saves.stop, None, None, queue=False, **quiet)
        demo.unload(forget)

        for endpoint in endpoints(tabs):
            endpoint.add(demo, concurrency_limit=None)
    return demo


def end(demo: gr.Blocks) -> None:
    """End a process that served the app: runs under way are told, the network's call under way is waited for."""
    NETWORK.close()
    demo.close(verbose=False)
