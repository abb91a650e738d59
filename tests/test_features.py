"""What a Fréchet distance of the U-Net's features sees: known damage to real pictures, in the right order."""

from __future__ import annotations

import itertools
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from flat import flat_pictures
from torch.nn.functional import avg_pool2d, conv2d, pad

import explorer as ex
from explorer.evaluation.features import Reference, inception_features, unet_features
from explorer.media.convert import to_uint8, to_unit

COUNT = 32  # pictures of a set


def blurred(x: torch.Tensor, sigma: float) -> torch.Tensor:
    reach = int(4 * sigma + 0.5)
    kernel = torch.exp(-torch.arange(-reach, reach + 1).float().square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    x = pad(x, (reach,) * 4, mode="replicate")
    return conv2d(conv2d(x, kernel, groups=3), kernel.mT, groups=3)


@pytest.fixture(scope="module")
def distances() -> dict[str, float]:
    """Of damaged sets of the shipped faces to other faces that are whole."""
    checkpoint = ex.load("faces-64", "cpu")
    features, real = unet_features(checkpoint), checkpoint.examples()
    reference = Reference.fit(features, real[:64], "examples", "")
    others = to_unit(real[64:])
    coarse = avg_pool2d(others, 8).flatten(1)
    alike = (coarse @ torch.pca_lowrank(coarse, q=1, niter=8)[2][:, 0]).argsort()  # along what differs most
    x = others[:COUNT]
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    halves = torch.cat([x[..., :32], x.roll(1, 0)[..., 32:]], -1)
    sets = {
        "whole": x,
        **{f"blur {sigma}": blurred(x, sigma) for sigma in (1.0, 2.0)},
        **{f"grain {std}": x + 2 * std * noise for std in (0.05, 0.1)},  # std on the scale of 0..1
        **{f"modes 1/{n}": others[alike[: len(alike) // n].repeat(8)[:COUNT]] for n in (4, 8)},
        "halves": halves,
    }
    return {name: reference.distance(features, to_uint8(pictures)).distance for name, pictures in sets.items()}


@pytest.mark.slow
def test_whole_pictures_are_closest(distances):
    assert min(distances, key=distances.__getitem__) == "whole"


@pytest.mark.parametrize(
    "names",
    [
        ("whole", "blur 1.0", "blur 2.0"),
        ("whole", "grain 0.05", "grain 0.1"),
        ("whole", "modes 1/4", "modes 1/8"),
        ("whole", "halves"),
    ],
)
def test_more_damage_is_farther(distances, names):
    got = [distances[name] for name in names]
    assert all(more > 1.2 * less for less, more in itertools.pairwise(got)), distances


def test_fine_grain_and_coarse_damage_weigh_alike(distances):
    """Neither scale drowns the other: strong grain, strong blur and lost modes are within a factor of ten."""
    strong = [distances[name] for name in ("grain 0.1", "blur 2.0", "modes 1/8")]
    assert max(strong) < 10 * min(strong)


# The features


def test_every_down_block_and_the_mid_block_give_mean_and_deviation_of_every_channel(tiny):
    features = unet_features(tiny)
    pictures = flat_pictures(3)
    blocks = features.extract(pictures)
    assert [block.shape for block in blocks] == [(3, 32)] * 3
    seen = []
    layer = tiny.predict_noise.unet.down_blocks[1].resnets[-1]
    hook = layer.register_forward_hook(lambda layer, inputs, output: seen.append(output))
    tiny.predict_noise(to_unit(pictures), 1)
    hook.remove()
    expected = torch.cat([seen[0].mean((2, 3)), seen[0].std((2, 3), correction=0)], 1)
    np.testing.assert_allclose(blocks[1], expected, atol=1e-5)


def test_features_do_not_depend_on_the_batch_and_leave_the_network_as_it_was(tiny):
    pictures = flat_pictures(7)
    one, other = (unet_features(tiny, batch).extract(pictures) for batch in (7, 2))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert not any(module._forward_hooks for module in tiny.predict_noise.unet.modules())


def test_features_need_a_unet(gaussian):
    with pytest.raises(ValueError, match="has no U-Net to take features from"):
        unet_features(gaussian())


def test_the_name_of_the_number_says_whose_features_and_that_it_is_no_fid(tiny):
    assert "U-Net features" in unet_features(tiny).name
    assert "not comparable with published FID" in unet_features(tiny).name


# The reference


def test_real_pictures_have_a_total_variance_of_1_with_the_same_share_from_every_block(tiny):
    reference = Reference.fit(unet_features(tiny), flat_pictures(40), "flat", "")
    variances = np.diag(reference.gaussian.covariance).reshape(3, -1).sum(1)
    np.testing.assert_allclose(variances, 1 / 3, rtol=1e-4)


def test_a_reference_comes_back_from_its_file_and_gives_the_same_distances(tiny, tmp_path):
    features = unet_features(tiny)
    reference = Reference.fit(features, flat_pictures(40), "flat", "abc")
    reference.write(tmp_path / "reference.npz")
    again = Reference.read(tmp_path / "reference.npz")
    assert (again.pictures, again.weights) == ("flat", "abc")
    pictures = 255 - flat_pictures(20)
    assert again.distance(features, pictures) == reference.distance(features, pictures)
    (tmp_path / "reference.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"reference\.npz is damaged; copy it again, or delete it"):
        Reference.read(tmp_path / "reference.npz")


def test_channels_that_never_change_have_no_say():
    """Flat pictures have no deviation over space."""
    blocks = [np.concatenate([np.random.default_rng(0).normal(size=(30, 4)), np.ones((30, 4))], 1)]
    features = type("Fixed", (), {"extract": staticmethod(lambda pictures: blocks)})
    reference = Reference.fit(features, flat_pictures(30), "fixed", "")
    assert np.isfinite(reference.projection).all()
    assert not reference.projection[4:].any()


# Inception


def test_inception_features_name_the_extra_that_they_need(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(ValueError, match=r"pip install 'ddim-explorer\[inception\]'"):
        inception_features(torch.device("cpu"))


def test_inception_sees_rgb_bytes_in_batches(monkeypatch):
    seen = []

    class Inception(torch.nn.Module):
        def forward(self, x):
            seen.append((x.dtype, tuple(x.shape)))
            return x.float().mean((2, 3))

    fid = ModuleType("torchmetrics.image.fid")
    fid.FrechetInceptionDistance = lambda feature: type("Metric", (), {"inception": Inception()})
    for name, module in (("torchmetrics", ModuleType("torchmetrics")), ("torchmetrics.image", ModuleType("image"))):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", fid)
    features = inception_features(torch.device("cpu"), batch=4)
    gray = flat_pictures(6)[..., :1]
    [rows] = features.extract(gray)
    assert seen == [(torch.uint8, (4, 3, 8, 8)), (torch.uint8, (2, 3, 8, 8))]
    np.testing.assert_array_equal(rows, np.repeat(gray[:, 0, 0], 3, axis=1))
    assert "Inception-v3" in features.name
    assert "not comparable with published FID" in features.name
