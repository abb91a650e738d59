"""Latents written down: ``22``, ``slerp(13, 37, 0.5)``, ``encode(3, 100)``, or a mix of mixes.

The page, its address and its scripts name a latent by such a text, so a picture between two seeds can be opened, linked
and sent on like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.latents import latent, slerp
from explorer.runs.encoded_latent import AHEAD, MAX_ITERATIONS, MAX_STEPS, EncodedLatent
from explorer.schedule import SPACINGS, Spacing
from explorer.support.arguments import as_int, shorten
from explorer.support.messages import LocalizedError, Message

MAX_SEED = 2**53 - 1  # the largest whole number that survives a browser's JSON
MAX_DEPTH = 4
MAX_TEXT = 400
FUNCTIONS = ("slerp", "lerp", "encode")
MixKind = Literal["slerp", "lerp"]
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,20}")
UPLOAD_NAME = re.compile(r"[0-9a-f]{16}")
TOKEN = re.compile(r"\s*([0-9a-f]{16}(?![0-9a-f.])|[A-Za-z]+|[0-9.]+(?:e-?[0-9]+)?|[(),]|\S)\s*")


@dataclass(frozen=True)
class Seed:
    """x_T ~ N(0, I) of one seed."""

    seed: int

    def __str__(self) -> str:
        return str(self.seed)

    def latent(self, checkpoint: Checkpoint) -> Tensor:
        """x_T, float32 (1, C, H, W)."""
        return latent(checkpoint.shape, [self.seed])

    def check(self, checkpoint: Checkpoint) -> None:
        """ValueError, saying why, if the latent cannot be made on this checkpoint."""

    def to_python(self) -> str:
        """An expression on the public names; ``checkpoint`` stands for the checkpoint."""
        return f"ex.latent(checkpoint.shape, seeds=[{self.seed}])"


@dataclass(frozen=True)
class Mix:
    """A point between two latents, w = 0 at ``a``: on the sphere (slerp) or on the straight line (lerp)."""

    kind: MixKind
    a: LatentSpec
    b: LatentSpec
    w: float

    def __str__(self) -> str:
        return f"{self.kind}({self.a}, {self.b}, {self.w!r})"

    def latent(self, checkpoint: Checkpoint) -> Tensor:
        """x_T, float32 (1, C, H, W)."""
        a, b = self.a.latent(checkpoint), self.b.latent(checkpoint)
        return slerp(a, b, self.w) if self.kind == "slerp" else torch.lerp(a, b, self.w)

    def check(self, checkpoint: Checkpoint) -> None:
        """As :meth:`Seed.check`."""
        self.a.check(checkpoint)
        self.b.check(checkpoint)

    def to_python(self) -> str:
        name = "ex.slerp" if self.kind == "slerp" else "torch.lerp"
        return f"{name}({self.a.to_python()}, {self.b.to_python()}, {self.w!r})"


LatentSpec = Seed | Mix | EncodedLatent


def mix(a: LatentSpec, b: LatentSpec, w: float, kind: MixKind = "slerp") -> LatentSpec:
    """The point at ``w``, rounded to four decimals so that its text is short and exact; the ends are the ends themselves."""
    w = round(w, 4)
    return a if w == 0 else b if w == 1 else Mix(kind, a, b, w)


def with_imports(script: str) -> str:
    """A script on the public names, with the imports that it needs put before it."""
    lines = ["import explorer as ex"]
    if "torch." in script:
        lines.append("import torch")
    if "as_tensor(" in script:
        lines.append("from explorer.media.uploads import as_tensor, read_picture")
    return "\n".join(lines) + "\n\n" + script


def parse(given: object) -> LatentSpec:
    """A recipe from a seed or from its text.

    Raises:
        ValueError: saying what was expected: a whole number from 0 to 2^53 - 1; slerp(a, b, w) or lerp(a, b, w) with a
            and b the same again and w from 0 to 1; or encode(picture, S), encode(picture, S, iterations, spacing), each with
            ", ahead" after it or without.
    """
    if not isinstance(given, str) or not given.lstrip().startswith(FUNCTIONS):
        number = int(given) if isinstance(given, str) and WHOLE_NUMBER.fullmatch(given.strip()) else given
        return Seed(as_int(Message("field.seed", "latent seed"), number, 0, MAX_SEED))
    try:
        if len(given) > MAX_TEXT:
            raise ValueError("too long")
        recipe, rest = _recipe(TOKEN.findall(given), 0)
    except (IndexError, ValueError) as problem:
        raise _unreadable(given) from problem
    if rest:
        raise _unreadable(given)
    return recipe


def to_field(recipe: LatentSpec) -> int | str:
    """How the page holds a latent: a seed as a number, any other as its text."""
    return recipe.seed if isinstance(recipe, Seed) else str(recipe)


def parse_list(given: object, least: int, most: int) -> list[LatentSpec]:
    """Latents separated by commas, all different.

    Raises:
        ValueError: fewer than ``least`` or more than ``most``, one that cannot be read, or the same one twice.
    """
    parts = split(given)
    if not least <= len(parts) <= most:
        raise LocalizedError(
            "error.latents",
            "expected {least} to {most} latents separated by commas, not {count}",
            least=least,
            most=most,
            count=len(parts),
        )
    recipes = [parse(part) for part in parts]
    twice = [str(r) for i, r in enumerate(recipes) if r in recipes[:i]]
    if twice:
        raise LocalizedError(
            "error.latent_twice", "the latents must differ, and {given} is there twice", given=shorten(twice[0])
        )
    return recipes


def split(given: object) -> list[str]:
    """The parts of a list, separated by commas outside of brackets; empty ones are dropped."""
    if not isinstance(given, str) or len(given) > 4 * MAX_TEXT:
        raise LocalizedError("error.list", "expected a list separated by commas, not {given}", given=shorten(given))
    parts, depth = [""], 0
    for character in given:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _recipe(tokens: list[str], depth: int) -> tuple[LatentSpec, list[str]]:
    """The recipe that ``tokens`` begin with, and what follows it."""
    name, rest = tokens[0], tokens[1:]
    if name == "encode":
        return _encoded(_after("(", rest))
    if name not in FUNCTIONS:
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


def _encoded(tokens: list[str]) -> tuple[EncodedLatent, list[str]]:
    end = tokens.index(")")
    values = tokens[:end:2]
    if any(comma != "," for comma in tokens[1:end:2]) or end != 2 * len(values) - 1:
        raise ValueError("expected values with commas between them")
    ahead = values[-1] == AHEAD
    values = values[: len(values) - ahead]
    if not 2 <= len(values) <= 4:
        raise ValueError("expected 2 to 4 values")
    picture = values[0] if UPLOAD_NAME.fullmatch(values[0]) else int(values[0])
    steps, iterations = as_int("S", int(values[1]), 1, MAX_STEPS), int(values[2]) if len(values) > 2 else 0
    spacing = values[3] if len(values) > 3 else "linear"
    if not 0 <= iterations <= MAX_ITERATIONS or spacing not in SPACINGS:
        raise ValueError("iterations or spacing out of range")
    return EncodedLatent(picture, steps, iterations, cast(Spacing, spacing), ahead), tokens[end + 1 :]


def _after(token: str, tokens: list[str]) -> list[str]:
    if tokens[0] != token:
        raise ValueError(f"expected {token}")
    return tokens[1:]


def _unreadable(given: str) -> LocalizedError:
    return LocalizedError(
        "error.latent",
        "latent must be a seed, slerp(a, b, w), lerp(a, b, w) or encode(picture, S), w from 0 to 1, not {given}",
        given=shorten(given),
    )
