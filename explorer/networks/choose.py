"""Which network computes a U-Net: the fastest one whose pictures cannot be told apart from torch's by eye.

On a CPU the faster network is OpenVINO, in bfloat16 where the processor computes in that format: more than twice as fast
as torch, with eps off by less than 1 % and a picture off by a third of a grey level of 255. On CUDA and MPS it is torch's own half
precision. A faster network is used only after it has agreed with torch on one call.
"""

from __future__ import annotations

import torch

from explorer.networks.network import Network, check_agreement
from explorer.networks.torch_network import TorchNetwork


def fast_network(exact: TorchNetwork, shape: tuple[int, int, int]) -> Network:
    """Return the fastest network for the device of ``exact`` whose results are close to it.

    Args:
        exact: the network in torch, float32.
        shape: (C, H, W) of the input.

    Raises:
        EngineError: there is no faster network here, or its results are not close.
    """
    if exact.device.type == "cpu":
        from explorer.networks.openvino_network import OpenVinoNetwork

        return OpenVinoNetwork(exact, shape)
    bfloat16 = exact.device.type == "cuda" and torch.cuda.is_bf16_supported()
    network = TorchNetwork(exact.unet, exact.device, torch.bfloat16 if bfloat16 else torch.float16)
    check_agreement(network, exact, shape)
    return network
