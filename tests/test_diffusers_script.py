"""The diffusers script of a run: in a new process it generates the same picture as the explorer."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from small import WAVY

import explorer as ex
from explorer.runs.diffusers_script import NotInDiffusers, script
from explorer.runs.latent_spec import parse
from explorer.schedule import SPACINGS

LEVELS = 1  # of 255: diffusers' coefficients are float32, the explorer's are float64
RUNS = [
    ("eps", "3", ex.Settings(10)),
    ("eps", "slerp(3, 4, 0.25)", ex.Settings(20, 0.5, clip=True, noise_seed=7)),
    ("eps", "lerp(3, 4, 0.25)", ex.Settings(30, 1.0, spacing="leading")),
    ("eps", "3", ex.Settings(1, spacing="quadratic")),
    ("patches", "9007199254740991", ex.Settings(8, 1.0, clip=True)),
    ("patches", "5", ex.Settings(7, 0.3, spacing="leading")),
    ("grey", "5", ex.Settings(5)),
]
ALL_OF_THEM = """
import os, pathlib
for path in sorted(pathlib.Path("scripts").iterdir()):
    exec(compile(path.read_text(), path, "exec"), {})
    os.rename("picture.png", f"{path.stem}.png")
assert "explorer" not in __import__("sys").modules
"""


@pytest.fixture
def checkpoints(save_pipeline, tmp_path):
    """An eps-network, a v-network on patches, a grey one."""
    save_pipeline("checkpoints/eps")
    patches = save_pipeline("checkpoints/patches", sample_size=4, channels=12, prediction_type="v_prediction")
    (patches / "explorer.json").write_text(json.dumps({"patch": 2}))
    save_pipeline("checkpoints/grey", channels=1)
    return {name: ex.load(tmp_path / "checkpoints" / name, "cpu") for name in ("eps", "patches", "grey")}


@pytest.mark.slow
def test_the_script_generates_the_explorers_picture_in_a_new_process(checkpoints, tmp_path):
    (tmp_path / "scripts").mkdir()
    for k, (name, latent, settings) in enumerate(RUNS):
        (tmp_path / "scripts" / f"{k}.py").write_text(script(checkpoints[name], parse(latent), settings))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", ALL_OF_THEM], cwd=tmp_path, check=True, env=environment, timeout=300)
    for k, (name, latent, settings) in enumerate(RUNS):
        checkpoint = checkpoints[name]
        expected = ex.to_image(ex.sample(checkpoint, parse(latent).latent(checkpoint), settings))
        made = Image.open(tmp_path / f"{k}.png").convert("RGB")
        assert np.abs(np.asarray(made).astype(int) - np.asarray(expected)).max() <= LEVELS, RUNS[k]


@pytest.mark.slow
@pytest.mark.parametrize("S", [1, 2, 3, 7, 10, 20, 30, 50, 333, 500, 999, 1000])
@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_script_is_written_exactly_for_the_jumps_of_ddim_scheduler(checkpoints, S, spacing):
    """A script is written exactly if the jumps of DDIMScheduler are those of tau."""
    from diffusers import DDIMScheduler

    settings, expected = ex.Settings(S, spacing=spacing), ex.jumps(ex.timesteps(1000, S, spacing))
    theirs = []
    for name in ("trailing", "leading"):
        scheduler = DDIMScheduler(timestep_spacing=name)
        scheduler.set_timesteps(S)
        theirs.append([(int(t) + 1, max(0, int(t) + 1 - 1000 // S)) for t in scheduler.timesteps])
    if expected in theirs:
        script(checkpoints["eps"], parse(3), settings)
    else:
        with pytest.raises(NotInDiffusers, match="are not all"):
            script(checkpoints["eps"], parse(3), settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("latent", "settings", "why"),
    [
        ("3", ex.Settings(10, variance="large"), "no setting for σ̂"),
        ("3", ex.Settings(30), "Use linear with an S that divides 1000, or leading"),
        ("encode(0, 10)", ex.Settings(10), "latent is encoded from a picture"),
        ("slerp(1, encode(0, 10), 0.5)", ex.Settings(10), "latent is encoded from a picture"),
    ],
)
def test_unsupported_runs_are_refused_with_the_reason(checkpoints, latent, settings, why):
    with pytest.raises(NotInDiffusers, match=why):
        script(checkpoints["eps"], parse(latent), settings)


def test_a_checkpoint_without_a_folder_is_refused():
    with pytest.raises(NotInDiffusers, match="not a folder"):
        script(WAVY, parse(3), ex.Settings(10))
