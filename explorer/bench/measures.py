"""The benchmark's measurements outside the browser. Each function yields rows of the table."""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.bench.worker_process import WorkerProcess
from explorer.networks.network import Engine
from explorer.networks.processor import has_bfloat16

if TYPE_CHECKING:
    import torch

Row = tuple[str, str, str]  # what was measured, the result, details


@dataclass(frozen=True)
class BenchConfig:
    """What is measured, and how often.

    Attributes:
        checkpoint: name or folder.
        engine: what computes the network, except in diffusers.
        steps: S of a run.
        rounds: repetitions of each measurement.
        batches: batch sizes of the comparison with diffusers.
        lengths: values of S, ascending; the time is expected to be proportional to S.
        store_size: of the app's store of results, in MB; 0 so that no result of an earlier measurement is used.
    """

    checkpoint: str = "faces-64"
    engine: Engine = "auto"
    steps: int = 50
    rounds: int = 5
    batches: tuple[int, ...] = (1, 8, 32)
    lengths: tuple[int, ...] = (10, 100, 1000)
    store_size: int = 0


def compare_with_diffusers(config: BenchConfig) -> Iterator[Row]:
    """Speed relative to diffusers' DDIMPipeline, from the same noise and over the same time steps, measured in turn."""
    ours, theirs = (
        WorkerProcess("sampler", config.checkpoint, engine=config.engine),
        WorkerProcess("pipeline", config.checkpoint),
    )
    with ours, theirs, tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, f"{side}.npy")) for side in ("ours", "theirs")]
        for batch in config.batches:
            for worker, file in zip((ours, theirs), files, strict=True):
                worker(batch=batch, steps=config.steps, save=file)  # the first call with a new batch size is slow
            pictures = [np.load(file) for file in files]
            difference = float(np.abs(pictures[0] - pictures[1]).mean()) * 255
            pairs = []
            for _ in range(config.rounds if batch < 32 else max(1, config.rounds // 2)):
                answers = [worker(batch=batch, steps=config.steps) for worker in (ours, theirs)]
                pairs.append([answer["seconds"] for answer in answers])
            engine = answers[0]["engine"]
            our_seconds, their_seconds = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(theirs / ours for ours, theirs in pairs)
            yield (
                f"speed relative to DDIMPipeline, S = {config.steps}, B = {batch}",
                f"{ratio:.2f}×",
                f"{our_seconds:.2f} s against {their_seconds:.2f} s, {len(pairs)} pairs; {engine}; "
                f"pictures differ by {difference:.2f}/255",
            )


def engine_timings(config: BenchConfig) -> Iterator[Row]:
    """How long a call of the network takes on each engine, and which of them are used, on the CPU."""
    import explorer as ex

    predictor = ex.load(config.checkpoint, device="cpu", engine=config.engine).predict_noise
    predictor(
        ex.latent(ex.load(config.checkpoint, device="cpu").shape, [0]), 1
    )  # the engine is chosen at the first call
    predictor = predictor.prepare()
    for batch, timings in itertools.groupby(predictor.timings, key=lambda timing: timing.batch):
        times = [
            f"{timing.candidate.name} on {timing.candidate.threads}: {timing.milliseconds:.1f} ms"
            for timing in sorted(timings, key=lambda timing: timing.milliseconds)
        ]
        yield f"engines, B = {batch}", predictor.engine, "; ".join(times)


def peak_utilization(config: BenchConfig) -> Iterator[Row]:
    """FLOP/s of a single 3x3 convolution in each arithmetic, and of the whole network relative to it, on the CPU."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    import explorer as ex

    checkpoint = ex.load(config.checkpoint, device="cpu", engine=config.engine)
    exact = ex.load(config.checkpoint, device="cpu")
    x = torch.randn(1, *checkpoint.shape)
    with FlopCounterMode(display=False) as counter:
        exact.predict_noise(x, 500)
    network_flop = counter.get_total_flops()
    checkpoint.predict_noise(x, 500)
    predict_noise = checkpoint.predict_noise.prepare()
    dtypes = (torch.float32, torch.bfloat16) if has_bfloat16() else (torch.float32,)
    convolutions = {dtype: _convolution(dtype) for dtype in dtypes}
    rates: dict[torch.dtype | None, list[float]] = {None: [], **{dtype: [] for dtype in convolutions}}
    with torch.inference_mode():
        for _ in range(10 * config.rounds):
            for dtype, convolution in convolutions.items():
                rates[dtype].append(CONVOLUTION_FLOP / _seconds(convolution))
            rates[None].append(network_flop / _seconds(lambda: predict_noise(x, 500)))
    medians = {dtype: statistics.median(values) / 1e9 for dtype, values in rates.items()}
    for dtype in convolutions:
        name = str(dtype).removeprefix("torch.")
        yield (
            f"FLOP/s of a single convolution, {name}",
            f"{medians[dtype]:.0f} GFLOP/s",
            "3x3, 192 channels, 8 × 32 × 32",
        )
    peak = medians[torch.bfloat16 if "bfloat16" in predict_noise.engine else torch.float32]
    yield (
        "FLOP/s of the network relative to a single convolution, B = 1",
        f"{medians[None] / peak:.0%}",
        f"{medians[None]:.0f} of {peak:.0f} GFLOP/s; {predict_noise.engine}; {network_flop / 1e9:.2f} GFLOP a call",
    )


CONVOLUTION_FLOP = 2 * 8 * 192 * 192 * 9 * 32 * 32


def _convolution(dtype: torch.dtype) -> Callable[[], torch.Tensor]:
    """A call of a single convolution of :data:`CONVOLUTION_FLOP`."""
    import torch

    layout = torch.channels_last
    module = torch.nn.Conv2d(192, 192, 3, padding=1).to(dtype).to(memory_format=layout)  # type: ignore[call-overload]
    features = torch.randn(8, 192, 32, 32, dtype=dtype).contiguous(memory_format=layout)
    return lambda: module(features)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def steps_overhead(config: BenchConfig) -> Iterator[Row]:
    """Runs of the Steps tab: time outside the network, a cached run, and memory and time as S grows."""
    with WorkerProcess("steps_tab", config.checkpoint, engine=config.engine) as steps_tab:
        steps_tab(steps=config.steps)
        for eta in (0.0, 1.0):
            runs = [steps_tab(steps=config.steps, eta=eta) for _ in range(config.rounds)]
            share = statistics.median(1 - run["network"] / run["seconds"] for run in runs)
            seconds = statistics.median(run["seconds"] for run in runs)
            yield (
                f"time outside the network in Steps, S = {config.steps}, η = {eta:g}",
                f"{share:.0%}",
                f"of {seconds:.2f} s, with all terms, numbers and previews; {len(runs)} runs",
            )
        steps_tab(steps=config.steps, cached=True)
        cached = [steps_tab(steps=config.steps, cached=True)["seconds"] for _ in range(config.rounds)]
        yield "a cached run, on the server", f"{1000 * statistics.median(cached):.0f} ms", "value with its sprite sheet"
    yield from _growth_with_steps(config)


def _growth_with_steps(config: BenchConfig) -> Iterator[Row]:
    with WorkerProcess("steps_tab", config.checkpoint, engine=config.engine) as steps_tab:
        base_peak = steps_tab(steps=config.steps)["peak"]
        *short, middle, longest = config.lengths
        seconds = {S: min(steps_tab(steps=S)["seconds"] for _ in range(2)) for S in short}
        ratios, peak = [], 0
        for _ in range(max(1, config.rounds // 2)):
            before = steps_tab(steps=middle)["seconds"]  # before and after, because the machine's speed varies
            run = steps_tab(steps=longest)
            after = steps_tab(steps=middle)["seconds"]
            seconds[middle], seconds[longest], peak = statistics.mean((before, after)), run["seconds"], run["peak"]
            ratios.append(seconds[longest] / seconds[middle])
        yield (
            f"memory that S = {longest} needs beyond S = {config.steps}",
            f"{(peak - base_peak) / 2**20:.0f} MiB",
            f"peak memory of the process {base_peak / 2**20:.0f} and {peak / 2**20:.0f} MiB",
        )
        table = ", ".join(f"S = {S}: {s:.2f} s" for S, s in seconds.items())
        yield f"time for S = {longest} relative to S = {middle}", f"{statistics.median(ratios):.1f}×", table


def batch_scaling(config: BenchConfig) -> Iterator[Row]:
    """Time per picture and step as the batch grows."""
    with WorkerProcess("sampler", config.checkpoint, engine=config.engine) as ours:
        steps, seconds = max(2, config.steps // 5), {}
        for batch in (1, 2, 4, 8, 16):
            ours(batch=batch, steps=2)
            fastest = min(ours(batch=batch, steps=steps)["seconds"] for _ in range(config.rounds))
            seconds[batch] = fastest / batch / steps
        table = ", ".join(f"{batch}: {1000 * s:.1f} ms" for batch, s in seconds.items())
        ratio = seconds[8] / seconds[1]
        yield "time per picture and step, B = 8 relative to B = 1", f"{ratio:.2f}×", f"by batch size {table}"


def training_throughput(config: BenchConfig) -> Iterator[Row]:
    """Training speed relative to a plain loop with diffusers on the same U-Net."""
    ours, plain = WorkerProcess("trainer", config.checkpoint), WorkerProcess("trainer", config.checkpoint, plain=True)
    with ours, plain:
        answers = [[worker(index=k) for worker in (ours, plain)] for k in range(config.rounds + 2)][2:]
        pairs = [[answer["seconds"] for answer in pair] for pair in answers]
        batch = answers[0][0]["pictures"]
        our_seconds, plain_seconds = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(plain / ours for ours, plain in pairs)
        yield (
            "training speed relative to a plain diffusers loop",
            f"{ratio:.2f}×",
            f"{batch / our_seconds:.0f} against {batch / plain_seconds:.0f} pictures/s; {answers[0][0]['arithmetic']}",
        )
