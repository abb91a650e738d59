"""What a run leaves behind: the numbers of every step, and the pictures of as many as a byte budget allows.

Of a kept step only x_t and the network's eps_theta are stored. Everything else of Eq. 12 is derived again by the same
``ddim_step`` from the same z, so it comes back bit for bit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.latents import step_noise
from explorer.sampler import Settings, Step, ddim_step, denoise, predicted_x0
from explorer.schedule import Coefficients, jumps, timesteps

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
        clipped: how many values of predicted x_0 clip changed.
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
        c, terms = step.coefficients, step.terms
        z = torch.zeros_like(step.x_t) if step.z is None else step.z
        tensors = (step.x_t, step.x0, step.eps, z, step.x_prev, terms.x0, terms.direction, terms.noise)
        values = [tensor.cpu().numpy().ravel() for tensor in tensors]  # numpy costs less per call than torch
        x_t, x0, _, z_values, x_prev, *summands = values
        three_terms = sum(summands, np.zeros(len(x_t)))
        m_k_form = np.multiply(x_t, c.m, dtype=np.float64)
        m_k_form += np.multiply(x0, c.k, dtype=np.float64)
        m_k_form += np.multiply(z_values, c.sigma, dtype=np.float64)
        sizes = [math.sqrt(np.dot(v, v) / v.size) for v in values]
        residuals = [float(np.abs(whole - x_prev).max()) for whole in (three_terms, m_k_form)]
        return cls(*sizes, *residuals, clipped=int(step.clipped.sum()))  # type: ignore[misc, arg-type]


def rms(x: Tensor) -> float:
    """Root mean square over all values."""
    return float(x.square().mean().sqrt())


class Trajectory:
    """A run of Eq. 12, recorded while it goes.

    Iterating it runs the sampler and yields each step; leaving the loop early keeps what was done so far.

    Args:
        checkpoint: eps_theta and its schedule.
        x_T: (B, C, H, W) float32.
        settings: how to go down.
        max_frames, max_bytes: at most so many steps keep their pictures, spread evenly, the first and the last among
            them. A single step is kept whatever it costs.

    Attributes:
        plan: one :class:`Coefficients` for each step, known before the run.
        kept: indices of the steps whose pictures are kept, ascending.
        numbers: one :class:`Numbers` for each step done.

    Raises:
        ValueError: as :func:`explorer.denoise`.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        x_T: Tensor,
        settings: Settings,
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.checkpoint = checkpoint
        self.settings = settings
        self._steps: Iterator[Step] = denoise(checkpoint, x_T, settings)  # checks the arguments now, runs later
        schedule = checkpoint.schedule
        self.plan: list[Coefficients] = [
            schedule.coefficients(t, t_prev, settings.eta, settings.variance)
            for t, t_prev in jumps(timesteps(schedule.T, settings.steps, settings.spacing))
        ]
        frame_bytes = 2 * x_T.numel() * x_T.element_size()
        self.kept = spread(len(self.plan), min(max_frames, max_bytes // frame_bytes))
        self._kept = frozenset(self.kept)
        self.numbers: list[Numbers] = []
        self._frames: dict[int, tuple[Tensor, Tensor]] = {}
        self._x_prev = x_T

    def __iter__(self) -> Iterator[Step]:
        for step in self._steps:  # of a loaded trajectory there are none left
            self.record(step)
            yield step

    def record(self, step: Step) -> None:
        """Take the next step of the run, however it was made: alone by iterating, or in a batch with other runs."""
        index = len(self.numbers)
        if index in self._kept:
            self._frames[index] = (_own(step.x_t), _own(step.eps_theta))
        self.numbers.append(Numbers.of(step))
        self._x_prev = step.x_prev

    def __len__(self) -> int:
        """Steps done."""
        return len(self.numbers)

    def __repr__(self) -> str:
        return f"Trajectory({len(self)} of {len(self.plan)} steps, {len(self._frames)} kept, {self.settings})"

    def _repr_html_(self) -> str | None:
        """Its film strip, for a notebook; None before the first step."""
        from explorer.panels import run_html  # which stands below this module: asked only where there is a screen

        return run_html(self)

    def _repr_png_(self) -> bytes | None:
        from explorer.panels import run_png

        return run_png(self)

    @property
    def whole(self) -> bool:
        """Whether every step is done and kept."""
        return len(self._frames) == len(self.plan)

    @property
    def done(self) -> bool:
        return len(self) == len(self.plan)

    @property
    def x_0(self) -> Tensor:
        """The result so far: the last x_prev, or x_T before the first step."""
        return self._x_prev

    @property
    def nbytes(self) -> int:
        """Bytes of the kept tensors."""
        return sum(tensor.nbytes for frame in self._frames.values() for tensor in frame)

    def step(self, index: int) -> Step:
        """The step at a kept index that is done, with all its terms, as it was.

        Raises:
            KeyError: if the step was not kept or is not done yet.
        """
        x_t, eps_theta = self._frames[index]
        c = self.plan[index]
        seeds = self.settings.noise_seeds(len(x_t))
        z = step_noise(self.checkpoint.shape, seeds, c.t).to(x_t) if c.noise else None
        return ddim_step(x_t, eps_theta, z, c, self.settings.clip)

    def distances(self) -> dict[int, float]:
        """rms distance of predicted x_0 to the result, for each kept step that is done."""
        clip = self.settings.clip
        distances = {}
        for index, (x_t, eps_theta) in self._frames.items():
            x0 = predicted_x0(x_t, eps_theta, self.plan[index].alpha_bar)
            distances[index] = rms((x0.clamp(-1, 1) if clip else x0) - self.x_0)
        return distances

    def save(self, path: str | Path) -> None:
        """Write an .npz: ``x_t`` and ``eps_theta`` (kept, B, C, H, W), ``kept``, ``x_0``, a column per number, ``settings``."""
        if not self._frames:
            raise ValueError("the trajectory has no step yet: run it before saving it")
        columns = {f.name: np.array([getattr(n, f.name) for n in self.numbers]) for f in fields(Numbers)}
        indices = sorted(self._frames)
        arrays = {
            "settings": np.array(json.dumps({"checkpoint": self.checkpoint.name, **asdict(self.settings)})),
            "kept": np.array(indices),
            "x_t": torch.stack([self._frames[i][0] for i in indices]).cpu().numpy(),
            "eps_theta": torch.stack([self._frames[i][1] for i in indices]).cpu().numpy(),
            "x_0": self.x_0.cpu().numpy(),
        }
        arrays |= {f"numbers_{name}": column for name, column in columns.items()}
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | Path, checkpoint: Checkpoint) -> Trajectory:
        """Read what :meth:`save` wrote; ``checkpoint`` is the one it was run on.

        Raises:
            ValueError: if the file is not such a trajectory.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                settings = json.loads(str(file["settings"]))
                settings.pop("checkpoint")
                seed = settings["noise_seed"]
                settings["noise_seed"] = tuple(seed) if isinstance(seed, list) else seed
                run = Settings(**settings)
                x_0 = torch.from_numpy(file["x_0"])
                frames = zip(file["kept"].tolist(), file["x_t"], file["eps_theta"], strict=True)
                stored = {i: (torch.from_numpy(x_t), torch.from_numpy(eps)) for i, x_t, eps in frames}
                columns = [file[f"numbers_{f.name}"].tolist() for f in fields(Numbers)]
        except Exception as error:  # numpy, zipfile, zlib and json each have their own
            raise ValueError(f"{path} is not a saved trajectory ({error})") from error
        trajectory = cls(checkpoint, x_0, run)
        trajectory._frames, trajectory._x_prev = stored, x_0
        trajectory.kept, trajectory._steps = list(stored), iter(())
        trajectory.numbers = [Numbers(*row) for row in zip(*columns, strict=True)]
        return trajectory


def _own(tensor: Tensor) -> Tensor:
    """``tensor``, not as a view that keeps the rows of others in memory: runs share their calls of the network."""
    return tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` (at least one) of the indices 0..count-1, evenly spread, with both ends where there is room."""
    if count <= most:
        return list(range(count))
    return np.linspace(0, count - 1, max(most, 1)).round().astype(int).tolist() if most > 1 else [count - 1]
