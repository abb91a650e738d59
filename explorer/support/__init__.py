"""Shared helpers: argument checks, translatable messages, caches, notebook display."""
