"""What a tab over a toy network sends to the page, as the page reads it."""

import base64
import io
import itertools
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

import explorer as ex
from explorer.media.convert import to_rgb, to_uint8
from explorer.runs.latent_spec import parse
from explorer.runs.results import ResultCache
from explorer.support.messages import PLACEHOLDER
from explorer.ui.latest_requests import LatestRequests
from explorer.ui.localization import LANGUAGES, from_json, texts
from explorer.ui.tabs.compare import CompareTab
from explorer.ui.tabs.consistency import ConsistencyTab
from explorer.ui.tabs.encode import EncodeTab
from explorer.ui.tabs.forward import ForwardTab
from explorer.ui.tabs.interpolate import InterpolateTab
from explorer.ui.tabs.paths import PathsTab
from explorer.ui.tabs.quality import QualityTab

SHAPE = (3, 8, 8)
MU, S_DATA = 0.3, 0.5
TABS = {
    tab.name: tab for tab in (CompareTab, ConsistencyTab, InterpolateTab, EncodeTab, ForwardTab, PathsTab, QualityTab)
}
SMALL = {
    "compare": {"seed": 3, "steps": 9, "eta": 0.5, "moments": 8, "others": 2, "noise_seed": 5},
    "consistency": {"latents": "1, slerp(2, 3, 0.25), 4", "lengths": "2, 4, 8", "noise_seed": 5},
    "interpolate": {"steps": 4, "frames": 8, "side": 5, "noise_seed": 5},
    "encode": {"steps": 7, "picture": 2},
    "forward": {"steps": 20, "pixels": "2:3, 5:6", "walks": 1000, "real": 1},
    "paths": {"steps": 9, "eta": 0.5, "points": 300, "drawn": 5, "seed": 3},
    "quality": {"seed": 3, "noise_seed": 5},
}


def predict_noise(x_t, t):
    """The exact eps of Gaussian data, every pixel for itself; each row of a batch at its own t."""
    alpha_bar = torch.from_numpy(ex.Schedule.linear().alpha_bar.copy())
    ab = alpha_bar[torch.as_tensor(t).expand(len(x_t))].view(-1, 1, 1, 1)
    return ((1 - ab).sqrt() * (x_t - ab.sqrt() * MU) / (ab * S_DATA**2 + 1 - ab)).float()


TOY = ex.from_denoiser(predict_noise, SHAPE, name="toy")
SHORT = ex.from_denoiser(lambda x, t: 0.9 * x, SHAPE, ex.Schedule.linear(T=100), name="short")


def tab_of(name, *checkpoints):
    """A tab that remembers nothing, over the toy and a checkpoint of T = 100, or over ``checkpoints``."""
    return TABS[name](
        {checkpoint.name: checkpoint for checkpoint in checkpoints or (TOY, SHORT)}, LatestRequests(), ResultCache()
    )


def values_of(tab, given, state=lambda: "running"):
    return list(tab.stream(tab.parse(given), state))


def first_value(tab, **given):
    """All that is known before the first step."""
    return values_of(tab, given, lambda: "stopped")[0]


def ends_after(calls, outcome):
    """The state of a run that goes on for so many calls of the network, and then is stopped or superseded."""
    return itertools.chain(["running"] * calls, itertools.repeat(outcome)).__next__


def run(tab, given, session="a"):
    """The values that a page gets, also where it is refused."""
    return list(tab.run(given, SimpleNamespace(session_hash=session)))


def english(message):
    """What the page gets as a message, in words. Each part of it has a text in every language, and a value for each gap."""
    if isinstance(message, dict):
        for language in LANGUAGES:
            assert set(PLACEHOLDER.findall(texts(language)[message["say"]])) <= message["values"].keys()
        for value in message["values"].values():
            english(value)
    return str(from_json(message))


def pictures_of(value):
    """uint8 (H, W, 3) by name."""
    pictures = {}
    for line in value["pictures"].splitlines():
        name, uri = line.split("\t")
        pictures[name] = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))
    return pictures


def picture(latent, **settings):
    """The finished picture of one run of the toy, as the page shows it."""
    return shown(ex.sample(TOY, parse(latent).latent(TOY), ex.Settings(**settings)))


def shown(x):
    return to_rgb(to_uint8(x))[0]
