"""A page's request: the settings of the control column, and with them the settings of one tab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from explorer.checkpoint import Checkpoint
from explorer.runs.latent_spec import MAX_SEED, LatentSpec, Seed, parse, to_field, with_imports
from explorer.runs.results import PictureRequest
from explorer.runs.shared_network import for_client
from explorer.schedule import SPACINGS, VARIANCES
from explorer.settings import Settings
from explorer.ui.fields import (
    Check,
    InvalidField,
    Options,
    boolean,
    check_field,
    eta_field,
    integer,
    not_a_choice,
    one_of,
)

DEFAULT_LATENT = Seed(22)
DEFAULT_STEPS = 20
OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class Query:
    """The settings of the control column.

    Attributes:
        checkpoint: name of the checkpoint.
        latent: x_T.
        settings: of the sampler.
    """

    checkpoint: str
    latent: LatentSpec = DEFAULT_LATENT
    settings: Settings = field(default_factory=lambda: Settings(steps=DEFAULT_STEPS))

    @classmethod
    def default(cls, max_steps: Mapping[str, int], checkpoint: str | None = None) -> Query:
        """Return the default settings, with S = 20, or S = T if T is smaller.

        Args:
            max_steps: T of each checkpoint by name.
            checkpoint: name of the checkpoint; the first one if None or unknown.
        """
        name = checkpoint if checkpoint is not None and checkpoint in max_steps else next(iter(max_steps))
        return cls(name, settings=Settings(steps=min(DEFAULT_STEPS, max_steps[name])))

    @classmethod
    def parse(cls, values: Mapping[str, Any], max_steps: Mapping[str, int]) -> Query:
        """Validate fields from the page or the API. Missing fields take their defaults.

        Args:
            values: fields by name; other keys are ignored.
            max_steps: T of each checkpoint by name; the first one is the default.

        Raises:
            InvalidField: for the first invalid field; the message says which values are allowed.
        """
        checkpoint = values.get("checkpoint")
        default = cls.default(max_steps, checkpoint if isinstance(checkpoint, str) else None)
        fields = default.fields() | {key: values[key] for key in default.fields() if key in values}
        name = fields.pop("checkpoint")
        if not isinstance(name, str) or name not in max_steps:
            raise InvalidField("checkpoint", not_a_choice("checkpoint", max_steps, name))
        latent = check_field("seed", fields.pop("seed"), parse)
        checks: dict[str, Check] = {
            "noise_seed": integer("noise_seed", 0, MAX_SEED),
            "steps": integer("steps", 1, max_steps[name]),
            "eta": eta_field,
            "variance": one_of("variance", *VARIANCES),
            "spacing": one_of("spacing", *SPACINGS),
            "clip": boolean("clip", "error.true_or_false"),
        }
        for key, check in checks.items():
            fields[key] = check_field(key, fields[key], check)
        return cls(name, latent, Settings(**fields))

    def fields(self) -> dict[str, Any]:
        """Return the settings as flat fields, as the page and the URL have them. A seed is an int, any other latent a text."""
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
        """The request for the final picture."""
        return PictureRequest(self.latent, self.settings)

    def to_python(self, checkpoint: Checkpoint) -> str:
        """Return a script that makes this picture with the public API."""
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
    """A validated request to run a tab.

    Attributes:
        checkpoint: the checkpoint named in ``query``.
        query: the settings of the control column.
        options: the tab's own settings.
    """

    checkpoint: Checkpoint
    query: Query
    options: OptionsT

    @property
    def settings(self) -> Settings:
        """The sampler settings of the control column."""
        return self.query.settings

    @property
    def latent(self) -> LatentSpec:
        """The latent of the control column."""
        return self.query.latent

    def for_client(self, client: str) -> TabRequest[OptionsT]:
        """Return the same request with its network calls made for a client, see :mod:`explorer.runs.fair_queue`."""
        return replace(self, checkpoint=for_client(self.checkpoint, client))

    def fields(self) -> dict[str, Any]:
        """Return all settings as flat fields, as the page and the URL have them."""
        return self.query.fields() | self.options.fields()
