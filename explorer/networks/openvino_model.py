"""OpenVINO models of U-Nets: converted once, cached on disk, and compiled for one batch size."""

from __future__ import annotations

import logging
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from explorer.networks.engine_choice import PRECISIONS, Candidate, Precision
from explorer.networks.network import EngineError
from explorer.storage import disk_cache
from explorer.storage.lazy_unet import LazyUNet

if TYPE_CHECKING:
    import openvino

_HINTS: dict[Precision, str] = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
_CAPABILITIES: dict[Precision, str] = {"float32": "FP32", "float16": "FP16", "bfloat16": "BF16"}


class OpenVinoModel:
    """A U-Net as an OpenVINO model, for the CPU.

    Converting the torch network takes seconds, so the converted model is stored in :mod:`explorer.storage.disk_cache`.

    Args:
        unet: the network.
        shape: (C, H, W) of the input.

    Attributes:
        was_cached: whether the model was read from the disk.

    Raises:
        EngineError: OpenVINO is not installed, or cannot convert the network.
    """

    def __init__(self, unet: LazyUNet, shape: tuple[int, int, int]) -> None:
        try:
            import openvino
        except ImportError as error:
            raise EngineError("openvino is not installed") from error
        self.version = openvino.__version__
        self._core, self._shape, self._key = openvino.Core(), shape, unet.key
        try:
            cached = _read_cached_model(self._core, unet.key)
            self._model = cached or convert(unet.module, shape)
        except Exception as error:  # for unsupported models OpenVINO raises RuntimeError and its own exceptions
            raise EngineError(f"OpenVINO cannot run this network: {error}") from error
        self.was_cached = cached is not None

    def write(self) -> None:
        """Store the model in the cache on the disk."""
        with suppress(OSError, RuntimeError):  # the disk may be full
            disk_cache.write(self._key, _serialize(self._model))

    @property
    def processor(self) -> str:
        """Name of the processor, as OpenVINO knows it."""
        return self._core.get_property("CPU", "FULL_DEVICE_NAME")

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The number formats that the processor has instructions for; it would have to emulate any other."""
        capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return tuple(precision for precision in PRECISIONS if _CAPABILITIES[precision] in capabilities)

    def compile(self, candidate: Candidate, batch: int) -> CompiledModel:
        """Compile the model for calls with ``batch`` rows.

        Raises:
            EngineError: OpenVINO cannot compile it.
        """
        try:
            model = self._model.clone()
            model.reshape({0: [batch, *self._shape], 1: [batch]})
            options = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": _HINTS[candidate.precision],
                "INFERENCE_NUM_THREADS": candidate.threads,
                "ENABLE_CPU_PINNING": False,  # the threads that draw and serve the page may need any of the cores
            }
            return CompiledModel(self._core.compile_model(model, "CPU", options).create_infer_request())
        except Exception as error:  # see above
            raise EngineError(f"OpenVINO cannot run this network: {error}") from error


class CompiledModel:
    """A model that is compiled for one batch size. It serves one call at a time."""

    def __init__(self, request: openvino.InferRequest) -> None:
        self._request = request

    def __call__(self, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The network's output, which is overwritten by the next call. Both arrays must be contiguous."""
        return self._request.infer([x, labels], share_inputs=True, share_outputs=True)[0]


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
