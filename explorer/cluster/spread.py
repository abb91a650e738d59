"""A sweep's chunks as Ray tasks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from explorer.checkpoint import Checkpoint, load
from explorer.engine import Engine
from explorer.evaluation.chunks import Chunk, Job, Results, device_of

AHEAD = 4  # chunks under way for each processor: the next ones are there when one takes longer than the others
RETRIES = 8  # of a chunk whose machine was lost


def on_ray(checkpoint: Checkpoint, job: Job[Any], chunks: Iterable[Chunk]) -> Results:
    """The results of a sweep's chunks, in their order, computed by the Ray that was joined.

    A chunk is one task. A task whose process or machine dies is done again, elsewhere; what goes over the wire is the
    job, once to each machine, and what a chunk came to. Every machine opens the checkpoint by the same name.

    Raises:
        ValueError: what the job raises; and when Ray gives up.
    """
    import ray

    device = device_of(checkpoint)
    what = checkpoint.source or checkpoint.name, device.type, getattr(checkpoint.predict_noise, "wanted", "exact")
    cuda = device.type == "cuda"
    task: Callable[..., Any] = ray.remote(num_cpus=1, num_gpus=int(cuda), max_retries=RETRIES)(compute).remote
    shared = ray.put(job)
    processors = ray.cluster_resources().get("GPU" if cuda else "CPU", 1)
    under_way: deque[Any] = deque()
    left = iter(chunks)
    try:
        while True:
            while len(under_way) < AHEAD * processors and (chunk := next(left, None)) is not None:
                under_way.append(task(what, shared, chunk))
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


def compute(what: tuple[str, str, Engine], job: Job[Any], chunk: Chunk) -> Any:
    """What a task does."""
    return job(opened(*what), chunk)


@lru_cache(maxsize=1)
def opened(source: str, device: str, engine: Engine) -> Checkpoint:
    """The checkpoint, once in a process: Ray gives a process many tasks."""
    return load(source, device, engine=engine)
