"""The Compare tab: from one latent, several ways to step, side by side (C5-C7, C10)."""

from __future__ import annotations

import json
import time
from collections import deque
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
from explorer.ui.interrupt import State, go_on, until_interrupted
from explorer.ui.pieces import Pieces
from explorer.ui.real import examples_of
from explorer.ui.state import MAX_SEED, BadInput, Options, Query, whole, yes_or_no
from explorer.ui.tab import Asked, Tab

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
        return Comparison(self.checkpoints[asked.query.checkpoint], asked, state).stream()


class Comparison:
    """One comparison while it goes: first all rows together, then the repeat of DDIM and DDPM's other noise seeds."""

    def __init__(self, checkpoint: Checkpoint, asked: Asked[CompareOptions], state: State) -> None:
        self.checkpoint, self.query, self.options, self.state = checkpoint, asked.query, asked.options, state
        settings = asked.query.settings
        self.steps = settings.steps
        self.x_T = self.query.latent.make(checkpoint)
        self.rows = rows(self.query, self.options.wrong)
        self.others = self._other_runs()
        self.moments = spread(self.steps, self.options.moments)
        self.pieces = Pieces()
        self.facts: dict[str, Any] = {}
        self.results: dict[str, Tensor] = {}
        self.evaluations = 0
        self.started = time.perf_counter()
        tau = timesteps(checkpoint.schedule.T, settings.steps, settings.spacing)[::-1]
        self.fixed = {
            "settings": asked.fields(),
            "script": script(checkpoint, self.query, self.rows),
            "T": checkpoint.schedule.T,
            "shape": list(checkpoint.shape),
            "rows": json.dumps({name: s.eta if name != LARGE else "large" for name, s in self.rows.items()}),
            "tau": json.dumps(tau[:3]),
            "moments": json.dumps([[i, tau[i]] for i in self.moments]),
            "expected": self.steps * (len(self.rows) + len(self.others)),
        }

    def stream(self) -> Iterator[dict[str, Any]]:
        yield from until_interrupted(self._go(), self._value)

    def _go(self) -> Iterator[dict[str, Any]]:
        yield from self._run_rows()
        self._tell_rows((time.perf_counter() - self.started) / len(self.rows))
        yield self._value("running")
        self._run_others()
        yield self._value("ended")

    def _value(self, outcome: str) -> dict[str, Any]:
        return self.fixed | {
            "state": outcome,
            "pictures": str(self.pieces),
            "facts": json.dumps(self.facts),
            "evaluations": self.evaluations,
            "seconds": time.perf_counter() - self.started,
        }

    def _run_rows(self) -> Iterator[dict[str, Any]]:
        """All rows together, with a value now and then when a moment's pictures are there."""
        runs = [Run(self.x_T, settings, name == WRONG) for name, settings in self.rows.items()]
        sent, difference = 0.0, 0.0
        for index, steps in enumerate(self._denoise(runs, len(self.others))):
            by_name = dict(zip(self.rows, steps, strict=True))
            difference = max(difference, posterior_difference(by_name[DDPM]))
            self.results = {name: step.x_prev[0] for name, step in by_name.items()}
            if index not in self.moments:
                continue
            for name, step in by_name.items():
                self.pieces.add(f"{name}/{index}/x0", step.x0[0])
                self.pieces.add(f"{name}/{index}/x_t", step.x_t[0])
            if (now := time.perf_counter() - self.started) - sent > SECONDS_BETWEEN:
                sent = now
                yield self._value("running")
        self.facts[DDPM] = {"posterior": difference}

    def _tell_rows(self, seconds: float) -> None:
        for name, picture in self.results.items():
            self.pieces.add(f"{name}/end", picture)
            self.facts[name] = self.facts.get(name, {}) | {
                "nfe": self.steps,
                "seconds": seconds,
                "distance": rms(picture - self.results[DDIM]),
                "grain": float(grain(picture[None])),
            }
        self.facts["examples"] = {"grain": example_grain(self.checkpoint)}

    def _run_others(self) -> None:
        """DDIM again, and DDPM's other noise seeds."""
        last = deque(self._denoise(self.others, len(self.rows)), maxlen=1)[0]
        again, *others = [step.x_prev[0] for step in last]
        self.pieces.add("ddim/other/0", again)
        self.facts[DDIM]["repeat"] = float((again - self.results[DDIM]).abs().max())
        for k, picture in enumerate(others):
            self.pieces.add(f"ddpm/other/{k}", picture)
        self.facts[DDPM]["others"] = [rms(picture - self.results[DDPM]) for picture in others]

    def _denoise(self, runs: list[Run], least: int) -> Iterator[list[Step]]:
        """The steps of ``runs`` in a batch of at least ``least`` rows, the last run repeated to fill it.

        A row's rounding can depend on the size of its batch and its place in it. So the repeat of DDIM, which is to be the
        same bit for bit, stands first in a batch as large as the one it repeats.
        """
        filled = runs + [runs[-1]] * (least - len(runs))
        for steps in denoise_together(self.checkpoint, filled):
            self.evaluations += len(runs)
            yield [step for step in steps[: len(runs)] if step is not None]
            go_on(self.state)

    def _other_runs(self) -> list[Run]:
        """DDIM once more with another noise seed, and DDPM with K others."""
        seed = self.query.settings.noise_seeds(1)[0]
        again = replace(self.rows[DDIM], noise_seed=seed + 1)
        others = [replace(self.rows[DDPM], noise_seed=seed + 1 + k) for k in range(self.options.others)]
        return [Run(self.x_T, s) for s in (again, *others)]


def posterior_difference(step: Step) -> float:
    """Largest difference of a step at eta = 1 from DDPM's own formula on the same noise."""
    expected = ddpm_posterior_step(step.x_t, step.x0, step.z, step.coefficients)
    return float((step.x_prev.double() - expected).abs().max())


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


def script(checkpoint: Checkpoint, query: Query, named: dict[str, Settings]) -> str:
    """A script on the public names that makes the final pictures of the rows with right labels."""
    s = query.settings
    common = f"steps={s.steps}, spacing={s.spacing!r}, clip={s.clip}, noise_seed={s.noise_seed}"
    lines = "".join(
        f'    "{name}": ex.Settings({common}, eta={settings.eta!r}, variance={settings.variance!r}),\n'
        for name, settings in named.items()
        if name != WRONG
    )
    return with_imports(f"""checkpoint = {checkpoint.to_python()}
x_T = {query.latent.to_python()}
rows = {{
{lines}}}
for name, settings in rows.items():
    ex.to_image(ex.sample(checkpoint, x_T, settings)).save(f"{{name}}.png")
""")
