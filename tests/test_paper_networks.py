"""The networks of the DDPM paper, with their configs on the hub."""

import pytest
import torch

import explorer as ex

COMMON = {  # entries that the configs of google/ddpm-cifar10-32 and google/ddpm-cat-256 share
    "act_fn": "silu",
    "attention_head_dim": None,
    "center_input_sample": False,
    "downsample_padding": 0,
    "flip_sin_to_cos": False,
    "freq_shift": 1,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-06,
    "norm_num_groups": 32,
    "time_embedding_type": "positional",
}
CIFAR10 = {
    "sample_size": 32,
    "block_out_channels": (128, 256, 256, 256),
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
}
CAT256 = {
    "sample_size": 256,
    "block_out_channels": (128, 128, 256, 256, 512, 512),
    "down_block_types": (*("DownBlock2D",) * 4, "AttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "AttnUpBlock2D", *("UpBlock2D",) * 4),
}


@pytest.mark.slow
@pytest.mark.parametrize("config", [CIFAR10, CAT256], ids=["cifar10-32", "cat-256"])
def test_the_networks_of_the_ddpm_paper_can_be_loaded(tmp_path, config):
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    with torch.device("meta"):
        theirs = UNet2DModel(**COMMON, **config)
    theirs.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for weight in theirs.parameters():
        weight.data.uniform_(-0.02, 0.02, generator=generator)
    DDPMPipeline(theirs, DDPMScheduler(variance_type="fixed_large")).save_pretrained(tmp_path)
    checkpoint, side = ex.load(tmp_path, device="cpu"), config["sample_size"]
    assert (checkpoint.shape, checkpoint.schedule.T, checkpoint.clips) == ((3, side, side), 1000, True)
    ours = checkpoint.predict_noise.unet.state_dict()
    assert all(torch.equal(weight, ours[name]) for name, weight in theirs.state_dict().items())
    if side == 32:
        x_t = ex.latent(checkpoint.shape, [0])
        with torch.no_grad():
            torch.testing.assert_close(
                checkpoint.predict_noise(x_t, 500), theirs(x_t, 499).sample, rtol=1e-4, atol=1e-5
            )
