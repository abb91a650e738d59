"""HTTP over plain sockets, so that requests may be wrong in every way."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from urllib.parse import urlsplit

from explorer.fuzz.server_attacks import HttpRequest

CONNECT_SECONDS, READ_SECONDS, SILENT_SECONDS = 20.0, 60.0, 3.0
MAX_READ = 1 << 16  # bytes


class RawClient:
    """A client that opens a connection for each request, and may leave it open.

    Args:
        url: of the server.
        source: local address of the connections; any if empty.
    """

    def __init__(self, url: str, source: str = "") -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "https"
        self._host, self._root = parts.hostname or "", parts.path.rstrip("/")
        self._address = self._host, parts.port or (443 if self._is_tls else 80)
        self._source = (source, 0) if source else None
        self._open: list[socket.socket] = []

    @property
    def left_open(self) -> int:
        """Number of connections that are left open."""
        return len(self._open)

    def send(self, request: HttpRequest) -> tuple[int, str]:
        """Send a request. Return its status and what was read of the response.

        The status is 0 if the connection was left open, closed without a response, or nothing came in time.
        """
        try:
            connection = self._connect()
        except OSError:
            return 0, ""
        data = self._to_bytes(request)
        with suppress(OSError):  # the server may answer and close before it has everything
            connection.sendall(data[: max(1, int(len(data) * request.sent))])
        if request.is_left_open:
            self._open.append(connection)
            return 0, ""
        text = self._read(connection)
        connection.close()
        status = text.split(" ", 2)[1] if text.startswith("HTTP/") and text.count(" ") > 1 else ""
        return int(status) if status.isdigit() else 0, text

    def close(self, keep: int = 0) -> None:
        """Close the connections that were left open, but for the newest ``keep``."""
        while len(self._open) > keep:
            self._open.pop(0).close()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, CONNECT_SECONDS, self._source)
        if self._is_tls:
            return ssl.create_default_context().wrap_socket(connection, server_hostname=self._host)
        return connection

    def _to_bytes(self, request: HttpRequest) -> bytes:
        headers = {"host": f"{self._address[0]}:{self._address[1]}", "connection": "close"} | dict(request.headers)
        if request.body or request.method == "POST":
            headers.setdefault("content-length", str(len(request.body)))
        lines = [f"{request.method} {self._root}{request.path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + request.body

    def _read(self, connection: socket.socket) -> str:
        """Read until the end, until the response is long, or until nothing more comes for a while, as in a stream."""
        data, deadline = b"", time.monotonic() + READ_SECONDS
        while len(data) < MAX_READ and time.monotonic() < deadline:
            connection.settimeout(SILENT_SECONDS if data else max(0.1, deadline - time.monotonic()))
            try:
                part = connection.recv(MAX_READ)
            except OSError:
                break
            if not part:
                break
            data += part
        return data.decode("utf-8", "replace")
