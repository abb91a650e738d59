"""A time limit for the header of a request.

Uvicorn waits for the rest of a header for ever, so a client could keep any number of connections open that way.
"""

from __future__ import annotations

import asyncio
from typing import Any

HEADER_SECONDS = 20.0


def with_header_timeout(protocol: type[Any], seconds: float = HEADER_SECONDS) -> type[Any]:
    """Return a subclass of one of uvicorn's HTTP protocols that closes connections whose header does not arrive in time."""

    class TimedProtocol(protocol):  # type: ignore[misc]
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, error: Exception | None) -> None:
            self._stop()
            super().connection_lost(error)

        def _watch(self) -> None:
            if self._is_handling_request():
                self._stop()
            elif self._timer is None:
                self._timer = self.loop.call_later(seconds, self._close)

        def _is_handling_request(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _close(self) -> None:
            self._timer = None
            if not self._is_handling_request() and not self.transport.is_closing():
                self.transport.close()

    return TimedProtocol
