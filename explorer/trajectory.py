"""The record of a run: measurements of every step, and the tensors of as many steps as fit into a byte budget.

Of a kept step only x_t and the network's eps_theta are stored. All other quantities of Eq. 12 are recomputed from them
by :func:`explorer.ddim_step` with the same z, so they are identical bit for bit. :func:`record` runs the sampler and
records its steps.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.sampler import Step, check_latents, ddim_step, denoise, noise_for, predicted_x0
from explorer.schedule import Coefficients
from explorer.settings import Settings
from explorer.support.rich_display import RichDisplay

MAX_FRAMES = 250
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Numbers:
    """Measurements of one step over the whole batch. The rms (root mean square) is taken over all values.

    Attributes:
        x_t, x0, eps, z, x_prev: rms of the state, predicted x_0, the eps of Eq. 12, the noise z and the next state.
        term_x0, term_direction, term_noise: rms of the three terms of Eq. 12.
        sum_residual: largest absolute difference between x_prev and the sum of the terms in float64.
        mk_residual: largest absolute difference between x_prev and m x_t + k x0 + sigma z in float64.
        clipped: number of clipped values of predicted x_0.
    """

    x_t: float
    x0: float
    eps: float
    z: float
    x_prev: float
    term_x0: float
    term_direction: float
    term_noise: float
    sum_residual: float
    mk_residual: float
    clipped: int

    @classmethod
    def of(cls, step: Step) -> Numbers:
        """Measure one step."""
        c, terms = step.coefficients, step.terms
        z = torch.zeros_like(step.x_t) if step.z is None else step.z
        tensors = (step.x_t, step.x0, step.eps, z, step.x_prev, terms.x0, terms.direction, terms.noise)
        arrays = [tensor.cpu().numpy().ravel() for tensor in tensors]  # numpy has less overhead per call than torch
        x_t, x0, _, z_values, x_prev, *term_values = arrays
        sum_of_terms = sum(term_values, np.zeros(len(x_t)))
        m_k_form = np.multiply(x_t, c.m, dtype=np.float64)
        m_k_form += np.multiply(x0, c.k, dtype=np.float64)
        m_k_form += np.multiply(z_values, c.sigma, dtype=np.float64)
        rms_values = [math.sqrt(np.dot(values, values) / values.size) for values in arrays]
        residuals = [float(np.abs(form - x_prev).max()) for form in (sum_of_terms, m_k_form)]
        return cls(*rms_values, *residuals, clipped=int(step.clipped.sum()))  # type: ignore[misc, arg-type]


def rms(x: Tensor) -> float:
    """Root mean square over all values."""
    return float(x.square().mean().sqrt())


class Frame(NamedTuple):
    """The stored tensors of a kept step, each (B, C, H, W)."""

    x_t: Tensor
    eps_theta: Tensor


@dataclass
class Record:
    """The recorded steps of a :class:`Trajectory`.

    Attributes:
        x_0: the result so far, the last x_prev (B, C, H, W).
        numbers: the measurements of each recorded step.
        frames: the stored tensors, by index of the step.
    """

    x_0: Tensor
    numbers: list[Numbers] = field(default_factory=list)
    frames: dict[int, Frame] = field(default_factory=dict)


class Trajectory(RichDisplay):
    """The record of one run of Eq. 12. It is filled by :func:`record` and runs nothing itself.

    Args:
        checkpoint: provides eps_theta and the schedule.
        x_T: (B, C, H, W) float32.
        settings: the settings of the run.
        max_frames, max_bytes: limits on the stored tensors. The steps that are kept are evenly spaced and include the
            first and the last one. At least one step is kept, whatever its size.
        recorded: steps recorded earlier, such as those that :meth:`load` reads from a file.

    Attributes:
        kept: indices of the steps whose tensors are stored, ascending.

    Raises:
        ValueError: ``x_T`` does not have the checkpoint's shape.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        x_T: Tensor,
        settings: Settings,
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
        recorded: Record | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.x_T = x_T
        self.settings = settings
        self._record = recorded or Record(x_T)
        frame_bytes = max(2 * x_T.numel() * x_T.element_size(), 1)
        max_frames = min(max_frames, max_bytes // frame_bytes)
        self.kept = sorted(recorded.frames) if recorded else evenly_spaced(settings.steps, max_frames)
        check_latents("x_T", x_T, checkpoint)

    @cached_property
    def plan(self) -> list[Coefficients]:
        """The coefficients of each step, known before the run.

        Raises:
            ValueError: there are more steps than the checkpoint's T.
        """
        return self.settings.plan(self.checkpoint.schedule)

    @property
    def numbers(self) -> list[Numbers]:
        """The :class:`Numbers` of each recorded step."""
        return self._record.numbers

    def record(self, step: Step) -> None:
        """Append the next step of the run."""
        index = len(self.numbers)
        if index in self.kept:
            self._record.frames[index] = Frame(_own_storage(step.x_t), _own_storage(step.eps_theta))
        self.numbers.append(Numbers.of(step))
        self._record.x_0 = step.x_prev

    def __iter__(self) -> Iterator[Step]:
        """Alias of ``explorer.record(trajectory)``, kept for existing scripts."""
        return record(self)

    def __len__(self) -> int:
        """Number of recorded steps."""
        return len(self.numbers)

    def __repr__(self) -> str:
        kept = len(self._record.frames)
        return f"Trajectory({len(self)} of {self.settings.steps} steps, {kept} kept, {self.settings})"

    @property
    def done(self) -> bool:
        """Whether every step of the run is recorded."""
        return len(self) == self.settings.steps

    @property
    def complete(self) -> bool:
        """Whether every step is recorded and its tensors are stored."""
        return len(self._record.frames) == self.settings.steps

    @property
    def whole(self) -> bool:
        """Alias of :attr:`complete`, kept for existing scripts."""
        return self.complete

    @property
    def x_0(self) -> Tensor:
        """The result so far: the last x_prev, or x_T before the first step."""
        return self._record.x_0

    @property
    def nbytes(self) -> int:
        """Size of the stored tensors in bytes."""
        return sum(tensor.nbytes for frame in self._record.frames.values() for tensor in frame)

    @property
    def kept_so_far(self) -> list[int]:
        """Indices of the recorded steps whose tensors are stored, ascending."""
        return sorted(self._record.frames)

    def step(self, index: int) -> Step:
        """Recompute the step at a kept index, with all terms, bit for bit.

        Raises:
            KeyError: the step is not kept, or not recorded yet.
        """
        x_t, eps_theta = self._record.frames[index]
        coefficients = self.plan[index]
        z = noise_for(self.checkpoint, coefficients, self.settings.noise_seeds(len(x_t)), like=x_t)
        return ddim_step(x_t, eps_theta, z, coefficients, self.settings.clip)

    def distances(self) -> dict[int, float]:
        """rms distance between predicted x_0 and the result so far, by index of the recorded kept steps."""
        clip = self.settings.clip
        distances = {}
        for index, frame in self._record.frames.items():
            x0 = predicted_x0(frame.x_t, frame.eps_theta, self.plan[index].alpha_bar)
            distances[index] = rms((x0.clamp(-1, 1) if clip else x0) - self.x_0)
        return distances

    def arrays(self) -> dict[str, np.ndarray]:
        """The record as named arrays, in the layout of a saved file.

        Returns:
            ``kept``, the indices of the K recorded kept steps; ``x_t`` and ``eps_theta`` (K, B, C, H, W) of these;
            ``x_0``; ``numbers_NAME`` (recorded steps,) for each field of :class:`Numbers`; and ``settings`` as JSON.

        Raises:
            ValueError: no step is recorded yet.
        """
        if not self._record.frames:
            raise ValueError("the trajectory has no step yet: run it before saving it")
        indices = self.kept_so_far
        settings = {"checkpoint": self.checkpoint.name, **asdict(self.settings)}
        columns = {f"numbers_{f.name}": np.array([getattr(n, f.name) for n in self.numbers]) for f in fields(Numbers)}
        return {
            "settings": np.array(json.dumps(settings)),
            "kept": np.array(indices),
            "x_t": torch.stack([self._record.frames[i].x_t for i in indices]).cpu().numpy(),
            "eps_theta": torch.stack([self._record.frames[i].eps_theta for i in indices]).cpu().numpy(),
            "x_0": self.x_0.cpu().numpy(),
            **columns,
        }

    def save(self, path: str | Path) -> None:
        """Write :meth:`arrays` to a compressed .npz file."""
        np.savez_compressed(path, **self.arrays())  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | Path, checkpoint: Checkpoint) -> Trajectory:
        """Read a file that :meth:`save` wrote.

        Args:
            path: of the .npz file.
            checkpoint: the one that the run was made with.

        Raises:
            ValueError: the file is not a saved trajectory.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                settings = json.loads(str(file["settings"]))
                settings.pop("checkpoint")
                seed = settings["noise_seed"]
                settings["noise_seed"] = tuple(seed) if isinstance(seed, list) else seed
                x_0 = torch.from_numpy(file["x_0"])
                stored = zip(file["kept"].tolist(), file["x_t"], file["eps_theta"], strict=True)
                frames = {i: Frame(torch.from_numpy(x_t), torch.from_numpy(eps)) for i, x_t, eps in stored}
                columns = [file[f"numbers_{f.name}"].tolist() for f in fields(Numbers)]
            x_T = frames[0].x_t if 0 in frames else x_0
            numbers = [Numbers(*row) for row in zip(*columns, strict=True)]
            return cls(checkpoint, x_T, Settings(**settings), recorded=Record(x_0, numbers, frames))
        except Exception as error:  # numpy, zipfile, zlib and json raise errors of many types
            raise ValueError(f"{path} is not a saved trajectory ({error})") from error


def record(trajectory: Trajectory) -> Iterator[Step]:
    """Run the sampler from the trajectory's x_T; record and yield every step.

    Steps already recorded are kept if the caller leaves the loop early. A trajectory that has steps is not run again.
    """
    if len(trajectory):
        return
    for step in denoise(trajectory.checkpoint, trajectory.x_T, trajectory.settings):
        trajectory.record(step)
        yield step


def _own_storage(tensor: Tensor) -> Tensor:
    """Copy a view of a larger tensor. A row of a batch shared with other runs would keep the whole batch in memory."""
    return tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()


def evenly_spaced(count: int, limit: int) -> list[int]:
    """At most ``limit`` of the indices 0..count-1, evenly spaced, with both ends; only the last if ``limit`` < 2."""
    if count <= limit:
        return list(range(count))
    if limit < 2:
        return [count - 1]
    return np.linspace(0, count - 1, limit).round().astype(int).tolist()
