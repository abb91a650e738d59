"""Engines that compute a U-Net.

- :mod:`network`: the interface of an engine, and the check of a faster engine against torch.
- :mod:`torch_network`: torch, in float32 or half precision.
- :mod:`openvino_network`: OpenVINO, for CPUs.
- :mod:`choose`: selects the fastest engine of this machine.
"""
