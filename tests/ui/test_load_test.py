"""The check of the load test: the pictures that a user received are compared with those of the same run alone."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tab_values import TOY, tab_of

from explorer.bench.load_test import check
from explorer.bench.simulated_users import SimulatedRun


def completed_run(name, **settings):
    """A run with the value that its user received last."""
    *_, value = tab_of(name, TOY).run(settings, SimpleNamespace(session_hash="a"))
    assert value["state"] == "ended"
    sheet = Path(value["sheet"]["file"]["path"]).read_bytes() if name == "steps" else b""
    return SimulatedRun(name, settings, value=value, sheet=sheet)


@pytest.fixture
def runs():
    return [
        completed_run("steps", seed=1, steps=6),
        completed_run("steps", seed=2, steps=6),
        completed_run("compare", seed=1, steps=10, others=1),
        completed_run("consistency", latents="1, 2", lengths="5, 10"),
    ]


def test_right_pictures_pass_the_check(runs):
    assert list(check(runs, TOY)) == []


def test_errors_and_another_users_pictures_or_settings_are_found(runs):
    first, second, compared, _ = runs
    wrong_picture = replace(first, sheet=second.sheet)
    wrong_settings = replace(compared, settings={**compared.settings, "seed": 5})
    failed = replace(first, error="ValueError('the run failed')")
    problems = [problem.split("}: ")[1] for problem in check([wrong_picture, wrong_settings, failed], TOY)]
    assert problems[0] == "received another picture"
    assert problems[1].startswith("received the settings {")
    assert problems[2] == "ValueError('the run failed')"


def test_a_wrong_picture_among_many_is_found(runs):
    compared = runs[2]
    lines = dict(line.split("\t")[:2] for line in compared.value["pictures"].splitlines())
    lines["ddim/end"] = lines["ddpm/end"]
    pictures = "".join(f"{name}\t{uri}\n" for name, uri in lines.items())
    assert len(list(check([replace(compared, value=compared.value | {"pictures": pictures})], TOY))) == 1
