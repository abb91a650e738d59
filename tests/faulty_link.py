"""A TCP connection to a server of this machine that can be slow, silent or cut, without any rights."""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class FaultyLink:
    """Forwards the connections to a port of its own to another port of this machine.

    Attributes:
        port: where it listens.
        delay: seconds by which what the server sends is late.
        cut_after: number of bytes of an answer after which the connection ends; None for all.
        is_silent: whether nothing is forwarded, and nothing is said about it, as when a cable is pulled.
    """

    def __init__(self, target: int) -> None:
        self.target, self.delay, self.is_silent = target, 0.0, False
        self.cut_after: int | None = None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __str__(self) -> str:
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        """Refuse further connections."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client, True), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, from_server: bool) -> None:
        with source, target, contextlib.suppress(OSError):
            while data := source.recv(1 << 20):
                if from_server:
                    time.sleep(self.delay)
                while self.is_silent:
                    time.sleep(0.01)
                if from_server and self.cut_after is not None:
                    target.sendall(data[: self.cut_after])
                    break
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
