"""The app: a tab per module, over the sampler core."""

import inspect

_getfile = inspect.getfile


def _of_no_class(thing: object) -> str:
    if isinstance(thing, type):
        raise OSError("no stub")
    return _getfile(thing)  # type: ignore[arg-type]


# Gradio writes a type stub beside the source of every component class when it is imported, which is half of the time that
# takes. It does without where the source of a class cannot be found.
inspect.getfile = _of_no_class  # type: ignore[assignment]
try:
    import explorer.ui.component  # noqa: F401
finally:
    inspect.getfile = _getfile
