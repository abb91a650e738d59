"""A U-Net computed by torch: float32 on every device, half precision on CUDA and MPS."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

import torch
from torch import Tensor

from explorer.storage.lazy_unet import LazyUNet


class TorchNetwork:
    """A U-Net in torch, in channels_last memory layout, under ``inference_mode``.

    Args:
        dtype: number format of the arithmetic; formats other than float32 use autocast.
    """

    any_thread = False  # torch starts a separate pool of worker threads for each calling thread

    def __init__(self, unet: LazyUNet, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.unet, self.device, self.dtype = unet, device, dtype
        self.name = f"torch {str(dtype).removeprefix('torch.')}"

    @cached_property
    def module(self) -> torch.nn.Module:
        """The network on its device."""
        return self.unet.module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def prepare(self) -> None:
        """Build the network."""
        _ = self.module

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        with torch.inference_mode(), self._precision_context():
            x = x.to(self.device).contiguous(memory_format=torch.channels_last)
            return self.module(x, labels.to(self.device), return_dict=False)[0].float()

    def _precision_context(self) -> AbstractContextManager[object]:
        if self.dtype != torch.float32:
            return torch.autocast(self.device.type, self.dtype)
        if self.device.type == "cuda":  # by default torch computes convolutions in TF32, with a mantissa of ten bits
            return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        return nullcontext()
