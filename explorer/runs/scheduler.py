"""The network's scheduler: one call at a time, shared by the runs of all users.

Gradio moves a handler from thread to thread between two yields, and torch keeps a team of workers for each thread that
calls it, so the teams would compete for the same cores. Here one thread makes every call of such a network. A network that any
thread may call is called by the run itself while it is the only one.

A call on eight pictures costs far less than eight calls, and the rows of a call may be at different t. So the steps of
several runs that wait during a call share the next one. A run has one step waiting at a time, and rows that do not fit into a
call go to the end of the queue, so nobody waits for another user's whole run.
"""

from __future__ import annotations

import atexit
import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread

import torch
from torch import Tensor

from explorer.denoiser import NoisePredictor
from explorer.runs.failures import ShuttingDown

PATIENCE = 0.2  # how long a call waits for the runs that had a part in the last one, as a share of its time


@dataclass(eq=False)
class NetworkCall:
    """One step of a run: its rows wait for the network.

    Attributes:
        unshared: not to share a call with other runs. The rounding of a row depends on how many there are in its call.
        answer: eps_theta of all rows, or the error of the network.
    """

    predict_noise: NoisePredictor
    x_t: Tensor
    t: int | Tensor
    unshared: bool = False
    answer: Future[Tensor] = field(default_factory=Future)
    parts: list[Tensor] = field(default_factory=list)
    taken: int = 0

    @property
    def left(self) -> int:
        """Rows that are in no call yet."""
        return len(self.x_t) - self.taken

    def fits(self, other: NetworkCall) -> bool:
        """Whether the two can share a call."""
        return not (self.unshared or other.unshared) and self.predict_noise == other.predict_noise

    def take(self, most: int) -> Part:
        """The next rows, ``most`` at the most."""
        rows = slice(self.taken, self.taken + min(most, self.left))
        self.taken = rows.stop
        return Part(self, rows)


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of a request that go into one call."""

    request: NetworkCall
    rows: slice

    @property
    def x_t(self) -> Tensor:
        return self.request.x_t[self.rows]

    @property
    def t(self) -> int | Tensor:
        t = self.request.t
        return t[self.rows] if isinstance(t, Tensor) and t.ndim else t

    def answer(self, eps: Tensor) -> None:
        request = self.request
        if eps.shape != self.x_t.shape:
            raise ValueError(f"the network made {tuple(eps.shape)} of {tuple(self.x_t.shape)}")
        request.parts.append(eps)
        if sum(map(len, request.parts)) == len(request.x_t):
            request.answer.set_result(request.parts[0] if len(request.parts) == 1 else torch.cat(request.parts))


class NetworkScheduler:
    """The thread, and the line of requests before it."""

    def __init__(self) -> None:
        self.threads = torch.get_num_threads()
        self._line: deque[NetworkCall] = deque()
        self._changed = Condition()
        self._expected = 0  # requests that are likely to be in line soon
        self._until = 0.0  # when it is no use to wait for them any longer
        self._busy = time.perf_counter()  # when the last call ended; infinity during one
        self._thread: Thread | None = None
        self._closed = False
        atexit.register(self.close)

    @property
    def waiting(self) -> int:
        """How many steps wait in the queue."""
        return len(self._line)

    @property
    def thread(self) -> Thread | None:
        """The thread that makes the calls; None before the first one and after a crash."""
        return self._thread

    def call(self, predict_noise: NoisePredictor, x_t: Tensor, t: int | Tensor, unshared: bool = False) -> Tensor:
        """``predict_noise(x_t, t)``, computed by the thread, or here if that is as good; its errors are raised here."""
        request = NetworkCall(predict_noise, x_t, t, unshared)
        if not self._mine(request):
            return self.put(request).result()
        started = time.perf_counter()
        parts = [request.take(len(x_t))]
        try:
            compute(parts)
        finally:
            self._put_back(parts, started)
        return request.answer.result()

    def _mine(self, request: NetworkCall) -> bool:
        """Whether the one who asks may call the network: any thread can, and nobody else is there or expected.

        To hand a step to another thread and back takes a tenth of the time of a small network.
        """
        if not request.predict_noise.any_thread or request.left > request.predict_noise.max_rows:
            return False
        with self._changed:
            free = not (self._closed or self._line or self._expected > 1 or self._busy == math.inf)
            if free:
                self._busy = math.inf
            return free

    def put(self, request: NetworkCall) -> Future[Tensor]:
        """Into the line; :class:`ShuttingDown` is its answer when the worker is closed."""
        with self._changed:
            if self._closed:
                request.answer.set_exception(ShuttingDown())
                return request.answer
            if self._thread is None:
                self._thread = Thread(target=self._work, name="network", daemon=True)
                self._thread.start()
            self._line.append(request)
            self._changed.notify_all()
        return request.answer

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until nobody has wanted the network for so long."""
        while True:
            with self._changed:
                left = math.inf if self._line else self._busy + seconds - time.perf_counter()
            if left <= 0:
                return
            time.sleep(min(left, seconds))

    def close(self) -> None:
        """End the thread after the call under way: a process must not end in the midst of one. Who waits hears of it."""
        with self._changed:
            self._closed = True
            thread = self._thread
            self._refuse(ShuttingDown())
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._busy != math.inf)
        if thread is not None:
            thread.join()

    def _refuse(self, error: BaseException, under_way: Sequence[Part] = ()) -> None:
        """``error`` for all who wait in line or have a part in the call under way."""
        for request in {*self._line, *(part.request for part in under_way)}:
            if not request.answer.done():
                request.answer.set_exception(error)
        self._line.clear()

    def _work(self) -> None:
        threads, parts = 0, list[Part]()
        try:
            while parts := self._next():
                if threads != self.threads:  # torch's number of threads belongs to the thread that calls it
                    threads = self.threads
                    torch.set_num_threads(threads)
                started = time.perf_counter()
                compute(parts)
                self._put_back(parts, started)
        except BaseException as error:
            logging.exception("the network's thread ended; the next call starts another")
            with self._changed:
                self._thread = None
                self._busy = time.perf_counter()
                self._refuse(error, parts)

    def _put_back(self, parts: list[Part], started: float) -> None:
        """Into the line again, what has rows left after a call; and how long to wait for those that were answered."""
        ended = time.perf_counter()
        with self._changed:
            answered = sum(part.request.answer.done() for part in parts)
            self._line.extend(part.request for part in parts if not part.request.answer.done())
            if self._closed:
                self._refuse(ShuttingDown())
            self._expected = answered + len(self._line)
            self._busy = ended
            self._until = ended + PATIENCE * (ended - started)
            self._changed.notify_all()  # whoever waited for this call to end

    def _next(self) -> list[Part]:
        """The rows of the next call, in the order of the line; none when the thread is to end."""
        with self._changed:
            self._changed.wait_for(lambda: (self._line and self._busy != math.inf) or self._closed)
            if self._closed:
                return []
            most = self._line[0].predict_noise.max_rows
            self._changed.wait_for(lambda: self._full(most), max(0.0, self._until - time.perf_counter()))
            if self._closed:
                return []
            first, self._busy = self._line.popleft(), math.inf
            parts = [first.take(most)]
            room = most - len(parts[0].x_t)
            for other in [other for other in self._line if first.fits(other)]:
                if room > 0:
                    self._line.remove(other)
                    parts.append(other.take(room))
                    room -= len(parts[-1].x_t)
            return parts

    def _full(self, most: int) -> bool:
        """Whether there is nothing to wait for: a call's rows are there, or everybody is."""
        return self._closed or len(self._line) >= self._expected or sum(request.left for request in self._line) >= most


def compute(parts: list[Part]) -> None:
    """Call the network on rows of one or several requests, and answer them."""
    try:
        if len(parts) == 1:
            parts[0].answer(parts[0].request.predict_noise(parts[0].x_t, parts[0].t))
            return
        sizes = [len(part.x_t) for part in parts]
        t = torch.cat([torch.as_tensor(part.t).expand(size) for part, size in zip(parts, sizes, strict=True)])
        eps = parts[0].request.predict_noise(torch.cat([part.x_t for part in parts]), t)
        for part, rows in zip(parts, eps.split(sizes), strict=True):
            part.answer(rows)
    except BaseException as error:  # whatever it is, this thread goes on
        if len(parts) == 1:
            parts[0].request.answer.set_exception(error)
            return
        for part in parts:  # it is one run's error, not that of all that shared the call
            compute([part])
