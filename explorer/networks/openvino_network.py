"""A U-Net compiled by OpenVINO for the CPU."""

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
from explorer.storage import disk_cache

if TYPE_CHECKING:
    import openvino

BATCH_SIZES = (8, 4, 2, 1)  # a model compiled for a fixed batch size is a third faster than one for any size
TIMING_CALLS = 12  # per number of threads; the fastest call counts
MIN_SPEEDUP = 1.2  # of all threads over half of them; otherwise half of them are used


class OpenVinoNetwork:
    """A U-Net compiled by OpenVINO for this processor.

    A batch is split into parts of 8, 4, 2 and 1 rows. The model for each of these sizes is compiled at first use.
    Converting the torch network takes seconds, so the converted model is stored in :mod:`explorer.storage.disk_cache`.

    Args:
        exact: the network in torch, on the CPU.
        shape: (C, H, W) of the input.

    Raises:
        EngineError: OpenVINO is not installed, cannot convert the network, or its output differs from torch's.
    """

    any_thread = True

    def __init__(self, exact: TorchNetwork, shape: tuple[int, int, int]) -> None:
        try:
            import openvino
        except ImportError as error:
            raise EngineError("openvino is not installed") from error
        self._core = openvino.Core()
        self._shape = shape
        self._call_lock, self._compile_lock = Lock(), Lock()
        self._requests: dict[int, openvino.InferRequest] = {}  # by batch size
        bfloat16 = has_bfloat16(self._core)
        self._precision = "bf16" if bfloat16 else "f32"
        self._threads = 1
        self.name = f"OpenVINO {'bfloat16' if bfloat16 else 'float32'}"
        try:
            cached = _read_cached_model(self._core, exact.unet.key)
            self._model = cached or convert(exact.unet.module, shape)
            self._threads = self.choose_threads()
            if cached is None:
                check_agreement(self, exact, shape)
        except EngineError:
            raise
        except Exception as error:  # for unsupported models OpenVINO raises RuntimeError and its own exceptions
            raise EngineError(f"OpenVINO cannot run this network: {error}") from error
        if cached is None:
            with suppress(OSError, RuntimeError):  # the disk may be full
                disk_cache.write(exact.unet.key, _serialize(self._model))

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        inputs, label_array = x.contiguous().numpy(), labels.numpy()
        output = np.empty_like(inputs)
        start = 0
        with self._call_lock:  # an InferRequest serves one call at a time
            while start < len(inputs):
                size = next(size for size in BATCH_SIZES if size <= len(inputs) - start)
                rows = slice(start, start + size)
                output[rows] = self._request(size).infer(
                    [inputs[rows], label_array[rows]], share_inputs=True, share_outputs=True
                )[0]
                start += size
        return torch.from_numpy(output)

    def prepare(self) -> None:
        """Compile ahead for every batch size. Calls whose sizes are compiled already can run meanwhile."""
        for size in BATCH_SIZES:
            self._request(size)

    def choose_threads(self) -> int:
        """Return the number of threads to use: torch's number, or half of it if that is nearly as fast.

        Half is often enough, because the two hardware threads of a core share its multipliers. The other half is then
        free to draw and serve the page, instead of delaying every layer of the network. The choice is measured once and
        cached.
        """
        all_threads = torch.get_num_threads()
        half = max(1, all_threads // 2)
        if half == all_threads:
            return all_threads
        processor = self._core.get_property("CPU", "FULL_DEVICE_NAME")
        key = disk_cache.key_of(
            "threads", version("openvino"), processor, self._precision, str(all_threads), repr(self._shape)
        )
        cached = disk_cache.read(key)
        if cached is not None:
            return min(all_threads, max(1, int(cached)))
        requests = {threads: self._compile(1, threads) for threads in (half, all_threads)}
        inputs = [np.zeros((1, *self._shape), dtype=np.float32), np.zeros(1, dtype=np.int64)]
        seconds: dict[int, float] = dict.fromkeys(requests, math.inf)
        for _ in range(TIMING_CALLS):
            for threads, request in requests.items():
                started = time.perf_counter()
                request.infer(inputs)
                seconds[threads] = min(seconds[threads], time.perf_counter() - started)
        chosen = half if seconds[half] < MIN_SPEEDUP * seconds[all_threads] else all_threads
        disk_cache.write(key, str(chosen).encode())
        return chosen

    def _request(self, batch_size: int) -> openvino.InferRequest:
        if batch_size not in self._requests:
            with self._compile_lock:
                if batch_size not in self._requests:
                    self._requests[batch_size] = self._compile(batch_size, self._threads)
        return self._requests[batch_size]

    def _compile(self, batch_size: int, threads: int) -> openvino.InferRequest:
        model = self._model.clone()
        model.reshape({0: [batch_size, *self._shape], 1: [batch_size]})
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self._precision,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # the threads that draw and serve the page may need any of the cores
        }
        return self._core.compile_model(model, "CPU", options).create_infer_request()


def has_bfloat16(core: openvino.Core) -> bool:
    """Whether this processor has bfloat16 instructions; emulating them would be slower than float32."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _read_cached_model(core: openvino.Core, key: str) -> openvino.Model | None:
    data = disk_cache.read(key)
    if data is None:
        return None
    try:
        return _deserialize(core, data)
    except Exception:
        logging.warning("a converted network in the cache is unreadable and will be converted again")
        return None


def convert(unet: torch.nn.Module, shape: tuple[int, int, int]) -> openvino.Model:
    """Trace a U-Net with torch and convert it to an OpenVINO model.

    Uses OpenVINO's front end directly, because ``openvino.convert_model`` sends telemetry.

    Args:
        shape: (C, H, W) of the input.
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
        warnings.simplefilter("ignore")  # tracing warns that the U-Net's shape checks become constants
        example = (torch.zeros(2, *shape), torch.tensor([3, 4]))
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(Traced().eval(), example_input=example)  # must outlive the conversion
        return frontend.convert(frontend.load(decoder))


def _serialize(model: openvino.Model) -> bytes:
    """The model as one byte string: the length of its XML (8 bytes, little endian), the XML, and the weights."""
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        xml, weights = Path(folder, "network.xml"), Path(folder, "network.bin")
        openvino.serialize(model, xml, weights)
        xml_bytes = xml.read_bytes()
        return len(xml_bytes).to_bytes(8, "little") + xml_bytes + weights.read_bytes()


def _deserialize(core: openvino.Core, data: bytes) -> openvino.Model:
    end = 8 + int.from_bytes(data[:8], "little")
    return core.read_model(data[8:end], data[end:])
