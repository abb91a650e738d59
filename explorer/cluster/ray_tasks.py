"""A sweep's chunks as Ray tasks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from explorer.checkpoint import Checkpoint, load
from explorer.networks.network import Engine
from explorer.runs.tasks import Job, Results

AHEAD = 4  # chunks under way for each processor: the next ones are there when one takes longer than the others
RETRIES = 8  # of a chunk whose machine was lost


def distribute_on_ray(checkpoint: Checkpoint, job: Job[Any, Any], tasks: Iterable[Any]) -> Results:
    """The results of a sweep's chunks, in their order, computed by the Ray that was joined.

    A chunk is one task. A task whose process or machine dies is done again, elsewhere; what goes over the wire is the
    job, once to each machine, and what a chunk came to. Every machine opens the checkpoint by the same name.

    Raises:
        ValueError: what the job raises; and when Ray gives up.
    """
    import ray

    device = checkpoint.predict_noise.device
    what = checkpoint.source or checkpoint.name, device.type, checkpoint.predict_noise.requested_engine
    cuda = device.type == "cuda"
    remote: Callable[..., Any] = ray.remote(num_cpus=1, num_gpus=int(cuda), max_retries=RETRIES)(compute).remote
    shared = ray.put(job)
    processors = ray.cluster_resources().get("GPU" if cuda else "CPU", 1)
    under_way: deque[Any] = deque()
    left = iter(tasks)
    try:
        while True:
            while len(under_way) < AHEAD * processors and (next_task := next(left, None)) is not None:
                under_way.append(remote(what, shared, next_task))
            if not under_way:
                return
            yield ray.get(under_way.popleft())
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ValueError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        raise ValueError(f"Ray gave up: {str(error).splitlines()[0]}; the same command goes on") from None
    finally:
        for reference in under_way:
            ray.cancel(reference, force=True)


def compute(what: tuple[str, str, Engine], job: Job[Any, Any], task: Any) -> Any:
    """What a task does."""
    return job(opened(*what), task)


@lru_cache(maxsize=1)
def opened(source: str, device: str, engine: Engine) -> Checkpoint:
    """The checkpoint, once in a process: Ray gives a process many tasks."""
    return load(source, device, engine=engine)
