"""Validation of the settings of a run."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import explorer as ex


def test_settings_are_immutable_and_hashable():
    a, b = ex.Settings(steps=20, eta=0.5, noise_seed=(1, 2)), ex.Settings(steps=20, eta=0.5, noise_seed=(1, 2))
    assert a == b
    assert hash(a) == hash(b)
    assert len({a, b, ex.Settings(steps=21)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        a.steps = 5


def test_settings_are_stored_as_plain_python_values():
    run = ex.Settings(steps=np.int64(20), eta=np.float32(0.5), noise_seed=[np.uint64(3), 4.0])
    assert run == ex.Settings(steps=20, eta=0.5, noise_seed=(3, 4))
    assert (type(run.steps), type(run.eta), type(run.noise_seed[0])) == (int, float, int)
    hash(run)


def test_noise_seeds_are_consecutive_from_a_number_or_the_entries_of_a_tuple():
    assert ex.Settings(noise_seed=5).noise_seeds(3) == [5, 6, 7]
    assert ex.Settings(noise_seed=(9, 1, 9)).noise_seeds(3) == [9, 1, 9]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("steps", [0, -1, 2.5, math.nan, "20", None, True], "steps must be a whole number of at least 1"),
        ("eta", [-0.1, 1.1, math.nan, "0.5", None, True], "eta must be a number from 0 to 1"),
        ("variance", ["small", None], "variance must be one of eta, large"),
        ("spacing", ["cosine", None], "spacing must be one of linear, quadratic, leading"),
        ("clip", [1, None, "yes"], "clip must be True or False"),
        ("noise_seed", [-1, 2**64, 0.5, "0", None, (0, -1), (0, "1")], f"noise_seed must be .* from 0 to {2**64 - 1}"),
    ],
)
def test_settings_refuse_values_out_of_range_and_name_the_range(name, values, message):
    for value in values:
        with pytest.raises(ValueError, match=message):
            ex.Settings(**{name: value})
