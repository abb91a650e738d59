"""The Gradio app: the layout of the page, its event handlers, and the public API."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from explorer.checkpoint import Checkpoint
from explorer.custom_sampler import CustomStep
from explorer.runs.admission import MAX_QUEUED, MAX_RUNNING, MAX_RUNNING_OF_CLIENT, Admission
from explorer.runs.encoded_latent import store_encoded_in
from explorer.runs.results import ResultCache
from explorer.runs.shared_network import SCHEDULER, reserve_threads_for_the_network
from explorer.runs.stored_results import StoredResults
from explorer.ui import components, static_files
from explorer.ui.address import defaults_of, settings_in
from explorer.ui.api import add_endpoint, all_endpoints
from explorer.ui.checkpoint_registry import CheckpointRegistry, Loader
from explorer.ui.client import Visitor
from explorer.ui.derivation_checks import DerivationChecks
from explorer.ui.localization import LocalizedMessage, to_json
from explorer.ui.saving import Exporter
from explorer.ui.security.connections import with_header_timeout
from explorer.ui.security.request_guard import RequestGuard
from explorer.ui.tab import Services, Tab
from explorer.ui.tabs import TABS

SERVER_THREADS = MAX_RUNNING + MAX_QUEUED + 40  # one for each running or queued run, and 40 for short requests
MAX_SESSIONS = 1000  # of which Gradio keeps the state: up to 0.15 MB each, whoever invents them
MAX_PUBLIC_CALLS = 30_000  # network calls in one run of a public app: all columns of Consistency for 12 latents
# How often Gradio deletes published files, and from which age on, in seconds. A page downloads its file within seconds and
# keeps the pictures. A class can make some gigabytes of sprite sheets in ten minutes.
DELETE_CACHE = (60, 600)
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
RUNS: dict[str, Any] = {"concurrency_limit": None, **QUIET}  # Admission limits the runs, not Gradio


def launch_options(
    logins: Sequence[tuple[str, str]] = (), hosts: Sequence[str] = (), behind_proxy: bool = False
) -> dict[str, Any]:
    """Return the arguments of ``demo.launch`` for the page's files, look, limits and offline use.

    Args:
        logins: pairs of user and password; everybody may use the page if empty. With logins, the MCP server is off because
            it has no authentication.
        hosts: further names by which the server may be reached; ``*.example.org`` allows all names below it.
        behind_proxy: whether a reverse proxy is in front, whose X-Forwarded headers count.
    """
    guard = Middleware(RequestGuard, hosts=hosts, behind_proxy=behind_proxy)
    return {
        "head": components.page_head([tab.name for tab in TABS]),
        "theme": gr.themes.Base(),
        "max_file_size": "20mb",
        "max_threads": SERVER_THREADS,
        "state_session_capacity": MAX_SESSIONS,
        "app_kwargs": {"middleware": [guard], "routes": static_files.ROUTES},
        "show_error": False,
        "run_history": False,
        "ssr_mode": False,
        "auth": list(logins) or None,
        "mcp_server": find_spec("mcp") is not None and not logins,
    }


class Page:
    """What all pages of one app share, and the handlers of their events.

    Args:
        shipped: checkpoints by name; the first one is the default.
        open_others: opens a checkpoint by name, folder or hub id; None if users must not open others.
        runs_per_address: how many runs of one network address execute at once.
        stored: the results on disk; None to keep results in memory alone.
        custom_step: the user's own step, which some tabs run beside Eq. 12; None without one.
    """

    def __init__(
        self,
        shipped: Mapping[str, Checkpoint],
        open_others: Loader | None,
        runs_per_address: int = MAX_RUNNING_OF_CLIENT,
        stored: StoredResults | None = None,
        custom_step: CustomStep | None = None,
    ) -> None:
        results = ResultCache(stored=stored)
        store_encoded_in(stored)
        self.checkpoints = CheckpointRegistry(shipped, open_others, results.forget)
        if stored is not None:
            stored.warm_up(list(self.checkpoints.values()))
        max_calls = None if open_others else MAX_PUBLIC_CALLS
        admission = Admission(max_running_of_client=runs_per_address)
        self.services = Services(
            self.checkpoints, results=results, admission=admission, max_calls=max_calls, custom_step=custom_step
        )
        self.tabs: dict[str, Tab[Any]] = {tab.name: tab(self.services) for tab in TABS}
        self.exporter = Exporter(self.tabs, self.services.admission, self.services.listeners)
        self.derivations = DerivationChecks(self.checkpoints, self.services.admission, stored)

    @property
    def defaults(self) -> dict[str, Any]:
        """All fields with their defaults, those of the control column first."""
        return defaults_of(self.tabs, self.checkpoints)

    def describe(self) -> dict[str, Any]:
        """Return what the control column needs to know about the app."""
        return {
            "checkpoints": self.checkpoints.to_page(),
            "defaults": self.defaults,
            "default_eta": {name: tab.default_eta for name, tab in self.tabs.items()},
            "open_others": self.checkpoints.open_others,
            "options": {name: list(tab.options().fields()) for name, tab in self.tabs.items()},
            "idle": {name: list(tab.unused_fields) for name, tab in self.tabs.items()},
            "view_keys": {name: list(tab.view_keys) for name, tab in self.tabs.items()},
        }

    def restore(self, connection: gr.Request) -> tuple[dict[str, Any], Any]:
        """Handle the loading of a page: set the controls and select the tab as in the URL.

        Invalid entries take their defaults, and the page shows a notice. If the checkpoint is not open yet, the page shows the
        defaults and opens it. Unless the URL says otherwise, clip is as in the checkpoint's scheduler, and eta as on the tab.
        """
        query = dict(connection.query_params)
        selected = query.get("tab", "")
        selected = selected if selected in self.tabs else next(iter(self.tabs))
        checkpoint = query.get("checkpoint", next(iter(self.checkpoints)))
        must_open = self.checkpoints.open_others and checkpoint not in self.checkpoints
        fields, notice = settings_in({} if must_open else query, selected, self.tabs, self.checkpoints)
        if fields["clip"] and "clip" not in query and not notice:
            notice = LocalizedMessage("controls.clip_on", {"name": checkpoint})
        state = {"count": 0, "notice": to_json(notice), "tab": selected, "later": must_open}
        return fields | state | {"checkpoints": self.checkpoints.to_page()}, gr.Tabs(selected=selected)

    def open_checkpoint(self, values: Any) -> dict[str, Any]:
        """Open the checkpoint in a page's request {text, again}, see :meth:`CheckpointRegistry.open`."""
        values = values if isinstance(values, dict) else {}
        return self.checkpoints.open(values.get("text"), values.get("again") is True)

    def record_change(self, values: dict[str, Any], connection: gr.Request) -> None:
        """Handle a change of the controls: older runs of the page end."""
        self.services.latest.record(connection.session_hash, values)

    def stop(self, connection: gr.Request) -> None:
        """Handle the Stop button."""
        self.services.latest.stop(connection.session_hash)

    def forget(self, connection: gr.Request) -> None:
        """Handle the closing of a page: drop what is kept for it."""
        session = connection.session_hash
        self.services.latest.forget(session)
        self.services.admission.forget(session)
        self.exporter.forget(session)
        for tab in self.tabs.values():
            tab.forget(session)


@dataclass(frozen=True)
class Layout:
    """The components of the page that have events.

    Attributes:
        controls: the control column.
        tabs: the tab bar.
        stages: the content of each tab, by name.
        saver: downloads exported files.
    """

    controls: gr.HTML
    tabs: gr.Tabs
    stages: dict[str, gr.HTML]
    saver: gr.HTML


def build(
    shipped: Mapping[str, Checkpoint],
    open_others: Loader | None = None,
    runs_per_address: int = MAX_RUNNING_OF_CLIENT,
    stored: StoredResults | None = None,
    custom_step: CustomStep | None = None,
) -> gr.Blocks:
    """Build the app.

    Args:
        shipped: checkpoints by name; the first one is the default.
        open_others: opens a checkpoint by name, folder or hub id when a user types one. None if users must not open others,
            as in a public app; each run is then limited to :data:`MAX_PUBLIC_CALLS` network calls.
        runs_per_address: how many runs of one network address execute at once.
        stored: the results on disk, of earlier starts and of other processes; None to keep results in memory alone.
        custom_step: the user's own step, which some tabs run beside Eq. 12. Its code runs in this process: never in public.

    Returns:
        Blocks; call ``.launch(**launch_options())``.
    """
    reserve_threads_for_the_network()
    # Gradio computes statistics of its last 10,000 events after each event, for a page that is closed here.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(1 << 62))
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
    page = Page(shipped, open_others, runs_per_address, stored, custom_step)
    with gr.Blocks(title="DDIM Explorer", analytics_enabled=False, fill_width=True, delete_cache=DELETE_CACHE) as demo:
        layout = _lay_out(page)
        _connect_events(demo, page, layout)
        for endpoint, tab in all_endpoints(page.tabs):
            add_endpoint(demo, endpoint, tab, concurrency_limit=None)
    return demo


def _lay_out(page: Page) -> Layout:
    with gr.Row(elem_id="page"):
        with gr.Column(elem_id="control-column"):
            functions = [server_function(page.open_checkpoint)]
            controls = components.controls(
                page.defaults, list(page.tabs), server_functions=functions, about=page.describe()
            )
        with gr.Column(elem_id="stage-column"):
            components.lesson_card()
            with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
                stages = {name: _stage(tab) for name, tab in page.tabs.items()}
            components.guide()
            components.derivations(
                server_functions=[server_function(page.derivations.check_derivation, for_client=True)]
            )
    menus = {"kinds": page.exporter.menus()}
    saver = components.saver(about=menus, server_functions=[server_function(page.exporter.about)])
    components.keyboard_help()
    components.handout()
    return Layout(controls, tabs, stages, saver)


def _stage(tab: Tab[Any]) -> gr.HTML:
    """Add a tab; its selection is dispatched to the page's modules as an event of the window."""
    with gr.Tab(tab.title, id=tab.name, render_children=True) as tab_item:
        stage = components.tab(tab.name, label=tab.title, server_functions=list(tab.server_functions))
    dispatch = f"() => window.dispatchEvent(new CustomEvent('explorer:tab', {{detail: '{tab.name}'}}))"
    tab_item.select(None, None, None, js=dispatch)
    return stage


def _connect_events(demo: gr.Blocks, page: Page, layout: Layout) -> None:
    controls, saver = layout.controls, layout.saver
    demo.load(page.restore, None, [controls, layout.tabs], queue=False, **QUIET)
    controls.input(page.record_change, controls, None, queue=False, trigger_mode="multiple", **QUIET)
    for name, tab in page.tabs.items():
        run = getattr(controls, f"run_{name}")
        run(tab.run, controls, layout.stages[name], trigger_mode="always_last", **RUNS)
        layout.stages[name].stop(page.stop, None, None, queue=False, **QUIET)
    saver.make(page.exporter.make, saver, saver, trigger_mode="multiple", **RUNS)
    saver.stop(page.exporter.stop, None, None, queue=False, **QUIET)
    demo.unload(page.forget)


def server_function(method: Any, for_client: bool = False) -> Any:
    """Wrap a bound method in a function: the page can call functions only, under their ``__name__``.

    Args:
        for_client: whether the method's second argument is the name of the client.
    """

    def call(value: Any, connection: gr.Request) -> Any:
        return method(value, Visitor.of(connection).client) if for_client else method(value)

    call.__name__ = method.__name__
    return call


def limit_connections(demo: gr.Blocks) -> None:
    """Close connections of the running server whose header does not arrive in time."""
    config = demo.server.config
    config.http_protocol_class = with_header_timeout(config.http_protocol_class)  # type: ignore[arg-type]


def shut_down(demo: gr.Blocks) -> None:
    """Stop the server: fail queued network calls, wait for the current one, and close the app."""
    SCHEDULER.close()
    demo.close(verbose=False)
