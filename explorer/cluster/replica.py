"""A replica: the network behind its own HTTP port, in a process that Ray starts."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from hmac import compare_digest
from itertools import groupby
from threading import Thread
from typing import Any

import torch
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from torch import Tensor

from explorer.checkpoint import Checkpoint, load
from explorer.cluster.addresses import Place
from explorer.cluster.call_batcher import CallBatcher
from explorer.cluster.wire_format import IDENTITY_KEYS, MAX_HEADER, Call, ReplicaInfo, identity, input_shape, pack_rows
from explorer.denoiser import Denoiser
from explorer.networks.network import Engine

PORTS_TRIED = 64  # from the given one; several replicas of a machine listen on successive ports
KEEP_ALIVE = 120  # seconds for which an unused connection is kept; clients close theirs earlier
MAX_ROWS_OF_CALL = 256
BYTES_OF_NUMBER = 4
START_TIMEOUT = 10.0  # seconds, of the HTTP server


@dataclass(frozen=True)
class ServedNetwork:
    """What is served, and by how many replicas.

    Attributes:
        checkpoint: name in checkpoints/, folder or hub id; the same on every machine.
        device, engine: see :func:`explorer.load`.
        replicas: number of replicas.
        cpus, gpus: what Ray reserves for each replica; may be fractions.
        identity: what the checkpoint must be on every machine, see :func:`explorer.cluster.wire_format.identity`; empty for
            any.
        token: without which no request is answered, unless empty.
    """

    checkpoint: str
    device: str = "auto"
    engine: Engine = "auto"
    replicas: int = 1
    cpus: float = 1.0
    gpus: float = 0.0
    identity: dict[str, Any] = field(default_factory=dict, hash=False)
    token: str = field(default="", repr=False)


class Replica:
    """The network and its HTTP server. Calls that arrive while another one is computed are batched."""

    def __init__(self) -> None:
        self._info: ReplicaInfo | None = None

    def start(self, served: ServedNetwork, host: str, port: int) -> tuple[ReplicaInfo, int]:
        """Open the checkpoint and listen on ``host``, at ``port`` or the next free one.

        Returns:
            What the replica is, and its port.

        Raises:
            ValueError: the checkpoint is missing or another one here, or the address does not belong to this machine.
        """
        listening = listen(host, port)
        checkpoint = load(served.checkpoint, served.device, engine=served.engine)
        if served.identity:
            check_identity(checkpoint, served.identity)
        self._token = served.token
        self._prepare(checkpoint)
        self._info = ReplicaInfo(
            checkpoint=checkpoint.source or checkpoint.name,
            identity=identity(checkpoint),
            engine=self._network.name,
            replicas=served.replicas,
            rows=self._rows,
            process=os.getpid(),
            replica=uuid.uuid4().hex,
        )
        self._serve(listening)
        return self._info, listening.getsockname()[1]

    def set_peers(self, peers: Sequence[Place]) -> None:
        """Announce these replicas to apps."""
        assert self._info is not None
        self._info = replace(self._info, peers=tuple(map(str, peers)))

    def stop(self) -> None:
        """Answer no more requests."""
        self._server.should_exit = self._server.force_exit = True

    def _prepare(self, checkpoint: Checkpoint) -> None:
        """Compile the network, and call it once: the first call is the slowest."""
        denoiser = checkpoint.predict_noise
        assert isinstance(denoiser, Denoiser)
        self._exact_network = denoiser.exact_network.prepare()
        self._network = denoiser.network(checkpoint.shape).prepare()
        self._shape, self._T, self._rows = input_shape(checkpoint), checkpoint.schedule.T, denoiser.max_rows
        self._network(torch.zeros(1, *self._shape), torch.zeros(1, dtype=torch.long))
        self._batcher = CallBatcher(self._compute, self._rows)

    def _serve(self, listening: socket.socket) -> None:
        """Serve HTTP in a thread."""
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            lifespan="off",
            proxy_headers=False,
            log_level="error",
            timeout_keep_alive=KEEP_ALIVE,
        )
        self._server = server = uvicorn.Server(config)
        Thread(target=server.run, args=([listening],), name="HTTP", daemon=True).start()
        deadline = time.monotonic() + START_TIMEOUT
        while not server.started:
            if time.monotonic() > deadline:
                raise ValueError("the HTTP server of the replica does not start")
            time.sleep(0.01)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] == "http":
            response = await self._respond(Request(scope, receive))
            await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        """Answer GET with the replica's :class:`ReplicaInfo`, and POST of a :class:`Call` with the network's output.

        The status is 401 without the token, 400 for an invalid call, 413 for one that is too long, and 409 for a call that
        expects another checkpoint.
        """
        assert self._info is not None
        if self._token and not compare_digest(
            request.headers.get("authorization", "").encode(), f"Bearer {self._token}".encode()
        ):
            return PlainTextResponse("this network requires a token", 401)
        if request.method != "POST":
            return JSONResponse(asdict(self._info))
        body = await read_body(
            request, MAX_HEADER + MAX_ROWS_OF_CALL * BYTES_OF_NUMBER * torch.Size(self._shape).numel()
        )
        if body is None:
            return PlainTextResponse(f"expected at most {MAX_ROWS_OF_CALL} rows", 413)
        try:
            call = Call.unpack(body, self._shape, self._T)
        except ValueError as error:
            return PlainTextResponse(str(error), 400)
        if call.weights != self._info.identity["weights"]:
            return PlainTextResponse("another checkpoint is served here", 409)
        output = await self._batcher.output(call)
        return Response(pack_rows(output, call.wire), media_type="application/octet-stream")

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


def listen(host: str, port: int) -> socket.socket:
    """Listen on the first free port from ``port``.

    Raises:
        ValueError: this machine cannot listen on the host, or no port is free.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + PORTS_TRIED, 65536)):
        listening = socket.socket(family)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, candidate))
            listening.listen(socket.SOMAXCONN)
        except OSError as error:
            listening.close()
            if error.errno != errno.EADDRINUSE:
                raise ValueError(f"it cannot listen on {Place(host, candidate)} ({error.strerror})") from None
        else:
            return listening
    raise ValueError(f"none of its ports from {port} is free")


def check_identity(checkpoint: Checkpoint, expected: dict[str, Any]) -> None:
    """Check that a checkpoint is the expected one.

    Raises:
        ValueError: it is not; the message names the differences.
    """
    found = json.loads(json.dumps(identity(checkpoint)))
    differences = [
        f"{key} {found[key]} instead of {expected[key]}" for key in IDENTITY_KEYS if found[key] != expected[key]
    ]
    if differences:
        raise ValueError(f"it has another checkpoint {checkpoint.name}: {', '.join(differences)}")


async def read_body(request: Request, limit: int) -> bytes | None:
    """The body of a request, or None if it has more bytes than the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
