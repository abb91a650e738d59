"""Requests of a page: the control column, and with it the settings that one tab has for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from explorer.checkpoint import Checkpoint
from explorer.runs.latent_spec import MAX_SEED, LatentSpec, Seed, parse, to_field, with_imports
from explorer.runs.results import PictureRequest
from explorer.schedule import SPACINGS, VARIANCES
from explorer.settings import Settings
from explorer.support.arguments import check_eta
from explorer.ui.fields import Check, InvalidField, Options, boolean, check_field, integer, not_a_choice, one_of
from explorer.ui.localization import LocalizedMessage

DEFAULT_LATENT = Seed(22)
DEFAULT_STEPS = 20
OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class Query:
    """The control column: a checkpoint by name, a latent, and how to go down from it."""

    checkpoint: str
    latent: LatentSpec = DEFAULT_LATENT
    settings: Settings = field(default_factory=lambda: Settings(steps=DEFAULT_STEPS))

    @classmethod
    def default(cls, lengths: Mapping[str, int], checkpoint: str | None = None) -> Query:
        """The settings that nobody has changed yet, for ``checkpoint`` or the first one: S = 20, or T where that is less.

        Args:
            lengths: T of each checkpoint by name.
        """
        name = checkpoint if checkpoint is not None and checkpoint in lengths else next(iter(lengths))
        return cls(name, settings=Settings(steps=min(DEFAULT_STEPS, lengths[name])))

    @classmethod
    def parse(cls, values: Mapping[str, Any], lengths: Mapping[str, int]) -> Query:
        """Check fields from the page or the API; absent fields take their defaults.

        Args:
            lengths: T of each checkpoint by name; the first one is the default.

        Raises:
            InvalidField: the first field that cannot be used; the message names its range.
        """
        wanted = values.get("checkpoint")
        default = cls.default(lengths, wanted if isinstance(wanted, str) else None)
        fields = default.fields() | {key: values[key] for key in default.fields() if key in values}
        name = fields.pop("checkpoint")
        if not isinstance(name, str) or name not in lengths:
            raise InvalidField("checkpoint", not_a_choice("checkpoint", lengths, name))
        latent = check_field("seed", fields.pop("seed"), parse)
        checks: dict[str, Check] = {
            "noise_seed": integer("noise_seed", 0, MAX_SEED),
            "steps": integer("steps", 1, lengths[name]),
            "eta": partial(check_eta, name=LocalizedMessage("field.eta")),
            "variance": one_of("variance", *VARIANCES),
            "spacing": one_of("spacing", *SPACINGS),
            "clip": boolean("clip", "error.true_or_false"),
        }
        for key, check in checks.items():
            fields[key] = check_field(key, fields[key], check)
        return cls(name, latent, Settings(**fields))

    def fields(self) -> dict[str, Any]:
        """The flat form that the browser holds. A latent that is one seed is a number, any other is its text."""
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

    @property
    def picture(self) -> PictureRequest:
        """The picture that the control column describes."""
        return PictureRequest(self.latent, self.settings)

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


@dataclass(frozen=True)
class TabRequest(Generic[OptionsT]):
    """One checked request of a page.

    Attributes:
        checkpoint: the one that ``query`` names.
        query: the control column.
        options: the settings of the tab itself.
    """

    checkpoint: Checkpoint
    query: Query
    options: OptionsT

    @property
    def settings(self) -> Settings:
        """How a run of the control column goes down."""
        return self.query.settings

    @property
    def latent(self) -> LatentSpec:
        """The latent of the control column."""
        return self.query.latent

    def fields(self) -> dict[str, Any]:
        """The flat form that the browser holds."""
        return self.query.fields() | self.options.fields()
