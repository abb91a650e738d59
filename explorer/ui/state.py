"""What the page asks for: fields as the controls and the address name them, checked, and who asked last."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial, reduce
from threading import Lock
from typing import Any, ClassVar, TypeVar

from explorer.checkpoint import Checkpoint
from explorer.finished import Remembered
from explorer.recipe import MAX_SEED, WHOLE, Recipe, Seed, parse, to_field, with_imports
from explorer.sampler import Settings
from explorer.schedule import SPACINGS, VARIANCES, as_int, check_eta, short
from explorer.ui.language import Said, said

__all__ = ["MAX_SEED", "BadInput", "Newest", "Options", "Query", "from_address"]

DEFAULT_LATENT = Seed(22)
USUAL_STEPS = 20
MOST_GONE = 1000  # closed pages that are remembered: far more than runs can be under way
MOST_PAGES = 10_000  # pages of which something is remembered; one without Gradio's heartbeat is never seen to close
Check = Callable[[Any], Any]
Value = TypeVar("Value")


class BadInput(ValueError):
    """A field that cannot be used; the message says what was expected, ``field`` which one it is."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Query:
    """The control column: one picture's settings."""

    checkpoint: str
    latent: Recipe = DEFAULT_LATENT
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
            raise BadInput("checkpoint", not_one_of("checkpoint", checkpoints, name))
        latent = checked("seed", fields.pop("seed"), parse)
        checks: dict[str, Check] = {
            "noise_seed": whole("noise_seed", 0, MAX_SEED),
            "steps": whole("steps", 1, checkpoints[name]),
            "eta": partial(check_eta, name=Said("field.eta")),
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


@dataclass(frozen=True)
class Options:
    """The settings that one tab has for itself, beside the control column. A subclass names them with their defaults.

    ``checks`` holds a function for each field that returns the value to use or raises ValueError.
    """

    checks: ClassVar[Mapping[str, Check]] = {}

    @classmethod
    def parse(cls: type[OptionsT], given: Mapping[str, Any]) -> OptionsT:
        """Check the tab's fields among ``given``; those that are absent take their defaults.

        Raises:
            BadInput: the first field that cannot be used.
        """
        names = [f.name for f in fields(cls)]
        return cls(**{name: checked(name, given[name], cls.checks[name]) for name in names if name in given})

    def fields(self) -> dict[str, Any]:
        return asdict(self)


OptionsT = TypeVar("OptionsT", bound=Options)


def checked(field: str, value: Any, check: Callable[[Any], Value]) -> Value:
    """``check(value)``, its ValueError as :class:`BadInput` of the field."""
    try:
        return check(value)
    except ValueError as error:
        raise BadInput(field, said(error)) from None


def name_of(field: str) -> Said:
    """What a field is called in a sentence."""
    return Said(f"field.{field}")


def whole(field: str, low: int, high: int) -> Check:
    """The check of a whole number in low..high."""
    return lambda value: as_int(name_of(field), value, low, high)


def yes_or_no(field: str) -> Check:
    """The check of a switch."""

    def check(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(Said("error.on_or_off", {"name": name_of(field), "given": short(value)}))
        return value

    return check


def true_or_false(value: Any) -> bool:
    """The check of clip, in the words of its setting."""
    if not isinstance(value, bool):
        raise ValueError(Said("error.true_or_false", {"name": name_of("clip"), "given": short(value)}))
    return value


def one_of(field: str, *choices: str) -> Check:
    """The check of a choice."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(not_one_of(field, choices, value))
        return value

    return check


def not_one_of(field: str, choices: Iterable[str], value: object) -> Said:
    """What is wrong with ``value``."""
    return Said("error.one_of", {"name": name_of(field), "choices": ", ".join(choices), "given": short(value)})


def from_address(
    query: Mapping[str, str], defaults: Mapping[str, Any], check: Callable[[Mapping[str, Any]], object]
) -> tuple[dict[str, Any], str]:
    """The fields in an address, and a message about the entries that could not be used; those keep their defaults.

    Args:
        defaults: all fields with their defaults, in the order in which they are checked.
        check: raises :class:`BadInput` for fields that cannot be used together.
    """

    def refused(fields: Mapping[str, Any]) -> BadInput | None:
        try:
            check(fields)
        except BadInput as problem:
            return problem
        return None

    good = {key: _from_text(query[key], default) for key, default in defaults.items() if key in query}
    problems: list[str] = []
    while good and (problem := refused(good)):  # all together: two that are swapped fit only with each other
        problems.append(said(problem))
        bad = [problem.field] if problem.field in good else [key for key in good if refused({key: good[key]})]
        for key in bad or list(good):
            del good[key]
    message = reduce(_and_then, [*problems, Said("error.usual_shown")]) if problems else ""
    return {**defaults, **good}, message


def _and_then(first: str, second: str) -> str:
    return Said("error.two", {"first": first, "second": second})


def _from_text(text: str, default: Any) -> Any:
    """What an address says of a field, in the type of its default where it can be read as that."""
    if isinstance(default, bool):
        return {"1": True, "0": False, "true": True, "false": False}.get(text.lower(), text)
    if isinstance(default, int):
        return int(text) if WHOLE.fullmatch(text) else text
    if isinstance(default, float):
        try:
            return float(text)
        except ValueError:
            return text
    return text


class Newest:
    """What each page asked for last, by the ``count`` that rises with every change. An older run ends at its next step.

    Changes and runs travel side by side, so any of them may be overtaken: only the count says which one is newer.
    """

    def __init__(self) -> None:
        self._latest: Remembered[tuple[float, bool]] = Remembered(MOST_PAGES)  # count, and whether its run is to stop
        self._gone: deque[str] = deque(maxlen=MOST_GONE)  # pages that were closed while their runs may go on
        self._lock = Lock()

    def record(self, session: str | None, request: object) -> None:
        """Keep ``request`` as the newest, unless a newer one was faster."""
        with self._lock:
            if session is not None and session in self._gone:  # a page that was only away
                self._gone.remove(session)
            if count_of(request) >= self._of(session)[0]:
                self._latest.put(session, (count_of(request), False), 1)

    def stop(self, session: str | None) -> None:
        with self._lock:
            self._latest.put(session, (self._of(session)[0], True), 1)

    def forget(self, session: str | None) -> None:
        """The page was closed: what it asked for is not wanted any more."""
        with self._lock:
            self._latest.drop(lambda page: page == session)
            if session:
                self._gone.append(session)

    def stopped(self, session: str | None) -> bool:
        return self._of(session)[1]

    def superseded(self, session: str | None, request: object) -> bool:
        return session in self._gone or self._of(session)[0] > count_of(request)

    def _of(self, session: str | None) -> tuple[float, bool]:
        return self._latest.get(session) or (0, False)


def count_of(request: object) -> float:
    """The ``count`` of the controls' value; 0 where there is none, or none that can be counted on from."""
    count = request.get("count") if isinstance(request, dict) else None
    return count if isinstance(count, (int, float)) and 0 <= count < MAX_SEED else 0
