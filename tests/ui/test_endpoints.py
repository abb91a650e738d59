"""The endpoints: the app's HTTP interface, without a browser."""

import inspect
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image
from tab_values import SHAPE, TOY, picture, tab_of, tabs_over

import explorer as ex
from explorer.media.exports import read_settings
from explorer.runs.admission import Admission
from explorer.runs.latent_spec import parse
from explorer.trajectory import rms
from explorer.ui.api import all_endpoints, endpoint_function
from explorer.ui.app import build


@pytest.fixture(scope="module")
def client(app_url):
    return Client(app_url, verbose=False)


@pytest.mark.slow
def test_the_steps_endpoint_returns_the_numbers_of_every_step(client):
    rows = client.predict(seed=5, steps=10, eta=0.5, api_name="/steps")
    assert [(row["t"], row["t_prev"]) for row in rows] == ex.jumps(ex.timesteps(1000, 10))
    c = ex.Schedule.linear().coefficients(600, 500, 0.5)
    row = next(row for row in rows if row["t"] == 600)
    assert row["noise"] == pytest.approx(c.noise)
    assert row["term_noise"] == pytest.approx(c.noise * row["z"], rel=1e-5)
    assert all(row["sum_residual"] < 1e-6 for row in rows)


@pytest.mark.slow
def test_a_short_run_does_not_wait_for_the_end_of_a_long_one(client, brake):
    brake()
    long = client.submit(seed=77, steps=200, api_name="/steps")
    assert len(client.predict(steps=2, api_name="/steps")) == 2
    assert not long.done()
    assert len(long.result()) == 200


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"steps": 0}, "from 1 to 1000"),
        ({"steps": 10**30}, "from 1 to 1000"),
        ({"steps": "many"}, "from 1 to 1000"),
        ({"eta": 7}, "from 0 to 1"),
        ({"eta": -1}, "from 0 to 1"),
        ({"eta": "<b>"}, "from 0 to 1"),
        ({"seed": -1}, "from 0 to"),
        ({"noise_seed": 2**64}, "from 0 to"),
        ({"spacing": "zigzag"}, "linear, quadratic, leading"),
        ({"variance": "huge"}, "eta, large"),
        ({"clip": "yes"}, "True or False"),
        ({"checkpoint": "../../etc"}, "faces-64"),
    ],
)
def test_a_bad_field_is_refused_with_the_allowed_range(client, bad, expected):
    with pytest.raises((AppError, ValueError), match=expected):
        client.predict(**bad, api_name="/steps")
    assert len(client.predict(steps=2, api_name="/steps")) == 2  # and the next call works


def test_the_picture_endpoint_sends_a_png_that_opens_the_run_again(client, faces):
    info = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert list(info) == ["/steps", "/picture", "/strip", "/compare", "/interpolate", "/solve", "/slips"]
    for endpoint in info.values():
        parameters = {p["parameter_name"]: p for p in endpoint["parameters"]}
        assert endpoint["description"]
        assert parameters["checkpoint"]["parameter_default"] == "faces-64"
        assert all(p["label"] == name and p["python_type"]["description"] for name, p in parameters.items())
        assert all(value["label"] != "1st" and value["python_type"]["description"] for value in endpoint["returns"])
    file = client.predict(seed=5, steps=2, api_name="/picture")
    made, settings = Image.open(file), read_settings(Path(file).read_bytes())
    assert made.size == (64, 64)
    assert "tab=steps&checkpoint=faces-64&seed=5" in settings
    exact = ex.to_image(ex.sample(faces, ex.latent(faces.shape, [5]), ex.Settings(steps=2)))
    assert np.abs(np.asarray(made, dtype=int) - np.asarray(exact)).max() <= 1


@pytest.fixture
def call(checkpoints):
    """``call(name, **fields)``: an endpoint over the toys, as Gradio calls it; files as uint8 (H, W, 3)."""
    tabs = tabs_over(*checkpoints.values())
    functions = {endpoint.name: endpoint_function(endpoint, tab) for endpoint, tab in all_endpoints(tabs)}

    def opened(value):
        return np.asarray(Image.open(value["path"])) if isinstance(value, dict) and "path" in value else value

    def answer(name, **given):
        bound = inspect.signature(functions[name]).bind(**given)
        bound.apply_defaults()
        values = functions[name](*bound.args)
        return tuple(map(opened, values)) if isinstance(values, tuple) else opened(values)

    return answer


def test_pictures_and_numbers_of_the_endpoints_are_the_cores_bit_for_bit(call):
    run = {"seed": "slerp(3, 4, 0.25)", "steps": 6, "eta": 0.5, "clip": True, "noise_seed": 7}
    settings = ex.Settings(steps=6, eta=0.5, clip=True, noise_seed=7)
    steps = list(ex.denoise(TOY, parse(run["seed"]).latent(TOY), settings))
    assert np.array_equal(call("picture", **run), picture(run["seed"], steps=6, eta=0.5, clip=True, noise_seed=7))
    strip = np.concatenate([np.asarray(ex.to_image(step.x0)) for step in steps], axis=1)
    assert np.array_equal(call("strip", **run), strip)
    for row, step in zip(call("steps", **run), steps, strict=True):
        assert (row["t"], row["t_prev"], row["coefficient_x0"]) == (step.t, step.t_prev, step.coefficients.x0)
        assert (row["direction"], row["noise"]) == (step.coefficients.direction, step.sigma)
        assert row["term_noise"] == pytest.approx(rms(step.terms.noise), rel=1e-6)


def test_compare_tells_the_network_calls_and_the_distance_to_ddim(call):
    rows, sheet = call("compare", seed=3, steps=9, eta=0.5, noise_seed=5, others=1)
    by_name = {row["row"]: row for row in rows}
    x_T = ex.latent(SHAPE, [3])
    ddim, yours = (ex.sample(TOY, x_T, ex.Settings(9, eta, noise_seed=5)) for eta in (0.0, 0.5))
    assert list(by_name) == ["ddim", "yours", "ddpm", "large", "wrong", "ddpm, other noise"]
    assert by_name["yours"]["rms_to_ddim"] == pytest.approx(rms(yours - ddim), abs=1e-6)
    assert by_name["ddim"]["rms_to_ddim"] == by_name["ddim"]["repeat_differs"] == 0
    assert [row["nfe"] for row in rows[:5]] == [9] * 5
    assert np.array_equal(sheet[:8, -8:], picture(3, steps=9))
    assert np.array_equal(sheet[10:18, -8:], picture(3, steps=9, eta=0.5, noise_seed=5))


def test_interpolate_gives_a_picture_for_each_latent_of_each_strip(call):
    numbers, sheet = call("interpolate", a=1, b="slerp(2, 3, 0.5)", frames=8, steps=4, noise_seed=5)
    assert list(numbers["strips"]) == ["slerp", "lerp", "ddpm"]
    for row, (name, strip) in enumerate(numbers["strips"].items()):
        assert strip["nfe"] == 8 * 4
        assert strip["eta"] == float(name == "ddpm")
        assert 0 < strip["smoothness"] <= 1 + 1e-12  # no span is longer than the way, but for rounding in float64
        for k, latent in enumerate(strip["latents"]):
            settings = {"steps": 4, "eta": strip["eta"], "noise_seed": strip["noise_seeds"][k]}
            place = sheet[10 * row : 10 * row + 8, 10 * k : 10 * k + 8]
            assert np.array_equal(place, picture(latent, **settings))
    norms = {kind: [norm for _, norm in pairs] for kind, pairs in numbers["norms"].items()}
    assert min(norms["lerp"]) < 0.85 < min(norms["slerp"])
    loop, _ = call("interpolate", way="loop", loop="1, 2, 3", frames=8, steps=2, lerp=False, ddpm="off")
    assert list(loop["strips"]) == ["slerp"]
    assert loop["strips"]["slerp"]["latents"][0] == loop["strips"]["slerp"]["latents"][-1] == 1


def test_solve_gives_a_row_of_numbers_and_of_pictures_for_each_solver(call):
    rows, errors, sheet = call("solve", seed=3, calls=9)
    by_name = {row["solver"]: row for row in rows}
    assert list(by_name) == list(ex.SOLVERS)
    assert (by_name["heun"]["steps"], by_name["heun"]["nfe"], by_name["heun"]["order"]) == (5, 9, 2)
    *_, last = ex.solve(TOY, ex.latent(SHAPE, [3]), "heun", 5)
    assert np.array_equal(sheet[10:18, -8:], np.asarray(ex.to_image(last.x_prev)))
    assert by_name["ddim"]["dpm_solver_1_differs"] < 1e-5
    assert {row["chart"] for row in errors} == {"network", "two moons"}


@pytest.mark.parametrize(
    ("name", "bad", "expected"),
    [
        ("solve", {"calls": 3}, "from 4 to 100, not 3"),
        ("strip", {"seed": "encode(99, 10)"}, "numbers 0 to 3, not 99"),
        ("compare", {"others": 9}, "whole number from 1 to 8, not 9"),
        ("interpolate", {"a": 29}, "the corners must differ"),
        ("interpolate", {"way": "round"}, "path must be one of ends, loop"),
        ("picture", {"checkpoint": "short", "steps": 101}, "from 1 to 100, not 101"),
    ],
)
def test_an_endpoint_refuses_what_the_page_would_refuse_in_the_same_words(call, name, bad, expected):
    with pytest.raises(gr.Error, match=expected):
        call(name, **bad)


@pytest.fixture(scope="module")
def demo():
    return build({"toy": TOY})


def test_no_event_waits_for_another_in_gradios_own_queue(demo):
    """Runs wait in a queue of ours; an event without a limit would have Gradio's default of one at a time."""
    closing = "forget"  # Gradio calls it itself
    limited = [f.name for f in demo.fns.values() if f.queue and f.fn and f.concurrency_limit is not None]
    assert limited == [closing]


def test_an_endpoint_is_refused_when_the_queue_is_full():
    tab = tab_of("compare", admission=Admission(max_running=0, max_queued=0))
    (compare,) = tab.endpoints
    function = endpoint_function(compare, tab)
    with pytest.raises(gr.Error, match="The server is busy"):
        function(*(p.default for p in inspect.signature(function).parameters.values()))


def test_the_endpoints_are_mcp_tools_with_types_ranges_and_defaults(demo):
    pytest.importorskip("mcp", reason="needs the extra mcp")
    from gradio.mcp import GradioMCPServer

    server = GradioMCPServer(demo)
    assert list(server.tool_to_endpoint) == ["steps", "picture", "strip", "compare", "interpolate", "solve"]
    for tool, endpoint in server.tool_to_endpoint.items():
        function = server.get_block_fn_from_endpoint_name(endpoint)
        description, meanings = server.get_fn_description(function, tool)
        fields = server.get_input_schema(tool, meanings)[0]["properties"]
        assert "Returns: " in description
        assert all(field["description"] for field in fields.values())
    assert fields["frames"]["type"] == "integer"
    assert fields["frames"]["default"] == 9
    assert fields["ddpm"]["enum"] == ["own", "shared", "off"]
