"""One thread owns the network.

Gradio moves a handler from thread to thread between two yields, and torch keeps a team of workers for each thread that
calls it; the teams then compete for the same cores. Here every call of the network is made by one thread, in turn.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from torch import Tensor

from explorer.checkpoint import Checkpoint

NETWORK = ThreadPoolExecutor(max_workers=1, thread_name_prefix="network")


def on_network_thread(checkpoint: Checkpoint) -> Checkpoint:
    """The same checkpoint, its network called by the one thread, whoever asks; errors reach the one who asked."""

    def predict_noise(x_t: Tensor, t: int | Tensor) -> Tensor:
        return NETWORK.submit(checkpoint.predict_noise, x_t, t).result()

    return replace(checkpoint, predict_noise=predict_noise)
