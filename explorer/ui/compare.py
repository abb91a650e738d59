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
from explorer.finished import Finished, Wanted
from explorer.measures import grain
from explorer.quality import to_unit
from explorer.recipe import with_imports
from explorer.sampler import Settings, Step, ddpm_posterior_step
from explorer.schedule import timesteps
from explorer.trajectory import Trajectory, rms, spread
from explorer.ui.interrupt import State, go_on, until_interrupted
from explorer.ui.language import Said
from explorer.ui.network import alone
from explorer.ui.pace import Pace
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
        "wrong": yes_or_no("wrong"),
        "moments": whole("moments", 8, 12),
        "others": whole("others", 1, 8),
    }


class CompareTab(Tab[CompareOptions]):
    """Rows that share x_T, S and the network; sigma differs, and in one row the label."""

    name, options = "compare", CompareOptions
    idle = ("variance",)

    def check(self, asked: Asked[CompareOptions]) -> Asked[CompareOptions]:
        highest = MAX_SEED - asked.options.others
        if asked.query.settings.noise_seed > highest:  # type: ignore[operator]
            raise BadInput("noise_seed", Said("error.noise_seed_more", {"highest": highest}))
        return asked

    def stream(self, asked: Asked[CompareOptions], state: State) -> Iterator[dict[str, Any]]:
        return Comparison(self.checkpoints[asked.query.checkpoint], asked, self.finished, state).stream()


class Rows:
    """The rows of a comparison, step by step: those made before are told again, the others go through the network.

    A row's rounding can depend on the size of its batch. DDIM, whose repeat is to be the same bit for bit, goes alone, as
    it does in Steps; the others share their calls.
    """

    def __init__(self, checkpoint: Checkpoint, query: Query, settings: dict[str, Settings], finished: Finished) -> None:
        self.checkpoint, self.finished = checkpoint, finished
        self.wanted = {name: Wanted(query.latent, s) for name, s in settings.items() if name != WRONG}
        first: dict[object, str] = {}
        self.same_as = {name: first.setdefault(wanted.key, name) for name, wanted in self.wanted.items()}
        runs = {name: finished.run(checkpoint, self.wanted[name]) for name in first.values()}
        self.known = {name: run for name, run in runs.items() if run is not None and run.whole}
        x_T = query.latent.make(checkpoint)
        self.fresh = {n: Trajectory(checkpoint, x_T, settings[n]) for n in first.values() if n not in self.known}
        together = [Run(x_T, settings[name]) for name in self.fresh if name != DDIM]
        names = [name for name in self.fresh if name != DDIM]
        if WRONG in settings:
            together, names = [*together, Run(x_T, settings[WRONG], wrong_labels=True)], [*names, WRONG]
        self.live = [(names, denoise_together(checkpoint, together))] if together else []
        if DDIM in self.fresh:
            self.live.append(([DDIM], denoise_together(alone(checkpoint), [Run(x_T, settings[DDIM])])))
        self.calls = sum(len(names) for names, _ in self.live)  # pictures in the calls of one step

    def step(self, index: int) -> dict[str, Step]:
        """The step of every row; to be asked for in order."""
        steps = {name: run.step(index) for name, run in self.known.items()}
        for names, together in self.live:
            steps |= {name: step for name, step in zip(names, next(together), strict=True) if step is not None}
        for name, run in self.fresh.items():
            run.record(steps[name])
        return steps | {name: steps[first] for name, first in self.same_as.items()}

    def remember(self) -> None:
        """The rows are done: other tabs need not make them again."""
        for name, run in self.fresh.items():
            self.finished.put_run(self.wanted[name], run)


class Comparison:
    """One comparison while it goes: first all rows together, then the repeat of DDIM and DDPM's other noise seeds."""

    def __init__(self, checkpoint: Checkpoint, asked: Asked[CompareOptions], finished: Finished, state: State) -> None:
        self.checkpoint, self.query, self.options, self.state = checkpoint, asked.query, asked.options, state
        settings = asked.query.settings
        self.steps = settings.steps
        self.x_T = self.query.latent.make(checkpoint)
        self.rows = rows(self.query, self.options.wrong)
        self.running = Rows(checkpoint, self.query, self.rows, finished)
        self.again, self.others = self._other_runs()
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
            "expected": self.steps * (self.running.calls + 1 + len(self.others)),
        }

    def stream(self) -> Iterator[dict[str, Any]]:
        yield from until_interrupted(self._go(), self._value)

    def _go(self) -> Iterator[dict[str, Any]]:
        yield from self._run_rows()
        self.running.remember()
        self._tell_rows((time.perf_counter() - self.started) / max(1, self.running.calls))
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
        pace, difference = Pace(SECONDS_BETWEEN), 0.0
        for index in range(self.steps):
            by_name = self.running.step(index)
            self.evaluations += self.running.calls
            difference = max(difference, posterior_difference(by_name[DDPM]))
            self.results = {name: step.x_prev[0] for name, step in by_name.items()}
            if index not in self.moments:
                continue
            for name, step in by_name.items():
                self.pieces.add(f"{name}/{index}/x0", step.x0[0])
                self.pieces.add(f"{name}/{index}/x_t", step.x_t[0])
            if pace.due():
                yield self._value("running")
                pace.told()
            go_on(self.state)
        self.facts[DDPM] = {"posterior": difference}

    def _tell_rows(self, seconds: float) -> None:
        for name in self.rows:
            picture = self.results[name]
            self.pieces.add(f"{name}/end", picture)
            self.facts[name] = self.facts.get(name, {}) | {
                "nfe": self.steps,
                "seconds": seconds if name in self.running.fresh or name == WRONG else None,
                "distance": rms(picture - self.results[DDIM]),
                "grain": float(grain(picture[None])),
            }
        self.facts["examples"] = {"grain": example_grain(self.checkpoint)}

    def _run_others(self) -> None:
        """DDIM again, alone as before, and DDPM's other noise seeds."""
        undisturbed = alone(self.checkpoint)
        first, again = self.results[DDIM], self._run_to_the_end(undisturbed, [self.again])[0]
        if DDIM in self.running.known and not first.equal(again):  # it was made in calls that it shared with other runs
            first = self._run_to_the_end(undisturbed, [self.again])[0]
        self.pieces.add("ddim/other/0", again)
        self.facts[DDIM]["repeat"] = float((again - first).abs().max())
        others = self._run_to_the_end(self.checkpoint, self.others)
        for k, picture in enumerate(others):
            self.pieces.add(f"ddpm/other/{k}", picture)
        self.facts[DDPM]["others"] = [rms(picture - self.results[DDPM]) for picture in others]

    def _run_to_the_end(self, checkpoint: Checkpoint, runs: list[Run]) -> list[Tensor]:
        """The pictures (C, H, W) of ``runs``."""
        pictures: list[Tensor] = []
        for steps in denoise_together(checkpoint, runs):
            self.evaluations += len(runs)
            pictures = [step.x_prev[0] for step in steps if step is not None]
            go_on(self.state)
        return pictures

    def _other_runs(self) -> tuple[Run, list[Run]]:
        """DDIM once more with another noise seed, and DDPM with K others."""
        seed = self.query.settings.noise_seeds(1)[0]
        again = replace(self.rows[DDIM], noise_seed=seed + 1)
        others = [replace(self.rows[DDPM], noise_seed=seed + 1 + k) for k in range(self.options.others)]
        return Run(self.x_T, again), [Run(self.x_T, s) for s in others]


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
