"""The Exercises tab: formulas to write, and what a slip in them looks like."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from explorer.exercises.gallery import Experiment, Planted, gallery
from explorer.exercises.tasks import TASKS
from explorer.latents import step_noise
from explorer.runs.cancellation import State, check_cancelled
from explorer.trajectory import evenly_spaced
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.exercises.endpoints import ENDPOINTS
from explorer.ui.tabs.exercises.exports import EXPORT_FORMATS
from explorer.ui.tabs.exercises.options import ExercisesOptions, parse_slips
from explorer.ui.tabs.exercises.result import CORRECT, CORRECT_LOOP, ExercisesResult, facts_of
from explorer.ui.tabs.exercises.stored import GalleryRow, StoredGallery, stacked

COLUMNS = 8


class ExercisesTab(Tab[ExercisesOptions]):
    """A gallery of slips from one latent, beside the tasks of :mod:`explorer.exercises`."""

    name, options = "exercises", ExercisesOptions
    export_formats, endpoints = EXPORT_FORMATS, ENDPOINTS
    default_eta = 0.5  # at 0 most slips in sigma show nothing
    unused_fields = ("variance", "spacing", "clip")
    view_keys = ("task", "moment")

    def results(self, request: TabRequest[ExercisesOptions], state: State) -> Iterator[ExercisesResult]:
        """Run the correct functions, then each slip. Yield the result after every row."""
        planted = rows_of(parse_slips(request.options.slips))
        columns = evenly_spaced(request.settings.steps, COLUMNS)
        result = ExercisesResult(request=request, rows=list(planted), columns=columns)
        stored = StoredGallery(request, self.services.results.stored)
        known = {name: stored.get(name, columns) for name in planted}
        missing = [name for name, row in known.items() if row is None]
        result.expected_evaluations = len(missing) * request.settings.steps
        experiment = _experiment(request, result, state)
        pictures: dict[str, Tensor] = {}
        for name, slip in planted.items():
            found = known[name]
            if found is None:
                row = _run(experiment, slip, columns)
                stored.put(name, columns, row)
            else:
                row = found.value
                result.add_origin(found.origin)
            for column, picture in enumerate(row.pictures):
                result.pictures.add(f"{name}/{column if column < len(columns) else 'end'}", torch.nan_to_num(picture))
            pictures[name] = row.pictures[-1]
            correct = pictures[CORRECT_LOOP if slip.is_loop else CORRECT]
            result.facts[name] = facts_of(row.pictures[-1], correct, row.steps)
            yield result
        result.state = "ended"
        yield result


def rows_of(names: list[str]) -> dict[str, Planted]:
    """The rows by name: the correct functions that the slips are compared with, then the slips."""
    slips = [gallery()[name] for name in names]
    rows = {CORRECT: Planted(TASKS["ddim_step"])}
    if any(slip.is_loop for slip in slips):
        rows[CORRECT_LOOP] = Planted(TASKS["sample"])
    return rows | {slip.name: slip for slip in slips}


def _experiment(request: TabRequest[ExercisesOptions], result: ExercisesResult, state: State) -> Experiment:
    checkpoint, settings = request.checkpoint, request.settings
    seeds, device = settings.noise_seeds(1), checkpoint.predict_noise.device

    def network(x_t: np.ndarray, t: int) -> np.ndarray:
        eps = checkpoint.predict_noise(torch.from_numpy(x_t).to(device), t)
        result.evaluations = (result.evaluations or 0) + 1
        check_cancelled(state)
        return eps.cpu().numpy()

    return Experiment(
        checkpoint.schedule.alpha_bar,
        settings.steps,
        settings.eta,
        request.latent.latent(checkpoint).numpy(),
        noise_at=lambda t: step_noise(checkpoint.shape, seeds, t).numpy(),
        network=network,
    )


def _run(experiment: Experiment, planted: Planted, columns: list[int]) -> GalleryRow:
    """Run one row. A run with other steps than the correct one shows those at the same fractions of the run."""
    run = experiment.run(planted)
    last, expected = len(run.predictions) - 1, max(1, experiment.steps - 1)
    shown = [run.predictions[round(k * last / expected)] for k in columns]
    return GalleryRow(stacked([torch.from_numpy(p[0]) for p in (*shown, run.picture)]), len(run.predictions))
