"""What the bench measures. Each function yields rows of its table: what, how much, and what that is made of."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.bench.worker_process import WorkerProcess
from explorer.networks.network import Engine

Row = tuple[str, str, str]


@dataclass(frozen=True)
class Plan:
    """What is measured, and how often.

    Attributes:
        checkpoint: name or folder.
        engine: of the explorer's side.
        steps: S of a run.
        rounds: how often each pair is measured.
        batches: pictures in a run, against diffusers.
        lengths: S over which time must grow in proportion.
    """

    checkpoint: str = "faces-64"
    engine: Engine = "auto"
    steps: int = 50
    rounds: int = 5
    batches: tuple[int, ...] = (1, 8, 32)
    lengths: tuple[int, ...] = (10, 100, 1000)


def against_diffusers(plan: Plan) -> Iterator[Row]:
    """Runs of the same noise down the same tau, by turns with DDIMPipeline."""
    ours, theirs = (
        WorkerProcess("sampler", plan.checkpoint, engine=plan.engine),
        WorkerProcess("pipeline", plan.checkpoint),
    )
    with ours, theirs, tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, f"{side}.npy")) for side in ("ours", "theirs")]
        for batch in plan.batches:
            for player, file in zip((ours, theirs), files, strict=True):
                player(batch=batch, steps=plan.steps, save=file)  # the first call of a size is slow
            pictures = [np.load(file) for file in files]
            difference = float(np.abs(pictures[0] - pictures[1]).mean()) * 255
            pairs = []
            for _ in range(plan.rounds if batch < 32 else max(1, plan.rounds // 2)):
                answers = [player(batch=batch, steps=plan.steps) for player in (ours, theirs)]
                pairs.append([answer["seconds"] for answer in answers])
            engine = answers[0]["engine"]
            mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(other / mine for mine, other in pairs)
            yield (
                f"against DDIMPipeline, S = {plan.steps}, B = {batch}",
                f"{ratio:.2f}×",
                f"{mine:.2f} s against {other:.2f} s, {len(pairs)} pairs; {engine}; pictures differ by {difference:.2f}/255",
            )


def share_of_the_peak(plan: Plan) -> Iterator[Row]:
    """How much of the rate of a lone 3x3 convolution the whole network reaches."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    import explorer as ex

    checkpoint = ex.load(plan.checkpoint, device="cpu", engine=plan.engine)
    exact = ex.load(plan.checkpoint, device="cpu")
    x = torch.randn(1, *checkpoint.shape)
    with FlopCounterMode(display=False) as counter:
        exact.predict_noise(x, 500)
    flop = counter.get_total_flops()
    checkpoint.predict_noise(x, 500)
    reduced = "bfloat16" in checkpoint.engine
    convolution = torch.nn.Conv2d(192, 192, 3, padding=1).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    lone = torch.randn(8, 192, 32, 32).contiguous(memory_format=torch.channels_last)
    lone_flop = 2 * 8 * 192 * 192 * 9 * 32 * 32
    if reduced:
        convolution, lone = convolution.bfloat16(), lone.bfloat16()
    network, peak = [], []
    with torch.inference_mode():
        for _ in range(10 * plan.rounds):
            peak.append(lone_flop / _seconds(lambda: convolution(lone)))
            network.append(flop / _seconds(lambda: checkpoint.predict_noise(x, 500)))
    share = statistics.median(network) / statistics.median(peak)
    kind = "bfloat16" if reduced else "float32"
    yield (
        "of the rate of a lone convolution, B = 1",
        f"{share:.0%}",
        f"{statistics.median(network) / 1e9:.0f} of {statistics.median(peak) / 1e9:.0f} GFLOP/s ({kind}); "
        f"{flop / 1e9:.2f} GFLOP a call",
    )


def _seconds(work) -> float:  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def beyond_the_network(plan: Plan) -> Iterator[Row]:
    """The Steps tab's run: what it takes beside calling the network, again from memory, in memory, and over S."""
    with WorkerProcess("steps_tab", plan.checkpoint, engine=plan.engine) as steps:
        steps(steps=plan.steps)
        for eta in (0.0, 1.0):
            runs = [steps(steps=plan.steps, eta=eta) for _ in range(plan.rounds)]
            share = statistics.median(1 - run["network"] / run["seconds"] for run in runs)
            whole = statistics.median(run["seconds"] for run in runs)
            yield (
                f"beyond the network in Steps, S = {plan.steps}, η = {eta:g}",
                f"{share:.0%}",
                f"of {whole:.2f} s, all terms kept, numbers and previews made; {len(runs)} runs",
            )
        steps(steps=plan.steps, cached=True)
        again = [steps(steps=plan.steps, cached=True)["seconds"] for _ in range(plan.rounds)]
        yield (
            "a run that was made before, on the server",
            f"{1000 * statistics.median(again):.0f} ms",
            "whole value with its sheet",
        )
    with WorkerProcess("steps_tab", plan.checkpoint, engine=plan.engine) as steps:
        small = steps(steps=plan.steps)["peak"]
        *short, before, last = plan.lengths
        seconds = {S: min(steps(steps=S)["seconds"] for _ in range(2)) for S in short}
        ratios, large = [], 0
        for _ in range(max(1, plan.rounds // 2)):  # between two of the short ones: a machine's speed changes
            around = [steps(steps=before)["seconds"]]
            long = steps(steps=last)
            around.append(steps(steps=before)["seconds"])
            seconds[before], seconds[last], large = statistics.mean(around), long["seconds"], long["peak"]
            ratios.append(seconds[last] / seconds[before])
        yield (
            f"memory that S = {max(plan.lengths)} adds to S = {plan.steps}",
            f"{(large - small) / 2**20:.0f} MiB",
            f"peak of the process {small / 2**20:.0f} and {large / 2**20:.0f} MiB",
        )
        table = ", ".join(f"S = {S}: {s:.2f} s" for S, s in seconds.items())
        yield f"time of S = {last} over S = {before}", f"{statistics.median(ratios):.1f}×", table


def over_batches(plan: Plan) -> Iterator[Row]:
    """Seconds per picture as the batch grows."""
    with WorkerProcess("sampler", plan.checkpoint, engine=plan.engine) as ours:
        steps, each = max(2, plan.steps // 5), {}
        for batch in (1, 2, 4, 8, 16):
            ours(batch=batch, steps=2)
            each[batch] = min(ours(batch=batch, steps=steps)["seconds"] for _ in range(plan.rounds)) / batch / steps
        table = ", ".join(f"{batch}: {1000 * s:.1f} ms" for batch, s in each.items())
        yield "a picture and step in a batch of 8 over alone", f"{each[8] / each[1]:.2f}×", f"by batch {table}"


def training(plan: Plan) -> Iterator[Row]:
    """Pictures per second of the training command's step against a plain loop with diffusers on the same U-Net."""
    ours, plain = WorkerProcess("trainer", plan.checkpoint), WorkerProcess("trainer", plan.checkpoint, plain=True)
    with ours, plain:
        pairs = [[player(index=k)["seconds"] for player in (ours, plain)] for k in range(plan.rounds + 2)][2:]
        mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(other / mine for mine, other in pairs)
        yield (
            "training against a plain diffusers loop",
            f"{ratio:.2f}×",
            f"{32 / mine:.0f} against {32 / other:.0f} pictures/s",
        )
