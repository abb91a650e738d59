"""The Encode tab in a browser. Its table goes on for long after the picture has come back: what is tested is there before."""

import pytest
from files import ramp
from stage import lane

import explorer as ex
from explorer.media.convert import to_unit
from explorer.media.uploads import as_tensor, read_picture
from explorer.ui.tabs.encode.options import EncodeOptions

pytestmark = pytest.mark.usefixtures("quiet", "few_rows")
OWN = ramp(64, 80)
ARRIVED = """([title, calls]) => {
    const $ = selector => document.querySelector(`#encode ${selector}`), again = $('canvas[data-name="again"]');
    return again && $('.first-title').textContent.endsWith(title) && $('.up-calls').textContent === `${calls} calls`
        && $('figcaption.again').style.visibility === '' && !again.matches('.blank, .stale') && !heard.decoding;
}"""


def wait(stage, title, calls=6):
    """Wait until the newest picture has come back and is on the screen."""
    stage.page.wait_for_function(ARRIVED, arg=[title, calls], timeout=180_000, polling=100)
    stage.settle()


def open_encode(stage, query="", title="held-out picture 0", calls=6):
    stage.goto(f"?tab=encode&steps=5{query}")
    wait(stage, title, calls)
    return stage


def test_the_picture_its_latent_and_the_picture_again_are_those_of_the_core(stage, faces):
    open_encode(stage)
    x_0 = to_unit(faces.examples()[:1])
    x_T = ex.encode(faces, x_0, 5, ahead=True)
    again = ex.sample(faces, x_T, ex.Settings(5))
    assert stage.off('canvas[data-name="x_0"]', x_0) == 0
    assert stage.off('canvas[data-name="x_T"]', x_T) <= 1
    assert stage.off('canvas[data-name="again"]', again) <= 1
    assert f"{x_T.std():.3f}" in stage.text("figcaption.latent")
    assert stage.text(".largest") == f"largest {(again - x_0).abs().max():.3f} of 2"


def test_the_mouse_chooses_a_picture_and_refines_it(stage):
    open_encode(stage)
    before = stage.pictures(".trip canvas")
    stage.locator('[data-choose="2"]').click()
    wait(stage, "held-out picture 2")
    after = stage.pictures(".trip canvas")
    assert all(a != b for a, b in zip(before, after, strict=True))
    assert stage.locator('[data-choose="2"]').get_attribute("aria-pressed") == "true"
    plain = stage.pixels('canvas[data-name="x_T"]')
    stage.drag_to('[name="refine"]', 2)
    wait(stage, "held-out picture 2", calls=16)
    assert stage.pixels('canvas[data-name="x_T"]') != plain
    assert stage.pixels('canvas[data-name="x_0"]') == after[0]
    assert "picture=2" in stage.page.url
    assert "refine=2" in stage.page.url


def test_the_picture_that_came_back_with_another_s_is_shown_and_chosen(stage, faces):
    open_encode(stage)
    x_0 = to_unit(faces.examples()[:1])
    for way, ahead in (("plain", False), ("ahead", True)):
        back = f'.returns canvas[data-name="back/{way}/10"]'
        stage.page.wait_for_selector(f"#encode {back}:not(.blank)", timeout=180_000)
        again = ex.sample(faces, ex.encode(faces, x_0, 10, ahead=ahead), ex.Settings(10))
        assert stage.off(back, again) <= 1
        number = stage.page.evaluate(f"document.querySelector('#encode {back}').closest('figure').textContent")
        assert float(number.split("= 10")[1].replace("−", "-")) == pytest.approx(
            float((again - x_0).square().mean() / 4), rel=0.06
        )
    stage.locator('.returns [data-steps="10"]').last.click()
    wait(stage, "held-out picture 0", calls=11)
    assert stage.setting("steps") == 10
    assert stage.locator(".returns [data-steps][data-here]").count() == 2


def test_the_film_is_walked_by_mouse_and_by_keyboard(stage):
    open_encode(stage)
    shown = set()
    for k in range(6):
        stage.locator(f'{lane("up")} [data-column="{k}"]').click()
        stage.settle()
        shown.add((stage.text(".what"), stage.pixels(f"{lane('up')} .now canvas")))
    assert len({text for text, _ in shown}) == len({picture for _, picture in shown}) == 6
    for key, t in (("Home", 0), ("ArrowRight", 200), ("End", 1000)):
        stage.press(key)
        assert stage.text(".what").endswith(f"= {t}")
    assert stage.pixels(f"{lane('up')} .now canvas") == stage.pixels(f"{lane('down')} .now canvas")  # x_T itself


def test_the_keyboard_chooses_a_picture(stage):
    open_encode(stage)
    stage.locator(".pick").focus()
    stage.page.keyboard.type("3")
    stage.press("Enter")
    wait(stage, "held-out picture 3")
    stage.press("Tab")
    assert stage.page.evaluate("document.activeElement.type") == "file"
    stage.press("Tab")
    stage.press("Enter")  # what the settings make
    wait(stage, "made with these settings")
    assert stage.setting("picture") == "made"
    stage.press("Tab", "ArrowLeft")
    wait(stage, "made with these settings", calls=5)
    assert (stage.setting("ahead"), stage.setting("label")) == (False, "t")
    stage.press("ArrowLeft")
    stage.page.wait_for_function("document.querySelector('explorer-controls').settings.label === 's'")
    wait(stage, "made with these settings", calls=5)
    assert stage.setting("ahead") is False
    stage.press("Tab", "ArrowRight")
    wait(stage, "made with these settings", calls=10)
    assert stage.setting("refine") == 1


def test_a_number_beyond_the_held_out_pictures_is_refused_beside_its_field(stage):
    open_encode(stage)
    before = stage.pictures(".trip canvas")
    stage.enter(stage.locator(".pick"), "100000")
    stage.wait("error")
    assert "Held-out pictures have the numbers 0 to" in stage.text(".chosen .problem")
    assert stage.pictures(".trip canvas") == before
    stage.locator(".repair").click()
    stage.locator(".problem").wait_for(state="detached")
    wait(stage, "held-out picture 0")
    assert stage.setting("picture") == 0
    assert stage.pictures(".trip canvas") == before


def test_a_picture_of_ones_own_is_encoded_and_a_broken_file_leaves_it_on_the_screen(stage, faces, brake):
    open_encode(stage)
    brake()
    stage.bring(OWN)
    wait(stage, "your picture")
    x_0 = as_tensor(read_picture(OWN), faces.shape)
    again = ex.sample(faces, ex.encode(faces, x_0, 5, ahead=True), ex.Settings(5))
    assert stage.off('canvas[data-name="x_0"]', x_0) == 0
    assert stage.off('canvas[data-name="again"]', again) <= 1
    before = stage.pictures(".trip canvas")
    stage.bring(OWN[:-40])
    stage.locator(".chosen .problem").wait_for()
    assert "try a PNG or a JPEG" in stage.text(".chosen .problem")
    assert stage.locator(".pick").get_attribute("aria-invalid") == "true"
    assert stage.pictures(".trip canvas") == before
    rows = "document.querySelector('#encode table').textContent"
    filled = stage.page.evaluate(rows)
    stage.page.wait_for_function(f"filled => {rows} !== filled", arg=filled, timeout=180_000)  # the run goes on
    assert stage.locator(".chosen .problem").count() == 1
    stage.bring(b"no picture", "notes.txt", "text/plain")
    stage.page.wait_for_timeout(300)
    assert stage.locator(".chosen .problem").count() == 1
    stage.locator('[data-choose="1"]').click()
    wait(stage, "held-out picture 1")
    assert stage.locator(".chosen .problem").count() == 0


def test_stop_keeps_the_picture_and_the_errors_so_far(stage, brake):
    brake()
    open_encode(stage, "&every_steps=1&picture=6", "held-out picture 6")
    before = stage.pictures(".trip canvas")
    stage.stop()
    assert stage.pictures(".trip canvas") == before
    assert stage.locator("table tr[data-here]").count() == 0  # S = 5 is no row of the table
    assert stage.text("table tr:last-child td:nth-child(2)").strip() == ""  # S = 1000 was not reached


def test_the_latent_becomes_an_end_of_interpolate(stage):
    open_encode(stage, "&frames=8&side=5&lerp=0&ddpm=off")
    stage.locator('[data-use="b"]').click()
    stage.arrive("interpolate")
    assert stage.setting("b") == "encode(0, 5, ahead)"
    assert stage.setting("a") == 10
    assert all(picture is not None for picture in stage.pictures(".frames canvas"))
    assert "b=encode" in stage.page.url


def test_the_latent_opens_in_steps_and_ends_in_the_picture_again(stage, faces):
    open_encode(stage, "&eta=0.5")
    stage.locator('[data-use="steps"]').click()
    stage.arrive("steps")
    assert stage.page.input_value('#controls [name="seed"]') == "encode(0, 5, ahead)"
    assert stage.setting("eta") == 0
    stage.press("End")
    again = ex.sample(faces, ex.encode(faces, to_unit(faces.examples()[:1]), 5, ahead=True), ex.Settings(5))
    assert stage.off('[data-panel="x_prev"] canvas', again) <= 1


HEIGHTS = """
    window.heights = new Map();
    (function note() {
        const stage = document.querySelector('#encode .stage'), state = stage?.querySelector('.status')?.dataset.state;
        if (stage?.offsetHeight && !['waiting', undefined].includes(state)) {
            heights.set(state, [...(heights.get(state) ?? []), stage.offsetHeight]);
        }
        requestAnimationFrame(note);
    })();
"""


def test_nothing_moves_while_the_view_fills(stage, brake):
    brake(0.005)
    stage.page.add_init_script(HEIGHTS)
    for width, picture in ((1366, 5), (390, 4)):
        stage.page.set_viewport_size({"width": width, "height": 657})
        stage.open(f"?tab=encode&steps=5&picture={picture}")
        heights = stage.page.evaluate("Object.fromEntries(heights)")
        assert len(heights["running"]) > 3
        assert len({height for state in heights.values() for height in state}) == 1, heights
    stage.page.set_viewport_size({"width": 1440, "height": 900})


def test_larger_s_are_offered_with_their_cost_and_measured_on_request(stage, monkeypatch):
    monkeypatch.setattr(EncodeOptions, "table_steps", property(lambda options: (10, options.largest)))
    open_encode(stage)
    stage.wait_for_run()
    assert "+801 calls" in stage.text('[data-largest="200"]')
    stage.locator('[data-largest="200"]').click()
    stage.page.wait_for_function("document.querySelector('explorer-controls').settings.largest === 200")
    stage.wait_for_run()
    assert stage.locator('[data-largest="200"]').get_attribute("aria-pressed") == "true"
    assert stage.table()["200"][0]
    stage.locator('[data-largest="200"]').click()
    stage.page.wait_for_function("document.querySelector('explorer-controls').settings.largest === 100")


def test_the_address_opens_the_same_picture_elsewhere(stage, elsewhere):
    open_encode(stage)
    stage.locator('[data-choose="4"]').click()
    wait(stage, "held-out picture 4")
    stage.drag_to('[name="refine"]', 1)
    wait(stage, "held-out picture 4", calls=11)
    stage.locator(f'{lane("up")} [data-column="1"]').click()
    address = stage.address()
    for part in ("tab=encode", "steps=5", "picture=4", "refine=1", "moment=200"):
        assert part in address
    there = elsewhere(address, lambda there: wait(there, "held-out picture 4", calls=11))
    assert there.text(".what") == stage.text(".what")
    for name in ("x_0", "x_T", "again"):  # while both pages measure on, their calls are shared, and rounded otherwise
        assert there.off(f'canvas[data-name="{name}"]', stage.image(f'canvas[data-name="{name}"]')) <= 1
    there.assert_quiet()
