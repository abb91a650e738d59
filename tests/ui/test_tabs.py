"""What Compare, Consistency and Interpolate have in common: what they send, what they refuse, what an address holds."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from sent import SMALL, TABS, TOY, first_value, pictures_of, tab_of, values_of

import explorer as ex
from explorer.recipe import MAX_SEED
from explorer.ui.state import BadInput, from_address


def request(session="a"):
    return SimpleNamespace(session_hash=session)


@pytest.mark.parametrize("name", TABS)
def test_texts_only_grow_and_what_is_fixed_stays(name):
    values = values_of(tab_of(name), SMALL[name])
    assert [value["state"] for value in values] == ["running"] * (len(values) - 1) + ["ended"]
    for before, after in itertools.pairwise(values):
        assert after["pictures"].startswith(before["pictures"])
        assert after["evaluations"] >= before["evaluations"]
        assert {k for k in before if before[k] != after[k]} <= {
            *("state", "pictures", "facts", "similarity", "evaluations", "seconds")
        }
    assert values[-1]["evaluations"] == values[-1]["expected"] > 0
    json.dumps(values[-1], allow_nan=False)


@pytest.mark.parametrize("name", TABS)
@pytest.mark.parametrize("after", [0, 5, 12])
def test_a_superseded_run_ends_without_another_word_and_a_stopped_one_keeps_what_is_there(name, after):
    def answers(last):
        return itertools.chain(["running"] * after, itertools.repeat(last)).__next__

    superseded = values_of(tab_of(name), SMALL[name], answers("superseded"))
    assert all(value["state"] == "running" for value in superseded)
    stopped = values_of(tab_of(name), SMALL[name], answers("stopped"))[-1]
    assert stopped["state"] == "stopped"
    assert stopped["evaluations"] < stopped["expected"]
    assert set(pictures_of(stopped)) < set(pictures_of(values_of(tab_of(name), SMALL[name])[-1]))


@pytest.mark.parametrize("name", TABS)
def test_all_settings_survive_the_way_through_the_address(name):
    tab, given = tab_of(name), SMALL[name]
    given = given | {
        "wrong": False,
        "lerp": False,
        "over_steps": True,
        "way": "loop",
        "a": 29,
        "b": 10,
        "c": "lerp(1, 2, 0.5)",
    }
    asked = tab.parse(given)
    fields = asked.fields()
    address = {key: "1" if value is True else "0" if value is False else str(value) for key, value in fields.items()}
    restored, message = from_address(address, tab.defaults().fields(), tab.parse)
    assert message == ""
    assert restored == fields
    assert tab.parse(restored) == asked


REFUSED = [
    ("compare", "moments", 7, "from 8 to 12"),
    ("compare", "moments", 13, "from 8 to 12"),
    ("compare", "others", 0, "from 1 to 8"),
    ("compare", "others", "many", "from 1 to 8"),
    ("compare", "wrong", "yes", "on or off"),
    ("compare", "seed", MAX_SEED + 1, "from 0 to 9007199254740991"),
    ("compare", "noise_seed", MAX_SEED, "must be at most"),
    ("consistency", "latents", "", "1 to 12 latents"),
    ("consistency", "latents", ", ".join(map(str, range(13))), "1 to 12 latents"),
    ("consistency", "latents", "1, 2, 1", "must differ"),
    ("consistency", "latents", "1, two", "from 0 to 9007199254740991"),
    ("consistency", "latents", f"1, {MAX_SEED + 1}", "from 0 to 9007199254740991"),
    ("consistency", "latents", [1, 2], "a list separated by commas"),
    ("consistency", "lengths", "5, many", "S must be a whole number"),
    ("consistency", "lengths", "0, 5", "at least 1"),
    ("consistency", "lengths", "5, -5", "at least 1"),
    ("consistency", "lengths", "5, 2.5", "at least 1"),
    ("consistency", "lengths", "5, 10, 5", "5 is there twice"),
    ("consistency", "lengths", "5, 1001", "from 1 to 1000, not 1001"),
    ("consistency", "lengths", "5, " + "9" * 400, "S must be a whole number"),
    ("consistency", "lengths", "5", "2 to 8 values"),
    ("consistency", "lengths", "1,2,3,4,5,6,7,8,9", "2 to 8 values"),
    ("consistency", "lengths", None, "a list separated by commas"),
    ("interpolate", "b", 10, "10 is there twice"),
    ("interpolate", "b", "10", "10 is there twice"),
    ("interpolate", "b", MAX_SEED + 1, "from 0 to 9007199254740991"),
    ("interpolate", "a", "slerp(1, 2", r"slerp\(a, b, w\)"),
    ("interpolate", "frames", 7, "from 8 to 33"),
    ("interpolate", "frames", 34, "from 8 to 33"),
    ("interpolate", "frames", None, "from 8 to 33"),
    ("interpolate", "side", 4, "from 5 to 11"),
    ("interpolate", "way", "straight", "ends, loop"),
    ("interpolate", "ddpm", "some", "own, shared, off"),
    ("interpolate", "lerp", 2, "on or off"),
    ("interpolate", "loop", "10", "2 to 8 latents"),
    ("interpolate", "loop", "10, 29, 10", "must differ"),
    ("interpolate", "noise_seed", MAX_SEED, "must be at most"),
]


@pytest.mark.parametrize(("name", "field", "value", "expected"), REFUSED)
def test_a_field_that_cannot_be_used_is_named_and_the_last_good_value_offered(name, field, value, expected):
    tab = tab_of(name)
    with pytest.raises(BadInput, match=expected) as caught:
        tab.parse(SMALL[name] | {field: value})
    assert caught.value.field == field
    assert len(str(caught.value)) < 250
    good = tab.parse(SMALL[name])
    tab.last_good["a"] = good
    (refusal,) = tab.run(SMALL[name] | {field: value, "count": 4}, request())
    assert (refusal["state"], refusal["field"], refusal["count"]) == ("error", field, 4)
    assert refusal["message"] == str(caught.value)
    assert refusal["repair"]["value"] == good.fields()[field]


@pytest.mark.parametrize(("name", "field", "value", "expected"), REFUSED)
def test_a_bad_entry_of_an_address_does_not_spoil_the_good_ones(name, field, value, expected):
    tab = tab_of(name)
    address = {key: str(value) for key, value in SMALL[name].items()}
    fields, message = from_address(address | {field: str(value)}, tab.defaults().fields(), tab.parse)
    good = {key: value for key, value in SMALL[name].items() if key != field}
    assert fields == tab.defaults().fields() | good
    assert message.endswith("The usual value is shown.")
    tab.parse(fields)


def test_no_more_steps_than_the_checkpoint_has():
    given = {"checkpoint": "short", "lengths": "5, 101"}
    with pytest.raises(BadInput, match="from 1 to 100, not 101"):
        tab_of("consistency").parse(given)
    tab_of("consistency").parse(given | {"lengths": "5, 100"})
    strips = json.loads(first_value(tab_of("interpolate"), checkpoint="short", steps=20, over_steps=True)["strips"])
    assert [name for name in strips if name.startswith("S")] == ["S10", "S50"]


@pytest.mark.parametrize("name", TABS)
def test_the_copied_script_makes_the_same_pictures(name, monkeypatch, tmp_path):
    given = SMALL[name] | {"latents": "1, slerp(2, 3, 0.25), 4", "a": "slerp(2, 3, 0.25)", "seed": "lerp(2, 3, 0.25)"}
    last = values_of(tab_of(name), given)[-1]
    monkeypatch.setattr(ex, "load", lambda name: TOY)
    monkeypatch.chdir(tmp_path)
    exec(last["script"], {})
    names = {
        "compare": {f"{row}.png": f"{row}/end" for row in ("ddim", "yours", "ddpm", "large")},
        "consistency": {
            f"eta{e}-S{S}-{row}.png": f"{e}/{S}/{row}" for e in (0, 1) for S in (2, 4, 8) for row in range(3)
        },
        "interpolate": {f"frame-{k:02d}.png": f"slerp/{k}" for k in range(8)},
    }[name]
    assert {file.name for file in tmp_path.iterdir()} == set(names)
    pictures = pictures_of(last)
    for file, named in names.items():
        assert np.array_equal(np.asarray(Image.open(file)), pictures[named]), file
