"""One side of a measurement, in a process of its own: it waits for a line of JSON, does what it says, and answers with one.

Two engines in one process would spoil each other's figures with their spinning threads, so each gets its own; the bench
lets them work in turn.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from explorer.networks.network import Engine


class WorkerProcess:
    """A process that can be told what to do.

    Args:
        kind: a name of ``KINDS``: what it does with a task.
        checkpoint: name or folder.
        options: of that kind.
    """

    def __init__(self, kind: str, checkpoint: str, **options: Any) -> None:
        command = [sys.executable, "-m", "explorer.bench.worker_process", kind, checkpoint, json.dumps(options)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, **task: Any) -> dict[str, Any]:
        """Do a task, and wait for its answer.

        Raises:
            RuntimeError: if the process ended; what it said stands in the terminal.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"a process of the bench ended with code {self._process.wait()}")
        return json.loads(answer)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


Work = Callable[..., dict[str, Any]]


def sampler(checkpoint: str, engine: Engine = "auto") -> Work:
    """Runs of ``explorer.sample``, from the noise that diffusers' pipeline would draw."""
    import torch
    from torch.nn.functional import pixel_shuffle

    import explorer as ex
    from explorer.denoiser import resolve_device

    opened = ex.load(checkpoint, engine=engine)
    C, H, W = opened.shape
    patch = opened.card.patch

    def work(batch: int, steps: int, save: str = "") -> dict[str, Any]:
        raw = torch.randn(batch, C * patch**2, H // patch, W // patch, generator=torch.Generator().manual_seed(0))
        x_T = pixel_shuffle(raw, patch).to(resolve_device())
        started = time.perf_counter()
        x_0 = ex.sample(opened, x_T, ex.Settings(steps, spacing="leading")).cpu()
        seconds = time.perf_counter() - started
        if save:
            np.save(save, (x_0 / 2 + 0.5).clamp(0, 1).numpy())
        return {"seconds": seconds, "engine": opened.engine}

    return work


def pipeline(checkpoint: str) -> Work:
    """Runs of diffusers' DDIMPipeline on the same folder."""
    import torch
    from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline
    from torch.nn.functional import pixel_shuffle

    from explorer.checkpoint import CHECKPOINTS
    from explorer.denoiser import resolve_device
    from explorer.storage.diffusers_folder import Card

    folder = CHECKPOINTS / checkpoint if (CHECKPOINTS / checkpoint).is_dir() else Path(checkpoint)
    theirs = DDPMPipeline.from_pretrained(folder).to(resolve_device())
    pipe = DDIMPipeline(
        unet=theirs.unet, scheduler=DDIMScheduler.from_config(theirs.scheduler.config, clip_sample=False)
    )
    pipe.set_progress_bar_config(disable=True)
    patch = Card.read(folder / "explorer.json").patch

    def work(batch: int, steps: int, save: str = "") -> dict[str, Any]:
        generator = torch.Generator().manual_seed(0)
        started = time.perf_counter()
        images = pipe(batch, generator, num_inference_steps=steps, output_type="np").images
        seconds = time.perf_counter() - started
        if save:
            np.save(save, pixel_shuffle(torch.from_numpy(images).permute(0, 3, 1, 2), patch).numpy())
        return {"seconds": seconds}

    return work


def steps_tab(checkpoint: str, engine: Engine = "auto") -> Work:
    """Whole runs of the Steps tab, with the values that it sends to the page, and the network's share of their time."""
    from dataclasses import replace

    import explorer as ex
    from explorer.denoiser import DelegatingPredictor
    from explorer.runs.latent_spec import Seed
    from explorer.runs.results import ResultCache
    from explorer.runs.shared_network import reserve_threads_for_the_network, scheduled
    from explorer.ui.fields import Options
    from explorer.ui.query import Query, TabRequest
    from explorer.ui.tab import Services
    from explorer.ui.tabs.steps.tab import StepsTab

    loaded = ex.load(checkpoint, engine=engine)
    network_seconds: list[float] = []

    class TimedPredictor(DelegatingPredictor):
        def __call__(self, x_t: Any, t: Any) -> Any:
            started = time.perf_counter()
            eps = self.predictor(x_t, t)
            network_seconds.append(time.perf_counter() - started)
            return eps

    reserve_threads_for_the_network()
    timed = scheduled(replace(loaded, predict_noise=TimedPredictor(loaded.predict_noise)))
    cache = ResultCache()

    def work(steps: int, eta: float = 1.0, seed: int = 0, cached: bool = False) -> dict[str, Any]:
        network_seconds.clear()
        request = TabRequest(timed, Query(timed.name, Seed(seed), ex.Settings(steps, eta)), Options())
        tab = StepsTab(Services({timed.name: timed}, results=cache if cached else ResultCache()))
        started = time.perf_counter()
        values = [result.to_page()["state"] for result in tab.results(request, lambda: "running")]
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return {"seconds": seconds, "network": sum(network_seconds), "values": len(values), "peak": peak}

    return work


def trainer(checkpoint: str, plain: bool = False) -> Work:
    """Training steps on noise pictures of the checkpoint's shape: our own, or those of a plain loop with diffusers."""
    import torch
    from torch.nn.functional import mse_loss, pixel_unshuffle

    import explorer as ex
    from explorer.media.convert import to_unit
    from explorer.training.loop import TrainingConfig, loss_at, make_unet
    from explorer.training.snapshots import State

    opened = ex.load(checkpoint)
    C, H, W = opened.shape
    config = TrainingConfig(patch=opened.card.patch)
    unet = make_unet((C, H, W), config)
    pictures = np.random.default_rng(0).integers(0, 256, (config.batch, H, W, C), dtype=np.uint8)
    if plain:
        from diffusers import DDPMScheduler, UNet2DModel

        unet = UNet2DModel.from_config(unet.config)
        scheduler = DDPMScheduler(prediction_type="v_prediction")
        optimizer = torch.optim.AdamW(unet.parameters(), lr=config.lr)

        def step(index: int) -> None:
            x_0 = pixel_unshuffle(to_unit(pictures), config.patch)
            eps, t = torch.randn_like(x_0), torch.randint(0, 1000, (len(x_0),))
            x_t, target = scheduler.add_noise(x_0, eps, t), scheduler.get_velocity(x_0, eps, t)
            mse_loss(unet(x_t, t).sample, target).backward()
            torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
    else:
        unet = unet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        state = State.create(unet, config.lr, config.objective)

        def step(index: int) -> None:
            state.update(loss_at(unet, pictures, index, config, opened.schedule), config.lr, config.ema)

    def work(index: int) -> dict[str, Any]:
        started = time.perf_counter()
        step(index)
        return {"seconds": time.perf_counter() - started, "pictures": config.batch}

    return work


KINDS: dict[str, Callable[..., Work]] = {
    "sampler": sampler,
    "pipeline": pipeline,
    "steps_tab": steps_tab,
    "trainer": trainer,
}


def main() -> None:
    kind, checkpoint, options = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # a library that prints does not disturb the talk
    work = KINDS[kind](checkpoint, **json.loads(options))
    for line in sys.stdin:
        print(json.dumps(work(**json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
