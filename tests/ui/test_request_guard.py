"""What a stranger may ask of the server: files of its own, requests of a size, uploads; and the headers of what it gives."""

import contextlib
import json
import os
import socket

import httpx
import pytest
from tab_values import TOY

from explorer.ui.app import build, launch_options
from explorer.ui.security.headers import IFRAME_RESIZER_HOST
from explorer.ui.security.request_guard import RequestGuard
from explorer.ui.security.routes import PICTURE_BODY as MAX_BODY

FILE = {"path": "app.py", "orig_name": "app.py", "meta": {"_type": "gradio.FileData"}}


@pytest.fixture(scope="module")
def server():
    """An app as with ``--public``, and a client of it."""
    demo = build({"toy": TOY})
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    with httpx.Client(base_url=url, timeout=20) as client:
        client.demo = demo
        yield client
    demo.close()


def test_every_answer_has_the_headers_and_no_rule_against_frames(server):
    for path in ("", "config", "gradio_api/info", "no-such-page", "gradio_api/upload"):
        answer = server.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        rules = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
        assert rules["default-src"] == rules["base-uri"] == "'self'"
        assert rules["object-src"] == "'none'"
        assert "http" not in answer.headers["content-security-policy"]
        assert "frame-ancestors" not in rules
        assert "x-frame-options" not in answer.headers  # Spaces and notebooks show the page in a frame


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "app.py",
        "../app.py",
        "/proc/self/environ",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "\\..\\app.py",
        "checkpoints/faces-64/quality.json",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "%00/etc/passwd",
        "x" * 5000,
    ],
)
def test_no_file_of_the_machine_is_served(server, path):
    for route in (
        "gradio_api/file=",
        "file=",
        "gradio_api/file/",
        "gradio_api/stream/",
        "static/",
        "assets/",
        "svelte/",
    ):
        answer = server.get(route + path)
        assert answer.status_code >= 400 or "root:" not in answer.text, route
        assert "explorer" not in answer.text or answer.status_code >= 400, route


def test_nothing_can_be_uploaded(server):
    before = sorted(os.listdir(server.demo.GRADIO_CACHE)) if os.path.isdir(server.demo.GRADIO_CACHE) else []
    for path in ("gradio_api/upload", "gradio_api/upload/", "upload", "gradio_api/upload?upload_id=1"):
        answer = server.post(path, files={"files": ("../../evil.html", b"<script>alert(1)</script>", "text/html")})
        assert answer.status_code == 404, path
    assert (sorted(os.listdir(server.demo.GRADIO_CACHE)) if before else []) == before


def test_a_request_beyond_the_largest_picture_is_refused_before_it_is_read(server):
    address = server.base_url.host, server.base_url.port
    for claimed in (MAX_BODY + 1, "9" * 30, -5, "ten"):
        with socket.create_connection(address, timeout=20) as raw:
            raw.sendall(
                f"POST /gradio_api/queue/join HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {claimed}\r\n\r\n".encode()
            )
            assert raw.recv(100).split()[1] in (b"400", b"413"), claimed

    def endless():
        for _ in range(MAX_BODY // (1 << 20) + 2):
            yield b"x" * (1 << 20)

    with contextlib.suppress(httpx.HTTPError):  # of unknown length: it is broken off
        answer = server.post(
            "gradio_api/component_server", content=endless(), headers={"content-type": "application/json"}
        )
        assert answer.status_code == 413
    assert server.get("config").status_code == 200


def call(server, name, data):
    """What an endpoint answers over HTTP: the last event, and all its text."""
    started = server.post(f"gradio_api/call/{name}", json={"data": data})
    if started.status_code != 200:
        return started.status_code, started.text
    with server.stream("GET", f"gradio_api/call/{name}/{started.json()['event_id']}") as answer:
        text = "".join(answer.iter_text())
    return text.rsplit("event: ", 1)[-1].split("\n")[0], text


GOOD = ["toy", 3, 2, 0.0, "eta", "linear", False, 0]


@pytest.mark.parametrize(
    "data",
    [
        [],
        GOOD[:3],
        "steps",
        None,
        {"0": 1},
        [None] * 8,
        [[[[]]]] * 8,
        ["../../etc", *GOOD[1:]],
        ["\ud800", *GOOD[1:]],
        ["toy", "x" * (1 << 20), *GOOD[2:]],
        ["toy", "slerp(" * 50, *GOOD[2:]],
        [*GOOD[:2], float("nan"), *GOOD[3:]],
        [*GOOD[:2], 10**30, *GOOD[3:]],
        [*GOOD[:3], float("inf"), *GOOD[4:]],
        [FILE, *GOOD[1:]],
        ["<img src=x onerror=alert(1)>", *GOOD[1:]],
    ],
    ids=range(16),
)
def test_an_endpoint_answers_anything_with_a_short_error_and_then_works(server, data):
    text = json.dumps({"data": data})
    started = server.post("gradio_api/call/steps", content=text, headers={"content-type": "application/json"})
    if started.status_code == 200:
        with server.stream("GET", f"gradio_api/call/steps/{started.json()['event_id']}") as answer:
            text = "".join(answer.iter_text())
        assert "event: error" in text
        assert "Traceback" not in text
        assert len(text) < 4000
    else:
        assert started.status_code in (400, 413, 422)
        assert "Traceback" not in started.text
    event, text = call(server, "steps", GOOD)
    assert event == "complete"
    assert len(json.loads(text.rsplit("data: ", 1)[1])[0]) == 2


@pytest.mark.parametrize("smuggled", ["notice", "count", "seed", "checkpoint", "more"])
def test_no_file_is_fetched_for_one_who_sends_its_path(server, smuggled):
    """Gradio copies the files that are named in what a handler returns to where they can be read."""
    run = next(i for i, f in server.demo.fns.items() if f.name == "run" and f.outputs[0].elem_id == "steps")
    body = {"data": [{"checkpoint": "toy", "count": 1, smuggled: [FILE]}], "fn_index": run, "session_hash": "a"}
    assert server.post("gradio_api/queue/join", json=body).status_code == 400
    plain = {name: value for name, value in FILE.items() if name != "meta"}  # does not look like a file to Gradio
    for what in (plain, [plain], {"say": "status.failed", "values": {"a": plain}}):
        controls = {"checkpoint": "toy", "steps": 2, "count": 1, smuggled: what}
        body = {"data": [controls], "fn_index": run, "session_hash": f"s{smuggled}"}
        joined = server.post("gradio_api/queue/join", json=body)
        assert joined.status_code == 200
        text = ""
        with server.stream("GET", "gradio_api/queue/data", params={"session_hash": f"s{smuggled}"}) as answer:
            for line in answer.iter_lines():
                text += line
                if "process_completed" in line or "close_stream" in line:
                    break
        assert "argparse" not in text
        assert "/app.py" not in text  # as the address of a copy would end


def test_strangers_open_no_other_checkpoints(server):
    loader = next(i for i, block in server.demo.blocks.items() if getattr(block, "elem_id", "") == "controls")
    for text in ("../../etc", "/etc", "google/ddpm-cifar10-32", "~/x", "toy/../toy", ".", "toy\0"):
        body = {"data": [{"text": text, "again": True}], "fn_name": "open_checkpoint", "component_id": loader}
        answer = server.post("gradio_api/component_server", json={**body, "session_hash": "a"})
        assert answer.status_code == 200
        assert answer.json()["state"] == "error", text
    for name in ("load", "__class__", "postprocess", "open_checkpoint.__globals__"):
        body = {"data": [], "fn_name": name, "component_id": loader, "session_hash": "a"}
        assert server.post("gradio_api/component_server", json=body).status_code >= 400


def test_on_a_space_the_script_that_fits_the_page_into_its_frame_may_come(monkeypatch):
    assert IFRAME_RESIZER_HOST not in RequestGuard(None).headers["Content-Security-Policy"]
    monkeypatch.setenv("SPACE_ID", "somebody/ddim-explorer")
    rules = RequestGuard(None).headers["Content-Security-Policy"].split("; ")
    assert [rule.split()[0] for rule in rules if IFRAME_RESIZER_HOST in rule] == ["script-src"]
