"""Which engine computes a network on a CPU, with made-up timings."""

from __future__ import annotations

import pytest

from explorer.networks import engine_choice
from explorer.networks.engine_choice import LARGE, SMALL, Candidate, EngineChoice, Timing, choose, measure

FLOAT32, FLOAT32_ON_ONE = Candidate("OpenVINO", "float32", 2), Candidate("OpenVINO", "float32", 1)
BFLOAT16, FLOAT16 = Candidate("OpenVINO", "bfloat16", 2), Candidate("OpenVINO", "float16", 2)
TORCH = Candidate("torch", "float32", 2)
CANDIDATES = [FLOAT32, BFLOAT16, FLOAT16, FLOAT32_ON_ONE, TORCH]


class Machine:
    """A machine whose clock is moved by the calls of the network.

    Args:
        milliseconds: of a call by candidate and batch; 100 ms if missing.
        compile_seconds: how long a candidate takes to compile.
    """

    def __init__(self, milliseconds, compile_seconds=0.0):
        self.milliseconds, self.compile_seconds = milliseconds, compile_seconds
        self.now, self.prepared = 0.0, []

    def clock(self):
        return self.now

    def prepare(self, candidate, batch):
        self.prepared.append((candidate, batch))
        self.now += self.compile_seconds

        def call():
            self.now += self.milliseconds.get((candidate, batch), 100) / 1000

        return call

    def measure(self, candidates=CANDIDATES):
        return measure(candidates, self.prepare, self.clock)


def chosen(**milliseconds):
    """The choice among candidates by name, at one batch size."""
    names = {"float32": FLOAT32, "one": FLOAT32_ON_ONE, "bfloat16": BFLOAT16, "float16": FLOAT16, "torch": TORCH}
    return choose(Timing(names[name], 1, value) for name, value in milliseconds.items())


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        ({"float32": 10.8, "bfloat16": 16.4, "torch": 16.2}, FLOAT32),  # AVX512_BF16 without AMX
        ({"float32": 20.0, "bfloat16": 7.0, "torch": 25.0}, BFLOAT16),  # AMX
        ({"float32": 10.0, "bfloat16": 9.0}, FLOAT32),  # not worth the error
        ({"float32": 10.0, "bfloat16": 8.6}, BFLOAT16),
        ({"float32": 10.0, "float16": 8.0, "bfloat16": 7.5}, FLOAT16),  # more exact than bfloat16
        ({"float32": 20.0, "torch": 19.0}, TORCH),  # as exact, and faster
        ({"float32": 10.0, "one": 19.0}, FLOAT32),
        ({"float32": 10.0, "one": 11.0}, FLOAT32_ON_ONE),  # two hardware threads of one core
        ({"one": 10.0, "float32": 11.0}, FLOAT32_ON_ONE),
    ],
)
def test_the_more_exact_engine_is_chosen_unless_another_one_is_much_faster(milliseconds, expected):
    assert chosen(**milliseconds) == expected


def test_small_and_large_batches_may_have_different_engines():
    choice = Machine({(FLOAT32, SMALL): 10, (BFLOAT16, LARGE): 20}).measure()
    assert (choice.small, choice.large) == (FLOAT32, BFLOAT16)
    assert [choice.candidate(batch) for batch in (1, 2, 4, 8)] == [FLOAT32, FLOAT32, BFLOAT16, BFLOAT16]
    assert choice.name == "OpenVINO float32 / OpenVINO bfloat16"
    assert {(t.candidate, t.batch): t.milliseconds for t in choice.timings}[FLOAT32, SMALL] == pytest.approx(10)


def test_a_single_engine_has_one_name():
    assert Machine({(TORCH, SMALL): 5, (TORCH, LARGE): 5}).measure().name == "torch float32"


def test_fewer_threads_are_only_tried_with_the_best_engine():
    machine = Machine({(BFLOAT16, SMALL): 5, (BFLOAT16, LARGE): 40})
    machine.measure([*CANDIDATES, Candidate("OpenVINO", "bfloat16", 1)])
    assert (Candidate("OpenVINO", "bfloat16", 1), SMALL) in machine.prepared
    assert (FLOAT32_ON_ONE, SMALL) not in machine.prepared


def test_no_candidate_is_begun_after_the_time_is_up():
    machine = Machine({}, compile_seconds=engine_choice.MAX_SECONDS)
    choice = machine.measure()
    assert machine.prepared == [(FLOAT32, SMALL)]
    assert (choice.small, choice.large) == (FLOAT32, FLOAT32)


def test_the_whole_measurement_takes_little_longer_than_its_limit():
    machine = Machine({(candidate, LARGE): 200 for candidate in CANDIDATES}, compile_seconds=0.3)
    machine.measure()
    assert machine.now < 2 * engine_choice.MAX_SECONDS


def test_a_choice_is_read_as_it_was_written():
    choice = Machine({(FLOAT32, SMALL): 10}).measure()
    assert EngineChoice.from_json(choice.to_json()) == choice


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"small": 1, "large": 2, "timings": []}', '{"timings": [{}]}'])
def test_a_damaged_choice_is_refused(text):
    with pytest.raises(ValueError, match="not an engine choice"):
        EngineChoice.from_json(text)
