"""A run as a script that uses only diffusers: ``DDIMScheduler`` and ``UNet2DModel``.

``DDIMScheduler.step`` computes t_prev as t - T // S. So it supports only runs whose tau has this constant step:
"leading", and "linear" if S divides T (called "trailing" in diffusers). It has no setting for sigma-hat.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from explorer.checkpoint import Checkpoint
from explorer.runs.encoded_latent import EncodedLatent
from explorer.runs.latent_spec import LatentSpec, Mix, Seed
from explorer.schedule import jumps, timesteps
from explorer.settings import Settings
from explorer.storage.diffusers_folder import UNET_CONFIG, path_of
from explorer.storage.hub import HubId
from explorer.support.messages import LocalizedError


class NotInDiffusers(LocalizedError):
    """A run that diffusers does not support. The message says why."""


def script(checkpoint: Checkpoint, latent: LatentSpec, settings: Settings) -> str:
    """Return a script that generates the picture of a run and writes picture.png.

    It loads the checkpoint's folder, draws the same x_T and z (numpy's Philox), and applies pixel_unshuffle if the
    network works on patches. The picture is the same up to rounding, since diffusers' coefficients are float32.

    Raises:
        NotInDiffusers: diffusers does not support tau or the variance, the latent is encoded from a picture, or the
            checkpoint is not in a folder.
    """
    if checkpoint.folder is None or not path_of(checkpoint.folder, UNET_CONFIG).is_file():
        raise NotInDiffusers(
            "diffusers.no_folder", "{name} is not a folder that diffusers can open", name=checkpoint.name
        )
    if settings.variance != "eta":
        raise NotInDiffusers("diffusers.large_variance", "DDIMScheduler has no setting for σ̂, DDPM’s larger variance")
    parts = [
        _setup(checkpoint, settings, _timestep_spacing(checkpoint.schedule.T, settings)),
        NOISE.replace("SHAPE", ", ".join(map(str, checkpoint.shape))),
        SLERP if "slerp" in str(latent) else "",
        _sampling_loop(checkpoint, latent, settings),
    ]
    return "\n\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _timestep_spacing(T: int, settings: Settings) -> str:
    """Diffusers' name of the spacing: "trailing" or "leading"."""
    S = settings.steps
    tau = timesteps(T, S, settings.spacing)
    if any(t - T // S != t_prev for t, t_prev in jumps(tau)[:-1]) or tau[0] > T // S:
        raise NotInDiffusers(
            "diffusers.uneven",
            "at S = {steps} the steps of {spacing} τ are not all {length} long, as DDIMScheduler requires. "
            "Use linear with an S that divides {total}, or leading",
            steps=S,
            spacing=settings.spacing,
            length=T // S,
            total=T,
        )
    return "trailing" if tau[-1] == T else "leading"


NOISE = '''
def noise(seed, stream):
    """Standard normal noise, the same on every machine: stream 0 is x_T, stream t is the z of time step t."""
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, stream], dtype=np.uint64)))
    return torch.from_numpy(generator.standard_normal((1, SHAPE), dtype=np.float32))
'''
SLERP = '''
def slerp(a, b, w):
    """Spherical interpolation from a (w = 0) to b (w = 1), in float64."""
    theta = torch.nn.functional.cosine_similarity(a.double().flatten(), b.double().flatten(), dim=0).arccos()
    return ((((1 - w) * theta).sin() * a + (w * theta).sin() * b) / theta.sin()).float()
'''


def _pretrained_path(checkpoint: Checkpoint) -> tuple[str, str]:
    """The checkpoint's path or hub id for ``from_pretrained``, and its revision as a further argument."""
    source = checkpoint.source or checkpoint.name
    hub_id = HubId.parse(source)
    if Path(source).is_absolute():
        return source, ""
    if hub_id is None:
        return f"checkpoints/{source}", ""
    return hub_id.repo, f", revision={json.dumps(hub_id.revision)}" if hub_id.revision else ""


def _setup(checkpoint: Checkpoint, settings: Settings, spacing: str) -> str:
    """The part of the script that loads the network and sets up the scheduler."""
    path, revision = _pretrained_path(checkpoint)
    folder = cast(Path, checkpoint.folder)
    subfolders = [f', subfolder="{part}"' * (folder / part).is_dir() for part in ("unet", "scheduler")]
    unet, scheduler = (subfolder + revision for subfolder in subfolders)
    shuffle = "from torch.nn.functional import pixel_shuffle, pixel_unshuffle\n" if checkpoint.card.patch > 1 else ""
    return f"""
import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DModel
from PIL import Image
{shuffle}
folder = {json.dumps(path)}  # the checkpoint's folder
unet = UNet2DModel.from_pretrained(folder{unet}, low_cpu_mem_usage=False).eval()
scheduler = DDIMScheduler.from_config(
    DDIMScheduler.load_config(folder{scheduler}),
    timestep_spacing="{spacing}",
    steps_offset=0,
    set_alpha_to_one=True,
    thresholding=False,
    clip_sample={settings.clip},
    clip_sample_range=1.0,
)
scheduler.set_timesteps({settings.steps})  # diffusers counts time steps from 0: its t is the paper's t - 1
"""


def _sampling_loop(checkpoint: Checkpoint, latent: LatentSpec, settings: Settings) -> str:
    """The part of the script that samples and saves the picture."""
    patch = checkpoint.card.patch
    call = "unet(x, t).sample"
    if patch > 1:  # the network works on patches
        call = f"pixel_shuffle(unet(pixel_unshuffle(x, {patch}), t).sample, {patch})"
    options = f"eta={settings.eta!r}, use_clipped_model_output={settings.clip}"
    z = ""
    if settings.eta > 0:
        z = f"\n        z = noise({settings.noise_seeds(1)[0]}, int(t) + 1)"
        options += ", variance_noise=z"
    return f"""
x = {_x_T(latent)}
with torch.inference_mode():
    for t in scheduler.timesteps:
        predicted = {call}{z}
        x = scheduler.step(predicted, t, x, {options}).prev_sample

picture = ((x[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
Image.fromarray(picture{"" if checkpoint.shape[0] > 1 else "[..., 0]"}).save("picture.png")
"""


def _x_T(latent: LatentSpec) -> str:
    """The expression for a latent in the script."""
    match latent:
        case Seed(seed):
            return f"noise({seed}, 0)"
        case Mix(kind, a, b, w):
            return f"{'slerp' if kind == 'slerp' else 'torch.lerp'}({_x_T(a)}, {_x_T(b)}, {w!r})"
        case EncodedLatent():
            raise NotInDiffusers(
                "diffusers.encoded",
                "the latent is encoded from a picture with refined jumps, which diffusers cannot do",
            )
