"""The Interpolate tab: pictures between latents, on the sphere, on the straight line, and under DDPM (C16)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.finished import Wanted
from explorer.measures import strip
from explorer.recipe import Kind, Recipe, mix, parse, parse_list, to_field, with_imports
from explorer.ui.gallery import stream_pictures
from explorer.ui.interrupt import State
from explorer.ui.language import Said
from explorer.ui.pieces import Pieces
from explorer.ui.state import MAX_SEED, BadInput, Options, one_of, whole, yes_or_no
from explorer.ui.tab import Asked, Tab

OVER_S = (10, 20, 50)
MAX_LOOP = 8
NORM_POINTS = 40
BATCH = 4  # small, so that the first pictures of a strip come soon


def corner(given: Any) -> int | str:
    """The check of one latent."""
    return to_field(parse(given))


@dataclass(frozen=True)
class InterpolateOptions(Options):
    """Settings of the Interpolate tab.

    Attributes:
        way: "ends" goes from ``a`` to ``b``, "loop" through the latents of ``loop`` and back to the first.
        a, b, c, d: the two ends, and with the other two the corners of the pad: a and b above, c and d below.
        loop: latents as a list in a text.
        frames: n, pictures along the way, its ends among them.
        lerp: show the same way on the straight line.
        ddpm: the same latents under eta = 1, each frame with a noise seed of its own, all with a shared one, or "off".
        over_steps: show the strip at several S.
        side: pictures along each side of the pad.
    """

    way: str = "ends"
    a: int | str = 10
    b: int | str = 29
    c: int | str = 22
    d: int | str = 3
    loop: str = "10, 29, 22, 3"
    frames: int = 12
    lerp: bool = True
    ddpm: str = "own"
    over_steps: bool = False
    side: int = 7

    checks: ClassVar = {
        "way": one_of("way", "ends", "loop"),
        "a": corner,
        "b": corner,
        "c": corner,
        "d": corner,
        "loop": lambda given: ", ".join(str(r) for r in parse_list(given, 2, MAX_LOOP)),
        "frames": whole("frames", 8, 33),
        "lerp": yes_or_no("lerp"),
        "ddpm": one_of("ddpm", "own", "shared", "off"),
        "over_steps": yes_or_no("over_steps"),
        "side": whole("side", 5, 11),
    }


class InterpolateTab(Tab[InterpolateOptions]):
    """A strip between latents in several ways, and a pad between four."""

    name, options = "interpolate", InterpolateOptions
    idle = ("seed", "eta", "variance")

    def latents(self, asked: Asked[InterpolateOptions]) -> dict[str, list[Recipe]]:
        o = asked.options
        corners = {"a": [parse(o.a)], "b": [parse(o.b)], "c": [parse(o.c)], "d": [parse(o.d)]}
        return corners | {"loop": parse_list(o.loop, 2, MAX_LOOP) if o.way == "loop" else []}

    def check(self, asked: Asked[InterpolateOptions]) -> Asked[InterpolateOptions]:
        o = asked.options
        corners = {"a": o.a, "b": o.b, "c": o.c, "d": o.d}
        for i, (name, latent) in enumerate(corners.items()):
            if latent in list(corners.values())[:i]:
                raise BadInput(name, Said("error.corner_twice", {"given": latent}))
        highest = MAX_SEED - o.frames
        if asked.query.settings.noise_seed > highest:  # type: ignore[operator]
            raise BadInput("noise_seed", Said("error.noise_seed_frames", {"highest": highest}))
        return asked

    def stream(self, asked: Asked[InterpolateOptions], state: State) -> Iterator[dict[str, Any]]:
        checkpoint, o = self.checkpoints[asked.query.checkpoint], asked.options
        way = Way.of(o)
        strips = plan_strips(asked, way, checkpoint.schedule.T)
        pad = plan_pad(asked)
        names = [f"{name}/{k}" for name, frames in strips.items() for k in range(len(frames))] + list(pad)
        wanted = [w for frames in strips.values() for w in frames] + list(pad.values())
        pieces = Pieces()
        made: dict[str, Tensor] = {}
        fixed = {
            "settings": asked.fields(),
            "script": script(checkpoint, asked, way),
            "shape": list(checkpoint.shape),
            "positions": json.dumps(way.positions),
            "through": json.dumps([to_field(recipe) for recipe in way.through]),
            "strips": json.dumps({name: describe(frames) for name, frames in strips.items()}),
            "pad": json.dumps([str(w.latent) for w in pad.values()]),
            "pad_names": json.dumps(list(pad)),
            "norms": json.dumps(norms(way, checkpoint)),
        }
        facts: dict[str, Any] = {}

        def take(index: int, picture: Tensor) -> None:
            made[names[index]] = picture
            pieces.add(names[index], picture)

        def value() -> dict[str, Any]:
            for name, frames in strips.items():
                pictures = [made[f"{name}/{k}"] for k in range(len(frames)) if f"{name}/{k}" in made]
                if name not in facts and len(pictures) == len(frames):
                    facts[name] = measure(torch.stack(pictures), way)
            return fixed | {"pictures": str(pieces), "facts": json.dumps(facts)}

        yield from stream_pictures(checkpoint, wanted, self.finished, state, take, value, BATCH)


@dataclass(frozen=True)
class Way:
    """The way through latents: 0 at the first, 1 at the second, and so on.

    Attributes:
        through: the latents, the first one again at the end of a loop.
        positions: of the frames along the way.
        stops: indices of the frames at the latents themselves.
    """

    through: tuple[Recipe, ...]
    positions: tuple[float, ...]
    stops: tuple[int, ...]

    @classmethod
    def of(cls, o: InterpolateOptions) -> Way:
        """A loop's frames are spread evenly over its legs, at least one between two latents, so n may rise a little."""
        if o.way == "ends":
            through: tuple[Recipe, ...] = (parse(o.a), parse(o.b))
        else:
            latents = parse_list(o.loop, 2, MAX_LOOP)
            through = (*latents, latents[0])
        legs = len(through) - 1
        each = max(2, math.ceil((o.frames - 1) / legs))
        positions = tuple(round(k / each, 4) for k in range(legs * each + 1))
        return cls(through, positions, tuple(range(0, legs * each + 1, each)))

    def at(self, position: float, kind: Kind) -> Recipe:
        leg = min(int(position), len(self.through) - 2)
        return mix(self.through[leg], self.through[leg + 1], position - leg, kind)


def plan_strips(asked: Asked[InterpolateOptions], way: Way, T: int) -> dict[str, list[Wanted]]:
    """The strips by name: what is wanted for each frame."""
    o, base = asked.options, replace(asked.query.settings, variance="eta", eta=0.0)
    on_sphere = [way.at(p, "slerp") for p in way.positions]
    strips = {"slerp": [Wanted(recipe, base) for recipe in on_sphere]}
    if o.lerp:
        strips["lerp"] = [Wanted(way.at(p, "lerp"), base) for p in way.positions]
    if o.ddpm != "off":
        seed = base.noise_seeds(1)[0]
        seeds = [seed + (k if o.ddpm == "own" else 0) for k in range(len(on_sphere))]
        noisy = replace(base, eta=1.0)
        strips["ddpm"] = [
            Wanted(recipe, replace(noisy, noise_seed=s)) for recipe, s in zip(on_sphere, seeds, strict=True)
        ]
    if o.over_steps:
        for S in OVER_S:
            if base.steps != S <= T:
                strips[f"S{S}"] = [Wanted(recipe, replace(base, steps=S)) for recipe in on_sphere]
    return strips


def plan_pad(asked: Asked[InterpolateOptions]) -> dict[str, Wanted]:
    """The pad's pictures by name "pad/row/column": slerp inside two pairs, then between (App. D.5). Coarse ones first."""
    o, settings = asked.options, replace(asked.query.settings, variance="eta", eta=0.0)
    a, b, c, d = (parse(latent) for latent in (o.a, o.b, o.c, o.d))
    last = o.side - 1

    def latent(row: int, column: int) -> Recipe:
        return mix(mix(a, b, column / last), mix(c, d, column / last), row / last)

    places = [(row, column) for row in range(o.side) for column in range(o.side)]
    places.sort(key=lambda place: max(_fineness(place[0], last), _fineness(place[1], last)))
    return {f"pad/{row}/{column}": Wanted(latent(row, column), settings) for row, column in places}


def _fineness(index: int, last: int) -> int:
    """0 for both ends, 1 for the middle, then 2 for what lies between."""
    return 0 if index in (0, last) else 1 if index == last // 2 else 2


def describe(frames: list[Wanted]) -> dict[str, Any]:
    """What the page needs to open a strip's frame in Steps."""
    return {
        "latents": [to_field(w.latent) for w in frames],
        "noise_seeds": [w.settings.noise_seed for w in frames],
        "steps": frames[0].settings.steps,
        "eta": frames[0].settings.eta,
    }


def measure(pictures: Tensor, way: Way) -> dict[str, Any]:
    """Numbers of a strip (N, C, H, W): how it changes, and the contrast (standard deviation) at its ends and half-way."""
    pictures = pictures.clamp(-1, 1)
    measured = strip(pictures, way.stops)
    middle = (way.stops[0] + way.stops[1]) // 2
    stops = pictures[list(way.stops)]
    return {
        "largest": measured.largest,
        "smoothness": measured.smoothness,
        "span": measured.span,
        "contrast_middle": float(pictures[middle].std()),
        "contrast_ends": float(torch.stack([p.std() for p in stops]).mean()),
    }


def norms(way: Way, checkpoint: Checkpoint) -> dict[str, list[list[float]]]:
    """The norm of x_T along the way, over the square root of its dimension: [position, norm] for slerp and lerp."""
    D, legs = math.prod(checkpoint.shape), len(way.through) - 1
    positions = [k * legs / NORM_POINTS for k in range(NORM_POINTS + 1)]
    kinds: tuple[Kind, Kind] = ("slerp", "lerp")
    return {
        kind: [[p, round(float(way.at(p, kind).make(checkpoint).norm()) / math.sqrt(D), 5)] for p in positions]
        for kind in kinds
    }


def script(checkpoint: Checkpoint, asked: Asked[InterpolateOptions], way: Way) -> str:
    """A script on the public names that makes the strip on the sphere."""
    s = asked.query.settings
    through = ", ".join(recipe.to_python() for recipe in way.through)
    return with_imports(f"""checkpoint = {checkpoint.to_python()}
through = [{through}]
settings = ex.Settings(steps={s.steps}, spacing={s.spacing!r}, clip={s.clip})
for k, position in enumerate({list(way.positions)}):
    leg = min(int(position), len(through) - 2)
    x_T = ex.slerp(through[leg], through[leg + 1], round(position - leg, 4))
    ex.to_image(ex.sample(checkpoint, x_T, settings)).save(f"frame-{{k:02d}}.png")
""")
