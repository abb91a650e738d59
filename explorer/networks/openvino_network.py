"""A U-Net compiled by OpenVINO."""

from __future__ import annotations

import logging
import math
import tempfile
import time
import warnings
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from explorer.networks.network import EngineError, check_agreement
from explorer.networks.torch_network import TorchNetwork
from explorer.storage import disk_cache as cache

if TYPE_CHECKING:
    import openvino

TRIALS = 12  # calls with each number of threads, of which the quickest counts
WORTHWHILE = 1.2  # twice the threads must be that much quicker
CHUNKS = (8, 4, 2, 1)  # rows of one call; a network compiled for its number of rows is a third faster than one for any


class OpenVinoNetwork:
    """A U-Net compiled by OpenVINO for this processor.

    Rows go through in chunks of 8, 4, 2 and 1, each compiled when it is first needed. What torch's network was converted
    to, which takes seconds, is kept in :mod:`explorer.storage.disk_cache`.

    Args:
        exact: the network in torch, on the CPU.
        shape: (C, H, W) of its input.

    Raises:
        EngineError: if OpenVINO is not installed, cannot convert the network, or comes to something else than torch.
    """

    any_thread = True

    def __init__(self, exact: TorchNetwork, shape: tuple[int, int, int]) -> None:
        try:
            import openvino
        except ImportError as error:
            raise EngineError("openvino is not installed") from error
        self._core = openvino.Core()
        self._shape = shape
        self._lock, self._compiling = Lock(), Lock()
        self._requests: dict[int, openvino.InferRequest] = {}
        native = has_bfloat16(self._core)
        self._precision = "bf16" if native else "f32"
        self._threads = 1
        self.name = f"OpenVINO {'bfloat16' if native else 'float32'}"
        try:
            known = _from_cache(self._core, exact.unet.key)
            self._model = known or convert(exact.unet.module, shape)
            self._threads = self._worthwhile_threads()
            if known is None:
                check_agreement(self, exact, shape)
        except EngineError:
            raise
        except Exception as error:  # OpenVINO raises RuntimeError and kinds of its own for what it does not know
            raise EngineError(f"OpenVINO cannot run this network: {error}") from error
        if known is None:
            with suppress(OSError, RuntimeError):  # a disk that is full
                cache.write(exact.unet.key, _pack(self._model))

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        rows, steps = x.contiguous().numpy(), labels.numpy()
        output = np.empty_like(rows)
        start = 0
        with self._lock:  # a request holds one call at a time
            while start < len(rows):
                size = next(chunk for chunk in CHUNKS if chunk <= len(rows) - start)
                part = slice(start, start + size)
                output[part] = self._request(size).infer(
                    [rows[part], steps[part]], share_inputs=True, share_outputs=True
                )[0]
                start += size
        return torch.from_numpy(output)

    def prepare(self) -> None:
        """Compile for all numbers of rows now; calls that need none of them go on beside."""
        for size in CHUNKS:
            self._request(size)

    def _request(self, size: int) -> openvino.InferRequest:
        if size not in self._requests:
            with self._compiling:
                if size not in self._requests:
                    self._requests[size] = self._compile(size, self._threads)
        return self._requests[size]

    def _compile(self, size: int, threads: int) -> openvino.InferRequest:
        model = self._model.clone()
        model.reshape({0: [size, *self._shape], 1: [size]})
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self._precision,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # what draws and serves the page runs beside, on whichever core is free
        }
        return self._core.compile_model(model, "CPU", hints).create_infer_request()

    def _worthwhile_threads(self) -> int:
        """All of torch's threads, or half of them where that is as fast: the two threads of a core share its multipliers.

        The other half then draws and serves the page, for which all threads of the network would have to wait at every
        layer.
        """
        most = torch.get_num_threads()
        half = max(1, most // 2)
        device = self._core.get_property("CPU", "FULL_DEVICE_NAME")
        key = cache.key_of("threads", version("openvino"), device, self._precision, str(most), repr(self._shape))
        known = cache.read(key)
        if half == most or known is not None:
            return most if known is None else min(most, max(1, int(known)))
        requests = {threads: self._compile(1, threads) for threads in (half, most)}
        inputs = [np.zeros((1, *self._shape), dtype=np.float32), np.zeros(1, dtype=np.int64)]
        seconds: dict[int, float] = dict.fromkeys(requests, math.inf)
        for _ in range(TRIALS):
            for threads, request in requests.items():
                started = time.perf_counter()
                request.infer(inputs)
                seconds[threads] = min(seconds[threads], time.perf_counter() - started)
        chosen = half if seconds[half] < WORTHWHILE * seconds[most] else most
        cache.write(key, str(chosen).encode())
        return chosen


def has_bfloat16(core: openvino.Core) -> bool:
    """Whether this processor computes in bfloat16 itself; one that only imitates it would be slower for it."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _from_cache(core: openvino.Core, key: str) -> openvino.Model | None:
    packed = cache.read(key)
    if packed is None:
        return None
    try:
        return _unpack(core, packed)
    except Exception:
        logging.warning("a converted network in the cache cannot be read; it is made again")
        return None


def convert(unet: torch.nn.Module, shape: tuple[int, int, int]) -> openvino.Model:
    """A traced U-Net in OpenVINO's form.

    By its front end itself: ``openvino.convert_model`` would also report to its makers that it was used.
    """
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    class Traced(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unet = unet

        def forward(self, x: Tensor, labels: Tensor) -> Tensor:
            return self.unet(x, labels, return_dict=False)[0]

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # shape checks of the U-Net's that tracing takes for constants
        example = (torch.zeros(2, *shape), torch.tensor([3, 4]))
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(Traced().eval(), example_input=example)  # to live as long as it is read
        return frontend.convert(frontend.load(decoder))


def _pack(model: openvino.Model) -> bytes:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        description, weights = Path(folder, "network.xml"), Path(folder, "network.bin")
        openvino.serialize(model, description, weights)
        text = description.read_bytes()
        return len(text).to_bytes(8, "little") + text + weights.read_bytes()


def _unpack(core: openvino.Core, packed: bytes) -> openvino.Model:
    end = 8 + int.from_bytes(packed[:8], "little")
    return core.read_model(packed[8:end], packed[end:])
