"""The Ray actor around a replica."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.cluster.addresses import Place
from explorer.cluster.replica import Replica, ServedNetwork
from explorer.cluster.wire_format import ReplicaInfo


class ReplicaActor:
    """A process with a replica. Without a coroutine of its own, so that Ray runs its methods one after the other."""

    def __init__(self) -> None:
        self._replica = Replica()

    def start(self, served: ServedNetwork, host: str, port: int) -> tuple[ReplicaInfo, int]:
        """See :meth:`Replica.start`."""
        return self._replica.start(served, host, port)

    def set_peers(self, peers: Sequence[Place]) -> None:
        """See :meth:`Replica.set_peers`."""
        self._replica.set_peers(peers)

    def ping(self) -> None:
        """Return at once, as a sign of life."""
