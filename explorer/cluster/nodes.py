"""The machines of a Ray cluster, and what Ray says when something fails there. Import it only where Ray is installed."""

from __future__ import annotations

from dataclasses import dataclass

import ray

from explorer.cluster.replica import ServedNetwork

MAX_SUMMARY = 400  # characters


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Attributes:
        id: of Ray.
        address: by which the other machines reach it.
        hostname: for messages.
        cpus, gpus: in all.
    """

    id: str
    address: str
    hostname: str
    cpus: float
    gpus: float

    def __str__(self) -> str:
        return f"node {self.address} ({self.hostname})"

    def room(self, served: ServedNetwork) -> int:
        """How many replicas fit."""
        fits = [
            int((have + 1e-6) / need) for have, need in ((self.cpus, served.cpus), (self.gpus, served.gpus)) if need > 0
        ]
        return min(fits, default=served.replicas)


def alive_nodes() -> list[Node]:
    """The machines of the cluster that Ray knows to be alive.

    Raises:
        ValueError: the head of the cluster does not answer.
    """
    try:
        found = ray.nodes()
    except (ray.exceptions.RayError, RuntimeError, OSError) as error:
        raise ValueError(f"the head of the Ray cluster does not answer: {summary(error)}") from None
    return [
        Node(
            node["NodeID"],
            node["NodeManagerAddress"],
            node["NodeManagerHostname"],
            node["Resources"].get("CPU", 0.0),
            node["Resources"].get("GPU", 0.0),
        )
        for node in found
        if node["Alive"]
    ]


def describe_need(served: ServedNetwork) -> str:
    """What a replica needs."""
    gpus = f" and {served.gpus:g} GPU" if served.gpus else ""
    return f"{served.cpus:g} CPU{gpus}"


def summary(error: BaseException) -> str:
    """The first line of an error message of Ray, without the advice that follows, and the last one, which names the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    first = lines[0].partition(" Worker exit type")[0]
    return first if len(lines) == 1 else f"{first} {lines[-1]}"[:MAX_SUMMARY]
