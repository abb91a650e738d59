"""Work that goes on ahead of who uses it."""

import threading
import time

import pytest

from explorer.runs.prefetch import prefetch


def test_items_come_in_order_made_by_another_thread():
    made = list(prefetch((i, threading.get_ident()) for i in range(100)))
    assert [i for i, _ in made] == list(range(100))
    assert {thread for _, thread in made} != {threading.get_ident()}


def test_what_making_raises_comes_in_its_place():
    def items():
        yield 1
        raise RuntimeError("out of memory")

    taken = prefetch(items())
    assert next(taken) == 1
    with pytest.raises(RuntimeError, match="out of memory"):
        next(taken)


def wait_until(true):
    for _ in range(200):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen")


def test_no_more_is_made_than_there_is_room_for_and_leaving_ends_the_making():
    made, closed = [], threading.Event()

    def items():
        try:
            for i in range(10**9):
                made.append(i)
                yield i
        finally:
            closed.set()

    taken = prefetch(items(), buffer_size=3)
    assert next(taken) == 0
    wait_until(lambda: len(made) >= 4)
    time.sleep(0.05)
    assert len(made) <= 5
    before = len(made)
    taken.close()
    wait_until(closed.is_set)
    assert len(made) <= before + 1
