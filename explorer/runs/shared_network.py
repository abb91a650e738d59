"""The network as the runs of the app see it: every call goes through one scheduler."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Thread

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.denoiser import DelegatingPredictor
from explorer.runs.failures import check_finite
from explorer.runs.scheduler import NetworkCall, NetworkScheduler

IDLE_SECONDS = 2.0  # without a call, before other batch sizes are compiled ahead

SCHEDULER = NetworkScheduler()


def reserve_threads_for_the_network() -> None:
    """Give torch's team of workers to the network's thread and one worker to every other thread.

    Elsewhere tensors are small, and a team that has worked once keeps spinning for a while, in the way of everything else.
    """
    SCHEDULER.threads = torch.get_num_threads()
    torch.set_num_threads(1)  # of this thread, and of those that start later


@dataclass(frozen=True)
class ScheduledPredictor(DelegatingPredictor):
    """A noise predictor whose calls go through :data:`SCHEDULER`. Errors reach the caller.

    Attributes:
        predictor: the predictor that is called.
        shares: whether a call may share a batch with other runs.

    Raises:
        RunFailure: when called, if the network returns NaN or infinity.
    """

    shares: bool = True

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        return check_finite(SCHEDULER.call(self.predictor, x_t, t, unshared=not self.shares), t)

    @property
    def exact(self) -> ScheduledPredictor:
        return ScheduledPredictor(self.predictor.exact, self.shares)

    @property
    def unshared(self) -> ScheduledPredictor:
        return ScheduledPredictor(self.predictor.unshared, shares=False)


def scheduled(checkpoint: Checkpoint) -> Checkpoint:
    """The same checkpoint, with every call of its network made by the scheduler."""
    return replace(checkpoint, predict_noise=ScheduledPredictor(checkpoint.predict_noise))


def unshared(checkpoint: Checkpoint) -> Checkpoint:
    """The same checkpoint, with calls that share no batch with other runs: a repeat gives the same bits."""
    return replace(checkpoint, predict_noise=checkpoint.predict_noise.unshared)


def prepare_when_idle(checkpoint: Checkpoint) -> None:
    """Compile the network for every batch size, in a thread of its own, once nobody has needed it for a while."""

    def prepare() -> None:
        SCHEDULER.wait_until_idle(IDLE_SECONDS)
        with suppress(Exception):  # the run that needs it will report the error
            checkpoint.predict_noise.prepare()

    Thread(target=prepare, name="prepare", daemon=True).start()


def warm_up(checkpoint: Checkpoint) -> Future[Tensor]:
    """Call the network once without waiting for it, since the first call of a process is by far the slowest."""
    return SCHEDULER.put(NetworkCall(checkpoint.predict_noise, torch.zeros(1, *checkpoint.shape), 1))
