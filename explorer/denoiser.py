"""eps_theta of a U-Net: :class:`Denoiser` makes a noise predictor of a diffusers U-Net.

What the sampler needs of eps_theta is in :mod:`explorer.networks.noise_predictor`.
"""

from __future__ import annotations

import copy
import logging
from functools import cached_property
from threading import Lock

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from explorer.networks.choose import fast_network
from explorer.networks.engine_choice import Timing
from explorer.networks.network import Engine, EngineError, Network
from explorer.networks.noise_predictor import MAX_ROWS_ON_CPU
from explorer.networks.torch_network import TorchNetwork
from explorer.schedule import PredictionType, Schedule
from explorer.storage.lazy_unet import LazyUNet

DEVICES = ("auto", "cpu", "cuda", "mps")
MAX_ROWS = 64


def resolve_device(device: str = "auto") -> torch.device:
    """Return the torch device for a name.

    Args:
        device: "cpu", "cuda", "mps", or "auto" for the first available of CUDA, MPS and CPU.

    Raises:
        ValueError: the name is unknown, or the device is not available on this machine.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if available[name]))
    if device not in available:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, not {device!r}")
    if not available[device]:
        raise ValueError(f"device {device} is not available here; use auto or cpu")
    return torch.device(device)


class Denoiser:
    """eps_theta of a U-Net.

    The network receives the label t - 1, since diffusers counts time steps from 0. With patch size p it works on
    ``pixel_unshuffle(x, p)``, an orthogonal rearrangement that leaves the diffusion process unchanged. A network that
    predicts v = sqrt(ab) eps - sqrt(1 - ab) x_0 (Salimans & Ho 2022, arXiv 2202.00512) is converted in float32 by
    eps_theta = sqrt(1 - ab_t) x_t + sqrt(ab_t) v_theta.

    Args:
        unet: maps (B, C p^2, H/p, W/p) and labels (B,) to the same shape, with diffusers' calling convention.
        schedule: the schedule that the network was trained with.
        patch: p >= 1, a divisor of H and W.
        prediction_type: "epsilon" or "v_prediction".
        device: see :func:`resolve_device`.
        engine: the inference engine. "exact" is torch in float32. "fast" is the fastest engine on this machine that
            does not visibly change pictures; it is chosen at the first call. "auto" is "fast", or torch if nothing is
            faster.

    Attributes:
        requested_engine: the argument ``engine``.
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
        self._float32 = False  # whether all arithmetic must be float32
        self._lock = Lock()  # held while the network is chosen
        self._alpha_bar = torch.from_numpy(schedule.alpha_bar.copy())  # float64

    def __repr__(self) -> str:
        engine = self.engine or f"engine {self.requested_engine}"
        return f"Denoiser(UNet2DModel, {self.prediction_type}, patch={self.patch}, {engine}, on {self.device})"

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Predicted noise, float32, shape and device of ``x_t`` (B, C, H, W), for t in 1..T (int or (B,) of ints).

        Raises:
            EngineError: at the first call, if ``engine`` is "fast" and nothing is faster than torch on this machine.
        """
        C, H, W = x_t.shape[1:]
        return self.predict_with(self.network((C, H, W)), x_t, t)

    def predict_with(self, network: Network, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Predicted noise as in :meth:`__call__`, with ``network`` in place of the chosen engine."""
        t = torch.as_tensor(t, dtype=torch.long, device="cpu").expand(len(x_t))
        with torch.inference_mode():
            output = network(pixel_unshuffle(x_t.float(), self.patch), t - 1)
            output = pixel_shuffle(output.to(x_t.device), self.patch)
        if self.prediction_type == "epsilon":
            return output.clone()  # not an inference tensor, so the caller may modify it in place
        alpha_bar = self._alpha_bar[t].view(-1, 1, 1, 1)
        sqrt_alpha_bar, sqrt_one_minus_alpha_bar = alpha_bar.sqrt().to(x_t), (1 - alpha_bar).sqrt().to(x_t)
        return sqrt_one_minus_alpha_bar * x_t + sqrt_alpha_bar * output

    @cached_property
    def exact(self) -> Denoiser:
        """The same denoiser, computed by torch in float32."""
        if self.requested_engine == "exact":
            return self
        exact = self._with_network(self._torch)
        exact.requested_engine = "exact"
        return exact

    @cached_property
    def float32(self) -> Denoiser:
        """The same denoiser, computed in float32 by the engine that is fastest at it."""
        if self.requested_engine == "exact" or (self._network.is_float32 if self._network else self._float32):
            return self
        float32 = self._with_network(None)
        float32._float32 = True
        return float32

    @property
    def unshared(self) -> Denoiser:
        """The denoiser itself: only the app's scheduler and a cluster batch calls of several runs."""
        return self

    def network(self, shape: tuple[int, int, int]) -> Network:
        """The network for pictures of ``shape`` (C, H, W), chosen at the first call. Errors as for :meth:`__call__`."""
        with self._lock:
            if self._network is None:
                C, H, W = shape
                self._network = self._choose_network((C * self.patch**2, H // self.patch, W // self.patch))
            return self._network

    def choose_engine(self, shape: tuple[int, int, int]) -> str:
        """Choose the engine if that is still to be done, and return its display name. Errors as for :meth:`__call__`."""
        return self.network(shape).name

    def _choose_network(self, shape: tuple[int, int, int]) -> Network:
        try:
            return fast_network(self._torch, shape, self._float32)
        except EngineError as error:
            if self.requested_engine == "fast":
                raise
            logging.info("using torch as the inference engine: %s", error)
            return self._torch

    @property
    def exact_network(self) -> Network:
        """The network computed by torch in float32."""
        return self._torch

    def prepare(self) -> Denoiser:
        """Compile for every batch size now, and build the exact network.

        Returns:
            This denoiser, or one with the engine that was measured to be better. Before the first call nothing is chosen,
            so nothing is measured.
        """
        self._torch.prepare()
        network = self._network and self._network.prepare()
        if network is self._network:
            return self
        return self._with_network(network)

    def _with_network(self, network: Network | None) -> Denoiser:
        """A copy on another network; None to choose it at the first call."""
        other = copy.copy(self)
        other._network, other._lock = network, Lock()
        for variant in ("exact", "float32"):  # cached, of the original
            other.__dict__.pop(variant, None)
        return other

    @property
    def unet(self) -> torch.nn.Module:
        """The U-Net as a torch module, float32."""
        return self._torch.module

    @property
    def engine(self) -> str:
        """Display name of the inference engine; empty before the first call."""
        return self._network.name if self._network else ""

    @property
    def any_thread(self) -> bool:
        """Whether calls are equally fast from every thread; False before the first call."""
        return self._network is not None and self._network.any_thread

    @property
    def timings(self) -> tuple[Timing, ...]:
        """What the engine was chosen by; empty if nothing was timed."""
        return self._network.timings if self._network else ()

    @property
    def max_rows(self) -> int:
        """Largest batch size of a call."""
        return MAX_ROWS_ON_CPU if self.device.type == "cpu" else MAX_ROWS
