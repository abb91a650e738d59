"""Prepared lectures: the pages of a lesson, computed ahead into the store on disk.

- :mod:`links`: the pages that are to be prepared, as addresses of the app.
- :mod:`preparation`: computes them, and reports how far it is.
- :mod:`contents`: what the store has.
- :mod:`command`: ``python -m explorer prepare``.
"""
