"""Numbers as people type them, and what is no number."""

import json
import math
from pathlib import Path

import pytest

from explorer.support.number_text import is_blank, read_number, read_whole, to_ascii

# Also read by tests/web/number_text.test.js: the page and the server agree on every text.
CASES = json.loads((Path(__file__).parent / "data/typed_numbers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:20] or "empty")
def test_a_text_is_the_number_that_people_mean_or_none(case):
    assert (read_number(case["text"]), read_whole(case["text"])) == (case["number"], case["whole"])


def test_a_whole_number_is_exact_and_an_int():
    assert read_whole("9007199254740993") == 9007199254740993
    assert type(read_whole("20.0")) is int
    assert type(read_whole("2,5")) is float
    assert read_whole("1e999") == math.inf


def test_what_east_asian_keyboards_type_is_ascii():
    assert to_ascii("　ｓｌｅｒｐ（１０，２９；０．５） ") == "slerp(10,29;0.5)"
    assert to_ascii("5、10、20") == "5,10,20"


def test_an_empty_field_is_blank():
    assert [is_blank(value) for value in (None, "", " \u3000", "0", 0, False)] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
