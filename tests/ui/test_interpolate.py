"""The Interpolate tab in a browser, driven as a user drives it."""

import re

import pytest
from exact_faces import exact_faces
from stage import lane

import explorer as ex
from explorer.runs.latent_spec import parse

SMALL = "?tab=interpolate&steps=2&frames=8&side=5"
BARE = SMALL + "&lerp=0&ddpm=off"


def sampled(latent, S=2, eta=0.0, noise_seed=0):
    checkpoint = exact_faces()
    return ex.sample(checkpoint, parse(latent).latent(checkpoint), ex.Settings(S, eta, noise_seed=noise_seed))


def numbers(stage, name):
    """Path length, largest over mean step, and network calls of a strip, as its row says."""
    return [float(text) for text in stage.locator(f"{lane(name)} .facts b").all_inner_texts()]


def mouse_to(stage, row, column):
    box = stage.locator(".pad").bounding_box()
    stage.page.mouse.move(box["x"] + (column + 0.5) * box["width"] / 5, box["y"] + (row + 0.5) * box["height"] / 5)
    stage.settle()


def test_the_strips_are_those_of_the_core(stage):
    stage.open(SMALL + "&noise_seed=7")
    assert stage.lanes() == ["slerp", "lerp", "ddpm"]
    for name, latent, eta, seed in (
        ("slerp", "slerp(10, 29, 0.4286)", 0.0, 0),
        ("lerp", "lerp(10, 29, 0.4286)", 0.0, 0),
        ("ddpm", "slerp(10, 29, 0.4286)", 1.0, 7 + 3),
    ):
        assert stage.off(f"{lane(name)} [data-column='3'] canvas", sampled(latent, eta=eta, noise_seed=seed)) <= 1
    assert stage.off(f"{lane('slerp')} [data-column='0'] canvas", sampled(10)) <= 1
    assert stage.off(f"{lane('slerp')} [data-column='7'] canvas", sampled(29)) <= 1
    assert stage.locator(".norm .plot path[stroke-linejoin]").count() == 2
    sinks = re.search(r"falls to ([\d.]+)", stage.text(f"{lane('lerp')} .about p"))
    assert float(sinks[1]) == pytest.approx(0.71, abs=0.015)
    stage.assert_quiet()


def test_the_mouse_does_all_of_it(stage):
    stage.open(SMALL)
    frames = stage.pictures(f"{lane('slerp')} .frames canvas")
    assert len(set(frames)) == 8
    stage.locator(f"{lane('lerp')} [data-column='5']").click()
    stage.settle()
    assert stage.pixels(f"{lane('slerp')} .now canvas") == frames[5]
    stage.drag_to(".at", 2)
    assert stage.pixels(f"{lane('slerp')} .now canvas") == frames[2]
    stage.locator('[name="lerp"]').click()
    stage.wait_for_run()
    assert stage.lanes() == ["slerp", "ddpm"]
    stage.choose("ddpm", "off")
    stage.wait_for_run()
    assert stage.lanes() == ["slerp"]
    stage.drag_to('[name="frames"]', 9)
    stage.wait_for_run()
    assert stage.locator(f"{lane('slerp')} .frames canvas").count() == 9
    stage.choose("way", "loop")
    stage.wait_for_run()
    loop = stage.pictures(f"{lane('slerp')} .frames canvas")
    assert loop[0] == loop[-1] == frames[0]
    assert len(set(loop)) == len(loop) - 1
    stage.locator('.option[data-way="loop"] .die').click()
    stage.wait_for_run()
    assert len(stage.setting("loop").split(",")) == 4
    assert stage.pixels(f"{lane('slerp')} .frames canvas") != frames[0]
    stage.assert_quiet()


def test_the_keyboard_does_all_of_it(stage):
    stage.open(SMALL)
    frames = stage.pictures(f"{lane('slerp')} .frames canvas")
    assert len(frames) == 8
    stage.assert_film("slerp", frames)
    stage.locator('[name="ddpm"][value="own"]').focus()
    stage.press("ArrowRight")
    stage.wait_for_run()
    assert stage.setting("ddpm") == "shared"
    stage.locator('[name="lerp"]').focus()
    stage.press(" ")
    stage.wait_for_run()
    assert stage.lanes() == ["slerp", "ddpm"]
    stage.locator('[name="way"][value="ends"]').focus()
    stage.press("ArrowRight")
    stage.wait_for_run()
    assert stage.setting("way") == "loop"
    stage.locator(f"{lane('ddpm')} .now").focus()
    stage.press("Enter")
    stage.arrive("steps")
    assert stage.setting("eta") == 1


def test_a_strip_at_several_S(stage, brake):
    stage.open(BARE)
    brake(0.3)  # the rows to come take 20 s
    stage.locator('[name="over_steps"]').click()
    stage.locator(f"{lane('S10')} .facts").first.wait_for(timeout=180_000)
    assert stage.lanes() == ["slerp", "S10", "S20", "S50"]
    assert [numbers(stage, name)[2] for name in ("slerp", "S10")] == [2, 10]
    assert stage.pixels(f"{lane('S10')} .now canvas") != stage.pixels(f"{lane('slerp')} .now canvas")
    stage.stop()


def test_dragging_on_the_pad_shows_another_picture_at_every_place(stage):
    stage.open(BARE)
    large = ".large canvas"
    mouse_to(stage, 0, 0)
    stage.page.mouse.down()
    assert stage.off(large, sampled(10)) <= 1
    seen = []
    for row in range(5):
        for column in range(5):
            mouse_to(stage, row, column)
            seen.append(stage.pixels(large))
    stage.page.mouse.up()
    assert len(set(seen)) == 25
    assert stage.off(large, sampled(3)) <= 1
    mouse_to(stage, 2, 2)
    assert stage.pixels(large) == seen[-1]  # the button is up
    assert stage.text(".place").replace("\xa0", " ").endswith("u = 1.00, v = 1.00")


def test_arrow_keys_on_the_pad_show_another_picture_at_every_place(stage):
    stage.open(BARE)
    film = stage.pixels(f"{lane('slerp')} .now canvas")
    stage.locator(".pad").focus()
    stage.press("Home")
    seen = [stage.pixels(".large canvas")]
    for key in ["ArrowRight"] * 4 + ["ArrowDown"] * 4 + ["ArrowLeft"] * 4 + ["ArrowUp"] * 3:
        stage.press(key)
        seen.append(stage.pixels(".large canvas"))
    assert len(set(seen)) == 16
    stage.press("End")
    assert stage.off(".large canvas", sampled(3)) <= 1
    assert stage.locator(".pad").get_attribute("aria-valuetext") == "u = 1.00, v = 1.00"
    assert stage.pixels(f"{lane('slerp')} .now canvas") == film  # the strip stays where it was


def test_a_frame_opens_in_steps_with_the_latent_between_and_that_latent_can_be_an_end(stage):
    stage.open(BARE)
    stage.locator(f"{lane('slerp')} [data-column='3']").click()
    stage.settle()
    picture = stage.image(f"{lane('slerp')} .now canvas")
    stage.locator(f"{lane('slerp')} .now").click()
    stage.arrive("steps")
    assert stage.page.input_value('#controls [name="seed"]') == "slerp(10, 29, 0.4286)"
    stage.press("End")
    assert stage.off('[data-panel="x_prev"] canvas', picture) <= 1
    stage.switch("Interpolate")
    stage.locator('[data-current="b"]').click()
    stage.wait_for_run()
    assert stage.locator('.options [name="b"]').input_value() == "slerp(10, 29, 0.4286)"
    assert stage.off(f"{lane('slerp')} [data-column='7'] canvas", picture) <= 1


def test_the_place_on_the_pad_opens_in_steps(stage):
    stage.open(BARE + "&pad=1,3")
    picture = stage.image(".large canvas")
    stage.locator(".large").click()
    stage.arrive("steps")
    assert stage.setting("seed") == "slerp(slerp(10, 29, 0.75), slerp(22, 3, 0.75), 0.25)"
    stage.press("End")
    assert stage.off('[data-panel="x_prev"] canvas', picture) <= 1


def test_the_ends_and_corners_take_what_is_typed_diced_or_current(stage):
    stage.open(BARE + "&seed=5")
    stage.type_option("a", "77")
    stage.wait_for_run()
    assert stage.locator('.corner [name="a"]').input_value() == "77"
    assert stage.off(f"{lane('slerp')} .frames canvas", sampled(77)) <= 1
    stage.locator('.end [data-current="a"]').click()
    stage.wait_for_run()
    assert stage.setting("a") == 5
    stage.locator('.end [data-die="b"]').click()
    stage.wait_for_run()
    assert stage.off(f"{lane('slerp')} [data-column='7'] canvas", sampled(stage.setting("b"))) <= 1
    stage.enter(stage.locator('.corner [name="d"]'), "78")
    stage.wait_for_run()
    stage.locator(".pad").focus()
    stage.press("End")
    assert stage.off(".large canvas", sampled(78)) <= 1


BAD = [
    ("ends", "b", "10", "the corners must differ, but 10 appears twice"),
    ("ends", "a", "slerp(1, 2", "latent must be a seed, slerp(a, b, w)"),
    ("ends", "a", str(2**53), "from 0 to 9007199254740991, or a text such as slerp(10, 29, 0.5)"),
    ("loop", "loop", "10", "expected 2 to 8 latents separated by commas, not 1"),
    ("loop", "loop", "10, 29, 10", "the latents must differ"),
]


@pytest.mark.parametrize("way", ["ends", "loop"])
def test_bad_input_is_named_beside_its_field_and_the_last_good_pictures_stay(stage, way):
    stage.open(f"{BARE}&way={way}")
    before = stage.pictures()
    for field, typed, expected in [rest for where, *rest in BAD if where == way]:
        stage.type_option(field, typed)
        stage.assert_refused(field, expected)
        assert stage.pictures() == before
        stage.repair()
        assert stage.locator(".problem").count() == 0
        assert stage.pictures() == before


def test_fewer_than_eight_frames_are_refused(stage):
    stage.open(BARE)
    before = stage.pictures()
    stage.page.evaluate("dispatchEvent(new CustomEvent('explorer:set', { detail: { frames: 7 } }))")
    stage.wait("error")
    assert "n (frames) must be a whole number from 8 to 33, not 7" in stage.text(".problem")
    assert stage.pictures() == before


def test_the_address_holds_the_state_and_opens_the_same_pictures_elsewhere(stage, elsewhere):
    stage.open(SMALL)
    stage.type_option("a", "29")
    stage.wait("error")  # both ends are 29 until the other is typed
    stage.type_option("b", "lerp(10, 22, 0.25)")
    stage.wait_for_run()
    stage.choose("ddpm", "shared")
    stage.wait_for_run()
    stage.drag_to(".at", 6)
    stage.locator(".pad").focus()
    stage.press("End")
    address = stage.address()
    for part in ("tab=interpolate", "frames=8", "a=29", "b=lerp%2810%2C+22%2C+0.25%29", "ddpm=shared", "pad=4%2C4"):
        assert part in address
    other = elsewhere(address)
    assert other.pictures() == stage.pictures()
    assert None not in stage.pictures()
    assert other.text(".what") == stage.text(".what")
    other.assert_quiet()


def test_swapped_ends_open_as_they_are(stage):
    stage.open(BARE + "&a=29&b=10")
    assert (stage.setting("a"), stage.setting("b")) == (29, 10)
    assert stage.off(f"{lane('slerp')} .frames canvas", sampled(29)) <= 1
