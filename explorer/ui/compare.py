"""The Compare tab: from one latent, several ways to step, side by side (C5-C7, C10)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import Tensor

from explorer.batch import Run, denoise_together
from explorer.checkpoint import Checkpoint
from explorer.measures import grain
from explorer.quality import to_unit
from explorer.recipe import with_imports
from explorer.sampler import Settings, Step, ddpm_posterior_step
from explorer.schedule import timesteps
from explorer.trajectory import rms, spread
from explorer.ui.component import CompareStage
from explorer.ui.pieces import Pieces
from explorer.ui.real import examples_of
from explorer.ui.state import MAX_SEED, BadInput, Options, Query, whole, yes_or_no
from explorer.ui.tab import Asked, State, Tab

DDIM, YOURS, DDPM, LARGE, WRONG = "ddim", "yours", "ddpm", "large", "wrong"
SECONDS_BETWEEN = 0.1  # of two updates of the page


@dataclass(frozen=True)
class CompareOptions(Options):
    """Settings of the Compare tab.

    Attributes:
        wrong: show the row whose network is told wrong labels.
        moments: columns of each row, spread over tau.
        others: K, how many other noise seeds DDPM is run with.
    """

    wrong: bool = True
    moments: int = 10
    others: int = 4

    checks: ClassVar = {
        "wrong": yes_or_no("wrong labels"),
        "moments": whole("moments", 8, 12),
        "others": whole("K (other noise seeds)", 1, 8),
    }


class CompareTab(Tab[CompareOptions]):
    """Rows that share x_T, S and the network; sigma differs, and in one row the label."""

    name, title, stage, options = "compare", "Compare", CompareStage, CompareOptions
    idle = ("variance",)

    def check(self, asked: Asked[CompareOptions]) -> Asked[CompareOptions]:
        highest = MAX_SEED - asked.options.others
        if asked.query.settings.noise_seed > highest:  # type: ignore[operator]
            raise BadInput("noise_seed", f"noise seed must be at most {highest}, since K more are counted up from it.")
        return asked

    def stream(self, asked: Asked[CompareOptions], state: State) -> Iterator[dict[str, Any]]:
        return Comparison(self.checkpoints[asked.query.checkpoint], asked).stream(state)


class Comparison:
    """One comparison while it goes: first all rows together, then the repeat of DDIM and DDPM's other noise seeds."""

    def __init__(self, checkpoint: Checkpoint, asked: Asked[CompareOptions]) -> None:
        self.checkpoint, self.asked = checkpoint, asked
        self.query, self.options = asked.query, asked.options
        self.x_T = self.query.latent.make(checkpoint)
        self.rows = rows(self.query, self.options.wrong)
        S = self.query.settings.steps
        self.moments = spread(S, self.options.moments)
        self.pieces = Pieces()
        self.times: list[int] = []
        self.facts: dict[str, Any] = {}
        self.evaluations = self.expected = 0
        self.seconds = 0.0
        self.results: dict[str, Tensor] = {}

    def stream(self, state: State) -> Iterator[dict[str, Any]]:
        names, others = list(self.rows), self._other_runs()
        first = self._pad([Run(self.x_T, s, name == WRONG) for name, s in self.rows.items()], len(others))
        second = self._pad(others, len(names))
        S = self.query.settings.steps
        self.expected = S * (len(names) + len(others))
        s = self.query.settings
        tau = timesteps(self.checkpoint.schedule.T, s.steps, s.spacing)[::-1]
        fixed = {
            "settings": self.asked.fields(),
            "script": script(self.query, self.rows),
            "T": self.checkpoint.schedule.T,
            "shape": list(self.checkpoint.shape),
            "rows": json.dumps({name: s.eta if name != LARGE else "large" for name, s in self.rows.items()}),
            "tau": json.dumps(tau[:3]),
            "moments": json.dumps([[i, tau[i]] for i in self.moments]),
        }
        started, sent = time.perf_counter(), 0.0
        difference = 0.0

        def value(outcome: str = "running") -> dict[str, Any]:
            return fixed | {
                "state": outcome,
                "pictures": str(self.pieces),
                "facts": json.dumps(self.facts),
                "evaluations": self.evaluations,
                "expected": self.expected,
                "seconds": time.perf_counter() - started,
            }

        for index, steps in enumerate(denoise_together(self.checkpoint, first)):
            self.evaluations += len(names)
            by_name: dict[str, Step] = dict(zip(names, [s for s in steps if s is not None], strict=False))
            difference = max(difference, self._posterior_difference(by_name[DDPM]))
            if index in self.moments:
                for name, step in by_name.items():
                    self.pieces.add(f"{name}/{index}/x0", step.x0[0])
                    self.pieces.add(f"{name}/{index}/x_t", step.x_t[0])
                if time.perf_counter() - started - sent > SECONDS_BETWEEN:
                    sent = time.perf_counter() - started
                    yield value()
            outcome = state()
            if outcome != "running":
                if outcome == "stopped":
                    yield value("stopped")
                return
        each = (time.perf_counter() - started) / len(names)
        for name, step in by_name.items():
            self.results[name] = step.x_prev[0]
            self.pieces.add(f"{name}/end", step.x_prev[0])
        for name, picture in self.results.items():
            self.facts[name] = {
                "nfe": S,
                "seconds": each,
                "distance": rms(picture - self.results[DDIM]),
                "grain": float(grain(picture[None])),
            }
        self.facts[DDPM]["posterior"] = difference
        self.facts["examples"] = {"grain": example_grain(self.checkpoint)}
        yield value()
        ends: list[Tensor] = []
        for steps in denoise_together(self.checkpoint, second):
            self.evaluations += len(others)
            ends = [step.x_prev[0] for step in steps if step is not None][: len(others)]
            outcome = state()
            if outcome != "running":
                if outcome == "stopped":
                    yield value("stopped")
                return
        self._tell_others(ends[0], ends[1:])
        yield value("ended")

    def _other_runs(self) -> list[Run]:
        """DDIM once more with another noise seed, and DDPM with K others."""
        seed = self.query.settings.noise_seeds(1)[0]
        again = replace(self.rows[DDIM], noise_seed=seed + 1)
        others = [replace(self.rows[DDPM], noise_seed=seed + 1 + k) for k in range(self.options.others)]
        return [Run(self.x_T, s) for s in (again, *others)]

    @staticmethod
    def _pad(runs: list[Run], length: int) -> list[Run]:
        """Repeat the last run until there are ``length``.

        A row's rounding can depend on the size of its batch and its place in it, so the repeat of DDIM, which is to be
        the same bit for bit, stands first in a batch as large as the one it repeats.
        """
        return runs + [runs[-1]] * max(0, length - len(runs))

    def _posterior_difference(self, step: Step) -> float:
        expected = ddpm_posterior_step(step.x_t, step.x0, step.z, step.coefficients)
        return float((step.x_prev.double() - expected).abs().max())

    def _tell_others(self, again: Tensor, others: list[Tensor]) -> None:
        self.pieces.add("ddim/other/0", again)
        self.facts[DDIM]["repeat"] = float((again - self.results[DDIM]).abs().max())
        for k, picture in enumerate(others):
            self.pieces.add(f"ddpm/other/{k}", picture)
        apart = [rms(picture - self.results[DDPM]) for picture in others]
        self.facts[DDPM]["others"] = apart


def rows(query: Query, wrong: bool) -> dict[str, Settings]:
    """The rows of a comparison, by name."""
    s = replace(query.settings, variance="eta")
    named = {
        DDIM: replace(s, eta=0.0),
        YOURS: s,
        DDPM: replace(s, eta=1.0),
        LARGE: replace(s, eta=1.0, variance="large"),
    }
    return named | {WRONG: replace(s, eta=0.0)} if wrong else named


def example_grain(checkpoint: Checkpoint) -> float | None:
    """Mean grain of the checkpoint's held-out pictures, to compare with; None if it ships none."""
    images = examples_of(checkpoint)
    if len(images) == 0:
        return None
    return float(grain(to_unit(images[:64])).mean())


def script(query: Query, named: dict[str, Settings]) -> str:
    """A script on the public names that makes the final pictures of the rows with right labels."""
    s = query.settings
    common = f"steps={s.steps}, spacing={s.spacing!r}, clip={s.clip}, noise_seed={s.noise_seed}"
    lines = "".join(
        f'    "{name}": ex.Settings({common}, eta={settings.eta!r}, variance={settings.variance!r}),\n'
        for name, settings in named.items()
        if name != WRONG
    )
    return with_imports(f"""checkpoint = ex.load({query.checkpoint!r})
x_T = {query.latent.to_python()}
rows = {{
{lines}}}
for name, settings in rows.items():
    ex.to_image(ex.sample(checkpoint, x_T, settings)).save(f"{{name}}.png")
""")
