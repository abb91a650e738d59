"""``explorer.show()``: the app in a cell of a notebook."""

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec

import httpx
import pytest
import torch
from tab_values import SHORT, TOY

import explorer as ex
from explorer.course.notebooks import Version, course_texts, notebook
from explorer.support.ports import free_port
from explorer.ui import app
from explorer.ui import show as show_module

DIFFUSE = "alpha_bar**0.5 * x_0 + (1 - alpha_bar) ** 0.5 * eps"
DIFFUSE_SLIP = "alpha_bar**0.5 * x_0 + (1 - alpha_bar) * eps"  # noise-root-missing
CODE = """import explorer as ex
checkpoint = ex.from_denoiser(lambda x, t: 0.9 * x, (1, 8, 8), ex.Schedule.linear(), name="mine")
ex.show(checkpoint, seed=3, steps=4, height=500{proxy})"""


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch):
    """No app runs yet, on a machine that is none of the hosted services."""
    monkeypatch.setattr(show_module, "_running", {})
    for name in ("JUPYTERHUB_SERVICE_PREFIX", *show_module.HOSTED):
        monkeypatch.delenv(name, raising=False)
    yield
    for running in show_module._running.values():
        running.demo.close(verbose=False)


def test_a_checkpoint_of_ones_own_is_shown_and_the_app_is_started_once(monkeypatch):
    monkeypatch.setattr(torch, "set_num_threads", torch.set_num_threads)
    threads = torch.get_num_threads()
    frame = ex.show(TOY, "compare", seed=3, eta=0.5, clip=True, height=400)
    again = ex.show(TOY, steps=4)
    other = ex.show(SHORT)
    address, _, query = frame.url.partition("/?")
    assert query == "tab=compare&seed=3&eta=0.5&clip=1"
    assert again.url == f"{address}/?tab=steps&steps=4"
    assert not other.url.startswith(address)
    assert '"toy"' in httpx.get(frame.url).text
    assert 'src="http://127.0.0.1:' in frame._repr_html_()
    assert "&amp;seed=3" in frame._repr_html_()
    assert "height: 400px" in frame._repr_html_()
    assert torch.get_num_threads() == threads  # of the notebook


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"tab": "step"}, "tab must be one of steps, compare, .*, not 'step'"),
        ({"seeds": 3}, "steps has no setting seeds; it has clip, eta, "),
        ({"tab": "steps", "frames": 8}, "steps has no setting frames"),
        ({"height": 0}, "height must be positive, not 0"),
        ({"checkpoint": "no-such"}, "no-such"),
    ],
)
def test_what_the_app_does_not_know_is_refused_before_it_starts(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        ex.show(**arguments)
    assert not show_module._running


def test_on_a_hub_the_frame_leads_through_its_proxy(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ann/")
    frame = ex.show(TOY, seed=3)
    _, _, user, proxy, port, query = frame.url.split("/")
    assert (user, proxy, query) == ("ann", "proxy", "?tab=steps&seed=3")
    proxied = {"Host": "hub.example.org", "X-Forwarded-Proto": "https"}  # jupyter-server-proxy removes the prefix
    config = httpx.get(f"http://127.0.0.1:{port}/config", headers=proxied)
    assert config.json()["root"] == f"https://hub.example.org/user/ann/proxy/{port}"


@pytest.mark.parametrize("name", show_module.HOSTED)
def test_on_colab_and_kaggle_a_public_link_is_shown(monkeypatch, name):
    calls, opened = [], []

    class Demo:
        def launch(self, **options):
            calls.append(options)
            return None, "http://127.0.0.1:1/", "https://abc.gradio.live"

    def build(checkpoints, open_others, custom_step=None):
        opened.append(open_others)
        return Demo()

    monkeypatch.setattr(app, "build", build)
    monkeypatch.setattr(app, "limit_connections", lambda demo: None)
    monkeypatch.setattr(Demo, "close", lambda demo, verbose: None, raising=False)
    monkeypatch.setenv(name, "1")
    assert ex.show(TOY).url == "https://abc.gradio.live/?tab=steps"
    assert ex.show(TOY, share=False).url == "http://127.0.0.1:1/?tab=steps"
    assert [options["share"] for options in calls] == [True, False]
    assert opened[0] is None  # as with --public
    assert callable(opened[1])


def notebook_of(*sources):
    """A notebook with these code cells, nbformat 4.5."""
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [{**cell, "id": f"c{k}", "source": source} for k, source in enumerate(sources)]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}


@pytest.fixture
def jupyter(root, tmp_path):
    """``jupyter(notebook)``: the address of a notebook, given as JSON, in a running JupyterLab."""
    if find_spec("jupyterlab") is None or find_spec("jupyter_server_proxy") is None:
        pytest.skip("JupyterLab and jupyter-server-proxy are not installed")
    port, home = free_port(), tmp_path / "home"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.port={port}", "--ServerApp.token="]
    command += [
        "--allow-root",
        f"--ServerApp.root_dir={tmp_path}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=",
    ]
    environment = os.environ | {"HOME": str(home), "PYTHONPATH": str(root), "JUPYTER_PLATFORM_DIRS": "1"}
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)

    def open_notebook(notebook):
        (tmp_path / "show.ipynb").write_text(json.dumps(notebook))
        return f"http://127.0.0.1:{port}/lab/tree/show.ipynb"

    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/api")
            break
        except httpx.HTTPError:
            time.sleep(0.2)
    yield open_notebook
    server.terminate()
    try:
        server.wait(30)
    finally:
        server.kill()


@pytest.mark.slow
@pytest.mark.parametrize("proxy", ["", ', proxy="/proxy"'], ids=["direct", "jupyter-server-proxy"])
def test_in_jupyterlab_the_page_runs_in_a_frame_below_the_cell(jupyter, browser, proxy):
    page = browser.new_page(viewport={"width": 1366, "height": 900})
    try:
        page.goto(jupyter(notebook_of(CODE.format(proxy=proxy))))
        page.locator(".jp-Notebook .jp-CodeCell").first.click(timeout=180_000)
        page.keyboard.press("Shift+Enter")
        frame = page.frame_locator("iframe[title='DDIM Explorer']")
        frame.locator('.status[data-state="ended"]').wait_for(timeout=120_000)
        assert frame.locator("explorer-steps canvas").first.is_visible()
        assert page.locator("iframe[title='DDIM Explorer']").bounding_box()["height"] == 500
    finally:
        page.close()


@pytest.mark.slow
def test_in_jupyterlab_a_lab_names_a_slip_and_then_passes_the_corrected_function(jupyter, browser):
    """The first lab up to its first check: the learner forgets a root, reads the report, and mends the line."""
    lab = notebook("1-forward-process", Version("en"))
    codes = [cell["source"] for cell in lab["cells"] if cell["cell_type"] == "code"]
    first = next(k for k, code in enumerate(codes) if code.startswith("check("))
    stub, todo = codes[first - 1], f'raise NotImplementedError("{course_texts("en")["todo"]}")'
    assert todo in stub
    setup = "\n".join(codes[: first - 1]).replace('ex.load("faces-64")', 'ex.load("fashion-mnist-32")')
    wrong, right = (stub.replace(todo, f"return {line}") for line in (DIFFUSE_SLIP, DIFFUSE))
    page = browser.new_page(viewport={"width": 1366, "height": 900})
    try:
        page.goto(jupyter(notebook_of(setup, wrong, codes[first], right, codes[first])))
        page.locator(".jp-Notebook .jp-CodeCell").first.click(timeout=180_000)
        for _ in range(5):
            page.keyboard.press("Shift+Enter")
        outputs = page.locator(".jp-CodeCell .jp-OutputArea")
        outputs.nth(4).get_by_text("correct").first.wait_for(timeout=180_000)
        says = outputs.nth(2).inner_text()
        assert "1 − ᾱ instead of √(1 − ᾱ)" in says
        assert "it should be" in says
        assert outputs.nth(2).locator("img").count() >= 2  # the picture of the function, and the correct one
        assert "✗" not in outputs.nth(4).inner_text()
        for name, cell in (("wrong", 2), ("right", 4)):
            page.locator(".jp-CodeCell").nth(cell).scroll_into_view_if_needed()
            if folder := os.environ.get("DDIM_SCREENSHOTS"):
                page.screenshot(path=f"{folder}/lab-{name}.png")
    finally:
        page.close()
