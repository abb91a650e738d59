"""The files that each tab gives, made without a browser and opened by readers that know nothing of the explorer."""

import io
import json
import os
import subprocess
import sys
from urllib.parse import parse_qs

import av
import numpy as np
import pytest
import torch
from PIL import Image
from saved_files import EXPORT_FORMATS, GIVEN, answers_of, file_of, png_of, rows_of
from tab_values import english, pictures_of, shown, tab_of, values_of

import explorer as ex
from explorer.forward import diffuse
from explorer.media import exports
from explorer.media.convert import to_unit
from explorer.runs.latent_spec import parse
from explorer.ui.saving import Exporter

MADE_HERE = [(tab, of.name) for tab, formats in EXPORT_FORMATS.items() for of in formats if of.make]
UNMEASURED = {("forward", "loss"), ("quality", "csv"), ("solvers", "table")}
WITHOUT_FORK = {("steps", "futures"), ("steps", "forks")}  # see test_futures.py


def stage_of(exporter, tab):
    """What the page shows after the same settings."""
    return values_of(exporter.tabs[tab], GIVEN[tab])[-1]


@pytest.mark.parametrize(("tab", "kind"), [made for made in MADE_HERE if made not in UNMEASURED | WITHOUT_FORK])
def test_every_file_opens_and_has_a_telling_name(exporter, tab, kind):
    first, *_, last = answers_of(exporter, tab, kind)
    assert first == {"count": 3, "state": "making", "share": 0}
    name, data = last["name"], last["data"]
    suffix = next(of.suffix for of in EXPORT_FORMATS[tab] if of.name == kind)
    assert name.startswith("ddim-explorer_")
    assert name.endswith(f".{suffix}")
    assert all(character.isalnum() or character in "-_." for character in name)
    if suffix == "png":
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            assert picture.format == "PNG"
            assert parse_qs(picture.info["ddim-explorer"])["tab"] == [tab]
    elif suffix == "gif":
        with Image.open(io.BytesIO(data)) as film:
            assert film.height >= 256
            assert film.n_frames > 1
    elif suffix == "mp4":
        with av.open(io.BytesIO(data)) as film:
            (stream,) = film.streams
            frames = sum(1 for _ in film.decode(stream))
            assert stream.codec_context.name == "h264"
            assert stream.codec_context.height >= 256
            assert frames > stream.average_rate  # more than the second at the end
    elif suffix == "csv":
        rows = rows_of(data)
        assert len(rows) > 1
        assert None not in rows[0]
    else:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            assert len(str(arrays["README"])) > 100
            assert all(arrays[name].size for name in arrays.files)


def test_the_picture_of_steps_is_the_cores_bit_for_bit(exporter, checkpoints):
    toy, settings = checkpoints["toy"], ex.Settings(6, 0.5, noise_seed=5)
    picture = ex.sample(toy, ex.latent(toy.shape, [3]), settings)
    assert np.array_equal(png_of(file_of(exporter, "steps", "picture")), shown(picture))
    strip = png_of(file_of(exporter, "steps", "strip"))
    for k, step in enumerate(ex.denoise(toy, ex.latent(toy.shape, [3]), settings)):
        assert np.array_equal(strip[:, 8 * k : 8 * k + 8], shown(step.x0))
    rows = rows_of(file_of(exporter, "steps", "csv"))
    assert [int(row["t"]) for row in rows] == ex.timesteps(1000, 6)[::-1]


def test_compare_saves_what_its_stage_shows(exporter):
    last = stage_of(exporter, "compare")
    pictures = pictures_of(last)
    sheet = png_of(file_of(exporter, "compare", "sheet"))
    noisy = png_of(file_of(exporter, "compare", "sheet", {"show": "x_t"}))
    for i, name in enumerate(("ddim", "yours", "ddpm", "large", "wrong")):
        assert np.array_equal(sheet[10 * i : 10 * i + 8, :8], pictures[f"{name}/0/x0"])
        assert np.array_equal(noisy[10 * i : 10 * i + 8, :8], pictures[f"{name}/0/x_t"])
        assert np.array_equal(sheet[10 * i : 10 * i + 8, -8:], pictures[f"{name}/end"])
    rows = {row["row"]: row for row in rows_of(file_of(exporter, "compare", "csv"))}
    assert float(rows["ddim"]["repeat_differs"]) == 0
    assert rows["large"]["variance"] == "large"


def test_consistency_saves_both_grids(exporter):
    pictures, grid = pictures_of(stage_of(exporter, "consistency")), png_of(file_of(exporter, "consistency", "grid"))
    assert grid.shape == (28, 28 + 16 + 28, 3)
    for row in range(3):
        for column, S in enumerate((2, 4, 8)):
            top, left = 10 * row, 10 * column
            assert np.array_equal(grid[top : top + 8, left : left + 8], pictures[f"0/{S}/{row}"])
            assert np.array_equal(grid[top : top + 8, left + 44 : left + 52], pictures[f"1/{S}/{row}"])
    rows = rows_of(file_of(exporter, "consistency", "csv"))
    assert len(rows) == 18
    assert all(float(row["similarity"]) == pytest.approx(1) for row in rows if row["steps"] == "8")


def test_interpolate_saves_latents_that_make_its_pictures(exporter, checkpoints):
    toy = checkpoints["toy"]
    with np.load(io.BytesIO(file_of(exporter, "interpolate", "npz")), allow_pickle=False) as arrays:
        for name in ("slerp", "lerp"):
            made = ex.sample(toy, torch.from_numpy(arrays[f"x_T_{name}"]), ex.Settings(4))
            off = [
                np.abs(shown(m[None]).astype(int) - p).max()
                for m, p in zip(made, arrays[f"pictures_{name}"], strict=True)
            ]
            assert max(off) <= 1  # the rounding of a run depends on its batch
            middle = parse(str(arrays[f"latents_{name}"][3])).latent(toy)[0].numpy()
            assert np.array_equal(middle, arrays[f"x_T_{name}"][3])
        norms = [np.linalg.norm(x) / np.sqrt(192) for x in arrays["x_T_lerp"]]
    rows = [row for row in rows_of(file_of(exporter, "interpolate", "csv")) if row["strip"] == "lerp"]
    assert [float(row["norm_of_x_T"]) for row in rows] == pytest.approx(norms, rel=1e-5)
    pad, pictures = png_of(file_of(exporter, "interpolate", "pad")), pictures_of(stage_of(exporter, "interpolate"))
    assert np.array_equal(pad[20:28, 40:48], pictures["pad/2/4"])


def test_encode_saves_the_round_trip(exporter):
    pictures, strip = pictures_of(stage_of(exporter, "encode")), png_of(file_of(exporter, "encode", "picture"))
    for k, name in enumerate(("x_0", "x_T", "again", "difference")):
        assert np.array_equal(strip[:, 10 * k : 10 * k + 8], pictures[name])
    rows = rows_of(file_of(exporter, "encode", "csv"))
    for inversion in ("plain", "ahead"):
        mine = [float(row["mse"]) for row in rows if (row["of"], row["inversion"]) == ("this picture", inversion)]
        assert len(mine) == 4
        assert mine == sorted(mine, reverse=True)


def test_encode_saves_mean_and_quartiles_of_held_out_pictures(exporter, folder):
    quartiles = {"first": 0.002, "median": 0.003, "third": 0.02, "pictures": 16}
    cell = {"steps": 10, "mse": 0.01, "spread": 0.001, "quartiles": quartiles}
    entry = {"pictures": 128, "how": "", "held_out": "", "weights": "", "cells": [cell]}
    (folder / "quality.json").write_text(json.dumps({"reconstruction": entry}))
    rows = {row["of"]: row for row in rows_of(file_of(exporter, "encode", "csv"))}
    mean = rows["mean of held-out pictures"]
    assert (mean["mse"], mean["standard_error"], mean["pictures"]) == ("0.01", "0.001", "128")
    for name, value in (("first quartile", "0.002"), ("median", "0.003"), ("third quartile", "0.02")):
        row = rows[f"{name} of held-out pictures"]
        assert (row["steps"], row["inversion"], row["mse"], row["pictures"]) == ("10", "plain", value, "16")


@pytest.mark.parametrize(
    ("t", "shown_t"), [(0, 0), (250, 250), ("1000", 1000), (5000, 1000), ("many", 300), (None, 300)]
)
def test_forward_saves_the_picture_at_the_t_that_is_looked_at(exporter, checkpoints, t, shown_t):
    toy = checkpoints["toy"]
    x_0, eps = to_unit(toy.examples()[1:2]), ex.latent(toy.shape, [0])
    made = png_of(file_of(exporter, "forward", "picture", {"t_forward": t}))
    expected = shown(diffuse(x_0, eps, shown_t, toy.schedule))
    assert np.abs(made.astype(int) - expected).max() <= 1


def test_grey_pictures_are_saved_as_colour_pictures_of_three_equal_channels(exporter):
    for tab, kind in (("steps", "strip"), ("forward", "picture"), ("compare", "sheet"), ("encode", "picture")):
        picture = png_of(file_of(exporter, tab, kind, checkpoint="grey"))
        picture = picture[:, :28] if tab == "encode" else picture  # its difference has colours
        assert picture.shape[-1] == 3
        assert (picture == picture[..., :1]).all()
    with Image.open(io.BytesIO(file_of(exporter, "forward", "gif", checkpoint="grey"))) as film:
        assert film.n_frames == 61


def test_paths_saves_its_end_points(exporter):
    rows = rows_of(file_of(exporter, "paths", "points"))
    assert len(rows) == 3 * 300
    assert {row["run"] for row in rows} == {"0", "yours", "1"}
    assert max(abs(float(row["x"])) for row in rows) < 4


@pytest.mark.parametrize(("tab", "kind"), sorted(UNMEASURED))
def test_what_was_not_measured_cannot_be_saved_and_it_says_why(exporter, tab, kind):
    last = answers_of(exporter, tab, kind)[-1]
    assert last["state"] == "error"
    assert english(last["message"]) == "There is nothing to save (not measured yet: python -m explorer evaluate toy)."


def test_large_pictures_are_saved_as_they_were_made():
    """On the page they travel as JPEG."""
    large = ex.from_denoiser(lambda x, t: 0.9 * x, (3, 112, 112), name="large")
    exporter = Exporter({"consistency": tab_of("consistency", large)})
    grid = png_of(file_of(exporter, "consistency", "grid", latents="1", lengths="2, 4"))
    assert np.array_equal(grid[:112, :112], shown(ex.sample(large, ex.latent(large.shape, [1]), ex.Settings(2))))


@pytest.mark.slow
def test_the_copied_python_runs_in_a_fresh_process_and_makes_the_saved_picture(root, tmp_path, trained_faces):
    """Bit for bit, for both are the same engine."""
    tab = tab_of("steps", trained_faces)
    given = GIVEN["steps"] | {"seed": "slerp(10, 29, 0.5)", "steps": 3}
    script = values_of(tab, given)[-1]["script"]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": str(torch.get_num_threads())}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, env=environment, timeout=300)
    data = file_of(Exporter({"steps": tab}), "steps", "picture", **given)
    assert np.array_equal(png_of(data), png_of((tmp_path / "picture.png").read_bytes()))
    assert "seed=slerp%2810%2C+29%2C+0.5%29" in exports.read_settings(data)
