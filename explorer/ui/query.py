"""What the page asks for: fields as the controls and the address name them, checked, and who asked last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any

from explorer.checkpoint import Checkpoint
from explorer.runs.latent_spec import MAX_SEED, WHOLE_NUMBER, LatentSpec, Seed, parse, to_field, with_imports
from explorer.schedule import SPACINGS, VARIANCES
from explorer.settings import Settings
from explorer.support.arguments import check_eta
from explorer.ui.fields import Check, InvalidField, checked, not_one_of, one_of, true_or_false, whole
from explorer.ui.localization import LocalizedMessage, localize

DEFAULT_LATENT = Seed(22)
USUAL_STEPS = 20


@dataclass(frozen=True)
class Query:
    """The control column: one picture's settings."""

    checkpoint: str
    latent: LatentSpec = DEFAULT_LATENT
    settings: Settings = field(default_factory=lambda: Settings(steps=USUAL_STEPS))

    def fields(self) -> dict[str, Any]:
        """The flat form that the browser holds. A latent that is one seed is a number, any other its text."""
        s = self.settings
        return {
            "checkpoint": self.checkpoint,
            "seed": to_field(self.latent),
            "eta": s.eta,
            "steps": s.steps,
            "spacing": s.spacing,
            "variance": s.variance,
            "noise_seed": s.noise_seed,
            "clip": s.clip,
        }

    @classmethod
    def usual(cls, lengths: Mapping[str, int], checkpoint: str | None = None) -> Query:
        """The settings of a checkpoint, or of the first one, that nobody has touched yet: S = 20, or T where that is less."""
        name = checkpoint if checkpoint is not None and checkpoint in lengths else next(iter(lengths))
        return cls(name, settings=Settings(steps=min(USUAL_STEPS, lengths[name])))

    @classmethod
    def parse(cls, given: Mapping[str, Any], checkpoints: Mapping[str, int]) -> Query:
        """Check fields from the page or the API; those that are absent take their defaults.

        Args:
            checkpoints: T of each checkpoint by name; the first one is the default.

        Raises:
            BadInput: the first field that cannot be used, naming its range.
        """
        wanted = given.get("checkpoint")
        default = cls.usual(checkpoints, wanted if isinstance(wanted, str) else None)
        fields = default.fields() | {key: given[key] for key in default.fields() if key in given}
        name = fields.pop("checkpoint")
        if not isinstance(name, str) or name not in checkpoints:
            raise InvalidField("checkpoint", not_one_of("checkpoint", checkpoints, name))
        latent = checked("seed", fields.pop("seed"), parse)
        checks: dict[str, Check] = {
            "noise_seed": whole("noise_seed", 0, MAX_SEED),
            "steps": whole("steps", 1, checkpoints[name]),
            "eta": partial(check_eta, name=LocalizedMessage("field.eta")),
            "variance": one_of("variance", *VARIANCES),
            "spacing": one_of("spacing", *SPACINGS),
            "clip": true_or_false,
        }
        for key, check in checks.items():
            fields[key] = checked(key, fields[key], check)
        return cls(name, latent, Settings(**fields))

    def to_python(self, checkpoint: Checkpoint) -> str:
        """A script on the public names that makes this picture."""
        s = self.settings
        return with_imports(f"""checkpoint = {checkpoint.to_python()}
x_T = {self.latent.to_python()}
settings = ex.Settings(
    steps={s.steps}, eta={s.eta!r}, variance={s.variance!r}, spacing={s.spacing!r}, clip={s.clip}, noise_seed={s.noise_seed}
)
for step in ex.denoise(checkpoint, x_T, settings):
    print(step)
ex.to_image(step.x_prev).save("picture.png")
""")


def lengths_of(checkpoints: Mapping[str, Checkpoint]) -> dict[str, int]:
    """T of each checkpoint by name."""
    return {name: checkpoint.schedule.T for name, checkpoint in checkpoints.items()}


def from_address(
    query: Mapping[str, str], defaults: Mapping[str, Any], check: Callable[[Mapping[str, Any]], object]
) -> tuple[dict[str, Any], str]:
    """The fields in an address, and a message about the entries that could not be used; those keep their defaults.

    Args:
        defaults: all fields with their defaults, in the order in which they are checked.
        check: raises :class:`InvalidField` for fields that cannot be used together.
    """

    def refused(fields: Mapping[str, Any]) -> InvalidField | None:
        try:
            check(fields)
        except InvalidField as problem:
            return problem
        return None

    good = {key: _from_text(query[key], default) for key, default in defaults.items() if key in query}
    problems: list[str] = []
    while good and (problem := refused(good)):  # all together: two that are swapped fit only with each other
        problems.append(localize(problem))
        bad = [problem.field] if problem.field in good else [key for key in good if refused({key: good[key]})]
        for key in bad or list(good):
            del good[key]
    message = reduce(_and_then, [*problems, LocalizedMessage("error.usual_shown")]) if problems else ""
    return {**defaults, **good}, message


def _and_then(first: str, second: str) -> str:
    return LocalizedMessage("error.two", {"first": first, "second": second})


def _from_text(text: str, default: Any) -> Any:
    """What an address says of a field, in the type of its default where it can be read as that."""
    if isinstance(default, bool):
        return {"1": True, "0": False, "true": True, "false": False}.get(text.lower(), text)
    if isinstance(default, int):
        return int(text) if WHOLE_NUMBER.fullmatch(text) else text
    if isinstance(default, float):
        try:
            return float(text)
        except ValueError:
            return text
    return text
