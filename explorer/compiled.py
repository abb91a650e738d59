"""A U-Net compiled by OpenVINO."""

from __future__ import annotations

import logging
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from explorer import cache
from explorer.engine import EngineError, TorchNetwork, check_agreement

if TYPE_CHECKING:
    import openvino

CHUNKS = (8, 4, 2, 1)  # rows of one call; a network compiled for its number of rows is a third faster than one for any


class OpenVinoNetwork:
    """A U-Net compiled by OpenVINO for this processor.

    Rows go through in chunks of 8, 4, 2 and 1, each compiled when it is first needed. What torch's network was converted
    to, which takes seconds, is kept in :mod:`explorer.cache`.

    Args:
        exact: the network in torch, on the CPU.
        shape: (C, H, W) of its input.

    Raises:
        EngineError: if OpenVINO is not installed, cannot convert the network, or comes to something else than torch.
    """

    def __init__(self, exact: TorchNetwork, shape: tuple[int, int, int]) -> None:
        try:
            import openvino
        except ImportError as error:
            raise EngineError("openvino is not installed") from error
        self._core = openvino.Core()
        self._shape = shape
        self._lock = Lock()
        self._requests: dict[int, openvino.InferRequest] = {}
        native = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self._precision = "bf16" if native else "f32"
        self.name = f"OpenVINO {'bfloat16' if native else 'float32'}"
        try:
            known = _from_cache(self._core, exact.unet.key)
            self._model = known or convert(exact.unet.module, shape)
            self._request(1)
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

    def _request(self, size: int) -> openvino.InferRequest:
        if size not in self._requests:
            model = self._model.clone()
            model.reshape({0: [size, *self._shape], 1: [size]})
            hints = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": self._precision,
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            }
            self._requests[size] = self._core.compile_model(model, "CPU", hints).create_infer_request()
        return self._requests[size]


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
