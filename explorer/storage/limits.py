"""Limits that protect against hostile or damaged checkpoints: everything larger is refused.

The comments compare them with real checkpoints. DDPM for 256x256 pictures is the largest common pixel-space model.
"""

from __future__ import annotations

# Bytes
MAX_JSON_BYTES = 1 << 20  # of a JSON file; the largest of the shipped checkpoints has 10,000
MAX_WEIGHTS_BYTES = 4 << 30  # of a safetensors file; DDPM for 256x256 has half a gigabyte
MAX_HEADER_BYTES = 4 << 20  # of a safetensors header; DDPM for 256x256 has 100,000
MAX_PICTURES_BYTES = 256 << 20  # of examples.npz, decompressed
MAX_DOWNLOAD_BYTES = 4 << 30  # of a checkpoint on the hub

# U-Net
MAX_SIDE = 1024  # height or width, in pixels
MAX_CHANNELS = 1 << 13
MAX_BLOCKS = 10  # per path, and layers per block
MAX_PATCH = 16  # pixels
MAX_TENSOR_DIMENSIONS = 4
MAX_TENSOR_SIZE = 1 << 20  # of one dimension
MAX_FLOP = 5e12  # of one call with one picture; DDPM for 256x256 needs 0.5e12

# Scheduler
MAX_T = 10_000  # training time steps; published models have 1000 to 4000

# explorer.json
MAX_TITLE = 200  # characters
MAX_LICENCE = 1000  # characters
MAX_SEEDS = 100  # entries
MAX_SEED = 2**53 - 1  # the largest integer that JavaScript represents exactly

# quality.json
MAX_NUMBER = 1e15
MAX_TEXT = 2000  # characters
MAX_ROWS = 1000  # of a table or curve

# A stored result
MAX_RESULT_BYTES = 96 << 20  # of a file; 250 steps of a run have 64 MiB at most
MAX_RESULT_HEADER_BYTES = 256 << 10  # the largest of the lesson has 2,000
MAX_RESULT_ARRAYS = 16
MAX_RESULT_DIMENSIONS = 5
