"""The app in a cell of a notebook: ``explorer.show()``.

The app runs in the process of the notebook's kernel, so it also shows a checkpoint that was made in the notebook, such as
the exact model of a toy. Gradio is imported when the app is first shown.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from explorer.checkpoint import Checkpoint, available, load
from explorer.custom_sampler import CustomStep
from explorer.support.arguments import shorten
from explorer.support.ports import free_port
from explorer.ui.command import configure_environment

if TYPE_CHECKING:
    import gradio as gr

DEFAULT_HEIGHT = 800
HOSTED = (
    "COLAB_RELEASE_TAG",
    "KAGGLE_KERNEL_RUN_TYPE",
)  # set on Colab and on Kaggle, whose kernels no browser can reach


@dataclass(frozen=True)
class Frame:
    """A page of the running app, which Jupyter shows in a frame.

    Attributes:
        url: address of the page, as the browser reaches it.
        height: height of the frame in CSS pixels. Its width is that of the cell.
    """

    url: str
    height: int = DEFAULT_HEIGHT

    def _repr_html_(self) -> str:
        style = f"width: 100%; height: {self.height}px; border: 0"
        return (
            f'<iframe src="{escape(self.url)}" style="{style}" title="DDIM Explorer" allow="clipboard-write"></iframe>'
        )


@dataclass(frozen=True)
class _RunningApp:
    demo: gr.Blocks
    url: str  # without a slash at its end
    step: CustomStep | None


@dataclass(frozen=True)
class _Served:
    """What an app is started with."""

    checkpoints: Mapping[str, Checkpoint]
    proxy: str | None
    share: bool
    step: CustomStep | None


_running: dict[tuple[object, ...], _RunningApp] = {}


def show(
    checkpoint: str | Checkpoint = "",
    tab: str = "steps",
    *,
    height: int = DEFAULT_HEIGHT,
    proxy: str | None = None,
    share: bool | None = None,
    sampler: Callable[..., Any] | None = None,
    **settings: object,
) -> Frame:
    """Start the app in this process, unless it runs already, and return one of its pages for a cell of a notebook.

    Args:
        checkpoint: a checkpoint, its name, folder or hub id; all shipped ones if empty.
        tab: the tab that is open.
        height: height of the frame in CSS pixels.
        proxy: path or URL below which jupyter-server-proxy serves the kernel's ports, such as "/user/ann/proxy". By
            default that of JupyterHub, if there is one, and none otherwise: the browser then runs on this machine.
        share: whether to use a public link of Gradio. By default only on Colab and Kaggle.
        sampler: your own step, a function of (x_t, eps, z, alpha_bar, alpha_bar_prev, eta) that returns x_prev, see
            :class:`explorer.custom_sampler.CustomStep`. It is a row in Compare, Solvers and Paths. When the cell is run again
            with another function, the next run of the page takes that one. Not with a public link.
        settings: settings of the page by their names in its address, such as ``seed=22, steps=20, eta=0.5``.

    Raises:
        ValueError: the tab or a setting has a name that the app does not know, the height is not positive, or the sampler
            cannot be called with these arguments or would be public.
        CheckpointError: the checkpoint cannot be opened.
    """
    configure_environment()
    warnings.filterwarnings("ignore", "IProgress not found")  # tqdm's wish for ipywidgets, which nothing here uses
    _check(tab, height, settings)
    share = any(name in os.environ for name in HOSTED) if share is None else share
    proxy = _hub_proxy() if proxy is None and not share else proxy
    if sampler is not None and share:
        raise ValueError(
            "sampler runs your code for everybody who has the link: use share=False, in a notebook of your own"
        )
    key = (checkpoint or "", proxy, share, sampler is not None)
    app = _running.get(key)
    if app is None:
        step = None if sampler is None else CustomStep(sampler)
        app = _running[key] = _start(_Served(_checkpoints(checkpoint), proxy, share, step))
    elif app.step is not None and sampler is not None:
        app.step.replace(sampler)
    return Frame(f"{app.url}/?{urlencode({'tab': tab} | _as_text(settings))}", height)


def _check(tab: str, height: int, settings: Mapping[str, object]) -> None:
    """Raise ValueError unless the app has the tab and the settings, and the height is positive."""
    from explorer.ui.query import Query
    from explorer.ui.tabs import TABS

    tabs = {one.name: one for one in TABS}
    if tab not in tabs:
        raise ValueError(f"tab must be one of {', '.join(tabs)}, not {shorten(tab)}")
    known = Query.default({"": 1}).fields().keys() | tabs[tab].options().fields().keys() | set(tabs[tab].view_keys)
    if unknown := sorted(settings.keys() - known):
        raise ValueError(
            f"{tab} has no setting {', '.join(unknown)}; it has {', '.join(sorted(known - {'checkpoint'}))}"
        )
    if height <= 0:
        raise ValueError(f"height must be positive, not {height}")


def _hub_proxy() -> str | None:
    """The path of jupyter-server-proxy on a JupyterHub; None elsewhere."""
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    return f"{prefix.rstrip('/')}/proxy" if prefix else None


def _checkpoints(checkpoint: str | Checkpoint) -> dict[str, Checkpoint]:
    if isinstance(checkpoint, Checkpoint):
        return {checkpoint.name: checkpoint}
    loaded = [load(name) for name in ([checkpoint] if checkpoint else available())]
    return {one.name: one for one in loaded}


def _start(served: _Served) -> _RunningApp:
    """Serve the app on this machine.

    It starts in a thread of its own: the app sets the number of torch's threads, which is kept for each thread, so the
    notebook keeps its own number.
    """
    with ThreadPoolExecutor(1) as starter:
        return starter.submit(_serve, served).result()


def _serve(served: _Served) -> _RunningApp:
    from explorer.ui.app import build, launch_options, limit_connections

    proxy, share = served.proxy, served.share
    port = free_port()
    root_path = None if proxy is None else f"{proxy.rstrip('/')}/{port}"
    open_others = None if share else lambda name, progress: load(name, progress=progress)
    demo = build(served.checkpoints, open_others, custom_step=served.step)
    # A hub passes on its own name, which this machine does not know. It lets in whom it has authenticated.
    hosts = ["*"] if proxy else ["*.gradio.live"] * share
    _, local_url, public_url = demo.launch(
        prevent_thread_lock=True,
        quiet=True,
        inline=False,
        inbrowser=False,
        server_name="127.0.0.1",
        server_port=port,
        root_path=root_path,
        share=share,
        **launch_options(hosts=hosts, behind_proxy=bool(proxy) or share),
    )
    limit_connections(demo)
    url = public_url if share else root_path or local_url
    return _RunningApp(demo, url.rstrip("/"), served.step)


def _as_text(settings: Mapping[str, object]) -> dict[str, Any]:
    """Values as the address has them."""
    return {name: int(value) if isinstance(value, bool) else value for name, value in settings.items()}
