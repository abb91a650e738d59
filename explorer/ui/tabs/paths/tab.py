"""The Paths tab: sampling a two-dimensional Gaussian mixture with the exact eps, by DDIM, DDPM and in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from explorer.plane import sample_paths
from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.stored_results import Content, Kind
from explorer.schedule import Schedule, Spacing
from explorer.settings import Settings
from explorer.ui.custom_status import CustomStatus
from explorer.ui.fields import InvalidField
from explorer.ui.localization import LocalizedMessage
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.paths.custom_paths import CustomPaths
from explorer.ui.tabs.paths.exports import EXPORT_FORMATS
from explorer.ui.tabs.paths.options import PathsOptions
from explorer.ui.tabs.paths.result import MINE, PathsResult, PlaneRun, SweepCell, relative_spread

SWEEP_STEPS = (5, 10, 20, 50, 100, 1000)
SWEEP_SETTINGS = {"0": Settings(eta=0.0), "1": Settings(eta=1.0), "large": Settings(eta=1.0, variance="large")}
SWEEP_POINTS = 1000
DRAWN_SWEEP_STEPS = 100  # at most, and
DRAWN_SWEEP_POINTS = 300  # since a drawing may have many times the components of a preset


class PathsTab(Tab[PathsOptions]):
    """The same initial points under eta = 0, the user's eta and eta = 1, and a sweep over S."""

    name, options, export_formats = "paths", PathsOptions, EXPORT_FORMATS
    file_name_fields = ("mixture", "steps", "eta")
    default_eta = 0.5  # a plane of its own between DDIM's and DDPM's
    unused_fields = ("checkpoint", "clip")
    view_keys = ("plane", "place")

    def check(self, request: TabRequest[PathsOptions]) -> TabRequest[PathsOptions]:
        """A drawing has points. S is at most T of the linear schedule, which the points use with every checkpoint.

        Raises:
            InvalidField: the drawing is chosen and has no points.
        """
        if request.options.is_drawing and not request.options.drawing:
            raise InvalidField("mixture", LocalizedMessage("error.drawing_empty"))
        query, T = request.query, Schedule.linear().T
        if query.settings.steps <= T:
            return request
        return replace(request, query=replace(query, settings=replace(query.settings, steps=T)))

    def results(self, request: TabRequest[PathsOptions], state: State) -> Iterator[PathsResult]:
        """Run the paths that are drawn under all three settings, then all points, then the sweep over S.

        A path does not depend on the number of points, so the first paths are those of the complete run.
        """
        options, yours = request.options, replace(request.settings, clip=False)
        result = PathsResult(request=request, evaluations=None, expected_evaluations=None)
        result.sweep = {name: {} for name in SWEEP_SETTINGS}
        runs = {
            "0": replace(yours, eta=0.0, variance="eta"),
            "yours": yours,
            "1": replace(yours, eta=1.0, variance="eta"),
        }
        custom = self._custom_paths(result, yours, state)
        for name, settings in runs.items():
            result.first[name] = sample_paths(result.mixture, options.drawn, settings, result.seed)
            yield result
        if custom and (paths := custom.sample(options.drawn)):
            result.first[MINE] = paths
            yield result
        for name, settings in runs.items():
            paths = sample_paths(
                result.mixture, options.points, settings, result.seed, after_step=lambda: check_cancelled(state)
            )
            result.runs[name] = PlaneRun.measure(result.mixture, paths, result.exact, settings)
            yield result
            check_cancelled(state)
        if custom and (paths := custom.sample(options.points)):
            result.runs[MINE] = PlaneRun.measure(result.mixture, paths, result.exact, yours)
            result.custom_difference = custom.difference
            yield result
        for S in SWEEP_STEPS:
            if options.is_drawing and S > DRAWN_SWEEP_STEPS:
                break
            for name in SWEEP_SETTINGS:
                result.sweep[name][S] = self._sweep_cell(result, S, name)
                check_cancelled(state)
            yield result
        result.state = "ended"
        yield result

    def _custom_paths(self, result: PathsResult, yours: Settings, state: State) -> CustomPaths | None:
        """The runs of the user's step with the settings of "yours", where eta is 1 for the larger variance."""
        result.custom = CustomStatus.begin(self.services.custom_step)
        if result.custom is None:
            return None
        settings = replace(yours, eta=1.0, variance="eta") if yours.variance == "large" else yours
        return CustomPaths(result.mixture, settings, result.seed, result.custom, state)

    def _sweep_cell(self, result: PathsResult, S: int, kind: str) -> SweepCell:
        """Measure one cell of the sweep, or take it from the disk."""
        options, stored = result.request.options, self.services.results.stored
        key = options.mixture, S, kind, result.request.settings.spacing, options.drawing_used
        found = stored and stored.get(SWEEP_CELL, None, *key)
        if found:
            result.add_origin(found.origin)
            return found.value
        cell = sweep_cell(*key)
        if stored is not None and (stored.prepares or not options.drawing_used):  # every stroke is another drawing
            stored.put(SWEEP_CELL, None, cell, 1 << 10, *key)
        return cell


SWEEP_CELL = Kind[SweepCell](
    "sweep cell",
    lambda cell: Content(facts=vars(cell)),
    lambda content: SweepCell(float(content.facts["end"]), float(content.facts["before"])),
)


@lru_cache(maxsize=256)
def sweep_cell(mixture: str, S: int, kind: str, spacing: Spacing, drawing: str = "") -> SweepCell:
    """Measure one cell of the sweep.

    Args:
        mixture: name of a preset, or "drawing".
        S: number of steps.
        kind: key of :data:`SWEEP_SETTINGS`.
        spacing: of tau.
        drawing: text of the drawn points; empty for a preset.
    """
    options = PathsOptions(mixture=mixture, drawing=drawing)
    data, settings = options.data, replace(SWEEP_SETTINGS[kind], steps=S, spacing=spacing)
    count = DRAWN_SWEEP_POINTS if options.is_drawing else SWEEP_POINTS
    paths = sample_paths(data, count, settings, schedule=Schedule.linear())
    before = data.noised(float(paths.alpha_bar[1]))
    return SweepCell(relative_spread(data, paths.x[:, 0]), relative_spread(before, paths.x[:, 1]))
