"""A torch U-Net that is built at first use, and the key of its converted model in the cache."""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cached_property

import torch

from explorer.storage import disk_cache
from explorer.storage.program_version import package_version


class LazyUNet:
    """A torch U-Net in float32, built at first use, because importing diffusers takes seconds.

    Args:
        build: builds the network, which follows diffusers' calling convention.
        describe: returns a text that identifies the network. It reads all weights, so it is called only when the cache
            key is needed.
    """

    def __init__(self, build: Callable[[], torch.nn.Module], describe: Callable[[], str]) -> None:
        self._build, self._describe = build, describe

    @classmethod
    def of(cls, module: torch.nn.Module) -> LazyUNet:
        """Wrap an existing network."""

        def describe() -> str:
            weights = (tensor.cpu().numpy().tobytes() for tensor in module.state_dict().values())
            return disk_cache.key_of(repr(module), repr(getattr(module, "config", "")), *weights)

        return cls(lambda: module, describe)

    @cached_property
    def key(self) -> str:
        """Cache key of the converted model."""
        packages = (f"{name} {package_version(name)}" for name in ("openvino", "torch", "diffusers"))
        return disk_cache.key_of(platform.machine(), platform.processor(), *packages, self._describe())

    @cached_property
    def module(self) -> torch.nn.Module:
        """The network, in evaluation mode and without gradients."""
        return self._build().eval().requires_grad_(False)

    @property
    def converted(self) -> bool:
        """Whether the cache holds the converted model, so that OpenVINO does not need the torch network."""
        return bool(package_version("openvino")) and disk_cache.has(self.key)
