"""An Ethernet switch in user space whose links delay, lose and stop frames, as ``tc netem`` does where the kernel has it.

Run as a process of its own: ``python -m explorer.bench.virtual_switch PREFIX PORTS`` creates the TAP devices PREFIX0 to
PREFIX(PORTS - 1) and reads commands as lines of JSON from standard input, see :class:`Switch`. It ends with its input.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import select
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000  # linux/if_tun.h
MAX_FRAME = 1 << 16
FRAMES_PER_TURN = 64  # read from one port before the others have their turn
BROADCAST_BIT = 1  # of the first byte of a MAC address


def mac_address(port: int) -> str:
    """The MAC address of the device at a port; its last byte tells the switch where to send a frame."""
    return f"02:00:00:00:00:{port:02x}"


@dataclass
class Link:
    """The cable between a device and the switch.

    Attributes:
        delay: seconds in each direction.
        loss: probability from 0 to 1 that a frame is lost, in each direction.
        up: whether it carries frames.
        sent, received: bytes that the device has sent and received, with Ethernet headers, lost frames not counted.
    """

    delay: float = 0.0
    loss: float = 0.0
    up: bool = True
    sent: int = 0
    received: int = 0

    def loses(self) -> bool:
        """Whether the next frame is lost."""
        return not self.up or (self.loss > 0 and random.random() < self.loss)


class Switch:
    """Forwards frames among TAP devices.

    Commands: ``{"port": 1, "delay": 0.02, "loss": 0.01, "up": true}`` changes the named properties of a link. Each
    command, also an empty one, is answered with the bytes ``[sent, received]`` of every link.
    """

    def __init__(self, prefix: str, ports: int) -> None:
        self._devices = [_open_tap(f"{prefix}{port}") for port in range(ports)]
        self._links = [Link() for _ in range(ports)]
        self._on_the_way: list[tuple[float, int, int, bytes]] = []  # heap of (due time, order, port, frame)
        self._count = 0

    def run(self) -> None:
        """Forward frames until standard input ends."""
        poll = select.epoll()
        ports = {device: port for port, device in enumerate(self._devices)}
        for descriptor in (*self._devices, sys.stdin.fileno()):
            poll.register(descriptor, select.EPOLLIN)
        while True:
            for descriptor, _ in poll.poll(self._seconds_to_next()):
                if descriptor not in ports:
                    if not self._obey(sys.stdin.readline()):
                        return
                    continue
                try:
                    self._receive(ports[descriptor])
                except OSError:  # the device was removed together with its namespace
                    poll.unregister(descriptor)
            self._deliver()

    def _seconds_to_next(self) -> float:
        """Until the next frame is due; negative if there is none."""
        return max(0.0, self._on_the_way[0][0] - time.monotonic()) if self._on_the_way else -1

    def _obey(self, line: str) -> bool:
        """Execute a command and answer it. Returns False at the end of the input."""
        if not line:
            return False
        command: dict[str, Any] = json.loads(line)
        if command:
            link = self._links[command.pop("port")]
            for name, value in command.items():
                setattr(link, name, value)
        print(json.dumps([(link.sent, link.received) for link in self._links]), flush=True)
        return True

    def _receive(self, port: int) -> None:
        """Read frames from a device and send them on their way."""
        for _ in range(FRAMES_PER_TURN):
            try:
                frame = os.read(self._devices[port], MAX_FRAME)
            except BlockingIOError:
                return
            link = self._links[port]
            if link.loses():
                continue
            link.sent += len(frame)
            broadcast = frame[0] & BROADCAST_BIT
            for target in range(len(self._devices)) if broadcast else (frame[5],):
                if target != port and target < len(self._devices) and not self._links[target].loses():
                    due = time.monotonic() + link.delay + self._links[target].delay
                    self._count += 1
                    heapq.heappush(self._on_the_way, (due, self._count, target, frame))

    def _deliver(self) -> None:
        """Write the frames that are due. A device whose queue is full loses them."""
        now = time.monotonic()
        while self._on_the_way and self._on_the_way[0][0] <= now:
            _, _, port, frame = heapq.heappop(self._on_the_way)
            with suppress(OSError):
                os.write(self._devices[port], frame)
                self._links[port].received += len(frame)


def _open_tap(name: str) -> int:
    """Create a TAP device that exists as long as this process. Returns its file descriptor."""
    import fcntl  # Unix only, like the devices

    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return device


if __name__ == "__main__":
    with suppress(OSError):
        os.nice(-10)  # a switch must not be slowed down by the load of the machines that it joins
    switch = Switch(sys.argv[1], int(sys.argv[2]))
    print("ready", flush=True)
    switch.run()
