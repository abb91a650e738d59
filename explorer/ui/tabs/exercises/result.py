"""The result of Exercises: a row of pictures for each slip, beside that of the correct function."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from explorer.exercises.gallery import Planted, gallery
from explorer.exercises.tasks import TASKS
from explorer.runs.latent_spec import with_imports
from explorer.ui.tab_result import TabResult

CORRECT, CORRECT_LOOP = "correct", "correct_loop"  # rows without a slip: with the user's eta, and with eta = 0


@dataclass(frozen=True)
class SlipFacts:
    """The measurements of one row.

    Attributes:
        steps: how many steps the run had.
        difference: rms difference of the picture to the correct one; None if it holds NaN or infinity.
        outside: fraction of the picture's values outside of [-1.2, 1.2].
    """

    steps: int
    difference: float | None
    outside: float


@dataclass(kw_only=True)
class ExercisesResult(TabResult):
    """Rows of the gallery. Pictures are named ``<row>/<column>`` and ``<row>/end``; a row has the name of its slip.

    Attributes:
        rows: names of all rows in their order, the correct ones included.
        columns: indices of the steps whose predicted x_0 is shown.
        facts: the measurements of each finished row.
    """

    rows: list[str]
    columns: list[int]
    facts: dict[str, SlipFacts] = field(default_factory=dict)

    def fixed(self) -> dict[str, Any]:
        schedule, settings = self.checkpoint.schedule, self.request.settings
        tau = [c.t for c in settings.plan(schedule)]
        return super().fixed() | {
            "rows": json.dumps(self.rows),
            "columns": json.dumps([[k, tau[k]] for k in self.columns]),
            "gallery": GALLERY,
            "tasks": TASK_LIST,
            "divides": schedule.T % settings.steps == 0,
        }

    def changing(self) -> dict[str, Any]:
        return super().changing() | {"facts": json.dumps({name: asdict(facts) for name, facts in self.facts.items()})}

    def script(self) -> str:
        """Return a script that makes the final pictures of the rows."""
        request, s = self.request, self.request.settings
        names = [name for name in self.rows if name not in (CORRECT, CORRECT_LOOP)]
        return with_imports(f"""import torch
from explorer.exercises.gallery import Experiment, Planted, gallery
from explorer.exercises.tasks import TASKS
from explorer.latents import step_noise

checkpoint = {request.checkpoint.to_python()}
x_T = {request.latent.to_python()}
experiment = Experiment(
    checkpoint.schedule.alpha_bar, {s.steps}, {s.eta!r}, x_T.numpy(),
    noise_at=lambda t: step_noise(checkpoint.shape, [{s.noise_seed}], t).numpy(),
    network=lambda x, t: checkpoint.predict_noise(torch.from_numpy(x), t).numpy(),
)
rows = {{"correct": Planted(TASKS["ddim_step"]), **{{name: gallery()[name] for name in {names!r}}}}}
for name, planted in rows.items():
    ex.to_image(torch.from_numpy(experiment.run(planted).picture)).save(f"{{name}}.png")
""")


def facts_of(picture: Any, correct: Any, steps: int) -> SlipFacts:
    """Measure a final picture (C, H, W) against the correct one."""
    difference = float((picture.double() - correct.double()).square().mean().sqrt())
    outside = float((~(picture.abs() <= 1.2)).double().mean())
    return SlipFacts(steps, difference if math.isfinite(difference) else None, outside)


def _described(planted: Planted) -> list[str]:
    slip = planted.slip
    assert slip is not None
    return [planted.name, slip.name, slip.term, planted.task.terms[slip.term]]


GALLERY = json.dumps([_described(planted) for planted in gallery().values()], ensure_ascii=False)
TASK_LIST = json.dumps([[task.name, task.signature, list(task.source)] for task in TASKS.values()])
