"""``python -m explorer fuzz checkpoint|address|server --seconds N``."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol, runtime_checkable

from explorer.support.memory import peak_memory
from explorer.support.messages import Message, message_of

MAX_CPU_SECONDS = 5.0  # for one input; CPU time does not depend on what else the machine does
TIMEOUT_SECONDS = 30  # wall-clock time after which an input is interrupted
ABORT_SECONDS = 120  # wall-clock time after which the process is aborted, if it does not react to the interrupt
MAX_MEMORY_GROWTH = 1 << 30  # bytes by which one input may raise the peak memory
MAX_REPORTED = 1500  # characters of a traceback or of an input
MAX_FINDINGS = 20  # that are printed


class Target(Protocol):
    """Code under test.

    Attributes:
        expected_errors: what :meth:`run` may raise for an invalid input. Any other exception is a finding.
    """

    expected_errors: type[Exception]

    def generate(self, rng: random.Random) -> Any:
        """An input."""

    def run(self, test_input: Any) -> str:
        """Process an input. Returns a label of the outcome."""
        ...


@runtime_checkable
class WatchingTarget(Target, Protocol):
    """A target that looks at more than single inputs, such as what a server has kept in the end.

    Attributes:
        timeout_seconds: wall-clock time after which an input is interrupted.
    """

    timeout_seconds: float

    def finish(self) -> list[str]:
        """End, and return further findings."""
        ...

    def figures(self) -> str:
        """What was measured, in lines of text."""
        ...


class InputTimeout(BaseException):
    """An input took longer than :data:`TIMEOUT_SECONDS`."""


@dataclass
class Report:
    """The result of fuzzing.

    Attributes:
        inputs: how many inputs were run.
        outcomes: how often each outcome occurred.
        findings: descriptions of unexpected errors, of slow inputs and of high memory use.
    """

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.inputs} inputs, {len(self.outcomes)} distinct outcomes, {len(self.findings)} findings"]
        return "\n".join(lines + [f"{count:8} {outcome}" for outcome, count in self.outcomes.most_common()])


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise InputTimeout in the block after ``seconds`` of wall-clock time.

    Without the signal SIGALRM, as on Windows, nothing is raised; a block that hangs is then aborted by ``faulthandler``.
    """
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise InputTimeout

    previous_handler = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous_handler)


def fuzz(target: Target, seconds: float, seed: int = 0) -> Report:
    """Run random inputs for ``seconds``. Must be called in the main thread, because it uses signals.

    Args:
        seed: the i-th input depends only on ``seed`` and i.
    """

    report, deadline = Report(), time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            faulthandler.dump_traceback_later(ABORT_SECONDS, exit=True, file=2)
            test_input = target.generate(random.Random(f"{seed} {report.inputs}"))
            problem = _run(target, test_input, report)
            if problem:
                shown = str(test_input)[:MAX_REPORTED]
                report.findings.append(f"input {report.inputs} of seed {seed}: {problem}\n{shown}")
            report.inputs += 1
    finally:
        faulthandler.cancel_dump_traceback_later()
    return report


def _run(target: Target, test_input: Any, report: Report) -> str:
    """Run one input and count its outcome. Returns a description of the problem, or an empty string."""
    problem, memory, started = "", peak_memory(), time.process_time()
    timeout = target.timeout_seconds if isinstance(target, WatchingTarget) else TIMEOUT_SECONDS
    try:
        with time_limit(timeout):
            outcome = target.run(test_input)
    except target.expected_errors as error:
        message = message_of(error)
        outcome = f"{type(error).__name__} {message.key}" if isinstance(message, Message) else type(error).__name__
    except (Exception, InputTimeout) as error:
        outcome = f"! {type(error).__name__}"
        problem = traceback.format_exc()[-MAX_REPORTED:]
    report.outcomes[outcome] += 1
    if (cpu_seconds := time.process_time() - started) > MAX_CPU_SECONDS:
        problem += f"\nused {cpu_seconds:.1f} s of CPU time"
    if (growth := peak_memory() - memory) > MAX_MEMORY_GROWTH:
        problem += f"\nused {growth >> 20} MiB of memory"
    return problem


def make_target(name: str, url: str = "", pid: int | None = None, source: str = "") -> Target:
    """The target "checkpoint", "address" or "server".

    Args:
        url: address of the server; if empty, one is started.
        pid: process of the server at ``url``, if it runs on this machine.
        source: local address from which the server is attacked; any if empty.
    """
    if name == "checkpoint":
        from explorer.fuzz.checkpoint import CheckpointTarget

        return CheckpointTarget()
    if name == "address":
        from explorer.fuzz.address import AddressTarget

        return AddressTarget()
    from explorer.fuzz.server import ServerTarget
    from explorer.fuzz.server_process import WatchedServer, start_server

    return ServerTarget(WatchedServer(url, pid) if url else start_server(), source)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m explorer fuzz", description="Look for inputs that break the app.")
    parser.add_argument(
        "target",
        choices=("checkpoint", "address", "server"),
        help="what to fuzz: checkpoint folders, addresses of the page, or a running server",
    )
    parser.add_argument("--seconds", type=float, default=600, help="how long to run (default 600)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same inputs (default 0)")
    parser.add_argument("--url", default="", help="server: its address (default: start one, with a tiny checkpoint)")
    parser.add_argument("--pid", type=int, help="server: process at --url, whose memory, files and sockets are watched")
    parser.add_argument("--source", default="", help="server: local address from which it is attacked (default: any)")
    args = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # diffusers warns about unknown entries of configs
    target = make_target(args.target, args.url, args.pid, args.source)
    report = fuzz(target, args.seconds, args.seed)
    if isinstance(target, WatchingTarget):
        report.findings += target.finish()
    for finding in report.findings[:MAX_FINDINGS]:
        print(finding, end="\n\n")
    print(report)
    if isinstance(target, WatchingTarget):
        print(target.figures())
    return 1 if report.findings else 0
