"""Validation of the JSON configs of a checkpoint: every entry is checked before it is used.

:data:`UNET_SCHEMA`, :data:`SCHEDULER_SCHEMA` and :data:`CARD_SCHEMA` list the entries that are read and the values they
may have. All other entries are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.storage import limits
from explorer.storage.safe_read import CheckpointError
from explorer.support.arguments import shorten
from explorer.support.messages import Message


@dataclass(frozen=True)
class FieldType:
    """The allowed values of an entry.

    Attributes:
        allows: whether a JSON value is allowed; accepts any JSON value.
        expected: description for error messages.
    """

    allows: Callable[[Any], bool]
    expected: Message


def integer(low: int, high: int) -> FieldType:
    expected = Message("expected.whole", "a whole number from {low} to {high}", low=low, high=high)
    return FieldType(lambda v: type(v) is int and low <= v <= high, expected)


def number(low: float, high: float) -> FieldType:
    expected = Message("expected.number", "a number from {low} to {high}", low=f"{low:g}", high=f"{high:g}")
    return FieldType(lambda v: type(v) in (int, float) and low <= v <= high, expected)


def string(max_length: int) -> FieldType:
    expected = Message("expected.text", "a text of at most {most} characters", most=max_length)
    return FieldType(lambda v: isinstance(v, str) and len(v) <= max_length, expected)


def nullable(field: FieldType) -> FieldType:
    expected = Message("expected.or_null", "{entry}, or null", entry=field.expected)
    return FieldType(lambda v: v is None or field.allows(v), expected)


def list_of(item: FieldType, min_length: int, max_length: int) -> FieldType:
    count = (
        str(min_length)
        if min_length == max_length
        else Message("expected.range", "{least} to {most}", least=min_length, most=max_length)
    )
    expected = Message("expected.list", "a list of {count}, each {entry}", count=count, entry=item.expected)
    return FieldType(
        lambda v: isinstance(v, list) and min_length <= len(v) <= max_length and all(map(item.allows, v)), expected
    )


BOOLEAN = FieldType(lambda v: type(v) is bool, Message("expected.switch", "true or false"))
IDENTIFIER = FieldType(
    lambda v: isinstance(v, str) and len(v) <= 64 and v.isidentifier(), Message("expected.word", "a name")
)
CHANNELS = integer(1, limits.MAX_CHANNELS)
BLOCK_TYPES = list_of(IDENTIFIER, 1, limits.MAX_BLOCKS)

UNET_SCHEMA: dict[str, FieldType] = {  # arguments of diffusers' UNet2DModel, but for sample_size
    "in_channels": CHANNELS,
    "out_channels": CHANNELS,
    "center_input_sample": BOOLEAN,
    "time_embedding_type": IDENTIFIER,
    "time_embedding_dim": nullable(CHANNELS),
    "freq_shift": number(0, 1000),
    "flip_sin_to_cos": BOOLEAN,
    "down_block_types": BLOCK_TYPES,
    "mid_block_type": nullable(IDENTIFIER),
    "up_block_types": BLOCK_TYPES,
    "block_out_channels": list_of(CHANNELS, 1, limits.MAX_BLOCKS),
    "layers_per_block": integer(1, limits.MAX_BLOCKS),
    "mid_block_scale_factor": number(1e-3, 1e3),
    "downsample_padding": integer(0, 1),
    "downsample_type": IDENTIFIER,
    "upsample_type": IDENTIFIER,
    "dropout": number(0, 1),
    "act_fn": IDENTIFIER,
    "attention_head_dim": nullable(CHANNELS),
    "norm_num_groups": nullable(CHANNELS),
    "attn_norm_num_groups": nullable(CHANNELS),
    "norm_eps": number(0, 1),
    "resnet_time_scale_shift": IDENTIFIER,
    "add_attention": BOOLEAN,
    "num_train_timesteps": nullable(integer(1, 1 << 20)),
}
SCHEDULER_SCHEMA: dict[str, FieldType] = {
    "num_train_timesteps": integer(0, limits.MAX_T),
    "beta_start": number(0, 1),
    "beta_end": number(0, 1),
    "trained_betas": nullable(list_of(number(0, 1), 1, limits.MAX_T)),
    "clip_sample": nullable(BOOLEAN),
    "rescale_betas_zero_snr": nullable(BOOLEAN),
}
CARD_SCHEMA: dict[str, FieldType] = {
    "title": string(limits.MAX_TITLE),
    "shape": list_of(integer(1, limits.MAX_SIDE), 3, 3),
    "patch": integer(1, limits.MAX_PATCH),
    "licence": string(limits.MAX_LICENCE),
    "seeds": list_of(integer(0, limits.MAX_SEED), 1, limits.MAX_SEEDS),
}


def check_fields(config: Mapping[str, Any], schema: Mapping[str, FieldType], file: str) -> None:
    """Check the entries of ``config`` that ``schema`` lists. Missing entries are allowed.

    Args:
        file: name of the config file, for the message.

    Raises:
        CheckpointError: for the first entry with a value that is not allowed.
    """
    for key, field in schema.items():
        if key in config and not field.allows(config[key]):
            raise CheckpointError(
                "opening.entry",
                "{file}: {key} must be {expected}, not {given}",
                file=file,
                key=key,
                expected=field.expected,
                given=shorten(config[key]),
            )


def check_unet_config(name: str, config: Mapping[str, Any]) -> None:
    """Check that a U-Net's config describes an unconditional UNet2DModel that predicts one value per channel.

    Args:
        name: of the checkpoint, for messages.

    Raises:
        CheckpointError: another class, an entry that is not allowed, class labels, or a learned variance.
    """
    if config.get("_class_name") != "UNet2DModel":
        raise CheckpointError(
            "opening.other_network",
            "{name}: the U-Net is a {given}; only UNet2DModel is supported",
            name=name,
            given=shorten(config.get("_class_name")),
        )
    check_fields(config, UNET_SCHEMA, f"{name}: unet/config.json")
    if not all(type(n) is int and 1 <= n <= limits.MAX_SIDE for n in sample_size(config)):
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
    in_channels, out_channels = config.get("in_channels", 3), config.get("out_channels", 3)
    if in_channels != out_channels:
        raise CheckpointError(
            "opening.learned_variance",
            "{name}: the U-Net turns {channels} channels into {others} "
            "(a learned variance?); only networks that predict the noise alone are supported",
            name=name,
            channels=in_channels,
            others=out_channels,
        )


def sample_size(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return (height, width) of the U-Net's input; unchecked values, None where the config has none."""
    size = config.get("sample_size")
    if isinstance(size, (list, tuple)):
        return (size[0], size[1]) if len(size) == 2 else (None, None)
    return size, size
