"""Latents written down: ``22``, ``slerp(13, 37, 0.5)``, or a mix of mixes.

The page, its address and its scripts name a latent by such a text, so a picture between two seeds can be opened, linked
and sent on like any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from explorer.latents import latent, slerp
from explorer.schedule import as_int, short

MAX_SEED = 2**53 - 1  # the largest whole number that survives a browser's JSON
MAX_DEPTH = 4
MAX_TEXT = 400
Kind = Literal["slerp", "lerp"]
TOKEN = re.compile(r"\s*([A-Za-z]+|[0-9.]+(?:e-?[0-9]+)?|[(),]|\S)\s*")


@dataclass(frozen=True)
class Seed:
    """x_T ~ N(0, I) of one seed."""

    seed: int

    def __str__(self) -> str:
        return str(self.seed)

    def make(self, shape: Sequence[int]) -> Tensor:
        """x_T, float32 (1, C, H, W)."""
        return latent(shape, [self.seed])

    def to_python(self) -> str:
        """An expression on the public names; ``checkpoint`` stands for the checkpoint."""
        return f"ex.latent(checkpoint.shape, seeds=[{self.seed}])"


@dataclass(frozen=True)
class Mix:
    """A point between two latents, w = 0 at ``a``: on the sphere (slerp) or on the straight line (lerp)."""

    kind: Kind
    a: Recipe
    b: Recipe
    w: float

    def __str__(self) -> str:
        return f"{self.kind}({self.a}, {self.b}, {self.w!r})"

    def make(self, shape: Sequence[int]) -> Tensor:
        """x_T, float32 (1, C, H, W)."""
        a, b = self.a.make(shape), self.b.make(shape)
        return slerp(a, b, self.w) if self.kind == "slerp" else torch.lerp(a, b, self.w)

    def to_python(self) -> str:
        name = "ex.slerp" if self.kind == "slerp" else "torch.lerp"
        return f"{name}({self.a.to_python()}, {self.b.to_python()}, {self.w!r})"


Recipe = Seed | Mix


def mix(a: Recipe, b: Recipe, w: float, kind: Kind = "slerp") -> Recipe:
    """The point at ``w``, rounded to four decimals so that its text is short and exact; the ends are the ends themselves."""
    w = round(w, 4)
    return a if w == 0 else b if w == 1 else Mix(kind, a, b, w)


def parse(given: object) -> Recipe:
    """A recipe from a seed or from its text.

    Raises:
        ValueError: saying what was expected: a whole number from 0 to 2^53 - 1, or slerp(a, b, w) or lerp(a, b, w) with
            a and b the same again and w from 0 to 1.
    """
    if not isinstance(given, str):
        return Seed(as_int("latent seed", given, 0, MAX_SEED))
    tokens = TOKEN.findall(given[: MAX_TEXT + 1])
    if len(given) > MAX_TEXT or not tokens or tokens[0] not in ("slerp", "lerp"):
        plain = given.strip()
        number = (
            int(plain) if len(plain) <= 20 and plain.lstrip("-").isascii() and plain.lstrip("-").isdigit() else given
        )
        return Seed(as_int("latent seed", number, 0, MAX_SEED))
    try:
        recipe, rest = _recipe(tokens, 0)
    except (IndexError, ValueError) as problem:
        raise ValueError(_expected(given)) from problem
    if rest:
        raise ValueError(_expected(given))
    return recipe


def to_field(recipe: Recipe) -> int | str:
    """How the page holds a latent: a seed as a number, any other as its text."""
    return recipe.seed if isinstance(recipe, Seed) else str(recipe)


def parse_list(given: object, least: int, most: int) -> list[Recipe]:
    """Latents separated by commas, all different.

    Raises:
        ValueError: fewer than ``least`` or more than ``most``, one that cannot be read, or the same one twice.
    """
    parts = split(given)
    if not least <= len(parts) <= most:
        raise ValueError(f"expected {least} to {most} latents separated by commas, not {len(parts)}")
    recipes = [parse(part) for part in parts]
    twice = [str(r) for i, r in enumerate(recipes) if r in recipes[:i]]
    if twice:
        raise ValueError(f"the latents must differ, and {short(twice[0])} is there twice")
    return recipes


def split(given: object) -> list[str]:
    """The parts of a list, separated by commas outside of brackets; empty ones are dropped."""
    if not isinstance(given, str) or len(given) > 4 * MAX_TEXT:
        raise ValueError(f"expected a list separated by commas, not {short(given)}")
    parts, depth = [""], 0
    for character in given:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _recipe(tokens: list[str], depth: int) -> tuple[Recipe, list[str]]:
    """The recipe that ``tokens`` begin with, and what follows it."""
    name, rest = tokens[0], tokens[1:]
    if name not in ("slerp", "lerp"):
        return Seed(as_int("seed", int(name), 0, MAX_SEED)), rest
    if depth == MAX_DEPTH:
        raise ValueError("too deep")
    a, rest = _recipe(_after("(", rest), depth + 1)
    b, rest = _recipe(_after(",", rest), depth + 1)
    number, *rest = _after(",", rest)
    w = float(number)
    if not 0 <= w <= 1:
        raise ValueError("w outside [0, 1]")
    return Mix("slerp" if name == "slerp" else "lerp", a, b, w), _after(")", rest)


def _after(token: str, tokens: list[str]) -> list[str]:
    if tokens[0] != token:
        raise ValueError(f"expected {token}")
    return tokens[1:]


def _expected(given: str) -> str:
    return f"latent must be a seed, or slerp(a, b, w) or lerp(a, b, w) with w from 0 to 1, not {short(given)}"
