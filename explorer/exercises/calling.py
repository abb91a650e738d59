"""Call a learner's function: in torch or numpy, within a time limit, on copies of the arguments.

The function runs in the learner's own process, in a thread of its own. When its time is up, an exception is raised in that
thread, which ends any loop written in Python. A call of C code that never returns, such as ``time.sleep``, ends when it
returns; until then the thread stays behind, as a daemon that does not keep the process alive.
"""

from __future__ import annotations

import ctypes
import inspect
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from explorer.exercises.exact_loop import Record, RecordedLoop, to_numpy
from explorer.exercises.tasks import Task

POLL = 0.05  # seconds after which a waiting caller looks for an interrupt


class Problem(Exception):
    """Why a function has no result that could be compared.

    Attributes:
        name: key of its texts, such as "raises".
        values: what the texts fill in.
    """

    def __init__(self, name: str, **values: str | int | float) -> None:
        super().__init__(name)
        self.name, self.values = name, values


class _Stop(BaseException):
    """Raised in the thread of a function whose time is up."""


@dataclass(frozen=True)
class Convention:
    """How arrays and numbers are passed.

    Attributes:
        in_torch: whether arrays are torch tensors; numpy arrays otherwise.
        tensor_numbers: whether alpha_bar, eta and w are 0-dimensional tensors; floats otherwise.
    """

    in_torch: bool
    tensor_numbers: bool = False

    def convert(self, value: Any) -> Any:
        """A copy of an argument, as this convention passes it. Lists are copied; ints and functions stay as they are."""
        if isinstance(value, list):
            return list(value)
        if isinstance(value, np.ndarray):
            as_table = value.ndim == 1  # alpha_bar of all t
            to_torch = self.tensor_numbers if as_table else self.in_torch
            return torch.from_numpy(value.copy()) if to_torch else value.copy()
        if isinstance(value, float):
            return torch.tensor(value, dtype=torch.float64) if self.tensor_numbers else np.float64(value)
        return value


CONVENTIONS = (Convention(True), Convention(True, tensor_numbers=True), Convention(False))


def conventions_for(function: Callable[..., Any]) -> tuple[Convention, ...]:
    """All conventions; numpy first for a function whose code names numpy and not torch."""
    names = set(getattr(getattr(function, "__code__", None), "co_names", ()))
    in_numpy = bool(names & {"np", "numpy"}) and "torch" not in names
    return CONVENTIONS[::-1] if in_numpy else CONVENTIONS


@dataclass(frozen=True)
class Outcome:
    """The result of one call.

    Attributes:
        value: float64, or ints. NaN if ``problem`` is set.
        dtype: of the result.
        record: what a loop did; None for other tasks.
        problem: an arithmetic error that ended the call.
    """

    value: np.ndarray
    dtype: str
    record: Record | None = None
    problem: Problem | None = None


class Clock:
    """The time that a function may take, over all its calls. ``seconds=None`` sets no limit and starts no threads."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._left = seconds or 0.0

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``, and raise what it raises.

        Raises:
            Problem: "time-limit", when the time is up.
        """
        if self.seconds is None:
            return function(*args)
        done: list[Any] = []

        def run() -> None:
            try:
                done.extend((True, function(*args)))
            except BaseException as error:  # an interrupt or sys.exit() in the function is an error of the function
                done.extend((False, error))

        thread = threading.Thread(target=run, name="exercise", daemon=True)
        began = time.monotonic()
        thread.start()
        try:
            while thread.is_alive() and time.monotonic() - began < self._left:
                thread.join(min(POLL, self._left))
        finally:  # also when the caller is interrupted
            if thread.is_alive():
                _raise_in(thread)
        self._left = max(0.0, self._left - (time.monotonic() - began))
        if len(done) != 2 or isinstance(done[1], _Stop):
            self._left = 0.0
            raise Problem("time-limit", seconds=self.seconds)
        ended, value = done
        if not ended:
            raise value
        return value


def _raise_in(thread: threading.Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop))
    thread.join(POLL)


class Solution:
    """A learner's function for a task, in one convention."""

    def __init__(self, task: Task, function: Callable[..., Any], convention: Convention, clock: Clock) -> None:
        self.task, self.function, self.convention, self.clock = task, function, convention, clock

    def __call__(self, *args: Any, network: Callable[[Any, int], Any] | None = None) -> Outcome:
        """Call the function once.

        Args:
            args: of the task, in numpy; without ``step`` and ``predict_noise`` of a loop.
            network: eps_theta(x_t, t) of a loop; None for the exact one.

        Raises:
            Problem: it has no result, or one of another kind, or it changed its arguments.
        """
        loop = RecordedLoop(args[0], args[-1], network) if self.task.is_loop else None
        given = [self.convention.convert(value) for value in args]
        before = [to_numpy(value) for value in given]
        functions = (loop.step, loop.predict_noise) if loop else ()
        try:
            value = self.clock.call(_quietly, self.function, *functions, *given)
        except Problem:
            raise
        except NotImplementedError as error:
            raise Problem("not-implemented", text=str(error)) from error
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and self.clock.seconds is None:
                raise
            raise Problem("raises", error=type(error).__name__, text=str(error), line=_line_of(error)) from error
        outcome = self._outcome(value, loop.record if loop else None, args)
        for name, value, old in zip(self.task.arguments[len(functions) :], given, before, strict=True):
            if not np.array_equal(to_numpy(value), old, equal_nan=True):
                raise Problem("in-place", argument=name)
        return outcome

    def _outcome(self, value: Any, record: Record | None, args: tuple[Any, ...]) -> Outcome:
        if value is None:
            raise Problem("no-result")
        expected = {"array": "array", "number": "number", "steps": "list of ints"}[self.task.result]
        try:
            array = to_numpy(list(value) if isinstance(value, range) else value)
        except (TypeError, ValueError, RuntimeError):
            array = np.array(None)
        if array.dtype.kind not in "fiu":
            raise Problem("wrong-type", type=type(value).__name__, expected=expected)
        dtype = str(getattr(value, "dtype", array.dtype)).removeprefix("torch.")
        if dtype in ("float16", "bfloat16"):
            raise Problem("float16", dtype=dtype)
        if self.task.result == "number" and array.size == 1:
            array = array.reshape(())
        shape = {"array": np.shape(args[-1 if self.task.is_loop else 0]), "number": ()}.get(self.task.result)
        if shape is None and array.ndim != 1:
            raise Problem("shape", shape=str(array.shape), expected="(S,)")
        if shape is not None and array.shape != shape:
            raise Problem("shape", shape=str(array.shape), expected=str(shape) if shape else "()")
        return Outcome(array, dtype, record)


def _quietly(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function without numpy's warnings of divisions by 0 and the like: a report tells of results that are not finite."""
    with np.errstate(all="ignore"):
        return function(*args)


def check_signature(task: Task, function: Callable[..., Any]) -> None:
    """Raise Problem "signature" unless the function can be called with the task's arguments by position."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind(*task.arguments)
    except TypeError:
        name = getattr(function, "__name__", "function")
        raise Problem("signature", given=f"{name}{signature}", expected=task.signature) from None


def _line_of(error: BaseException) -> str:
    """The line of the learner's code where an error was raised, such as "line 3: x = x_t / 0"; empty if there is none."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    if not frames:
        return ""
    own = frames[0].filename
    last = [frame for frame in frames if frame.filename == own][-1]
    return f"{last.lineno}: {last.line:.80}" if last.line else str(last.lineno)
