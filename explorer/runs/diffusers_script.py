"""The same run in plain diffusers code: a script on ``DDIMScheduler`` and ``UNet2DModel`` that knows nothing of the explorer.

``DDIMScheduler.step`` takes t_prev to be t - T // S. So it can do every run whose tau has that step: "leading" always,
"linear" where S divides T ("trailing" in diffusers). It has no setting for sigma-hat.
"""

from __future__ import annotations

import json
from pathlib import Path

from explorer.checkpoint import Checkpoint
from explorer.runs.encoded_latent import EncodedLatent
from explorer.runs.latent_spec import LatentSpec, Mix, Seed
from explorer.schedule import jumps, timesteps
from explorer.settings import Settings
from explorer.storage.diffusers_folder import UNET_CONFIG, path_of
from explorer.storage.hub import HubId
from explorer.support.messages import LocalizedError


class NotInDiffusers(LocalizedError):
    """A run that plain diffusers cannot do; the message says why."""


def script(checkpoint: Checkpoint, latent: LatentSpec, settings: Settings) -> str:
    """A script that makes the picture of a run, but for the rounding of diffusers' float32 coefficients.

    It reads the checkpoint's folder, draws x_T and z from the same numbers (numpy's Philox), rearranges the pixels where
    the network works on patches, and writes picture.png.

    Raises:
        NotInDiffusers: tau or the variance cannot be expressed, the latent is that of a picture, or the checkpoint is
            not in a folder.
    """
    if checkpoint.folder is None or not path_of(checkpoint.folder, UNET_CONFIG).is_file():
        raise NotInDiffusers(
            "diffusers.no_folder", "{name} is no folder that diffusers could open", name=checkpoint.name
        )
    if settings.variance != "eta":
        raise NotInDiffusers("diffusers.large_variance", "DDIMScheduler has no setting for σ̂, DDPM’s larger variance")
    parts = [
        _head(checkpoint, settings, _spacing(checkpoint.schedule.T, settings)),
        NOISE.replace("SHAPE", ", ".join(map(str, checkpoint.shape))),
        SLERP if "slerp" in str(latent) else "",
        _run(checkpoint, latent, settings),
    ]
    return "\n\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _spacing(T: int, settings: Settings) -> str:
    """The name that diffusers has for tau: "trailing" or "leading"."""
    S = settings.steps
    tau = timesteps(T, S, settings.spacing)
    if any(t - T // S != t_prev for t, t_prev in jumps(tau)[:-1]) or tau[0] > T // S:
        raise NotInDiffusers(
            "diffusers.uneven",
            "at S = {steps} the steps of {spacing} τ are not all {length} long, as DDIMScheduler takes them; "
            "linear with an S that divides {total}, or leading, would do",
            steps=S,
            spacing=settings.spacing,
            length=T // S,
            total=T,
        )
    return "trailing" if tau[-1] == T else "leading"


NOISE = '''
def noise(seed, stream):
    """Standard normal noise, the same on every machine: stream 0 is x_T, stream t the z that is added at time step t."""
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, stream], dtype=np.uint64)))
    return torch.from_numpy(generator.standard_normal((1, SHAPE), dtype=np.float32))
'''
SLERP = '''
def slerp(a, b, w):
    """The point at w on the great circle from a to b, in float64."""
    theta = torch.nn.functional.cosine_similarity(a.double().flatten(), b.double().flatten(), dim=0).arccos()
    return ((((1 - w) * theta).sin() * a + (w * theta).sin() * b) / theta.sin()).float()
'''


def _place(checkpoint: Checkpoint) -> tuple[str, str]:
    """What ``from_pretrained`` takes for the checkpoint, and the arguments that go with it."""
    source = checkpoint.source or checkpoint.name
    hub_id = HubId.parse(source)
    if Path(source).is_absolute():
        return source, ""
    if hub_id is None:
        return f"checkpoints/{source}", ""
    return hub_id.repo, f", revision={json.dumps(hub_id.revision)}" if hub_id.revision else ""


def _head(checkpoint: Checkpoint, settings: Settings, spacing: str) -> str:
    place, revision = _place(checkpoint)
    parts = [f', subfolder="{part}"' * (checkpoint.folder / part).is_dir() for part in ("unet", "scheduler")]  # type: ignore[operator]
    unet, scheduler = (part + revision for part in parts)
    shuffle = "from torch.nn.functional import pixel_shuffle, pixel_unshuffle\n" if checkpoint.card.patch > 1 else ""
    return f"""
import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DModel
from PIL import Image
{shuffle}
folder = {json.dumps(place)}  # the checkpoint's folder
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
scheduler.set_timesteps({settings.steps})  # diffusers counts t from 0: its label is the paper's t - 1
"""


def _run(checkpoint: Checkpoint, latent: LatentSpec, settings: Settings) -> str:
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
    """The expression of a latent in the script."""
    match latent:
        case Seed(seed):
            return f"noise({seed}, 0)"
        case Mix(kind, a, b, w):
            return f"{'slerp' if kind == 'slerp' else 'torch.lerp'}({_x_T(a)}, {_x_T(b)}, {w!r})"
        case EncodedLatent():
            raise NotInDiffusers(
                "diffusers.encoded",
                "the latent is that of a picture, found by refining jumps that diffusers does not make",
            )
