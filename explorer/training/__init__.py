"""Training: data sets, the loop, and the checkpoint folder that it writes."""
