"""Files of checkpoints, data sets and caches.

Reading a checkpoint folder, whose files may be damaged or hostile:

- :mod:`diffusers_folder` reads the folder: U-Net, scheduler, ``explorer.json``.
- :mod:`validation` checks every entry of the JSON configs before it is used.
- :mod:`limits` holds all limits on sizes, counts and computation.
- :mod:`safe_read` reads regular files only, up to a limit, and never unpickles.
- :mod:`safetensors_file` checks the header of a weights file before it allocates tensors.
- :mod:`unet` builds the U-Net, after it has checked shapes and cost without allocating memory.
- :mod:`lazy_unet` puts that off until the network is needed.
- :mod:`quality_file` reads and writes ``quality.json``, the measurements of a checkpoint.
- :mod:`hub` downloads a checkpoint from the Hugging Face Hub.

Other files:

- :mod:`picture_dataset` reads a data set of pictures.
- :mod:`disk_cache` caches compiled networks.
- :mod:`atomic_write` writes files so that no reader sees a partial one.
"""
