"""A step of the user's own: a function that takes x_t to x_prev, from Python or from a file, and its errors with their lines.

The function runs in the process of the app, with its rights. So the app takes one from its command line or from a notebook only,
never from a page, and never in public.
"""

from __future__ import annotations

import copy
import inspect
import linecache
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.exercises.calling import conventions_for
from explorer.schedule import Coefficients
from explorer.support.messages import LocalizedError

ARGUMENTS = ("x_t", "eps", "z", "alpha_bar", "alpha_bar_prev", "eta")
SIGNATURE = f"({', '.join(ARGUMENTS)})"


class CustomStepError(LocalizedError):
    """A user's step cannot be used, or has no usable result. The message says where and what was expected."""


class CustomStep:
    """A user's step ``x_prev = function(x_t, eps, z, alpha_bar, alpha_bar_prev, eta)``.

    The arguments are those of Eq. 12 (Song, Meng & Ermon 2020):

    - x_t: (B, C, H, W), a torch tensor; a numpy array for a function whose code names numpy and not torch.
    - eps: predicted noise, same shape; with clip the one that follows from the clipped predicted x_0.
    - z: N(0, I), same shape, also where Eq. 12 adds no noise.
    - alpha_bar, alpha_bar_prev, eta: floats; alpha_bar_prev is 1 in the last step.

    Args:
        function: the step. It is called with copies, so it may change its arguments.
        file: that it was read from, if any.

    Raises:
        CustomStepError: the function cannot be called with these arguments.
    """

    def __init__(self, function: Callable[..., Any], file: Path | None = None) -> None:
        self._file, self._stamp = file, _stamp(file)
        self.replace(function)

    def replace(self, function: Callable[..., Any]) -> None:
        """Take another function, from the next run on. Errors as for the class."""
        name = getattr(function, "__name__", type(function).__name__)
        _check_signature(name, function)
        self.name, self._function = name, function
        self._convention = conventions_for(function)[0]

    @classmethod
    def from_file(cls, text: str) -> CustomStep:
        """Read a step from a file.

        Args:
            text: "path/to/file.py:function".

        Raises:
            CustomStepError: the text has another form, the file cannot be read or raises an error, or it has no such function.
        """
        path, colon, name = text.rpartition(":")
        if not colon or not path or not name.isidentifier():
            raise CustomStepError(
                "sampler.form", "expected FILE.py:FUNCTION, such as my.py:my_step, not {text}", text=repr(text)
            )
        file = Path(path).expanduser().resolve()
        return cls(_function_in(file, name), file)

    def current(self) -> CustomStep:
        """Return the step for one run: as its file has it now, if there is one. Errors as for :meth:`from_file`."""
        if self._file is None or _stamp(self._file) == self._stamp:
            return copy.copy(self)
        return CustomStep.from_file(f"{self._file}:{self.name}")

    def __call__(self, x_t: Tensor, eps: Tensor, z: Tensor, coefficients: Coefficients, eta: float) -> Tensor:
        """Return x_prev as the function computes it, with the shape, dtype and device of ``x_t``.

        Raises:
            CustomStepError: the function raises an error, or returns something else than finite values of this shape.
        """
        levels = coefficients.alpha_bar, coefficients.alpha_bar_prev, float(eta)
        try:
            value = self._function(*(self._given(tensor) for tensor in (x_t, eps, z)), *levels)
        except Exception as error:
            raise CustomStepError(
                "sampler.raises",
                "{name} failed at t = {t}, {where}: {error}",
                name=self.name,
                t=coefficients.t,
                where=_place(error, self._function),
                error=f"{type(error).__name__}: {error}",
            ) from error
        x_prev = self._tensor(value, x_t, coefficients.t)
        if not bool(torch.isfinite(x_prev).all()):
            raise CustomStepError(
                "sampler.not_finite",
                "{name} returned values that are not finite (NaN or infinity) at t = {t}",
                name=self.name,
                t=coefficients.t,
            )
        return x_prev.to(x_t)

    def _given(self, tensor: Tensor) -> Any:
        return tensor.clone() if self._convention.in_torch else tensor.cpu().numpy().copy()

    def _tensor(self, value: Any, like: Tensor, t: int) -> Tensor:
        """The result as a tensor, if it has the right shape."""
        is_array = isinstance(value, (Tensor, np.ndarray))
        found = f"{type(value).__name__} {tuple(value.shape)}" if is_array else type(value).__name__
        if not is_array or tuple(value.shape) != tuple(like.shape):
            raise CustomStepError(
                "sampler.shape",
                "{name} returned {found} at t = {t}; expected x_prev {expected}",
                name=self.name,
                found=found,
                t=t,
                expected=str(tuple(like.shape)),
            )
        tensor = torch.as_tensor(value).detach()
        if tensor.is_complex() or tensor.dtype == torch.bool:
            raise CustomStepError(
                "sampler.dtype",
                "{name} returned {dtype} at t = {t}; expected floating point numbers",
                name=self.name,
                dtype=str(tensor.dtype).removeprefix("torch."),
                t=t,
            )
        return tensor


def _function_in(file: Path, name: str) -> Callable[..., Any]:
    """Run a file and return its function."""
    try:
        source = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise CustomStepError("sampler.file", "cannot read {file}: {why}", file=str(file), why=reason) from error
    linecache.checkcache(str(file))
    space: dict[str, Any] = {"__name__": file.stem, "__file__": str(file)}
    try:
        exec(compile(source, str(file), "exec"), space)
    except Exception as error:
        where = f"line {error.lineno}" if isinstance(error, SyntaxError) else _line(error, str(file))
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        raise CustomStepError(
            "sampler.import",
            "{file} failed, {where}: {error}",
            file=file.name,
            where=where,
            error=f"{type(error).__name__}: {text}",
        ) from error
    function = space.get(name)
    if not callable(function):
        raise CustomStepError("sampler.missing", "{file} has no function {name}", file=file.name, name=name)
    return function


def _check_signature(name: str, function: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind(*ARGUMENTS)
    except TypeError:
        given = f"{name}{signature}"
        raise CustomStepError(
            "sampler.signature",
            "{given} cannot be called as {expected}",
            given=given,
            expected=f"{name}{SIGNATURE}",
        ) from None


def _line(error: BaseException, file: str) -> str:
    """The last line of a file that led to an error, such as "line 3: x = x_t / 0"; empty if none did."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if not frames:
        return ""
    return f"line {frames[-1].lineno}: {frames[-1].line:.80}" if frames[-1].line else f"line {frames[-1].lineno}"


def _place(error: BaseException, function: Callable[..., Any]) -> str:
    """Where a function failed, such as "my.py, line 3: x = x_t / 0"."""
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    name = Path(file).name or getattr(function, "__name__", "the step")
    return ", ".join(filter(None, (name, _line(error, file))))


def _stamp(file: Path | None) -> tuple[int, int] | None:
    """What changes when a file is saved."""
    try:
        status = file.stat() if file is not None else None
    except OSError:
        return None
    return status and (status.st_mtime_ns, status.st_size)
