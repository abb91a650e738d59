"""Starts the replicas on the machines of a Ray cluster, and keeps them running. Import it only where Ray is installed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from explorer.cluster.addresses import Place, is_loopback, is_wildcard
from explorer.cluster.nodes import Node, alive_nodes, describe_need, summary
from explorer.cluster.placement import node_for_next, node_to_relieve
from explorer.cluster.replica import ServedNetwork
from explorer.cluster.replica_actor import ReplicaActor
from explorer.cluster.wire_format import ReplicaInfo

PAUSE = 0.5  # seconds between two looks at the replicas
HUNG_AFTER = 60.0  # seconds without a sign of life, after which a replica is ended
RETRY_AFTER = 10.0  # seconds until a node on which a replica did not start is tried again
OWN_ADDRESS = ""  # in place of a host: each machine's own address in the cluster


@dataclass(eq=False)
class RunningReplica:
    """A replica that was started.

    Attributes:
        actor: of Ray.
        node: where it runs.
        starting: the reference to what :meth:`ReplicaActor.start` returns; None once it has.
        info: what the replica is; None while it starts.
        place: where apps reach it.
        ping: the reference to the sign of life that was requested last.
        lived: when it last gave one, as ``time.monotonic`` measures it.
    """

    actor: Any
    node: Node
    starting: Any
    info: ReplicaInfo | None = None
    place: Place | None = None
    ping: Any = None
    lived: float = field(default_factory=time.monotonic)


class Problem(NamedTuple):
    """What went wrong on a machine.

    Attributes:
        node: the machine.
        text: why a replica ended or does not start there.
        is_refusal: whether the machine cannot serve the network as it is.
    """

    node: Node
    text: str
    is_refusal: bool = False

    def __str__(self) -> str:
        return f"{self.node}: {self.text}"


class Supervisor:
    """Keeps replicas running, spread evenly over the machines of the cluster.

    Args:
        served: what is served.
        host: address on which the replicas listen; :data:`OWN_ADDRESS` for that of their machine in the cluster.
        port: on which the first replica of each machine listens; the next ones listen on those after it.
        advertised: where apps reach the replicas, if not at the addresses at which they listen.
    """

    def __init__(
        self,
        served: ServedNetwork,
        host: str,
        port: int,
        advertised: Sequence[Place] = (),
    ) -> None:
        self.served, self._host, self._port = served, host, port
        self._advertised = tuple(advertised)
        self._replicas: list[RunningReplica] = []
        self._refused: dict[str, float] = {}  # when a replica did not start there, by the node's id
        self._announced: frozenset[str] = frozenset()  # ids of the replicas that were announced last
        self._actor = ray.remote(num_cpus=served.cpus, num_gpus=served.gpus, max_restarts=0)(ReplicaActor)

    @property
    def ready(self) -> list[RunningReplica]:
        """The replicas that answer calls."""
        return [replica for replica in self._replicas if replica.info is not None]

    @property
    def peers(self) -> tuple[Place, ...]:
        """Where apps reach the replicas."""
        return self._advertised or tuple(sorted(replica.place for replica in self.ready if replica.place))

    def start(self, limit: float, stop: Callable[[float], bool], may_grow: bool = True) -> None:
        """Start the replicas and wait until all of them answer, or until ``stop`` returns True.

        If only some answer within the limit, because a machine is missing, the others are started when it joins.

        Args:
            limit: seconds.
            stop: waits for some seconds, and returns whether to stop.
            may_grow: whether further machines may join the cluster.

        Raises:
            ValueError: a machine refuses, they do not fit, or none answers in time; the message names the machine.
        """
        nodes = alive_nodes()
        self._check_host(nodes)
        if not may_grow and sum(node.room(self.served) for node in nodes) < self.served.replicas:
            raise ValueError(self.describe_missing())
        deadline = time.monotonic() + limit
        while len(self.ready) < self.served.replicas and time.monotonic() < deadline:
            for problem in self.check():
                if problem.is_refusal:
                    raise ValueError(str(problem))
            if stop(PAUSE):
                return
        if not self.ready:
            raise ValueError(f"no replica answers within {limit:.0f} s: {self.describe_missing()}")

    def describe_missing(self) -> str:
        """Why there are fewer replicas than wanted; empty if there are not."""
        waiting = [str(replica.node) for replica in self._replicas if replica.info is None]
        problems = [
            f"{node}: still starting, or Ray has no {describe_need(self.served)} free there; --timeout allows more time"
            for node in sorted(set(waiting))
        ]
        if len(self._replicas) < self.served.replicas:
            room = "; ".join(f"{node} for {node.room(self.served)}" for node in alive_nodes())
            problems.append(
                f"{self.served.replicas} replicas need {describe_need(self.served)} each, and there is room: {room}"
            )
        return "; ".join(problems)

    def check(self) -> list[Problem]:
        """Replace replicas that ended, spread them over the machines, and announce all of them to apps.

        Returns:
            What went wrong since the last time.
        """
        problems = []
        for replica in list(self._replicas):
            if problem := self._problem(replica):
                self._replicas.remove(replica)
                problems.append(problem)
                if replica.info is None:
                    self._refused[replica.node.id] = time.monotonic()
        self._start_missing()
        self._stop_surplus()
        self._announce()
        return problems

    def _start_missing(self) -> None:
        """Start the replicas that are missing, or another one where it would be better placed than those there are."""
        now = time.monotonic()
        nodes = {n.id: n for n in alive_nodes() if now - self._refused.get(n.id, -RETRY_AFTER) >= RETRY_AFTER}
        room = {node.id: node.room(self.served) for node in nodes.values()}
        missing = self.served.replicas - len(self._replicas)
        if missing == 0 and len(self.ready) == len(self._replicas) and node_to_relieve(self._counts, room):
            missing = 1
        for _ in range(missing):
            target = node_for_next(self._counts, room)
            if target is None:
                return
            actor = self._actor.options(scheduling_strategy=NodeAffinitySchedulingStrategy(target, soft=False)).remote()
            host = nodes[target].address if self._host == OWN_ADDRESS else self._host
            starting = actor.start.remote(self.served, host, self._port)
            self._replicas.append(RunningReplica(actor, nodes[target], starting))

    @property
    def _counts(self) -> Counter[str]:
        """Replicas on each node, also those that are starting."""
        return Counter(replica.node.id for replica in self._replicas)

    def _stop_surplus(self) -> None:
        """End a replica on the fullest node, once its replacement elsewhere answers."""
        if len(self.ready) > self.served.replicas:
            surplus = max(self.ready, key=lambda replica: self._counts[replica.node.id])
            self._replicas.remove(surplus)
            ray.kill(surplus.actor)

    def _announce(self) -> None:
        """Tell all replicas where apps reach the others, if that has changed."""
        ready = frozenset(replica.info.replica for replica in self.ready if replica.info)
        if ready != self._announced:
            self._announced = ready
            for replica in self.ready:
                replica.actor.set_peers.remote(self.peers)

    def stop(self) -> None:
        """End all replicas."""
        while self._replicas:
            ray.kill(self._replicas.pop().actor)

    def _check_host(self, nodes: Sequence[Node]) -> None:
        if is_loopback(self._host) and len(nodes) > 1 and not self._advertised:
            raise ValueError(
                f"--host {self._host} cannot be reached from other machines, and the cluster has {len(nodes)}: leave "
                "--host out, so that each replica listens on its machine's own address, or say with --advertise where "
                "apps reach the replicas"
            )

    def _problem(self, replica: RunningReplica) -> Problem | None:
        """Why a replica has ended; None if it has not."""
        try:
            if replica.starting is not None:
                if not ray.wait([replica.starting], timeout=0)[0]:
                    return None
                replica.info, port = ray.get(replica.starting)
                replica.starting = None
                own = self._host == OWN_ADDRESS or is_wildcard(self._host)
                replica.place = Place(replica.node.address if own else self._host, port)
                replica.lived = time.monotonic()
            elif replica.ping is None:
                replica.ping = replica.actor.ping.remote()
            elif ray.wait([replica.ping], timeout=0)[0]:
                ping, replica.ping = replica.ping, None
                ray.get(ping)
                replica.lived = time.monotonic()
        except ray.exceptions.ActorUnavailableError:
            pass  # the link to its machine may have failed for a while
        except ray.exceptions.RayTaskError as error:
            ray.kill(replica.actor)
            cause = str(getattr(error, "cause", error)).strip()
            return Problem(replica.node, self._explain(cause.splitlines()[-1] if cause else repr(error)), True)
        except ray.exceptions.RayError as error:
            return Problem(replica.node, summary(error))
        if replica.starting is None and time.monotonic() - replica.lived > HUNG_AFTER:
            ray.kill(replica.actor)
            return Problem(replica.node, f"no sign of life for {HUNG_AFTER:.0f} s")
        return None

    def _explain(self, problem: str) -> str:
        if "cannot listen on" in problem and self._host != OWN_ADDRESS:
            return f"{problem}; leave --host out, so that each replica listens on its machine's own address"
        return problem
