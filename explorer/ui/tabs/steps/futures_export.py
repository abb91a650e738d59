"""Files and the script of the branching futures."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.media import exports
from explorer.runs.latent_spec import with_imports
from explorer.ui.export_formats import NothingToExport
from explorer.ui.localization import LocalizedMessage
from explorer.ui.query import TabRequest
from explorer.ui.tabs.steps.forks import COUNT
from explorer.ui.tabs.steps.futures import Futures


def tree(result: Any) -> np.ndarray:
    """Return the tree as a picture, uint8 (H, W, 3).

    A row for each future: predicted x_0 of the columns, and the final picture. The run up to the fork stands before the first
    row.

    Raises:
        NothingToExport: there is no fork.
    """
    futures = _futures_of(result)
    trunk = futures.pictures.stack(*(f"trunk/{j}" for j in range(len(futures.trunk))))
    empty = np.full_like(trunk, 255)
    rows = []
    for k in range(COUNT):
        branch = futures.pictures.stack(*(f"{k}/{j}" for j in range(len(futures.columns) + 1)))
        rows.append(np.concatenate([trunk if k == 0 else empty, branch]))
    return exports.sheet(rows)


def fork_rows(result: Any) -> list[dict[str, Any]]:
    """Return a table row for each fork: the settings of the run, and how much the final pictures differ.

    Raises:
        NothingToExport: there is no fork.
    """
    futures = _futures_of(result)
    fields = result.request.fields()
    settings = {name: fields[name] for name in fields if name not in ("fork", "fork_curve")}
    plan = result.trajectory.plan
    return [
        {"step": i, "t": plan[i].t, "futures": COUNT, "pixel_std": fork.pixel_std, "largest_difference": fork.largest}
        | settings
        for i, fork in sorted(futures.done.items())
    ]


def script_of_futures(request: TabRequest[Any], futures: Futures) -> str:
    """Return a script that makes the pictures and the curve with the public API."""
    s = request.settings
    curve = f"""for start in {futures.forks}:
    *_, last = ex.branch(checkpoint, run[start].x_t, settings, start, count={COUNT})
    print(run[start].t, ex.pixel_std(last.x_prev))
"""
    return with_imports(f"""checkpoint = {request.checkpoint.to_python()}
x_T = {request.latent.to_python()}
settings = ex.Settings(
    steps={s.steps}, eta={s.eta!r}, variance={s.variance!r}, spacing={s.spacing!r}, clip={s.clip}, noise_seed={s.noise_seed}
)
run = list(ex.denoise(checkpoint, x_T, settings))
start = {futures.fork}  # the step of the fork
*_, last = ex.branch(checkpoint, run[start].x_t, settings, start, count={COUNT})
for k, picture in enumerate(last.x_prev):
    ex.to_image(picture).save(f"future-{{k}}.png")
print(run[start].t, ex.pixel_std(last.x_prev))
{curve if futures.has_curve else ""}""")


def _futures_of(result: Any) -> Futures:
    """The ended futures of a :class:`~explorer.ui.tabs.steps.result.StepsResult`."""
    futures: Futures | None = result.futures
    if futures is None:
        raise NothingToExport(LocalizedMessage("file.no_futures"))
    return futures
