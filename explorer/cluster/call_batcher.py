"""Batches of the calls that arrive at a replica while it computes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from torch import Tensor

from explorer.cluster.wire_format import Call


class CallBatcher:
    """Computes calls one batch after the other, in a thread. Use it from one event loop only.

    A call is never delayed: a batch consists of the calls that arrived while the previous one was computed.

    Args:
        compute: returns the output of each call of a batch.
        max_rows: of a batch. A call with more rows is computed alone.
    """

    def __init__(self, compute: Callable[[Sequence[Call]], list[Tensor]], max_rows: int) -> None:
        self._compute, self._max_rows = compute, max_rows
        self._waiting: deque[tuple[Call, asyncio.Future[Tensor]]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._task: asyncio.Task[None] | None = None

    async def output(self, call: Call) -> Tensor:
        """The network's output for a call; raises what ``compute`` raises."""
        future: asyncio.Future[Tensor] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._compute_all())
        return await future

    async def _compute_all(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := self._next_batch():
            try:
                outputs = await loop.run_in_executor(self._thread, self._compute, [call for call, _ in batch])
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), output in zip(batch, outputs, strict=True):
                if not future.done():  # its caller may have gone
                    future.set_result(output)

    def _next_batch(self) -> list[tuple[Call, asyncio.Future[Tensor]]]:
        batch, rows = list[tuple[Call, "asyncio.Future[Tensor]"]](), 0
        while self._waiting and (not batch or rows + len(self._waiting[0][0].x) <= self._max_rows):
            batch.append(self._waiting.popleft())
            rows += len(batch[-1][0].x)
        return batch
