"""Tabs over a toy network, and what they send to the page, as the page reads it."""

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
from explorer.support.messages import PLACEHOLDER
from explorer.ui import tabs
from explorer.ui.listeners import Listeners
from explorer.ui.localization import LANGUAGES, from_json, texts
from explorer.ui.tab import Services

SHAPE = (3, 8, 8)
MU, S_DATA = 0.3, 0.5
ALL_TABS = {tab.name: tab for tab in tabs.TABS}
TABS = {name: tab for name, tab in ALL_TABS.items() if name != "steps"}
SMALL: dict[str, dict] = {name: {} for name in TABS} | {  # requests that cost little
    "compare": {"seed": 3, "steps": 9, "eta": 0.5, "moments": 8, "others": 2, "noise_seed": 5},
    "consistency": {"latents": "1, slerp(2, 3, 0.25), 4", "lengths": "2, 4, 8", "noise_seed": 5},
    "interpolate": {"steps": 4, "frames": 8, "side": 5, "noise_seed": 5},
    "encode": {"steps": 7, "picture": 2},
    "forward": {"steps": 20, "pixels": "2:3, 5:6", "walks": 1000, "real": 1},
    "paths": {"steps": 9, "eta": 0.5, "points": 300, "drawn": 5, "seed": 3},
    "quality": {"seed": 3, "noise_seed": 5},
    "solvers": {"seed": 3, "calls": 6},
}


def predict_noise(x_t, t):
    """The exact eps of Gaussian data, every pixel for itself; each row of a batch at its own t."""
    alpha_bar = torch.from_numpy(ex.Schedule.linear().alpha_bar.copy())
    ab = alpha_bar[torch.as_tensor(t).expand(len(x_t))].view(-1, 1, 1, 1)
    return ((1 - ab).sqrt() * (x_t - ab.sqrt() * MU) / (ab * S_DATA**2 + 1 - ab)).float()


TOY = ex.from_denoiser(predict_noise, SHAPE, name="toy")
SHORT = ex.from_denoiser(lambda x, t: 0.9 * x, SHAPE, ex.Schedule.linear(T=100), name="short")


def services_of(*checkpoints, **services):
    """Services with nothing cached, over ``checkpoints``, by default the toy and a checkpoint of T = 100."""
    services = {"listeners": Listeners()} | services
    return Services({checkpoint.name: checkpoint for checkpoint in checkpoints or (TOY, SHORT)}, **services)


def tab_of(name, *checkpoints, **services):
    """A tab with services of its own, see :func:`services_of`."""
    return ALL_TABS[name](services_of(*checkpoints, **services))


def tabs_over(*checkpoints, **services):
    """All tabs by name, over the same services."""
    shared = services_of(*checkpoints, **services)
    return {name: tab(shared) for name, tab in ALL_TABS.items()}


def values_of(tab, given, state=lambda: "running"):
    """What the page gets of a run."""
    return [result.to_page() for result in tab.checked_results(tab.parse(given), state)]


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
    """uint8 (H, W, 3) by name, without previews."""
    return {name: pixels for name, pixels, preview in lines_of(value) if preview is None}


def previews_of(value):
    """Previews as ((S, requested S), uint8 (H, W, 3)) by name."""
    return {name: (preview, pixels) for name, pixels, preview in lines_of(value) if preview}


def lines_of(value):
    """What the page reads, in order: name, uint8 (H, W, 3), and for a preview (S, requested S)."""
    for line in value["pictures"].splitlines():
        name, uri, *mark = line.split("\t")
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))
        yield name, pixels, tuple(map(int, mark[0].split("/"))) if mark else None


def picture(latent, **settings):
    """The finished picture of one run of the toy, as the page shows it."""
    return shown(ex.sample(TOY, parse(latent).latent(TOY), ex.Settings(**settings)))


def shown(x):
    return to_rgb(to_uint8(x))[0]
