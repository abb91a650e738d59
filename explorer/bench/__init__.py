"""How fast it is, measured: ``python -m explorer bench``."""
