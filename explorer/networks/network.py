"""What every engine that computes a U-Net has in common.

A network is a callable ``network(x, labels)``: (B, C, H, W) float32 and (B,) labels in, float32 of the same shape out.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, Protocol

import torch
from torch import Tensor

from explorer.storage import disk_cache
from explorer.support.messages import LocalizedError

Engine = Literal["auto", "exact", "fast"]
ENGINES = ("auto", "exact", "fast")
MAX_DIFFERENCE = 0.05  # relative, between a faster network and torch on one call; bfloat16 differs by 0.01 when trained


class Network(Protocol):
    """A U-Net on some engine.

    Attributes:
        name: the engine and its number format, for people.
        any_thread: whether a call is as fast from one thread as from another.
    """

    any_thread: bool

    @property
    def name(self) -> str: ...

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor: ...

    def prepare(self) -> None:
        """Compile ahead for every batch size, so that no later call has to wait for it."""


class EngineError(ValueError):
    """The faster network cannot be used here; the message says why."""


class NetworkLost(LocalizedError):
    """The network is computed on other machines and none of them answers. It may be back at the next call."""


class LazyUNet:
    """A torch U-Net in float32, built when it is first needed, because importing diffusers takes seconds.

    Args:
        build: builds the network, which follows diffusers' calling convention.
        describe: returns a text that differs for every other network. It reads all weights, so it is called only when a
            cache key is needed.
    """

    def __init__(self, build: Callable[[], torch.nn.Module], describe: Callable[[], str]) -> None:
        self._build, self._describe = build, describe

    @classmethod
    def of(cls, module: torch.nn.Module) -> LazyUNet:
        """Wrap a network that exists already."""

        def describe() -> str:
            weights = (tensor.cpu().numpy().tobytes() for tensor in module.state_dict().values())
            return disk_cache.key_of(repr(module), repr(getattr(module, "config", "")), *weights)

        return cls(lambda: module, describe)

    @cached_property
    def key(self) -> str:
        """Cache key of the converted model."""
        packages = (f"{name} {_version(name)}" for name in ("openvino", "torch", "diffusers"))
        return disk_cache.key_of(platform.machine(), platform.processor(), *packages, self._describe())

    @cached_property
    def module(self) -> torch.nn.Module:
        """The network, in evaluation mode and without gradients."""
        return self._build().eval().requires_grad_(False)

    @property
    def converted(self) -> bool:
        """Whether the cache holds the converted model, so that OpenVINO does not need the torch network."""
        return bool(_version("openvino")) and disk_cache.has(self.key)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def check_agreement(network: Network, exact: Network, shape: tuple[int, int, int]) -> None:
    """Compare one call of ``network`` with torch in float32.

    Args:
        shape: (C, H, W) of the input.

    Raises:
        EngineError: the relative difference is above :data:`MAX_DIFFERENCE`.
    """
    x = torch.randn((1, *shape), generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([500])
    expected = exact(x, labels)
    difference = float((network(x, labels) - expected).norm() / expected.norm())
    if not difference < MAX_DIFFERENCE:  # also true for NaN
        raise EngineError(f"{network.name} differs from torch by {difference:.1%}")
