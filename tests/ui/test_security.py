"""What the guard in front of Gradio lets through, and what it refuses. See also test_request_guard.py."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time

import anyio
import httpx
import pytest
import uvicorn
from tab_values import TOY

from explorer.ui.app import build, launch_options
from explorer.ui.security import request_guard
from explorer.ui.security.connections import with_header_timeout
from explorer.ui.security.hosts import AllowedHosts, name_of
from explorer.ui.security.json_body import MAX_DEPTH, BadBody, check_json
from explorer.ui.security.login_throttle import LoginThrottle
from explorer.ui.security.request_guard import RequestGuard
from explorer.ui.security.routes import ALLOWED, MCP_ROUTES, PICTURE_BODY, REFUSED, RELOAD_ROUTES, SMALL_BODY

API = "/gradio_api"


@pytest.fixture(scope="module")
def demo():
    """An app as with ``--public``, and with a login."""
    demo = build({"toy": TOY})
    options = launch_options([("teacher", "secret")])
    demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **options)
    yield demo
    demo.close()


@pytest.fixture
def stranger(demo):
    with httpx.Client(base_url=demo.local_url, timeout=20) as client:
        yield client


@pytest.fixture
def user(stranger):
    """A client that is logged in."""
    answer = stranger.post("login", data={"username": "teacher", "password": "secret"})
    assert answer.status_code == 200
    return stranger


# Routes


def registered(routes, prefix=""):
    """The paths of all routes of a FastAPI app, those of included routers and mounted apps as well."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from registered(route.original_router.routes, prefix + route.include_context.prefix)
        elif hasattr(route, "path"):
            yield prefix + route.path, tuple(sorted(getattr(route, "methods", None) or ()))


def test_every_route_of_the_installed_gradio_is_allowed_or_refused_by_name(demo):
    known = {route.path for route in (*ALLOWED, *MCP_ROUTES, *RELOAD_ROUTES)} | set(REFUSED)
    found = {path.rstrip("/") or "/" for path, _ in registered(demo.app.routes)}
    assert len(found) > 40
    assert found - known == set()


def test_every_method_of_an_allowed_route_is_listed(demo):
    listed = {route.path: set(route.methods.split()) for route in ALLOWED}
    for path, methods in registered(demo.app.routes):
        path = path.rstrip("/") or "/"
        if path in listed:
            assert set(methods) - {"HEAD"} <= listed[path], path


def filled(path: str) -> str:
    """A path with values for its parameters."""
    values = {"session_hash": "abc", "event_id": "0" * 32, "api_name": "steps", "size": "64"}
    for name in ("path:path", "url_path:path", "path_or_url:path"):
        path = path.replace(f"{{{name}}}", "x")
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    return path.replace("{", "").replace("}", "")


@pytest.mark.parametrize("path", REFUSED)
def test_a_refused_route_is_not_found_even_for_a_user(demo, user, path):
    for method in ("GET", "POST"):
        assert user.request(method, filled(path)).status_code in (404, 405)


@pytest.mark.parametrize("path", ["/gradio_api/new-route", "/docs", "/redoc", "/gradio_api/queue", "/gradio_api/"])
def test_an_unknown_route_is_not_found(user, path):
    assert user.get(path).status_code == 404


def test_nothing_but_the_login_and_the_files_of_its_page_can_be_read_without_a_login(stranger):
    for path in {route.path for route in ALLOWED if route.needs_login}:
        for method in ("GET", "POST"):
            answer = stranger.request(method, filled(path), json={} if method == "POST" else None)
            assert answer.status_code in (401, 405), path
    assert stranger.get("").status_code == 200
    assert "controls" not in stranger.get("").text


# Bodies


def test_recordings_and_uploads_leave_no_file(user, demo):
    def files():
        return sorted(os.listdir(demo.GRADIO_CACHE)) if os.path.isdir(demo.GRADIO_CACHE) else []

    before = files()
    for path in (f"{API}/process_recording", f"{API}/upload"):
        for field in ("video", "files", "file", "wrong"):
            assert user.post(path, files={field: ("a.webm", b"x" * 100_000)}).status_code == 404
    assert files() == before


@pytest.mark.parametrize("path", ["queue/join", "run/predict", "call/steps", "call/v2/steps", "api/predict"])
def test_a_request_without_a_picture_is_small(user, path):
    answer = user.post(f"{API}/{path}", json={"data": ["x" * SMALL_BODY], "session_hash": "a"})
    assert answer.status_code == 413


def test_a_request_with_a_picture_has_little_else():
    picture = "A" * (PICTURE_BODY // 2)
    check_json(json.dumps({"data": [picture], "fn_name": "receive_picture", "session_hash": "a"}).encode())
    for junk in ([picture, picture[: SMALL_BODY + 1]], [picture, ["x"] * SMALL_BODY], [picture, "x," * SMALL_BODY]):
        with pytest.raises(BadBody, match="one picture"):
            check_json(json.dumps({"data": junk}).encode())


@pytest.mark.parametrize("session", ["", "a" * 65, "a b", "../x", 7, ["a"], {"a": 1}, "ä"])
def test_a_session_is_named_by_a_short_word(user, session):
    for path in (f"{API}/queue/join", f"{API}/run/predict", f"{API}/component_server"):
        answer = user.post(path, json={"data": [], "session_hash": session})
        assert answer.status_code == 400
        assert "session_hash" in answer.text
    if isinstance(session, str) and session:
        assert user.get(f"{API}/queue/data", params={"session_hash": session}).status_code == 404
        assert user.get(f"{API}/heartbeat/{session}").status_code == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (b"\xff", "JSON"),
        (b'{"data": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "JSON|nested"),
        (b'{"data": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}", "nested"),
    ],
)
def test_a_body_that_is_no_flat_json_object_is_refused(body, message):
    with pytest.raises(BadBody, match=message):
        check_json(body)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "https://example.org/x", "ftp://x/y", "data:text/plain,x"])
def test_the_server_fetches_no_url_for_others(user, url):
    file = {"path": url, "meta": {"_type": "gradio.FileData"}}
    for data in ([file], [{"a": [file]}]):
        answer = user.post(f"{API}/run/predict", json={"data": data, "session_hash": "a"})
        assert (answer.status_code, "URL" in answer.text) == (400, True)
    if ":/" in url:
        assert user.get(f"{API}/file={url}").status_code == 404


def test_only_json_changes_anything(user):
    body = json.dumps({"data": [{"text": "x"}], "fn_name": "open_checkpoint", "session_hash": "a"})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = user.post(f"{API}/component_server", content=body, headers={"content-type": kind})
        assert answer.status_code == 415


# Other sites


def test_requests_of_other_pages_are_refused(user, demo):
    own = demo.local_url.rstrip("/")
    body = {"data": [], "session_hash": "a"}
    for origin in ("https://evil.example", "null", own.replace("127.0.0.1", "127.0.0.2"), own + "1"):
        assert user.post(f"{API}/queue/join", json=body, headers={"origin": origin}).status_code == 403
    answer = user.post(f"{API}/queue/join", json=body, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    answer = user.post(f"{API}/queue/join", json=body, headers={"origin": own, "sec-fetch-site": "same-origin"})
    assert answer.status_code != 403


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example", "[::1"])
def test_a_foreign_host_name_is_refused(stranger, name):
    assert stranger.get("", headers={"host": name}).status_code in (400, 403)


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("localhost:7860", True),
        ("LOCALHOST", True),
        ("127.0.0.1:1", True),
        ("[::1]:7860", True),
        ("192.168.0.7", True),
        ("ddim.example.org:443", True),
        ("a.school.example", True),
        ("a.b.school.example", False),
        ("school.example", False),
        ("example.org", False),
        ("evil", False),
    ],
)
def test_names_must_be_announced_and_addresses_need_not_be(host, is_allowed):
    assert (name_of(host) in AllowedHosts(["ddim.example.org", "*.School.example"])) == is_allowed


def test_a_proxy_that_is_not_announced_is_not_believed(user):
    answer = user.get("config", headers={"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"})
    assert answer.status_code == 200
    assert "evil.example" not in answer.text


# Logins


def test_the_cookie_of_a_login_is_not_sent_by_other_sites(stranger):
    answer = stranger.post("login", data={"username": "teacher", "password": "secret"})
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "samesite=lax" in cookie.lower()
        assert "samesite=none" not in cookie.lower()


def test_wrong_passwords_must_wait(stranger):
    answers = [stranger.post("login", data={"username": f"u{i}", "password": "no"}) for i in range(6)]
    assert [answer.status_code for answer in answers[:2]] == [400, 400]
    assert {answer.status_code for answer in answers[3:]} == {429}
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Try again in" in answers[-1].json()["detail"]
    deadline = time.monotonic() + 20
    while (answer := stranger.post("login", data={"username": "teacher", "password": "secret"})).status_code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert answer.status_code == 200


def test_the_delay_doubles_per_address_and_is_short_for_a_user():
    now = [0.0]
    throttle = LoginThrottle(clock=lambda: now[0])
    delays = []
    for _ in range(8):
        throttle.failed("1.2.3.4", "teacher")
        delays.append(throttle.delay("1.2.3.4", "x"))
    assert delays == [0, 1, 2, 4, 8, 16, 32, 64]
    assert throttle.delay("5.6.7.8", "teacher") == 10
    assert throttle.delay("5.6.7.8", "somebody") == 0
    now[0] = 11
    assert throttle.delay("5.6.7.8", "teacher") <= 0
    throttle.succeeded("1.2.3.4", "teacher")
    assert throttle.delay("1.2.3.4", "teacher") == 0


# Slow and many connections


def test_a_body_that_does_not_arrive_is_given_up(user, demo, monkeypatch):
    monkeypatch.setattr(request_guard, "BODY_SECONDS", 0.2)
    host, port = "127.0.0.1", demo.server_port
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

    assert asyncio.run(ask()) == [0, 0, 1, 2]


def test_one_address_opens_a_limited_number_of_streams(monkeypatch):
    monkeypatch.setattr(request_guard, "MAX_STREAMS", 3)
    entered, statuses = [], []

    class Server:
        auth = None

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

    asyncio.run(many())
    assert len(entered) == 3 + 1 + 1
    assert sorted(statuses) == [200] * 5 + [429] * 2
