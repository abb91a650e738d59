"""Selection of an engine whose pictures look the same as those of torch in float32.

On a CPU that is OpenVINO or torch, whichever is measured to be faster there, see :mod:`explorer.networks.engine_choice`.
On CUDA and MPS it is torch in half precision. An engine is used only if it agrees with torch on a test call.
"""

from __future__ import annotations

import torch

from explorer.networks.network import Network, check_agreement
from explorer.networks.torch_network import TorchNetwork


def fast_network(exact: TorchNetwork, shape: tuple[int, int, int], float32: bool = False) -> Network:
    """Return the fastest network for the device of ``exact`` whose output is close to that of ``exact``.

    Args:
        exact: the network in torch, float32.
        shape: (C, H, W) of the input.
        float32: whether all arithmetic must be float32.

    Raises:
        EngineError: no faster engine is available, or its output is not close enough.
    """
    if exact.device.type == "cpu":
        from explorer.networks.cpu_network import CpuNetwork

        return CpuNetwork(exact, shape, float32)
    if float32:
        return exact
    from explorer.networks.half_precision_network import HalfPrecisionNetwork

    bfloat16 = exact.device.type == "cuda" and torch.cuda.is_bf16_supported()
    network = HalfPrecisionNetwork(exact, shape, torch.bfloat16 if bfloat16 else torch.float16)
    check_agreement(network, exact, shape)
    return network
