"""The whole page, and the public API beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from explorer.checkpoint import Checkpoint
from explorer.runs.admission import MAX_QUEUED, MAX_RUNNING
from explorer.runs.results import ResultCache
from explorer.runs.shared_network import SCHEDULER, reserve_threads_for_the_network
from explorer.ui import components, static_files
from explorer.ui.address import from_address
from explorer.ui.checkpoint_registry import CheckpointRegistry, Loader
from explorer.ui.endpoints import all_endpoints
from explorer.ui.localization import to_json
from explorer.ui.query import Query
from explorer.ui.request_guard import RequestGuard
from explorer.ui.saving import Exporter
from explorer.ui.tab import Services, Tab
from explorer.ui.tabs import TABS

SERVER_THREADS = MAX_RUNNING + MAX_QUEUED + 40  # one for each run that goes on or waits, and some for the rest
MAX_PUBLIC_CALLS = 30_000  # of the network in one run of a public app: all columns of Consistency for twelve latents
# Seconds between two clearings of files for the page, and the age at which a file goes. A page has its file within seconds
# and keeps the pictures; a class makes some gigabytes of sprite sheets in ten minutes.
DELETE_CACHE = (60, 600)
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
RUNS: dict[str, Any] = {"concurrency_limit": None, **QUIET}  # the admission limits the runs


def launch_options(logins: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """What ``demo.launch`` needs for the page to look as it should and to stay offline.

    Args:
        logins: users and their passwords, if the page is not for everybody. MCP knows no login, so it is off then.
    """
    return {
        "head": components.page_head([tab.name for tab in TABS]),
        "theme": gr.themes.Base(),
        "max_file_size": "20mb",
        "max_threads": SERVER_THREADS,
        "app_kwargs": {"middleware": [Middleware(RequestGuard)], "routes": static_files.ROUTES},
        "show_error": False,
        "run_history": False,
        "ssr_mode": False,
        "auth": list(logins) or None,
        "mcp_server": find_spec("mcp") is not None and not logins,
    }


class Page:
    """One app: its tabs, and what happens when a page is opened, changed and closed.

    Args:
        shipped: checkpoints by name; the first one is the default.
        open_others: opens what is typed into the checkpoint field; None if there are to be no others.
    """

    def __init__(self, shipped: Mapping[str, Checkpoint], open_others: Loader | None) -> None:
        results = ResultCache()
        self.checkpoints = CheckpointRegistry(shipped, open_others, results.forget)
        max_calls = None if open_others else MAX_PUBLIC_CALLS
        self.services = Services(self.checkpoints, results=results, max_calls=max_calls)
        self.tabs: dict[str, Tab[Any]] = {tab.name: tab(self.services) for tab in TABS}
        self.exporter = Exporter(self.tabs, self.services.admission)

    @property
    def defaults(self) -> dict[str, Any]:
        """All fields with their defaults, those of the control column first."""
        fields = Query.default(self.services.max_steps).fields()
        for tab in self.tabs.values():
            fields |= tab.options().fields()
        return fields

    def described(self) -> dict[str, Any]:
        """What the control column has to know about the app."""
        return {
            "checkpoints": self.checkpoints.to_page(),
            "defaults": self.defaults,
            "open_others": self.checkpoints.open_others,
            "options": {name: list(tab.options().fields()) for name, tab in self.tabs.items()},
            "idle": {name: list(tab.unused_fields) for name, tab in self.tabs.items()},
        }

    def restore(self, connection: gr.Request) -> tuple[dict[str, Any], Any]:
        """The controls as the address says. Entries that cannot be used take their defaults, and a notice says so.

        A checkpoint that has to be opened first is opened by the page, which shows the default picture meanwhile.
        """
        query, defaults = dict(connection.query_params), self.defaults
        later = self.checkpoints.open_others and query.get("checkpoint", defaults["checkpoint"]) not in self.checkpoints
        fields, notice = from_address({} if later else query, defaults, self._check)
        fields["steps"] = min(fields["steps"], self.services.max_steps[fields["checkpoint"]])
        front = query.get("tab", "")
        front = front if front in self.tabs else next(iter(self.tabs))
        state = {"count": 0, "notice": to_json(notice), "tab": front, "later": later}
        return fields | state | {"checkpoints": self.checkpoints.to_page()}, gr.Tabs(selected=front)

    def _check(self, values: Mapping[str, Any]) -> None:
        for tab in self.tabs.values():
            tab.parse(dict(values))

    def open_checkpoint(self, wanted: Any) -> dict[str, Any]:
        """Open a checkpoint that a page asks for, {text, again}: see :meth:`CheckpointRegistry.open`."""
        wanted = wanted if isinstance(wanted, dict) else {}
        return self.checkpoints.open(wanted.get("text"), wanted.get("again") is True)

    def bump(self, values: dict[str, Any], connection: gr.Request) -> None:
        """The controls have changed: older runs of the page end."""
        self.services.latest.record(connection.session_hash, values)

    def stop(self, connection: gr.Request) -> None:
        """The user pressed Stop."""
        self.services.latest.stop(connection.session_hash)

    def about(self, values: Any) -> dict[str, Any]:
        """See :meth:`Exporter.about`."""
        return self.exporter.about(values)

    def forget(self, connection: gr.Request) -> None:
        """The page was closed."""
        session = connection.session_hash
        self.services.latest.forget(session)
        self.services.admission.forget(session)
        self.exporter.forget(session)
        for tab in self.tabs.values():
            tab.forget(session)


def build(shipped: Mapping[str, Checkpoint], open_others: Loader | None = None) -> gr.Blocks:
    """The app over some checkpoints.

    Args:
        shipped: by name; the first one is the default.
        open_others: opens what is typed into the checkpoint field, a folder of this machine or a hub id. None if there are
            to be no others, as for a public app; then the calls of a run are limited too (:data:`MAX_PUBLIC_CALLS`).

    Returns:
        Blocks; call ``.launch(**launch_options())``.
    """
    reserve_threads_for_the_network()
    page = Page(shipped, open_others)
    with gr.Blocks(title="DDIM Explorer", analytics_enabled=False, fill_width=True, delete_cache=DELETE_CACHE) as demo:
        with gr.Row(elem_id="page"):
            with gr.Column(elem_id="control-column"):
                functions = [server_function(page.open_checkpoint)]
                controls = components.controls(
                    page.defaults, list(page.tabs), server_functions=functions, about=page.described()
                )
            with gr.Column(elem_id="stage-column"):
                components.lesson_card()
                with gr.Tabs(elem_id="tabs") as frame:
                    stages = {name: _stage(tab) for name, tab in page.tabs.items()}
                components.guide()
        menus = {"kinds": page.exporter.menus()}
        saver = components.saver(about=menus, server_functions=[server_function(page.about)])
        components.help_on_keys()

        demo.load(page.restore, None, [controls, frame], queue=False, **QUIET)
        controls.input(page.bump, controls, None, queue=False, trigger_mode="multiple", **QUIET)
        for name, tab in page.tabs.items():
            run = getattr(controls, f"run_{name}")
            run(tab.run, controls, stages[name], trigger_mode="always_last", **RUNS)
            stages[name].stop(page.stop, None, None, queue=False, **QUIET)
        saver.make(page.exporter.make, saver, saver, trigger_mode="multiple", **RUNS)
        saver.stop(page.exporter.stop, None, None, queue=False, **QUIET)
        demo.unload(page.forget)

        for endpoint, tab in all_endpoints(page.tabs):
            endpoint.add(demo, tab, concurrency_limit=None)
    return demo


def _stage(tab: Tab[Any]) -> gr.HTML:
    """A tab of the page and what stands in it."""
    with gr.Tab(tab.title, id=tab.name, render_children=True) as front:
        stage = components.tab(tab.name, label=tab.title, server_functions=list(tab.server_functions))
    tell = f"() => window.dispatchEvent(new CustomEvent('explorer:tab', {{detail: '{tab.name}'}}))"
    front.select(None, None, None, js=tell)
    return stage


def server_function(method: Any) -> Any:
    """A bound method as a function, which is what Gradio can call from the page."""

    def call(value: Any) -> Any:
        return method(value)

    call.__name__ = method.__name__
    return call


def shut_down(demo: gr.Blocks) -> None:
    """End a process that served the app: running runs are told, and the current call of the network is waited for."""
    SCHEDULER.close()
    demo.close(verbose=False)
