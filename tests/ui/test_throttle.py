"""How often a page is told about the progress of its run."""

import pytest

from explorer.runs import throttle
from explorer.runs.throttle import PAUSE_FACTOR, Throttle


@pytest.fixture
def clock(monkeypatch):
    """The time, which passes only when it is added to."""
    now = [0.0]
    monkeypatch.setattr(throttle.time, "perf_counter", lambda: now[0])
    return now


def test_the_first_update_is_due_at_once_and_the_next_after_the_seconds(clock):
    updates = Throttle(0.1)
    assert updates.ready()
    updates.done()
    clock[0] = 0.09
    assert not updates.ready()
    clock[0] = 0.1
    assert updates.ready()


def test_where_telling_takes_long_it_takes_at_most_a_quarter_of_the_time(clock):
    updates = Throttle(0.1)
    assert updates.ready()
    clock[0] = 0.5  # so long did the server take to send it
    updates.done()
    clock[0] = 0.5 + PAUSE_FACTOR * 0.5 - 0.01
    assert not updates.ready()
    clock[0] += 0.02
    assert updates.ready()
