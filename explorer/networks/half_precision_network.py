"""A U-Net in half precision on an accelerator: CUDA or MPS."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from explorer.networks.engine_choice import Timing
from explorer.networks.torch_network import TorchNetwork

GRAPH_SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64)  # rows; other batches are padded up to the next one
WARM_UP_CALLS = 3  # before a graph is captured, so that cuDNN has chosen its algorithms


class HalfPrecisionNetwork:
    """A U-Net whose weights are held in half precision, in channels_last memory layout.

    Autocast would convert the weights again at every call, because they need no gradient. On CUDA every batch size gets a
    CUDA graph, which launches all kernels of a call at once: a small call takes longer to launch than to compute.

    Args:
        exact: the network in float32. Its weights are copied.
        shape: (C, H, W) of the input.
        dtype: torch.bfloat16 or torch.float16.
    """

    any_thread = False  # for eager calls; see TorchNetwork
    is_float32 = False
    timings: tuple[Timing, ...] = ()

    def __init__(self, exact: TorchNetwork, shape: tuple[int, int, int], dtype: torch.dtype) -> None:
        self._exact, self._shape, self.dtype, self.device = exact, shape, dtype, exact.device
        self.name = f"torch {str(dtype).removeprefix('torch.')}"
        self._graphs: dict[int, CudaGraphCall] = {}  # by batch size
        self._lock = Lock()  # graphs share their memory, so one call at a time

    @cached_property
    def module(self) -> torch.nn.Module:
        """The network in half precision, on its device."""
        unet = copy.deepcopy(self._exact.unet.module)
        return unet.to(self.device, self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        size = next((size for size in GRAPH_SIZES if size >= len(x)), None)
        graph = None if size is None else self._graphs.get(size)
        with torch.inference_mode():
            x, labels = x.to(self.device), labels.to(self.device)
            if graph is None:
                return self._compute(x, labels)
            with self._lock:
                return graph(x, labels)

    def prepare(self) -> HalfPrecisionNetwork:
        """Capture a CUDA graph for each of :data:`GRAPH_SIZES`. Calls are computed without them meanwhile."""
        if self.device.type == "cuda":
            for size in reversed(GRAPH_SIZES):  # the largest one first: the others fit into its memory
                if size not in self._graphs:
                    pool = next(iter(self._graphs.values())).pool if self._graphs else None
                    with self._lock:
                        self._graphs[size] = CudaGraphCall(self._compute, (size, *self._shape), self.device, pool)
        return self

    def _compute(self, x: Tensor, labels: Tensor) -> Tensor:
        x = x.to(self.dtype).contiguous(memory_format=torch.channels_last)
        return self.module(x, labels, return_dict=False)[0].float()


class CudaGraphCall:
    """A function of (x, labels) for one batch size, captured as a CUDA graph.

    Its memory is freed with the object.

    Args:
        function: maps x (B, C, H, W) float32 and labels (B,) int64 to a tensor with B rows.
        shape: (B, C, H, W) of x.
        pool: memory pool of another graph that never runs at the same time; None for a new one.
    """

    def __init__(
        self,
        function: Callable[[Tensor, Tensor], Tensor],
        shape: tuple[int, int, int, int],
        device: torch.device,
        pool: Any = None,  # the type has a name in some versions of torch only
    ) -> None:
        with torch.inference_mode():
            self._x = torch.zeros(shape, device=device)
            self._labels = torch.zeros(shape[0], dtype=torch.long, device=device)
            stream = torch.cuda.Stream(device)
            stream.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP_CALLS):
                    function(self._x, self._labels)
            torch.cuda.current_stream(device).wait_stream(stream)
            self._graph = torch.cuda.CUDAGraph()
            # Runs of other threads go on meanwhile, so only this thread's calls are captured.
            with torch.cuda.graph(self._graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
                self._output = function(self._x, self._labels)
        self.pool = self._graph.pool()

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        """The function's output for at most B rows: a new tensor."""
        self._x[: len(x)].copy_(x)
        self._labels[: len(x)].copy_(labels)
        self._graph.replay()
        return self._output[: len(x)].clone()
