"""The network as the page's runs see it: each call goes through the one :class:`explorer.ui.worker.Worker`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import Any

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.denoiser import PredictNoise
from explorer.ui.failure import check_finite
from explorer.ui.worker import Request, Worker

IDLE = 2.0  # seconds without a call, after which there is time to prepare others

NETWORK = Worker()


def keep_threads_for_the_network() -> None:
    """Torch's team of workers for the network's thread alone: elsewhere tensors are small, and a team that has worked once
    goes on spinning for a while, in the way of everything else."""
    NETWORK.threads = torch.get_num_threads()
    torch.set_num_threads(1)  # of this thread, and of those that are still to come


class OnNetworkThread:
    """eps_theta, in calls of the one worker, whoever asks; errors reach the one who asked.

    A network that comes to NaN or infinity raises :class:`explorer.ui.failure.Failure`.
    """

    def __init__(self, predict_noise: PredictNoise, alone: bool = False) -> None:
        self._predict_noise, self._alone = predict_noise, alone

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        return check_finite(NETWORK.call(self._predict_noise, x_t, t, self._alone), t)

    @property
    def alone(self) -> OnNetworkThread:
        """The same, never sharing a call: a repeat of the same calls comes out the same bit for bit."""
        return OnNetworkThread(getattr(self._predict_noise, "alone", self._predict_noise), alone=True)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._predict_noise, name)
        return OnNetworkThread(attribute, self._alone) if name == "exact" else attribute


def on_network_thread(checkpoint: Checkpoint) -> Checkpoint:
    """The same checkpoint, its network called through that worker."""
    return replace(checkpoint, predict_noise=OnNetworkThread(checkpoint.predict_noise))


def alone(checkpoint: Checkpoint) -> Checkpoint:
    """The same checkpoint, its calls not shared with other runs."""
    return replace(checkpoint, predict_noise=getattr(checkpoint.predict_noise, "alone", checkpoint.predict_noise))


def prepare_when_idle(checkpoint: Checkpoint) -> None:
    """Have the network ready for runs of all kinds, once the first picture is made and nobody wants another.

    What a call with another number of rows, or Encode's exact one, would wait for takes seconds; it is done in a thread
    of its own.
    """
    prepare: Callable[[], object] = getattr(checkpoint.predict_noise, "prepare", lambda: None)

    def go() -> None:
        NETWORK.wait_until_idle(IDLE)
        with suppress(Exception):  # who needs it will be told
            prepare()

    Thread(target=go, name="prepare", daemon=True).start()


def warm_up(checkpoint: Checkpoint) -> Future[Tensor]:
    """Call the network once, and do not wait for it: the first call of a process is the slowest by far."""
    return NETWORK.put(Request(checkpoint.predict_noise, torch.zeros(1, *checkpoint.shape), 1))
