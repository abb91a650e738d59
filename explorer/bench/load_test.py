"""Load test: how long many users wait, and whether each of them gets the right pictures.

Every completed run is repeated alone, by the same engine, and its pictures are compared.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import statistics
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

import numpy as np
from PIL import Image

from explorer.bench.app_process import Server, start_app
from explorer.bench.measures import BenchConfig, Row
from explorer.bench.simulated_users import SimulatedRun, Simulation, simulate
from explorer.checkpoint import Checkpoint, load
from explorer.media.convert import to_rgb, to_uint8
from explorer.runs.latent_spec import parse
from explorer.sampler import sample
from explorer.settings import Settings

# Mean difference of two pictures, in levels of 255. The same picture in another batch differs by about 1, because of bfloat16
# and JPEG; another picture differs by about 20.
MAX_DIFFERENCE = 3.0
WARM_UP_SECONDS = 20.0  # after its start, the app compiles the network for further batch sizes
UNSHARED_SETUP = "from explorer import denoiser; denoiser.MAX_ROWS_ON_CPU = denoiser.MAX_ROWS = 1"
StartApp = Callable[[BenchConfig], AbstractContextManager[Server]]


def load_test(
    config: BenchConfig, users: int, seconds: float, start: StartApp = start_app, unshared: bool = False
) -> Iterator[Row]:
    """Let simulated users use the app, and yield rows of what they experienced.

    Args:
        users: how many there are.
        seconds: how long they request runs.
        start: starts the app.
        unshared: also run the test on an app whose calls of the network have one row each.

    Raises:
        RuntimeError: after the last row, if a run failed or showed wrong pictures.
    """
    simulation = _simulate(start(config), users, seconds)
    runs, completed = simulation.runs, simulation.completed
    yield "users, seconds", f"{users}, {seconds:.0f}", f"{len(runs)} runs requested, {len(completed)} completed"
    fifty_steps = [run for run in runs if run.settings.get("steps") == 50]
    for title, selected in (("S = 50 in Steps", fifty_steps), ("all runs", runs)):
        yield _percentiles(f"first picture, {title}", [run.first_update for run in selected if run.first_update])
        yield _percentiles(f"complete run, {title}", [run.duration for run in selected if run.ended])
    yield _memory_row(simulation, seconds)
    if unshared:
        single_rows = _simulate(start_app(config, setup=UNSHARED_SETUP), users, seconds)
        yield from _gain_by_sharing(simulation, single_rows, seconds)
    problems = list(check(runs, load(config.checkpoint, engine=config.engine)))
    yield (
        "errors and wrong pictures",
        str(len(problems)),
        f"of {len(runs)} runs, each repeated alone{_most_frequent(problems)}",
    )
    if problems:
        raise RuntimeError("\n".join(problems[:20]))


def _most_frequent(problems: list[str]) -> str:
    """What most of the problems are, without the runs that they belong to; empty without problems."""
    counted = Counter(problem.partition(": ")[2] for problem in problems).most_common(1)
    return f"; {counted[0][1]} × {counted[0][0][:80]}" if counted else ""


ExpectedPictures = dict[tuple[object, Settings], np.ndarray]  # by latent and settings, uint8 (H, W, 3)


def check(runs: Iterable[SimulatedRun], checkpoint: Checkpoint, known: ExpectedPictures | None = None) -> Iterator[str]:
    """Yield a message for every run with an error, another user's settings, or other pictures than the same run alone.

    Args:
        known: expected pictures of earlier checks, to which those of this one are added.
    """
    expected_pictures: ExpectedPictures = {} if known is None else known

    def expected(latent: object, settings: Settings) -> np.ndarray:
        if (latent, settings) not in expected_pictures:
            x_0 = sample(checkpoint, parse(latent).latent(checkpoint), settings)
            expected_pictures[latent, settings] = to_rgb(to_uint8(x_0))[0]
        return expected_pictures[latent, settings]

    for run in runs:
        settings = run.value.get("settings", {})
        problem = run.error
        if not problem and any(settings.get(name) != value for name, value in run.settings.items()):
            problem = f"received the settings {settings}"
        if not problem and run.ended and run.tab in FINAL_PICTURES:
            picture, latent, run_settings = FINAL_PICTURES[run.tab](run, checkpoint)
            if np.abs(picture.astype(float) - expected(latent, run_settings)).mean() > MAX_DIFFERENCE:
                problem = "received another picture"
        if problem:
            yield f"{run.tab} {run.settings}: {problem}"


FinalPicture = tuple[
    np.ndarray, object, Settings
]  # uint8 (H, W, 3), and the latent and settings that it must come from


def _steps_picture(run: SimulatedRun, checkpoint: Checkpoint) -> FinalPicture:
    """The last panel of the last frame of the sprite sheet."""
    settings = run.value["settings"]
    _, H, W = checkpoint.shape
    last, columns = len(json.loads(run.value["kept"])) - 1, run.value["sheet"]["columns"]
    top, left = last // columns * H, last % columns * 5 * W + 4 * W
    picture = _read_image(run.sheet)[top : top + H, left : left + W]
    return picture, settings["seed"], Settings(settings["steps"], settings["eta"], noise_seed=settings["noise_seed"])


def _compare_picture(run: SimulatedRun, checkpoint: Checkpoint) -> FinalPicture:
    settings = run.value["settings"]
    return _named_picture(run, "ddim/end"), settings["seed"], Settings(settings["steps"])


def _consistency_picture(run: SimulatedRun, checkpoint: Checkpoint) -> FinalPicture:
    """The picture of the second latent at eta = 0 and S = 10."""
    return _named_picture(run, "0/10/1"), run.value["settings"]["latents"].split(", ")[1], Settings(10)


FINAL_PICTURES: dict[str, Callable[[SimulatedRun, Checkpoint], FinalPicture]] = {
    "steps": _steps_picture,
    "compare": _compare_picture,
    "consistency": _consistency_picture,
}


def _named_picture(run: SimulatedRun, name: str) -> np.ndarray:
    pictures = dict(re.findall(r"^([^\t]+)\t([^\t]+)$", run.value["pictures"], re.MULTILINE))  # without previews
    return _read_image(b64decode(pictures[name].split(",")[1]))


def _read_image(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _simulate(app: AbstractContextManager[Server], users: int, seconds: float) -> Simulation:
    with app as server:
        time.sleep(min(WARM_UP_SECONDS, seconds))
        return asyncio.run(simulate(server, users, seconds))


def _memory_row(simulation: Simulation, seconds: float) -> Row:
    sixths = [[mib for at, mib in simulation.memory if k <= 6 * at / seconds < k + 1] for k in range(6)]
    medians = ", ".join(f"{statistics.median(sixth):.0f}" for sixth in sixths if sixth)
    return (
        "memory of the server",
        f"{statistics.median([mib for sixth in sixths[3:] for mib in sixth]):.0f} MiB",
        f"{simulation.memory[0][1]:.0f} at the start; {medians} in each sixth of the time",
    )


def _gain_by_sharing(shared: Simulation, single_rows: Simulation, seconds: float) -> Iterator[Row]:
    """How much more is completed in time than without shared calls. The users make the same choices in both tests."""

    def steps(run: SimulatedRun) -> int:
        return run.settings["steps"] if run.tab == "steps" else 0

    measures: list[tuple[str, Callable[[SimulatedRun], int]]] = [
        ("runs completed in time", lambda run: 1),
        ("steps of completed runs in Steps", steps),
    ]
    for title, measure in measures:
        with_sharing, without = (
            sum(measure(run) for run in simulation.completed if run.requested_at + run.duration <= seconds)
            for simulation in (shared, single_rows)
        )
        yield (
            f"{title}, relative to calls of one row",
            f"{with_sharing / max(without, 1):.2f}×",
            f"{with_sharing / seconds:.2f} against {without / seconds:.2f} per second",
        )


def _percentiles(title: str, seconds: list[float]) -> Row:
    p50, p95 = (f"{np.percentile(seconds, percent):.2f} s" if seconds else "none" for percent in (50, 95))
    return title, f"p50 {p50}, p95 {p95}", f"{len(seconds)} runs"
