"""Middleware in front of Gradio's server: it limits the size of requests and adds security headers to responses."""

from __future__ import annotations

import os
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.media.uploads import MAX_FILE

MAX_BODY = MAX_FILE * 4 // 3 + (1 << 20)  # bytes: an uploaded picture arrives as base64 in JSON
MAX_FILE_NAME = 255  # bytes; Gradio fails on paths with longer names
IFRAME_RESIZER_HOST = "https://cdnjs.cloudflare.com"  # Gradio loads its iframe resizer from here on Spaces


def content_security_policy(script_hosts: Iterable[str] = ()) -> str:
    """Return the Content-Security-Policy header.

    Gradio needs inline scripts and eval. Other hosts are blocked, except ``script_hosts`` for scripts. ``frame-ancestors`` is
    left open, because Spaces and notebooks show the page in an iframe.
    """
    return "; ".join(
        [
            "default-src 'self'",
            " ".join(["script-src 'self' 'unsafe-inline' 'unsafe-eval'", *script_hosts]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        ]
    )


class RequestGuard:
    """ASGI middleware. It rejects bodies larger than :data:`MAX_BODY` and Gradio's upload route, and adds the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "Content-Security-Policy": content_security_policy(
                [IFRAME_RESIZER_HOST] if "SPACE_ID" in os.environ else []
            ),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        received_bytes = 0

        async def limited_receive() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > MAX_BODY:
                raise HTTPException(413, "The request is too large.")
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        app = rejection(scope) or self.app
        return await app(scope, limited_receive, send_with_headers)


def rejection(scope: Scope) -> PlainTextResponse | None:
    """Return the error response to a request that must not reach Gradio; None for an allowed request."""
    content_length = dict(scope["headers"]).get(b"content-length", b"0")
    if not content_length.isdigit() or len(content_length) > 15 or int(content_length) > MAX_BODY:
        return PlainTextResponse("The request is too large.", 413)
    if any(len(part.encode("utf-8", "replace")) > MAX_FILE_NAME for part in scope["path"].split("/")):
        return PlainTextResponse("Not found.", 404)
    if scope["method"] == "POST" and scope["path"].rstrip("/").endswith("/upload"):
        return PlainTextResponse("This route is disabled: the page sends a picture together with its run.", 403)
    return None
