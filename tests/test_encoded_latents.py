"""Encoded latents of real pictures as text: encode(3, 100)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import explorer as ex
from explorer.inversion import Inversion, encoding
from explorer.media.convert import to_unit
from explorer.media.uploads import PictureError, UploadedPictures, as_tensor, read_picture
from explorer.runs import encoded_latent
from explorer.runs.encoded_latent import MAX_ENCODED, MAX_ITERATIONS, MAX_STEPS, EncodedLatent, real_picture
from explorer.runs.latent_spec import Mix, Seed, parse, to_field, with_imports
from explorer.schedule import SPACINGS
from explorer.support.bounded_cache import BoundedCache

NAME = "0123456789abcdef"
encodeds = st.builds(
    lambda picture, steps, iterations, spacing, first: EncodedLatent(picture, steps, iterations, spacing, **first),
    st.integers(0, 10**6) | st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    st.integers(1, MAX_STEPS),
    st.integers(0, MAX_ITERATIONS),
    st.sampled_from(SPACINGS),
    st.sampled_from([{}, {"ahead": True}, {"label": "t"}]),
)


@pytest.fixture
def toy(tmp_path):
    """eps = 0.5 x, with four held-out pictures."""
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "examples.npz", images=pictures)
    return replace(ex.from_denoiser(lambda x, t: 0.5 * x, (3, 8, 8), name=str(tmp_path)), folder=tmp_path)


# The text


@given(encodeds)
def test_an_encoded_latent_is_parsed_from_its_text(encoded):
    assert parse(str(encoded)) == encoded
    assert parse(to_field(encoded)) == encoded
    assert parse(str(Mix("slerp", encoded, Seed(3), 0.25))) == Mix("slerp", encoded, Seed(3), 0.25)


@pytest.mark.parametrize(
    ("text", "expected", "short"),
    [
        ("encode(3, 100)", EncodedLatent(3, 100), "encode(3, 100)"),
        (" encode( 3,100 ) ", EncodedLatent(3, 100), "encode(3, 100)"),
        ("encode(3, 100, 0)", EncodedLatent(3, 100), "encode(3, 100)"),
        ("encode(3, 100, 0, linear)", EncodedLatent(3, 100), "encode(3, 100)"),
        ("encode(3, 100, 2)", EncodedLatent(3, 100, 2), "encode(3, 100, 2)"),
        ("encode(3, 100, 0, quadratic)", EncodedLatent(3, 100, 0, "quadratic"), "encode(3, 100, 0, quadratic)"),
        ("encode(3, 100, 0, linear, ahead)", EncodedLatent(3, 100, ahead=True), "encode(3, 100, ahead)"),
        ("encode(3, 100, 2, ahead)", EncodedLatent(3, 100, 2, ahead=True), "encode(3, 100, 2, ahead)"),
        ("encode(3, 100, 0, label-t)", EncodedLatent(3, 100, label="t"), "encode(3, 100, label-t)"),
        (
            "encode(3, 100, 1, leading, ahead)",
            EncodedLatent(3, 100, 1, "leading", True),
            "encode(3, 100, 1, leading, ahead)",
        ),
        (f"encode({NAME}, 20)", EncodedLatent(NAME, 20), f"encode({NAME}, 20)"),
        ("encode(abcdefabcdefabcd, 20)", EncodedLatent("abcdefabcdefabcd", 20), "encode(abcdefabcdefabcd, 20)"),
        ("encode(1234567890123456, 20)", EncodedLatent("1234567890123456", 20), "encode(1234567890123456, 20)"),
    ],
)
def test_default_arguments_are_omitted_from_the_text(text, expected, short):
    assert parse(text) == expected
    assert str(expected) == short


def test_an_encoded_latent_can_be_an_end_of_a_mix():
    mixed = parse(f"slerp(encode(3, 100), lerp(encode({NAME}, 20, 1), 1234567890123456, 0.5), 0.25)")
    assert mixed == Mix(
        "slerp", EncodedLatent(3, 100), Mix("lerp", EncodedLatent(NAME, 20, 1), Seed(1234567890123456), 0.5), 0.25
    )


@pytest.mark.parametrize(
    "text",
    [
        *("encode", "encode(", "encode()", "encode(3)", "encode(3, 100", "encode(3, 100) 4", "encode(3: 100)"),
        *("encode(3 100)", "encode(, 3, 100)", "encode(3, 100, )", "encode(3,, 100)", "encode(3, 100, 2, linear, 1)"),
        *("encode(3, 0)", f"encode(3, {MAX_STEPS + 1})", "encode(3, 1.5)", "encode(3, many)", "encode(1e3, 10)"),
        *(f"encode(3, 100, {MAX_ITERATIONS + 1})", "encode(3, 100, -1)", "encode(3, 100, linear)"),
        *("encode(3, 100, 0, zigzag)", "encode(-3, 100)", "encode(abc, 100)", f"encode({NAME}0, 100)"),
        *("encode(slerp(1, 2, 0.5), 100)", "encode((3), 100)", "encode(made, 100)"),
        *("encode(3, ahead)", "encode(ahead)", "encode(3, 100, ahead, 2)", "encode(3, 100, ahead, ahead)"),
        *("encode(3, label-t)", "encode(3, 100, label-s)", "encode(3, 100, label)", "encode(3, 100, ahead, label-t)"),
        "encode(3, 10" + "0" * 400 + ")",
        "slerp(encode(3), 2, 0.5)",
    ],
)
def test_an_invalid_encoded_latent_is_refused_with_what_was_expected(text):
    with pytest.raises(ValueError, match=r"encode\(picture, S\), w from 0 to 1, not ") as caught:
        parse(text)
    assert len(str(caught.value)) < 250


# The latent


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("iterations", [0, 2])
def test_encode_is_the_last_state_of_encoding(toy, spacing, iterations):
    x_0 = real_picture(0, toy)
    steps = list(encoding(toy, x_0, 10, spacing, Inversion(iterations)))
    assert [t for t, _ in steps] == ex.timesteps(1000, 10, spacing)
    assert torch.equal(steps[-1][1], ex.encode(toy, x_0, 10, spacing, iterations))
    assert torch.equal(x_0, real_picture(0, toy))  # not changed


def test_encoding_checks_its_arguments_before_the_first_step(toy):
    for bad in ({"steps": 0}, {"steps": 1001}, {"spacing": "zigzag"}):
        with pytest.raises(ValueError, match="must be"):
            encoding(toy, real_picture(0, toy), **bad)
    with pytest.raises(ValueError, match="x_0 must be"):
        encoding(toy, torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize(
    "text",
    ["encode(2, 7)", "encode(2, 7, 2)", "encode(2, 7, 1, quadratic)", "encode(2, 7, ahead)", "encode(2, 7, label-t)"],
)
def test_the_latent_is_that_of_the_held_out_picture(toy, text):
    encoded = parse(text)
    x_0 = to_unit(toy.examples()[2:3])
    expected = ex.encode(toy, x_0, 7, encoded.spacing, encoded.iterations, encoded.ahead, encoded.label)
    assert torch.equal(encoded.latent(toy), expected)


def test_the_latent_is_that_of_the_uploaded_picture(toy, uploaded):
    data, name = uploaded
    x_0 = as_tensor(read_picture(data), toy.shape)
    assert torch.equal(parse(f"encode({name}, 7)").latent(toy), ex.encode(toy, x_0, 7))


def test_the_python_expression_of_an_encoded_latent_gives_the_same_latent(toy, uploaded, tmp_path, monkeypatch):
    scope = {"ex": ex, "torch": torch, "checkpoint": toy}
    held_out = parse("slerp(encode(2, 7, 1, quadratic, ahead), encode(1, 7, label-t), 0.25)")
    assert torch.equal(eval(held_out.to_python(), scope), held_out.latent(toy))
    data, name = uploaded
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.png").write_bytes(data)
    own = parse(f"encode({name}, 7)")
    exec(with_imports(f"x_T = {own.to_python()}"), scope := {"checkpoint": toy})
    assert torch.equal(scope["x_T"], own.latent(toy))


def test_refinement_reduces_the_reconstruction_error(gaussian):
    checkpoint = gaussian(shape=(1, 4, 4))
    x_0 = torch.linspace(-1, 1, 16).view(1, 1, 4, 4)
    off = [
        (ex.sample(checkpoint, ex.encode(checkpoint, x_0, 10, iterations=k), ex.Settings(10)) - x_0).abs().max()
        for k in (0, 2)
    ]
    assert off[1] < off[0] / 3


# Cache


@pytest.fixture
def counted(toy):
    """The toy, and the list of the t of its network calls."""
    calls: list[int] = []

    def predict_noise(x, t):
        calls.append(t)
        return toy.predict_noise(x, t)

    return replace(toy, predict_noise=predict_noise), calls


def test_a_latent_is_encoded_once(counted):
    checkpoint, calls = counted
    first = EncodedLatent(1, 6).latent(checkpoint)
    assert len(calls) == 6
    assert torch.equal(EncodedLatent(1, 6).latent(checkpoint), first)
    assert torch.equal(parse("encode(1, 6)").latent(checkpoint), first)
    assert len(calls) == 6
    for other in (
        EncodedLatent(2, 6),
        EncodedLatent(1, 7),
        EncodedLatent(1, 6, 1),
        EncodedLatent(1, 6, 0, "quadratic"),
    ):
        before = len(calls)
        other.latent(checkpoint)
        assert len(calls) > before


def test_latents_are_cached_per_checkpoint(toy, counted):
    checkpoint, calls = counted
    EncodedLatent(1, 6).latent(replace(checkpoint, name="another " + toy.name))
    EncodedLatent(1, 6).latent(checkpoint)
    assert len(calls) == 12


def test_the_cache_is_bounded_and_evicts_the_oldest(toy, monkeypatch):
    cache = BoundedCache(MAX_ENCODED)
    monkeypatch.setattr(encoded_latent, "ENCODED_LATENTS", cache)
    for S in range(1, MAX_ENCODED + 3):
        encoded_latent.cache_encoded(toy, EncodedLatent(0, S), torch.zeros(1))
    assert len(cache) == MAX_ENCODED
    assert cache.get((toy.key, EncodedLatent(0, 2))) is None
    assert cache.get((toy.key, EncodedLatent(0, MAX_ENCODED + 2))) is not None


# Missing pictures


@pytest.mark.parametrize("number", [4, 10**9])
def test_a_number_beyond_the_held_out_pictures_is_refused_with_their_range(toy, number):
    with pytest.raises(PictureError, match=f"held-out pictures have the numbers 0 to 3, not {number}"):
        EncodedLatent(number, 5).latent(toy)


def test_a_checkpoint_without_held_out_pictures_says_so():
    bare = ex.from_denoiser(lambda x, t: x, (3, 8, 8), name="bare")
    with pytest.raises(PictureError, match="bare ships no held-out pictures: choose a picture of your own"):
        EncodedLatent(0, 5).latent(bare)


def test_an_evicted_upload_is_refused(toy, uploaded, monkeypatch):
    _, name = uploaded
    monkeypatch.setattr(encoded_latent, "UPLOADS", UploadedPictures())
    with pytest.raises(PictureError, match="choose the file again"):
        EncodedLatent(name, 8).latent(toy)


def test_more_steps_than_the_checkpoint_has_are_refused(toy):
    short = replace(toy, name="short " + toy.name, schedule=ex.Schedule.linear(T=100))
    with pytest.raises(ValueError, match="from 1 to 100"):
        EncodedLatent(0, 101).latent(short)
    assert EncodedLatent(0, 100).latent(short).shape == (1, 3, 8, 8)
