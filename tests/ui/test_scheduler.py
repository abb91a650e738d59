"""The network's scheduler: whose rows share a call, in what order, and what an error does."""

import time
from concurrent.futures import wait
from dataclasses import replace
from threading import Event, Thread, current_thread

import pytest
import torch
from tab_values import SHAPE, TOY, predict_noise

import explorer as ex
from explorer.networks.noise_predictor import MAX_ROWS_ON_CPU, DelegatingPredictor, FunctionPredictor
from explorer.runs import scheduler as module
from explorer.runs import shared_network
from explorer.runs.failures import ShuttingDown
from explorer.runs.fair_queue import FairQueue
from explorer.runs.scheduler import NetworkCall, NetworkScheduler
from explorer.runs.shared_network import ScheduledPredictor
from explorer.ui.checkpoint_registry import CheckpointRegistry

FULL = MAX_ROWS_ON_CPU


class Network:
    """The toy's eps, held up until it may go on; says of each call how many rows it had."""

    max_rows = FULL

    def __init__(self, any_thread=False):
        self.go, self.rows, self.broken, self.callers = Event(), [], None, []
        self.any_thread = any_thread
        self.seconds = 0.0

    def __call__(self, x_t, t):
        self.callers.append(current_thread().name)
        self.go.wait(10)
        time.sleep(self.seconds)
        self.rows.append(len(x_t))
        if self.broken is not None and (x_t == self.broken).any():
            raise ValueError("a broken row")
        return predict_noise(x_t, t)


@pytest.fixture
def network():
    return Network()


@pytest.fixture
def scheduler():
    scheduler = NetworkScheduler()
    scheduler.threads = 1
    yield scheduler
    scheduler.close()


def request(network, seed, rows=1, t=500, unshared=False, client=""):
    return NetworkCall(network, ex.latent(SHAPE, range(seed, seed + rows)), t, unshared, client)


def put(scheduler, network, *requests):
    """All of them in line behind a first one that holds the network up, and then let go."""
    first = request(network, 99)
    scheduler.submit(first)
    while scheduler.waiting:
        pass
    answers = [scheduler.submit(r) for r in requests]
    network.go.set()
    wait([first.future, *answers], timeout=10)
    assert network.rows.pop(0) == 1
    return answers


def test_steps_of_several_runs_share_a_call_each_at_its_own_t(scheduler, network):
    requests = [request(network, seed, t=100 * (seed + 1)) for seed in range(5)]
    answers = put(scheduler, network, *requests)
    assert network.rows == [5]
    for r, answer in zip(requests, answers, strict=True):
        torch.testing.assert_close(answer.result(), predict_noise(r.x_t, r.t))


def test_a_large_batch_goes_through_in_turns_with_the_small_ones(scheduler, network):
    order = []
    large, small = request(network, 0, rows=2 * FULL + 3), request(network, 50, rows=2)
    for name, r in (("large", large), ("small", small)):
        r.future.add_done_callback(lambda _, name=name: order.append(name))
    answers = put(scheduler, network, large, small)
    assert network.rows == [FULL, 2 + FULL - 2, 5]
    assert order == ["small", "large"]
    torch.testing.assert_close(answers[0].result(), predict_noise(large.x_t, 500))


def test_clients_get_equal_shares_of_the_rows_however_many_runs_they_have(scheduler, network):
    order = []
    requests = [("greedy", request(network, i, rows=4, client="a")) for i in range(10)]
    requests += [("modest", request(network, 50 + i, rows=4, client="b")) for i in range(3)]
    for name, r in requests:
        r.future.add_done_callback(lambda _, name=name: order.append(name))
    put(scheduler, network, *(r for _, r in requests))
    assert sorted(order[:6]) == ["greedy"] * 3 + ["modest"] * 3
    assert network.rows == [FULL] * 6 + [4]


def test_a_client_that_paused_does_not_make_up_for_it():
    queue = FairQueue()
    calls = [request(None, 0, client="a") for _ in range(6)]
    for call in calls:
        queue.append(call)
    for call in calls[:3]:
        queue.remove(call, 10)
    late = [request(None, 0, client="b") for _ in range(3)]
    for call in late:
        queue.append(call)
    served = []
    while queue:
        served.append(queue.in_order()[0])
        queue.remove(served[-1], 10)
    assert [call.client for call in served] == ["b", "a", "b", "a", "b", "a"]


def test_calls_of_a_request_are_made_for_its_client(scheduler, network, monkeypatch):
    monkeypatch.setattr(shared_network, "SCHEDULER", scheduler)
    made = []
    monkeypatch.setattr(scheduler, "call", lambda f, x_t, t, unshared, client: made.append((unshared, client)) or x_t)
    toy = shared_network.for_client(shared_network.scheduled(TOY), "1.2.3.4")
    for checkpoint in (toy, shared_network.unshared(toy), replace(toy, predict_noise=toy.predict_noise.exact)):
        checkpoint.predict_noise(ex.latent(SHAPE, [0]), 5)
    assert made == [(False, "1.2.3.4"), (True, "1.2.3.4"), (False, "1.2.3.4")]
    assert shared_network.for_client(TOY, "1.2.3.4") == TOY


def test_rows_of_different_networks_or_that_want_to_be_unshared_share_no_call(scheduler, network):
    other = Network()
    other.go.set()
    put(
        scheduler,
        network,
        request(network, 0),
        request(other, 1),
        request(network, 2, unshared=True),
        request(network, 3),
    )
    assert (network.rows, other.rows) == ([2, 1], [1])


def test_t_may_differ_from_row_to_row_of_a_request(scheduler, network):
    t = torch.arange(1, FULL + 4) * 50
    large = request(network, 0, rows=len(t), t=t)
    (answer,) = put(scheduler, network, large)
    assert network.rows == [FULL, 3]
    torch.testing.assert_close(answer.result(), predict_noise(large.x_t, t))


def test_an_error_reaches_the_run_whose_it_is_and_no_other(scheduler, network):
    requests = [request(network, seed) for seed in range(3)]
    network.broken = requests[1].x_t
    good, bad, also_good = put(scheduler, network, *requests)
    with pytest.raises(ValueError, match="a broken row"):
        bad.result()
    for answer, r in ((good, requests[0]), (also_good, requests[2])):
        torch.testing.assert_close(answer.result(), predict_noise(r.x_t, 500))
    assert scheduler.call(network, requests[0].x_t, 500).shape == requests[0].x_t.shape  # and the thread goes on


@pytest.mark.slow
def test_two_runs_share_calls_from_end_to_end(scheduler, network, monkeypatch):
    monkeypatch.setattr(module, "WAIT_FRACTION", 20)  # a call here takes little time, and a step of a run as much
    monkeypatch.setattr(network, "seconds", 0.02)
    network.go.set()
    scheduled_toy = replace(TOY, predict_noise=lambda x, t: scheduler.call(network, x, t))
    settings, ended = ex.Settings(20), []

    def run(seed):
        ended.append((seed, ex.sample(scheduled_toy, ex.latent(SHAPE, [seed]), settings)))

    threads = [Thread(target=run, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sum(network.rows) == 40
    assert len(network.rows) < 25  # nearly all in pairs: a call waits a little for who had a part in the last one
    for seed, picture in ended:
        torch.testing.assert_close(picture, ex.sample(TOY, ex.latent(SHAPE, [seed]), settings))


# A network that any thread may call


def test_a_run_unshared_calls_such_a_network_itself_and_no_other(scheduler):
    x_t = ex.latent(SHAPE, [0])
    for any_thread, caller in ((True, current_thread().name), (False, "network")):
        network = Network(any_thread)
        network.go.set()
        for t in (500, 400):
            torch.testing.assert_close(scheduler.call(network, x_t, t), predict_noise(x_t, t))
        assert network.callers == [caller] * 2


def test_others_wait_for_the_call_of_a_run_unshared_and_then_share_theirs(scheduler):
    network = Network(any_thread=True)
    unshared = Thread(target=scheduler.call, args=(network, ex.latent(SHAPE, [0]), 500), name="unshared")
    unshared.start()
    while not network.callers:
        pass
    answers = [scheduler.submit(request(network, seed)) for seed in (1, 2)]
    assert wait(answers, timeout=0.1).not_done == set(answers)
    network.go.set()
    assert not wait(answers, timeout=10).not_done
    unshared.join(10)
    assert network.callers == ["unshared", "network"]
    assert network.rows == [1, 2]


def test_the_error_of_a_run_unshared_is_its_own_and_its_place_is_free_again(scheduler):
    network = Network(any_thread=True)
    network.go.set()
    network.broken = ex.latent(SHAPE, [5])
    with pytest.raises(ValueError, match="a broken row"):
        scheduler.call(network, network.broken, 500)
    assert scheduler.call(network, ex.latent(SHAPE, [0]), 500).shape == (1, *SHAPE)
    with pytest.raises(ValueError, match="the network returned"):
        scheduler.call(type("Short", (Network,), {"__call__": lambda self, x, t: x[:0]})(True), network.broken, 500)
    assert network.callers == [current_thread().name] * 2


def test_a_scheduler_that_is_closed_waits_for_the_call_of_a_run_unshared(scheduler):
    network = Network(any_thread=True)
    unshared = Thread(target=scheduler.call, args=(network, ex.latent(SHAPE, [0]), 500))
    unshared.start()
    while not network.callers:
        pass
    closing = Thread(target=scheduler.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    network.go.set()
    closing.join(10)
    assert not closing.is_alive()
    unshared.join(10)
    with pytest.raises(ShuttingDown):
        scheduler.call(network, ex.latent(SHAPE, [0]), 500)


def test_more_rows_than_a_call_has_go_through_the_thread(scheduler):
    network = Network(any_thread=True)
    network.go.set()
    x_t = ex.latent(SHAPE, range(FULL + 2))
    torch.testing.assert_close(scheduler.call(network, x_t, 500), predict_noise(x_t, 500))
    assert network.callers == ["network"] * 2


# What reaches the thread


def test_the_exact_network_is_reached_through_the_thread_too(tiny):
    shared = ScheduledPredictor(tiny.predict_noise)
    x = ex.latent(tiny.shape, [0])
    assert shared.exact(x, 10).equal(tiny.predict_noise.exact(x, 10))
    assert shared.unshared(x, 10).equal(tiny.predict_noise(x, 10))
    assert shared.engine == tiny.predict_noise.engine


def test_a_closed_scheduler_ends_its_thread(scheduler, network):
    network.go.set()
    scheduler.call(network, ex.latent(SHAPE, [0]), 1)
    thread = scheduler.thread
    scheduler.close()
    assert not thread.is_alive()


def test_the_network_is_idle_only_after_its_last_call_and_some_time(scheduler, network):
    answer = scheduler.submit(request(network, 0))
    idle = Thread(target=scheduler.wait_until_idle, args=(0.05,), daemon=True)
    idle.start()
    idle.join(0.3)
    assert idle.is_alive()  # the call goes on
    network.go.set()
    answer.result(10)
    idle.join(10)
    assert not idle.is_alive()


def test_an_app_that_has_nothing_to_do_finds_a_better_engine_for_each_checkpoint(monkeypatch):
    """Runs that begin then use it. One that has begun before keeps its own."""
    monkeypatch.setattr(shared_network, "IDLE_SECONDS", 0.01)
    prepared, better = Event(), FunctionPredictor(predict_noise, engine="better")

    class Prepares(DelegatingPredictor):
        def prepare(self):
            return better

    class PreparedLast(DelegatingPredictor):
        def prepare(self):
            prepared.set()
            return self

    checkpoints = {
        name: replace(TOY, name=name, predict_noise=predictor(FunctionPredictor(predict_noise, engine="guessed")))
        for name, predictor in (("first", Prepares), ("second", PreparedLast))
    }
    with pytest.MonkeyPatch.context() as patch:
        held = Event()
        patch.setattr(shared_network.SCHEDULER, "wait_until_idle", lambda seconds: held.wait(10))
        registry = CheckpointRegistry(checkpoints)
        begun = registry["first"]
        assert begun.engine == "guessed"
        held.set()
        assert prepared.wait(10)
    assert registry["first"].engine == "better"
    assert registry["second"].engine == begun.engine == "guessed"


def test_a_scheduler_that_is_closed_while_runs_wait_tells_them_and_takes_no_more(scheduler, network):
    first = request(network, 99)
    scheduler.submit(first)
    while scheduler.waiting:
        pass
    waiting = scheduler.submit(request(network, 1))
    closing = Thread(target=scheduler.close)
    closing.start()
    with pytest.raises(ShuttingDown, match="is shutting down"):
        waiting.result(10)
    with pytest.raises(ShuttingDown):
        scheduler.call(network, first.x_t, 500)
    assert not first.future.done()  # its call is under way, and is waited for
    network.go.set()
    closing.join(10)
    assert not closing.is_alive()
    assert first.future.result().shape == first.x_t.shape


def test_when_the_thread_itself_dies_those_who_wait_are_told_and_the_next_call_starts_another(scheduler, network):
    network.go.set()
    scheduler.threads = "many"
    with pytest.raises(RuntimeError, match="expects an int"):
        scheduler.submit(request(network, 1)).result(10)
    scheduler.threads = 1
    assert scheduler.call(network, ex.latent(SHAPE, [0]), 500).shape == (1, *SHAPE)


def test_a_network_that_makes_another_shape_is_told_and_does_not_hold_up_the_line(scheduler, network):
    network.go.set()
    with pytest.raises(ValueError, match="the network returned"):
        scheduler.submit(NetworkCall(FunctionPredictor(lambda x, t: x[:1]), ex.latent(SHAPE, [1, 2]), 500)).result(10)
    assert scheduler.call(network, ex.latent(SHAPE, [0]), 500).shape == (1, *SHAPE)
