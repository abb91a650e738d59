"""The fuzzers: a short form of each, and that they tell what they find."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from explorer.fuzz import command
from explorer.fuzz.command import fuzz, main, target_of


@pytest.mark.slow
@pytest.mark.parametrize("name", ["checkpoint", "address"])
def test_some_seconds_of_fuzzing_find_nothing(name, capsys):
    assert main([name, "--seconds", "2", "--seed", "5"]) == 0
    counts, *outcomes = capsys.readouterr().out.strip().splitlines()
    inputs, kinds = int(counts.split()[0]), int(counts.split()[2])
    assert inputs >= 3
    assert kinds == len(outcomes)
    assert sum(int(line.split()[0]) for line in outcomes) == inputs


class Faulty:
    """Breaks in every way that counts, one after the other. ``peak`` is the memory that it says it took."""

    named = ValueError

    def __init__(self) -> None:
        self.turns, self.peak = itertools.cycle(range(5)), 0

    def make(self, rng: random.Random) -> int:
        return next(self.turns)

    def take(self, given: int) -> str:
        if given == 0:
            raise ValueError("named")
        if given == 1:
            raise KeyError("not named")
        if given == 2:
            until = time.process_time() + 0.06
            while time.process_time() < until:
                pass
        if given == 3:
            self.peak += 64 << 20
        return "taken"


@pytest.mark.slow
def test_an_error_without_a_name_a_long_wait_and_much_memory_are_findings(monkeypatch):
    faulty = Faulty()
    monkeypatch.setattr(command, "SLOW", 0.05)
    monkeypatch.setattr(command, "MEMORY", 1 << 20)
    monkeypatch.setattr(command, "_peak", lambda: faulty.peak)
    report = fuzz(faulty, 2)
    assert report.inputs >= 5
    first = {finding.split()[1]: finding for finding in report.findings}  # by the number of the input
    assert "KeyError: 'not named'" in first["1"]
    assert "it took 0." in first["2"]
    assert "it took 64 MiB of memory" in first["3"]
    assert not {"0", "4"} & first.keys()
    assert set(report.outcomes) == {"taken", "ValueError", "! KeyError"}


def test_an_input_that_hangs_is_broken_off(monkeypatch):
    monkeypatch.setattr(command, "HANGS", 0.05)
    faulty = Faulty()
    faulty.take = lambda given: time.sleep(30)
    report = fuzz(faulty, 0.01)
    assert (report.inputs, set(report.outcomes)) == (1, {"! Hangs"})


@pytest.mark.parametrize("name", ["checkpoint", "address"])
def test_the_same_seed_makes_the_same_inputs(name):
    one, other = target_of(name), target_of(name)
    assert [repr(one.make(random.Random(f"1 {i}"))) for i in range(5)] == [
        repr(other.make(random.Random(f"1 {i}"))) for i in range(5)
    ]
