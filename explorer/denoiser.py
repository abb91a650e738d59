"""eps_theta: what the sampler core sees of a network.

Everywhere above this module a denoiser is a callable ``predict_noise(x_t, t)``: (B, C, H, W) float32 and the paper's t in
1..T (an int, or one per row) to the predicted noise of the same shape. Here a diffusers U-Net becomes one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

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

    The network is called under inference_mode, channels_last, with the label t-1 that it was trained on. Patch size p
    means that it works on ``pixel_unshuffle(x, p)``: an orthogonal re-arrangement, so the diffusion is the same. A
    network trained on v = sqrt(alpha_bar) eps - sqrt(1-alpha_bar) x_0 is turned into eps in float32:
    eps_theta = sqrt(1 - alpha_bar_t) x_t + sqrt(alpha_bar_t) v_theta.

    Args:
        unet: maps (B, C p^2, H/p, W/p) and labels (B,) to the same shape; diffusers' calling convention.
        schedule: the one the network was trained with.
        patch: p >= 1, a divisor of H and W.
        prediction_type: "epsilon" or "v_prediction".
        device: see :func:`resolve_device`.
    """

    def __init__(
        self,
        unet: torch.nn.Module,
        schedule: Schedule,
        *,
        patch: int = 1,
        prediction_type: PredictionType = "epsilon",
        device: str = "auto",
    ) -> None:
        self.device = resolve_device(device)
        self.unet = unet.eval().requires_grad_(False).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.patch = patch
        self.prediction_type = prediction_type
        self._alpha_bar = torch.from_numpy(schedule.alpha_bar.copy())  # float64

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Predicted noise, float32, shape and device of ``x_t`` (B, C, H, W), for t in 1..T (int or (B,) of ints)."""
        t = torch.as_tensor(t, dtype=torch.long, device="cpu").expand(len(x_t))
        with torch.inference_mode():
            x = pixel_unshuffle(x_t.to(self.device, torch.float32), self.patch)
            x = x.contiguous(memory_format=torch.channels_last)
            output = self.unet(x, (t - 1).to(self.device), return_dict=False)[0]
            output = pixel_shuffle(output.float(), self.patch).to(x_t.device)
        if self.prediction_type == "epsilon":
            return output.clone()  # a plain tensor, free to be changed in place by the caller
        alpha_bar = self._alpha_bar[t].view(-1, 1, 1, 1)
        sqrt_alpha_bar, sqrt_rest = alpha_bar.sqrt().to(x_t), (1 - alpha_bar).sqrt().to(x_t)
        return sqrt_rest * x_t + sqrt_alpha_bar * output
