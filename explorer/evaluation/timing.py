"""Measurement of the seconds per picture, for a table that was measured on another machine."""

from __future__ import annotations

import time
from dataclasses import replace

from explorer.checkpoint import Checkpoint
from explorer.evaluation.chunks import Chunk, engine_name, machine_name
from explorer.evaluation.config import EvaluationConfig, folder_and_device, progress_bar, round_digits
from explorer.latents import latent
from explorer.sampler import sample
from explorer.settings import Settings
from explorer.storage.quality_file import Quality, read_quality, write_quality


def measure_seconds(checkpoint: Checkpoint, config: EvaluationConfig, quiet: bool = False) -> None:
    """Time one batch of pictures for every cell of the Fréchet table in ``quality.json``, on this machine and engine.

    Only the cells' seconds, batch and machine are replaced.

    Raises:
        ValueError: the checkpoint has no folder, no U-Net or no such table.
    """
    folder, device = folder_and_device(checkpoint)
    table = (read_quality(folder) or Quality()).frechet
    if table is None:
        raise ValueError(f"{folder}/quality.json has no Fréchet table to time; measure one first")
    machine = f"{machine_name(device)}, {engine_name(checkpoint)}"
    x_T = latent(checkpoint.shape, range(config.batch)).to(device)
    sample(checkpoint, x_T, Settings(steps=2))  # warm-up: the first call of a batch size is slow
    cells = []
    with progress_bar("Seconds", sum(cell.steps for cell in table.cells), quiet) as bar:
        for cell in table.cells:
            started = time.perf_counter()
            sample(checkpoint, x_T, Chunk(cell.steps, 0, config.batch, cell.eta).settings()).cpu()
            seconds = round_digits((time.perf_counter() - started) / config.batch, 3)
            cells.append(replace(cell, seconds_per_picture=seconds, batch=config.batch, machine=machine))
            bar.update(cell.steps)
    write_quality(folder, frechet=replace(table, cells=tuple(cells)))
