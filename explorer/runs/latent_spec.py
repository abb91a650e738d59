"""Latents as text: ``22``, ``slerp(13, 37, 0.5)``, ``encode(3, 100)``, or nested expressions of these.

The page, its URL and the API identify latents by such texts, so an interpolated or encoded latent can be opened and
shared like any other. They may be typed with full-width characters, capitals, semicolons between the parts, and a decimal
comma in w. Grammar::

    latent  = seed | mix | encoded
    mix     = ("slerp" | "lerp") "(" latent "," latent "," w ")"        with 0 <= w <= 1
    encoded = "encode" "(" picture "," S ["," iterations ["," spacing]] ["," ("ahead" | "label-t")] ")"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.inversion import Label
from explorer.latents import latent, slerp
from explorer.runs.encoded_latent import AHEAD, LABEL_T, MAX_ITERATIONS, MAX_STEPS, EncodedLatent
from explorer.schedule import SPACINGS, Spacing
from explorer.support.arguments import as_int, shorten
from explorer.support.messages import LocalizedError
from explorer.support.number_text import is_blank, read_whole, to_ascii

MAX_SEED = 2**53 - 1  # the largest integer that JavaScript represents exactly
MAX_DEPTH = 4  # of nested mixes
MAX_TEXT = 400  # characters
FUNCTIONS = ("slerp", "lerp", "encode")
MixKind = Literal["slerp", "lerp"]
UPLOAD_NAME = re.compile(r"[0-9a-f]{16}")
TOKEN = re.compile(r"\s*([0-9a-f]{16}(?![0-9a-f.])|[A-Za-z]+(?:-[A-Za-z]+)*|[0-9.]+(?:e-?[0-9]+)?|[(),]|\S)\s*")


@dataclass(frozen=True)
class Seed:
    """The latent x_T ~ N(0, I) of a seed."""

    seed: int

    def __str__(self) -> str:
        return str(self.seed)

    def latent(self, checkpoint: Checkpoint) -> Tensor:
        """x_T, float32 (1, C, H, W)."""
        return latent(checkpoint.shape, [self.seed])

    def check(self, checkpoint: Checkpoint) -> None:
        """Raise ValueError if the latent cannot be computed for this checkpoint."""

    def to_python(self) -> str:
        """Return a Python expression for the latent that uses ``ex``, ``torch`` and a variable ``checkpoint``."""
        return f"ex.latent(checkpoint.shape, seeds=[{self.seed}])"


@dataclass(frozen=True)
class Mix:
    """Interpolation from latent ``a`` (w = 0) to ``b`` (w = 1), spherical (slerp) or linear (lerp)."""

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
        """Raise ValueError if one of the latents cannot be computed for this checkpoint."""
        self.a.check(checkpoint)
        self.b.check(checkpoint)

    def to_python(self) -> str:
        function = "ex.slerp" if self.kind == "slerp" else "torch.lerp"
        return f"{function}({self.a.to_python()}, {self.b.to_python()}, {self.w!r})"


LatentSpec = Seed | Mix | EncodedLatent


def mix(a: LatentSpec, b: LatentSpec, w: float, kind: MixKind = "slerp") -> LatentSpec:
    """Return the interpolation at ``w``, rounded to four decimals to keep its text short; ``a`` or ``b`` at an end."""
    w = round(w, 4)
    return a if w == 0 else b if w == 1 else Mix(kind, a, b, w)


def uses_upload(spec: LatentSpec) -> bool:
    """Whether a latent depends on a picture that a user has uploaded."""
    if isinstance(spec, Mix):
        return uses_upload(spec.a) or uses_upload(spec.b)
    return isinstance(spec, EncodedLatent) and isinstance(spec.picture, str)


def with_imports(script: str) -> str:
    """Return the script with the imports that it needs prepended."""
    lines = ["import explorer as ex"]
    if "torch." in script:
        lines.append("import torch")
    if "as_tensor(" in script:
        lines.append("from explorer.media.uploads import as_tensor, read_picture")
    return "\n".join(lines) + "\n\n" + script


def parse(value: object) -> LatentSpec:
    """Parse a latent from its text, or from a seed as a number. The grammar is that of this module.

    Raises:
        ValueError: the text is not in the grammar, or a number is out of range. The message says what was expected.
    """
    if is_blank(value):
        raise LocalizedError(
            "error.no_latent",
            "the latent is missing; expected a seed from 0 to {high}, or a text such as slerp(10, 29, 0.5) or encode(3, 100)",
            high=MAX_SEED,
        )
    if not isinstance(value, str) or not (text := _normalized(value[:MAX_TEXT])).startswith(FUNCTIONS):
        return _parse_seed(value)
    try:
        if len(value) > MAX_TEXT:
            raise ValueError("too long")
        spec, rest = _parse_latent(TOKEN.findall(text), 0)
    except (IndexError, ValueError) as error:
        raise _syntax_error(value) from error
    if rest:
        raise _syntax_error(value)
    return spec


def _parse_seed(value: object) -> Seed:
    number = read_whole(value) if isinstance(value, str) else None
    try:
        return Seed(as_int("seed", value if number is None else number, 0, MAX_SEED))
    except ValueError:
        raise LocalizedError(
            "error.seed",
            "a latent is a seed from 0 to {high}, or a text such as slerp(10, 29, 0.5) or encode(3, 100), not {given}",
            high=MAX_SEED,
            given=shorten(value),
        ) from None


def _normalized(text: str) -> str:
    """The text as the grammar has it: ASCII, small letters, commas between the parts."""
    return to_ascii(text).lower().replace(";", ",")


def to_field(spec: LatentSpec) -> int | str:
    """Return the JSON value of a latent: a seed as a number, any other latent as its text."""
    return spec.seed if isinstance(spec, Seed) else str(spec)


def parse_list(value: object, least: int, most: int) -> list[LatentSpec]:
    """Parse latents separated by commas.

    Args:
        value: the text.
        least, most: allowed number of latents.

    Raises:
        ValueError: there are too few or too many, one is not valid, or two are equal.
    """
    parts = split(value)
    if not least <= len(parts) <= most:
        raise LocalizedError(
            "error.latents",
            "expected {least} to {most} latents separated by commas, not {count}",
            least=least,
            most=most,
            count=len(parts),
        )
    specs = [parse(part) for part in parts]
    duplicates = [str(spec) for i, spec in enumerate(specs) if spec in specs[:i]]
    if duplicates:
        raise LocalizedError(
            "error.latent_twice", "the latents must differ, but {given} appears twice", given=shorten(duplicates[0])
        )
    return specs


def split(value: object) -> list[str]:
    """Split a text at commas or semicolons outside parentheses, also full-width ones, and drop empty parts.

    Raises:
        ValueError: ``value`` is not a text, or too long.
    """
    if not isinstance(value, str) or len(value) > 4 * MAX_TEXT:
        raise LocalizedError("error.list", "expected a list separated by commas, not {given}", given=shorten(value))
    parts, depth = [""], 0
    for character in to_ascii(value).replace(";", ","):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _parse_latent(tokens: list[str], depth: int) -> tuple[LatentSpec, list[str]]:
    """Parse the latent at the start of ``tokens``. Return it and the remaining tokens."""
    name, rest = tokens[0], tokens[1:]
    if name == "encode":
        return _parse_encoded(_expect("(", rest))
    if name not in FUNCTIONS:
        return Seed(as_int("seed", int(name), 0, MAX_SEED)), rest
    if depth == MAX_DEPTH:
        raise ValueError("too deep")
    a, rest = _parse_latent(_expect("(", rest), depth + 1)
    b, rest = _parse_latent(_expect(",", rest), depth + 1)
    number, *rest = _expect(",", rest)
    if rest[0] == "," and number.isdigit() and rest[1].isdigit():  # a decimal comma: w is the last argument
        number, rest = f"{number}.{rest[1]}", rest[2:]
    w = float(number)
    if not 0 <= w <= 1:
        raise ValueError("w outside [0, 1]")
    return Mix("slerp" if name == "slerp" else "lerp", a, b, w), _expect(")", rest)


def _parse_encoded(tokens: list[str]) -> tuple[EncodedLatent, list[str]]:
    """Parse the arguments of ``encode(``. Return the latent and the remaining tokens."""
    end = tokens.index(")")
    values = tokens[:end:2]
    if any(comma != "," for comma in tokens[1:end:2]) or end != 2 * len(values) - 1:
        raise ValueError("expected values with commas between them")
    last = values[-1]
    if last in (AHEAD, LABEL_T):
        values = values[:-1]
    if not 2 <= len(values) <= 4:
        raise ValueError("expected 2 to 4 values")
    picture = values[0] if UPLOAD_NAME.fullmatch(values[0]) else int(values[0])
    steps, iterations = as_int("S", int(values[1]), 1, MAX_STEPS), int(values[2]) if len(values) > 2 else 0
    spacing = values[3] if len(values) > 3 else "linear"
    if not 0 <= iterations <= MAX_ITERATIONS or spacing not in SPACINGS:
        raise ValueError("iterations or spacing out of range")
    label: Label = "t" if last == LABEL_T else "s"
    encoded = EncodedLatent(picture, steps, iterations, cast(Spacing, spacing), last == AHEAD, label)
    return encoded, tokens[end + 1 :]


def _expect(token: str, tokens: list[str]) -> list[str]:
    """Consume ``token``. Return the remaining tokens."""
    if tokens[0] != token:
        raise ValueError(f"expected {token}")
    return tokens[1:]


def _syntax_error(text: str) -> LocalizedError:
    return LocalizedError(
        "error.latent",
        "latent must be a seed, slerp(a, b, w), lerp(a, b, w) or encode(picture, S), w from 0 to 1, not {given}",
        given=shorten(text),
    )
