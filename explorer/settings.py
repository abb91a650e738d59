"""How a run goes down from x_T: number of steps, eta, variance, spacing, clip and noise seeds, all checked."""

from __future__ import annotations

from dataclasses import dataclass, fields

from explorer.latents import MAX_SEED
from explorer.schedule import SPACINGS, VARIANCES, Coefficients, Schedule, Spacing, Variance, jumps, timesteps
from explorer.support.arguments import as_int, check_eta, shorten


@dataclass(frozen=True)
class Settings:
    """How a run goes down from x_T.

    Attributes:
        steps: S, from 1 to the checkpoint's T.
        eta: in [0, 1]; sigma = eta * sigma(1), Eq. 16. 0 is DDIM, 1 is DDPM.
        variance: "eta", or "large" for sigma-hat, DDPM's larger variance (then ``eta`` has no effect).
        spacing: of tau: "linear", "quadratic" or "leading", see :func:`explorer.timesteps`.
        clip: clamp predicted x_0 to [-1, 1] at every step and re-derive eps from it.
        noise_seed: row i of a batch draws its z from ``noise_seed + i``; or a tuple with one seed for each row.

    Raises:
        ValueError: a value is out of range; the message names the range.
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
        """One noise seed for each of ``rows`` rows.

        Raises:
            ValueError: a tuple of seeds has another length, or counting up passes 2^64 - 1.
        """
        if isinstance(self.noise_seed, int):
            return [as_int("noise_seed + row", self.noise_seed + i, 0, MAX_SEED) for i in range(rows)]
        if len(self.noise_seed) != rows:
            raise ValueError(
                f"noise_seed has {len(self.noise_seed)} seeds, the batch {rows} rows; give one for each row"
            )
        return list(self.noise_seed)

    def plan(self, schedule: Schedule) -> list[Coefficients]:
        """The coefficients of Eq. 12 for every step of the run, t descending.

        Raises:
            ValueError: more steps than the schedule's T.
        """
        tau = timesteps(schedule.T, self.steps, self.spacing)
        return [schedule.coefficients(t, t_prev, self.eta, self.variance) for t, t_prev in jumps(tau)]


def _check_noise_seed(seed: object) -> int | tuple[int, ...]:
    if isinstance(seed, (tuple, list)):
        return tuple(as_int("noise_seed", one, 0, MAX_SEED) for one in seed)
    return as_int("noise_seed", seed, 0, MAX_SEED)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {shorten(value)}")
