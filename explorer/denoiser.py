"""eps_theta: what the sampler core sees of a network.

Everywhere above this module a denoiser is a callable ``predict_noise(x_t, t)``: (B, C, H, W) float32 and the paper's t in
1..T (an int, or one per row) to the predicted noise of the same shape. Here a diffusers U-Net becomes one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from explorer.engine import Engine, EngineError, Network, TorchNetwork, Unet, fast_network
from explorer.schedule import Schedule

PredictNoise = Callable[[Tensor, "int | Tensor"], Tensor]
PredictionType = Literal["epsilon", "v_prediction"]
DEVICES = ("auto", "cpu", "cuda", "mps")


def resolve_device(device: str = "auto") -> torch.device:
    """``auto|cpu|cuda|mps`` as a torch device; auto takes CUDA, then MPS, then the CPU.

    Raises:
        ValueError: for another name, or for a device that this machine lacks.
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
    ``pixel_unshuffle(x, p)``: an orthogonal re-arrangement, so the diffusion is the same. A network trained on
    v = sqrt(alpha_bar) eps - sqrt(1-alpha_bar) x_0 is turned into eps in float32:
    eps_theta = sqrt(1 - alpha_bar_t) x_t + sqrt(alpha_bar_t) v_theta.

    Args:
        unet: maps (B, C p^2, H/p, W/p) and labels (B,) to the same shape; diffusers' calling convention.
        schedule: the one the network was trained with.
        patch: p >= 1, a divisor of H and W.
        prediction_type: "epsilon" or "v_prediction".
        device: see :func:`resolve_device`.
        engine: what computes the network: "exact" is torch in float32; "fast" what is faster on this machine and changes
            no picture visibly, chosen at the first call; "auto" that, or torch where there is nothing faster.

    Attributes:
        wanted: the engine that was asked for.
    """

    def __init__(
        self,
        unet: torch.nn.Module | Unet,
        schedule: Schedule,
        *,
        patch: int = 1,
        prediction_type: PredictionType = "epsilon",
        device: str = "auto",
        engine: Engine = "exact",
    ) -> None:
        self.device = resolve_device(device)
        unet = unet if isinstance(unet, Unet) else Unet.of(unet)
        self.patch = patch
        self.prediction_type = prediction_type
        self.wanted = engine
        self._exact = TorchNetwork(unet, self.device)
        self._network: Network | None = self._exact if engine == "exact" else None
        self._choosing = Lock()
        self._alpha_bar = torch.from_numpy(schedule.alpha_bar.copy())  # float64

    def __repr__(self) -> str:
        engine = self.engine or f"engine {self.wanted}"
        return f"Denoiser(UNet2DModel, {self.prediction_type}, patch={self.patch}, {engine}, on {self.device})"

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Predicted noise, float32, shape and device of ``x_t`` (B, C, H, W), for t in 1..T (int or (B,) of ints).

        Raises:
            EngineError: at the first call, if the engine is to be "fast" and there is nothing faster here.
        """
        C, H, W = x_t.shape[1:]
        return self.computed_by(self.network((C, H, W)), x_t, t)

    def exact(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """The same by torch in float32, whatever the engine."""
        return self.computed_by(self.exact_network, x_t, t)

    def network(self, shape: tuple[int, int, int]) -> Network:
        """What computes it, for pictures (C, H, W); chosen when it is first asked for. Errors as for a call."""
        with self._choosing:
            if self._network is None:
                C, H, W = shape
                self._network = self._choose((C * self.patch**2, H // self.patch, W // self.patch))
            return self._network

    @property
    def exact_network(self) -> Network:
        """Torch in float32."""
        return self._exact

    def prepare(self) -> None:
        """Do what the first calls with other numbers of rows, and the first exact one, would have to wait for."""
        for network in (self._network, self._exact):
            if network is not None:
                network.prepare()

    @property
    def unet(self) -> torch.nn.Module:
        """The U-Net in torch, float32."""
        return self._exact.module

    @property
    def engine(self) -> str:
        """What computes the network, for people; empty before the first call."""
        return self._network.name if self._network else ""

    @property
    def any_thread(self) -> bool:
        """Whether it computes as well from one thread as from another; False before the first call."""
        return self._network is not None and self._network.any_thread

    def _choose(self, shape: tuple[int, int, int]) -> Network:
        try:
            return fast_network(self._exact, shape)
        except EngineError as error:
            if self.wanted == "fast":
                raise
            logging.info("torch computes the network: %s", error)
            return self._exact

    def computed_by(self, network: Network, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Predicted noise as above, the U-Net computed by any ``network``."""
        t = torch.as_tensor(t, dtype=torch.long, device="cpu").expand(len(x_t))
        with torch.inference_mode():
            output = network(pixel_unshuffle(x_t.float(), self.patch), t - 1)
            output = pixel_shuffle(output.to(x_t.device), self.patch)
        if self.prediction_type == "epsilon":
            return output.clone()  # a plain tensor, free to be changed in place by the caller
        alpha_bar = self._alpha_bar[t].view(-1, 1, 1, 1)
        sqrt_alpha_bar, sqrt_rest = alpha_bar.sqrt().to(x_t), (1 - alpha_bar).sqrt().to(x_t)
        return sqrt_rest * x_t + sqrt_alpha_bar * output
