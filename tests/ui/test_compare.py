"""The Compare tab in a browser, driven as a user drives it."""

import pytest
from stage import lane

import explorer as ex

SMALL = "?tab=compare&steps=5&others=1"
LANES = ["ddim", "yours", "ddpm", "large", "wrong"]


def test_the_rows_are_those_of_the_core(stage, faces):
    def steps_of(eta, **settings):
        return list(ex.denoise(faces, ex.latent(faces.shape, [22]), ex.Settings(5, eta, **settings)))

    stage.open(SMALL + "&eta=0.5&moment=600")
    assert stage.lanes() == LANES
    runs = {"ddim": steps_of(0), "yours": steps_of(0.5), "ddpm": steps_of(1), "large": steps_of(1, variance="large")}
    for name, steps in runs.items():
        step = next(step for step in steps if step.t == 600)
        assert stage.off(f"{lane(name)} .now canvas", step.x0) <= 1
        assert stage.off(f"{lane(name)} .frames button:last-child canvas", steps[-1].x_prev) <= 1
        distance = (steps[-1].x_prev - runs["ddim"][-1].x_prev).square().mean().sqrt().item()
        told = next(value for label, value in stage.facts(name).items() if "rms" in label)
        assert told == ("this is DDIM" if name == "ddim" else f"{distance:.3f}")
    assert "differs by 0, bit for bit" in stage.text(f"{lane('ddim')} .group")
    assert "by at most" in stage.text(f"{lane('ddpm')} .about p")
    stage.assert_quiet()


def test_the_mouse_does_all_of_it(stage):
    stage.open(SMALL)
    frames = stage.pictures(f"{lane('ddpm')} .frames canvas")
    assert len(set(frames)) == 5
    assert frames[4] == frames[5]  # the last predicted x_0 is the end
    stage.locator(f"{lane('ddim')} .frames button").nth(1).click()
    stage.settle()
    assert stage.pixels(f"{lane('ddpm')} .now canvas") == frames[1]
    stage.drag_to(".at", 3)
    assert stage.pixels(f"{lane('ddpm')} .now canvas") == frames[3]
    stage.locator('[data-go="first"]').click()
    stage.settle()
    assert stage.pixels(f"{lane('ddpm')} .now canvas") == frames[0]
    stage.locator('[data-go="play"]').click()
    stage.locator('[aria-label="Play"]').wait_for()  # it stops at the end by itself
    assert stage.pixels(f"{lane('ddpm')} .now canvas") == frames[5]
    stage.choose("show", "x_t")
    stage.settle()
    noisy = stage.pictures(f"{lane('ddpm')} .frames canvas")
    assert len(set(noisy) - set(frames)) == 5
    assert noisy[5] == frames[5]
    stage.locator('[name="wrong"]').click()
    stage.wait_for_run()
    assert stage.locator(".lane").count() == 4
    assert "four ways" in stage.text("h2")
    stage.drag_to('[name="others"]', 3)
    stage.wait_for_run()
    others = stage.pictures(f"{lane('ddpm')} .group canvas")
    assert len(set(others)) == 3
    stage.drag_to('[name="moments"]', 8)
    stage.type_number("steps", "9")
    stage.wait_for_run()
    assert stage.locator(f"{lane('ddim')} .frames canvas").count() == 9  # eight moments and the end
    stage.assert_quiet()


def test_the_keyboard_does_all_of_it(stage):
    stage.open(SMALL)
    frames = stage.pictures(f"{lane('large')} .frames canvas")
    assert len(frames) == 6
    stage.assert_film("large", frames)
    stage.locator('[name="wrong"]').focus()
    stage.press(" ")
    stage.wait_for_run()
    assert stage.locator(".lane").count() == 4
    stage.locator('[name="others"]').focus()
    stage.press("ArrowRight")
    stage.wait_for_run()
    assert stage.locator(f"{lane('ddpm')} .group canvas").count() == 2
    stage.locator('[name="show"][value="x0"]').focus()
    stage.press("ArrowRight")
    assert stage.pictures(f"{lane('large')} .frames canvas") != frames
    stage.locator(f"{lane('ddpm')} .now").focus()
    stage.press("Enter")
    stage.arrive("steps")
    assert stage.page.input_value('#controls [name="eta"]') == "1.00"


@pytest.mark.parametrize(("name", "settings"), [("ddim", ()), ("ddpm", (1.0,)), ("large", (0.0, "large"))])
def test_a_picture_opens_its_run_in_steps_at_its_time(stage, name, settings):
    stage.open(SMALL + "&eta=0.3&moment=400")
    x0 = stage.image(f"{lane(name)} .now canvas")
    stage.locator(f"{lane(name)} .now").click()
    stage.arrive("steps")
    assert stage.off('[data-panel="x0"] canvas', x0) <= 1
    assert stage.text('[data-panel="x_t"] .name').endswith("= 400")
    c = ex.Schedule.linear().coefficients(400, 200, *settings)
    assert stage.coefficient("noise") == pytest.approx(c.noise, abs=5e-5)


def test_a_picture_of_another_noise_seed_opens_with_that_seed(stage):
    stage.open(SMALL + "&noise_seed=7")
    end = stage.image(f"{lane('ddpm')} .group canvas")
    stage.locator(f"{lane('ddpm')} .group .pic").click()
    stage.arrive("steps")
    assert stage.setting("noise_seed") == 8
    assert stage.off('[data-panel="x_prev"] canvas', end) <= 1


def test_wrong_labels_open_nowhere_for_steps_has_none(stage):
    stage.open(SMALL)
    stage.locator(f"{lane('wrong')} .now").click()
    stage.settle()
    assert stage.page.evaluate("document.querySelector('explorer-controls').tab") == "compare"


def test_the_address_holds_the_state_and_opens_the_same_pictures_elsewhere(stage, elsewhere):
    stage.open(SMALL)
    stage.set_range("eta", 0.4)
    stage.locator('[name="wrong"]').click()
    stage.choose("show", "x_t")
    stage.wait_for_run()
    stage.drag_to(".at", 1)
    address = stage.address()
    for part in ("tab=compare", "steps=5", "eta=0.4", "wrong=0", "others=1", "show=x_t", "moment=800"):
        assert part in address
    other = elsewhere(address)
    assert other.pictures() == stage.pictures()
    assert None not in stage.pictures()
    other.assert_quiet()


def test_bad_input_is_named_and_the_last_good_pictures_stay(stage):
    stage.open(SMALL)
    before = stage.pictures()
    for field, typed, expected in (
        ("steps", "0", "from 1 to 1000, not 0"),
        ("seed", str(2**53), "a seed from 0 to 9007199254740991, or a text such as slerp(10, 29, 0.5)"),
        ("noise_seed", "-1", "from 0 to 9007199254740991, not -1"),
    ):
        stage.type_number(field, typed)
        stage.assert_refused(field, expected)
        assert stage.pictures() == before
        stage.repair()
        assert stage.pictures() == before


def test_stop_keeps_what_is_done(stage, brake):
    stage.open(SMALL)
    brake()
    stage.type_number("steps", "200")
    stage.wait_for_calls("of 1,414")
    stage.stop()
    # 200 steps of five rows, the repeat and one other; and 2 of each preview
    assert "of 1,414" in stage.text(".status .nfe")
