"""The words of the page in several languages: one text file each, below ``texts/``, the same keys in all.

A text is a sentence in which ``{name}`` stands for a value or for one of the symbols of ``web/say.js``; ``<b>`` is the only
markup. The page holds all texts and picks the language, so a change of language needs no run: what Python has to say it sends
as a key with values, see :class:`Said`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LANGUAGES = ("en", "zh", "ko")
PLACEHOLDER = re.compile(r"\{(\w+)\}")


@cache
def texts(language: str) -> dict[str, str]:
    """All texts of a language of :data:`LANGUAGES` by key, such as "controls.seed"."""
    return dict(_flat(json.loads((HERE / "texts" / f"{language}.json").read_text(encoding="utf-8"))))


def _flat(branch: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in branch.items():
        if isinstance(value, str):
            yield above + name, value
        else:
            yield from _flat(value, f"{above}{name}.")


def script() -> str:
    """The JavaScript that gives every component of the page ``say`` and ``sayHtml``."""
    words = json.dumps({language: texts(language) for language in LANGUAGES}, ensure_ascii=False)
    parts = (HERE / "web" / name for name in ("math.js", "say.js"))
    return "\n".join(
        ["(() => {", f"const TEXTS = {words};", *(part.read_text(encoding="utf-8") for part in parts), "})();"]
    )


@dataclass(frozen=True)
class Said:
    """A sentence to the user, in whatever language the page is shown in. As a ``str`` it is English."""

    key: str
    values: Mapping[str, str | int | float] = field(default_factory=dict)

    def __str__(self) -> str:
        return PLACEHOLDER.sub(lambda match: str(self.values.get(match[1], match[1])), texts("en")[self.key])

    def sent(self) -> dict[str, Any]:
        """What ``told`` of ``web/say.js`` reads."""
        return {"say": self.key, "values": dict(self.values)}
