"""Training of a noise prediction network: the loop, and the checkpoint folder that it writes."""
