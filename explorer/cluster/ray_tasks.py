"""Chunks of a sweep as Ray tasks."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from explorer.checkpoint import Checkpoint, load
from explorer.networks.network import Engine
from explorer.runs.tasks import Job, Results

TASKS_PER_PROCESSOR = 4  # submitted at once, so that no processor is idle while one task takes longer than the others
MAX_RETRIES = 8  # of a task whose process or machine was lost


def distribute_on_ray(checkpoint: Checkpoint, job: Job[Any, Any], tasks: Iterable[Any]) -> Results:
    """Run a job's tasks on the Ray cluster of this session, and yield their results in order.

    A task whose process or machine is lost is retried elsewhere. Only the job (once per machine), the tasks and their
    results are sent over the network. Every machine opens the checkpoint by the same name.

    Raises:
        ValueError: raised by the job, or Ray gave up.
    """
    import ray

    device = checkpoint.predict_noise.device
    source = checkpoint.source or checkpoint.name, device.type, checkpoint.predict_noise.requested_engine
    cuda = device.type == "cuda"
    submit: Callable[..., Any] = ray.remote(num_cpus=1, num_gpus=int(cuda), max_retries=MAX_RETRIES)(compute).remote
    shared_job = ray.put(job)
    processors = ray.cluster_resources().get("GPU" if cuda else "CPU", 1)
    submitted: deque[Any] = deque()
    remaining = iter(tasks)
    try:
        while True:
            while len(submitted) < TASKS_PER_PROCESSOR * processors and (task := next(remaining, None)) is not None:
                submitted.append(submit(source, shared_job, task))
            if not submitted:
                return
            yield ray.get(submitted.popleft())
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ValueError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        problem = str(error).splitlines()[0]
        raise ValueError(f"Ray gave up: {problem}. Run the same command again to continue") from None
    finally:
        for reference in submitted:
            ray.cancel(reference, force=True)


def compute(source: tuple[str, str, Engine], job: Job[Any, Any], task: Any) -> Any:
    """Run one task in a Ray worker process.

    Args:
        source: name, device and engine of the checkpoint.

    Raises:
        ValueError: the checkpoint is missing or another one on this machine, which the message names.
    """
    try:
        return job(_load_once(*source), task)
    except ValueError as error:
        import ray

        raise ValueError(f"node {ray.util.get_node_ip_address()} ({socket.gethostname()}): {error}") from None


@lru_cache(maxsize=1)
def _load_once(name: str, device: str, engine: Engine) -> Checkpoint:
    return load(name, device, engine=engine)
