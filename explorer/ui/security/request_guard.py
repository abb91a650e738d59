"""Middleware in front of Gradio's server: only known routes pass, with small and valid requests of this site's own pages."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio
from starlette.datastructures import FormData, Headers, MutableHeaders
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.ui.client import client_name
from explorer.ui.listeners import TooManyUnheard
from explorer.ui.security import routes
from explorer.ui.security.calls import BadCall, check_call
from explorer.ui.security.headers import security_headers
from explorer.ui.security.hosts import FORWARDED_HEADERS, AllowedHosts
from explorer.ui.security.json_body import BadBody, check_json
from explorer.ui.security.login_throttle import LoginThrottle
from explorer.ui.security.result_streams import ResultStreams
from explorer.ui.security.routes import FORM, SMALL_BODY, Route
from explorer.ui.session_state import keep_no_values

MAX_FILE_NAME = 255  # bytes; Gradio fails on paths with longer names
MAX_QUERY = (
    4 << 10
)  # bytes; the address of a drawing of 500 points has 1.4 KiB, others have less than a tenth of the limit
BODY_SECONDS = 20.0  # for a small body to arrive
PICTURE_SECONDS = 120.0  # for the body with a picture to arrive, over a slow line
SEND_SECONDS = 60.0  # for a client to receive a part of a response; who reads more slowly is cut off
MAX_STREAMS = 400  # open at once for one client; a page needs two, and a class may share an address
MAX_PICTURES = 4  # bodies with a picture that one client may send at once
MAX_REQUESTED = 100  # requests of runs of one client that are passed on at once


class Refused(Exception):
    """A request that does not reach Gradio.

    Args:
        status: HTTP status of the response.
        text: of the response: what was expected.
        headers: of the response.
    """

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.response: Response = PlainTextResponse(text, status, headers)


class TooSlow(OSError):
    """A client that does not take its response."""


class RequestGuard:
    """ASGI middleware that lets through what is listed in :mod:`explorer.ui.security.routes`, and adds security headers.

    Args:
        app: the next ASGI app, Gradio's.
        hosts: names by which this server may be reached, besides those of :func:`hosts.default_hosts`.
        behind_proxy: whether a reverse proxy is announced. Only then the X-Forwarded headers count.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str] = (), behind_proxy: bool = False) -> None:
        self.app = app
        self.headers = security_headers()
        self.hosts = AllowedHosts(hosts)
        self.behind_proxy = behind_proxy
        self.routes = routes.ALLOWED + routes.MCP_ROUTES
        if os.environ.get("GRADIO_WATCH_DIRS"):
            self.routes += routes.RELOAD_ROUTES
        self.throttle = LoginThrottle()
        self.results = ResultStreams(app)
        self._open: Counter[tuple[str, str]] = Counter()  # requests that are being served, by kind and client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        keep_no_values(scope["app"])
        if scope["type"] != "http":  # the app has no web sockets
            return await send({"type": "websocket.close", "code": 1008})
        scope = self._read_forwarded_headers(scope)
        client = client_name(scope["client"][0]) if scope.get("client") else ""
        send = self._with_headers(send)
        try:
            route = self._check(scope)
            kinds = ["stream"] if route.streams else []
            kinds += ["picture"] if _content_length(scope) > SMALL_BODY else []
            kinds += ["request"] if route.results == "requested" else []
            with self._counted(client, kinds):
                return await self._pass_on(scope, receive, send, route, client)
        except Refused as refused:
            response = refused.response
        except BadBody as error:
            response = PlainTextResponse(str(error), 400)
        except (TooSlow, ClientDisconnect):  # ends the connection
            return None
        except BadCall as error:
            response = PlainTextResponse(str(error), error.status)
        except TooManyUnheard:
            text = "Too many runs were requested whose results are not fetched."
            response = PlainTextResponse(text, 429, {"Retry-After": "30"})
        return await response(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, route: Route, client: str) -> None:
        """Read and check the body, and pass the request on to Gradio."""
        if route.content_types == FORM:
            return await self._log_in(scope, receive, send, client)
        session = None
        if route.max_body and scope["method"] not in ("GET", "HEAD"):
            body = await _read_body(scope, receive, route.max_body)
            content = check_json(body)
            session = content.get("session_hash") if "/call/v2/" not in route.path else None
            if route not in routes.MCP_ROUTES:
                check_call(scope["app"].get_blocks(), route.path, route.parameters(_path(scope)), content)
            receive = _replay(body, receive)
        if route.results == "requested":
            return await self.results.request_run(scope, receive, send, client, session)
        if route.results == "streamed":
            return await self.results.stream(scope, receive, send, route, _path(scope))
        return await self.app(scope, receive, send)

    # ---- checks that need no body ----

    def _check(self, scope: Scope) -> Route:
        """Return the route of a request. Raise Refused if the request must not pass."""
        path, method, headers = _path(scope), scope["method"], Headers(scope=scope)
        if len(scope.get("query_string", b"")) > MAX_QUERY:
            raise Refused(414, f"The query of the address is longer than {MAX_QUERY >> 10} KiB.")
        if any(len(part.encode("utf-8", "replace")) > MAX_FILE_NAME for part in path.split("/")):
            raise Refused(404, "Not found.")
        matching = [route for route in self.routes if route.pattern.fullmatch(path)]
        route = next((route for route in matching if method in route.methods.split()), None)
        if route is None:
            raise Refused(405, "Method not allowed.") if matching else Refused(404, "Not found.")
        if refusal := self.hosts.refusal(method, dict(headers.items()) | {"host": self._host(headers)}):
            raise Refused(403, refusal)
        session = Request(scope).query_params.get("session_hash")
        if session is not None and not routes.is_session_hash(session):
            raise Refused(404, "Not found.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 15 or int(length) > route.max_body:
            raise Refused(413, f"The request is too large: expected at most {route.max_body} bytes.")
        if route.needs_login and not is_logged_in(scope):
            raise Refused(401, "Not authenticated.")
        if route.max_body and method == "POST":
            content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
            if content_type not in route.content_types:
                raise Refused(415, f"Expected the content type {' or '.join(route.content_types)}.")
        return route

    def _host(self, headers: Headers) -> str:
        forwarded = headers.get("x-forwarded-host", "").split(",")[0].strip() if self.behind_proxy else ""
        return forwarded or headers.get("host", "")

    def _read_forwarded_headers(self, scope: Scope) -> Scope:
        """Return the scope with the client's address, as an announced proxy reports it; else without the proxy's headers."""
        if self.behind_proxy:
            addresses = Headers(scope=scope).get("x-forwarded-for", "").split(",")
            last = addresses[-1].strip()  # the one that the proxy itself has seen
            return {**scope, "client": (last, 0)} if last else scope
        return {**scope, "headers": [entry for entry in scope["headers"] if entry[0].lower() not in FORWARDED_HEADERS]}

    # ---- limits ----

    @contextmanager
    def _counted(self, client: str, kinds: Sequence[str]) -> Iterator[None]:
        """Count a request among the open ones of its client."""
        most = {"stream": MAX_STREAMS, "picture": MAX_PICTURES, "request": MAX_REQUESTED}
        keys = [(kind, client) for kind in kinds]
        for kind, _ in keys:
            if self._open[kind, client] >= most[kind]:
                raise Refused(
                    429, f"There are {most[kind]} such requests of this address already.", {"Retry-After": "5"}
                )
        self._open.update(keys)
        try:
            yield
        finally:
            self._open.subtract(keys)
            for key in keys:
                if not self._open[key]:
                    del self._open[key]

    async def _log_in(self, scope: Scope, receive: Receive, send: Send, client: str) -> None:
        """Pass a login on to Gradio, unless wrong passwords make it wait."""
        body = await _read_body(scope, receive, routes.LOGIN_BODY)
        try:
            form = await Request(scope, _replay(body, receive)).form()
        except (MultiPartException, ValueError):
            form = FormData()
        user = str(form.get("username", ""))
        delay = self.throttle.delay(client, user)
        if delay > 0:
            seconds = math.ceil(delay)
            text = f"Too many wrong passwords. Try again in {seconds} s."
            response = JSONResponse({"detail": text}, 429, {"Retry-After": str(seconds)})
            return await response(scope, receive, send)
        self.throttle.failed(client, user)  # until it succeeds, so that attempts at the same time count as well

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                self.throttle.succeeded(client, user)
            await send(message)

        return await self.app(scope, _replay(body, receive), watch)

    # ---- the response ----

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                message["headers"] = [(name, _same_site(name, value)) for name, value in message["headers"]]
            try:
                with anyio.fail_after(SEND_SECONDS):
                    await send(message)
            except TimeoutError:
                raise TooSlow from None

        return send_with_headers


def is_logged_in(scope: Scope) -> bool:
    """Whether the request has the token of a login, or the app has no logins."""
    app: Any = scope["app"]
    if app.auth is None:
        return True
    cookies = HTTPConnection(scope).cookies
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(cookies.get(name) in app.tokens for name in names)


def _same_site(name: bytes, value: bytes) -> bytes:
    """Change the login's cookie, so that browsers do not send it with requests of other sites."""
    if name.lower() != b"set-cookie":
        return value
    parts = [part for part in value.split(b";") if not part.strip().lower().startswith(b"samesite=")]
    return b";".join([*parts, b" SameSite=Lax"])


def _path(scope: Scope) -> str:
    """Return the path below the root path, at which a proxy may serve the app."""
    path: str = scope["path"]
    for root in (scope.get("root_path", ""), getattr(scope.get("app"), "root_path", "")):
        if root and path.startswith(root + "/"):
            return path[len(root) :]
    return path


def _content_length(scope: Scope) -> int:
    return int(Headers(scope=scope).get("content-length", "0"))


async def _read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read the whole body. Raise Refused if it is too large or does not arrive in time."""
    seconds = PICTURE_SECONDS if _content_length(scope) > SMALL_BODY else BODY_SECONDS
    parts, size, more = [], 0, True
    try:
        with anyio.fail_after(seconds):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(400, "The request was broken off.")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise Refused(413, f"The request is too large: expected at most {limit} bytes.")
                more = message.get("more_body", False)
    except TimeoutError:
        raise Refused(408, f"The request did not arrive within {seconds:.0f} s.", {"Connection": "close"}) from None
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a function that delivers the body that was read, and then what comes after it."""
    is_sent = False

    async def receive_again() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
