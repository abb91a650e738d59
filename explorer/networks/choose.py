"""Selection of the fastest engine whose pictures look the same as those of torch in float32.

On a CPU that is OpenVINO, in bfloat16 if the processor supports it: more than twice as fast as torch, with an error
below 1 % in eps and of a third of a grey level (of 255) in a picture. On CUDA and MPS it is torch in half precision. A
faster engine is used only if it agrees with torch on a test call.
"""

from __future__ import annotations

import torch

from explorer.networks.network import Network, check_agreement
from explorer.networks.torch_network import TorchNetwork


def fast_network(exact: TorchNetwork, shape: tuple[int, int, int]) -> Network:
    """Return the fastest network for the device of ``exact`` whose output is close to that of ``exact``.

    Args:
        exact: the network in torch, float32.
        shape: (C, H, W) of the input.

    Raises:
        EngineError: no faster engine is available, or its output is not close enough.
    """
    if exact.device.type == "cpu":
        from explorer.networks.openvino_network import OpenVinoNetwork

        return OpenVinoNetwork(exact, shape)
    bfloat16 = exact.device.type == "cuda" and torch.cuda.is_bf16_supported()
    network = TorchNetwork(exact.unet, exact.device, torch.bfloat16 if bfloat16 else torch.float16)
    check_agreement(network, exact, shape)
    return network
