"""The fuzzer of a running server: it finds planted holes, and none in the app."""

from __future__ import annotations

import json
import os
import random
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from explorer.fuzz import server as server_module
from explorer.fuzz.command import fuzz, main
from explorer.fuzz.raw_http import RawClient
from explorer.fuzz.server import ServerTarget, problem_of
from explorer.fuzz.server_attacks import SEEDS, HttpRequest
from explorer.fuzz.server_process import WatchedServer, start_server

pytestmark = pytest.mark.slow

CONFIG = {
    "components": [
        {"id": 1, "props": {"elem_id": "controls", "value": {"checkpoint": "toy", "seed": 1, "steps": 5}}},
        {"id": 2, "props": {"elem_id": "encode"}},
    ],
    "dependencies": [{"id": 0, "targets": [[1, "input"]]}, {"id": 1, "targets": [[1, "run_steps"]]}],
}


class Handler(BaseHTTPRequestHandler):
    """A server that refuses everything but what the fuzzer asks as somebody else; ``hole`` is what is wrong with it."""

    hole = ""

    def log_message(self, *args):
        pass

    def answer(self, status, text):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        if self.path == "/config" and self.headers["Host"].startswith("127.0.0.1:"):
            self.answer(200, json.dumps(CONFIG))
        elif "/steps/" in self.path:
            self.answer(200, "event: complete\ndata: []\n\n")
        elif self.path == "/openapi.json" and self.hole == "openapi":
            self.answer(200, "{}")
        else:
            self.answer(404, self.headers["Host"] if self.hole == "host" else "")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/v2/steps"):
            self.answer(503 if self.hole == "places" else 200, json.dumps({"event_id": "e"}))
        elif "upload" in self.path and self.hole == "upload":
            self.answer(200, "[]")
        elif "component_server" in self.path and self.hole == "traceback":
            self.answer(500, "Internal Server Error")
        elif b"/canary" in body and self.hole == "fetch":
            urllib.request.urlopen(json.loads(body)["data"][0]["path"], timeout=20)
        else:
            self.answer(404, "")


@dataclass
class FakeServer(WatchedServer):
    """With measurements that grow by so much between two of them."""

    growth: int = 0
    measured: int = 0

    def memory(self):
        self.measured += self.growth
        return self.measured

    def sockets(self):
        return 5


@contextmanager
def fake(hole="", growth=0):
    """A target over a server with a planted hole."""
    handler = type("Planted", (Handler,), {"hole": hole})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield ServerTarget(FakeServer(f"http://127.0.0.1:{server.server_port}/", growth=growth))
        server.shutdown()


def attack(target, name):
    """What is found with the seed of this name."""
    try:
        target.run(target.seed(name, random.Random(1)))
    except AssertionError as found:
        return str(found)
    return ""


@pytest.mark.parametrize(
    ("hole", "name", "finding"),
    [
        ("upload", "uploads", "status 200 for what must fail: POST /gradio_api/upload"),
        ("openapi", "others' runs", "status 200 for what must fail: GET /openapi.json"),
        ("traceback", "missing", "status 500: POST /gradio_api/component_server"),
        ("host", "other sites", "names a foreign host"),
        ("places", "passwords", "a short run from another address"),
    ],
)
def test_a_planted_hole_is_found(hole, name, finding):
    with fake(hole) as target:
        assert finding in attack(target, name)
    with fake() as target:
        assert attack(target, name) == ""


def test_an_address_that_the_server_fetches_is_found():
    with fake("fetch") as target:
        first = attack(target, "addresses")
        assert "fetched an address" in first + "".join(target.finish())


def test_memory_that_grows_is_found_and_reported_in_figures():
    with fake(growth=server_module.MAX_MEMORY + 1) as target:
        assert "memory grew" in attack(target, "passwords")
        target.finish()
        assert "memory in MiB: 1024 at the start" in target.figures()


def test_a_log_with_a_traceback_is_found_once(tmp_path):
    with fake() as target:
        log = tmp_path / "log"
        log.write_text("Traceback (most recent call last):\nKeyError: -1")
        server = FakeServer(target.url, log=log)
        again = ServerTarget(server)
        assert "KeyError: -1" in attack(again, "passwords")
        assert again.finish() == []


def test_the_same_seed_makes_the_same_attacks():
    with fake() as target:
        first, second = ([repr(target.generate(random.Random(f"1 {i}"))) for i in range(40)] for _ in range(2))
    assert first == second
    assert {text.split("'")[1].split(",")[0] for text in first} >= {"uploads", "junk", "slow", "missing"}


def test_a_short_run_over_a_closed_server_has_no_findings():
    with fake() as target:
        report = fuzz(target, 0.01)
        assert (report.inputs, report.findings + target.finish()) == (1, [])


def test_what_is_left_open_is_closed_again():
    with fake() as target:
        client = RawClient(target.url)
        request = HttpRequest("GET", "/config", {}, sent=0.5, is_left_open=True)
        assert [client.send(request) for _ in range(3)] == [(0, "")] * 3
        assert client.left_open == 3
        client.close(keep=1)
        assert client.left_open == 1
        client.close()
        assert client.send(HttpRequest("GET", "/nothing", {}))[0] == 404


@pytest.mark.parametrize(("status", "is_wrong"), [(200, True), (302, True), (404, False), (503, False), (0, False)])
def test_what_must_fail_must_fail(status, is_wrong):
    assert bool(problem_of(HttpRequest("GET", "/x", {}, must_fail=True), status, "")) == is_wrong


@pytest.mark.slow
def test_the_holes_that_were_found_once_are_closed(monkeypatch):
    """Every seed against the app, as it is started for the open internet."""
    monkeypatch.setattr(server_module, "INPUTS_BETWEEN_CHECKS", 3)
    target = ServerTarget(start_server())
    found = {name: attack(target, name) for name in [*SEEDS, "addresses"] if name != "pictures"}  # has tests of its own
    assert target.finish() == []
    assert found == dict.fromkeys(found, "")


@pytest.mark.parametrize(("hole", "code"), [("openapi", 1), ("", 0)])
def test_the_command_ends_with_one_if_there_is_a_finding(hole, code, monkeypatch, capsys):
    others = ServerTarget.seed
    monkeypatch.setattr(ServerTarget, "generate", lambda self, rng: others(self, "others' runs", rng))
    with fake(hole) as target:
        assert main(["server", "--url", target.url, "--pid", str(os.getpid()), "--seconds", "0.01"]) == code
    printed = capsys.readouterr().out
    assert ("must fail: GET /openapi.json" in printed) == bool(code)
    assert "memory in MiB:" in printed
