"""Replicas of the network on Ray Serve. Imported only where Ray is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import groupby

import torch
from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from torch import Tensor

from explorer.checkpoint import load
from explorer.cluster.wire_format import Call, ReplicaInfo, identity, input_shape, pack_rows
from explorer.denoiser import Denoiser
from explorer.networks.network import Engine

APP = "ddim-explorer"
WAITING = 256  # calls that one replica takes in, beside the one that it computes
MOST_CALLS = 64  # in one batch


@dataclass(frozen=True)
class ServedNetwork:
    """What is served, and by how many.

    Attributes:
        checkpoint: name below checkpoints/, folder or hub id, the same on every machine.
        device, engine: see :func:`explorer.load`.
        replicas: how many.
        cpus, gpus: of a machine, that Ray keeps for one replica.
    """

    checkpoint: str
    device: str = "auto"
    engine: Engine = "auto"
    replicas: int = 1
    cpus: float = 1.0
    gpus: float = 0.0


class Replica:
    """The network in a process of its own. Calls that come while one is computed share the next one."""

    def __init__(self, served: ServedNetwork) -> None:
        checkpoint = load(served.checkpoint, served.device, engine=served.engine)
        denoiser = checkpoint.predict_noise
        assert isinstance(denoiser, Denoiser)
        self._exact = denoiser.exact_network
        self._network = denoiser.network(checkpoint.shape)
        self._shape, self._T = input_shape(checkpoint), checkpoint.schedule.T
        rows = denoiser.max_rows
        self._network(torch.zeros(1, *self._shape), torch.zeros(1, dtype=torch.long))  # the first call is the slowest
        self._together.set_max_batch_size(rows)
        name = checkpoint.source or checkpoint.name
        about = (name, identity(checkpoint), self._network.name, served.replicas, rows, os.getpid())
        self._about = ReplicaInfo(*about)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="network")  # so that questions are answered meanwhile

    async def __call__(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse(asdict(self._about))
        try:
            call = Call.unpack(await request.body(), self._shape, self._T)
        except ValueError as error:
            return PlainTextResponse(str(error), 400)
        if call.weights != self._about.identity["weights"]:
            return PlainTextResponse("another checkpoint is served here", 409)
        output = await self._together(call)  # type: ignore[arg-type, misc]
        return Response(pack_rows(output, call.wire), media_type="application/octet-stream")

    @serve.batch(
        max_batch_size=MOST_CALLS,
        batch_wait_timeout_s=0.0,  # they gather while the call before is computed: nobody waits for nothing
        batch_size_fn=lambda calls: sum(len(call.x) for call in calls),
    )
    async def _together(self, calls: list[Call]) -> list[Tensor]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._compute, calls)

    def _compute(self, calls: Sequence[Call]) -> list[Tensor]:
        """The output of each call."""
        answers: dict[int, Tensor] = {}
        shared = [call for call in calls if not call.unshared]
        groups = [[call] for call in calls if call.unshared]
        groups += [list(group) for _, group in groupby(sorted(shared, key=lambda c: c.exact), lambda c: c.exact)]
        for group in groups:
            network = self._exact if group[0].exact else self._network
            x, labels = torch.cat([call.x for call in group]), torch.cat([call.labels for call in group])
            outputs = network(x, labels).cpu().split([len(call.x) for call in group])
            answers.update({id(call): output for call, output in zip(group, outputs, strict=True)})
        return [answers[id(call)] for call in calls]


def deploy(served: ServedNetwork, host: str, port: int) -> None:
    """Put the replicas on the Ray that was joined, and wait until they answer at ``host``:``port``.

    Raises:
        RuntimeError: if they do not come up.
    """
    options = {"num_cpus": served.cpus, "num_gpus": served.gpus}
    deployment = serve.deployment(
        Replica,
        name="network",
        num_replicas=served.replicas,
        ray_actor_options=options,
        max_ongoing_requests=WAITING,
        health_check_period_s=2,
        graceful_shutdown_timeout_s=2,
    )
    serve.start(proxy_location="EveryNode", http_options={"host": host, "port": port, "request_timeout_s": 60})
    serve.run(deployment.bind(served), name=APP, route_prefix="/")


def withdraw() -> None:
    """Take the replicas from the Ray that was joined; what else is served there stays."""
    serve.delete(APP)
