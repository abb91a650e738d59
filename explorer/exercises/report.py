"""The report on a solution: passed or not, the slip's name, the term, and the number that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from explorer.exercises.pictures import Comparison
from explorer.exercises.tasks import TASKS
from explorer.exercises.terms import Number
from explorer.exercises.texts import say, texts
from explorer.support.rich_display import RichDisplay


@dataclass(frozen=True, eq=False, repr=False)
class Report(RichDisplay):
    """What a check found. ``print(report)`` tells it in words; in a notebook its pictures are shown, too.

    Attributes:
        task: name of the task.
        passed: whether the solution is correct.
        slip: short name of the slip, such as "sigma-for-direction"; or of the problem for which there is no result to
            compare, such as "raises" or "shape". None if it passed, or if it is wrong in an unknown way.
        term: key of the term of the formula that is affected; None if it passed or has no result.
        number: the number that shows the difference.
        comparison: pictures of a checkpoint made by the solution, beside the correct ones; None without a checkpoint.
        values: what the problem's texts fill in.
        language: "en", "zh" or "ko", of the texts.
        note: key of a text that says why there are no pictures; empty if none is needed.
    """

    task: str
    passed: bool
    slip: str | None = None
    term: str | None = None
    number: Number | None = None
    comparison: Comparison | None = None
    values: Mapping[str, str | int | float] = field(default_factory=dict)
    language: str = "en"
    note: str = ""

    @property
    def _key(self) -> str:
        area = "slips" if f"slips.{self.slip}.name" in texts("en") else "problems"
        return f"{area}.{self.slip}"

    @property
    def title(self) -> str:
        """One line: passed, or the name of the slip, or the term that differs."""
        if self.passed:
            return self._say("report.passed", task=self.task)
        if self.slip is None:
            return self._say("report.unknown", equation=self.equation, term=self.term_name)
        return self._say(f"{self._key}.name", **self.values)

    @property
    def explanation(self) -> str:
        """What the slip does to the result, and what is right instead; empty for an unknown difference."""
        if self.passed:
            return self._say("report.formula", formula=TASKS[self.task].formula)
        if self.slip is None:
            return self._say("report.no_guess", formula=TASKS[self.task].formula)
        return self._say(f"{self._key}.why", **self.values).strip()

    @property
    def equation(self) -> str:
        """The formula's place in the DDIM paper, such as "Eq. 12"."""
        kind, number = TASKS[self.task].source
        return self._say(f"report.{kind}", n=number)

    @property
    def term_name(self) -> str:
        """Name and formula of the affected term, such as "direction pointing to x_t, √(1−ᾱ_prev−σ²) ε"; "" if none is."""
        if self.term is None:
            return ""
        key = f"terms.{self.task}.{self.term}"
        name = self._say(key if key in texts("en") else f"terms.{self.term}")
        formula = TASKS[self.task].terms[self.term]
        return name if name == formula else self._say("report.term_formula", name=name, formula=formula)

    @property
    def number_text(self) -> str:
        """The number in a sentence; "" if there is none."""
        n = self.number
        if n is None:
            return ""
        where = self._say("numbers.where", where=n.where) if n.where else ""
        text = self._say(f"numbers.{n.kind}", symbol=n.symbol, yours=n.yours, correct=n.correct)
        return f"{where}{text}"

    @property
    def lines(self) -> list[str]:
        """The report in sentences, without the title."""
        term = self._say("report.term", term=self.term_name) if self.term and self.slip else ""
        note = self._say(self.note) if self.note else ""
        return [line for line in (term, self.explanation, self.number_text, note) if line]

    def _say(self, key: str, **values: object) -> str:
        return say(self.language, key, **values)

    def __str__(self) -> str:
        mark = "✓" if self.passed else "✗"
        return "\n".join([f"{mark} {self.task}: {self.title}", *(f"  {line}" for line in self.lines)])

    __repr__ = __str__
