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
        ("eta", None, "η must be a number from 0 to 1"),
        ("clip", 1, "True or False"),
        ("spacing", {"a": 1}, "linear, quadratic, leading"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_with_its_range(field, value, expected):
    with pytest.raises(InvalidField, match=expected) as caught:
        Query.parse({field: value}, LENGTHS)
    assert caught.value.field == field


def test_the_range_of_steps_is_that_of_the_checkpoint():
    assert Query.parse({"checkpoint": "short", "steps": 100}, LENGTHS).settings.steps == 100
    with pytest.raises(InvalidField, match="from 1 to 100, not 101"):
        Query.parse({"checkpoint": "short", "steps": 101}, LENGTHS)


def test_a_bad_entry_of_an_address_does_not_spoil_the_good_ones():
    address = {"steps": "7", "eta": "two", "seed": "1e9", "x": "<script>"}
    fields, message = from_address(address, Query("toy").fields(), lambda given: Query.parse(given, LENGTHS))
    assert fields == Query("toy").fields() | {"steps": 7}
    assert "η must be" in message
    assert "latent seed must be" in message
