"""The record of a run: the numbers of every step, and the pictures of as many steps as a byte budget allows.

Of a kept step only x_t and the network's eps_theta are stored. Everything else of Eq. 12 is derived again by the same
``ddim_step`` from the same z, so it comes back bit for bit. :func:`record` is the one function that runs and records.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.sampler import Step, check_latents, ddim_step, denoise, noise_for, predicted_x0
from explorer.settings import Settings
from explorer.support.rich_display import RichDisplay

MAX_FRAMES = 250
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Numbers:
    """What is measured at one step, over the whole batch. rms = root mean square over all values.

    Attributes:
        x_t, x0, eps, z, x_prev: rms of the state, predicted x_0, the noise Eq. 12 uses, fresh noise, the next state.
        term_x0, term_direction, term_noise: rms of the three summands.
        sum_residual: largest difference between x_prev and the three terms, added in float64.
        mk_residual: largest difference between x_prev and m x_t + k x0 + sigma z, computed in float64.
        clipped: how many values of predicted x_0 were clipped.
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
        values = [tensor.cpu().numpy().ravel() for tensor in tensors]  # numpy has less overhead per call than torch
        x_t, x0, _, z_values, x_prev, *summands = values
        three_terms = sum(summands, np.zeros(len(x_t)))
        m_k_form = np.multiply(x_t, c.m, dtype=np.float64)
        m_k_form += np.multiply(x0, c.k, dtype=np.float64)
        m_k_form += np.multiply(z_values, c.sigma, dtype=np.float64)
        sizes = [math.sqrt(np.dot(v, v) / v.size) for v in values]
        residuals = [float(np.abs(total - x_prev).max()) for total in (three_terms, m_k_form)]
        return cls(*sizes, *residuals, clipped=int(step.clipped.sum()))  # type: ignore[misc, arg-type]


def rms(x: Tensor) -> float:
    """Root mean square over all values."""
    return float(x.square().mean().sqrt())


@dataclass(frozen=True, eq=False)
class Recorded:
    """What a file says of a run: the kept tensors by index of the step, the numbers of every step, and the result."""

    frames: Mapping[int, tuple[Tensor, Tensor]]
    numbers: Sequence[Numbers]
    x_0: Tensor


class Trajectory(RichDisplay):
    """The record of one run of Eq. 12. It runs nothing itself: :func:`record` fills it.

    Args:
        checkpoint: eps_theta and its schedule.
        x_T: (B, C, H, W) float32.
        settings: how the run goes down.
        max_frames, max_bytes: at most so many steps keep their pictures, evenly spaced, the first and the last among
            them. A single step is kept whatever it costs.
        recorded: what was recorded already, of a run that is read from a file.

    Attributes:
        plan: one :class:`Coefficients` for each step, known before the run.
        kept: indices of the steps whose pictures are kept, ascending.
        numbers: one :class:`Numbers` for each step done.

    Raises:
        ValueError: as for :func:`explorer.denoise`.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        x_T: Tensor,
        settings: Settings,
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
        *,
        recorded: Recorded | None = None,
    ) -> None:
        check_latents("x_T", x_T, checkpoint)
        self.checkpoint = checkpoint
        self.x_T = x_T
        self.settings = settings
        self.plan = settings.plan(checkpoint.schedule)
        self._noise_seeds = settings.noise_seeds(len(x_T))
        frame_bytes = 2 * x_T.numel() * x_T.element_size()
        most = min(max_frames, max_bytes // frame_bytes)
        self.kept = list(recorded.frames) if recorded else evenly_spaced(len(self.plan), most)
        self.numbers = list(recorded.numbers) if recorded else []
        self._frames = dict(recorded.frames) if recorded else {}
        self._x_prev = recorded.x_0 if recorded else x_T

    def record(self, step: Step) -> None:
        """Append the next step of the run."""
        index = len(self.numbers)
        if index in self.kept:
            self._frames[index] = (_without_other_rows(step.x_t), _without_other_rows(step.eps_theta))
        self.numbers.append(Numbers.of(step))
        self._x_prev = step.x_prev

    def __iter__(self) -> Iterator[Step]:
        """The same as ``explorer.record(trajectory)``, for scripts written for earlier versions."""
        return record(self)

    def __len__(self) -> int:
        """Number of steps done."""
        return len(self.numbers)

    def __repr__(self) -> str:
        return f"Trajectory({len(self)} of {len(self.plan)} steps, {len(self._frames)} kept, {self.settings})"

    @property
    def done(self) -> bool:
        """Whether every step is done."""
        return len(self) == len(self.plan)

    @property
    def complete(self) -> bool:
        """Whether every step is done and its pictures are kept."""
        return len(self._frames) == len(self.plan)

    @property
    def x_0(self) -> Tensor:
        """The result so far: the last x_prev, or x_T before the first step."""
        return self._x_prev

    @property
    def nbytes(self) -> int:
        """Bytes of the kept tensors."""
        return sum(tensor.nbytes for frame in self._frames.values() for tensor in frame)

    @property
    def kept_so_far(self) -> list[int]:
        """Indices of the kept steps that are done, ascending."""
        return sorted(self._frames)

    def step(self, index: int) -> Step:
        """Derive again the step at a kept index, with all its terms, bit for bit.

        Raises:
            KeyError: the step was not kept, or is not done yet.
        """
        x_t, eps_theta = self._frames[index]
        c = self.plan[index]
        z = noise_for(self.checkpoint, c, self._noise_seeds, like=x_t)
        return ddim_step(x_t, eps_theta, z, c, self.settings.clip)

    def distances(self) -> dict[int, float]:
        """rms distance of predicted x_0 to the result, for each kept step that is done."""
        clip = self.settings.clip
        distances = {}
        for index, (x_t, eps_theta) in self._frames.items():
            x0 = predicted_x0(x_t, eps_theta, self.plan[index].alpha_bar)
            distances[index] = rms((x0.clamp(-1, 1) if clip else x0) - self.x_0)
        return distances

    def arrays(self) -> dict[str, np.ndarray]:
        """The record as named arrays, as they stand in a file.

        ``x_t`` and ``eps_theta`` (kept, B, C, H, W), ``kept``, ``x_0``, ``numbers_NAME`` (steps done,) for each field of
        :class:`Numbers`, and ``settings`` as JSON.

        Raises:
            ValueError: the run has no step yet.
        """
        if not self._frames:
            raise ValueError("the trajectory has no step yet: run it before saving it")
        indices = self.kept_so_far
        settings = {"checkpoint": self.checkpoint.name, **asdict(self.settings)}
        columns = {f"numbers_{f.name}": np.array([getattr(n, f.name) for n in self.numbers]) for f in fields(Numbers)}
        return {
            "settings": np.array(json.dumps(settings)),
            "kept": np.array(indices),
            "x_t": torch.stack([self._frames[i][0] for i in indices]).cpu().numpy(),
            "eps_theta": torch.stack([self._frames[i][1] for i in indices]).cpu().numpy(),
            "x_0": self.x_0.cpu().numpy(),
            **columns,
        }

    def save(self, path: str | Path) -> None:
        """Write :meth:`arrays` as a compressed .npz."""
        np.savez_compressed(path, **self.arrays())  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | Path, checkpoint: Checkpoint) -> Trajectory:
        """Read what :meth:`save` wrote; ``checkpoint`` is the one that the run was made with.

        Raises:
            ValueError: the file is not such a trajectory.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                settings = json.loads(str(file["settings"]))
                settings.pop("checkpoint")
                seed = settings["noise_seed"]
                settings["noise_seed"] = tuple(seed) if isinstance(seed, list) else seed
                x_0 = torch.from_numpy(file["x_0"])
                frames = zip(file["kept"].tolist(), file["x_t"], file["eps_theta"], strict=True)
                kept = {i: (torch.from_numpy(x_t), torch.from_numpy(eps)) for i, x_t, eps in frames}
                columns = [file[f"numbers_{f.name}"].tolist() for f in fields(Numbers)]
            numbers = [Numbers(*row) for row in zip(*columns, strict=True)]
            recorded = Recorded(kept, numbers, x_0)
            return cls(checkpoint, kept[0][0] if 0 in kept else x_0, Settings(**settings), recorded=recorded)
        except Exception as error:  # numpy, zipfile, zlib and json all raise errors of their own
            raise ValueError(f"{path} is not a saved trajectory ({error})") from error


def record(trajectory: Trajectory) -> Iterator[Step]:
    """Run the sampler from the trajectory's x_T, record every step in it, and yield the step.

    Leaving the loop early keeps what was done so far. A trajectory that has steps already is not run again.
    """
    if len(trajectory):
        return
    for step in denoise(trajectory.checkpoint, trajectory.x_T, trajectory.settings):
        trajectory.record(step)
        yield step


def _without_other_rows(tensor: Tensor) -> Tensor:
    """A copy if ``tensor`` is a view that keeps the rows of other runs in memory, since runs share calls of the network."""
    return tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()


def evenly_spaced(count: int, most: int) -> list[int]:
    """At most ``most`` (at least one) of the indices 0..count-1, evenly spaced, with both ends where there is room."""
    if count <= most:
        return list(range(count))
    return np.linspace(0, count - 1, max(most, 1)).round().astype(int).tolist() if most > 1 else [count - 1]
