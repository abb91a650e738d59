"""Slow and many connections."""

from __future__ import annotations

import asyncio
import socket

import anyio
import uvicorn
from event_loop import run_apart

from explorer.ui.security import request_guard
from explorer.ui.security.connections import with_header_timeout
from explorer.ui.security.request_guard import RequestGuard
from explorer.ui.session_state import ValuelessStateHolder

API = "/gradio_api"


def test_a_body_that_does_not_arrive_is_given_up(user, guarded, monkeypatch):
    monkeypatch.setattr(request_guard, "BODY_SECONDS", 0.2)
    host, port = "127.0.0.1", guarded.server_port
    cookie = "; ".join(f"{name}={value}" for name, value in user.cookies.items())
    with socket.create_connection((host, port), timeout=20) as raw:
        raw.sendall(
            f"POST {API}/queue/join HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n"
            'Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"data"'.encode()
        )
        assert raw.recv(100).split()[1] == b"408"


def test_a_header_that_does_not_arrive_is_given_up():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def ask():
        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off")
        config.load()
        config.http_protocol_class = with_header_timeout(config.http_protocol_class, 0.3)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        answers = []
        for first, second in ((b"", b""), (b"GET / HT", b""), (whole, b"GET / HTTP/1.1\r\nHo"), (whole, whole)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(first)
            received = await reader.readuntil(b"ok") if first == whole else b""
            writer.write(second)
            if second == whole:
                received += await reader.readuntil(b"ok")
            else:
                received += await asyncio.wait_for(reader.read(), 10)  # until the server closes
            answers.append(received.count(b"ok"))
            writer.close()
        server.should_exit = True
        await serving
        return answers

    assert run_apart(ask()) == [0, 0, 1, 2]


def test_one_address_opens_a_limited_number_of_streams(monkeypatch):
    monkeypatch.setattr(request_guard, "MAX_STREAMS", 3)
    entered, statuses = [], []

    class Server:
        auth = None
        state_holder = ValuelessStateHolder()

    async def app(scope, receive, send):
        entered.append(scope["path"])
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(guard, address, release):
        async def receive():
            await release.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {"type": "http", "method": "GET", "path": f"{API}/heartbeat/a", "client": (address, 1), "app": Server}
        headers = [(b"host", b"localhost")]
        await guard(scope | {"query_string": b"", "headers": headers}, receive, send)

    async def many():
        guard = RequestGuard(app)
        release = asyncio.Event()
        async with anyio.create_task_group() as group:
            for address in ["1.1.1.1"] * 5 + ["2.2.2.2"]:
                group.start_soon(ask, guard, address, release)
            await anyio.wait_all_tasks_blocked()
            release.set()
        await ask(guard, "1.1.1.1", release)

    run_apart(many())
    assert len(entered) == 3 + 1 + 1
    assert sorted(statuses) == [200] * 5 + [429] * 2
