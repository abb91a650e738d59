"""Features for Fréchet distances: more damage to real pictures gives a larger distance."""

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
from explorer.evaluation.features import ReferenceStatistics, inception_features, unet_features
from explorer.media.convert import to_uint8, to_unit

pytestmark = pytest.mark.slow

COUNT = 32  # pictures per set


def blurred(x: torch.Tensor, sigma: float) -> torch.Tensor:
    reach = int(4 * sigma + 0.5)
    kernel = torch.exp(-torch.arange(-reach, reach + 1).float().square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    x = pad(x, (reach,) * 4, mode="replicate")
    return conv2d(conv2d(x, kernel, groups=3), kernel.mT, groups=3)


@pytest.fixture(scope="module")
def distances() -> dict[str, float]:
    """Distances of damaged pictures of the shipped faces to other, undamaged ones."""
    checkpoint = ex.load("faces-64", "cpu")
    features, real = unet_features(checkpoint), checkpoint.examples()
    reference = ReferenceStatistics.fit(features, real[:64], "examples", "")
    others = to_unit(real[64:])
    coarse = avg_pool2d(others, 8).flatten(1)
    order = (coarse @ torch.pca_lowrank(coarse, q=1, niter=8)[2][:, 0]).argsort()  # by the first principal component
    x = others[:COUNT]
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    halves = torch.cat([x[..., :32], x.roll(1, 0)[..., 32:]], -1)
    sets = {
        "undamaged": x,
        **{f"blur {sigma}": blurred(x, sigma) for sigma in (1.0, 2.0)},
        **{f"grain {std}": x + 2 * std * noise for std in (0.05, 0.1)},  # std on the scale of 0..1
        **{f"modes 1/{n}": others[order[: len(order) // n].repeat(8)[:COUNT]] for n in (4, 8)},
        "halves": halves,
    }
    return {name: reference.distance(features, to_uint8(pictures)).distance for name, pictures in sets.items()}


def test_undamaged_pictures_are_closest(distances):
    assert min(distances, key=distances.__getitem__) == "undamaged"


@pytest.mark.parametrize(
    "names",
    [
        ("undamaged", "blur 1.0", "blur 2.0"),
        ("undamaged", "grain 0.05", "grain 0.1"),
        ("undamaged", "modes 1/4", "modes 1/8"),
        ("undamaged", "halves"),
    ],
)
def test_more_damage_gives_a_larger_distance(distances, names):
    values = [distances[name] for name in names]
    assert all(more > 1.2 * less for less, more in itertools.pairwise(values)), distances


def test_no_scale_of_damage_dominates(distances):
    """The distances of strong grain, strong blur and missing modes are within a factor of ten."""
    strong = [distances[name] for name in ("grain 0.1", "blur 2.0", "modes 1/8")]
    assert max(strong) < 10 * min(strong)


# The features


def test_the_features_are_mean_and_deviation_of_every_channel_of_the_down_and_mid_blocks(tiny):
    features = unet_features(tiny)
    pictures = flat_pictures(3)
    blocks = features.extract(pictures)
    assert [block.shape for block in blocks] == [(3, 32)] * 3
    outputs = []
    layer = tiny.predict_noise.unet.down_blocks[1].resnets[-1]
    hook = layer.register_forward_hook(lambda layer, inputs, output: outputs.append(output))
    tiny.predict_noise(to_unit(pictures), 1)
    hook.remove()
    expected = torch.cat([outputs[0].mean((2, 3)), outputs[0].std((2, 3), correction=0)], 1)
    np.testing.assert_allclose(blocks[1], expected, atol=1e-5)


def test_features_do_not_depend_on_the_batch_and_leave_no_hooks(tiny):
    pictures = flat_pictures(7)
    first, second = (unet_features(tiny, batch).extract(pictures) for batch in (7, 2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert not any(module._forward_hooks for module in tiny.predict_noise.unet.modules())


def test_features_need_a_unet(gaussian):
    with pytest.raises(ValueError, match="has no U-Net to take features from"):
        unet_features(gaussian())


def test_the_name_says_which_network_and_that_the_distance_is_not_fid(tiny):
    assert "U-Net features" in unet_features(tiny).name
    assert "not comparable with published FID" in unet_features(tiny).name


# Reference statistics


def test_real_pictures_have_a_total_variance_of_1_with_the_same_share_from_every_block(tiny):
    reference = ReferenceStatistics.fit(unet_features(tiny), flat_pictures(40), "flat", "")
    variances = np.diag(reference.gaussian.covariance).reshape(3, -1).sum(1)
    np.testing.assert_allclose(variances, 1 / 3, rtol=1e-4)


def test_reference_statistics_read_from_a_file_give_the_same_distances(tiny, tmp_path):
    features = unet_features(tiny)
    reference = ReferenceStatistics.fit(features, flat_pictures(40), "flat", "abc")
    reference.write(tmp_path / "reference.npz")
    again = ReferenceStatistics.read(tmp_path / "reference.npz")
    assert (again.pictures, again.weights) == ("flat", "abc")
    pictures = 255 - flat_pictures(20)
    assert again.distance(features, pictures) == reference.distance(features, pictures)
    (tmp_path / "reference.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"reference\.npz is damaged; copy it again, or delete it"):
        ReferenceStatistics.read(tmp_path / "reference.npz")


def test_constant_features_do_not_count():
    """Pictures of one colour have a constant deviation over space."""
    blocks = [np.concatenate([np.random.default_rng(0).normal(size=(30, 4)), np.ones((30, 4))], 1)]
    features = type("Fixed", (), {"extract": staticmethod(lambda pictures: blocks)})
    reference = ReferenceStatistics.fit(features, flat_pictures(30), "fixed", "")
    assert np.isfinite(reference.projection).all()
    assert not reference.projection[4:].any()


# Inception


def test_without_torchmetrics_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(ValueError, match=r"pip install 'ddim-explorer\[inception\]'"):
        inception_features(torch.device("cpu"))


def test_inception_gets_uint8_rgb_pictures_in_batches(monkeypatch):
    inputs = []

    class Inception(torch.nn.Module):
        def forward(self, x):
            inputs.append((x.dtype, tuple(x.shape)))
            return x.float().mean((2, 3))

    fid = ModuleType("torchmetrics.image.fid")
    fid.FrechetInceptionDistance = lambda feature: type("Metric", (), {"inception": Inception()})
    for name, module in (("torchmetrics", ModuleType("torchmetrics")), ("torchmetrics.image", ModuleType("image"))):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", fid)
    features = inception_features(torch.device("cpu"), batch=4)
    gray = flat_pictures(6)[..., :1]
    [rows] = features.extract(gray)
    assert inputs == [(torch.uint8, (4, 3, 8, 8)), (torch.uint8, (2, 3, 8, 8))]
    np.testing.assert_array_equal(rows, np.repeat(gray[:, 0, 0], 3, axis=1))
    assert "Inception-v3" in features.name
    assert "not comparable with published FID" in features.name
