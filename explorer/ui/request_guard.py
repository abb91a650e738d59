"""What stands between the open internet and Gradio's server: sizes of requests, and headers that keep a page to itself."""

from __future__ import annotations

import os
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.media.uploads import MAX_FILE

MAX_BODY = MAX_FILE * 4 // 3 + (1 << 20)  # bytes of a request: a picture that is brought travels as base64 in JSON
LONGEST_NAME = 255  # bytes of a file's; Gradio looks for files of longer ones, too, and fails
RESIZER = "https://cdnjs.cloudflare.com"  # what Gradio's page loads where it stands in the frame of a Space


def policy(script_hosts: Iterable[str] = ()) -> str:
    """The Content-Security-Policy. Gradio makes scripts of text, so inline ones and eval must be; nothing comes from or
    goes to another host. Who may frame the page is left open, for Spaces and notebooks do."""
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
    """ASGI middleware: refuses bodies beyond :data:`MAX_BODY` and Gradio's open upload route, and adds the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "Content-Security-Policy": policy([RESIZER] if "SPACE_ID" in os.environ else []),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise HTTPException(413, "The request is too large.")
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        app = self.app
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 15 or int(length) > MAX_BODY:
            app = PlainTextResponse("The request is too large.", 413)
        elif any(len(part.encode("utf-8", "replace")) > LONGEST_NAME for part in scope["path"].split("/")):
            app = PlainTextResponse("Not found.", 404)
        elif scope["method"] == "POST" and scope["path"].rstrip("/").endswith("/upload"):
            app = PlainTextResponse("Nothing is uploaded here: pictures that are brought travel with their run.", 403)
        return await app(scope, counted, guarded)
