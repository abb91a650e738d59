"""``python -m explorer fuzz checkpoint|address --seconds N``."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

from explorer.support.messages import Message, message_of

SLOW = 5.0  # seconds of the processor for one input: those of the clock depend on what else the machine does
HANGS = 30  # seconds of the clock after which it is broken off
STUCK = 120  # seconds after which the process is ended, if no signal comes through to it
MEMORY = 1 << 30  # bytes more than ever before, by one input
SHOWN = 1500  # characters of a finding


class Target(Protocol):
    """What is fuzzed: ``take`` says what came of an input, or raises ``named``; anything else that it raises is a finding."""

    named: type[Exception]

    def make(self, rng: random.Random) -> Any: ...

    def take(self, given: Any) -> str: ...


class Hangs(BaseException):
    """An input that took far too long."""


@dataclass
class Report:
    """How many inputs there were, what came of them, and what should not have."""

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.inputs} inputs, {len(self.outcomes)} distinct outcomes, {len(self.findings)} findings"]
        return "\n".join(lines + [f"{count:8} {outcome}" for outcome, count in self.outcomes.most_common()])


def fuzz(target: Target, seconds: float, seed: int = 0) -> Report:
    """Inputs of ``target`` for so long; the i-th one depends on (seed, i) alone. To be called in the main thread."""

    def break_off(number: int, frame: FrameType | None) -> None:
        raise Hangs

    report, until = Report(), time.monotonic() + seconds
    before = signal.signal(signal.SIGALRM, break_off)
    try:
        while time.monotonic() < until:
            faulthandler.dump_traceback_later(STUCK, exit=True, file=2)
            given = target.make(random.Random(f"{seed} {report.inputs}"))
            problem = _take(target, given, report)
            if problem:
                report.findings.append(f"input {report.inputs} of seed {seed}: {problem}\n{str(given)[:SHOWN]}")
            report.inputs += 1
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
    return report


def _take(target: Target, given: Any, report: Report) -> str:
    """Give an input to the target; what is wrong with what came of it, or nothing."""
    problem, memory, started = "", _peak(), time.process_time()
    signal.setitimer(signal.ITIMER_REAL, HANGS)
    try:
        outcome = target.take(given)
    except target.named as error:
        text = message_of(error)
        outcome = f"{type(error).__name__} {text.key}" if isinstance(text, Message) else type(error).__name__
    except (Exception, Hangs) as error:
        outcome = f"! {type(error).__name__}"
        problem = traceback.format_exc()[-SHOWN:]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    report.outcomes[outcome] += 1
    if (took := time.process_time() - started) > SLOW:
        problem += f"\nit took {took:.1f} s"
    if _peak() - memory > MEMORY:
        problem += f"\nit took {(_peak() - memory) >> 20} MiB of memory"
    return problem


def _peak() -> int:
    """The most memory that the process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def target_of(name: str) -> Target:
    if name == "checkpoint":
        from explorer.fuzz.checkpoint import Checkpoints

        return Checkpoints()
    from explorer.fuzz.address import AddressTarget

    return AddressTarget()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m explorer fuzz", description="Look for inputs that break the app.")
    parser.add_argument("target", choices=("checkpoint", "address"), help="folders for the reader, or addresses")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same inputs")
    given = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # diffusers' about configs
    report = fuzz(target_of(given.target), given.seconds, given.seed)
    for finding in report.findings[:20]:
        print(finding, end="\n\n")
    print(report)
    return 1 if report.findings else 0
