"""Worker processes of the benchmark: each reads tasks as lines of JSON, runs them and answers with a line of JSON.

Two engines in one process would slow each other down, because their idle threads keep spinning. So each side of a comparison
gets its own process, and the benchmark lets them work in turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.networks.network import Engine
from explorer.support.memory import peak_memory

if TYPE_CHECKING:
    from explorer.checkpoint import Checkpoint


class WorkerProcess:
    """A process that runs tasks.

    Args:
        kind: a key of :data:`WORKERS`; it says what a task is.
        checkpoint: name or folder.
        options: further arguments of the worker.
    """

    def __init__(self, kind: str, checkpoint: str, **options: Any) -> None:
        command = [sys.executable, "-m", "explorer.bench.worker_process", kind, checkpoint, json.dumps(options)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, **task: Any) -> dict[str, Any]:
        """Run a task and return its answer.

        Raises:
            RuntimeError: the process ended; its error message is in the terminal.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"a worker process of the benchmark exited with code {self._process.wait()}")
        return json.loads(answer)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


Worker = Callable[..., dict[str, Any]]


def prepared(name: str, engine: Engine) -> Checkpoint:
    """Open a checkpoint on the engine that is measured to be the best one here."""
    import explorer as ex

    checkpoint = ex.load(name, engine=engine)
    checkpoint.predict_noise(ex.latent(checkpoint.shape, [0]), 1)  # chooses the engine
    return replace(checkpoint, predict_noise=checkpoint.predict_noise.prepare())


def sampler(checkpoint: str, engine: Engine = "auto") -> Worker:
    """Runs of ``explorer.sample``, from the same noise that diffusers' pipeline draws."""
    import torch
    from torch.nn.functional import pixel_shuffle

    import explorer as ex
    from explorer.denoiser import resolve_device

    loaded = prepared(checkpoint, engine)
    C, H, W = loaded.shape
    patch = loaded.card.patch

    def work(batch: int, steps: int, save: str = "") -> dict[str, Any]:
        noise = torch.randn(batch, C * patch**2, H // patch, W // patch, generator=torch.Generator().manual_seed(0))
        x_T = pixel_shuffle(noise, patch).to(resolve_device())
        started = time.perf_counter()
        x_0 = ex.sample(loaded, x_T, ex.Settings(steps, spacing="leading")).cpu()
        seconds = time.perf_counter() - started
        if save:
            np.save(save, (x_0 / 2 + 0.5).clamp(0, 1).numpy())
        return {"seconds": seconds, "engine": loaded.engine}

    return work


def pipeline(checkpoint: str) -> Worker:
    """Runs of diffusers' DDIMPipeline on the same folder."""
    import torch
    from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline
    from torch.nn.functional import pixel_shuffle

    from explorer.checkpoint import CHECKPOINTS
    from explorer.denoiser import resolve_device
    from explorer.storage.diffusers_folder import Card

    folder = CHECKPOINTS / checkpoint if (CHECKPOINTS / checkpoint).is_dir() else Path(checkpoint)
    ddpm = DDPMPipeline.from_pretrained(folder).to(resolve_device())
    ddim = DDIMPipeline(unet=ddpm.unet, scheduler=DDIMScheduler.from_config(ddpm.scheduler.config, clip_sample=False))
    ddim.set_progress_bar_config(disable=True)
    patch = Card.read(folder / "explorer.json").patch

    def work(batch: int, steps: int, save: str = "") -> dict[str, Any]:
        generator = torch.Generator().manual_seed(0)
        started = time.perf_counter()
        images = ddim(batch, generator, num_inference_steps=steps, output_type="np").images
        seconds = time.perf_counter() - started
        if save:
            np.save(save, pixel_shuffle(torch.from_numpy(images).permute(0, 3, 1, 2), patch).numpy())
        return {"seconds": seconds}

    return work


def steps_tab(checkpoint: str, engine: Engine = "auto") -> Worker:
    """Runs of the Steps tab, with every value that it sends to the page. Also measures the time inside the network."""
    import explorer as ex
    from explorer.networks.noise_predictor import DelegatingPredictor
    from explorer.runs.latent_spec import Seed
    from explorer.runs.results import ResultCache
    from explorer.runs.shared_network import reserve_threads_for_the_network, scheduled
    from explorer.ui.query import Query, TabRequest
    from explorer.ui.tab import Services
    from explorer.ui.tabs.steps.options import StepsOptions
    from explorer.ui.tabs.steps.tab import StepsTab

    loaded = prepared(checkpoint, engine)
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
        request = TabRequest(timed, Query(timed.name, Seed(seed), ex.Settings(steps, eta)), StepsOptions())
        tab = StepsTab(Services({timed.name: timed}, results=cache if cached else ResultCache()))
        started = time.perf_counter()
        values = sum(1 for result in tab.results(request, lambda: "running") if result.to_page())
        seconds = time.perf_counter() - started
        peak = peak_memory()
        return {"seconds": seconds, "network": sum(network_seconds), "values": values, "peak": peak}

    return work


def trainer(checkpoint: str, plain: bool = False) -> Worker:
    """Training steps on random pictures of the checkpoint's shape.

    Args:
        plain: run a plain training loop with diffusers instead of the project's own.
    """
    import torch
    from torch.nn.functional import mse_loss, pixel_unshuffle

    import explorer as ex
    from explorer.media.convert import to_unit
    from explorer.training.arithmetic import TIMED_PICTURES, Arithmetic, measure
    from explorer.training.loop import TrainingConfig, batch_loss, make_unet
    from explorer.training.snapshots import TrainingState

    loaded = ex.load(checkpoint)
    C, H, W = loaded.shape
    config = TrainingConfig(patch=loaded.card.patch)
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

        def timed_loss(arithmetic: Arithmetic) -> torch.Tensor:
            return batch_loss(unet, pictures[:TIMED_PICTURES], 0, config, loaded.schedule, arithmetic)

        seconds = measure(unet, timed_loss)
        arithmetic = min(seconds, key=lambda candidate: seconds[candidate])
        arithmetic.apply(unet)
        state = TrainingState.create(unet, config.lr, config.objective)

        def step(index: int) -> None:
            loss = batch_loss(unet, pictures, index, config, loaded.schedule, arithmetic)
            state.update(loss, config.lr, config.ema)

    def work(index: int) -> dict[str, Any]:
        started = time.perf_counter()
        step(index)
        name = "" if plain else arithmetic.name
        return {"seconds": time.perf_counter() - started, "pictures": config.batch, "arithmetic": name}

    return work


WORKERS: dict[str, Callable[..., Worker]] = {
    "sampler": sampler,
    "pipeline": pipeline,
    "steps_tab": steps_tab,
    "trainer": trainer,
}


def main() -> None:
    kind, checkpoint, options = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # a library's output must not get between the answers
    work = WORKERS[kind](checkpoint, **json.loads(options))
    for line in sys.stdin:
        print(json.dumps(work(**json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
