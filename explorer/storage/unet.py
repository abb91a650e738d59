"""Construction of a U-Net from untrusted config and weights.

The network is first built on torch's meta device, which stores shapes but no data. There its weights' shapes are
compared with the file, and the cost of a call is counted. Only then is memory allocated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from explorer.storage import limits
from explorer.storage.safe_read import CheckpointError
from explorer.storage.safetensors_file import load_tensors
from explorer.storage.validation import UNET_SCHEMA, sample_size
from explorer.support.arguments import shorten

if TYPE_CHECKING:
    from diffusers import UNet2DModel

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def build_unet(name: str, config: Mapping[str, Any], weights_file: bytes) -> UNet2DModel:
    """Build the U-Net in torch, float32.

    Args:
        name: of the checkpoint, for messages.
        config: checked by :func:`explorer.storage.validation.check_unet_config`.
        weights_file: content of a safetensors file.

    Raises:
        CheckpointError: a corrupt file, an impossible combination of blocks, weights that do not fit the config, or a
            network that is too slow (:data:`limits.MAX_FLOP`).
    """
    from diffusers.models.unets.unet_2d import UNet2DModel

    try:
        weights = load_tensors(weights_file)
    except ValueError as error:
        raise CheckpointError(
            "opening.corrupt",
            "{name}: {file} is truncated or corrupt ({error}); download or copy it again",
            name=name,
            file=WEIGHTS,
            error=str(error),
        ) from error
    arguments = {key: config[key] for key in (*UNET_SCHEMA, "sample_size") if key in config}
    try:
        with torch.device("meta"):
            meta_unet = UNet2DModel(**arguments)
    except Exception as error:  # diffusers raises many types for an invalid config
        raise _invalid_config(name, error) from error
    meta_unet._fix_state_dict_keys_on_load(weights)  # diffusers before 0.13 used other names in attention layers
    try:
        meta_unet.load_state_dict({key: weight.to("meta") for key, weight in weights.items()})
    except RuntimeError as error:
        reason = "; ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise CheckpointError(
            "opening.do_not_fit", "{name}: the weights do not fit unet/config.json: {error}", name=name, error=reason
        ) from error
    try:
        flop = count_flop(meta_unet, arguments)
    except Exception as error:  # incompatible shapes raise many types
        raise _invalid_config(name, error) from error
    if flop > limits.MAX_FLOP:
        raise CheckpointError(
            "opening.too_slow",
            "{name}: one call of the network would take {flop} TFLOP; at most {most} are supported",
            name=name,
            flop=f"{flop / 1e12:.0f}",
            most=f"{limits.MAX_FLOP / 1e12:.0f}",
        )
    unet = UNet2DModel(**arguments)
    unet.load_state_dict(weights)
    return unet


def count_flop(meta_unet: torch.nn.Module, config: Mapping[str, Any]) -> float:
    """Count the floating-point operations of one call with one picture.

    Args:
        meta_unet: the network on the meta device.

    Raises:
        Exception: of any type, if the shapes inside the network are incompatible or the output has another shape.
    """
    from torch.utils.flop_counter import FlopCounterMode

    shape = (1, config.get("in_channels", 3), *sample_size(config))
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        output = meta_unet(torch.empty(shape), 1, return_dict=False)[0]
    if output.shape != shape:
        raise ValueError(f"its output has shape {tuple(output.shape)}, its input {shape}")
    return counter.get_total_flops()


def _invalid_config(name: str, error: Exception) -> CheckpointError:
    return CheckpointError(
        "opening.no_unet",
        "{name}: unet/config.json does not describe a UNet2DModel: {error}",
        name=name,
        error=shorten(str(error).strip(), 200),
    )
