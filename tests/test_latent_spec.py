"""Latents as text: formatting and parsing."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import explorer as ex
from explorer.runs.latent_spec import MAX_DEPTH, MAX_SEED, MAX_TEXT, Mix, Seed, mix, parse, parse_list, split, to_field

ACCEPTED = rf"a latent is a seed from 0 to {MAX_SEED}, or a text such as slerp\(10, 29, 0.5\) or encode\(3, 100\)"
TOY = ex.from_denoiser(lambda x_t, t: x_t, (1, 4, 4))
seeds = st.builds(Seed, st.integers(0, MAX_SEED))
weights = st.floats(0, 1)
specs = st.recursive(
    seeds, lambda inner: st.builds(Mix, st.sampled_from(["slerp", "lerp"]), inner, inner, weights), max_leaves=5
)


def depth(spec) -> int:
    return 0 if isinstance(spec, Seed) else 1 + max(depth(spec.a), depth(spec.b))


@given(specs)
def test_a_latent_is_parsed_from_its_text(spec):
    if depth(spec) <= MAX_DEPTH and len(str(spec)) <= MAX_TEXT:
        assert parse(str(spec)) == spec
        assert parse(to_field(spec)) == spec


@given(specs)
def test_the_python_expression_gives_the_same_latent(spec):
    made = eval(spec.to_python(), {"ex": ex, "torch": torch, "checkpoint": TOY})
    assert torch.equal(made, spec.latent(TOY))


def test_a_seed_is_the_latent_of_that_seed_and_a_mix_lies_between_two():
    a, b = ex.latent(TOY.shape, [10]), ex.latent(TOY.shape, [29])
    assert torch.equal(parse(10).latent(TOY), a)
    assert torch.equal(parse(" 10 ").latent(TOY), a)
    assert torch.equal(parse("slerp(10, 29, 0.3636)").latent(TOY), ex.slerp(a, b, 0.3636))
    assert torch.equal(parse("lerp(10,29,.25)").latent(TOY), torch.lerp(a, b, 0.25))
    nested = parse("slerp(slerp(10, 29, 0.5), lerp(29, 10, 1), 0.125)")
    assert torch.equal(nested.latent(TOY), ex.slerp(ex.slerp(a, b, 0.5), torch.lerp(b, a, 1.0), 0.125))


def test_a_seed_is_a_number_on_the_page_and_any_other_latent_its_text():
    assert to_field(parse("7")) == 7
    assert to_field(parse("slerp( 1,2 , .5 )")) == "slerp(1, 2, 0.5)"


def test_the_weight_of_a_mix_is_rounded_and_the_ends_are_the_latents_themselves():
    a, b = Seed(1), Seed(2)
    assert str(mix(a, b, 4 / 11)) == "slerp(1, 2, 0.3636)"
    assert str(mix(a, b, 0.5, "lerp")) == "lerp(1, 2, 0.5)"
    assert mix(a, b, 0.00001) is a
    assert mix(a, b, 0.99999) is b


@pytest.mark.parametrize(
    "value",
    [
        *(-1, MAX_SEED + 1, 10**400, 1.5, float("nan"), True, [3], {}),
        *("-1", "--5", "5-", "1e99", "2.5", "2,5", str(MAX_SEED + 1), "9" * 4000, "٣", "0x10", "<b>", "1, 2", "abc"),
    ],
)
def test_an_invalid_seed_is_refused_with_what_is_accepted(value):
    with pytest.raises(ValueError, match=ACCEPTED + ", not ") as caught:
        parse(value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_latent_is_asked_for(value):
    with pytest.raises(ValueError, match="the latent is missing; expected " + ACCEPTED.removeprefix("a latent is ")):
        parse(value)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("１２３", 123),
        ("1e3", 1000),
        ("12,345", 12345),
        (" +7 ", 7),
        ("slerp(10, 29, 0,5)", "slerp(10, 29, 0.5)"),
        ("slerp(10; 29; 0,5)", "slerp(10, 29, 0.5)"),
        ("ｓｌｅｒｐ（１０，２９，０．５）", "slerp(10, 29, 0.5)"),
        ("Slerp(lerp(1、2、0,25), 3, 1,0)", "slerp(lerp(1, 2, 0.25), 3, 1.0)"),
        ("Encode（3；100）", "encode(3, 100)"),
    ],
)
def test_a_latent_may_be_typed_as_people_type_numbers(typed, expected):
    assert to_field(parse(typed)) == expected


@pytest.mark.parametrize(
    "value",
    [
        *("slerp", "slerp(", "slerp()", "slerp(1, 2)", "slerp(1, 2, 0.5", "slerp(1, 2, 0.5) 3", "slerp(1: 2, 0.5)"),
        *(
            "slerp(1, 2, 1.01)",
            "slerp(1, 2, -0.1)",
            "slerp(1, 2, nan)",
            "slerp(1, 2, half)",
            "slerp(1, 2, 0, 5, 0)",
            "slerp(1, 2, 1,5)",
            "slerp(-1, 2, 0.5)",
        ),
        *("slerp(1.5, 2, 0.5)", f"lerp(1, {MAX_SEED + 1}, 0.5)", "slerp(cube(1, 2, 0.5), 2, 0.5)"),
        "slerp(" * 5 + "1" + ", 2, 0.5)" * 5,
        "slerp(" * 300,
        "slerp(1, 2, 0." + "5" * MAX_TEXT + ")",
    ],
)
def test_an_invalid_mix_is_refused_with_what_was_expected(value):
    with pytest.raises(ValueError, match=r"latent must be a seed, .*slerp\(a, b, w\)") as caught:
        parse(value)
    assert len(str(caught.value)) < 250


def test_a_list_is_split_at_commas_outside_parentheses():
    assert split("1, slerp(2, 3, 0.5),4,, ") == ["1", "slerp(2, 3, 0.5)", "4"]
    assert split("5，10、20; slerp(2; 3; 0,5)；") == ["5", "10", "20", "slerp(2, 3, 0,5)"]
    assert [str(r) for r in parse_list("1, slerp(2, 3, 0.5)", 2, 4)] == ["1", "slerp(2, 3, 0.5)"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1", "expected 2 to 4 latents separated by commas, not 1"),
        ("", "expected 2 to 4 latents separated by commas, not 0"),
        ("1, 2, 3, 4, 5", "expected 2 to 4 latents separated by commas, not 5"),
        ("1, 2, 01", "the latents must differ, but '1' appears twice"),
        ("slerp(1,2,.5), slerp(1, 2, 0.50)", "the latents must differ"),
        ("1, two", "a latent is a seed from 0 to"),
        ("1, slerp(2, 3, 0.5", r"slerp\(a, b, w\)"),
        (7, "expected a list separated by commas, not 7"),
        (None, "expected a list separated by commas"),
        ("1, " * 10**6, "expected a list separated by commas"),
    ],
)
def test_an_invalid_list_is_refused(value, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse_list(value, 2, 4)
    assert len(str(caught.value)) < 250
