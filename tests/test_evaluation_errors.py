"""``python -m explorer evaluate``: arguments and checkpoints that are refused with a message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flat import flat_pictures

from explorer.evaluation.command import main
from explorer.evaluation.config import EvaluationConfig
from explorer.evaluation.frechet_table import measure_frechet
from explorer.evaluation.reference_set import ReferenceSet


@pytest.fixture
def folder(tiny_copy) -> Path:
    """A checkpoint folder with examples."""
    np.savez(tiny_copy / "examples.npz", images=flat_pictures(40))
    return tiny_copy


@pytest.fixture
def error_of(capsys):
    """``error_of(*arguments)``: runs the command, which must fail, and returns what it prints to stderr."""

    def run(*arguments: object) -> str:
        assert main([*map(str, arguments), "--device", "cpu"]) == 2
        return capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pictures", "15"], "pictures must be a whole number of at least 16, not 15"),
        (["--batch", "0"], "batch must be a whole number of at least 1, not 0"),
        (["--encoded", "1"], "encoded must be a whole number of at least 2, not 1"),
        (["--etas", "1.5"], "eta must be a number from 0 to 1, not 1.5"),
        (["--steps", "1001"], "S (number of steps) must be a whole number from 1 to 1000, not 1001"),
        (["--inversions", "plain", "twice"], "an inversion is plain, label-t, ahead, refined-1, "),
        (["--encode-steps", "0"], "S (number of steps) must be a whole number from 1 to 1000, not 0"),
        (["--data", "nowhere.npz"], "no data at nowhere.npz"),
    ],
)
def test_invalid_arguments_are_refused(folder, error_of, arguments, message):
    only = "reconstruction" if "--encode-steps" in arguments else "frechet"
    assert message in error_of(folder, "--only", only, *arguments)
    assert not (folder / "quality.json").exists()


def test_pictures_of_another_shape_are_refused(folder, error_of, tmp_path):
    np.savez(tmp_path / "gray.npz", images=flat_pictures(100)[..., :1])
    error = error_of(folder, "--data", tmp_path / "gray.npz", "--held-out", "30")
    assert "the pictures are 8x8x1, but tiny is for 8x8x3" in error


def test_too_few_pictures_are_refused(folder, error_of, tmp_path):
    np.savez(tmp_path / "few.npz", images=flat_pictures(40))
    error = error_of(folder, "--data", tmp_path / "few.npz", "--held-out", "30")
    assert "few.npz has 40 pictures; with 30 of them held out, at least 16 must remain" in error
    (folder / "examples.npz").unlink()
    assert "tiny has 0 held-out pictures; at least 16 are needed: give --data" in error_of(folder)


def test_an_invalid_quality_json_is_not_overwritten(folder, error_of):
    (folder / "quality.json").write_text("{")
    assert "quality.json is not a readable JSON file" in error_of(folder)
    assert (folder / "quality.json").read_text() == "{"


def test_a_checkpoint_without_a_folder_is_refused(gaussian):
    reference_set = ReferenceSet(*[flat_pictures(20), ""] * 2)
    with pytest.raises(ValueError, match="is not a folder with a U-Net"):
        measure_frechet(gaussian(shape=(3, 8, 8)), reference_set, EvaluationConfig())
