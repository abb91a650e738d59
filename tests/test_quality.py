"""The held-out loss."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

import explorer as ex
from explorer.quality import ROUNDS, held_out_loss

SCHEDULE = ex.Schedule.linear()
BLACK = np.zeros((50, 16, 16, 1), np.uint8)  # x_0 = -1 everywhere


def knows_black(x_t, t):
    """The exact eps where every picture is black."""
    ab = torch.from_numpy(SCHEDULE.alpha_bar.copy())[t].view(-1, 1, 1, 1)
    return ((x_t + ab.sqrt()) / (1 - ab).sqrt()).float()


def test_a_network_that_knows_the_pictures_has_no_loss():
    assert held_out_loss(knows_black, SCHEDULE, BLACK).mean < 1e-6


def test_a_network_that_says_zero_has_the_variance_of_the_noise_for_loss():
    loss = held_out_loss(lambda x_t, t: torch.zeros_like(x_t), SCHEDULE, BLACK)
    assert loss.mean == pytest.approx(1, abs=4 * math.sqrt(2 / (50 * ROUNDS * 256)))


def test_the_loss_is_that_of_its_t():
    """A network wrong by t/1000 has the loss (t/1000)^2 at t."""
    loss = held_out_loss(lambda x, t: knows_black(x, t) + t.view(-1, 1, 1, 1) / 1000, SCHEDULE, BLACK)
    np.testing.assert_allclose(loss.loss, (np.array(loss.t) / 1000) ** 2, atol=1e-3)
    fifths = [np.mean((np.array(loss.t)[i * 40 : (i + 1) * 40] / 1000) ** 2) for i in range(5)]
    np.testing.assert_allclose(loss.fifths, fifths, atol=1e-3)
    assert loss.mean == pytest.approx(1 / 3, abs=0.01)


def test_every_picture_is_measured_at_times_spread_over_all_of_1_to_T():
    loss = held_out_loss(knows_black, SCHEDULE, BLACK)
    assert loss.t == tuple(range(1, 1001, 1000 // (50 * ROUNDS)))


def test_the_loss_does_not_depend_on_the_batch_and_repeats():
    losses = [held_out_loss(lambda x, t: x, SCHEDULE, BLACK, batch=b).mean for b in (32, 7, 32)]
    assert losses[0] == losses[2]
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)


def test_what_is_written_of_the_loss_is_json_even_for_the_fewest_pictures():
    written = held_out_loss(lambda x, t: x, SCHEDULE, BLACK[:5]).to_json()
    assert written["pictures"] == 5
    assert len(written["curve"]) == 20
    json.dumps(written, allow_nan=False)
