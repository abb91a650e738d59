"""The network scheduler: dynamic batching of the network calls of concurrent runs, one call at a time.

One thread makes all calls of a network. Gradio resumes a generator in a different thread after each yield, and torch
keeps a pool of workers for every thread that calls it, so calls from many threads would compete for the same cores.
Only if a network is equally fast from any thread and nobody else uses it, the run calls it directly.

One call on eight pictures costs far less than eight calls, and the rows of a call may have different t. So the calls
that are queued while the network is busy are batched into the next call. A run has only one call queued at a time, and
rows that do not fit into a batch go to the end of the queue. So no user waits for the whole run of another. Clients, which
are network addresses, get equal shares of the rows, see :mod:`explorer.runs.fair_queue`.
"""

from __future__ import annotations

import atexit
import logging
import math
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread

import torch
from torch import Tensor

from explorer.networks.noise_predictor import NoisePredictor
from explorer.runs.failures import ShuttingDown
from explorer.runs.fair_queue import FairQueue

WAIT_FRACTION = 0.2  # of the duration of a call: how long the next one waits for the runs of the last one


@dataclass(eq=False)
class NetworkCall:
    """A queued call ``predict_noise(x_t, t)``. Large ones are split over several batches.

    Attributes:
        unshared: never batch this call with others. The rounding of a row depends on the size of its batch.
        client: the network address for which it is made.
        future: receives eps_theta of all rows, or the network's exception.
    """

    predict_noise: NoisePredictor
    x_t: Tensor
    t: int | Tensor
    unshared: bool = False
    client: str = ""
    future: Future[Tensor] = field(default_factory=Future)
    outputs: list[Tensor] = field(default_factory=list)
    rows_taken: int = 0

    @property
    def rows_left(self) -> int:
        """Number of rows that are not in a batch yet."""
        return len(self.x_t) - self.rows_taken

    def can_share(self, other: NetworkCall) -> bool:
        """Whether the two calls may be in one batch."""
        return not (self.unshared or other.unshared) and self.predict_noise == other.predict_noise

    def take(self, limit: int) -> BatchPart:
        """Take the next rows for a batch, at most ``limit``."""
        rows = slice(self.rows_taken, self.rows_taken + min(limit, self.rows_left))
        self.rows_taken = rows.stop
        return BatchPart(self, rows)


@dataclass(frozen=True, eq=False)
class BatchPart:
    """The rows of one call in a batch."""

    call: NetworkCall
    rows: slice

    @property
    def x_t(self) -> Tensor:
        return self.call.x_t[self.rows]

    @property
    def t(self) -> int | Tensor:
        t = self.call.t
        return t[self.rows] if isinstance(t, Tensor) and t.ndim else t

    def set_output(self, eps: Tensor) -> None:
        """Store the output of these rows. The last output of a call sets the result of its future."""
        call = self.call
        if eps.shape != self.x_t.shape:
            raise ValueError(f"the network returned shape {tuple(eps.shape)} for input {tuple(self.x_t.shape)}")
        call.outputs.append(eps)
        if sum(map(len, call.outputs)) == len(call.x_t):
            call.future.set_result(call.outputs[0] if len(call.outputs) == 1 else torch.cat(call.outputs))


class NetworkScheduler:
    """The thread that calls the network, and its queue.

    Attributes:
        threads: number of torch threads that the thread uses.
    """

    def __init__(self) -> None:
        self.threads = torch.get_num_threads()
        self._queue: FairQueue[NetworkCall] = FairQueue()
        self._changed = Condition()
        self._calling = False
        self._last_call_ended = time.perf_counter()
        self._expected_calls = 0  # calls that are likely to be queued soon: those of the runs of the last batch
        self._wait_deadline = 0.0  # when to stop waiting for them
        self._thread: Thread | None = None
        self._closed = False
        atexit.register(self.close)

    @property
    def waiting(self) -> int:
        """Number of queued calls."""
        return len(self._queue)

    @property
    def thread(self) -> Thread | None:
        """The thread that calls the network; None before the first call and after a crash."""
        return self._thread

    def call(
        self, predict_noise: NoisePredictor, x_t: Tensor, t: int | Tensor, unshared: bool = False, client: str = ""
    ) -> Tensor:
        """Return ``predict_noise(x_t, t)``, computed by the scheduler's thread, or directly if that is as good.

        Raises:
            ShuttingDown: the scheduler is closed.
            Exception: whatever the network raises.
        """
        call = NetworkCall(predict_noise, x_t, t, unshared, client)
        if not self._start_direct_call(call):
            return self.submit(call).result()
        started = time.perf_counter()
        parts = [call.take(len(x_t))]
        try:
            run_batch(parts)
        finally:
            self._finish_batch(parts, started)
        return call.future.result()

    def _start_direct_call(self, call: NetworkCall) -> bool:
        """Mark the network as busy and return True if the caller may use it directly.

        It may if the network is equally fast from any thread, and no other run uses it or is expected to. A hand-over
        to the thread and back takes a tenth of the time of a small network.
        """
        if not call.predict_noise.any_thread or call.rows_left > call.predict_noise.max_rows:
            return False
        with self._changed:
            if self._closed or self._queue or self._expected_calls > 1 or self._calling:
                return False
            self._calling = True
            return True

    def submit(self, call: NetworkCall) -> Future[Tensor]:
        """Queue a call and return its future. If the scheduler is closed, the future raises :class:`ShuttingDown`."""
        with self._changed:
            if self._closed:
                call.future.set_exception(ShuttingDown())
                return call.future
            if self._thread is None:
                self._thread = Thread(target=self._run, name="network", daemon=True)
                self._thread.start()
            self._queue.append(call)
            self._changed.notify_all()
        return call.future

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until the network has not been used for ``seconds``."""
        while True:
            with self._changed:
                busy = self._calling or self._queue
                remaining = math.inf if busy else self._last_call_ended + seconds - time.perf_counter()
            if remaining <= 0:
                return
            time.sleep(min(remaining, seconds))

    def close(self) -> None:
        """End the thread, and fail all queued calls with :class:`ShuttingDown`.

        Wait for the current call: the process must not exit during one.
        """
        with self._changed:
            self._closed = True
            thread = self._thread
            self._fail_all(ShuttingDown())
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._calling)
        if thread is not None:
            thread.join()

    def _fail_all(self, error: BaseException, batch: Sequence[BatchPart] = ()) -> None:
        """Fail all queued calls and those of ``batch``."""
        for call in {*self._queue, *(part.call for part in batch)}:
            if not call.future.done():
                call.future.set_exception(error)
        self._queue.clear()

    def _run(self) -> None:
        threads, parts = 0, list[BatchPart]()
        try:
            while parts := self._next_batch():
                if threads != self.threads:  # torch's number of threads is a property of the calling thread
                    threads = self.threads
                    torch.set_num_threads(threads)
                started = time.perf_counter()
                run_batch(parts)
                self._finish_batch(parts, started)
        except BaseException as error:
            logging.exception("the network thread crashed; the next call starts a new one")
            with self._changed:
                self._thread = None
                self._calling, self._last_call_ended = False, time.perf_counter()
                self._fail_all(error, parts)

    def _finish_batch(self, parts: list[BatchPart], started: float) -> None:
        """Queue the calls again that have rows left, and set how long the next batch waits for the finished ones."""
        ended = time.perf_counter()
        with self._changed:
            finished = sum(part.call.future.done() for part in parts)
            for part in parts:
                if not part.call.future.done():
                    self._queue.append(part.call)
            if self._closed:
                self._fail_all(ShuttingDown())
            self._expected_calls = finished + len(self._queue)
            self._calling, self._last_call_ended = False, ended
            self._wait_deadline = ended + WAIT_FRACTION * (ended - started)
            self._changed.notify_all()

    def _next_batch(self) -> list[BatchPart]:
        """Wait for the next batch and mark the network as busy; empty if the scheduler is closed."""
        with self._changed:
            self._changed.wait_for(lambda: (self._queue and not self._calling) or self._closed)
            if self._closed:
                return []
            max_rows = self._queue.in_order()[0].predict_noise.max_rows
            timeout = max(0.0, self._wait_deadline - time.perf_counter())
            self._changed.wait_for(lambda: self._is_batch_ready(max_rows), timeout)
            if self._closed:
                return []
            self._calling = True
            return self._take_batch()

    def _take_batch(self) -> list[BatchPart]:
        """Take the rows of the next batch: always those of the client that is to be served first."""
        first = self._queue.in_order()[0]
        parts, free_rows = list[BatchPart](), first.predict_noise.max_rows
        call: NetworkCall | None = first
        while call is not None and free_rows > 0:
            parts.append(call.take(free_rows))
            taken = len(parts[-1].x_t)
            self._queue.remove(call, taken)
            free_rows -= taken
            call = self._next_sharing(first)
        return parts

    def _next_sharing(self, first: NetworkCall) -> NetworkCall | None:
        """The next call in the queue that may be in one batch with ``first``."""
        oldest = self._queue.in_order()
        sharing = (call for head in oldest for call in self._queue.of_client(head) if first.can_share(call))
        return next(sharing, None)

    def _is_batch_ready(self, max_rows: int) -> bool:
        """Whether waiting longer is useless: the batch is full, or all expected calls are queued."""
        queued_rows = sum(call.rows_left for call in self._queue)
        return self._closed or len(self._queue) >= self._expected_calls or queued_rows >= max_rows


def run_batch(parts: list[BatchPart]) -> None:
    """Call the network on a batch and set the outputs of its parts. Exceptions are set on the futures, not raised."""
    try:
        if len(parts) == 1:
            parts[0].set_output(parts[0].call.predict_noise(parts[0].x_t, parts[0].t))
            return
        sizes = [len(part.x_t) for part in parts]
        t = torch.cat([torch.as_tensor(part.t).expand(size) for part, size in zip(parts, sizes, strict=True)])
        eps = parts[0].call.predict_noise(torch.cat([part.x_t for part in parts]), t)
        for part, rows in zip(parts, eps.split(sizes), strict=True):
            part.set_output(rows)
    except BaseException as error:  # of any kind: the thread must continue
        if len(parts) == 1:
            parts[0].call.future.set_exception(error)
            return
        for part in parts:  # repeat each part alone, so that only the run that causes the error fails
            run_batch([part])
