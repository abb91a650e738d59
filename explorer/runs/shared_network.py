"""Checkpoints whose network calls go through one scheduler, shared by all runs of the app."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Thread

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.networks.noise_predictor import DelegatingPredictor
from explorer.runs.failures import check_finite
from explorer.runs.scheduler import NetworkCall, NetworkScheduler

IDLE_SECONDS = 2.0  # without a call, before the network is compiled for all batch sizes

SCHEDULER = NetworkScheduler()


def reserve_threads_for_the_network() -> None:
    """Let only the network thread use several torch threads.

    Tensors elsewhere are small, and idle worker threads of torch keep spinning for a while, which slows down the
    network.
    """
    SCHEDULER.threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for this thread and those started later


@dataclass(frozen=True)
class ScheduledPredictor(DelegatingPredictor):
    """A noise predictor whose calls go through :data:`SCHEDULER`, which raises their exceptions in the caller.

    A call raises :class:`explorer.runs.failures.RunFailure` if the network returns NaN or infinity.

    Attributes:
        predictor: the predictor that is called.
        shares: whether calls may be batched with those of other runs.
        client: the network address for which calls are made.
    """

    shares: bool = True
    client: str = ""

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        return check_finite(SCHEDULER.call(self.predictor, x_t, t, not self.shares, self.client), t)

    @property
    def exact(self) -> ScheduledPredictor:
        return replace(self, predictor=self.predictor.exact)

    @property
    def float32(self) -> ScheduledPredictor:
        return replace(self, predictor=self.predictor.float32)

    @property
    def unshared(self) -> ScheduledPredictor:
        return replace(self, predictor=self.predictor.unshared, shares=False)


def scheduled(checkpoint: Checkpoint) -> Checkpoint:
    """Return the same checkpoint with all network calls made by the scheduler."""
    return replace(checkpoint, predict_noise=ScheduledPredictor(checkpoint.predict_noise))


def unshared(checkpoint: Checkpoint) -> Checkpoint:
    """Return the same checkpoint without batching with other runs, so that repeated calls give identical bits."""
    return replace(checkpoint, predict_noise=checkpoint.predict_noise.unshared)


def for_client(checkpoint: Checkpoint, client: str) -> Checkpoint:
    """Return the same checkpoint with its scheduled network calls made for a client, see :mod:`fair_queue`."""
    predictor = checkpoint.predict_noise
    if not isinstance(predictor, ScheduledPredictor):
        return checkpoint
    return replace(checkpoint, predict_noise=replace(predictor, client=client))


def prepare_when_idle(checkpoints: Iterable[Checkpoint], on_prepared: Callable[[Checkpoint], object]) -> None:
    """Find the best engine for each checkpoint and compile it, in a background thread, while the network is idle.

    Args:
        on_prepared: called with a checkpoint that new runs should use in place of the given one. Runs that have begun
            keep theirs, so that their engine does not change.
    """

    def prepare() -> None:
        for checkpoint in checkpoints:
            SCHEDULER.wait_until_idle(IDLE_SECONDS)
            with suppress(Exception):  # reported by the first run that uses the network
                predictor = checkpoint.predict_noise.prepare()
                if predictor is not checkpoint.predict_noise:
                    on_prepared(replace(checkpoint, predict_noise=predictor))

    Thread(target=prepare, name="prepare", daemon=True).start()


@dataclass(frozen=True)
class _EngineChooser(DelegatingPredictor):
    """A predictor that chooses the engine when it is called, and computes nothing."""

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        C, H, W = x_t.shape[1:]
        self.predictor.choose_engine((C, H, W))
        return x_t


def choose_engine(checkpoint: Checkpoint) -> str:
    """Return the display name of the checkpoint's engine, which is chosen in the network thread if that is still to be done.

    It is empty for a plain function.
    """
    predictor = checkpoint.predict_noise
    if not predictor.engine:
        inner = predictor.predictor if isinstance(predictor, ScheduledPredictor) else predictor
        SCHEDULER.call(_EngineChooser(inner), torch.zeros(1, *checkpoint.shape), 1, True)
    return predictor.engine


def warm_up(checkpoint: Checkpoint) -> Future[Tensor]:
    """Call the network once in the background, since the first call in a process is by far the slowest."""
    return SCHEDULER.submit(NetworkCall(checkpoint.predict_noise, torch.zeros(1, *checkpoint.shape), 1))
