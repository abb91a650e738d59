"""Work that is cut into independent tasks, computed in this process or spread over other machines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, Protocol, TypeVar

from explorer.checkpoint import Checkpoint

Task = TypeVar("Task", contravariant=True)
Result = TypeVar("Result", covariant=True)


class Job(Protocol[Task, Result]):
    """What is done with every task. It can be pickled; the values it holds are sent once to each machine."""

    def __call__(self, checkpoint: Checkpoint, task: Task, /) -> Result: ...


Results = Generator[Any, None, None]
Distribute = Callable[[Checkpoint, Job[Any, Any], Iterable[Any]], Results]  # results in the order of the tasks


def in_this_process(checkpoint: Checkpoint, job: Job[Any, Any], tasks: Iterable[Any]) -> Results:
    """Compute one task after the other, in this process."""
    return (job(checkpoint, task) for task in tasks)
