"""A U-Net from a stranger's config and weights: nothing is built before it is known how large it is.

The config passes a table of what each entry may be; others, and names of classes or modules, are never looked at. Then the
network is put together on torch's meta device, which has shapes and no memory, and a call of it is counted there. Only one
that has the shapes of the weights, which are in memory already, is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from explorer.storage.safe_read import CheckpointError
from explorer.storage.safetensors_file import tensors_of
from explorer.storage.validation import SWITCH, WORD, Entry, check_entries, list_of, number, or_null, whole
from explorer.support.arguments import shorten

if TYPE_CHECKING:
    from diffusers import UNet2DModel

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
MAX_SIDE = 1024  # pixels
MAX_PARTS = 10  # blocks, and layers of each
MAX_CHANNELS = 1 << 13
MAX_FLOP = 5e12  # of a call for one picture; DDPM's network for 256x256 has 0.5e12


CHANNELS = whole(1, MAX_CHANNELS)
WORDS = list_of(WORD, 1, MAX_PARTS)
ENTRIES: dict[str, Entry] = {
    "in_channels": CHANNELS,
    "out_channels": CHANNELS,
    "center_input_sample": SWITCH,
    "time_embedding_type": WORD,
    "time_embedding_dim": or_null(CHANNELS),
    "freq_shift": number(0, 1000),
    "flip_sin_to_cos": SWITCH,
    "down_block_types": WORDS,
    "mid_block_type": or_null(WORD),
    "up_block_types": WORDS,
    "block_out_channels": list_of(CHANNELS, 1, MAX_PARTS),
    "layers_per_block": whole(1, MAX_PARTS),
    "mid_block_scale_factor": number(1e-3, 1e3),
    "downsample_padding": whole(0, 1),
    "downsample_type": WORD,
    "upsample_type": WORD,
    "dropout": number(0, 1),
    "act_fn": WORD,
    "attention_head_dim": or_null(CHANNELS),
    "norm_num_groups": or_null(CHANNELS),
    "attn_norm_num_groups": or_null(CHANNELS),
    "norm_eps": number(0, 1),
    "resnet_time_scale_shift": WORD,
    "add_attention": SWITCH,
    "num_train_timesteps": or_null(whole(1, 1 << 20)),
}


def check_config(name: str, config: Mapping[str, Any]) -> None:
    """:class:`CheckpointError` unless the config is of a U-Net that can be used here, and small enough to look at.

    Args:
        name: of the checkpoint, for messages.
    """
    if config.get("_class_name") != "UNet2DModel":
        raise CheckpointError(
            "opening.other_network",
            "{name}: the U-Net is a {given}; only UNet2DModel is supported",
            name=name,
            given=shorten(config.get("_class_name")),
        )
    check_entries(config, ENTRIES, f"{name}: unet/config.json")
    if not all(type(n) is int and 1 <= n <= MAX_SIDE for n in sides_of(config)):
        raise CheckpointError(
            "opening.sample_size",
            "{name}: unet/config.json: sample_size must be the side in pixels, not {given}",
            name=name,
            given=shorten(config.get("sample_size")),
        )
    if config.get("class_embed_type") is not None or config.get("num_class_embeds") is not None:
        raise CheckpointError(
            "opening.class_labels",
            "{name}: the U-Net needs class labels; only unconditional ones are supported",
            name=name,
        )
    channels, others = config.get("in_channels", 3), config.get("out_channels", 3)
    if channels != others:
        raise CheckpointError(
            "opening.learned_variance",
            "{name}: the U-Net turns {channels} channels into {others} "
            "(a learned variance?); only networks that predict the noise alone are supported",
            name=name,
            channels=channels,
            others=others,
        )


def sides_of(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """(height, width) that the network works on; None where the config does not say so."""
    side = config.get("sample_size")
    if isinstance(side, (list, tuple)):
        return (side[0], side[1]) if len(side) == 2 else (None, None)
    return side, side


def make_unet(name: str, config: Mapping[str, Any], data: bytes) -> UNet2DModel:
    """The U-Net in torch, float32.

    Args:
        config: one that passed :func:`check_config`.
        data: a safetensors file.

    Raises:
        CheckpointError: a corrupt file, blocks that do not make a network, weights that do not fit it, a network too large.
    """
    from diffusers.models.unets.unet_2d import UNet2DModel

    try:
        weights = tensors_of(data)
    except ValueError as error:
        raise CheckpointError(
            "opening.corrupt",
            "{name}: {file} is truncated or corrupt ({error}); fetch or copy it again",
            name=name,
            file=WEIGHTS,
            error=str(error),
        ) from error
    known = {key: config[key] for key in (*ENTRIES, "sample_size") if key in config}
    try:
        with torch.device("meta"):
            outline = UNet2DModel(**known)
    except Exception as error:  # diffusers raises many kinds for a bad config
        raise _no_unet(name, error) from error
    outline._fix_state_dict_keys_on_load(weights)  # attention saved before diffusers 0.13 has other names
    try:
        outline.load_state_dict({key: weight.to("meta") for key, weight in weights.items()})
    except RuntimeError as error:
        reason = "; ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise CheckpointError(
            "opening.do_not_fit", "{name}: the weights do not fit unet/config.json: {error}", name=name, error=reason
        ) from error
    try:
        flop = flop_of_a_call(outline, known)
    except Exception as error:  # of shapes that do not meet
        raise _no_unet(name, error) from error
    if flop > MAX_FLOP:
        raise CheckpointError(
            "opening.too_slow",
            "{name}: one call of the network would take {flop} TFLOP; at most {most} are supported",
            name=name,
            flop=f"{flop / 1e12:.0f}",
            most=f"{MAX_FLOP / 1e12:.0f}",
        )
    unet = UNet2DModel(**known)
    unet.load_state_dict(weights)
    return unet


def flop_of_a_call(outline: torch.nn.Module, config: Mapping[str, Any]) -> float:
    """Floating-point operations of one call for one picture, of a network on the meta device; an error if its shapes do not meet."""
    from torch.utils.flop_counter import FlopCounterMode

    shape = (1, config.get("in_channels", 3), *sides_of(config))
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        made = outline(torch.empty(shape), 1, return_dict=False)[0]
    if made.shape != shape:
        raise ValueError(f"it turns {shape} into {tuple(made.shape)}")
    return counter.get_total_flops()


def _no_unet(name: str, error: Exception) -> CheckpointError:
    return CheckpointError(
        "opening.no_unet",
        "{name}: unet/config.json does not describe a UNet2DModel: {error}",
        name=name,
        error=shorten(str(error).strip(), 200),
    )
