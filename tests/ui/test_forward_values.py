"""What Forward sends to the page. No browser."""

import base64
import json

import numpy as np
import pytest
from PIL import Image
from tab_values import SHAPE, SMALL, english, pictures_of, predict_noise, shown, tab_of, values_of

import explorer as ex
from explorer.media.convert import to_unit
from explorer.media.uploads import as_tensor, read_picture
from explorer.ui.tabs.forward.tab import PROCESSES


def floats_of(text):
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def test_forward_sends_what_the_page_mixes(make, checkpoints):
    toy = checkpoints["toy"]
    (value,) = values_of(make("forward"), SMALL["forward"] | {"noise_seed": 4})
    x_0 = to_unit(toy.examples()[1:2])
    assert np.array_equal(floats_of(value["x_0"]), x_0.numpy().ravel())
    assert np.array_equal(floats_of(value["eps"]), ex.latent(SHAPE, [4]).numpy().ravel())
    np.testing.assert_allclose(floats_of(value["alpha_bar"]), toy.schedule.alpha_bar, rtol=1e-6)
    assert json.loads(value["tau"]) == ex.timesteps(1000, 20)
    assert json.loads(value["pixels"]) == [
        [2, 3, pytest.approx(float(x_0[0, 0, 2, 3]), abs=1e-4)],
        [5, 6, pytest.approx(float(x_0[0, 0, 5, 6]), abs=1e-4)],
    ]


def test_the_usual_pixel_lies_in_every_picture(make, checkpoints):
    (value,) = values_of(make("forward"), SMALL["forward"] | {"pixels": ""})
    assert [place[:2] for place in json.loads(value["pixels"])] == [[2, 4]]
    tiny = tab_of("forward", ex.from_denoiser(predict_noise, (1, 1, 1), name="one"))
    assert tiny.parse({}).options.pixels == ""


def test_all_processes_have_the_marginals_and_joints_of_their_own(make):
    (value,) = values_of(make("forward"), SMALL["forward"] | {"noise_seed": 1})
    processes, pixels = json.loads(value["processes"]), json.loads(value["pixels"])
    assert list(processes) == list(PROCESSES)
    for process in processes.values():
        assert process["t"] == [0, *ex.timesteps(1000, 20)]
        assert process["largest"] < process["bound"] == processes["0"]["bound"]  # one bound for all errors
        for (_, _, x), shown_paths in zip(pixels, process["paths"], strict=True):
            assert [path[0] for path in shown_paths] == pytest.approx([x] * 4, abs=1e-4)  # all begin at x_0
            assert all(len(path) == 21 for path in shown_paths)
    correlations = [processes[name]["correlation"] for name in ("1", "0.5", "0")]
    assert correlations == sorted(correlations)
    assert processes["markov"]["correlation"] == pytest.approx(processes["1"]["correlation"], abs=0.02)
    assert processes["0"]["correlation"] == pytest.approx(1)
    assert processes["0"]["straightness"] == pytest.approx(1, abs=1e-6)
    assert processes["1"]["straightness"] > 1.5


@pytest.mark.parametrize("steps", [1, 2, 1000])
def test_very_short_and_very_long_walks_have_the_marginals_too(make, steps):
    (value,) = values_of(make("forward"), SMALL["forward"] | {"steps": steps, "walks": 200})
    processes = json.loads(value["processes"])
    assert all(np.isfinite(p["largest"]) and p["largest"] < p["bound"] for p in processes.values())
    assert all(len(p["t"]) == min(250, steps + 1) for p in processes.values())


def test_a_grey_checkpoint_has_one_channel(make, checkpoints, uploaded):
    given = SMALL["forward"] | {"checkpoint": "grey"}
    (value,) = values_of(make("forward"), given)
    assert value["shape"] == [1, 8, 8]
    assert np.array_equal(floats_of(value["x_0"]), to_unit(checkpoints["grey"].examples()[1:2]).numpy().ravel())
    assert len(floats_of(value["eps"])) == 64
    assert pictures_of(value)["example/0"].shape == (8, 8, 3)
    data, name = uploaded
    (own,) = values_of(make("forward"), given | {"real": name})
    assert np.array_equal(floats_of(own["x_0"]), as_tensor(read_picture(data), (1, 8, 8)).numpy().ravel())


LOSS = {"pictures": 5, "mean": 0.1, "fifths_of_t": [1, 2, 3, 4, 5], "curve": [[10, 0.5], [900.5, 0.01]], "how": ""}


def test_forward_shows_the_measured_loss(make, folder):
    (folder / "quality.json").write_text(json.dumps({"loss": LOSS}))
    (value,) = values_of(make("forward"), SMALL["forward"])
    loss = json.loads(value["loss"])
    assert loss["curve"] == [[10, 0.5], [900.5, 0.01]]
    assert english(loss["note"]) == "5 held-out pictures"


def test_the_copied_script_of_forward_runs(make, checkpoints, monkeypatch, tmp_path):
    (value,) = values_of(make("forward"), SMALL["forward"] | {"noise_seed": 4})
    monkeypatch.setattr(ex, "load", lambda name: checkpoints[name])
    monkeypatch.chdir(tmp_path)
    exec(value["script"], {})
    x_0 = to_unit(checkpoints["toy"].examples()[1:2])
    expected = ex.diffuse(x_0, ex.latent(SHAPE, [4]), 300, checkpoints["toy"].schedule)
    assert np.array_equal(np.asarray(Image.open("x_300.png")), shown(expected))
