"""The encoded latent of a real picture, as text: ``encode(3, 100)``."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from explorer.checkpoint import Checkpoint, CheckpointError
from explorer.inversion import Label, encode
from explorer.media.convert import to_unit
from explorer.media.uploads import UPLOADS, PictureError, as_tensor
from explorer.runs.stored_kinds import tensor_kind
from explorer.runs.stored_results import Kind, StoredResults
from explorer.schedule import Spacing
from explorer.support.arguments import as_int
from explorer.support.bounded_cache import BoundedCache
from explorer.support.messages import Message, message_of

AHEAD, LABEL_T = "ahead", "label-t"  # the last argument, for ``ahead=True`` and for ``label="t"``
MAX_STEPS, MAX_ITERATIONS = 1000, 5
MAX_ENCODED = 64  # cached latents


@dataclass(frozen=True)
class EncodedLatent:
    """The latent of a real picture by DDIM inversion, see :func:`explorer.encode`.

    Attributes:
        picture: index of a held-out picture of the checkpoint, or name in :data:`explorer.media.uploads.UPLOADS`.
        steps, iterations, spacing, ahead, label: arguments of :func:`explorer.encode`.
    """

    picture: int | str
    steps: int
    iterations: int = 0
    spacing: Spacing = "linear"
    ahead: bool = False
    label: Label = "s"

    def __str__(self) -> str:
        arguments = [str(self.picture), str(self.steps)]
        if self.iterations or self.spacing != "linear":
            arguments.append(str(self.iterations))
        arguments += [self.spacing] * (self.spacing != "linear")
        arguments += [AHEAD] * self.ahead + [LABEL_T] * (self.label == "t")
        return f"encode({', '.join(arguments)})"

    def picture_of(self, checkpoint: Checkpoint) -> Tensor:
        """Return x_0, (1, C, H, W). Errors as for :func:`real_picture`."""
        return real_picture(self.picture, checkpoint)

    def latent(self, checkpoint: Checkpoint) -> Tensor:
        """Return x_T, float32 (1, C, H, W). It is cached, since encoding takes at least ``steps`` network calls."""
        x_T = cached_encoding(checkpoint, self)
        if x_T is None:
            x_0 = self.picture_of(checkpoint)
            x_T = encode(checkpoint, x_0, self.steps, self.spacing, self.iterations, self.ahead, self.label)
            cache_encoded(checkpoint, self, x_T)
        return x_T

    def check(self, checkpoint: Checkpoint) -> None:
        """Raise ValueError if the latent cannot be computed for this checkpoint."""
        as_int(Message("field.encoded_steps", "S of an encoding"), self.steps, 1, checkpoint.schedule.T)
        self.picture_of(checkpoint)

    def to_python(self) -> str:
        """Return a Python expression for the latent that uses ``ex`` and a variable ``checkpoint``."""
        arguments = f"{self.steps}, {self.spacing!r}, {self.iterations}"
        arguments += ", ahead=True" * self.ahead + ', label="t"' * (self.label == "t")
        return f"ex.encode(checkpoint, {picture_in_python(self.picture)}, {arguments})"


ENCODED_LATENTS: BoundedCache[Tensor] = BoundedCache(MAX_ENCODED)
_stored: StoredResults | None = None


def store_encoded_in(stored: StoredResults | None) -> None:
    """Keep encoded latents on disk too, for all users of this process; None for the memory alone."""
    global _stored
    _stored = stored


def cached_encoding(checkpoint: Checkpoint, spec: EncodedLatent) -> Tensor | None:
    """Return a latent that was encoded before, float32 (1, C, H, W), or None."""
    x_T = ENCODED_LATENTS.get((checkpoint.key, spec))
    if x_T is None and _stored is not None and isinstance(spec.picture, int):
        found = _stored.get(_kind(checkpoint), checkpoint.float32, str(spec))
        if found is not None:
            x_T = found.value
            ENCODED_LATENTS.put((checkpoint.key, spec), x_T)
    return x_T


def cache_encoded(checkpoint: Checkpoint, spec: EncodedLatent, x_T: Tensor) -> None:
    """Cache a latent that was computed elsewhere, float32 (1, C, H, W). One of an uploaded picture stays in memory."""
    ENCODED_LATENTS.put((checkpoint.key, spec), x_T)
    if _stored is not None and isinstance(spec.picture, int):
        _stored.put(_kind(checkpoint), checkpoint.float32, x_T, x_T.nbytes, str(spec))


def _kind(checkpoint: Checkpoint) -> Kind[Tensor]:
    return tensor_kind("encoded latent", 1, *checkpoint.shape)


def picture_in_python(picture: int | str) -> str:
    """Return a Python expression for :func:`real_picture`. An uploaded picture is read from the file picture.png."""
    if isinstance(picture, int):
        return f"torch.from_numpy(checkpoint.examples()[{picture}:{picture + 1}]).permute(0, 3, 1, 2) / 127.5 - 1"
    return 'as_tensor(read_picture(open("picture.png", "rb").read()), checkpoint.shape)'


def real_picture(picture: int | str, checkpoint: Checkpoint) -> Tensor:
    """Return a held-out picture by its index, or an uploaded one by its name: (1, C, H, W) in [-1, 1].

    Raises:
        PictureError: the checkpoint has no such held-out picture, their file is damaged, or the uploaded picture is
            not in the cache any more.
    """
    if isinstance(picture, str):
        return as_tensor(UPLOADS.get(picture), checkpoint.shape)
    try:
        examples = checkpoint.examples()
    except CheckpointError as error:
        raise PictureError(message_of(error)) from error
    if len(examples) == 0:
        raise PictureError(
            "brought.none_shipped",
            "{name} ships no held-out pictures: choose a picture of your own",
            name=checkpoint.name,
        )
    if not 0 <= picture < len(examples):
        raise PictureError(
            "brought.number",
            "held-out pictures have the numbers 0 to {last}, not {given}",
            last=len(examples) - 1,
            given=picture,
        )
    return to_unit(examples[picture : picture + 1])
