"""The Save menu in a browser: files to keep, and pictures that come back."""

import base64
import io
import xml.etree.ElementTree as ET
from urllib.parse import parse_qs

import numpy as np
import pytest
from menu import choose, open_menu, restore, save
from PIL import Image

from explorer.media import exports

pytestmark = pytest.mark.usefixtures("quiet")
PICTURE = np.zeros((8, 8, 3), dtype=np.uint8)
SVG = "{http://www.w3.org/2000/svg}"
PLAY = """async text => {
    const video = Object.assign(document.createElement('video'), { src: `data:video/mp4;base64,${text}` });
    await new Promise((done, failed) => { video.onloadeddata = done; video.onerror = () => failed(video.error.message); });
    return [video.videoWidth, video.videoHeight, video.duration];
}"""


def test_films_and_numbers_of_the_run_are_downloaded(stage, tmp_path):
    stage.open("?steps=5&eta=0.3")
    gif, name = save(stage, "Video of the run", "GIF", tmp_path)
    assert name == "ddim-explorer_faces-64_seed-22_S-5_eta-0.3.gif"
    with Image.open(io.BytesIO(gif)) as film:
        assert (film.n_frames, film.height) == (5, 256)
    mp4, _ = save(stage, "Video of the run", "MP4", tmp_path)
    if stage.page.evaluate("document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.640016\"')"):
        width, height, seconds = stage.page.evaluate(PLAY, base64.b64encode(mp4).decode())
        assert (width, height) == (4 * (64 + 2 + 64), 256)
        assert seconds == pytest.approx(5 / 8 + 1, abs=0.2)
    table, _ = save(stage, "Numbers of every step", "CSV", tmp_path)
    assert len(table.decode().splitlines()) == 6
    arrays, _ = save(stage, "Trajectory, arrays", "NPZ", tmp_path)
    with np.load(io.BytesIO(arrays)) as file:
        assert file["x_t"].shape == (5, 1, 3, 64, 64)
    assert stage.text(".status .state") == "Done"


def figure(data):
    """The root of an SVG that stands alone: nothing in it points to the page."""
    text = data.decode()
    assert not any(part in text for part in ("var(", " class=", " style=", "NaN", "undefined"))
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    for node in root.iter():
        for name in ("fill", "stroke"):
            colour = node.get(name, "none")
            assert colour == "none" or (colour.startswith("#") and len(colour) == 7)
    return root


@pytest.mark.parametrize(
    ("query", "background"), [("?steps=5&eta=0.3", "#ffffff"), ("?steps=5&__theme=dark", "#101316")]
)
def test_the_charts_are_an_svg_that_stands_alone(stage, tmp_path, query, background):
    stage.open(query)
    data, name = save(stage, "Charts", "SVG", tmp_path)
    assert name.endswith(".svg")
    root = figure(data)
    assert root.find(f"{SVG}rect").get("fill") == background
    assert len(root.findall(f"{SVG}g")) == 3
    texts = [" ".join("".join(node.itertext()).split()) for node in root.iter(f"{SVG}text")]
    assert "Size of each term, rms" in texts
    assert {"t = 1000", "500", "predicted x₀", "direction", "noise", "next state"} <= set(texts)
    assert any(text.startswith("ᾱ") for text in texts)
    assert not root.findall(f".//{SVG}line")


def test_paths_saves_its_planes_with_their_settings_and_its_charts(stage, tmp_path):
    stage.open("?tab=paths&steps=9&eta=0.5&clip=0&points=200&drawn=5&plane=ode&place=0.4")
    data, name = save(stage, "The three planes", "PNG", tmp_path)
    assert name == "ddim-explorer_paths_mixture-ring_S-9_eta-0.5.png"
    with Image.open(io.BytesIO(data)) as picture:
        picture.verify()  # every checksum
        assert picture.width > 2 * picture.height
    assert parse_qs(exports.read_settings(data))["plane"] == ["ode"]
    figure(save(stage, "Charts", "SVG", tmp_path)[0])
    address = stage.address()
    stage.open()
    restore(stage, data, "paths")
    assert stage.address() == address
    assert stage.locator('[name="plane"][value="ode"]').is_checked()


def test_the_keyboard_opens_walks_and_closes_the_menu(stage, tmp_path):
    stage.open("?steps=5")
    page, menu, button, step = stage.page, stage.locator(".menu"), stage.locator(".open-save"), stage.step()
    labels = [
        "Picture",
        "Strip",
        "Video",
        "Video",
        "Charts",
        "Numbers",
        "Branching futures",
        "Spread over the step of the fork",
        "Trajectory",
        "Copy as diffusers",
        "Open a saved",
    ]
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    for label in labels:
        assert page.evaluate("document.activeElement.innerText").startswith(label)
        page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.innerText").startswith(labels[0])
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.innerText").startswith(labels[-1])
    page.keyboard.press("Escape")
    assert menu.is_hidden()
    assert page.evaluate("document.activeElement.className") == "open-save"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    with page.expect_download(timeout=180_000) as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".png")
    assert menu.is_hidden()
    assert stage.step() == step  # the scrubber kept still


def test_a_click_elsewhere_closes_the_menu(stage):
    stage.open("?steps=5")
    open_menu(stage)
    stage.locator(".equation").click(position={"x": 5, "y": 5})
    assert stage.locator(".menu").is_hidden()
    assert stage.locator(".open-save").get_attribute("aria-expanded") == "false"


def test_the_run_can_be_copied_as_diffusers_code_where_diffusers_can_do_it(stage):
    stage.open("?steps=5&eta=0.3")
    stage.page.evaluate("() => { navigator.clipboard.writeText = async text => { window.copied = text; }; }")
    open_menu(stage)
    stage.locator('.menu button:has-text("Copy as diffusers"):not([aria-disabled])').click()
    script = stage.page.evaluate("window.copied")
    assert "scheduler.set_timesteps(5)" in script
    compile(script, "copied.py", "exec")
    stage.type_number("steps", "6")
    stage.wait_for_run()
    open_menu(stage)
    entry = stage.locator('.menu button:has-text("Copy as diffusers")')
    entry.get_by_text("divides 1000").wait_for()
    assert entry.get_attribute("aria-disabled") == "true"


def test_a_long_file_says_how_far_it_is_and_can_be_stopped(stage, brake):
    stage.open("?steps=5")
    brake()
    stage.type_number("steps", "1000")
    stage.wait_for_calls("of 1000")
    stage.stop()
    stage.page.wait_for_function("!heard.decoding", polling=100)  # the sheet takes the place of the previews
    stage.settle()
    before = stage.panels()
    choose(stage, "Numbers of every step", "CSV")
    button = stage.locator(".open-save")
    button.filter(has_text="Creating CSV").wait_for()
    stage.page.wait_for_function("parseInt(document.querySelector('#steps .open-save').textContent.match(/\\d+/)) > 0")
    button.click()
    stage.locator('.menu button:has-text("Stop creating the CSV")').click()
    assert button.inner_text() == "Save"
    assert stage.text(".status .state") == "Stopped"
    assert stage.panels() == before
    stage.type_number("steps", "5")
    stage.wait_for_run()


def test_what_is_wrong_is_said_beside_the_button_and_what_is_on_the_screen_can_still_be_saved(stage, tmp_path):
    stage.open("?tab=quality&samples=0")
    choose(stage, "Pictures of the cells", "PNG")
    stage.locator(".said").filter(has_text="There are no pictures").wait_for()
    stage.page.keyboard.press("Escape")
    assert stage.locator(".said").is_hidden()
    stage.open("?steps=5")
    stage.type_number("steps", "0")
    stage.wait("error")
    _, name = save(stage, "Picture", "PNG", tmp_path)
    assert "S-5" in name


def test_the_menu_fits_on_a_phone(stage):
    stage.page.set_viewport_size({"width": 390, "height": 844})
    stage.open("?steps=5")
    open_menu(stage)
    box = stage.locator(".menu").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] >= 0
    assert stage.page.evaluate("document.documentElement.scrollWidth") <= 390
