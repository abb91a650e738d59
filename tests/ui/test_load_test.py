"""The load test's judgement: what a user was shown is held against the same run made alone."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tab_values import TOY, tab_of

from explorer.bench.load_test import Asked, check


def shown(name, **settings):
    """A run as its user saw it end."""
    *_, value = tab_of(name, TOY).run(settings, SimpleNamespace(session_hash="a"))
    assert value["state"] == "ended"
    sheet = Path(value["sheet"]["file"]["path"]).read_bytes() if name == "steps" else b""
    return Asked(name, settings, value=value, sheet=sheet)


@pytest.fixture
def done():
    return [
        shown("steps", seed=1, steps=6),
        shown("steps", seed=2, steps=6),
        shown("compare", seed=1, steps=10, others=1),
        shown("consistency", latents="1, 2", lengths="5, 10"),
    ]


def test_what_is_right_is_passed(done):
    assert list(check(done, TOY)) == []


def test_another_users_picture_or_settings_and_every_error_is_found(done):
    first, second, compared, _ = done
    mixed_up = replace(first, sheet=second.sheet)
    strange = replace(compared, settings={**compared.settings, "seed": 5})
    failed = replace(first, error="ValueError('the run failed')")
    wrong = list(check([mixed_up, strange, failed], TOY))
    assert [line.split("}: ")[1].split(" ")[0] for line in wrong] == ["another", "came", "ValueError('the"]


def test_another_picture_in_a_tab_of_many_is_found(done):
    compared = done[2]
    lines = dict(line.split("\t") for line in compared.value["pictures"].splitlines())
    lines["ddim/end"] = lines["ddpm/end"]
    pictures = "".join(f"{name}\t{uri}\n" for name, uri in lines.items())
    assert len(list(check([replace(compared, value=compared.value | {"pictures": pictures})], TOY))) == 1
