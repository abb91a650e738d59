"""The Forward tab in a browser: its pictures are mixed there, so they are laid beside those of the core."""

import numpy as np
import pytest
from files import ramp

import explorer as ex
from explorer.media.convert import to_rgb, to_uint8, to_unit
from explorer.media.uploads import as_tensor, read_picture

pytestmark = pytest.mark.usefixtures("quiet")
SMALL = "?tab=forward&steps=20&walks=200"
OWN = ramp(80, 64)


def off(stage, selector, picture, row, column):
    """The largest difference of a canvas and a picture (1, C, H, W), of 255 levels, but for the ring around a pixel."""
    shown = stage.locator(selector).evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
    )
    expected = to_rgb(to_uint8(picture))[0]
    difference = np.abs(np.array(shown).reshape(*expected.shape[:2], 4)[..., :3] - expected)
    difference[max(0, row - 3) : row + 5, max(0, column - 3) : column + 5] = 0
    return int(difference.max())


def now(stage):
    return stage.text(".now-t").replace("\xa0", " ").split("=")[-1].strip()


def test_the_slider_shows_another_picture_at_every_t(stage):
    stage.open(SMALL)
    seen = {}
    for t in range(0, 1001, 50):
        stage.drag_to(".time", t)
        seen[now(stage)] = (stage.pixels(".x_t"), stage.text('[data-of-coefficient="x_0"]'))
    assert list(seen) == [str(t) for t in range(0, 1001, 50)]
    for column in zip(*seen.values(), strict=True):
        assert len(set(column)) == 21
    assert stage.pixels(".x_0") != stage.pixels(".x_t")
    stage.drag_to(".time", 0)
    assert stage.pixels(".x_0") == stage.pixels(".x_t")


@pytest.mark.parametrize("t", [1, 300, 1000])
def test_the_noised_picture_is_that_of_the_core(stage, faces, t):
    stage.open(f"{SMALL}&t_forward={t}&noise_seed=4&real=1&pixels=0:0")
    x_0 = to_unit(faces.examples()[1:2])
    x_t = ex.diffuse(x_0, ex.latent(faces.shape, [4]), t, faces.schedule)
    assert now(stage) == str(t)
    assert off(stage, ".x_0", x_0, 0, 0) == 0
    assert off(stage, ".x_t", x_t, 0, 0) <= 1
    alpha_bar = faces.schedule.alpha_bar[t]
    for name, weight in (("x_0", alpha_bar**0.5), ("eps", (1 - alpha_bar) ** 0.5)):
        shown = float(stage.text(f'[data-of-coefficient="{name}"]').removesuffix("×"))
        assert shown == pytest.approx(weight, abs=5e-5)


def test_a_click_on_the_picture_chooses_its_pixel(stage):
    stage.open(SMALL)
    bell = stage.text(".bell p")
    box = stage.locator(".x_0").bounding_box()
    at = {"x": (10 + 0.5) * box["width"] / 64, "y": (40 + 0.5) * box["height"] / 64}
    drawn = stage.locator(".four").evaluate("e => e.innerHTML")
    stage.locator(".x_0").click(position=at)
    stage.wait_for_run()
    assert stage.setting("pixels") == "40:10"
    assert stage.locator('[name="pixels"]').input_value() == "40:10"
    assert stage.locator(".four").evaluate("e => e.innerHTML") != drawn
    assert stage.text(".bell p") != bell
    at = {"x": (30 + 0.5) * box["width"] / 64, "y": (5 + 0.5) * box["height"] / 64}
    stage.locator(".x_0").click(position=at, modifiers=["Control"])
    stage.wait_for_run()
    assert stage.setting("pixels") == "40:10, 5:30"
    assert "pixels=40%3A10%2C+5%3A30" in stage.page.url


def test_a_pixel_outside_is_refused_beside_its_field_and_the_picture_stays(stage):
    stage.open(SMALL + "&pixels=3:4")
    before = stage.pictures(".jump canvas")
    stage.type_option("pixels", "64:0")
    stage.wait("error")
    assert "64:0 is outside" in stage.text(".options .problem")
    assert stage.pictures(".jump canvas") == before
    stage.repair()
    assert stage.setting("pixels") == "3:4"
    assert stage.locator(".problem").count() == 0


def test_the_keyboard_does_all_of_it(stage):
    stage.open(SMALL)
    assert now(stage) == "300"
    for key, t in (("ArrowRight", "310"), ("End", "1000"), ("Home", "0")):
        stage.press(key)
        assert now(stage) == t
    stage.locator(".pick").focus()
    stage.page.keyboard.type("2")
    stage.press("Enter")
    stage.wait_for_run()
    assert stage.setting("real") == 2
    assert now(stage) == "0"
    stage.locator('[name="walks"]').focus()
    stage.press("ArrowRight")
    stage.wait_for_run()
    assert stage.setting("walks") == 300


def test_the_table_says_that_the_marginals_agree_and_the_joints_differ(stage):
    stage.open("?tab=forward&steps=20&walks=1000&noise_seed=1")
    numbers = {term: [float(cell.replace("−", "-")) for cell in row] for term, row in stage.table().items()}
    correlation = next(values for term, values in numbers.items() if "correlation" in term)
    assert correlation[3] == 1
    assert correlation[0] == pytest.approx(correlation[1], abs=0.02)
    assert correlation[1] < correlation[2] < 1
    length = next(values for term, values in numbers.items() if "path length" in term)
    assert length[3] == 1
    assert min(length[:3]) > 1
    assert "all four have the same marginals" in stage.text(".told")
    assert stage.locator(".loss svg path").count() > 0  # the shipped faces have been measured


def test_a_picture_of_ones_own_is_noised_and_a_broken_file_leaves_it_on_the_screen(stage, faces):
    stage.open(SMALL + "&pixels=0:0")
    stage.bring(OWN)
    stage.page.wait_for_function("/^[0-9a-f]{16}$/.test(document.querySelector('explorer-controls').settings.real)")
    stage.wait_for_run()
    x_0 = as_tensor(read_picture(OWN), faces.shape)
    x_t = ex.diffuse(x_0, ex.latent(faces.shape, [0]), 300, faces.schedule)
    assert off(stage, ".x_0", x_0, 0, 0) == 0
    assert off(stage, ".x_t", x_t, 0, 0) <= 1
    before = stage.pictures(".jump canvas")
    stage.bring(OWN[:100])
    stage.locator(".chosen .problem").wait_for()
    assert "try a PNG or a JPEG" in stage.text(".chosen .problem")
    assert stage.pictures(".jump canvas") == before
    stage.locator('[data-choose="3"]').click()
    stage.wait_for_run()
    assert stage.locator(".problem").count() == 0
    assert stage.pixels(".x_0") != before[0]


def test_a_brought_picture_that_is_gone_is_refused_beside_its_field(stage):
    stage.goto(SMALL + "&real=0123456789abcdef")
    stage.wait("error")
    assert "choose the file again" in stage.text(".chosen .problem")
    stage.repair()
    assert stage.setting("real") == 0


def test_the_address_opens_the_same_picture_elsewhere(stage, elsewhere):
    stage.open(SMALL)
    stage.locator('[data-choose="2"]').click()
    stage.wait_for_run()
    stage.type_option("pixels", "7:9, 30:31")
    stage.wait_for_run()
    stage.type_number("noise_seed", "6")
    stage.wait_for_run()
    stage.drag_to(".time", 420)
    address = stage.address()
    for part in ("tab=forward", "walks=200", "real=2", "noise_seed=6", "t_forward=420"):
        assert part in address
    there = elsewhere(address)
    assert now(there) == "420"
    assert there.pictures(".jump canvas") == stage.pictures(".jump canvas")
    assert there.text("table") == stage.text("table")
    there.assert_quiet()
