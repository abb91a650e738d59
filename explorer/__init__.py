"""Explore DDIM sampling: load a diffusion model, run Eq. 12 step by step, and inspect every term.

import explorer as ex

checkpoint = ex.load("faces-64")
x_T = ex.latent(checkpoint.shape, seeds=[0])
for step in ex.denoise(checkpoint, x_T, ex.Settings(steps=20, eta=0.5)):
    print(step, step.terms.x0.std(), step.terms.direction.std(), step.terms.noise.std())
"""

from explorer.branching import branch, pixel_std
from explorer.checkpoint import Checkpoint, CheckpointError, available, from_denoiser, load
from explorer.exercises import check
from explorer.forward import diffuse
from explorer.inversion import encode
from explorer.latents import inverse_distance_weights, latent, mix_latents, slerp, step_noise
from explorer.media import notebook as _notebook  # noqa: F401  (registers the notebook display)
from explorer.media.convert import to_image
from explorer.sampler import Step, Terms, ddim_step, denoise, sample
from explorer.schedule import Coefficients, Schedule, jumps, timesteps
from explorer.settings import Settings
from explorer.solvers import SOLVERS, SolverStep, solve
from explorer.support import renamed_modules as _renamed_modules
from explorer.trajectory import Numbers, Trajectory, record
from explorer.ui.show import show

__all__ = [
    "SOLVERS",
    "Checkpoint",
    "CheckpointError",
    "Coefficients",
    "Numbers",
    "Schedule",
    "Settings",
    "SolverStep",
    "Step",
    "Terms",
    "Trajectory",
    "available",
    "branch",
    "check",
    "ddim_step",
    "denoise",
    "diffuse",
    "encode",
    "from_denoiser",
    "inverse_distance_weights",
    "jumps",
    "latent",
    "load",
    "mix_latents",
    "pixel_std",
    "record",
    "sample",
    "show",
    "slerp",
    "solve",
    "step_noise",
    "timesteps",
    "to_image",
]

_renamed_modules.install()
