"""The control column: what is refused, and its way through fields and address."""

import pytest

import explorer as ex
from explorer.runs.latent_spec import MAX_SEED, parse
from explorer.ui.address import from_address
from explorer.ui.fields import InvalidField
from explorer.ui.query import Query

LENGTHS = {"toy": 1000, "short": 100}


def test_a_query_survives_the_way_through_fields_and_address():
    query = Query("short", parse("slerp(12, 7, 0.25)"), ex.Settings(50, 0.3, "large", "quadratic", True, 9))
    assert Query.parse(query.fields(), LENGTHS) == query
    address = {key: str(value) for key, value in query.fields().items()}
    fields, message = from_address(address, Query("toy").fields(), lambda given: Query.parse(given, LENGTHS))
    assert Query.parse(fields, LENGTHS) == query
    assert message == ""


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("checkpoint", "none", "toy, short"),
        ("checkpoint", ["toy"], "toy, short"),
        ("steps", float("nan"), "S must be a whole number from 1 to 1000"),
        ("steps", True, "from 1 to 1000"),
        ("steps", [5], "from 1 to 1000"),
        ("seed", MAX_SEED + 1, "from 0 to 9007199254740991"),
        ("eta", float("nan"), "η must be a number from 0 to 1"),
        ("eta", None, "η is empty; expected a number from 0 to 1"),
        ("eta", "1,5", "η must be a number from 0 to 1, not 1.5"),
        ("eta", "∞", "η must be a number from 0 to 1, not '∞'"),
        ("eta", [0.5], "η must be a number from 0 to 1"),
        ("steps", "", "S is empty; expected a whole number from 1 to 1000"),
        ("steps", "0,5", "S must be a whole number from 1 to 1000, not 0.5"),
        ("noise_seed", "−3", "noise seed must be a whole number from 0 to 9007199254740991, not -3"),
        (
            "seed",
            "abc",
            r"a seed from 0 to 9007199254740991, or a text such as slerp\(10, 29, 0.5\) or encode\(3, 100\), not 'abc'",
        ),
        ("clip", 1, "True or False"),
        ("spacing", {"a": 1}, "linear, quadratic, leading"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_with_its_range(field, value, expected):
    with pytest.raises(InvalidField, match=expected) as caught:
        Query.parse({field: value}, LENGTHS)
    assert caught.value.field == field


def test_numbers_may_be_typed_with_a_decimal_comma_or_full_width_digits():
    typed = {"eta": "0,5", "steps": "１２", "seed": "1 234", "noise_seed": " 7 "}
    expected = Query("toy", parse(1234), ex.Settings(12, 0.5, noise_seed=7))
    assert Query.parse(typed, LENGTHS) == expected
    fields, message = from_address(typed, Query("toy").fields(), lambda given: Query.parse(given, LENGTHS))
    assert message == ""
    assert fields == expected.fields()


def test_the_range_of_steps_is_that_of_the_checkpoint():
    assert Query.parse({"checkpoint": "short", "steps": 100}, LENGTHS).settings.steps == 100
    with pytest.raises(InvalidField, match="from 1 to 100, not 101"):
        Query.parse({"checkpoint": "short", "steps": 101}, LENGTHS)


def test_a_bad_entry_of_an_address_does_not_spoil_the_good_ones():
    address = {"steps": "7", "eta": "two", "seed": "1e99", "x": "<script>"}
    fields, message = from_address(address, Query("toy").fields(), lambda given: Query.parse(given, LENGTHS))
    assert fields == Query("toy").fields() | {"steps": 7}
    assert "η must be" in message
    assert "A latent is a seed from" in message
