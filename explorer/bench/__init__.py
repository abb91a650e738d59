"""Benchmarks and load tests: ``python -m explorer bench``."""
