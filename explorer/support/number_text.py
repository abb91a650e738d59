"""Numbers as people type them: with a decimal comma, full-width digits, a minus sign, or thousands in groups.

The page reads them by the same rules, see ``explorer/ui/web/number_text.js``.
"""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 40  # characters of a number
WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}([,.' ])[0-9]{3}(?:\1[0-9]{3})*")
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
HEXADECIMAL_NAME = re.compile(r"[0-9]+e[0-9]+")  # of an uploaded picture: 16 digits that may look like a power of ten
LIKE_ASCII = str.maketrans({"−": "-", "–": "-", "’": "'", "、": ","})


def to_ascii(text: str) -> str:
    """Return the text with full-width forms, minus signs and ideographic commas as their ASCII counterparts, stripped.

    Input methods for Chinese, Japanese and Korean type ``１，２`` and ``（`` for ``1,2`` and ``(``.
    """
    return unicodedata.normalize("NFKC", text).translate(LIKE_ASCII).strip()


def read_number(text: str) -> float | None:
    """Return the number that a text stands for, None if it is none. "0,5" and "0.5" are one half.

    The result is finite unless the exponent is too large. "∞", "inf" and "nan" are no numbers.
    """
    if len(text) > MAX_LENGTH:
        return None
    text = to_ascii(text)
    if not NUMBER.fullmatch(text) or (len(text) == 16 and HEXADECIMAL_NAME.fullmatch(text)):
        return None
    return float(text.replace(",", "."))


def read_whole(text: str) -> int | float | None:
    """Return the number that the text of a whole number stands for: an int if it is whole, None if it is no number.

    "1,000", "1.000" and "1 000" are thousand: a whole number has no decimal places that a comma could separate.
    """
    if len(text) > MAX_LENGTH:
        return None
    plain = to_ascii(text)
    if WHOLE.fullmatch(plain):
        return int(plain)
    if GROUPED.fullmatch(plain):
        return int(re.sub(r"[,.' ]", "", plain))
    number = read_number(text)
    return int(number) if number is not None and number.is_integer() else number


def is_blank(value: object) -> bool:
    """Whether a field was left empty: None, or a text of nothing but spaces."""
    return value is None or (isinstance(value, str) and not value.strip())
