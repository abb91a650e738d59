"""How often a page is told how far its run is."""

import pytest

from explorer.runs import throttle as pace
from explorer.runs.throttle import SHARE, Throttle


@pytest.fixture
def clock(monkeypatch):
    """The time, which passes only when it is added to."""
    now = [0.0]
    monkeypatch.setattr(pace.time, "perf_counter", lambda: now[0])
    return now


def test_the_first_update_is_due_at_once_and_the_next_after_the_seconds(clock):
    paced = Throttle(0.1)
    assert paced.due()
    paced.told()
    clock[0] = 0.09
    assert not paced.due()
    clock[0] = 0.1
    assert paced.due()


def test_where_telling_takes_long_it_takes_at_most_a_quarter_of_the_time(clock):
    paced = Throttle(0.1)
    assert paced.due()
    clock[0] = 0.5  # so long did the server take to send it
    paced.told()
    clock[0] = 0.5 + SHARE * 0.5 - 0.01
    assert not paced.due()
    clock[0] += 0.02
    assert paced.due()
