"""The app: a tab per module, over the sampler core."""
