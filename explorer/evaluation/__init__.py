"""Measuring a checkpoint: Fréchet distance over S and eta, reconstruction error over S, held-out loss over t."""
