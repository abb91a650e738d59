"""The interface for work that is split into independent tasks, computed in this process or on other machines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, Protocol, TypeVar

from explorer.checkpoint import Checkpoint

Task = TypeVar("Task", contravariant=True)
Result = TypeVar("Result", covariant=True)


class Job(Protocol[Task, Result]):
    """A function of a checkpoint and a task. It must be picklable; it is sent once to each machine."""

    def __call__(self, checkpoint: Checkpoint, task: Task, /) -> Result: ...


Results = Generator[Any, None, None]
Distribute = Callable[[Checkpoint, Job[Any, Any], Iterable[Any]], Results]  # yields results in the order of the tasks


def in_this_process(checkpoint: Checkpoint, job: Job[Any, Any], tasks: Iterable[Any]) -> Results:
    """Compute the tasks one after the other in this process."""
    return (job(checkpoint, task) for task in tasks)
