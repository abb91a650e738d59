"""One thread owns the network.

Gradio moves a handler from thread to thread between two yields, and torch keeps a team of workers for each thread that
calls it; the teams then compete for the same cores. Here every call of the network is made by one thread, in turn.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.denoiser import PredictNoise

NETWORK = ThreadPoolExecutor(max_workers=1, thread_name_prefix="network")


def keep_threads_for_the_network() -> None:
    """Torch's team of workers for the network's thread alone: elsewhere tensors are small, and a team that has worked once
    goes on spinning for a while, in the way of everything else."""
    NETWORK.submit(torch.set_num_threads, torch.get_num_threads()).result()
    torch.set_num_threads(1)  # of this thread, and of those that are still to come


class OnNetworkThread:
    """eps_theta, computed by the one thread, whoever asks; errors reach the one who asked."""

    def __init__(self, predict_noise: PredictNoise) -> None:
        self._predict_noise = predict_noise

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        return NETWORK.submit(self._predict_noise, x_t, t).result()

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._predict_noise, name)
        return OnNetworkThread(attribute) if name == "exact" else attribute


def on_network_thread(checkpoint: Checkpoint) -> Checkpoint:
    """The same checkpoint, its network called by that thread."""
    return replace(checkpoint, predict_noise=OnNetworkThread(checkpoint.predict_noise))


def warm_up(checkpoint: Checkpoint) -> Future[Tensor]:
    """Call the network once, and do not wait for it: the first call of a process is the slowest by far."""
    return NETWORK.submit(checkpoint.predict_noise, torch.zeros(1, *checkpoint.shape), 1)
