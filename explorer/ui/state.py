"""What the page asks for: the controls' fields, checked, and who asked last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from explorer.sampler import Settings
from explorer.schedule import as_int, short

MAX_SEED = 2**53 - 1  # the largest whole number that survives a browser's JSON


class BadInput(ValueError):
    """A field that cannot be used; the message says what was expected, ``field`` which one it is."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Query:
    """One picture's settings, as the controls and the address bar name them."""

    checkpoint: str
    seed: int = 22
    settings: Settings = field(default_factory=lambda: Settings(steps=20))

    def fields(self) -> dict[str, Any]:
        """The flat form that the browser holds."""
        s = self.settings
        return {
            "checkpoint": self.checkpoint,
            "seed": self.seed,
            "eta": s.eta,
            "steps": s.steps,
            "spacing": s.spacing,
            "variance": s.variance,
            "noise_seed": s.noise_seed,
            "clip": s.clip,
        }

    @classmethod
    def parse(cls, given: Mapping[str, Any], checkpoints: Mapping[str, int]) -> Query:
        """Check fields from the page or the API; those that are absent take their defaults.

        Args:
            checkpoints: T of each checkpoint by name; the first one is the default.

        Raises:
            BadInput: the first field that cannot be used, naming its range.
        """
        default = cls(next(iter(checkpoints)))
        fields = default.fields() | {key: given[key] for key in default.fields() if key in given}
        name = fields.pop("checkpoint")
        if not isinstance(name, str) or name not in checkpoints:
            raise BadInput("checkpoint", f"checkpoint must be one of {', '.join(checkpoints)}, not {short(name)}.")
        fields["seed"] = _checked("seed", fields["seed"], lambda v: as_int("latent seed", v, 0, MAX_SEED))
        fields["noise_seed"] = _checked(
            "noise_seed", fields["noise_seed"], lambda v: as_int("noise seed", v, 0, MAX_SEED)
        )
        fields["steps"] = _checked("steps", fields["steps"], lambda v: as_int("S", v, 1, checkpoints[name]))
        for key in ("eta", "variance", "spacing", "clip"):
            fields[key] = _checked(key, fields[key], lambda v, key=key: getattr(Settings(**{key: v}), key))
        seed = fields.pop("seed")
        return cls(name, seed, Settings(**fields))

    @classmethod
    def from_address(cls, query: Mapping[str, str], checkpoints: Mapping[str, int]) -> tuple[Query, str]:
        """The query in an address, and a message about the entries that could not be used; those take their defaults."""
        good: dict[str, Any] = {}
        problems = []
        for key in cls(next(iter(checkpoints))).fields():  # checkpoint comes first: it sets the range of steps
            if key not in query:
                continue
            value = _from_text(key, query[key])
            try:
                cls.parse(good | {key: value}, checkpoints)
            except BadInput as problem:
                problems.append(str(problem))
            else:
                good[key] = value
        message = " ".join([*problems, "The usual value is shown."]) if problems else ""
        return cls.parse(good, checkpoints), message

    def to_python(self) -> str:
        """A script on the public names that makes this picture."""
        s = self.settings
        return f"""import explorer as ex

checkpoint = ex.load({self.checkpoint!r})
x_T = ex.latent(checkpoint.shape, seeds=[{self.seed}])
settings = ex.Settings(
    steps={s.steps}, eta={s.eta!r}, variance={s.variance!r}, spacing={s.spacing!r}, clip={s.clip}, noise_seed={s.noise_seed}
)
for step in ex.denoise(checkpoint, x_T, settings):
    print(step)
ex.to_image(step.x_prev).save("picture.png")
"""


def _checked(field: str, value: Any, check: Any) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise BadInput(field, str(error).replace("eta must", "η must") + ".") from None


def _from_text(key: str, text: str) -> Any:
    if key in ("seed", "steps", "noise_seed"):
        return int(text) if len(text) <= 20 and text.strip("-").isdecimal() else text
    if key == "eta":
        try:
            return float(text)
        except ValueError:
            return text
    if key == "clip":
        return {"1": True, "0": False, "true": True, "false": False}.get(text.lower(), text)
    return text


class Newest:
    """What each page asked for last. A run whose request is no longer the newest ends at its next step."""

    STOP = "stop"

    def __init__(self) -> None:
        self._latest: dict[str, object] = {}
        self._lock = Lock()

    def record(self, session: str | None, request: object) -> None:
        with self._lock:
            self._latest[session or ""] = request

    def stop(self, session: str | None) -> None:
        self.record(session, self.STOP)

    def forget(self, session: str | None) -> None:
        with self._lock:
            self._latest.pop(session or "", None)

    def stopped(self, session: str | None) -> bool:
        return self._latest.get(session or "") == self.STOP

    def superseded(self, session: str | None, request: object) -> bool:
        return self._latest.get(session or "", request) != request
