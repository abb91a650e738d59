"""What Compare, Consistency and Interpolate send to the page. No browser; a toy network, and once the shipped one."""

import base64
import io
import itertools
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import explorer as ex
from explorer.finished import Finished
from explorer.measures import grain, similarity, strip
from explorer.pictures import to_rgb, to_uint8
from explorer.recipe import MAX_SEED, parse
from explorer.trajectory import rms
from explorer.ui.compare import CompareTab
from explorer.ui.consistency import ConsistencyTab
from explorer.ui.interpolate import InterpolateTab
from explorer.ui.state import BadInput, Newest, from_address

TABS = {tab.name: tab for tab in (CompareTab, ConsistencyTab, InterpolateTab)}
SHAPE = (3, 8, 8)
MU, S_DATA = 0.3, 0.5


@pytest.fixture
def toy():
    """The exact eps of Gaussian data, every pixel for itself; each row of a batch at its own t."""
    alpha_bar = torch.from_numpy(ex.Schedule.linear().alpha_bar.copy())

    def predict_noise(x_t, t):
        ab = alpha_bar[torch.as_tensor(t).expand(len(x_t))].view(-1, 1, 1, 1)
        return ((1 - ab).sqrt() * (x_t - ab.sqrt() * MU) / (ab * S_DATA**2 + 1 - ab)).float()

    return ex.from_denoiser(predict_noise, SHAPE, name="toy")


@pytest.fixture
def make(toy):
    """``make(name)``: a tab over the toy and a checkpoint of T = 100."""
    short = ex.from_denoiser(lambda x, t: 0.9 * x, SHAPE, ex.Schedule.linear(T=100), name="short")
    return lambda name: TABS[name]({"toy": toy, "short": short}, Newest(), Finished())


SMALL = {
    "compare": {"seed": 3, "steps": 9, "eta": 0.5, "moments": 8, "others": 2, "noise_seed": 5},
    "consistency": {"latents": "1, slerp(2, 3, 0.25), 4", "lengths": "2, 4, 8", "noise_seed": 5},
    "interpolate": {"steps": 4, "frames": 8, "side": 5, "noise_seed": 5},
}


def values_of(tab, given, state=lambda: "running"):
    return list(tab.stream(tab.parse(given), state))


def first_value(tab, **given):
    """All that is known before the first step."""
    return values_of(tab, given, lambda: "stopped")[0]


def pictures_of(value):
    """uint8 (H, W, 3) by name, as the page reads them."""
    pictures = {}
    for line in value["pictures"].splitlines():
        name, uri = line.split("\t")
        pictures[name] = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))
    return pictures


def picture(checkpoint, latent, **settings):
    """The finished picture of one run, as the page shows it."""
    return shown(ex.sample(checkpoint, parse(latent).make(checkpoint), ex.Settings(**settings)))


def shown(x):
    return to_rgb(to_uint8(x))[0]


def request(session="a"):
    return SimpleNamespace(session_hash=session)


# All three


@pytest.mark.parametrize("name", TABS)
def test_texts_only_grow_and_what_is_fixed_stays(make, name):
    values = values_of(make(name), SMALL[name])
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
def test_a_superseded_run_ends_without_another_word_and_a_stopped_one_keeps_what_is_there(make, name, after):
    def answers(last):
        return itertools.chain(["running"] * after, itertools.repeat(last)).__next__

    superseded = values_of(make(name), SMALL[name], answers("superseded"))
    assert all(value["state"] == "running" for value in superseded)
    stopped = values_of(make(name), SMALL[name], answers("stopped"))[-1]
    assert stopped["state"] == "stopped"
    assert stopped["evaluations"] < stopped["expected"]
    assert set(pictures_of(stopped)) < set(pictures_of(values_of(make(name), SMALL[name])[-1]))


@pytest.mark.parametrize("name", TABS)
def test_all_settings_survive_the_way_through_the_address(make, name):
    tab, given = make(name), SMALL[name]
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
def test_a_field_that_cannot_be_used_is_named_and_the_last_good_value_offered(make, name, field, value, expected):
    tab = make(name)
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
def test_a_bad_entry_of_an_address_does_not_spoil_the_good_ones(make, name, field, value, expected):
    tab = make(name)
    address = {key: str(value) for key, value in SMALL[name].items()}
    fields, message = from_address(address | {field: str(value)}, tab.defaults().fields(), tab.parse)
    good = {key: value for key, value in SMALL[name].items() if key != field}
    assert fields == tab.defaults().fields() | {**good, field: fields[field]}
    assert bool(message) == (field in SMALL[name] or fields[field] == tab.defaults().fields()[field])
    tab.parse(fields)


def test_no_more_steps_than_the_checkpoint_has(make):
    given = {"checkpoint": "short", "lengths": "5, 101"}
    with pytest.raises(BadInput, match="from 1 to 100, not 101"):
        make("consistency").parse(given)
    make("consistency").parse(given | {"lengths": "5, 100"})
    strips = strips_of(first_value(make("interpolate"), checkpoint="short", steps=20, over_steps=True))
    assert [name for name in strips if name.startswith("S")] == ["S10", "S50"]


@pytest.mark.parametrize("name", TABS)
def test_the_copied_script_makes_the_same_pictures(toy, make, name, monkeypatch, tmp_path):
    given = SMALL[name] | {"latents": "1, slerp(2, 3, 0.25), 4", "a": "slerp(2, 3, 0.25)", "seed": "lerp(2, 3, 0.25)"}
    last = values_of(make(name), given)[-1]
    monkeypatch.setattr(ex, "load", lambda name: toy)
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


# Compare

SETTINGS = {
    "ddim": {"eta": 0.0},
    "yours": {"eta": 0.5},
    "ddpm": {"eta": 1.0},
    "large": {"eta": 1.0, "variance": "large"},
}


def test_every_row_of_a_comparison_is_its_own_run_from_the_same_latent(toy, make):
    last = values_of(make("compare"), SMALL["compare"])[-1]
    pictures, moments = pictures_of(last), json.loads(last["moments"])
    tau = ex.timesteps(1000, 9)[::-1]
    assert [t for _, t in moments] == [tau[i] for i, _ in moments]
    assert len(moments) == 8
    assert (moments[0][0], moments[-1][0]) == (0, 8)
    assert list(json.loads(last["rows"])) == [*SETTINGS, "wrong"]
    for name, settings in SETTINGS.items():
        steps = list(ex.denoise(toy, ex.latent(SHAPE, [3]), ex.Settings(9, noise_seed=5, **settings)))
        for i, _ in moments:
            assert np.array_equal(pictures[f"{name}/{i}/x_t"], shown(steps[i].x_t))
            assert np.array_equal(pictures[f"{name}/{i}/x0"], shown(steps[i].x0))
        assert np.array_equal(pictures[f"{name}/end"], shown(steps[-1].x_prev))
    for k in range(2):
        other = picture(toy, 3, steps=9, eta=1.0, noise_seed=6 + k)
        assert np.array_equal(pictures[f"ddpm/other/{k}"], other)
    assert last["expected"] == 9 * (5 + 1 + 2)


def test_the_numbers_of_a_comparison(toy, make):
    facts = json.loads(values_of(make("compare"), SMALL["compare"])[-1]["facts"])
    x_T = ex.latent(SHAPE, [3])
    ends = {name: ex.sample(toy, x_T, ex.Settings(9, noise_seed=5, **s)) for name, s in SETTINGS.items()}
    for name, end in ends.items():
        assert facts[name]["nfe"] == 9
        assert facts[name]["distance"] == pytest.approx(rms(end - ends["ddim"]), abs=1e-6)
        assert facts[name]["grain"] == pytest.approx(grain(end).item(), rel=1e-5)
    assert facts["ddim"]["repeat"] == 0
    assert 0 < facts["ddpm"]["posterior"] < 1e-5
    others = [ex.sample(toy, x_T, ex.Settings(9, 1.0, noise_seed=6 + k)) for k in range(2)]
    assert facts["ddpm"]["others"] == pytest.approx([rms(other - ends["ddpm"]) for other in others], rel=1e-5)
    assert min(facts["ddpm"]["others"]) > 0.3
    assert facts["wrong"]["distance"] > 0.3  # told S..1, the network takes noise for picture
    assert facts["examples"]["grain"] is None


def test_your_eta_at_its_ends_is_ddim_and_ddpm(make):
    for eta, name in ((0.0, "ddim"), (1.0, "ddpm")):
        pictures = pictures_of(values_of(make("compare"), SMALL["compare"] | {"eta": eta})[-1])
        assert np.array_equal(pictures["yours/end"], pictures[f"{name}/end"])


def test_the_row_of_wrong_labels_is_there_only_where_it_is_asked_for(make):
    last = values_of(make("compare"), SMALL["compare"] | {"wrong": False})[-1]
    assert list(json.loads(last["rows"])) == list(SETTINGS)
    assert "wrong" not in json.loads(last["facts"])
    assert not any(name.startswith("wrong") for name in pictures_of(last))


@pytest.mark.parametrize("others", [1, 8])
def test_the_repeat_is_the_same_bit_for_bit_however_many_other_runs_there_are(tiny, others):
    tab = CompareTab({"tiny": tiny}, Newest(), Finished())
    facts = json.loads(values_of(tab, {"steps": 3, "others": others})[-1]["facts"])
    assert facts["ddim"]["repeat"] == 0
    assert len(facts["ddpm"]["others"]) == others
    assert min(facts["ddpm"]["others"]) > 0


def test_fewer_steps_than_moments_are_all_shown(make):
    last = values_of(make("compare"), SMALL["compare"] | {"steps": 1})[-1]
    assert json.loads(last["moments"]) == [[0, 1000]]
    assert json.loads(last["facts"])["ddpm"]["others"] == [0, 0]  # one step, and no noise after the last


# Consistency


def test_every_cell_is_its_own_run(toy, make):
    last = values_of(make("consistency"), SMALL["consistency"])[-1]
    pictures = pictures_of(last)
    for row, latent in enumerate(["1", "slerp(2, 3, 0.25)", "4"]):
        for S in (2, 4, 8):
            for eta in (0, 1):
                expected = picture(toy, latent, steps=S, eta=float(eta), noise_seed=5 + row)
                assert np.array_equal(pictures[f"{eta}/{S}/{row}"], expected)
        assert np.array_equal(pictures[f"x_T/{row}"], shown(parse(latent).make(toy) / 3))
    assert len(pictures) == 2 * 3 * 3 + 3
    assert last["expected"] == 2 * 3 * (2 + 4 + 8)
    assert json.loads(last["latents"]) == [1, "slerp(2, 3, 0.25)", 4]


def test_the_columns_are_in_order_however_they_are_typed(make):
    assert make("consistency").parse({"lengths": " 10,5 ,, 020"}).options.lengths == "5, 10, 20"


def test_similarity_is_taken_to_the_largest_S_that_is_complete(make, toy):
    values = values_of(make("consistency"), SMALL["consistency"])
    seen = [json.loads(value["similarity"])["0"]["reference"] for value in values]
    assert [S for S, _ in itertools.groupby(seen) if S] == [2, 4, 8]
    told = json.loads(values[-1]["similarity"])
    seeds = [ex.latent(SHAPE, [1]), parse("slerp(2, 3, 0.25)").make(toy), ex.latent(SHAPE, [4])]
    for eta in (0, 1):
        made = [
            ex.sample(toy, torch.cat(seeds), ex.Settings(S, float(eta), noise_seed=5)).clamp(-1, 1) for S in (2, 4, 8)
        ]
        mean = torch.cat(made).mean(0)
        for k in range(3):
            expected = similarity(made[k], made[2], mean).tolist()
            assert told[str(eta)]["columns"][k] == pytest.approx(expected, abs=1e-5)
        assert told[str(eta)]["columns"][2] == [1, 1, 1]
    assert values[-1]["mean_of"] == "these pictures"


def test_a_column_that_is_not_there_yet_has_no_number(make):
    answers = itertools.chain(["running"] * 2, itertools.repeat("stopped"))  # after one column of S = 2
    stopped = values_of(make("consistency"), SMALL["consistency"], answers.__next__)[-1]
    told = json.loads(stopped["similarity"])["0"]
    assert told["reference"] == 2
    assert [column is None for column in told["columns"]] == [False, True, True]


def test_pictures_are_remembered_and_a_new_column_costs_only_itself(make):
    tab = make("consistency")
    first = values_of(tab, SMALL["consistency"])[-1]
    *_, again = values_of(tab, SMALL["consistency"])
    assert (again["evaluations"], again["expected"]) == (0, 0)
    assert set(again["pictures"].splitlines()) == set(first["pictures"].splitlines())
    wider = values_of(tab, SMALL["consistency"] | {"lengths": "2, 4, 6, 8"})[-1]
    assert wider["evaluations"] == 2 * 3 * 6
    other_noise = values_of(tab, SMALL["consistency"] | {"noise_seed": 50})[-1]
    assert other_noise["evaluations"] == 3 * (2 + 4 + 8)  # eta = 0 is remembered


def test_on_faces_ddim_keeps_its_picture_over_S_and_ddpm_does_not():
    faces = ex.load("faces-64")
    tab = ConsistencyTab({"faces-64": faces}, Newest(), Finished())
    last = values_of(tab, {"latents": "0, 1, 2, 3, 4, 5, 6, 7", "lengths": "20, 40"})[-1]
    told = json.loads(last["similarity"])
    ddim, ddpm = (np.array(told[eta]["columns"][0]) for eta in ("0", "1"))
    assert ddim.mean() > 0.9
    assert ddim.mean() > ddpm.mean() + 0.3
    assert (ddim > ddpm).all()
    assert last["mean_of"] == "held-out pictures"


# Interpolate


def strips_of(value):
    return json.loads(value["strips"])


def test_every_frame_is_its_own_run(toy, make):
    last = values_of(make("interpolate"), SMALL["interpolate"])[-1]
    pictures, strips = pictures_of(last), strips_of(last)
    assert list(strips) == ["slerp", "lerp", "ddpm"]
    weights = [round(k / 7, 4) for k in range(8)]
    assert json.loads(last["positions"]) == weights
    inner = [f"(10, 29, {w})" for w in weights[1:-1]]
    assert strips["slerp"]["latents"] == strips["ddpm"]["latents"] == [10, *("slerp" + w for w in inner), 29]
    assert strips["lerp"]["latents"] == [10, *("lerp" + w for w in inner), 29]
    assert (strips["slerp"]["eta"], strips["ddpm"]["eta"]) == (0, 1)
    assert strips["ddpm"]["noise_seeds"] == list(range(5, 13))
    for name, s in strips.items():
        for k, (latent, noise_seed) in enumerate(zip(s["latents"], s["noise_seeds"], strict=True)):
            expected = picture(toy, latent, steps=4, eta=s["eta"], noise_seed=noise_seed)
            assert np.array_equal(pictures[f"{name}/{k}"], expected), (name, k)
    assert np.array_equal(pictures["slerp/0"], picture(toy, 10, steps=4))


def test_strips_are_shown_as_they_are_asked_for(make):
    def strips(**given):
        return strips_of(first_value(make("interpolate"), **given))

    assert list(strips(lerp=False, ddpm="off")) == ["slerp"]
    assert strips(ddpm="shared", noise_seed=5)["ddpm"]["noise_seeds"] == [5] * 12
    several = strips(over_steps=True, steps=20)
    assert [several[name]["steps"] for name in several] == [20, 20, 20, 10, 50]


def test_a_loop_leads_through_all_its_latents_and_back(toy, make):
    given = SMALL["interpolate"] | {"way": "loop", "loop": "10, 29, 22", "lerp": False, "ddpm": "off"}
    last = values_of(make("interpolate"), given)[-1]
    pictures, positions = pictures_of(last), json.loads(last["positions"])
    latents = strips_of(last)["slerp"]["latents"]
    assert json.loads(last["through"]) == [10, 29, 22, 10]
    assert len(positions) >= 8
    assert [latents[positions.index(leg)] for leg in range(4)] == [10, 29, 22, 10]
    assert latents[1] == f"slerp(10, 29, {positions[1]})"
    assert latents[-2] == f"slerp(22, 10, {round(positions[-2] - 2, 4)})"
    assert np.array_equal(pictures["slerp/0"], pictures[f"slerp/{len(positions) - 1}"])
    assert np.array_equal(pictures[f"slerp/{positions.index(1)}"], picture(toy, 29, steps=4))


@pytest.mark.parametrize("frames", [8, 12, 33])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_every_leg_of_a_loop_has_as_many_frames_and_at_least_one_between(make, frames, count):
    value = first_value(make("interpolate"), way="loop", loop=", ".join(map(str, range(count))), frames=frames)
    positions = json.loads(value["positions"])
    each = [sum(leg <= p < leg + 1 for p in positions) for leg in range(count)]
    assert len(set(each)) == 1
    assert len(positions) >= frames
    assert each[0] == 2 or (each[0] - 1) * count + 1 < frames  # and no more than that


def test_the_strip_of_ddim_is_smooth_and_that_of_ddpm_with_noise_of_its_own_is_not(toy, make):
    last = values_of(make("interpolate"), SMALL["interpolate"] | {"steps": 20})[-1]
    facts, strips = json.loads(last["facts"]), strips_of(last)
    for name, s in strips.items():
        made = torch.cat(
            [
                ex.sample(toy, parse(latent).make(toy), ex.Settings(20, s["eta"], noise_seed=seed))
                for latent, seed in zip(s["latents"], s["noise_seeds"], strict=True)
            ]
        ).clamp(-1, 1)
        measured = strip(made)
        assert facts[name]["largest"] == pytest.approx(measured.largest, rel=1e-5)
        assert facts[name]["smoothness"] == pytest.approx(measured.smoothness, rel=1e-5)
        assert facts[name]["span"] == pytest.approx(rms(made[-1] - made[0]), rel=1e-5)
        assert facts[name]["contrast_middle"] == pytest.approx(made[3].std().item(), rel=1e-5)
        ends = (made[0].std() + made[-1].std()).item() / 2
        assert facts[name]["contrast_ends"] == pytest.approx(ends, rel=1e-5)
    assert facts["slerp"]["smoothness"] > 0.8
    assert facts["ddpm"]["smoothness"] < 0.3
    assert facts["lerp"]["contrast_middle"] < 0.85 * facts["slerp"]["contrast_middle"]
    shared = json.loads(values_of(make("interpolate"), SMALL["interpolate"] | {"ddpm": "shared"})[-1]["facts"])
    assert shared["ddpm"]["smoothness"] > 0.8


def test_the_norm_of_lerp_sinks_to_0_71_half_way_and_that_of_slerp_stays():
    faces = ex.from_denoiser(lambda x, t: x, (3, 64, 64), name="toy")
    tab = InterpolateTab({"toy": faces}, Newest(), Finished())
    for way in ("ends", "loop"):
        norms = json.loads(first_value(tab, way=way)["norms"])
        assert max(abs(norm - 1) for _, norm in norms["slerp"]) < 0.02
        half = [norm for position, norm in norms["lerp"] if position % 1 == 0.5]
        assert half == pytest.approx([math.sqrt(0.5)] * len(half), abs=0.01)
        assert all(abs(norm - 1) < 0.02 for position, norm in norms["lerp"] if position % 1 == 0)


def test_the_pad_lies_between_its_corners(toy, make):
    last = values_of(make("interpolate"), SMALL["interpolate"] | {"c": 5, "d": "lerp(1, 2, 0.5)"})[-1]
    pictures = pictures_of(last)
    names, latents = json.loads(last["pad_names"]), json.loads(last["pad"])
    pad = dict(zip(names, latents, strict=True))
    assert sorted(pad) == sorted(f"pad/{row}/{column}" for row in range(5) for column in range(5))
    corners = [pad[f"pad/{row}/{column}"] for row in (0, 4) for column in (0, 4)]
    assert corners == ["10", "29", "5", "lerp(1, 2, 0.5)"]
    assert pad["pad/0/1"] == "slerp(10, 29, 0.25)"
    assert pad["pad/3/0"] == "slerp(10, 5, 0.75)"
    assert pad["pad/3/1"] == "slerp(slerp(10, 29, 0.25), slerp(5, lerp(1, 2, 0.5), 0.25), 0.75)"
    for name, latent in pad.items():
        assert np.array_equal(pictures[name], picture(toy, latent, steps=4)), name
    assert set(names[:4]) == {f"pad/{row}/{column}" for row in (0, 4) for column in (0, 4)}  # the corners come first


def test_an_odd_latent_of_a_strip_can_be_an_end_of_another(toy, make):
    latent = strips_of(values_of(make("interpolate"), SMALL["interpolate"])[-1])["slerp"]["latents"][3]
    last = values_of(make("interpolate"), SMALL["interpolate"] | {"a": latent})[-1]
    assert np.array_equal(pictures_of(last)["slerp/0"], picture(toy, latent, steps=4))


def test_moving_one_end_keeps_the_pad_between_the_others(make):
    tab = make("interpolate")
    values_of(tab, SMALL["interpolate"])
    longer = values_of(tab, SMALL["interpolate"] | {"ddpm": "shared"})[-1]
    assert longer["evaluations"] == 4 * 7  # the first frame of DDPM had that noise seed before
