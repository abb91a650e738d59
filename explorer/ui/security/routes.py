"""The routes of Gradio's server that the app needs, with their limits, and the ones that it refuses.

Every route of the installed Gradio must be in :data:`ALLOWED` or in :data:`REFUSED`, which a test checks. A request for
any other path is answered with 404, so a route of a later release stays closed until somebody has looked at it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from explorer.media.uploads import MAX_FILE

SMALL_BODY = 64 << 10  # bytes, of every request that carries no picture
LOGIN_BODY = 4 << 10
PICTURE_BODY = MAX_FILE * 4 // 3 + SMALL_BODY  # bytes: an uploaded picture arrives as base64 in JSON
SESSION_HASH = "[A-Za-z0-9_-]{1,64}"

# What a parameter of a path may be. "session_hash" is chosen by the page, "event_id" by Gradio.
PARAMETERS = {
    "api_name": "[A-Za-z0-9_]{1,64}",
    "event_id": "[0-9a-f]{32}",
    "path": ".+",
    "path_or_url": "(?![A-Za-z][A-Za-z0-9+.-]+:).+",  # no URL: the server fetches nothing for others
    "session_hash": SESSION_HASH,
    "size": "[0-9]{1,4}",
    "version": "[0-9a-f]+",
}

JSON = ("application/json",)
FORM = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True)
class Route:
    """A route that is open.

    Attributes:
        methods: HTTP methods.
        path: path template, as Gradio registers it, without a slash at the end.
        content_types: of the body; empty for a route without a body.
        max_body: maximum size of the body in bytes.
        needs_login: whether a user must be logged in, in an app with logins.
        streams: whether the response stays open, as server-sent events.
        results: "requested" if it requests a run whose results come in a stream, "streamed" if it is that stream.
    """

    methods: str
    path: str
    content_types: tuple[str, ...] = ()
    max_body: int = 0
    needs_login: bool = True
    streams: bool = False
    results: Literal["", "requested", "streamed"] = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of the path, with a slash at the end or without."""
        parts = re.split(r"\{(\w+)(?::path)?\}", self.path)  # text and names of parameters in turn
        return re.compile(
            "".join(f"(?P<{part}>{PARAMETERS[part]})" if i % 2 else re.escape(part) for i, part in enumerate(parts))
            + "/?",
            re.DOTALL,
        )

    def parameters(self, path: str) -> dict[str, str]:
        """Return the parameters in a path of this route, by name."""
        match = self.pattern.fullmatch(path)
        return match.groupdict() if match else {}


API = "/gradio_api"
ALLOWED = (
    # The page, its files, and the login
    Route("GET HEAD", "/", needs_login=False),  # without a login it is Gradio's login page
    Route("GET HEAD", "/assets/{path:path}", needs_login=False),
    Route("GET HEAD", "/static/{path:path}", needs_login=False),
    Route("GET HEAD", "/explorer-static/{version}/{path:path}", needs_login=False),
    Route("GET HEAD", "/favicon.ico", needs_login=False),
    Route("GET", "/theme.css", needs_login=False),
    Route("GET", f"{API}/theme.css", needs_login=False),
    Route("GET HEAD", "/robots.txt", needs_login=False),
    Route("GET", "/manifest.json", needs_login=False),
    Route("GET", "/pwa_icon", needs_login=False),
    Route("GET", "/pwa_icon/{size}", needs_login=False),
    Route("GET HEAD", f"{API}/startup-events", needs_login=False),  # Gradio calls it itself when it starts
    Route("POST", "/login", FORM, LOGIN_BODY, needs_login=False),
    Route("GET", "/logout"),
    Route("GET", f"{API}/user"),
    Route("GET", f"{API}/login_check"),
    # Runs
    Route("GET", "/config"),
    Route("GET", f"{API}/info"),
    Route("GET", f"{API}/openapi.json"),
    Route("GET", f"{API}/heartbeat/{{session_hash}}", streams=True),
    Route("POST", f"{API}/queue/join", JSON, SMALL_BODY, results="requested"),
    Route("GET", f"{API}/queue/data", streams=True, results="streamed"),
    Route("POST", f"{API}/run/{{api_name}}", JSON, SMALL_BODY),
    Route("POST", f"{API}/api/{{api_name}}", JSON, SMALL_BODY),
    Route("POST", f"{API}/call/{{api_name}}", JSON, SMALL_BODY, results="requested"),
    Route("POST", f"{API}/call/v2/{{api_name}}", JSON, SMALL_BODY, results="requested"),
    Route("GET", f"{API}/call/{{api_name}}/{{event_id}}", streams=True, results="streamed"),
    Route("GET", f"{API}/call/v2/{{api_name}}/{{event_id}}", streams=True, results="streamed"),
    Route("GET HEAD", f"{API}/file={{path_or_url:path}}"),
    Route("POST", f"{API}/component_server", JSON, PICTURE_BODY),
)
# With the extra mcp. Without a login only, see launch_options.
MCP_ROUTES = tuple(
    Route("GET HEAD POST DELETE", API + path, JSON, SMALL_BODY, streams=True)
    for path in ("/mcp", "/mcp/sse", "/mcp/messages", "/mcp/schema")
)
# While ``gradio app.py`` reloads the app
RELOAD_ROUTES = (Route("GET", f"{API}/dev/reload", streams=True),)

# Routes of Gradio that stay closed, and why
REFUSED = {
    "/openapi.json": "describes all of Gradio's routes; the app's endpoints are described by /gradio_api/info",
    "/svelte/{path:path}": "for custom components, which the app has none of",
    "/monitoring": "statistics for the developer",
    "/monitoring/summary": "statistics for the developer",
    "/monitoring/{key}": "statistics for the developer",
    f"{API}/deep_link": "writes a file for every call; the address of the page holds its state",
    f"{API}/token": "returns the token of the login",
    f"{API}/app_id": "tells whether the server was restarted",
    f"{API}/runs": "the history of runs is switched off",
    f"{API}/run-history/connect": "the history of runs is switched off",
    f"{API}/run-history/buckets": "the history of runs is switched off",
    f"{API}/run-history/records": "the history of runs is switched off",
    f"{API}/run-history/records/{{endpoint}}/{{record_id}}/assets/{{asset_id}}": "the history of runs is switched off",
    f"{API}/custom_component/{{id}}/{{environment}}/{{type}}/{{file_name}}": "the app has no custom components",
    f"{API}/proxy={{url_path:path}}": "the server fetches nothing for others",
    f"{API}/stream/{{event_id}}": "the app streams no sound or film",
    f"{API}/stream/{{event_id}}/close": "the app streams no sound or film",
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/playlist.m3u8": "the app streams no sound or film",
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/{{segment_id}}.{{ext}}": "the app streams no sound or film",
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/playlist-file": "the app streams no sound or film",
    f"{API}/file/{{path:path}}": "another spelling of /gradio_api/file=",
    f"{API}/reset": "does nothing",
    f"{API}/cancel": "ends runs of others by their session, without a login; a run ends when its listener goes away",
    f"{API}/queue/status": "how many runs of others are waiting",
    f"{API}/upload_progress": "nothing is uploaded to files",
    f"{API}/upload": "writes files; the page sends a picture together with its run",
    f"{API}/process_recording": "writes files",
    f"{API}/vibe-edit": "edits the source code of the app",
    f"{API}/undo-vibe-edit": "edits the source code of the app",
    f"{API}/vibe-code": "edits the source code of the app",
    f"{API}/vibe-starter-queries": "edits the source code of the app",
    f"{API}/profiling/traces": "statistics for the developer",
    f"{API}/profiling/summary": "statistics for the developer",
    f"{API}/profiling/clear": "statistics for the developer",
    f"{API}/dev/reload": "open only while GRADIO_WATCH_DIRS is set",
}


def is_session_hash(text: str) -> bool:
    """Whether a text may name the session of a page."""
    return re.fullmatch(SESSION_HASH, text) is not None
