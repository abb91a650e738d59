"""The result of Encode: a round trip to the latent and back, and reconstruction errors for other S."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from explorer.inversion import Inversion
from explorer.networks.engine_choice import Timing
from explorer.runs.encoded_latent import EncodedLatent, picture_in_python
from explorer.runs.latent_spec import with_imports
from explorer.support.paper_tables import TABLE_2, TABLE_2_STEPS
from explorer.ui.quality_notes import read_measurements
from explorer.ui.real_pictures import GENERATED
from explorer.ui.tab_result import TabResult

BINS = np.linspace(-4, 4, 41)


@dataclass(frozen=True)
class LatentMoments:
    """Statistics of an encoded latent, to compare with standard normal noise.

    Attributes:
        mean, std: over all values.
        norm: divided by the root of the dimension.
        histogram: density in the bins :data:`BINS`.
    """

    mean: float
    std: float
    norm: float
    histogram: list[float]

    @classmethod
    def of(cls, x_T: Tensor) -> LatentMoments:
        """Measure a latent (1, C, H, W)."""
        counts, _ = np.histogram(x_T.numpy(), BINS)
        density = counts / (x_T.numel() * (BINS[1] - BINS[0]))
        norm = float(x_T.norm()) / math.sqrt(x_T.numel())
        return cls(float(x_T.mean()), float(x_T.std()), norm, [round(float(d), 5) for d in density])


def mean_squared_error(reconstruction: Tensor, x_0: Tensor) -> float:
    """Return the mean squared error per dimension of pictures scaled to [0, 1], as in the paper's Table 2."""
    return float((reconstruction - x_0).square().mean() / 4)


@dataclass(kw_only=True)
class EncodeResult(TabResult):
    """A picture, its latent and its reconstruction, and the errors for other S.

    Pictures are named ``x_0``, ``x_T``, ``again``, ``difference``, ``up/<t>``, ``down/<t>``, ``back/<inversion>/<S>`` and
    ``example/<i>``.

    Attributes:
        encoded: the latent as a spec; None for a generated picture.
        examples: number of held-out pictures to choose from.
        lengths: S of each row of the table of errors.
        times: the t of the intermediate pictures, ascending, all of them from the start.
        latent: statistics of the latent, once known.
        mse: mean squared error of the reconstruction, once known.
        largest: its largest absolute error, once known.
        errors: mean squared error by inversion and S.
    """

    encoded: EncodedLatent | None
    lengths: list[int]
    examples: int = 0
    times: list[int] = field(default_factory=lambda: [0])
    latent: LatentMoments | None = None
    mse: float | None = None
    largest: float | None = None
    errors: dict[Inversion, dict[int, float]] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        """Both ways are computed in float32, whatever the app's engine."""
        return self.checkpoint.float32.engine

    @property
    def timings(self) -> tuple[Timing, ...]:
        return self.checkpoint.float32.predict_noise.timings

    def held_out_errors(self) -> tuple[dict[str, dict[int, dict[str, Any]]], Any]:
        """Return the checkpoint's measured errors over held-out pictures, by inversion and S, and a note about them.

        An entry has ``mean``, ``standard_error`` and ``pictures``, and if they were measured, ``quartiles`` [25 %, 50 %,
        75 %] and ``quartile_pictures``. The note is for a checkpoint without measurements.
        """
        quality, note = read_measurements(self.checkpoint)
        if quality is None or quality.reconstruction is None:
            return {}, note
        errors: dict[str, dict[int, dict[str, Any]]] = {}
        for cell in quality.reconstruction.cells:
            pictures = quality.reconstruction.pictures_of(cell)
            entry: dict[str, Any] = {"mean": cell.mse, "standard_error": cell.standard_error, "pictures": pictures}
            if q := cell.quartiles:
                entry |= {"quartiles": [q.first, q.median, q.third], "quartile_pictures": q.pictures}
            errors.setdefault(cell.inversion, {})[cell.steps] = entry
        return errors, ""

    def fixed(self) -> dict[str, Any]:
        errors, note = self.held_out_errors()
        return super().fixed() | {
            "inversion": str(self.request.options.inversion),
            "lengths": self.lengths,
            "offered": [S for S in TABLE_2_STEPS if S <= self.checkpoint.schedule.T],
            "latent": str(self.encoded or ""),
            "examples": self.examples,
            "paper": json.dumps(list(zip(TABLE_2_STEPS, TABLE_2, strict=True))),
            "measured": json.dumps({"errors": errors, "note": note}),
        }

    def changing(self) -> dict[str, Any]:
        facts: dict[str, Any] = dict(vars(self.latent)) if self.latent else {}
        if self.mse is not None:
            facts |= {"mse": self.mse, "largest": self.largest}
        return super().changing() | {
            "times": json.dumps(self.times),
            "facts": json.dumps(facts),
            "table": json.dumps({str(inversion): errors for inversion, errors in self.errors.items()}),
        }

    def script(self) -> str:
        """Return a script that encodes and reconstructs the picture with the public API."""
        s, o = self.request.settings, self.request.options
        if o.picture == GENERATED:
            x_0 = f"ex.sample(checkpoint, {self.request.latent.to_python()}, settings).clamp(-1, 1)"
        else:
            x_0 = picture_in_python(o.picture) + "  # your own file" * isinstance(o.picture, str)
        inversion = asdict(o.inversion).items()
        arguments = ", ".join(f"{name}={value!r}" for name, value in inversion)
        return with_imports(f"""checkpoint = {self.checkpoint.exact.to_python()}
settings = ex.Settings(steps={s.steps}, spacing={s.spacing!r})
x_0 = {x_0}
x_T = ex.encode(checkpoint, x_0, steps={s.steps}, spacing={s.spacing!r}, {arguments})
again = ex.sample(checkpoint, x_T, settings)
print("mean squared error on [0, 1]:", ((again - x_0).square().mean() / 4).item())
ex.to_image(again).save("again.png")
""")
