"""Runs end when nobody listens to their results, and leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import ExitStack
from dataclasses import replace
from threading import Event
from types import SimpleNamespace

import httpx
import pytest
from event_loop import run_apart
from tab_values import TOY, predict_noise

from explorer.runs.admission import Admission
from explorer.ui import app, listeners
from explorer.ui.client import Visitor, client_name
from explorer.ui.listeners import LISTENERS, Listeners, TooManyUnheard
from explorer.ui.security import result_streams
from explorer.ui.security.result_streams import ResultStreams
from explorer.ui.security.routes import ALLOWED

API = "/gradio_api"
LONG = ["toy", 5, 1000, 0.5, "linear", False, 0, True, 4]  # of /compare


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("testclient", "testclient"),
        ("x" * 500, "x" * 64),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_the_network_of_one_customer(host, name):
    assert client_name(host) == name


def test_a_visitor_without_a_request_is_not_known():
    assert Visitor.of() == Visitor(None, "")


# Who listens


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def heard(now):
    return Listeners(clock=lambda: now[0])


def test_a_run_goes_on_while_somebody_listens_and_ends_when_nobody_came(heard, now):
    heard.expect("a", "1.1.1.1")
    heard.expect("b", "1.1.1.1")
    with heard.listening("a"):
        now[0] = listeners.SECONDS_TO_LISTEN + 1
        assert [heard.state(name)() for name in ("a", "b", "other", None)] == [
            "running",
            "superseded",
            *["running"] * 2,
        ]
        assert heard.pop_expired() == ["b"]
        assert heard.state("b")() == "superseded"
    assert not heard.is_gone("a")
    now[0] += listeners.SECONDS_AFTER_LEAVING + 1
    assert heard.is_gone("a")
    heard.expect("a", "1.1.1.1")  # the page asks for another run
    assert heard.state("a", lambda: "stopped")() == "stopped"


def test_a_call_of_an_endpoint_is_listened_to_by_its_event(heard, now):
    heard.expect("a", "1.1.1.1", event="e1")
    with heard.listening("e1") as stream:
        now[0] = 1000
        assert stream.session == "a"
        assert not heard.is_gone("a")
    heard.forget("a")
    with heard.listening("e1") as stream:
        assert stream.session == "e1"


def test_one_client_and_all_together_request_a_limited_number_of_things_that_they_do_not_listen_to(heard, monkeypatch):
    monkeypatch.setattr(listeners, "MAX_UNHEARD_OF_CLIENT", 3)
    monkeypatch.setattr(listeners, "MAX_UNHEARD", 5)
    for i in range(3):
        heard.check("1.1.1.1", f"s{i}")
        heard.expect(f"s{i}", "1.1.1.1")
    with pytest.raises(TooManyUnheard):
        heard.check("1.1.1.1", "s3")
    heard.check("1.1.1.1", "s0")  # is known already
    with heard.listening("s0"):
        heard.check("1.1.1.1", "s3")
    heard.check("1.1.1.1", "s3")  # a page that has seen its run does not count
    for i in range(3):
        heard.expect(f"t{i}", "2.2.2.2")
    with pytest.raises(TooManyUnheard):
        heard.check("3.3.3.3")


def test_a_stream_that_is_broken_off_ends_its_run_sooner_than_one_that_was_never_opened(heard, now):
    for name in ("whole", "broken"):
        heard.expect(name, "1.1.1.1")
    with heard.listening("whole") as stream:
        stream.is_complete = True
    with heard.listening("broken"):
        pass
    now[0] = listeners.SECONDS_AFTER_LEAVING + 1
    assert [heard.is_gone(name) for name in ("whole", "broken")] == [False, True]


# A running app


class Gate:
    """The toy's network, held up at every call until it is let go. It counts its calls."""

    def __init__(self):
        self.open, self.calls = Event(), 0

    def __call__(self, x_t, t):
        self.calls += 1
        self.open.wait(20)
        return predict_noise(x_t, t)


@pytest.fixture
def served(monkeypatch):
    """(client of an app, its admission, its network)."""
    admission, gate = Admission(), Gate()
    monkeypatch.setattr(app, "Admission", lambda **limits: admission)
    monkeypatch.setattr(result_streams, "SECONDS_BETWEEN_SWEEPS", 0.05)
    demo = app.build({"toy": replace(TOY, predict_noise=gate)})
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **app.launch_options())
    with httpx.Client(base_url=url, timeout=60) as client:
        client.demo = demo
        yield client, admission, gate
    gate.open.set()
    demo.close()


def soon(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def address(host):
    return httpx.HTTPTransport(local_address=host)


def test_runs_that_nobody_listens_to_keep_nobody_else_out_and_end(served, monkeypatch):
    client, admission, gate = served
    with ExitStack() as stack:
        attacker, other = (
            stack.enter_context(httpx.Client(base_url=client.base_url, timeout=60, transport=address(host)))
            for host in ("127.0.0.2", "127.0.0.3")
        )
        statuses = [attacker.post(f"{API}/call/compare", json={"data": LONG}).status_code for _ in range(112)]
        assert set(statuses) == {200, 429}
        soon(lambda: len(admission.slots) == 84)  # what one address may have, running and queued
        soon(lambda: not any(slot.is_admitted for slot in admission.slots))
        event = other.post(f"{API}/call/steps", json={"data": ["toy", 3, 2, 0.0, "eta", "linear", False, 0]})
        with other.stream("GET", f"{API}/call/steps/{event.json()['event_id']}") as answer:
            monkeypatch.setattr(LISTENERS, "clock", lambda: time.monotonic() + listeners.SECONDS_TO_LISTEN)
            gate.open.set()
            assert "event: complete" in "".join(answer.iter_text())
        soon(lambda: not admission.slots)
        assert gate.calls < 20  # of 84 * 12,000: those of the other client, and one that warms the network up


@pytest.mark.parametrize("name", ["compare", "interpolate", "steps"])
def test_a_call_whose_stream_is_broken_off_ends_at_its_next_step(served, monkeypatch, name):
    monkeypatch.setattr(listeners, "SECONDS_AFTER_LEAVING", 0.0)
    client, admission, gate = served
    info = client.get(f"{API}/info").json()["named_endpoints"][f"/{name}"]["parameters"]
    data = [1000 if p["parameter_name"] == "steps" else p["parameter_default"] for p in info]
    event = client.post(f"{API}/call/{name}", json={"data": data}).json()["event_id"]
    with client.stream("GET", f"{API}/call/{name}/{event}"):
        soon(lambda: gate.calls)
    soon(lambda: LISTENERS.is_gone(event))
    gate.open.set()
    soon(lambda: not admission.slots)
    assert gate.calls < 20


def test_results_that_are_never_fetched_are_dropped(served, monkeypatch):
    client, admission, gate = served
    gate.open.set()
    queue = client.demo.app.get_blocks()._queue
    monkeypatch.setattr(listeners, "SECONDS_TO_LISTEN", 0.0)
    for body in ({}, {"session_hash": "invented"}):
        client.post(f"{API}/call/steps", json={"data": ["toy", 3, 1000, 0.0, "eta", "linear", False, 0], **body})
    soon(lambda: not admission.slots and not queue.pending_messages_per_session)
    soon(lambda: not queue.pending_event_ids_session and not queue.event_ids_to_events)


def test_a_call_that_was_fetched_leaves_nothing(served):
    client, _, gate = served
    gate.open.set()
    queue = client.demo.app.get_blocks()._queue
    for body in ({}, {"session_hash": "mine"}):
        started = client.post(f"{API}/call/steps", json={"data": ["toy", 3, 2, 0.0, "eta", "linear", False, 0], **body})
        with client.stream("GET", f"{API}/call/steps/{started.json()['event_id']}") as answer:
            assert "event: complete" in "".join(answer.iter_text())
    soon(lambda: set(queue.pending_messages_per_session) <= {"mine"})
    assert all(not events for events in queue.pending_event_ids_session.values())


def test_a_client_that_only_requests_is_refused_at_last(monkeypatch):
    monkeypatch.setattr(listeners, "MAX_UNHEARD_OF_CLIENT", 2)
    events = iter("abc")

    async def gradio(scope, receive, send):
        body = json.dumps({"event_id": next(events)}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def ask():
        heard = Listeners()
        streams = ResultStreams(gradio, heard)
        for _ in range(2):
            await streams.request_run({"app": None}, None, lambda message: asyncio.sleep(0), "1.1.1.1", None)
        with pytest.raises(TooManyUnheard):
            await streams.request_run({"app": None}, None, None, "1.1.1.1", None)
        return len(heard)

    assert run_apart(ask()) == 2


@pytest.mark.parametrize("is_broken_off", [False, True])
def test_a_stream_that_gradio_ends_since_the_client_has_left_is_not_complete(is_broken_off, now):
    heard = Listeners(clock=lambda: now[0])
    heard.expect("a", "1.1.1.1")
    route = next(route for route in ALLOWED if route.path.endswith("/queue/data"))
    queue = SimpleNamespace(pending_messages_per_session={"a": None})
    scope = {"type": "http", "query_string": b"session_hash=a"}
    scope["app"] = SimpleNamespace(get_blocks=lambda: SimpleNamespace(_queue=queue))

    async def gradio(scope, receive, send):
        if is_broken_off:
            await receive()
        await send({"type": "http.response.body", "body": b""})

    async def receive():
        return {"type": "http.disconnect"}

    streams = ResultStreams(gradio, heard)
    run_apart(streams.stream(scope, receive, lambda message: asyncio.sleep(0), route, f"{API}/queue/data"))
    now[0] = listeners.SECONDS_AFTER_LEAVING + 1
    assert heard.is_gone("a") == is_broken_off


def test_every_route_that_starts_a_run_and_every_route_that_gives_its_results_is_watched():
    requested = {route.path for route in ALLOWED if "join" in route.path or ("/call/" in route.path and route.max_body)}
    streamed = {route.path for route in ALLOWED if "data" in route.path or "{event_id}" in route.path}
    assert {route.path for route in ALLOWED if route.results == "requested"} == requested
    assert {route.path for route in ALLOWED if route.results == "streamed"} == streamed
