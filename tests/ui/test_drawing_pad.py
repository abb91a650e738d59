"""The plane to draw on, in a browser: mouse, touch, keyboard, tools, files, and the address."""

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from explorer.ui.tabs.paths.drawing import points_of, text_of

pytestmark = pytest.mark.usefixtures("quiet")
EMPTY_START = "?tab=paths&steps=10&points=200&mixture=drawing&drawing=" + text_of(np.array([[-2.5, -2.5]]))
PAD = ".pad canvas"
PLANES = "[data-run]:not([hidden]) canvas"


def drawn(stage):
    """The points that the settings hold."""
    return points_of(stage.setting("drawing"))


def place_of(stage, x, y):
    """Where a point of the plane is on the screen."""
    box = stage.locator(PAD).bounding_box()
    return box["x"] + (x + 3) / 6 * box["width"], box["y"] + (3 - y) / 6 * box["height"]


def stroke(stage, *places, wait=True):
    mouse = stage.page.mouse
    stage.locator(PAD).scroll_into_view_if_needed()
    mouse.move(*place_of(stage, *places[0]))
    mouse.down()
    for place in places[1:]:
        mouse.move(*place_of(stage, *place), steps=4)
    mouse.up()
    if wait:
        stage.wait_for_run()


def tool(stage, name):
    stage.locator(f'.drawing-tools label:has([value="{name}"])').click()


def test_a_stroke_is_data_and_its_link_opens_the_same_planes_elsewhere(stage, elsewhere):
    stage.open(EMPTY_START)
    before = stage.pictures(PLANES)
    stroke(stage, (-2, 0), (0, 2), (2, 0))
    points = drawn(stage)
    assert 60 < len(points) < 80
    along = np.abs(points[1:, 0]) + points[1:, 1]
    assert np.abs(along - 2).max() < 0.1
    assert stage.text(".drawing-count") == f"{len(points)} of 500 points"
    assert all(a != b for a, b in zip(before, stage.pictures(PLANES), strict=True))
    there = elsewhere(stage.address())
    assert there.pictures(PLANES) == stage.pictures(PLANES)
    assert there.table() == stage.table()
    assert there.text(".drawing-count") == stage.text(".drawing-count")
    there.assert_quiet()


def test_a_preset_is_where_a_drawing_begins_and_the_drawing_is_kept_beside_it(stage):
    stage.open("?tab=paths&steps=10&points=200")
    assert not stage.locator(PAD).is_visible()
    stage.locator('.options label:has([value="drawing"])').click()
    stage.wait_for_run()
    assert len(drawn(stage)) == 8  # the ring
    stage.locator('[data-start="grid"]').click()
    stage.wait_for_run()
    grid = drawn(stage)
    assert len(grid) == 25
    stage.locator('.options label:has([value="letter"])').click()
    stage.wait_for_run()
    assert not stage.locator(PAD).is_visible()
    stage.locator('.options label:has([value="drawing"])').click()
    stage.wait_for_run()
    assert drawn(stage).tolist() == grid.tolist()


def test_tools_erase_undo_and_clear_and_an_empty_plane_keeps_the_paths(stage):
    stage.open(EMPTY_START)
    stroke(stage, (-2, 1), (2, 1))
    line = drawn(stage)
    tool(stage, "erase")
    stroke(stage, (0, 2), (0, 0))
    gap = drawn(stage)
    assert 3 <= len(line) - len(gap) <= 6
    assert np.abs(gap[1:, 0]).min() > 0.15
    stage.locator('[data-drawing="undo"]').click()
    stage.wait_for_run()
    assert drawn(stage).tolist() == line.tolist()
    stage.locator('[data-drawing="redo"]').click()
    stage.wait_for_run()
    assert drawn(stage).tolist() == gap.tolist()
    pictures = stage.pictures(PLANES)
    stage.locator('[data-drawing="clear"]').click()
    stage.settle()
    assert "No points" in stage.text(".drawing-said")
    assert stage.text(".drawing-count") == "0 of 500 points"
    assert stage.pictures(PLANES) == pictures
    stage.locator('[data-drawing="undo"]').click()
    stage.wait_for_run()
    assert stage.text(".drawing-said") == ""
    assert drawn(stage).tolist() == gap.tolist()


def test_the_keyboard_places_and_removes_points_and_says_so(stage):
    stage.open(EMPTY_START)
    stage.locator(PAD).focus()
    said = stage.locator(".drawing-aloud")
    stage.press("ArrowRight", "ArrowRight", "ArrowUp")
    assert said.text_content() == "0.2, 0.1. 1 points"
    stage.press("Enter")
    stage.wait_for_run()
    assert drawn(stage).tolist() == [[-2.5, -2.5], [0.2, 0.1]]
    assert said.text_content() == "Point placed at 0.2, 0.1. 2 points"
    assert stage.text(".here") == "t = 0"  # the arrows did not move through the run
    stage.press("ArrowDown", " ")
    stage.wait_for_run()
    assert len(drawn(stage)) == 3
    stage.press("Delete")
    stage.wait_for_run()
    assert drawn(stage).tolist() == [[-2.5, -2.5]]
    assert said.text_content() == "Removed 2. 1 points"
    stage.press("Control+z")
    stage.wait_for_run()
    assert len(drawn(stage)) == 3
    stage.press("Control+Shift+z")
    stage.wait_for_run()
    assert len(drawn(stage)) == 1
    for _ in range(40):
        stage.page.keyboard.press("ArrowLeft")
    stage.settle()
    assert said.text_content().startswith("−3.0")


def test_no_more_than_five_hundred_points(stage):
    stage.open(EMPTY_START)
    for y in np.linspace(-2, 2, 7):
        stroke(stage, (-3, y), (3, y), wait=False)
    stage.wait_for_run()
    assert len(drawn(stage)) == 500
    assert "500 points are the limit" in stage.text(".drawing-said")
    assert len(stage.address()) < 1600


def test_a_stroke_that_the_browser_takes_for_scrolling_leaves_nothing(stage):
    stage.open(EMPTY_START)
    canvas = stage.locator(PAD)
    assert canvas.evaluate("canvas => getComputedStyle(canvas).touchAction") == "pinch-zoom"
    x, y = place_of(stage, 0, 0)
    finger = {"pointerId": 1, "pointerType": "mouse", "isPrimary": True, "clientX": x, "clientY": y, "bubbles": True}
    stage.page.mouse.move(x, y)
    stage.page.mouse.down()
    stage.page.mouse.move(x + 40, y)
    stage.settle()
    assert stage.text(".drawing-count") != "1 of 500 points"
    canvas.dispatch_event("pointercancel", finger)
    stage.page.mouse.up()
    stage.settle()
    assert stage.text(".drawing-count") == "1 of 500 points"
    assert len(drawn(stage)) == 1


def a_file(name, data):
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def test_a_csv_and_a_picture_become_points_and_other_files_say_why_not(stage):
    stage.open(EMPTY_START)
    chooser = stage.locator('.drawing-tools [type="file"]')
    chooser.set_input_files(a_file("two.csv", b"x,y\n1,2\n-1,-2\n"))
    stage.wait_for_run()
    assert drawn(stage).tolist() == [[1, 2], [-1, -2]]
    assert stage.text(".drawing-said") == "two.csv: 2 points"
    picture = Image.new("L", (100, 100), 255)
    ImageDraw.Draw(picture).rectangle((50, 0, 99, 49), fill=0)
    data = io.BytesIO()
    picture.save(data, "png")
    chooser.set_input_files(a_file("square.png", data.getvalue()))
    stage.page.wait_for_function("document.querySelector('#paths .drawing-said').textContent.includes('square.png')")
    stage.wait_for_run()
    points = drawn(stage)
    assert 200 < len(points) <= 500
    assert points.min() >= 0
    assert re.fullmatch(r"square.png: \d+ of 2500 points, evenly sampled", stage.text(".drawing-said"))
    for name, bad, said in (
        ("words.csv", b"no numbers here", "No points found"),
        ("broken.png", data.getvalue()[:60], "neither a CSV nor a picture"),
        ("other.bin", b"\x00" * 50, "neither a CSV nor a picture"),
    ):
        chooser.set_input_files(a_file(name, bad))
        stage.page.wait_for_function(
            "said => document.querySelector('#paths .drawing-said').textContent.includes(said)", arg=said
        )
        assert drawn(stage).tolist() == points.tolist()
