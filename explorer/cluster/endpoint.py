"""One address at which a replica answers: its connections, and what is known about it."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Lock

from explorer.cluster.addresses import Place
from explorer.cluster.latency import Latency
from explorer.cluster.wire_format import ReplicaInfo

CONNECT_TIMEOUT = 2.0  # seconds
# A connection whose other side does not acknowledge anything is closed by the system after about 10 seconds, so that a call
# is not bound to a link that failed. A replica that computes for longer acknowledges all the same.
KEEPALIVE = {"TCP_KEEPIDLE": 4, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 10_000}
MAX_IDLE = 30.0  # seconds after which an unused connection is closed; replicas keep one for longer
ANSWER_LIMIT = 1 << 30  # bytes
TRANSPORT_ERRORS = (OSError, HTTPException)  # the request got no answer


class Refused(Exception):
    """A replica has answered with another status than 200.

    Attributes:
        status: of HTTP.
        text: the answer.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text}")
        self.status, self.text = status, text


class Endpoint:
    """A replica's address. It can be used from any thread.

    Attributes:
        place: host and port.
        given: whether the user named it, in contrast to one that a replica announced.
        info: the latest answer of the replica about itself; None before the first one.
        latency: how long its calls take.
        outstanding: rows of this client that it computes at the moment.
        is_up: whether calls are sent to it: it has answered, and no later request was left without an answer.
        serves_other: whether it serves another checkpoint than the one expected.
        answered: when it last answered, as ``time.monotonic`` measures it.
        measured: when a call was last measured.
        probed: when it was last probed.
        is_probing: whether a probe is under way.
        problem: why it is not up, for messages.

    Args:
        tls: settings of encrypted connections; None for others.
        token: sent with each request, unless empty.
    """

    def __init__(self, place: Place, tls: ssl.SSLContext | None = None, token: str = "", given: bool = False) -> None:
        self.place, self.given, self._tls = place, given, tls
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._idle: list[tuple[float, HTTPConnection]] = []
        self._lock = Lock()
        self.info: ReplicaInfo | None = None
        self.latency, self.outstanding = Latency(), 0
        self.is_up, self.serves_other = False, False
        self.answered = self.measured = self.probed = 0.0
        self.is_probing = False
        self.problem = "no answer yet"

    def __repr__(self) -> str:
        return f"Endpoint({self.place}, {'up' if self.is_up else self.problem})"

    def set_down(self, problem: object) -> None:
        """Send no more calls to it until it has answered a probe."""
        self.is_up, self.problem = False, str(problem) or type(problem).__name__

    def begin(self, rows: int) -> int:
        """Count the rows of a call that is sent. Returns how many rows the replica now has to compute."""
        with self._lock:
            self.outstanding += rows
            return self.outstanding

    def end(self, rows: int) -> None:
        """Count the rows of a call no more."""
        with self._lock:
            self.outstanding -= rows

    def probe(self, timeout: float) -> ReplicaInfo:
        """Ask the replica about itself.

        Raises:
            OSError, HTTPException: it does not answer in time.
            Refused: with a status.
            ValueError: with something else than its description.
        """
        started = time.monotonic()
        self.info = ReplicaInfo.from_json(Exchange(self, "GET", b"", timeout).answer())
        self.answered = time.monotonic()
        self.latency.add_request(self.answered - started)
        return self.info

    def connection(self, timeout: float | None) -> tuple[HTTPConnection, bool]:
        """A connection, and whether it was used before.

        Raises:
            OSError: it cannot be made.
        """
        with self._lock:
            while self._idle:
                since, connection = self._idle.pop()
                if time.monotonic() - since < MAX_IDLE:
                    return connection, True
                connection.close()
        return self.new_connection(timeout), False

    def new_connection(self, timeout: float | None) -> HTTPConnection:
        """A connection that was not used before. Raises OSError if it cannot be made."""
        host, port = self.place
        timeout = min(timeout or CONNECT_TIMEOUT, CONNECT_TIMEOUT)
        if self._tls is None:
            connection = HTTPConnection(host, port, timeout=timeout)
        else:
            connection = HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        connection.connect()
        assert connection.sock is not None
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE.items():
            if hasattr(socket, option):  # the names of Linux
                connection.sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        return connection

    def keep(self, connection: HTTPConnection) -> None:
        """Keep a connection for the next request."""
        with self._lock:
            self._idle.append((time.monotonic(), connection))

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            while self._idle:
                self._idle.pop()[1].close()

    @property
    def headers(self) -> dict[str, str]:
        """Of every request."""
        return self._headers


class Exchange:
    """A request and its answer, which another thread can give up.

    Args:
        body: of a POST.
        timeout: seconds without a byte from the replica; None for as long as the connection is alive.
    """

    def __init__(self, endpoint: Endpoint, method: str, body: bytes, timeout: float | None = None) -> None:
        self._endpoint, self._method, self._body, self._timeout = endpoint, method, body, timeout
        self._connection: HTTPConnection | None = None
        self._is_aborted, self._lock = False, Lock()

    def answer(self) -> bytes:
        """Send the request, and return the content of the answer.

        Raises:
            OSError, HTTPException: there is none.
            Refused: the status is not 200.
        """
        connection, was_used = self._endpoint.connection(self._timeout)
        try:
            return self._send(connection)
        except TRANSPORT_ERRORS:
            connection.close()
            if not was_used or self._is_aborted:
                raise
        connection = self._endpoint.new_connection(self._timeout)  # the replica had closed the idle one
        try:
            return self._send(connection)
        except TRANSPORT_ERRORS:
            connection.close()
            raise

    def _send(self, connection: HTTPConnection) -> bytes:
        with self._lock:
            if self._is_aborted:
                raise ConnectionAbortedError("given up")
            self._connection = connection
        assert connection.sock is not None
        connection.sock.settimeout(self._timeout)
        connection.request(self._method, "/about" if self._method == "GET" else "/", self._body, self._endpoint.headers)
        response: HTTPResponse = connection.getresponse()
        if response.length is None or response.length > ANSWER_LIMIT:
            raise HTTPException("an answer without a length, or with too large a one")
        content = response.read()  # all of it, otherwise IncompleteRead
        with self._lock:
            self._connection = None
        if response.will_close:
            connection.close()
        else:
            self._endpoint.keep(connection)
        if response.status != 200:
            raise Refused(response.status, content[:500].decode(errors="replace"))
        return content

    def abort(self) -> None:
        """Give the request up. :meth:`answer` raises in its thread."""
        with self._lock:
            self._is_aborted = True
            if self._connection is not None and self._connection.sock is not None:
                with suppress(OSError):
                    self._connection.sock.shutdown(socket.SHUT_RDWR)
