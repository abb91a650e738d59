"""Faults that only a server shows: a connection that is cut, a page that is loaded anew, a process that is told to end."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from threading import Semaphore, Thread

import httpx
import pytest
from stage import Stage
from tab_values import TOY, predict_noise

from explorer.runs.admission import Admission
from explorer.ui import app

pytestmark = pytest.mark.slow


class Gate:
    """The toy's eps, as many calls of it as are let through; counts them."""

    def __init__(self):
        self.let, self.calls = Semaphore(0), 0

    def __call__(self, x_t, t):
        self.let.acquire(timeout=60)
        self.calls += 1
        return predict_noise(x_t, t)


def soon(is_so, seconds=10):
    """Whether it comes to be so."""
    ends = time.monotonic() + seconds
    while not is_so() and time.monotonic() < ends:
        time.sleep(0.02)
    return is_so()


@pytest.fixture(scope="module")
def gated():
    """(address, gate, admission, number of the handler of Steps) of an app whose network goes one call at a time."""
    gate, admission = Gate(), Admission()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "Admission", lambda **limits: admission)
        demo = app.build({"toy": replace(TOY, predict_noise=gate)})
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **app.launch_options())
    gate.let.release()  # the call that warms it up
    number = next(i for i, f in demo.fns.items() if f.name == "run" and "run_steps" in repr(f.targets))
    yield url, gate, admission, number
    gate.let.release(10_000)
    demo.close()


def begin(url, number, session, **settings):
    body = {"data": [settings], "fn_index": number, "session_hash": session}
    httpx.post(f"{url}gradio_api/queue/join", json=body).raise_for_status()
    return httpx.stream("GET", f"{url}gradio_api/queue/data", params={"session_hash": session}, timeout=30)


def test_a_connection_that_is_cut_in_mid_run_frees_its_place_within_a_step_and_the_next_run_works(gated):
    url, gate, admission, number = gated
    with begin(url, number, "cut", steps=50, count=1) as events:
        gate.let.release(2)
        assert any("process_generating" in line for line in events.iter_lines())
    time.sleep(0.3)  # the server looks whether the other end is there
    before = gate.calls
    assert soon(lambda: gate.let.release() or time.sleep(0.1) or not admission.slots)
    assert gate.calls - before <= 3
    gate.let.release(100)
    with begin(url, number, "next", steps=5, count=1) as events:
        assert any("ended" in line for line in events.iter_lines())
    assert soon(lambda: not admission.slots)


def test_a_page_that_is_loaded_anew_in_mid_run_frees_the_place_of_its_old_run(gated, browser):
    url, gate, admission, _ = gated
    gate.let = Semaphore(2)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    stage = Stage(context.new_page(), url).goto("?steps=50")
    stage.wait("running")
    (old,) = admission.slots
    stage.page.reload()
    assert soon(lambda: gate.let.release() or time.sleep(0.1) or old not in admission.slots)
    gate.let.release(10_000)
    stage.wait("ended")
    assert soon(lambda: not admission.slots)
    context.close()


def start(root, checkpoint, folder):
    """app.py in a process of its own, its temporary files below ``folder``."""
    (folder / "tmp").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["--checkpoint", str(checkpoint), "--engine", "exact", "--device", "cpu", "--port", str(port)]
    with open(folder / "stderr", "w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "app.py", *arguments],
            cwd=root,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=os.environ | {"TMPDIR": str(folder / "tmp"), "GRADIO_ANALYTICS_ENABLED": "False"},
        )
    return process, f"http://127.0.0.1:{port}/"


def answers(url):
    try:
        return httpx.get(f"{url}config").status_code == 200
    except httpx.HTTPError:
        return False


def test_sigterm_in_mid_run_and_ctrl_c_while_idle_end_the_process_cleanly(root, tiny_folder, tmp_path):
    started = [start(root, tiny_folder, tmp_path / name) for name in ("busy", "idle")]
    try:
        assert all(soon(lambda url=url: answers(url), 120) for _, url in started)
        (busy, url), (idle, _) = started
        call = f"{url}gradio_api/call/steps"
        given = [["tiny", seed, 1000, 0.0, "eta", "linear", False, 0] for seed in range(3)]
        runs = [httpx.post(call, json={"data": data}).json()["event_id"] for data in given]
        told = []

        def listen():
            with suppress(httpx.HTTPError), httpx.stream("GET", f"{call}/{runs[0]}", timeout=60) as events:
                told.extend(events.iter_lines())

        listening = Thread(target=listen, daemon=True)
        listening.start()
        time.sleep(0.5)  # into the run
        busy.send_signal(signal.SIGTERM)
        idle.send_signal(signal.SIGINT)
        assert [process.wait(30) for process, _ in started] == [0, 0]
        for name in ("busy", "idle"):
            assert (tmp_path / name / "stderr").read_text() == ""
            assert [path for path in (tmp_path / name / "tmp").rglob("*") if path.is_file()] == []
            assert list((tmp_path / name / "tmp").glob("explorer-*")) == []
        listening.join(5)
        assert not any("complete" in line for line in told)  # it was in the midst of it
    finally:
        for process, _ in started:
            process.kill()
