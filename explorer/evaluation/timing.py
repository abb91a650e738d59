"""The seconds that a picture takes, measured anew: a table that was made on one machine is read on another."""

from __future__ import annotations

import time
from dataclasses import replace

from tqdm import tqdm

from explorer.checkpoint import Checkpoint
from explorer.evaluation.chunks import Chunk, machine, precision
from explorer.evaluation.frechet_table import EvaluationConfig, checkpoint_place
from explorer.latents import latent
from explorer.sampler import sample
from explorer.settings import Settings
from explorer.storage.quality_file import Quality, read_quality, write_quality


def measure_seconds(checkpoint: Checkpoint, config: EvaluationConfig, quiet: bool = False) -> None:
    """Time a batch of pictures for every cell of the Fréchet table in ``quality.json``, on this machine and engine.

    Only the cells' seconds, batch and machine are replaced; pictures and distances stay as they were measured.

    Raises:
        ValueError: a checkpoint without a folder or a U-Net, or without such a table.
    """
    folder, device = checkpoint_place(checkpoint)
    table = (read_quality(folder) or Quality()).frechet
    if table is None:
        raise ValueError(f"{folder}/quality.json has no Fréchet table whose seconds could be measured anew")
    place = f"{machine(device)}, {precision(checkpoint)}"
    seeds = range(config.batch)
    x_T = latent(checkpoint.shape, seeds).to(device)
    sample(checkpoint, x_T, Settings(steps=2))  # the first call of a size is slow
    cells = []
    with tqdm(
        desc="Seconds", total=sum(cell.steps for cell in table.cells), unit="call", disable=quiet, mininterval=1
    ) as bar:
        for cell in table.cells:
            started = time.perf_counter()
            sample(checkpoint, x_T, Chunk(cell.steps, 0, config.batch, cell.eta).settings()).cpu()
            each = (time.perf_counter() - started) / config.batch
            cells.append(replace(cell, seconds_per_picture=float(f"{each:.3g}"), batch=config.batch, machine=place))
            bar.update(cell.steps)
    write_quality(folder, frechet=replace(table, cells=tuple(cells)))
