"""Checkpoints on the Hugging Face Hub: the files that the explorer reads, fetched into the hub's own cache.

Configs come first and are looked at before any weights are asked for, so that a model of another kind costs no download.
Pickles are never fetched. The hub is the one that ``HF_ENDPOINT`` names; ``HF_HUB_OFFLINE=1`` keeps to the cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.storage.diffusers_folder import (
    CARD,
    EXAMPLES,
    INDEX,
    QUALITY,
    SCHEDULER_CONFIG,
    UNET_CONFIG,
    WEIGHTS,
    CheckpointError,
    pickled,
    place_of,
    read_unet_config,
    refuse_pickle,
)
from explorer.support.arguments import shorten
from explorer.support.messages import Message

if TYPE_CHECKING:
    from huggingface_hub.utils import tqdm

Progress = Callable[[int, int], object]  # (bytes there, bytes in all)
NAME, REVISION = r"[A-Za-z0-9][\w.-]{0,95}", r"[A-Za-z0-9][\w./-]{0,254}"
HUB_ID = re.compile(rf"({NAME}/{NAME})(?:@({REVISION}))?", re.ASCII)
PARTS = (UNET_CONFIG, WEIGHTS, SCHEDULER_CONFIG)
MAX_BYTES = 4 << 30  # of one checkpoint: a pixel-space DDPM of 256x256 has half a gigabyte


@dataclass(frozen=True)
class HubId:
    """``owner/name``, or ``owner/name@revision`` for a branch, a tag or a commit."""

    repo: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> HubId | None:
        """The id that a text is, None if it is something else. The address of a model's page counts as its id."""
        from huggingface_hub import constants

        match = HUB_ID.fullmatch(text.strip().removeprefix(f"{constants.ENDPOINT}/").rstrip("/"))
        return cls(match[1], match[2]) if match else None

    def __str__(self) -> str:
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"

    @property
    def command(self) -> str:
        """What fetches it into the cache, for a machine that will be offline."""
        revision = f" --revision {self.revision}" if self.revision else ""
        return f"hf download {self.repo}{revision} --include '*.json' '*.safetensors' '*.npz'"


def fetch(hub_id: HubId, progress: Progress | None = None) -> Path:
    """The folder of a checkpoint of the hub in the cache, brought up to date if the hub can be reached.

    Args:
        progress: told of the weights' download, from whichever thread; a bar in the terminal if None.

    Raises:
        CheckpointError: no such model or revision, no weights in safetensors, more than 4 GB, a network of another kind;
            or the hub cannot be reached and the cache does not have it, with the command that fetches it beforehand.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        HTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        listed = HfApi().model_info(hub_id.repo, revision=hub_id.revision, files_metadata=True).siblings or []
        sizes = {file.rfilename: file.size or 0 for file in listed}
        names = _wanted(hub_id, sizes)
        folder = Path()
        for name in names[:-1]:
            folder = _download(hub_id, name)
        read_unet_config(folder, str(hub_id))
        return _download(hub_id, names[-1], _bar(progress) if progress else None)
    except GatedRepoError as error:
        raise CheckpointError(
            "opening.gated",
            "{name} is gated: accept its terms on its page, then log in with: hf auth login",
            name=str(hub_id),
        ) from error
    except RevisionNotFoundError as error:
        raise CheckpointError(
            "opening.no_revision",
            "{name} has no revision {given} on the hub",
            name=hub_id.repo,
            given=shorten(hub_id.revision),
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise CheckpointError(
            "opening.not_found",
            "{name} is neither a folder here nor a public model of the hub; check how it is written (a private "
            "one needs: hf auth login)",
            name=hub_id.repo,
        ) from error
    except (HTTPError, OSError) as error:  # no network, no answer, an error of the server, a full disk
        return _cached(hub_id, error)


def _wanted(hub_id: HubId, sizes: Mapping[str, int]) -> list[str]:
    """The files to fetch, the weights last; see :mod:`explorer.storage.diffusers_folder` for the two places where parts may lie."""
    in_parts = any(name.startswith("unet/") for name in sizes)
    config, weights, scheduler = (name if in_parts else name.partition("/")[2] for name in PARTS)
    names = [n for n in (INDEX, config, scheduler, CARD, EXAMPLES, QUALITY, weights) if n in sizes]
    if config not in sizes or scheduler not in sizes:
        raise CheckpointError(
            "opening.no_ddpm",
            "{name} is not a DDPM saved by diffusers: it has no {config} and {scheduler}",
            name=str(hub_id),
            config=UNET_CONFIG,
            scheduler=SCHEDULER_CONFIG,
        )
    if weights not in sizes:
        part = config.rpartition("/")[0]
        if pickle := pickled(name for name in sizes if name.rpartition("/")[0] == part):
            raise refuse_pickle(str(hub_id), pickle)
        raise CheckpointError(
            "opening.no_weights", "{name}: no weights; expected {file}", name=str(hub_id), file=weights
        )
    total = sum(sizes[name] for name in names)
    if total > MAX_BYTES:
        raise CheckpointError(
            "opening.too_large",
            "{name} has {size} GB; at most {most} GB are fetched",
            name=str(hub_id),
            size=f"{total / 1e9:.1f}",
            most=f"{MAX_BYTES / 1e9:.1f}",
        )
    return names


def _download(hub_id: HubId, name: str, bar: type[tqdm] | None = None) -> Path:
    """Fetch a file unless it is there; the folder of the checkpoint."""
    from huggingface_hub import hf_hub_download

    path = Path(hf_hub_download(hub_id.repo, name, revision=hub_id.revision, tqdm_class=bar))
    return path.parents[name.count("/")]


def _cached(hub_id: HubId, reason: Exception) -> Path:
    """The folder in the cache, from an earlier time; CheckpointError if it is not there or not whole."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        folder = Path(
            snapshot_download(hub_id.repo, revision=hub_id.revision, local_files_only=True, allow_patterns=[])
        )
        if place_of(folder, WEIGHTS).is_file():
            return folder
    except LocalEntryNotFoundError:
        pass
    why = (
        Message("opening.offline", "offline mode is on")
        if isinstance(reason, OfflineModeIsEnabled)
        else Message("opening.no_files", "the hub gave no files ({error})", error=_short(reason))
    )
    raise CheckpointError(
        "opening.not_here",
        "{name} is not on this machine, neither as a folder nor in the hub's cache, and {why}. Where there is a "
        "network, fetch it beforehand: {command}",
        name=str(hub_id),
        why=why,
        command=hub_id.command,
    ) from reason


def _short(error: Exception) -> str:
    first = str(error).strip().splitlines()[:1]
    return f"{type(error).__name__}: {first[0][:100]}" if first else type(error).__name__


def _bar(progress: Progress) -> type[tqdm]:
    """A progress bar as the hub's client wants one, which tells ``progress`` instead of the terminal."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs | {"disable": True})
            progress(int(self.n), int(self.total or 0))  # the first chunk may be long in coming

        def update(self, n: float | None = 1) -> None:  # type: ignore[override]
            self.n += n or 0
            progress(int(self.n), int(self.total or 0))

    return Bar
