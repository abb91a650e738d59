"""Several machines on one: network namespaces, each with its own address, joined by a switch whose links can fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from shutil import which

from explorer.bench.virtual_switch import mac_address

SUBNETS = "198.18"  # for benchmarks of networks, RFC 2544
HOST_NUMBER = 254  # last byte of the address of this machine itself


@cache
def why_unavailable() -> str:
    """Why this process cannot make a virtual network; empty if it can."""
    if which("ip") is None:
        return "there is no ip command: apt-get install iproute2"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "/dev/net/tun is missing or may not be opened"
    name = f"ddim-try-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"network namespaces need root ({tried.stderr.strip()})"
    subprocess.run(["ip", "netns", "delete", name], check=False)
    return ""


class VirtualMachine:
    """A machine with one device: a network namespace, and while it runs, a process namespace.

    Attributes:
        name: of the network namespace.
        address: IPv4 address.
        port: of the switch.
    """

    def __init__(self, name: str, address: str, port: int) -> None:
        self.name, self.address, self.port = name, address, port
        self._init: subprocess.Popen[bytes] | None = None  # outside; its child is process 1 of the machine

    def __repr__(self) -> str:
        return f"VirtualMachine({self.name}, {self.address})"

    def command(self, command: Sequence[str]) -> list[str]:
        """The command line that runs ``command`` on this machine, which is started if it does not run."""
        if self._init is None or self._init.poll() is not None:
            self._boot()
        assert self._init is not None
        first = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children").read_text().split()[0]
        return ["nsenter", f"--target={first}", "--net", "--pid", "--mount", "--", *command]

    def _boot(self) -> None:
        # Processes of one machine must not see those of another one: Ray looks for others of its kind.
        script = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", "echo; exec sleep infinity"]
        self._init = subprocess.Popen(
            ["ip", "netns", "exec", self.name, *script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        assert self._init.stdout is not None
        if not self._init.stdout.readline():
            raise ValueError(f"{self.name} does not start; the message is above")

    def processes(self) -> list[int]:
        """Ids of the processes that run on this machine, as seen from outside."""
        return [int(pid) for pid in _run("ip", "netns", "pids", self.name).split()]

    def kill(self) -> None:
        """Kill all processes of this machine at once, as when its power fails."""
        while pids := self.processes():
            subprocess.run(["kill", "-KILL", *map(str, pids)], capture_output=True, check=False)
        if self._init is not None:
            self._init.communicate()
            self._init = None


class VirtualNetwork:
    """Virtual machines and the switch between them, see :func:`virtual_network`.

    Attributes:
        machines: each in its own namespace.
        host_address: address of this machine itself, which is joined to the switch by a link without delay or loss.
    """

    def __init__(self, machines: Sequence[VirtualMachine], host_address: str, switch: subprocess.Popen[str]) -> None:
        self.machines, self.host_address, self._switch = tuple(machines), host_address, switch

    def set_link(self, machine: VirtualMachine, **properties: float | bool) -> None:
        """Change the link of a machine: ``delay`` in seconds each way, ``loss`` from 0 to 1, ``up``."""
        self._ask({"port": machine.port, **properties})

    def traffic(self, machine: VirtualMachine) -> tuple[int, int]:
        """Bytes that a machine has sent and received, with Ethernet headers."""
        sent, received = self._ask({})[machine.port]
        return sent, received

    def _ask(self, command: dict[str, object]) -> list[list[int]]:
        assert self._switch.stdin is not None
        assert self._switch.stdout is not None
        self._switch.stdin.write(json.dumps(command) + "\n")
        self._switch.stdin.flush()
        return json.loads(self._switch.stdout.readline())


@contextmanager
def virtual_network(machines: int = 2) -> Iterator[VirtualNetwork]:
    """Make virtual machines. At the end of the block all their processes are killed, and they are removed.

    This machine is joined to their network under :attr:`VirtualNetwork.host_address`.

    Raises:
        ValueError: this process lacks the right, or something else that it needs.
    """
    if problem := why_unavailable():
        raise ValueError(f"no virtual network can be made: {problem}")
    number = os.getpid() % 256
    subnet, prefix = f"{SUBNETS}.{number}", f"ddim{number}p"
    with ExitStack() as stack:
        switch = subprocess.Popen(
            [sys.executable, "-m", "explorer.bench.virtual_switch", prefix, str(machines + 1)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(switch.wait)
        assert switch.stdin is not None
        assert switch.stdout is not None
        stack.callback(switch.stdin.close)
        if switch.stdout.readline() != "ready\n":
            raise ValueError("no virtual network can be made: the switch does not start; its message is above")
        found = []
        for port in range(1, machines + 1):
            machine = VirtualMachine(f"ddim-{os.getpid()}-{port}", f"{subnet}.{port}", port)
            _run("ip", "netns", "add", machine.name)
            stack.callback(_remove, machine)
            _run("ip", "link", "set", f"{prefix}{port}", "netns", machine.name)
            _run(*machine.command(["ip", "link", "set", "lo", "up"]))
            _configure(machine.command, f"{prefix}{port}", port, machine.address)
            found.append(machine)
        host_address = f"{subnet}.{HOST_NUMBER}"
        _configure(list, f"{prefix}0", 0, host_address)
        yield VirtualNetwork(found, host_address, switch)


def _configure(inside, device: str, port: int, address: str) -> None:  # type: ignore[no-untyped-def]
    """Give a device its addresses and start it. ``inside`` makes the command line that runs where the device is."""
    _run(*inside(["sysctl", "-q", "-w", f"net.ipv6.conf.{device}.disable_ipv6=1"]))
    _run(*inside(["ip", "link", "set", device, "address", mac_address(port), "up"]))
    _run(*inside(["ip", "address", "add", f"{address}/24", "dev", device]))


def _remove(machine: VirtualMachine) -> None:
    machine.kill()
    _run("ip", "netns", "delete", machine.name)


def _run(*command: str) -> str:
    """Run a command and return its output.

    Raises:
        ValueError: it failed; the message is its own.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
