"""Previews of a run: first, marked as such, in no file and no measurement, and replaced by the pictures themselves."""

import json

import numpy as np
import pytest
import torch
from tab_values import SMALL, ends_after, lines_of, pictures_of, previews_of, tab_of, values_of

from explorer.ui.picture_stream import PictureStream

LONG = {
    "consistency": SMALL["consistency"] | {"lengths": "8, 9, 12"},
    "interpolate": SMALL["interpolate"] | {"steps": 9},
}


@pytest.mark.parametrize("name", LONG)
def test_all_previews_come_first_and_are_replaced(name):
    values = values_of(tab_of(name), LONG[name])
    last = values[-1]
    marked = [(name, preview) for name, _, preview in lines_of(last) if not name.startswith("x_T")]
    count = len(marked) // 2
    assert all(preview for _, preview in marked[:count])
    assert not any(preview for _, preview in marked[count:])
    assert sorted(name for name, _ in marked[:count]) == sorted(name for name, _ in marked[count:])
    coarse = values_of(tab_of(name), LONG[name] | {"steps": 2, "lengths": "2, 3"})[-1]
    for picture, (preview, pixels) in previews_of(last).items():
        same = picture.replace(f"/{preview[1]}/", "/2/") if name == "consistency" else picture
        assert preview[0] == 2
        assert np.array_equal(pixels, pictures_of(coarse)[same])


@pytest.mark.parametrize(("name", "facts", "calls"), [("consistency", "similarity", 5), ("interpolate", "facts", 14)])
def test_a_stopped_run_keeps_previews_and_measures_none(name, facts, calls):
    values = values_of(tab_of(name), LONG[name], ends_after(calls, "stopped"))
    stopped = values[-1]
    assert stopped["state"] == "stopped"
    assert len(previews_of(stopped)) >= 18
    assert not set(pictures_of(stopped)) - {f"x_T/{row}" for row in range(3)}
    told = json.loads(stopped[facts])
    assert told == ({} if name == "interpolate" else {eta: {"reference": None, "columns": [None] * 3} for eta in "01"})


def test_no_file_can_contain_a_preview():
    stream = PictureStream()
    stream.add_preview("a", torch.zeros(3, 4, 4), 2, 20)
    with pytest.raises(KeyError):
        stream.stack("a")
    stream.add("a", torch.ones(3, 4, 4))
    assert (stream.stack("a") == 255).all()
    sent = stream.to_page()
    stream.add_preview("a", torch.zeros(3, 4, 4), 2, 20)  # too late
    assert stream.to_page() == sent
