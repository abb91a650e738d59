"""The held-out loss of a checkpoint in its ``quality.json``."""

from __future__ import annotations

from explorer.checkpoint import Checkpoint
from explorer.evaluation.config import EvaluationConfig, folder_and_device
from explorer.evaluation.held_out_loss import held_out_loss
from explorer.evaluation.reference_set import ReferenceSet
from explorer.storage.diffusers_folder import fingerprint
from explorer.storage.quality_file import Quality, read_quality, write_quality


def measure_loss(checkpoint: Checkpoint, reference_set: ReferenceSet, config: EvaluationConfig) -> None:
    """Measure the held-out loss over t and write it to ``quality.json``.

    An existing entry is kept if it has the same weights and at least as many pictures. An entry written by the training
    names no weights and counts as one of the weights in the folder.

    Raises:
        ValueError: the checkpoint has no folder or no U-Net.
    """
    folder, _ = folder_and_device(checkpoint)
    existing, weights = (read_quality(folder) or Quality()).loss, fingerprint(folder)
    pictures = reference_set.held_out
    if existing and existing.weights in ("", weights) and existing.pictures >= len(pictures):
        return
    loss = held_out_loss(checkpoint.exact.predict_noise, checkpoint.schedule, pictures, config.batch)
    write_quality(folder, loss=loss.to_json() | {"held_out": reference_set.held_out_name, "weights": weights})
