"""``python -m explorer evaluate``: the tables that it measures, and continuing after an interruption."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from files import edit
from flat import flat_pictures

import explorer as ex
from explorer.denoiser import Denoiser
from explorer.evaluation.command import main
from explorer.evaluation.features import ReferenceStatistics, unet_features
from explorer.evaluation.reference_set import ReferenceSet
from explorer.inversion import Inversion
from explorer.media.convert import to_uint8, to_unit
from explorer.storage.diffusers_folder import WEIGHTS, fingerprint
from explorer.storage.quality_file import read_quality

pytestmark = pytest.mark.slow

EXAMPLES = 40
SMALL = ["--pictures=20", "--batch=8", "--encoded=6", "--device=cpu"]
SMALL += ["--steps", "2", "3", "--etas", "0", "1", "large", "--encode-steps", "2", "5"]


@pytest.fixture
def folder(tiny_copy) -> Path:
    """A checkpoint folder with examples."""
    np.savez(tiny_copy / "examples.npz", images=flat_pictures(EXAMPLES))
    return tiny_copy


@pytest.fixture(scope="module")
def measured(tiny_folder, tmp_path_factory) -> Path:
    """A folder that was evaluated without interruption. Tests must not change it."""
    out = Path(shutil.copytree(tiny_folder, tmp_path_factory.mktemp("measured") / "tiny"))
    np.savez(out / "examples.npz", images=flat_pictures(EXAMPLES))
    assert main([str(out), *SMALL]) == 0
    return out


@pytest.fixture
def batch_sizes(monkeypatch) -> list[int]:
    """The batch size of every call of the network so far."""
    sizes: list[int] = []
    original = Denoiser.__call__

    def record(self, x_t, t):
        sizes.append(len(x_t))
        return original(self, x_t, t)

    monkeypatch.setattr(Denoiser, "__call__", record)
    return sizes


def without_seconds(folder: Path) -> dict:
    """``quality.json`` without the timings."""
    quality = json.loads((folder / "quality.json").read_text())
    for cell in quality["frechet"]["cells"]:
        assert cell.pop("seconds_per_picture") > 0
    return quality


# What is measured


def test_the_table_has_a_cell_for_every_S_and_eta_in_order(measured):
    table = read_quality(measured).frechet
    assert [(cell.steps, cell.eta) for cell in table.cells] == [(S, eta) for S in (2, 3) for eta in (0, 1, "large")]
    assert {(cell.pictures, cell.batch) for cell in table.cells} == {(20, 8)}
    assert all(cell.distance > 0 and cell.standard_error > 0 and cell.seconds_per_picture > 0 for cell in table.cells)
    assert table.reference == "40 held-out pictures (examples.npz)"
    assert table.real is None
    assert table.weights == fingerprint(measured)
    assert table.cell(3, "large") is table.cells[-1]
    assert table.cell(4, 0) is None
    assert "not comparable with published FID" in table.features
    assert "CPU" in table.machine


def test_picture_i_of_a_cell_has_latent_seed_i_and_noise_seed_i(measured):
    """The batches differ, 20 here and 8 there, but the rounding error is far below the standard error."""
    checkpoint = ex.load(measured, "cpu")
    features = unet_features(checkpoint)
    reference = ReferenceStatistics.fit(features, checkpoint.examples(), "", "")
    for eta in (1.0, "large"):
        options = {"variance": "large"} if eta == "large" else {"eta": eta}
        settings = ex.Settings(steps=3, noise_seed=0, **options)
        pictures = to_uint8(ex.sample(checkpoint, ex.latent(checkpoint.shape, range(20)), settings))
        distance = reference.distance(features, pictures)
        cell = read_quality(measured).frechet.cell(3, eta)
        assert (cell.distance, cell.standard_error) == pytest.approx(
            (distance.distance, distance.standard_error), rel=1e-2
        )


def test_the_file_of_a_cell_has_the_moments_of_its_full_chunks_and_no_pictures(measured):
    with np.load(measured / "evaluation" / "frechet-S0003-eta-1.0.npz") as file:
        assert file["count"].tolist() == [2] * 8  # 16 of the 20 pictures: two full chunks
        assert file["square"].shape == (8, 64, 64) or file["square"].shape[0] == 8
        assert {"total", "square", "seconds", "machine", "key", "count"} == set(file)
    assert not list((measured / "evaluation").glob("pictures*"))


def test_the_reconstruction_error_is_on_the_scale_of_0_to_1(measured):
    checkpoint = ex.load(measured, "cpu")
    x_0 = to_unit(checkpoint.examples()[:6])
    table = read_quality(measured).reconstruction
    assert [(cell.inversion, cell.steps) for cell in table.cells] == [
        (inversion, S) for inversion in ("plain", "refined-1", "label-t", "ahead") for S in (2, 5)
    ]
    assert table.pictures == 6
    for cell in table.cells:
        x_T = ex.encode(checkpoint, x_0, cell.steps, **asdict(Inversion.parse(cell.inversion)))
        reconstructed = ex.sample(checkpoint, x_T, ex.Settings(steps=cell.steps))
        errors = ((reconstructed + 1) / 2 - (x_0 + 1) / 2).square().mean((1, 2, 3))
        assert cell.mse == pytest.approx(float(errors.mean()), rel=1e-3)
        assert cell.standard_error == pytest.approx(float(errors.std()) / 6**0.5, rel=0.05)
        quartiles = np.quantile(errors.double().numpy(), (0.25, 0.5, 0.75))
        assert (cell.quartiles.first, cell.quartiles.median, cell.quartiles.third) == pytest.approx(quartiles, rel=1e-3)
        assert cell.pictures == cell.quartiles.pictures == 6


def test_a_mean_over_more_pictures_is_kept_and_gets_quartiles(measured, tmp_path, batch_sizes):
    """As in files of earlier versions: the table states the number of pictures, and no cell has quartiles."""
    folder = Path(shutil.copytree(measured, tmp_path / "copy"))
    shutil.rmtree(folder / "evaluation")
    quality = json.loads((folder / "quality.json").read_text())
    table = quality["reconstruction"]
    table["pictures"] = 30
    table["cells"] = [cell for cell in table["cells"] if cell["inversion"] == "plain"]
    for cell in table["cells"]:
        cell["mse"] = 0.5
        del cell["pictures"], cell["quartiles"]
    edit(folder / "quality.json", reconstruction=table)
    arguments = [str(folder), *SMALL, "--only", "reconstruction", "--inversions", "plain", "label-t"]
    assert main(arguments) == 0
    merged, before = (read_quality(where).reconstruction for where in (folder, measured))
    cells, fresh = ({(cell.inversion, cell.steps): cell for cell in table.cells} for table in (merged, before))
    assert merged.pictures == 30
    for S in (2, 5):
        assert (cells["plain", S].mse, cells["plain", S].pictures) == (0.5, 30)
        assert cells["plain", S].quartiles == fresh["plain", S].quartiles
        assert cells["label-t", S] == fresh["label-t", S]
    batch_sizes.clear()
    assert main(arguments) == 0
    assert batch_sizes == []


def test_the_loss_is_measured_on_the_held_out_pictures(measured):
    loss = read_quality(measured).loss
    assert (loss.pictures, loss.held_out, loss.weights) == (
        EXAMPLES,
        "40 held-out pictures (examples.npz)",
        fingerprint(measured),
    )


def test_git_ignores_the_intermediate_results(measured):
    assert (measured / "evaluation" / ".gitignore").read_text() == "*\n"
    assert not list((measured / "evaluation").glob("*part*"))


def test_the_seconds_alone_can_be_measured_again(measured, tmp_path, capsys):
    copy = shutil.copytree(measured, tmp_path / "copy")
    assert main([str(copy), "--only", "seconds", "--batch", "2", "--device", "cpu"]) == 0
    before, after = read_quality(measured).frechet, read_quality(copy).frechet
    threads = torch.get_num_threads()
    assert after.machine == f"CPU, {threads} thread{'s' * (threads > 1)}, torch float32, batches of 2"
    timeless = {"seconds_per_picture": 0.0, "batch": 0, "machine": ""}
    assert [replace(cell, **timeless) for cell in after.cells] == [replace(cell, **timeless) for cell in before.cells]
    assert all(cell.seconds_per_picture > 0 for cell in after.cells)
    (copy / "quality.json").unlink()
    capsys.readouterr()
    assert main([str(copy), "--only", "seconds", "--device", "cpu"]) == 2
    assert "no Fréchet table to time; measure one first" in capsys.readouterr().err


# Interruption


@pytest.mark.parametrize("stop_after", [3, 60, 95])
def test_an_interrupted_sweep_continues_to_the_same_table(folder, measured, monkeypatch, capsys, stop_after):
    """The interruptions are in the loss, in a Fréchet cell, and in a reconstruction."""
    original = Denoiser.predict_with
    calls = 0

    def interrupt(self, *args):
        nonlocal calls
        calls += 1
        if calls > stop_after:
            raise KeyboardInterrupt
        return original(self, *args)

    monkeypatch.setattr(Denoiser, "predict_with", interrupt)
    assert main([str(folder), *SMALL]) == 130
    assert "run the same command again to continue" in capsys.readouterr().err
    monkeypatch.setattr(Denoiser, "predict_with", original)
    assert main([str(folder), *SMALL]) == 0
    assert without_seconds(folder) == without_seconds(measured)


def test_a_complete_sweep_is_not_measured_again(measured, batch_sizes):
    before = (measured / "quality.json").read_bytes()
    assert main([str(measured), *SMALL]) == 0
    assert batch_sizes == []
    assert (measured / "quality.json").read_bytes() == before


def test_more_pictures_of_a_cell_are_added_to_its_full_chunks(folder, batch_sizes):
    arguments = [str(folder), *SMALL, "--only", "frechet", "--steps", "2", "--etas", "0"]
    assert main(arguments) == 0
    batch_sizes.clear()
    assert main([*arguments, "--pictures", "24"]) == 0
    assert batch_sizes == [8] * 2  # two steps of pictures 16 to 23, as the last chunk was not full before
    [cell] = read_quality(folder).frechet.cells
    assert cell.pictures == 24


def test_one_table_collects_the_cells_of_several_runs(folder):
    arguments = [str(folder), *SMALL, "--only", "frechet", "--etas", "0"]
    assert main([*arguments, "--steps", "3"]) == 0
    assert main([*arguments, "--steps", "2", "--pictures", "16"]) == 0
    assert [(cell.steps, cell.pictures) for cell in read_quality(folder).frechet.cells] == [(2, 16), (3, 20)]


@pytest.mark.parametrize("change", ["weights", "precision"])
def test_cells_of_other_weights_or_another_precision_are_measured_again(folder, batch_sizes, change):
    if change == "precision":
        pytest.importorskip("openvino", reason="OpenVINO is not installed: torch is the only engine here")
    arguments = [str(folder), *SMALL, "--only", "frechet", "--etas", "0"]
    assert main(arguments) == 0
    if change == "weights":
        data = bytearray((folder / WEIGHTS).read_bytes())
        data[-1] ^= 1  # in the exponent of the last weight
        (folder / WEIGHTS).write_bytes(data)
    batch_sizes.clear()
    arguments += ["--steps", "2"] + (["--engine", "fast"] if change == "precision" else [])
    assert main(arguments) == 0
    engine_choice = change == "precision"  # one more call
    assert sum(batch_sizes) == 20 * 2 + engine_choice  # two steps
    assert [cell.steps for cell in read_quality(folder).frechet.cells] == [2]


def test_other_entries_of_quality_json_are_kept(folder):
    (folder / "quality.json").write_text(json.dumps({"loss": LOSS, "note": [1]}))
    assert main([str(folder), *SMALL, "--etas", "0"]) == 0
    quality = json.loads((folder / "quality.json").read_text())
    assert quality["note"] == [1]
    assert quality["loss"] == LOSS  # kept, because it is of more pictures than there are here
    assert {"frechet", "reconstruction"} < quality.keys()


LOSS = {"pictures": 512, "mean": 0.5, "fifths_of_t": [0.5] * 5, "curve": [[25.4, 0.5]], "how": "by training"}


# With the data set


def test_the_reference_statistics_of_a_data_set_are_kept_for_later_runs_without_it(folder, tmp_path, batch_sizes):
    np.savez(tmp_path / "flat.npz", images=flat_pictures(100))
    arguments = [str(folder), *SMALL, "--only", "frechet", "--etas", "0", "--steps", "2"]
    assert main([*arguments, "--data", str(tmp_path / "flat.npz"), "--held-out", "30"]) == 0
    table = read_quality(folder).frechet
    assert table.reference.startswith("70 pictures spread over the first 70 of flat.npz (sha256 ")
    assert table.real.pictures == 20
    batch_sizes.clear()
    assert main(arguments) == 0
    assert batch_sizes == []
    assert main([*arguments, "--steps", "3"]) == 0
    assert read_quality(folder).frechet.reference == table.reference
    assert len(read_quality(folder).frechet.cells) == 2


def test_the_held_out_pictures_are_the_last_ones_and_not_in_the_reference(folder):
    data = flat_pictures(100)
    reference_set = ReferenceSet.of_data(ex.load(folder, "cpu"), data, "flat", held_out=30)
    np.testing.assert_array_equal(reference_set.held_out, data[70:])
    np.testing.assert_array_equal(reference_set.reference, data[:70])
    assert reference_set.has_data
    assert not ReferenceSet.of_examples(ex.load(folder, "cpu")).has_data


def test_the_default_steps_do_not_exceed_T(folder):
    edit(folder / "scheduler" / "scheduler_config.json", num_train_timesteps=12)
    arguments = ["--pictures", "16", "--batch", "16", "--etas", "0", "--encoded", "2", "--device", "cpu"]
    assert main([str(folder), *arguments]) == 0
    quality = read_quality(folder)
    assert [cell.steps for cell in quality.frechet.cells] == [5, 10]
    assert [(cell.steps, cell.inversion) for cell in quality.reconstruction.cells] == [
        (10, inversion) for inversion in ("plain", "refined-1", "label-t", "ahead")
    ]


def test_the_real_pictures_are_other_training_pictures_as_many_as_a_cell_has(
    folder, tmp_path, batch_sizes, monkeypatch
):
    """A table that has none gets them from --only real, which samples nothing."""
    monkeypatch.setattr("explorer.evaluation.reference_set.REFERENCE_PICTURES", 40)
    np.savez(tmp_path / "flat.npz", images=flat_pictures(200))
    data = ["--data", str(tmp_path / "flat.npz"), "--held-out", "30"]
    assert main([str(folder), *SMALL, *data, "--only", "frechet", "--etas", "0", "--steps", "2"]) == 0
    table = read_quality(folder).frechet
    assert (table.real.pictures, table.real.draws) == (20, 130 // 20)
    assert table.real.source == "pictures of the first 170 of flat.npz that are not in the reference"
    assert (table.floor.pictures, table.floor.reference_pictures) == (20, 40)
    quality = json.loads((folder / "quality.json").read_text())
    old = {"distance": 9, "spread": 1, "pictures": 512}
    quality["frechet"] |= {"real": old, "how": "of an earlier version"}
    del quality["frechet"]["floor"]
    (folder / "quality.json").write_text(json.dumps(quality))
    batch_sizes.clear()
    assert main([str(folder), *data, "--only", "real", "--batch", "8", "--device", "cpu"]) == 0
    assert batch_sizes == []
    assert read_quality(folder).frechet == table


def test_real_pictures_are_drawn_from_outside_of_the_reference_and_the_held_out_ones(folder, monkeypatch):
    monkeypatch.setattr("explorer.evaluation.reference_set.REFERENCE_PICTURES", 40)
    data = flat_pictures(100)
    data[:, 0, 0, 0] = np.arange(100)  # the number of the picture
    reference_set = ReferenceSet.of_data(ex.load(folder, "cpu"), data, "flat", held_out=16)
    numbers = {name: set(getattr(reference_set, name)[:, 0, 0, 0]) for name in ("reference", "held_out")}
    real, name = reference_set.real_pictures(1000)
    assert set(real[:, 0, 0, 0]) == set(range(100)) - numbers["reference"] - numbers["held_out"]
    assert len(real) == 44
    assert "not in the reference" in name
    few, name = ReferenceSet.of_data(ex.load(folder, "cpu"), data[:60], "flat", held_out=16).real_pictures(10)
    np.testing.assert_array_equal(few, data[44:54])  # only 4 others: the held-out pictures instead
    assert name == "the last 16 pictures of flat"


def test_real_pictures_need_a_table_and_its_reference(folder, capsys):
    arguments = [str(folder), *SMALL, "--only", "real"]
    assert main(arguments) == 2
    assert "has no Fréchet table; measure one first" in capsys.readouterr().err
    assert main([str(folder), *SMALL, "--only", "frechet", "--etas", "0", "--steps", "2"]) == 0
    assert main(arguments) == 2
    assert "is missing or not that of the Fréchet table" in capsys.readouterr().err
