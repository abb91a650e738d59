"""What Interpolate sends to the page. No browser."""

import json
import math

import numpy as np
import pytest
import torch
from tab_values import SMALL, TOY, first_value, picture, pictures_of, shown, tab_of, values_of

import explorer as ex
from explorer.evaluation.metrics import strip
from explorer.latents import NoiseMix, step_noise
from explorer.runs.latent_spec import parse
from explorer.trajectory import rms


def strips_of(value):
    return json.loads(value["strips"])


def test_every_frame_is_its_own_run():
    last = values_of(tab_of("interpolate"), SMALL["interpolate"])[-1]
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
            expected = picture(latent, steps=4, eta=s["eta"], noise_seed=noise_seed)
            assert np.array_equal(pictures[f"{name}/{k}"], expected), (name, k)
    assert np.array_equal(pictures["slerp/0"], picture(10, steps=4))


def test_strips_are_shown_as_they_are_asked_for():
    def strips(**given):
        return strips_of(first_value(tab_of("interpolate"), **given))

    assert list(strips(lerp=False, ddpm="off")) == ["slerp"]
    assert strips(ddpm="shared", noise_seed=5)["ddpm"]["noise_seeds"] == [5] * 9
    several = strips(over_steps=True, steps=20)
    assert [several[name]["steps"] for name in several] == [20, 20, 20, 10, 50]


def test_a_loop_leads_through_all_its_latents_and_back():
    given = SMALL["interpolate"] | {"way": "loop", "loop": "10, 29, 22", "lerp": False, "ddpm": "off"}
    last = values_of(tab_of("interpolate"), given)[-1]
    pictures, positions = pictures_of(last), json.loads(last["positions"])
    latents = strips_of(last)["slerp"]["latents"]
    assert json.loads(last["through"]) == [10, 29, 22, 10]
    assert len(positions) >= 8
    assert [latents[positions.index(leg)] for leg in range(4)] == [10, 29, 22, 10]
    assert latents[1] == f"slerp(10, 29, {positions[1]})"
    assert latents[-2] == f"slerp(22, 10, {round(positions[-2] - 2, 4)})"
    assert np.array_equal(pictures["slerp/0"], pictures[f"slerp/{len(positions) - 1}"])
    assert np.array_equal(pictures[f"slerp/{positions.index(1)}"], picture(29, steps=4))


@pytest.mark.parametrize("frames", [8, 12, 33])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_every_leg_of_a_loop_has_as_many_frames_and_at_least_one_between(frames, count):
    value = first_value(tab_of("interpolate"), way="loop", loop=", ".join(map(str, range(count))), frames=frames)
    positions = json.loads(value["positions"])
    each = [sum(leg <= p < leg + 1 for p in positions) for leg in range(count)]
    assert len(set(each)) == 1
    assert len(positions) >= frames
    assert each[0] == 2 or (each[0] - 1) * count + 1 < frames  # and no more than that


def test_all_noises_of_a_run_are_interpolated():
    last = values_of(tab_of("interpolate"), SMALL["interpolate"] | {"steps": 9, "noises": True})[-1]
    told = strips_of(last)["noises"]
    assert told["noise_seeds"] == [5, *(f"slerp(5, 12, {round(k / 7, 4)})" for k in range(1, 7)), 12]
    plan = ex.Settings(9, 1.0).plan(TOY.schedule)
    for k in range(8):
        w = round(k / 7, 4)
        x = ex.slerp(*(ex.latent(TOY.shape, [seed]) for seed in (10, 29)), w)
        for c in plan:  # Eq. 12, by hand
            z = ex.slerp(*(step_noise(TOY.shape, [seed], c.t) for seed in (5, 12)), w)
            eps = TOY.predict_noise(x, c.t)
            x_0 = (x - (1 - c.alpha_bar) ** 0.5 * eps) / c.alpha_bar**0.5
            x = c.sqrt_alpha_bar_prev * x_0 + (1 - c.alpha_bar_prev - c.sigma**2) ** 0.5 * eps + c.sigma * z
        assert np.abs(pictures_of(last)[f"noises/{k}"].astype(int) - shown(x)).max() <= 1
    own = pictures_of(last)
    assert np.array_equal(own["noises/0"], own["ddpm/0"])
    assert np.array_equal(own["noises/7"], own["ddpm/7"])
    facts = json.loads(last["facts"])
    assert facts["noises"]["path_length"] < 0.5 * facts["ddpm"]["path_length"]


def test_interpolated_noise_keeps_its_variance():
    for t in (1, 500):
        z = NoiseMix(3, 4, 0.5).step_noise((3, 64, 64), t)
        assert z.var().item() == pytest.approx(1, abs=0.03)


def test_a_loop_of_noises_ends_with_the_noise_of_its_start():
    path = {"way": "loop", "loop": "1, 2, 3", "frames": 10, "noises": True, "noise_seed": 5}
    seeds = strips_of(first_value(tab_of("interpolate"), **path))["noises"]["noise_seeds"]
    assert [seeds[k] for k in (0, 3, 6, 9)] == [5, 8, 11, 5]
    assert seeds[7:9] == ["slerp(11, 5, 0.3333)", "slerp(11, 5, 0.6667)"]


def test_the_default_view_needs_at_most_1000_evaluations():
    value = first_value(tab_of("interpolate"))
    assert 500 < value["expected"] <= 1000
    frames, pad = (
        9 + 7 + 9,
        25 - 5,
    )  # without the ends of lerp, and the pictures of the pad that are in the strip of slerp
    assert value["expected"] == (frames + pad) * (20 + 2)  # S = 20, and the previews


def test_the_strip_of_ddim_is_smooth_and_that_of_ddpm_with_noise_of_its_own_is_not():
    last = values_of(tab_of("interpolate"), SMALL["interpolate"] | {"steps": 20})[-1]
    facts, strips = json.loads(last["facts"]), strips_of(last)
    for name, s in strips.items():
        made = torch.cat(
            [
                ex.sample(TOY, parse(latent).latent(TOY), ex.Settings(20, s["eta"], noise_seed=seed))
                for latent, seed in zip(s["latents"], s["noise_seeds"], strict=True)
            ]
        ).clamp(-1, 1)
        measured = strip(made)
        assert facts[name]["largest"] == pytest.approx(measured.largest, rel=1e-5)
        assert facts[name]["smoothness"] == pytest.approx(measured.smoothness, rel=1e-5)
        assert facts[name]["path_length"] == pytest.approx(measured.path_length, rel=1e-5)
        assert facts[name]["jump"] == pytest.approx(measured.jump, rel=1e-5)
        assert facts[name]["span"] == pytest.approx(rms(made[-1] - made[0]), rel=1e-5)
        assert facts[name]["contrast_middle"] == pytest.approx(made[3].std().item(), rel=1e-5)
        ends = (made[0].std() + made[-1].std()).item() / 2
        assert facts[name]["contrast_ends"] == pytest.approx(ends, rel=1e-5)
    assert facts["slerp"]["smoothness"] > 0.8
    assert facts["ddpm"]["smoothness"] < 0.3
    null = json.loads(last["unrelated"])
    assert null == {"path_length": 49, "jump": 1, "smoothness": pytest.approx(1 / 7)}
    assert facts["slerp"]["path_length"] < 2 < 0.3 * null["path_length"] < facts["ddpm"]["path_length"]
    assert facts["lerp"]["contrast_middle"] < 0.85 * facts["slerp"]["contrast_middle"]
    shared = json.loads(values_of(tab_of("interpolate"), SMALL["interpolate"] | {"ddpm": "shared"})[-1]["facts"])
    assert shared["ddpm"]["smoothness"] > 0.8


def test_the_norm_of_lerp_sinks_to_0_71_half_way_and_that_of_slerp_stays():
    faces = ex.from_denoiser(lambda x, t: x, (3, 64, 64), name="faces")
    for way in ("ends", "loop"):
        norms = json.loads(first_value(tab_of("interpolate", faces), way=way)["norms"])
        assert max(abs(norm - 1) for _, norm in norms["slerp"]) < 0.02
        half = [norm for position, norm in norms["lerp"] if position % 1 == 0.5]
        assert half == pytest.approx([math.sqrt(0.5)] * len(half), abs=0.01)
        assert all(abs(norm - 1) < 0.02 for position, norm in norms["lerp"] if position % 1 == 0)


def test_the_pad_lies_between_its_corners():
    last = values_of(tab_of("interpolate"), SMALL["interpolate"] | {"c": 5, "d": "lerp(1, 2, 0.5)"})[-1]
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
        assert np.array_equal(pictures[name], picture(latent, steps=4)), name
    assert set(names[:4]) == {f"pad/{row}/{column}" for row in (0, 4) for column in (0, 4)}  # the corners come first


def test_a_latent_between_two_can_be_an_end_itself():
    latent = strips_of(values_of(tab_of("interpolate"), SMALL["interpolate"])[-1])["slerp"]["latents"][3]
    last = values_of(tab_of("interpolate"), SMALL["interpolate"] | {"a": latent})[-1]
    assert np.array_equal(pictures_of(last)["slerp/0"], picture(latent, steps=4))


def test_another_noise_for_ddpm_costs_its_frames_alone():
    tab = tab_of("interpolate")
    values_of(tab, SMALL["interpolate"])
    longer = values_of(tab, SMALL["interpolate"] | {"ddpm": "shared"})[-1]
    assert longer["evaluations"] == 4 * 7  # the first frame of DDPM had that noise seed before
