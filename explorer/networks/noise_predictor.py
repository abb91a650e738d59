"""The interface of eps_theta, and adapters of it.

The sampler calls ``predict_noise(x_t, t)``, where x_t is (B, C, H, W) float32 and t is the paper's time step in 1..T, an int or
one per row. The result is the predicted noise, in the same shape. :func:`as_noise_predictor` makes a noise predictor of any
function, and :class:`explorer.denoiser.Denoiser` of a U-Net.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from explorer.networks.engine_choice import Timing
from explorer.networks.network import Engine

PredictNoise = Callable[[Tensor, "int | Tensor"], Tensor]
MAX_ROWS_ON_CPU = 8  # batch size above which a CPU takes proportionally longer


@runtime_checkable
class NoisePredictor(Protocol):
    """The interface of eps_theta.

    Attributes:
        device: the device of its tensors.
        engine: display name of the inference engine; empty before the first call and for a plain function.
        requested_engine: the ``engine`` argument of :func:`explorer.load` that opens the same predictor.
        max_rows: largest batch size of a call.
        any_thread: whether calls are equally fast from every thread.
        timings: what the engine was chosen by; empty if nothing was timed.
        exact: the same predictor, computed by torch in float32.
        float32: the same predictor, computed in float32 by the engine that is fastest at it.
        unshared: the same predictor, whose calls are never batched with other runs, so that repeated calls give
            identical bits.
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
    def timings(self) -> tuple[Timing, ...]: ...
    @property
    def exact(self) -> NoisePredictor: ...
    @property
    def float32(self) -> NoisePredictor: ...
    @property
    def unshared(self) -> NoisePredictor: ...

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Predicted noise, float32, shape and device of ``x_t`` (B, C, H, W), for t in 1..T (int or (B,) of ints)."""
        ...

    def choose_engine(self, shape: tuple[int, int, int]) -> str:
        """Choose the engine for pictures of ``shape`` (C, H, W) if that is still to be done, and return its display name."""
        ...

    def prepare(self) -> NoisePredictor:
        """Compile for every batch size now, so that no later call has to wait for it.

        Returns:
            The predictor to use from now on: the same one, or one on an engine that was found to be better here. A run
            that has begun keeps its predictor.
        """
        ...


@dataclass(frozen=True)
class FunctionPredictor:
    """Adapter that makes a :class:`NoisePredictor` of any function eps(x_t, t)."""

    function: PredictNoise
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    engine: str = ""
    requested_engine: Engine = "exact"
    max_rows: int = MAX_ROWS_ON_CPU
    any_thread: bool = False
    timings: tuple[Timing, ...] = ()

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        return self.function(x_t, t)

    @property
    def exact(self) -> FunctionPredictor:
        return self

    @property
    def float32(self) -> FunctionPredictor:
        return self

    @property
    def unshared(self) -> FunctionPredictor:
        return self

    def choose_engine(self, shape: tuple[int, int, int]) -> str:
        """Return an empty text: a function has no engine."""
        return self.engine

    def prepare(self) -> FunctionPredictor:
        """Do nothing: a function needs no compilation."""
        return self


@dataclass(frozen=True)
class DelegatingPredictor:
    """A :class:`NoisePredictor` that delegates to another one. Subclasses override parts of it."""

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
    def timings(self) -> tuple[Timing, ...]:
        return self.predictor.timings

    @property
    def exact(self) -> NoisePredictor:
        return self.predictor.exact

    @property
    def float32(self) -> NoisePredictor:
        return self.predictor.float32

    @property
    def unshared(self) -> NoisePredictor:
        return self.predictor.unshared

    def choose_engine(self, shape: tuple[int, int, int]) -> str:
        return self.predictor.choose_engine(shape)

    def prepare(self) -> NoisePredictor:
        prepared = self.predictor.prepare()
        return self if prepared is self.predictor else replace(self, predictor=prepared)


def as_noise_predictor(predict_noise: PredictNoise) -> NoisePredictor:
    """Return ``predict_noise`` itself if it is a :class:`NoisePredictor`; wrap any other callable as one."""
    return predict_noise if isinstance(predict_noise, NoisePredictor) else FunctionPredictor(predict_noise)
