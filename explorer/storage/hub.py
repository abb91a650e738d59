"""Download of checkpoints from the Hugging Face Hub into the hub's own cache.

Only the files that the explorer reads are downloaded, never pickles. The configs are downloaded and checked before the
weights, so an unsupported model costs no large download. ``HF_ENDPOINT`` sets the hub's address; with
``HF_HUB_OFFLINE=1`` only the cache is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.storage import limits
from explorer.storage.diffusers_folder import (
    CARD,
    EXAMPLES,
    INDEX,
    QUALITY,
    SCHEDULER_CONFIG,
    UNET_CONFIG,
    WEIGHTS,
    find_pickle,
    path_of,
    pickle_error,
    read_unet_config,
)
from explorer.storage.safe_read import CheckpointError
from explorer.support.arguments import shorten
from explorer.support.messages import Message

if TYPE_CHECKING:
    from huggingface_hub.utils import tqdm

Progress = Callable[[int, int], object]  # (downloaded bytes, total bytes)
NAME, REVISION = r"[A-Za-z0-9][\w.-]{0,95}", r"[A-Za-z0-9][\w./-]{0,254}"
HUB_ID = re.compile(rf"({NAME}/{NAME})(?:@({REVISION}))?", re.ASCII)


@dataclass(frozen=True)
class HubId:
    """The id of a model on the hub: ``owner/name``, or ``owner/name@revision`` with a branch, tag or commit."""

    repo: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> HubId | None:
        """Parse an id or the address of a model's page; None for any other text."""
        from huggingface_hub import constants

        match = HUB_ID.fullmatch(text.strip().removeprefix(f"{constants.ENDPOINT}/").rstrip("/"))
        return cls(match[1], match[2]) if match else None

    def __str__(self) -> str:
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"

    @property
    def command(self) -> str:
        """The shell command that downloads the checkpoint into the cache, for later use offline."""
        revision = f" --revision {self.revision}" if self.revision else ""
        return f"hf download {self.repo}{revision} --include '*.json' '*.safetensors' '*.npz'"


def fetch(hub_id: HubId, progress: Progress | None = None) -> Path:
    """Download a checkpoint unless the cache is up to date. If the hub is unreachable, use the cache.

    Args:
        progress: called during the download of the weights, from any thread; if None, a progress bar is printed.

    Returns:
        The checkpoint folder in the cache.

    Raises:
        CheckpointError: no such model or revision, no safetensors weights, larger than
            :data:`limits.MAX_DOWNLOAD_BYTES`, or an unsupported network; also if the hub is unreachable and the
            checkpoint is not in the cache.
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
        files = HfApi().model_info(hub_id.repo, revision=hub_id.revision, files_metadata=True).siblings or []
        *configs, weights = _files_to_download(hub_id, {file.rfilename: file.size or 0 for file in files})
        folder = Path()
        for name in configs:
            folder = _download(hub_id, name)
        read_unet_config(folder, str(hub_id))
        return _download(hub_id, weights, _progress_bar(progress) if progress else None)
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
            "{name} is neither a folder here nor a public model of the hub; check the spelling (a private "
            "one needs: hf auth login)",
            name=hub_id.repo,
        ) from error
    except (HTTPError, OSError) as error:  # no network, no response, a server error, a full disk
        return _cached_folder(hub_id, error)


def _files_to_download(hub_id: HubId, sizes: Mapping[str, int]) -> list[str]:
    """Names of the files to download, the weights last. Both layouts of :mod:`diffusers_folder` are supported."""
    has_subfolders = any(name.startswith("unet/") for name in sizes)
    config, weights, scheduler = (
        name if has_subfolders else name.partition("/")[2] for name in (UNET_CONFIG, WEIGHTS, SCHEDULER_CONFIG)
    )
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
        subfolder = config.rpartition("/")[0]
        if pickle := find_pickle(name for name in sizes if name.rpartition("/")[0] == subfolder):
            raise pickle_error(str(hub_id), pickle)
        raise CheckpointError(
            "opening.no_weights", "{name}: no weights; expected {file}", name=str(hub_id), file=weights
        )
    total = sum(sizes[name] for name in names)
    if total > limits.MAX_DOWNLOAD_BYTES:
        raise CheckpointError(
            "opening.too_large",
            "{name} has {size} GB; at most {most} GB are downloaded",
            name=str(hub_id),
            size=f"{total / 1e9:.1f}",
            most=f"{limits.MAX_DOWNLOAD_BYTES / 1e9:.1f}",
        )
    return names


def _download(hub_id: HubId, name: str, bar: type[tqdm] | None = None) -> Path:
    """Download a file unless the cache has it, and return the checkpoint folder."""
    from huggingface_hub import hf_hub_download

    path = Path(hf_hub_download(hub_id.repo, name, revision=hub_id.revision, tqdm_class=bar))
    return path.parents[name.count("/")]


def _cached_folder(hub_id: HubId, reason: Exception) -> Path:
    """The checkpoint folder in the cache; CheckpointError, with ``reason``, if it is missing or incomplete."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        folder = Path(
            snapshot_download(hub_id.repo, revision=hub_id.revision, local_files_only=True, allow_patterns=[])
        )
        if path_of(folder, WEIGHTS).is_file():
            return folder
    except LocalEntryNotFoundError:
        pass
    why = (
        Message("opening.offline", "offline mode is on")
        if isinstance(reason, OfflineModeIsEnabled)
        else Message("opening.no_files", "the hub gave no files ({error})", error=_summarize(reason))
    )
    raise CheckpointError(
        "opening.not_here",
        "{name} is not on this machine, neither as a folder nor in the hub's cache, and {why}. Download it "
        "beforehand on a machine with a network: {command}",
        name=str(hub_id),
        why=why,
        command=hub_id.command,
    ) from reason


def _summarize(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:100]}" if lines else type(error).__name__


def _progress_bar(progress: Progress) -> type[tqdm]:
    """A tqdm class for the hub's client that calls ``progress`` and prints nothing."""
    from huggingface_hub.utils import tqdm

    class CallbackBar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs | {"disable": True})
            progress(int(self.n), int(self.total or 0))  # the first chunk may take long

        def update(self, n: float | None = 1) -> None:  # type: ignore[override]
            self.n += n or 0
            progress(int(self.n), int(self.total or 0))

    return CallbackBar
