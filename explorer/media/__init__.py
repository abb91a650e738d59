"""Conversion between tensors and what people see.

- :mod:`convert`: tensors to pixels and back, colour maps, grids of pictures.
- :mod:`exports`: files of a run: PNG with settings, GIF, MP4, CSV and npz.
- :mod:`notebook`: display of steps and trajectories in notebooks.
- :mod:`uploads`: pictures that users upload.
"""
