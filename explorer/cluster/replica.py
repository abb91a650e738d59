"""Replicas of the network on Ray Serve. Import this module only where Ray is installed."""

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

APP_NAME = "ddim-explorer"
MAX_ONGOING_CALLS = 256  # per replica, queued or being computed
INITIAL_BATCH_SIZE = 64  # rows; every replica sets its own


@dataclass(frozen=True)
class ServedNetwork:
    """What is served, and by how many replicas.

    Attributes:
        checkpoint: name in checkpoints/, folder or hub id; the same on every machine.
        device, engine: see :func:`explorer.load`.
        replicas: number of replicas.
        cpus, gpus: what Ray reserves for each replica; may be fractions.
    """

    checkpoint: str
    device: str = "auto"
    engine: Engine = "auto"
    replicas: int = 1
    cpus: float = 1.0
    gpus: float = 0.0


class Replica:
    """The network in its own process. Calls that arrive while another one is computed are batched."""

    def __init__(self, served: ServedNetwork) -> None:
        checkpoint = load(served.checkpoint, served.device, engine=served.engine)
        denoiser = checkpoint.predict_noise
        assert isinstance(denoiser, Denoiser)
        self._exact_network = denoiser.exact_network.prepare()
        self._network = denoiser.network(checkpoint.shape).prepare()
        self._shape, self._T = input_shape(checkpoint), checkpoint.schedule.T
        self._network(torch.zeros(1, *self._shape), torch.zeros(1, dtype=torch.long))  # the first call is the slowest
        self._compute_batched.set_max_batch_size(denoiser.max_rows)
        self._info = ReplicaInfo(
            checkpoint=checkpoint.source or checkpoint.name,
            identity=identity(checkpoint),
            engine=self._network.name,
            replicas=served.replicas,
            rows=denoiser.max_rows,
            process=os.getpid(),
        )
        # The network is computed in a thread, so that the event loop can accept calls meanwhile.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="network")

    async def __call__(self, request: Request) -> Response:
        """Answer GET with the replica's :class:`ReplicaInfo`, and POST of a :class:`Call` with the network's output.

        The status is 400 for an invalid call, and 409 for a call that expects another checkpoint.
        """
        if request.method == "GET":
            return JSONResponse(asdict(self._info))
        try:
            call = Call.unpack(await request.body(), self._shape, self._T)
        except ValueError as error:
            return PlainTextResponse(str(error), 400)
        if call.weights != self._info.identity["weights"]:
            return PlainTextResponse("another checkpoint is served here", 409)
        output = await self._compute_batched(call)  # type: ignore[arg-type, misc]
        return Response(pack_rows(output, call.wire), media_type="application/octet-stream")

    @serve.batch(
        max_batch_size=INITIAL_BATCH_SIZE,
        batch_wait_timeout_s=0.0,  # a call is never delayed: batches form while the previous one is computed
        batch_size_fn=lambda calls: sum(len(call.x) for call in calls),
    )
    async def _compute_batched(self, calls: list[Call]) -> list[Tensor]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._compute, calls)

    def _compute(self, calls: Sequence[Call]) -> list[Tensor]:
        """The output for each call. Unshared calls are computed alone, the others together with those of their kind."""
        outputs: dict[int, Tensor] = {}
        shared = sorted((call for call in calls if not call.unshared), key=lambda call: call.exact)
        groups = [[call] for call in calls if call.unshared]
        groups += [list(group) for _, group in groupby(shared, key=lambda call: call.exact)]
        for group in groups:
            network = self._exact_network if group[0].exact else self._network
            x, labels = torch.cat([call.x for call in group]), torch.cat([call.labels for call in group])
            rows = network(x, labels).cpu().split([len(call.x) for call in group])
            outputs.update({id(call): output for call, output in zip(group, rows, strict=True)})
        return [outputs[id(call)] for call in calls]


def deploy(served: ServedNetwork, host: str, port: int) -> None:
    """Start the replicas on the Ray cluster of this session, and wait until they answer at ``host``:``port``.

    Raises:
        RuntimeError: the replicas do not start.
    """
    deployment = serve.deployment(
        Replica,
        name="network",
        num_replicas=served.replicas,
        ray_actor_options={"num_cpus": served.cpus, "num_gpus": served.gpus},
        max_ongoing_requests=MAX_ONGOING_CALLS,
        health_check_period_s=2,
        graceful_shutdown_timeout_s=2,
    )
    serve.start(proxy_location="EveryNode", http_options={"host": host, "port": port, "request_timeout_s": 60})
    serve.run(deployment.bind(served), name=APP_NAME, route_prefix="/")


def delete_deployment() -> None:
    """Stop the replicas. Other applications on the Ray cluster keep running."""
    serve.delete(APP_NAME)
