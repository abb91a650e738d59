"""What a tab shows at the end of its run, as pictures, frames of a film, arrays and rows of numbers: what is saved of it."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from explorer.checkpoint import Checkpoint
from explorer.media import exports
from explorer.media.convert import to_uint8
from explorer.paper import TABLE_1, TABLE_1_STEPS
from explorer.runs.latent_spec import parse
from explorer.trajectory import Trajectory, evenly_spaced
from explorer.ui.localization import LocalizedMessage, from_json
from explorer.ui.picture_stream import pictures_of

GAP = 2  # white pixels between pictures
STRIP = 20  # pictures in a strip, at most
FILM_FRAMES = 120  # at most
FORWARD_FRAMES = 61


class NothingToExport(ValueError):
    """What is wanted is not there; the message says why."""


@dataclass(frozen=True)
class TabResult:
    """What a tab shows at the end of its run.

    Attributes:
        checkpoint: the one that made it.
        value: the last value of the tab's stream; of Steps the settings alone, its run being ``run``.
        view: entries of the address that only the browser needs, such as the time step that is looked at.
        settings: the query of the address that shows it again.
        run: of Steps.
    """

    checkpoint: Checkpoint
    value: Mapping[str, Any]
    view: Mapping[str, str]
    settings: str
    run: Trajectory | None = None

    @cached_property
    def pictures(self) -> dict[str, np.ndarray]:
        """uint8 (H, W, 3) by name."""
        return pictures_of(self.value["pictures"])

    @property
    def trajectory(self) -> Trajectory:
        assert self.run is not None  # Steps has one, and no other tab asks
        return self.run

    def row(self, *names: str) -> np.ndarray:
        """Pictures of the stage: uint8 (N, H, W, 3)."""
        return np.stack([self.pictures[name] for name in names])

    def read(self, key: str) -> Any:
        """An entry of the value that travels as JSON text."""
        return json.loads(self.value[key])

    def floats(self, key: str) -> np.ndarray:
        """An entry of the value that travels as float32 in base64: (N,)."""
        return np.frombuffer(base64.b64decode(self.value[key]), dtype="<f4")


# ---- Steps ----------------------------------------------------------------------------------------------------------


def run_strip(shown: TabResult) -> np.ndarray:
    """Predicted x_0 of up to 20 of the kept steps."""
    return exports.strip(exports.run_frames(shown.trajectory, STRIP)[:, 1])


def run_film(shown: TabResult) -> np.ndarray:
    """x_t and predicted x_0 side by side."""
    return side_by_side(exports.run_frames(shown.trajectory, FILM_FRAMES))


def side_by_side(frames: np.ndarray) -> np.ndarray:
    """(N, K, H, W, C): the K pictures of each frame in a row."""
    return np.stack([exports.strip(frame, GAP) for frame in frames])


# ---- Compare --------------------------------------------------------------------------------------------------------


def lanes(shown: TabResult) -> list[np.ndarray]:
    """The rows over their moments and the end, as predicted x_0 or, if that is looked at, as x_t."""
    what = "x_t" if shown.view.get("show") == "x_t" else "x0"
    moments = [index for index, _ in shown.read("moments")]
    return [shown.row(*(f"{name}/{i}/{what}" for i in moments), f"{name}/end") for name in shown.read("rows")]


def compared(shown: TabResult) -> list[dict[str, Any]]:
    facts, settings = shown.read("facts"), shown.value["settings"]
    rows = []
    for name, eta in shown.read("rows").items():
        fact = facts[name]
        kind = {"eta": 1.0, "variance": "large"} if eta == "large" else {"eta": eta, "variance": "eta"}
        rows.append(
            {"row": name, **kind, "steps": settings["steps"], "noise_seed": settings["noise_seed"]}
            | {"nfe": fact["nfe"], "rms_to_ddim": fact["distance"], "grain": fact["grain"]}
            | {"repeat_differs": fact.get("repeat"), "ddpm_formula_differs": fact.get("posterior")}
        )
    for k, distance in enumerate(facts["ddpm"]["others"]):
        seed = settings["noise_seed"] + 1 + k
        rows.append({"row": "ddpm, other noise", "eta": 1.0, "noise_seed": seed, "rms_to_ddpm": distance})
    return rows


# ---- Consistency ----------------------------------------------------------------------------------------------------


def both_grids(shown: TabResult) -> np.ndarray:
    """A row for each latent, a column for each S: DDIM, and beside it DDPM."""
    rows, columns = range(len(shown.read("latents"))), shown.read("lengths")
    halves = [exports.sheet([shown.row(*(f"{eta}/{S}/{i}" for S in columns)) for i in rows]) for eta in "01"]
    between = np.full((len(halves[0]), 8 * GAP, 3), 255, dtype=np.uint8)
    return np.concatenate([halves[0], between, halves[1]], axis=1)


def similarities(shown: TabResult) -> list[dict[str, Any]]:
    latents, first = shown.read("latents"), shown.value["settings"]["noise_seed"]
    return [
        {"eta": float(eta), "steps": S, "latent": latents[i], "noise_seed": first + i}
        | {"similarity": similarity, "to_steps": of["reference"]}
        for eta, of in shown.read("similarity").items()
        for S, column in zip(shown.read("lengths"), of["columns"], strict=True)
        for i, similarity in enumerate(column)
    ]


# ---- Interpolate ----------------------------------------------------------------------------------------------------


def frames_of(shown: TabResult, name: str) -> np.ndarray:
    return shown.row(*(f"{name}/{k}" for k in range(len(shown.read("positions")))))


def pad(shown: TabResult) -> np.ndarray:
    side = range(shown.value["settings"]["side"])
    return exports.sheet([shown.row(*(f"pad/{i}/{j}" for j in side)) for i in side])


def way_arrays(shown: TabResult) -> bytes:
    """positions (N,): along the way; for each strip x_T_NAME (N, C, H, W) float32, pictures_NAME (N, H, W, 3) uint8 and
    latents_NAME (N,) texts; README says so."""
    arrays: dict[str, Any] = {"README": np.array(way_arrays.__doc__), "settings": np.array(shown.settings)}
    arrays["positions"] = np.array(shown.read("positions"))
    for name, of in shown.read("strips").items():
        latents = [parse(latent).latent(shown.checkpoint)[0].cpu().numpy() for latent in of["latents"]]
        arrays[f"x_T_{name}"] = np.stack(latents)
        arrays[f"pictures_{name}"] = frames_of(shown, name)
        arrays[f"latents_{name}"] = np.array([str(latent) for latent in of["latents"]])
    return exports.npz(**arrays)


def along_the_way(shown: TabResult) -> list[dict[str, Any]]:
    """A row for each frame of each strip; what is measured of a whole strip stands in each of its rows."""
    facts, rows = shown.read("facts"), []
    root = math.sqrt(math.prod(shown.checkpoint.shape))
    for name, of in shown.read("strips").items():
        for k, (position, latent) in enumerate(zip(shown.read("positions"), of["latents"], strict=True)):
            norm = float(parse(latent).latent(shown.checkpoint).norm()) / root
            rows.append(
                {"strip": name, "frame": k, "position": position, "latent": latent, "norm_of_x_T": norm}
                | {"steps": of["steps"], "eta": of["eta"], "noise_seed": of["noise_seeds"][k]}
                | facts[name]
            )
    return rows


# ---- Encode ---------------------------------------------------------------------------------------------------------


def round_trip(shown: TabResult) -> np.ndarray:
    """x_0, its latent, the picture again, and the difference in diverging colours (±0.25)."""
    return exports.strip(shown.row("x_0", "x_T", "again", "difference"), GAP)


def up_and_down(shown: TabResult) -> np.ndarray:
    times = shown.read("times")
    return shown.row(*(f"up/{t}" for t in times), *(f"down/{t}" for t in reversed(times[:-1])))


def reconstruction(shown: TabResult) -> list[dict[str, Any]]:
    mine = [
        {"of": "this picture", "steps": int(S), "inversion": inversion, "mse": mse}
        for inversion, errors in shown.read("table").items()
        for S, mse in errors.items()
    ]
    mean = [
        {"of": "mean of held-out pictures", "steps": S, "inversion": inversion, "mse": mse}
        for inversion, errors in shown.read("measured")["errors"].items()
        for S, mse in errors
    ]
    return mine + mean + [{"of": "paper, CIFAR-10", "steps": S, "mse": mse} for S, mse in shown.read("paper")]


# ---- Forward --------------------------------------------------------------------------------------------------------


def noised(shown: TabResult, *times: int) -> np.ndarray:
    """x_t at each t: uint8 (N, H, W, C)."""
    alpha_bar = shown.floats("alpha_bar").astype(np.float64)[list(times)].reshape(-1, 1, 1, 1)
    x_0, eps = (shown.floats(name).reshape(1, *shown.checkpoint.shape) for name in ("x_0", "eps"))
    return to_uint8(torch.from_numpy(np.sqrt(alpha_bar) * x_0 + np.sqrt(1 - alpha_bar) * eps))


def at_t(shown: TabResult) -> np.ndarray:
    given = shown.view.get("t_forward", "")
    t = int(given) if given.isascii() and given.isdigit() else 300
    return noised(shown, min(t, shown.value["T"]))[0]


def all_noised(shown: TabResult) -> np.ndarray:
    T = shown.value["T"]
    return noised(shown, *evenly_spaced(T + 1, FORWARD_FRAMES))


def processes(shown: TabResult) -> list[dict[str, Any]]:
    names = {"mean": "mean_off_by", "variance": "variance_off_by", "largest": "largest_error_in_standard_errors"}
    names |= {"bound": "bound_99_of_100", "correlation": "correlation", "straightness": "length_over_distance"}
    return [
        {"process": name if name == "markov" else f"eta={name}"} | {names[key]: of[key] for key in names}
        for name, of in shown.read("processes").items()
    ]


def losses(shown: TabResult) -> list[dict[str, Any]]:
    loss = shown.read("loss")
    if not loss["curve"]:
        raise NothingToExport(LocalizedMessage("file.nothing", {"why": from_json(loss["note"])}))
    return [{"t": t, "mse_of_noise": mse} for t, mse in loss["curve"]]


# ---- Paths ----------------------------------------------------------------------------------------------------------


def end_points(shown: TabResult) -> list[dict[str, Any]]:
    return [
        {"run": name, "eta": of["eta"], "point": k, "x": x, "y": y}
        for name, of in shown.read("runs").items()
        for k, (x, y) in enumerate(of["ends"])
    ]


def measures(shown: TabResult) -> list[dict[str, Any]]:
    """A row for each of the three runs, then one for each S and kind of noise of the sweep."""
    rows: list[dict[str, Any]] = []
    for name, of in shown.read("runs").items():
        least, most = of["shares"]
        rows.append(
            {"run": name, "eta": of["eta"], "steps": shown.value["settings"]["steps"]}
            | {"length_over_distance_ode": of["straight_ode"], "length_over_distance": of["straight"]}
            | {"least_share": least, "largest_share": most, "energy_distance": of["energy"]}
            | {"spread_over_exact": of["spread"]}
        )
    for kind, cells in shown.read("sweep").items():
        for S, cell in cells.items():
            measured = {"spread_over_exact": cell["end"], "spread_before_last_step": cell["before"]}
            rows.append({"run": "sweep", "eta": kind if kind == "large" else float(kind), "steps": int(S)} | measured)
    return rows


# ---- Quality --------------------------------------------------------------------------------------------------------

CELL = ("steps", "eta", "distance", "spread", "seconds_per_picture", "pictures")


def distances(shown: TabResult) -> list[dict[str, Any]]:
    measured = shown.read("measured")
    if not measured["cells"]:
        raise NothingToExport(LocalizedMessage("file.nothing", {"why": from_json(measured["note"])}))
    return [dict(zip(CELL, cell, strict=True)) | {"features": measured["features"]} for cell in measured["cells"]]


def table_1(shown: TabResult) -> list[dict[str, Any]]:
    return [
        {"data": data, "steps": S, "eta": eta, "fid": fid}
        for data, table in TABLE_1.items()
        for eta, row in table.items()
        for S, fid in zip(TABLE_1_STEPS, row, strict=True)
    ]


def samples(shown: TabResult) -> np.ndarray:
    """A row for each eta, and in it a few pictures for each S."""
    of = shown.read("samples")
    if not of["steps"]:
        raise NothingToExport(LocalizedMessage("file.no_samples"))
    places = [(S, i) for S in of["steps"] for i in range(of["pictures"])]
    return exports.sheet([shown.row(*(f"{S}/{eta}/{i}" for S, i in places)) for eta in ("0", "0.5", "1", "large")])
