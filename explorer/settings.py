"""The settings of a run: steps, eta, variance, spacing of tau, clipping and noise seeds."""

from __future__ import annotations

from dataclasses import dataclass, fields

from explorer.latents import MAX_SEED
from explorer.schedule import SPACINGS, VARIANCES, Coefficients, Schedule, Spacing, Variance
from explorer.support.arguments import as_int, check_eta, shorten


@dataclass(frozen=True)
class Settings:
    """The settings of a run of Eq. 12. Immutable and hashable.

    Attributes:
        steps: S, the number of steps, from 1 to the checkpoint's T.
        eta: in [0, 1]; sigma = eta * sigma(1), Eq. 16. 0 is DDIM, 1 is DDPM.
        variance: "eta", or "large" for sigma-hat, DDPM's larger variance. With "large", ``eta`` has no effect.
        spacing: how tau is spaced: "linear", "quadratic", "leading" or "quadratic-ddim", see :func:`explorer.timesteps`.
        clip: clamp predicted x_0 to [-1, 1] at every step and recompute eps from it.
        noise_seed: seed of the noise z, from 0 to 2^64 - 1. Row i of a batch uses ``noise_seed + i``. A tuple gives one
            seed per row instead.

    Raises:
        ValueError: a value is out of range. The message names the range.
    """

    steps: int = 50
    eta: float = 0.0
    variance: Variance = "eta"
    spacing: Spacing = "linear"
    clip: bool = False
    noise_seed: int | tuple[int, ...] = 0

    def __post_init__(self) -> None:
        checked = {
            "steps": as_int("steps", self.steps, 1, None),
            "eta": check_eta(self.eta),
            "noise_seed": _check_noise_seed(self.noise_seed),
        }
        _check_choice("variance", self.variance, VARIANCES)
        _check_choice("spacing", self.spacing, SPACINGS)
        if not isinstance(self.clip, bool):
            raise ValueError(f"clip must be True or False, not {shorten(self.clip)}")
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{f.name}={shorten(getattr(self, f.name))}' for f in fields(self))})"

    def noise_seeds(self, rows: int) -> list[int]:
        """Return the noise seed of each row of a batch.

        Args:
            rows: batch size B.

        Raises:
            ValueError: a tuple of seeds does not have ``rows`` entries, or ``noise_seed + i`` exceeds 2^64 - 1.
        """
        if isinstance(self.noise_seed, int):
            if self.noise_seed + rows - 1 > MAX_SEED:
                raise ValueError(f"noise_seed + row must be from 0 to {MAX_SEED}, not {self.noise_seed + rows - 1}")
            return list(range(self.noise_seed, self.noise_seed + rows))
        if len(self.noise_seed) != rows:
            raise ValueError(
                f"noise_seed has {len(self.noise_seed)} seeds, but the batch has {rows} rows; give one seed per row"
            )
        return list(self.noise_seed)

    def plan(self, schedule: Schedule) -> list[Coefficients]:
        """Return the coefficients of Eq. 12 for every step of the run, t descending.

        Raises:
            ValueError: there are more steps than the schedule's T.
        """
        return schedule.plan(self.steps, self.spacing, self.eta, self.variance)


def _check_noise_seed(seed: object) -> int | tuple[int, ...]:
    if isinstance(seed, (tuple, list)):
        return tuple(as_int("noise_seed", row_seed, 0, MAX_SEED) for row_seed in seed)
    return as_int("noise_seed", seed, 0, MAX_SEED)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {shorten(value)}")
