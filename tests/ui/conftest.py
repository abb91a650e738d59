"""A live app on localhost, and a page of it in headless Chromium. Without Chromium these tests skip."""

import os
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from chromium import chromium
from exact_faces import exact_faces
from stage import Stage
from tab_values import SHORT, TOY, predict_noise, tab_of, tabs_over

import explorer as ex
import explorer.ui.tabs.paths.tab
from explorer.networks import cpu_network
from explorer.runs import encoded_latent
from explorer.ui import app, checkpoint_registry
from explorer.ui.app import build, launch_options
from explorer.ui.saving import Exporter
from explorer.ui.tabs.encode.options import EncodeOptions

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def load(text, progress):
    return ex.load(text, device="cpu", progress=progress)


@pytest.fixture(scope="session")
def app_url():
    """Address of the app over the faces with their exact network, see :mod:`exact_faces`."""
    demo = build({"faces-64": exact_faces()}, load)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield url
    demo.close()


@pytest.fixture(scope="session")
def trained_app_url():
    """Address of the app over the shipped faces."""
    torch.set_num_threads(os.cpu_count() or 1)  # the unit tests keep to one
    with pytest.MonkeyPatch.context() as patch:  # the fast engine, at the precision of the pictures that are expected
        patch.setattr(cpu_network, "instruction_sets", lambda: ())
        faces = ex.load("faces-64", engine="auto")
        faces.predict_noise(ex.latent(faces.shape, [0]), 1)
        # It would measure and compile engines that nobody asks for.
        patch.setattr(checkpoint_registry, "prepare_when_idle", lambda checkpoints, on_prepared: None)
        demo = build({"faces-64": faces}, load)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield url
    demo.close()


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have Chromium: the browser tests would all be skipped")
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def contexts(browser):
    """Two browsers that know nothing of each other. Each keeps the files of the page from one test to the next."""
    return [browser.new_context(viewport={"width": 1440, "height": 900}) for _ in range(2)]


@contextmanager
def new_page(context, url):
    """A page in a context that has forgotten what earlier pages kept there."""
    page = context.new_page()
    context.clear_cookies()
    context.clear_permissions()
    session = context.new_cdp_session(page)
    session.send("Storage.clearDataForOrigin", {"origin": url.rstrip("/"), "storageTypes": "all"})
    session.detach()
    yield Stage(page, url)
    page.close()


@pytest.fixture
def stage(contexts, app_url):
    with new_page(contexts[0], app_url) as stage:
        yield stage


@pytest.fixture
def trained_stage(contexts, trained_app_url):
    with new_page(contexts[0], trained_app_url) as stage:
        yield stage


@pytest.fixture
def elsewhere(contexts, app_url):
    """``elsewhere(address)``: an address of the page, opened in a browser that knows nothing of the first.

    ``wait(there)`` waits for what is to be seen; without it, for the end of the run.
    """
    with ExitStack() as pages:

        def open_there(address, wait=Stage.wait_for_run):
            there = pages.enter_context(new_page(contexts[1], app_url)).goto(address.removeprefix(app_url))
            wait(there)
            return there

        yield open_there


@pytest.fixture
def brake(faces):
    """``brake()``: from now on every call of the network takes so much longer, so that a run goes on for a while."""
    noise = faces.predict_noise.function

    def slow_down(seconds=0.03):
        noise.seconds = seconds

    yield slow_down
    noise.seconds = 0.0


@pytest.fixture(scope="module")
def few_rows():
    """Encode has a table of three S: longer ones would go on beside the next tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EncodeOptions, "table_steps", (10, 20, 50))
        yield


@pytest.fixture
def quiet(stage):
    """The page is quiet from the first to the last, see :meth:`Stage.assert_quiet`."""
    yield
    stage.assert_quiet()


@pytest.fixture(scope="session")
def faces():
    """The checkpoint that ``stage`` shows."""
    return exact_faces()


@pytest.fixture(scope="session")
def trained_faces():
    """The shipped checkpoint."""
    return ex.load("faces-64")


@pytest.fixture
def root():
    return Path(__file__).resolve().parents[2]


# What the tests without a browser need


@pytest.fixture
def folder(tmp_path):
    """A checkpoint folder with held-out pictures alone."""
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    (tmp_path / "toy").mkdir()
    np.savez(tmp_path / "toy" / "examples.npz", images=pictures)
    return tmp_path / "toy"


@pytest.fixture
def checkpoints(folder, monkeypatch):
    """The toy, one without held-out pictures, a grey one, and one with T = 100. What was encoded before is forgotten."""
    encoded_latent.ENCODED_LATENTS.clear()
    toy = replace(TOY, folder=folder)
    grey_folder = folder.parent / "grey"
    grey_folder.mkdir()
    np.savez(grey_folder / "examples.npz", images=toy.examples()[..., :1])
    return {
        "toy": toy,
        "bare": replace(TOY, name="bare"),
        "grey": replace(ex.from_denoiser(predict_noise, (1, 8, 8), name="grey"), folder=grey_folder),
        "short": replace(SHORT, folder=folder),
    }


@pytest.fixture
def make(checkpoints):
    """``make(name)``: a tab over the checkpoints."""
    return lambda name: tab_of(name, *checkpoints.values())


@pytest.fixture
def exporter(checkpoints, few_columns):
    """The Save menus of all tabs over the checkpoints."""
    return Exporter(tabs_over(*checkpoints.values()))


@pytest.fixture
def pages(monkeypatch):
    """The :class:`app.Page` of every app that is built from now on."""
    built = []

    class Recorded(app.Page):
        def __init__(self, *given):
            super().__init__(*given)
            built.append(self)

    monkeypatch.setattr(app, "Page", Recorded)
    return built


@pytest.fixture
def few_columns(monkeypatch):
    """Paths sweeps over two S alone."""
    monkeypatch.setattr(explorer.ui.tabs.paths.tab, "SWEEP_STEPS", (5, 10))


# The guard in front of an app with a login


@pytest.fixture(scope="module")
def guarded():
    """An app as with ``--public``, and with a login."""
    demo = build({"toy": TOY})
    options = launch_options([("teacher", "secret")])
    demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **options)
    yield demo
    demo.close()


@pytest.fixture
def stranger(guarded):
    with httpx.Client(base_url=guarded.local_url, timeout=20) as client:
        yield client


@pytest.fixture
def user(stranger):
    """A client that is logged in."""
    answer = stranger.post("login", data={"username": "teacher", "password": "secret"})
    assert answer.status_code == 200
    return stranger
