"""Which runs are admitted, and what the page sees of one that waits."""

from threading import Thread

import pytest
from tab_values import SHAPE, SMALL, english, run, tab_of

import explorer as ex
from explorer.networks.network import NetworkLost
from explorer.runs import admission
from explorer.runs.admission import Admission, ServerBusy


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(admission, "SECONDS_BETWEEN_CHECKS", 0.01)


def running():
    return "running"


def test_so_many_run_at_once_the_others_wait_by_age_and_more_are_refused():
    queue = Admission(max_running=2, max_queued=2)
    a, b, c, d = (queue.acquire() for _ in range(4))
    assert [queue.position(slot) for slot in (a, b, c, d)] == [0, 0, 1, 2]
    with pytest.raises(ServerBusy, match="2 runs are waiting"):
        queue.acquire()
    b.release()
    b.release()  # does nothing more
    assert [queue.position(slot) for slot in (a, c, d)] == [0, 0, 1]
    assert queue.position(queue.acquire()) == 2


def test_who_waits_hears_whenever_the_place_changes_and_then_goes():
    queue = Admission(max_running=1, max_queued=5)
    first, second, third = queue.acquire(), queue.acquire(), queue.acquire()
    heard = []

    def wait():
        heard.extend(third.wait(running))

    thread = Thread(target=wait)
    thread.start()
    while heard != [2]:
        pass
    first.release()
    while heard != [2, 1]:
        pass
    second.release()
    thread.join(5)
    assert not thread.is_alive()
    assert heard == [2, 1]


def test_waiting_ends_when_the_run_is_not_wanted_any_more():
    queue = Admission(max_running=1, max_queued=5)
    queue.acquire()
    states = iter(["running", "running", "superseded"])
    assert list(queue.acquire().wait(lambda: next(states))) == [1]


def test_a_closed_page_frees_its_places():
    queue = Admission(max_running=1, max_queued=1)
    queue.acquire("a"), queue.acquire("b")
    queue.forget("a")
    assert queue.position(queue.acquire("c")) == 1


def test_of_those_that_wait_the_client_with_the_fewest_runs_goes_first():
    queue = Admission(max_running=3, max_queued=9, max_running_of_client=3)
    greedy = [queue.acquire(client="a") for _ in range(6)]
    modest = [queue.acquire(client=name) for name in ("b", "c", "b")]
    assert [queue.position(slot) for slot in greedy] == [0, 0, 0, 4, 5, 6]
    assert [queue.position(slot) for slot in modest] == [1, 2, 3]
    greedy[0].release()
    greedy[1].release()
    assert [queue.position(slot) for slot in modest] == [0, 0, 2]  # behind the older one of another client with one run


def test_a_run_that_is_not_ready_takes_no_running_place_from_others():
    queue = Admission(max_running=1, max_queued=2)
    first, second = queue.acquire(is_ready=False), queue.acquire()
    assert (first.is_admitted, second.is_admitted, queue.position(first)) == (False, True, 1)
    first.make_ready()
    assert queue.position(first) == 1
    second.release()
    assert first.is_admitted


def test_one_client_leaves_places_to_others_even_if_nobody_else_is_there():
    queue = Admission(max_running=4, max_queued=8, max_running_of_client=3)
    slots = [queue.acquire(client="a") for _ in range(9)]
    assert [slot.is_admitted for slot in slots] == [True] * 3 + [False] * 6
    with pytest.raises(ServerBusy, match="9 runs were requested from your network address"):
        queue.acquire(client="a")
    assert queue.acquire(client="b").is_admitted
    assert not queue.acquire(client="b").is_admitted


def test_a_class_of_thirty_behind_one_address_runs_at_once_and_so_do_all_places_if_they_are_asked_for():
    queue = Admission()
    assert all(queue.acquire(client="school").is_admitted for _ in range(30))
    queue = Admission(max_running_of_client=admission.MAX_RUNNING)
    slots = [queue.acquire(client="school") for _ in range(admission.MAX_RUNNING + admission.MAX_QUEUED)]
    assert sum(slot.is_admitted for slot in slots) == admission.MAX_RUNNING


def test_a_tab_says_how_many_runs_go_first_and_that_the_line_is_full():
    queue = Admission(max_running=1, max_queued=1)
    tab = tab_of("compare", admission=queue)
    ahead = queue.acquire()
    values = tab.run(SMALL["compare"], type("Request", (), {"session_hash": "a"}))
    queued = next(values)
    assert queued["state"] == "queued"
    assert english(queued["message"]) == "place 1"
    (refusal,) = run(tab, SMALL["compare"], "b")
    assert english(refusal.pop("message")) == "The server is busy: 1 runs are waiting. Try again in a moment."
    assert refusal == {"id": queued["id"] + 1, "count": 0, "state": "error", "repair": None, "field": None}
    ahead.release()
    assert list(values)[-1]["state"] == "ended"
    assert queue.position(queue.acquire()) == 0  # it has left


def test_a_run_that_is_left_in_the_middle_frees_its_place():
    tab = tab_of("compare")
    values = tab.run(SMALL["compare"], type("Request", (), {"session_hash": "a"}))
    next(values)
    assert tab.services.admission.slots
    values.close()
    assert not tab.services.admission.slots


def test_a_network_that_is_lost_is_said_as_a_banner_and_takes_no_place():
    def lost(x_t, t):
        raise NetworkLost("network.lost", "none", address="ray://hall:8000")

    tab = tab_of("compare", ex.from_denoiser(lost, SHAPE, name="toy"))
    refusal = run(tab, SMALL["compare"] | {"checkpoint": "toy"})[-1]
    assert (refusal["state"], refusal["repair"], refusal["field"]) == ("error", None, None)
    assert english(refusal["message"]).startswith("No replica of the network answers at ray://hall:8000.")
    tab.services.admission.acquire().release()
    assert tab.services.admission.slots == ()
