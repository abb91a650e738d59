"""What computes a U-Net: torch in float32, or something faster whose pictures cannot be told apart by eye.

A network here is a callable ``network(x, labels)``: (B, C, H, W) float32 and (B,) labels to float32 of the same shape.

On a CPU the faster one is OpenVINO, in bfloat16 where the processor computes in it: more than twice as fast as torch, eps
off by less than 1 %, a picture by a third of a grey level of 255. On CUDA and MPS it is torch's own half precision.
A faster network is used only if it has agreed with torch on a call.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, Protocol

import torch
from torch import Tensor

from explorer import cache
from explorer.message import Refused

Engine = Literal["auto", "exact", "fast"]
ENGINES = ("auto", "exact", "fast")
DISAGREEMENT = 0.05  # relative, of a faster network and torch on one call; bfloat16 comes to 0.01 on a trained one


class Network(Protocol):
    """A U-Net on some engine.

    Attributes:
        name: which, for people.
        any_thread: whether it computes as well from one thread as from another.
    """

    any_thread: bool

    @property
    def name(self) -> str: ...

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor: ...

    def prepare(self) -> None:
        """Do now what a first call of any number of rows would have to wait for."""


class EngineError(ValueError):
    """A faster network that cannot be had here; the message says why."""


class NetworkLost(Refused):
    """A network on other machines, none of which answers; it may be there again at the next call."""


class Unet:
    """A U-Net of torch in float32, put together when it is first needed: importing diffusers takes seconds.

    Args:
        make: puts it together; diffusers' calling convention.
        made_from: another text for every other network; asked only where a key is needed, since it reads all weights.
    """

    def __init__(self, make: Callable[[], torch.nn.Module], made_from: Callable[[], str]) -> None:
        self._make, self._made_from = make, made_from

    @classmethod
    def of(cls, module: torch.nn.Module) -> Unet:
        """One that is there already."""

        def made_from() -> str:
            weights = (tensor.cpu().numpy().tobytes() for tensor in module.state_dict().values())
            return cache.key_of(repr(module), repr(getattr(module, "config", "")), *weights)

        return cls(lambda: module, made_from)

    @cached_property
    def key(self) -> str:
        """Of what it is converted to, in the cache."""
        packages = (f"{name} {_version(name)}" for name in ("openvino", "torch", "diffusers"))
        return cache.key_of(platform.machine(), platform.processor(), *packages, self._made_from())

    @cached_property
    def module(self) -> torch.nn.Module:
        return self._make().eval().requires_grad_(False)

    @property
    def converted(self) -> bool:
        """Whether OpenVINO can do without it, for what it was converted to is in the cache."""
        return bool(_version("openvino")) and cache.has(self.key)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


class TorchNetwork:
    """A U-Net in torch, channels_last, under inference_mode.

    Args:
        dtype: of its arithmetic; another than float32 by autocast.
    """

    any_thread = False  # torch has a team of workers for each thread that calls it

    def __init__(self, unet: Unet, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.unet, self.device, self.dtype = unet, device, dtype
        self.name = f"torch {str(dtype).removeprefix('torch.')}"

    @cached_property
    def module(self) -> torch.nn.Module:
        return self.unet.module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def prepare(self) -> None:
        """Put the network together."""
        _ = self.module

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        with torch.inference_mode(), self._arithmetic():
            x = x.to(self.device).contiguous(memory_format=torch.channels_last)
            return self.module(x, labels.to(self.device), return_dict=False)[0].float()

    def _arithmetic(self) -> AbstractContextManager[object]:
        if self.dtype != torch.float32:
            return torch.autocast(self.device.type, self.dtype)
        if self.device.type == "cuda":  # whose convolutions torch would compute in TF32, with ten bits of mantissa
            return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        return nullcontext()


def fast_network(exact: TorchNetwork, shape: tuple[int, int, int]) -> Network:
    """The fastest network for a device whose results are close to torch's in float32.

    Args:
        shape: (C, H, W) of its input.

    Raises:
        EngineError: if there is none here, or its results are not close.
    """
    if exact.device.type == "cpu":
        from explorer.compiled import OpenVinoNetwork

        return OpenVinoNetwork(exact, shape)
    bfloat = exact.device.type == "cuda" and torch.cuda.is_bf16_supported()
    network = TorchNetwork(exact.unet, exact.device, torch.bfloat16 if bfloat else torch.float16)
    check_agreement(network, exact, shape)
    return network


def check_agreement(network: Network, exact: TorchNetwork, shape: tuple[int, int, int]) -> None:
    """:class:`EngineError` unless ``network`` is close to torch in float32 on a call."""
    x = torch.randn((1, *shape), generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([500])
    expected = exact(x, labels)
    difference = float((network(x, labels) - expected).norm() / expected.norm())
    if not difference < DISAGREEMENT:  # NaN is not
        raise EngineError(f"{network.name} differs from torch by {difference:.1%}")
