"""What all tabs but Steps have in common: what they send, what they refuse, what an address holds."""

import itertools
import json

import numpy as np
import pytest
from PIL import Image
from tab_values import SMALL, TABS, TOY, ends_after, english, first_value, pictures_of, run, tab_of, values_of

import explorer as ex
from explorer.runs.latent_spec import MAX_SEED
from explorer.ui.address import from_address
from explorer.ui.fields import InvalidField

MADE = ("compare", "consistency", "interpolate", "solvers")  # their pictures are made, so they need no held-out ones
NO_NETWORK = ("forward", "paths")
CHANGES = {
    "state",
    "evaluations",
    "seconds",
    "pictures",
    "facts",
    "ranges",
    "similarity",
    "times",
    "table",
    "runs",
    "sweep",
    "exact",
}


@pytest.mark.parametrize(
    ("name", "checkpoint"), [*((name, "toy") for name in TABS), *((name, "bare") for name in MADE)]
)
def test_texts_only_grow_and_what_is_fixed_stays(make, name, checkpoint, few_columns):
    values = values_of(make(name), SMALL[name] | {"checkpoint": checkpoint})
    assert [value["state"] for value in values] == ["running"] * (len(values) - 1) + ["ended"]
    for before, after in itertools.pairwise(values):
        assert after["pictures"].startswith(before["pictures"])
        assert (after["evaluations"] or 0) >= (before["evaluations"] or 0)
        assert {key for key in before if before[key] != after[key]} <= CHANGES
    last = values[-1]
    assert last["evaluations"] == last["expected"]
    assert last["expected"] is None if name in NO_NETWORK else last["expected"] > 0
    json.dumps(last, allow_nan=False)
    for key, text in last.items():
        if isinstance(text, str) and text[:1] in ("[", "{") and key != "script":
            json.dumps(json.loads(text), allow_nan=False)


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        *itertools.product(MADE, (0, 5, 12)),
        *itertools.product(("encode", "paths", "quality"), (0, 2, 8)),  # Forward is sent as a whole
    ],
)
def test_a_superseded_run_ends_without_another_word_and_a_stopped_one_keeps_what_is_there(
    make, name, calls, few_columns
):
    superseded = values_of(make(name), SMALL[name], ends_after(calls, "superseded"))
    assert all(value["state"] == "running" for value in superseded)
    whole = values_of(make(name), SMALL[name])[-1]
    stopped = values_of(make(name), SMALL[name], ends_after(calls, "stopped"))[-1]
    assert stopped["state"] == "stopped"
    assert stopped.keys() == whole.keys()
    if name not in NO_NETWORK:
        assert stopped["evaluations"] < stopped["expected"]
        assert set(pictures_of(stopped)) < set(pictures_of(whole))


OTHERS = {
    **{"wrong": False, "lerp": False, "over_steps": True, "way": "loop", "a": 29, "b": 10, "c": "lerp(1, 2, 0.5)"},
    **{
        "refine": 3,
        "ahead": False,
        "label": "t",
        "largest": 500,
        "every_steps": True,
        "mixture": "two moons",
        "even_lambda": True,
        "fine": True,
        "plane": "letter",
        "samples": False,
    },
}


@pytest.mark.parametrize("name", TABS)
def test_all_settings_survive_the_way_through_the_address(make, name):
    tab = make(name)
    request = tab.parse(SMALL[name] | OTHERS)
    fields = request.fields()
    address = {key: "1" if value is True else "0" if value is False else str(value) for key, value in fields.items()}
    restored, message = from_address(address, tab.default_request().fields(), tab.parse)
    assert message == ""
    assert restored == fields
    assert tab.parse(restored) == request


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
    ("consistency", "lengths", "5, 10, 5", "5 appears twice"),
    ("consistency", "lengths", "5, 1001", "from 1 to 1000, not 1001"),
    ("consistency", "lengths", "5, " + "9" * 400, "S must be a whole number"),
    ("consistency", "lengths", "5", "2 to 8 values"),
    ("consistency", "lengths", "1,2,3,4,5,6,7,8,9", "2 to 8 values"),
    ("consistency", "lengths", None, "a list separated by commas"),
    ("interpolate", "b", 10, "10 appears twice"),
    ("interpolate", "b", "10", "10 appears twice"),
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
    ("encode", "picture", "made up", "number of a held-out picture or the name of an uploaded one"),
    ("encode", "picture", -1, "held-out picture must be"),
    ("encode", "picture", 1.5, "held-out picture must be"),
    ("encode", "picture", None, "The picture is missing; expected the number of a held-out picture"),
    ("encode", "picture", "9" * 400, "number of a held-out picture"),
    ("encode", "refine", 6, "from 0 to 5"),
    ("encode", "refine", "some", "from 0 to 5"),
    ("encode", "ahead", "yes", "on or off"),
    ("encode", "every_steps", "yes", "on or off"),
    ("encode", "label", "u", "one of s, t"),
    ("encode", "largest", 300, "one of 10, 20, 50, 100, 200, 500, 1000"),
    ("encode", "largest", True, "one of 10, 20"),
    ("encode", "steps", 1001, "from 1 to 1000"),
    ("encode", "seed", "encode(3)", r"encode\(picture, S\)"),
    ("forward", "real", "mine", "number of a held-out picture"),
    ("forward", "real", [3], "held-out picture must be"),
    ("forward", "pixels", "8:0", "rows 0 to 7 and columns 0 to 7; 8:0 is outside"),
    ("forward", "pixels", "0:0, 3:8", "3:8 is outside"),
    ("forward", "pixels", "2:3, 2:3", "1 to 3 different pixels"),
    ("forward", "pixels", "2:3, 02:3", "1 to 3 different pixels"),
    ("forward", "pixels", "0:0, 1:1, 2:2, 3:3", "1 to 3 different pixels, not 4"),
    ("forward", "pixels", ",", "1 to 3 different pixels, not 0"),
    ("forward", "pixels", "two:three", "a list such as 32:20, 50:32"),
    ("forward", "pixels", "2", "each a row and a column"),
    ("forward", "pixels", "-1:2", "each a row and a column"),
    ("forward", "pixels", "1:2:3", "each a row and a column"),
    ("forward", "pixels", "٣:1", "each a row and a column"),
    ("forward", "pixels", "9" * 10_000 + ":1", "each a row and a column"),
    ("forward", "pixels", 7, "a list such as"),
    ("forward", "walks", 99, "from 100 to 4000"),
    ("forward", "walks", 4001, "from 100 to 4000"),
    ("paths", "mixture", "cube", "ring, grid"),
    ("paths", "mixture", None, "must be one of"),
    ("paths", "drawn", 0, "from 1 to 60"),
    ("paths", "drawn", 61, "from 1 to 60"),
    ("paths", "points", 199, "from 200 to 2000"),
    ("paths", "points", 2001, "from 200 to 2000"),
    ("solvers", "calls", 3, "from 4 to 100"),
    ("solvers", "calls", 101, "from 4 to 100"),
    ("solvers", "even_lambda", "yes", "on or off"),
    ("solvers", "fine", 2, "on or off"),
    ("solvers", "plane", "cube", "two moons, ring, grid"),
    ("quality", "samples", 1, "on or off"),
    ("quality", "seed", MAX_SEED, "must be at most"),
    ("quality", "noise_seed", MAX_SEED, "must be at most"),
]


@pytest.mark.parametrize(("name", "field", "value", "expected"), REFUSED)
def test_a_field_that_cannot_be_used_is_named_and_the_last_good_value_offered(make, name, field, value, expected):
    tab = make(name)
    with pytest.raises(InvalidField, match=expected) as caught:
        tab.parse(SMALL[name] | {field: value})
    assert caught.value.field == field
    assert len(str(caught.value)) < 250
    good = tab.parse(SMALL[name])
    tab.last_good.put("a", good)
    (refusal,) = run(tab, SMALL[name] | {field: value, "count": 4})
    assert (refusal["state"], refusal["field"], refusal["count"]) == ("error", field, 4)
    assert refusal["message"]["say"]  # in every language
    assert english(refusal["message"]) == str(caught.value)
    assert refusal["repair"]["value"] == good.fields()[field]


@pytest.mark.parametrize(("name", "field", "value", "expected"), [case for case in REFUSED if case[2] != 1])
def test_a_bad_entry_of_an_address_does_not_spoil_the_good_ones(make, name, field, value, expected):
    """But for 1, which is "on" in an address."""
    tab = make(name)
    address = {key: str(value) for key, value in SMALL[name].items()}
    fields, message = from_address(address | {field: str(value)}, tab.default_request().fields(), tab.parse)
    good = {key: value for key, value in SMALL[name].items() if key != field}
    assert fields == tab.default_request().fields() | good
    assert message.endswith("The default is used.")
    tab.parse(fields)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (None, "not measured yet: python -m explorer evaluate toy"),
        ("{}", "not measured yet"),
        ("{", "is not a readable JSON file"),
        ("[]", "quality.json: Input should be an object, not []"),
        ('{"loss": {"pictures": 5}, "frechet": {}, "reconstruction": {}}', "quality.json: loss.mean: Field required"),
        ('{"loss": 3}', "quality.json: loss: Input should be an object, not 3"),
        ('{"frechet": 3}', "quality.json: frechet: Input should be an object, not 3"),
    ],
)
@pytest.mark.parametrize("name", ["encode", "forward", "quality"])
def test_without_measurements_a_note_says_so_and_the_rest_works(make, folder, name, text, note):
    if text is not None:
        (folder / "quality.json").write_text(text)
    last = run(make(name), SMALL[name])[-1]
    assert last["state"] == "ended"
    part = json.loads(last["loss" if name == "forward" else "measured"])
    assert note in english(part["note"])
    assert not any(value for key, value in part.items() if key != "note")
    assert len(pictures_of(last)) >= 4


def test_no_more_steps_than_the_checkpoint_has():
    given = {"checkpoint": "short", "lengths": "5, 101"}
    with pytest.raises(InvalidField, match="from 1 to 100, not 101"):
        tab_of("consistency").parse(given)
    tab_of("consistency").parse(given | {"lengths": "5, 100"})
    strips = json.loads(first_value(tab_of("interpolate"), checkpoint="short", steps=20, over_steps=True)["strips"])
    assert [name for name in strips if name.startswith("S")] == ["S10", "S50"]


@pytest.mark.parametrize("name", MADE)
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
        "solvers": {f"{solver}.png": f"{solver}/end" for solver in ex.SOLVERS},
    }[name]
    assert {file.name for file in tmp_path.iterdir()} == set(names)
    pictures = pictures_of(last)
    for file, named in names.items():
        assert np.array_equal(np.asarray(Image.open(file)), pictures[named]), file
