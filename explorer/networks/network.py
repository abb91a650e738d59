"""The interface of an engine that computes a U-Net.

A network is a callable ``network(x, labels)``. It takes x (B, C, H, W) float32 and time step labels (B,) int64, and
returns float32 of the shape of x.
"""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor

from explorer.networks.engine_choice import Timing
from explorer.support.messages import LocalizedError

Engine = Literal["auto", "exact", "fast"]
ENGINES = ("auto", "exact", "fast")
MAX_DIFFERENCE = 0.05  # of a faster engine from torch, relative; bfloat16 differs by 0.01 on trained networks


class Network(Protocol):
    """A U-Net on some engine.

    Attributes:
        name: the engine and its number format, for display.
        any_thread: whether calls from any thread are equally fast.
        is_float32: whether all of its arithmetic is in float32.
        timings: what its engine was chosen by; empty if nothing was timed.
    """

    @property
    def any_thread(self) -> bool: ...
    @property
    def is_float32(self) -> bool: ...
    @property
    def timings(self) -> tuple[Timing, ...]: ...
    @property
    def name(self) -> str: ...

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor: ...

    def prepare(self) -> Network:
        """Compile ahead for every batch size, and return the network that is the fastest one on this machine.

        It is this network, unless the engines are timed only now and another one is better.
        """


class EngineError(ValueError):
    """The faster engine cannot be used here; the message says why."""


class NetworkLost(LocalizedError):
    """No remote replica of the network is reachable. A later call may succeed."""


def check_agreement(network: Network, exact: Network, shape: tuple[int, int, int]) -> None:
    """Compare one call of ``network`` with torch in float32.

    Args:
        shape: (C, H, W) of the input.

    Raises:
        EngineError: the relative difference is not below :data:`MAX_DIFFERENCE`.
    """
    x = torch.randn((1, *shape), generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([500])
    expected = exact(x, labels)
    difference = float((network(x, labels) - expected).norm() / expected.norm())
    if not difference < MAX_DIFFERENCE:  # also true for NaN
        raise EngineError(f"{network.name} differs from torch by {difference:.1%}")
