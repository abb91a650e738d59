"""What the server keeps for sessions is bounded in bytes, whatever strangers send under invented names."""

from __future__ import annotations

import gc
import sys
import tracemalloc

import anyio
import httpx
import pytest
from event_loop import run_apart
from tab_values import SMALL, TOY, run, tab_of

from explorer.support.sizes import size_of
from explorer.ui import tab as tab_module
from explorer.ui.app import MAX_SESSIONS, build, launch_options
from explorer.ui.latest_requests import MAX_PAGES, LatestRequests
from explorer.ui.security import login_throttle, request_guard
from explorer.ui.security.login_throttle import LoginThrottle
from explorer.ui.security.request_guard import RequestGuard
from explorer.ui.security.routes import SMALL_BODY
from explorer.ui.session_state import ValuelessState, ValuelessStateHolder

pytestmark = pytest.mark.slow

API = "/gradio_api"
LONGEST = "s" * 64  # name of a session
MAX_STATE = 16 << 10  # bytes of a session's state


@pytest.fixture(scope="module")
def client():
    demo = build({"toy": TOY})
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    with httpx.Client(base_url=url, timeout=60) as client:
        client.demo = demo
        yield client
    demo.close()


def test_the_size_of_a_value_counts_all_its_parts():
    text = "x" * 1000
    assert size_of(text) == sys.getsizeof(text)
    nested = {"a": [text, (text, {text})], "b": 1}
    assert 3000 < size_of(nested) < 5000


def numbers(client):
    fns = client.demo.fns
    change = next(i for i, f in fns.items() if f.name == "record_change")
    return change, next(i for i, f in fns.items() if f.name == "run" and f.outputs[0].elem_id == "steps")


def test_gradio_keeps_no_values_of_a_session(client):
    change, steps = numbers(client)
    junk = "j" * (SMALL_BODY - 2000)
    answer = client.post(
        f"{API}/run/predict", json={"data": [{"junk": junk, "count": 1}], "fn_index": change, "session_hash": "hostile"}
    )
    assert answer.status_code == 200
    body = {"data": [{"checkpoint": "toy", "steps": 5, "count": 1}], "fn_index": steps, "session_hash": "hostile"}
    assert client.post(f"{API}/queue/join", json=body).status_code == 200
    with client.stream("GET", f"{API}/queue/data", params={"session_hash": "hostile"}) as answer:
        assert "process_completed" in "".join(answer.iter_text())
    holder = client.demo.app.state_holder
    assert isinstance(holder, ValuelessStateHolder)
    assert client.demo.state_holder is holder
    state = holder.session_data["hostile"]
    assert isinstance(state, ValuelessState)
    assert (state.config_values, state.state_data) == ({}, {})


def test_sessions_beyond_the_limit_push_out_others_and_each_takes_little(client):
    holder = client.demo.app.state_holder
    assert holder.capacity == MAX_SESSIONS
    gc.collect()
    tracemalloc.start()
    for i in range(50):
        state = holder[f"invented{i}"]
        for number, block in client.demo.blocks.items():
            state[number] = block
            state._update_value_in_config(number, "j" * SMALL_BODY)
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] / 50
    tracemalloc.stop()
    assert size < MAX_STATE
    for i in range(MAX_SESSIONS):
        holder[f"more{i}"]
    assert len(holder.session_data) == len(holder.time_last_used) == MAX_SESSIONS


def test_what_a_tab_keeps_of_pages_is_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr(tab_module, "MAX_REQUEST_BYTES", 64 << 10)
    tab = tab_of("consistency")
    hostile = SMALL["consistency"] | {
        "latents": ", ".join(f"slerp(1, slerp({i}, 3, 0.123456789), 0.987654321)" for i in range(7))
    }
    gc.collect()
    tracemalloc.start()
    for i in range(60):
        run(tab, hostile | {"lengths": "x"}, f"{i}{LONGEST}")  # is refused and not kept
    assert len(tab.last_good) == 0
    for i in range(60):
        run(tab, hostile | {"lengths": "1, 2"}, f"{i}{LONGEST}")
    assert 5 < len(tab.last_good) < 30
    assert tab.last_good.size <= 64 << 10
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0]
    requests = len(tab.last_good)
    tab.last_good.clear()
    gc.collect()
    freed = kept - tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert freed < 2 * (64 << 10), requests  # the estimate is no more than half of what it takes


def test_the_requests_and_attempts_of_many_strangers_take_little():
    gc.collect()
    tracemalloc.start()
    latest = LatestRequests()
    for i in range(MAX_PAGES + 100):
        latest.record(f"{i:064d}", {"count": i, "junk": "j" * 1000})
    throttle = LoginThrottle()
    for i in range(login_throttle.MAX_KEPT):
        throttle.failed(f"2001:db8:{i:x}::/64", f"{i}" + "u" * 4000)
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(latest) == MAX_PAGES
    assert size < 16 << 20


def test_a_client_that_reads_nothing_is_cut_off(monkeypatch):
    monkeypatch.setattr(request_guard, "SEND_SECONDS", 0.05)

    class Server:
        auth = None
        state_holder = ValuelessStateHolder()

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        finished.append(True)

    finished = []

    async def never_sent(message):
        if message["type"] == "http.response.body":
            await anyio.sleep_forever()

    scope = {"type": "http", "method": "GET", "path": "/config", "client": ("1.1.1.1", 1), "app": Server}
    scope |= {"query_string": b"", "headers": [(b"host", b"localhost")]}
    run_apart(RequestGuard(app)(scope, None, never_sent))
    assert not finished
