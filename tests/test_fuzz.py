"""The fuzzers: a short run of each, and what they report."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import time

import pytest

from explorer.fuzz import command
from explorer.fuzz.command import fuzz, main, make_target


@pytest.mark.slow
@pytest.mark.parametrize("name", ["checkpoint", "address"])
def test_some_seconds_of_fuzzing_find_nothing(name, capsys):
    assert main([name, "--seconds", "2", "--seed", "5"]) == 0
    counts, *outcomes = capsys.readouterr().out.strip().splitlines()
    inputs, distinct = int(counts.split()[0]), int(counts.split()[2])
    assert inputs >= 3
    assert distinct == len(outcomes)
    assert sum(int(line.split()[0]) for line in outcomes) == inputs


class Faulty:
    """A target that fails in every way, one after the other. ``peak`` is the memory that it pretends to use."""

    expected_errors = ValueError

    def __init__(self) -> None:
        self.kinds, self.peak = itertools.cycle(range(5)), 0

    def generate(self, rng: random.Random) -> int:
        return next(self.kinds)

    def run(self, test_input: int) -> str:
        if test_input == 0:
            raise ValueError("expected")
        if test_input == 1:
            raise KeyError("unexpected")
        if test_input == 2:
            deadline = time.process_time() + 0.06
            while time.process_time() < deadline:
                pass
        if test_input == 3:
            self.peak += 64 << 20
        return "accepted"


@pytest.mark.slow
def test_unexpected_errors_slow_inputs_and_high_memory_use_are_findings(monkeypatch):
    faulty = Faulty()
    monkeypatch.setattr(command, "MAX_CPU_SECONDS", 0.05)
    monkeypatch.setattr(command, "MAX_MEMORY_GROWTH", 1 << 20)
    monkeypatch.setattr(command, "peak_memory", lambda: faulty.peak)
    report = fuzz(faulty, 2)
    assert report.inputs >= 5
    first = {finding.split()[1]: finding for finding in report.findings}  # by the number of the input
    assert "KeyError: 'unexpected'" in first["1"]
    assert "used 0." in first["2"]
    assert "used 64 MiB of memory" in first["3"]
    assert not {"0", "4"} & first.keys()
    assert set(report.outcomes) == {"accepted", "ValueError", "! KeyError"}


HANGING = """
import time
from explorer.fuzz import command

class Hanging:
    expected_errors = ValueError
    generate = staticmethod(lambda rng: 0)
    run = staticmethod(lambda test_input: time.sleep(30))

command.TIMEOUT_SECONDS = 0.05
report = command.fuzz(Hanging(), 0.01)
print(report.inputs, *report.outcomes)
"""


@pytest.mark.slow
def test_an_input_that_hangs_is_interrupted(pytestconfig):
    """In a process of its own: in that of the whole run, with its browser and its clusters, this test has ended the process."""
    command = [sys.executable, "-c", HANGING]
    done = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "1 ! InputTimeout\n"


@pytest.mark.parametrize("name", ["checkpoint", "address"])
def test_the_same_seed_makes_the_same_inputs(name):
    first, second = (
        [repr(target.generate(random.Random(f"1 {i}"))) for i in range(5)]
        for target in (make_target(name), make_target(name))
    )
    assert first == second
