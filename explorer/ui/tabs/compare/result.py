"""The result of Compare: the rows, their pictures and their measurements."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from explorer.runs.latent_spec import with_imports
from explorer.schedule import Coefficients
from explorer.settings import Settings
from explorer.ui.custom_status import CustomStatus
from explorer.ui.tab_result import TabResult

DDIM, YOURS, DDPM, LARGE, WRONG = "ddim", "yours", "ddpm", "large", "wrong"
MINE = "mine"  # the row of the user's own step, if the app has one


@dataclass
class RowFacts:
    """The measurements of one row.

    Attributes:
        calls: network evaluations (NFE).
        seconds: duration of the row; None if it was cached.
        distance: rms difference of its picture to that of DDIM.
        grain: estimated standard deviation of the pixel noise.
        repeat: DDIM only: largest difference of a repeated run.
        posterior: DDPM only: largest difference between Eq. 12 and DDPM's posterior step.
        others: DDPM only: rms differences to the pictures of other noise seeds.
        eq12: the user's step only: largest difference to Eq. 12 in a step, on the same arguments.
        to_yours: the user's step only: rms difference of its picture to that of the row "yours".
    """

    calls: int
    seconds: float | None
    distance: float
    grain: float
    repeat: float | None = None
    posterior: float | None = None
    others: list[float] = field(default_factory=list)
    eq12: float | None = None
    to_yours: float | None = None

    def to_page(self) -> dict[str, Any]:
        facts = {"nfe": self.calls, "seconds": self.seconds, "distance": self.distance, "grain": self.grain}
        known: dict[str, Any] = {"repeat": self.repeat, "posterior": self.posterior, "others": self.others or None}
        known |= {"eq12": self.eq12, "to_yours": self.to_yours}
        return facts | {name: value for name, value in known.items() if value is not None}


@dataclass(kw_only=True)
class CompareResult(TabResult):
    """The rows of one comparison.

    Pictures are named ``<row>/<index of the step>/x0`` and ``…/x_t``, ``<row>/end`` and ``<row>/other/<k>``. One with a range
    of its own is also there on that range, as ``…/own``.

    Attributes:
        rows: the settings of each row, by name.
        plan: the coefficients of every step of the control column's settings.
        moments: indices of the steps that are shown, one for each column.
        facts: the measurements of each finished row.
        example_grain: mean grain of held-out pictures; None if the checkpoint has none.
        ranges: the values shown as black and as white, by the name of the picture without ``/own``.
        custom: the state of the user's own step; None if the app has none.
    """

    rows: dict[str, Settings]
    plan: list[Coefficients]
    moments: list[int]
    facts: dict[str, RowFacts] = field(default_factory=dict)
    example_grain: float | None = None
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    custom: CustomStatus | None = None

    @property
    def finished_rows(self) -> dict[str, Settings]:
        """The rows of files: all of them, and the one of the user's step if it has come to its end."""
        return self.rows | ({MINE: self.rows[YOURS]} if MINE in self.facts else {})

    def fixed(self) -> dict[str, Any]:
        tau = [c.t for c in self.plan]
        rows: dict[str, float | str] = {name: s.eta if name != LARGE else "large" for name, s in self.rows.items()}
        if self.custom is not None:
            rows[MINE] = self.rows[YOURS].eta
        return super().fixed() | {
            "T": self.checkpoint.schedule.T,
            "rows": json.dumps(rows),
            "tau": json.dumps(tau[:3]),
            "moments": json.dumps([[i, tau[i]] for i in self.moments]),
            "late_jump": json.dumps(self._late_jump()),
        }

    def _late_jump(self) -> list[float] | None:
        """The jump before the last one: t, t_prev, and alpha_bar at both; None for a run of one step."""
        if len(self.plan) < 2:
            return None
        c = self.plan[-2]
        return [c.t, c.t_prev, c.alpha_bar, c.alpha_bar_prev]

    def changing(self) -> dict[str, Any]:
        facts: dict[str, Any] = {name: facts.to_page() for name, facts in self.facts.items()}
        if self.facts:
            facts["examples"] = {"grain": self.example_grain}
        return super().changing() | {
            "facts": json.dumps(facts),
            "ranges": json.dumps(self.ranges),
            "custom": json.dumps(self.custom and self.custom.to_page()),
        }

    def script(self) -> str:
        """Return a script that makes the final pictures of the rows, except "wrong", with the public API."""
        request, s = self.request, self.request.settings
        common = f"steps={s.steps}, spacing={s.spacing!r}, clip={s.clip}, noise_seed={s.noise_seed}"
        lines = "".join(
            f'    "{name}": ex.Settings({common}, eta={settings.eta!r}, variance={settings.variance!r}),\n'
            for name, settings in self.rows.items()
            if name != WRONG
        )
        return with_imports(f"""checkpoint = {request.checkpoint.to_python()}
x_T = {request.latent.to_python()}
rows = {{
{lines}}}
for name, settings in rows.items():
    ex.to_image(ex.sample(checkpoint, x_T, settings)).save(f"{{name}}.png")
""")
