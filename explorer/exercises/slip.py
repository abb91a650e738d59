"""A slip: a known mistake in the solution of a task, as a small wrong implementation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Slip:
    """A known mistake.

    Attributes:
        name: short name, such as "sigma-for-direction". The texts of the slip have it as key.
        term: key of the term of the formula that it affects, see :attr:`explorer.exercises.tasks.Task.terms`.
        function: the task's function with this mistake, in numpy; arguments as for the correct one.
    """

    name: str
    term: str
    function: Callable[..., Any]
