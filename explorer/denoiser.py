"""eps_theta: what the sampler core sees of a network.

Everywhere above this module a noise predictor is a callable ``predict_noise(x_t, t)``. It takes (B, C, H, W) float32 and the
paper's t in 1..T (an int, or one per row) and returns the predicted noise in the same shape. :class:`Denoiser` makes one of a
diffusers U-Net, :func:`as_noise_predictor` of any function.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from explorer.networks.choose import fast_network
from explorer.networks.network import Engine, EngineError, LazyUNet, Network
from explorer.networks.torch_network import TorchNetwork
from explorer.schedule import Schedule

PredictNoise = Callable[[Tensor, "int | Tensor"], Tensor]
PredictionType = Literal["epsilon", "v_prediction"]
DEVICES = ("auto", "cpu", "cuda", "mps")
MAX_ROWS_ON_CPU = 8  # a larger call takes proportionally longer on a CPU
MAX_ROWS = 64


@runtime_checkable
class NoisePredictor(Protocol):
    """eps_theta, with what a run may have to know of it.

    Attributes:
        device: where its tensors live.
        engine: what computes it, for people; empty before the first call and for a plain function.
        requested_engine: the engine that opens the same checkpoint again.
        max_rows: rows of one call, at most.
        any_thread: whether a call is as fast from one thread as from another.
        exact: the same predictor computed by torch in float32.
        unshared: the same predictor, none of whose calls shares a batch with other runs. A repeat gives the same bits.
    """

    @property
    def device(self) -> torch.device: ...
    @property
    def engine(self) -> str: ...
    @property
    def requested_engine(self) -> Engine: ...
    @property
    def max_rows(self) -> int: ...
    @property
    def any_thread(self) -> bool: ...
    @property
    def exact(self) -> NoisePredictor: ...
    @property
    def unshared(self) -> NoisePredictor: ...

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Predicted noise, float32, shape and device of ``x_t`` (B, C, H, W), for t in 1..T (int or (B,) of ints)."""
        ...

    def prepare(self) -> None:
        """Compile ahead for every batch size, so that no later call has to wait for it."""


@dataclass(frozen=True)
class FunctionPredictor:
    """Any function eps(x_t, t) as a :class:`NoisePredictor`: the adapter that supplies the defaults."""

    function: PredictNoise
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    engine: str = ""
    requested_engine: Engine = "exact"
    max_rows: int = MAX_ROWS_ON_CPU
    any_thread: bool = False

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        return self.function(x_t, t)

    @property
    def exact(self) -> FunctionPredictor:
        return self

    @property
    def unshared(self) -> FunctionPredictor:
        return self

    def prepare(self) -> None:
        """There is nothing to compile."""


@dataclass(frozen=True)
class DelegatingPredictor:
    """A :class:`NoisePredictor` that hands everything on to another one; subclasses change a part of it."""

    predictor: NoisePredictor

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        return self.predictor(x_t, t)

    @property
    def device(self) -> torch.device:
        return self.predictor.device

    @property
    def engine(self) -> str:
        return self.predictor.engine

    @property
    def requested_engine(self) -> Engine:
        return self.predictor.requested_engine

    @property
    def max_rows(self) -> int:
        return self.predictor.max_rows

    @property
    def any_thread(self) -> bool:
        return self.predictor.any_thread

    @property
    def exact(self) -> NoisePredictor:
        return self.predictor.exact

    @property
    def unshared(self) -> NoisePredictor:
        return self.predictor.unshared

    def prepare(self) -> None:
        self.predictor.prepare()


def as_noise_predictor(predict_noise: PredictNoise) -> NoisePredictor:
    """Return ``predict_noise`` itself if it is a :class:`NoisePredictor`, and wrap any other callable as one."""
    return predict_noise if isinstance(predict_noise, NoisePredictor) else FunctionPredictor(predict_noise)


def resolve_device(device: str = "auto") -> torch.device:
    """Return ``auto|cpu|cuda|mps`` as a torch device; auto takes CUDA, then MPS, then the CPU.

    Raises:
        ValueError: the name is unknown, or this machine lacks the device.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if present[name]))
    if device not in present:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, not {device!r}")
    if not present[device]:
        raise ValueError(f"device {device} is not available here; use auto or cpu")
    return torch.device(device)


class Denoiser:
    """eps_theta of a U-Net on a device.

    The network is called with the label t-1 that it was trained on. Patch size p means that it works on
    ``pixel_unshuffle(x, p)``, an orthogonal rearrangement, so the diffusion is the same. The output of a network trained on
    v = sqrt(alpha_bar) eps - sqrt(1-alpha_bar) x_0 (Salimans & Ho 2022, arXiv 2202.00512) is turned into eps in float32:
    eps_theta = sqrt(1 - alpha_bar_t) x_t + sqrt(alpha_bar_t) v_theta.

    Args:
        unet: maps (B, C p^2, H/p, W/p) and labels (B,) to the same shape, with diffusers' calling convention.
        schedule: the schedule that the network was trained with.
        patch: p >= 1, a divisor of H and W.
        prediction_type: "epsilon" or "v_prediction".
        device: see :func:`resolve_device`.
        engine: what computes the network. "exact" is torch in float32. "fast" is what is faster on this machine without
            changing a picture visibly, chosen at the first call. "auto" is "fast", or torch where nothing is faster.

    Attributes:
        requested_engine: the ``engine`` that was asked for.
    """

    def __init__(
        self,
        unet: torch.nn.Module | LazyUNet,
        schedule: Schedule,
        *,
        patch: int = 1,
        prediction_type: PredictionType = "epsilon",
        device: str = "auto",
        engine: Engine = "exact",
    ) -> None:
        self.device = resolve_device(device)
        self.patch = patch
        self.prediction_type = prediction_type
        self.requested_engine = engine
        self._torch = TorchNetwork(unet if isinstance(unet, LazyUNet) else LazyUNet.of(unet), self.device)
        self._network: Network | None = self._torch if engine == "exact" else None
        self._choosing = Lock()
        self._alpha_bar = torch.from_numpy(schedule.alpha_bar.copy())  # float64

    def __repr__(self) -> str:
        engine = self.engine or f"engine {self.requested_engine}"
        return f"Denoiser(UNet2DModel, {self.prediction_type}, patch={self.patch}, {engine}, on {self.device})"

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Predicted noise, float32, shape and device of ``x_t`` (B, C, H, W), for t in 1..T (int or (B,) of ints).

        Raises:
            EngineError: at the first call, if ``engine`` is "fast" and nothing faster than torch is available here.
        """
        C, H, W = x_t.shape[1:]
        return self.predict_with(self.network((C, H, W)), x_t, t)

    def predict_with(self, network: Network, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Predicted noise as in a call, with the U-Net computed by ``network``."""
        t = torch.as_tensor(t, dtype=torch.long, device="cpu").expand(len(x_t))
        with torch.inference_mode():
            output = network(pixel_unshuffle(x_t.float(), self.patch), t - 1)
            output = pixel_shuffle(output.to(x_t.device), self.patch)
        if self.prediction_type == "epsilon":
            return output.clone()  # a plain tensor that the caller may change in place
        alpha_bar = self._alpha_bar[t].view(-1, 1, 1, 1)
        sqrt_alpha_bar, sqrt_one_minus_alpha_bar = alpha_bar.sqrt().to(x_t), (1 - alpha_bar).sqrt().to(x_t)
        return sqrt_one_minus_alpha_bar * x_t + sqrt_alpha_bar * output

    @cached_property
    def exact(self) -> Denoiser:
        """The same denoiser computed by torch in float32; itself if it is exact."""
        if self.requested_engine == "exact":
            return self
        exact = copy.copy(self)
        exact.requested_engine, exact._network = "exact", self._torch
        return exact

    @property
    def unshared(self) -> Denoiser:
        """Itself: only the scheduler of the app and a cluster put rows of several runs into one call."""
        return self

    def network(self, shape: tuple[int, int, int]) -> Network:
        """What computes pictures of ``shape`` (C, H, W), chosen when it is first needed. Errors as for a call."""
        with self._choosing:
            if self._network is None:
                C, H, W = shape
                self._network = self._choose((C * self.patch**2, H // self.patch, W // self.patch))
            return self._network

    def _choose(self, shape: tuple[int, int, int]) -> Network:
        try:
            return fast_network(self._torch, shape)
        except EngineError as error:
            if self.requested_engine == "fast":
                raise
            logging.info("torch computes the network: %s", error)
            return self._torch

    @property
    def exact_network(self) -> Network:
        """The network in torch, float32."""
        return self._torch

    def prepare(self) -> None:
        """Compile ahead for every batch size, and build the exact network."""
        for network in (self._network, self._torch):
            if network is not None:
                network.prepare()

    @property
    def unet(self) -> torch.nn.Module:
        """The U-Net in torch, float32."""
        return self._torch.module

    @property
    def engine(self) -> str:
        """What computes the network, for people; empty before the first call."""
        return self._network.name if self._network else ""

    @property
    def any_thread(self) -> bool:
        """Whether a call is as fast from one thread as from another; False before the first call."""
        return self._network is not None and self._network.any_thread

    @property
    def max_rows(self) -> int:
        """Rows of one call, at most."""
        return MAX_ROWS_ON_CPU if self.device.type == "cpu" else MAX_ROWS
