"""A U-Net computed by torch in float32, on every device."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

import torch
from torch import Tensor

from explorer.networks.engine_choice import Timing
from explorer.storage.lazy_unet import LazyUNet


class TorchNetwork:
    """A U-Net in torch, float32, in channels_last memory layout, under ``inference_mode``."""

    any_thread = False  # torch starts a separate pool of worker threads for each calling thread
    is_float32 = True
    timings: tuple[Timing, ...] = ()
    name = "torch float32"

    def __init__(self, unet: LazyUNet, device: torch.device) -> None:
        self.unet, self.device = unet, device

    @cached_property
    def module(self) -> torch.nn.Module:
        """The network on its device."""
        return self.unet.module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def prepare(self) -> TorchNetwork:
        """Build the network."""
        _ = self.module
        return self

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        with torch.inference_mode(), self._full_precision():
            x = x.to(self.device).contiguous(memory_format=torch.channels_last)
            return self.module(x, labels.to(self.device), return_dict=False)[0].float()

    def _full_precision(self) -> AbstractContextManager[object]:
        if self.device.type == "cuda":  # by default torch computes convolutions in TF32, with a mantissa of ten bits
            return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        return nullcontext()
