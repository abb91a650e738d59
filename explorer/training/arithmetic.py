"""The arithmetic of training: float32 or bfloat16, and the memory layout, whichever is fastest on this machine."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import torch

from explorer.networks.processor import has_bfloat16, instruction_sets, processor_name
from explorer.storage import disk_cache
from explorer.storage.atomic_write import write_file

TIMED_PICTURES = 8  # of a batch, so that the timing takes a few seconds
TURNS = 3  # of each arithmetic; the fastest step counts


@dataclass(frozen=True)
class Arithmetic:
    """How a training step is computed.

    Attributes:
        bfloat16: compute convolutions and matrix products in bfloat16, by autocast. The weights stay in float32.
        channels_last: memory layout of features and weights.
    """

    bfloat16: bool
    channels_last: bool

    @property
    def name(self) -> str:
        return f"{'bfloat16' if self.bfloat16 else 'float32'}{', channels_last' if self.channels_last else ''}"

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def apply(self, unet: torch.nn.Module) -> None:
        """Change the memory layout of the weights, in place."""
        unet.to(memory_format=self.memory_format)  # type: ignore[call-overload]


PLAIN = Arithmetic(bfloat16=False, channels_last=False)
ACCELERATED = Arithmetic(bfloat16=True, channels_last=True)  # on CUDA
ARITHMETICS = tuple(Arithmetic(*options) for options in product((False, True), (True, False)))


def arithmetic_for(unet: torch.nn.Module, step: Callable[[Arithmetic], torch.Tensor], path: Path) -> Arithmetic:
    """Return the arithmetic of a training run.

    A run that is continued keeps its arithmetic, so that it takes the same steps as an uninterrupted one. On an
    accelerator it is :data:`ACCELERATED` (on MPS without bfloat16). On a CPU it is the fastest one, which is measured once
    per machine and network.

    Args:
        step: ``step(arithmetic)`` returns the loss of a small batch.
        path: file of the run that holds its arithmetic; written if missing.
    """
    try:
        return Arithmetic(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        pass  # a new run, or one of an earlier version
    device = next(unet.parameters()).device
    if device.type == "cpu":
        arithmetic = _fastest_on_this_machine(unet, step)
    else:
        arithmetic = Arithmetic(bfloat16=device.type == "cuda", channels_last=True)
    write_file(path, json.dumps(asdict(arithmetic)).encode())
    return arithmetic


def _fastest_on_this_machine(unet: torch.nn.Module, step: Callable[[Arithmetic], torch.Tensor]) -> Arithmetic:
    shapes = repr([tuple(weight.shape) for weight in unet.parameters()])
    machine = (processor_name(), *instruction_sets(), str(torch.get_num_threads()), torch.__version__)
    key = disk_cache.key_of("training arithmetic", *machine, repr(unet), shapes)
    try:
        return Arithmetic(**json.loads(disk_cache.read(key) or b""))
    except (ValueError, TypeError):
        pass
    seconds = measure(unet, step)
    fastest = min(seconds, key=lambda arithmetic: seconds[arithmetic])
    disk_cache.write(key, json.dumps(asdict(fastest)).encode())
    return fastest


def measure(unet: torch.nn.Module, step: Callable[[Arithmetic], torch.Tensor]) -> dict[Arithmetic, float]:
    """Return the seconds of the fastest forward and backward pass in each arithmetic. The weights stay as they are.

    Bfloat16 is only tried on processors that have instructions for it.
    """
    seconds = {arithmetic: math.inf for arithmetic in ARITHMETICS if has_bfloat16() or not arithmetic.bfloat16}
    for turn in range(TURNS):
        for arithmetic in seconds:
            arithmetic.apply(unet)
            for _ in range(1 + (turn == 0)):  # the first pass is the slowest
                started = time.perf_counter()
                step(arithmetic).backward()
                seconds[arithmetic] = min(seconds[arithmetic], time.perf_counter() - started)
                unet.zero_grad(set_to_none=True)
    return seconds
