"""The Steps tab in a browser, driven as a user drives it."""

import re

import pytest

import explorer as ex


def test_the_page_opens_on_a_finished_run_and_asks_no_other_host(stage):
    stage.open()
    assert stage.text(".status .nfe") == "NFE 20"
    assert stage.text('[data-panel="x_t"] .name').replace("\xa0", " ").endswith("= 250")
    stage.assert_quiet()


def test_a_number_that_is_typed_before_the_settings_have_come_is_kept(stage):
    held = []
    stage.page.route("**/queue/join**", lambda route: held.append(route))
    stage.goto("?steps=4&eta=0.5")
    stage.page.wait_for_function("document.querySelector('explorer-controls')?.settings")
    stage.type_number("steps", "3")
    assert stage.setting("steps") == 3
    for route in held:
        route.continue_()
    stage.page.unroute("**/queue/join**")
    stage.wait_for_run()
    assert stage.text(".status .nfe") == "NFE 3"
    assert [stage.setting(name) for name in ("seed", "steps", "eta")] == [22, 3, 0.5]
    stage.assert_quiet()


def test_a_drag_over_the_scrubber_shows_a_new_picture_at_every_step(stage):
    stage.open("?steps=50&eta=0.5")
    seen = {}
    for position in range(0, 1001, 20):
        stage.drag_to(".time", position)
        stage.settle()
        seen[stage.step()] = (stage.panel("x_t"), stage.panel("x0"), stage.coefficient("x0"))
    assert sorted(seen) == list(range(50))
    for column in zip(*seen.values(), strict=True):
        assert len(set(column)) == 50


def test_the_numbers_on_the_screen_are_those_of_the_core(stage, faces):
    stage.open("?seed=5&steps=10&eta=0.7&t=600&clip=1")
    steps = list(ex.denoise(faces, ex.latent(faces.shape, [5]), ex.Settings(10, 0.7, clip=True)))
    step = next(step for step in steps if step.t == 600)
    c = step.coefficients
    assert stage.text('[data-panel="x_prev"] .name').endswith("t_prev = 500")
    assert stage.coefficient("x0") == pytest.approx(c.x0, abs=5e-5)
    assert stage.coefficient("direction") == pytest.approx(c.direction, abs=5e-5)
    assert stage.coefficient("noise") == pytest.approx(c.noise, abs=5e-5)
    numbers = dict(
        stage.locator("dl > div").evaluate_all("rows => rows.map(r => [...r.children].map(c => c.innerText))")
    )
    off = [value for key, value in numbers.items() if "off by" in key]
    assert len(off) == 2
    assert all(float(value.replace("−", "-")) < 2e-6 for value in off)
    distance = (step.x0 - steps[-1].x_prev).square().mean().sqrt().item()
    assert next(v for k, v in numbers.items() if "to the final" in k) == f"{distance:.3f}"
    assert next(v for k, v in numbers.items() if "clipped" in k) == f"{int(step.clipped.sum()):,}"


def test_moving_eta_changes_the_pictures_and_moving_it_back_restores_them(stage):
    stage.open("?t=300")
    at_zero = stage.panels()
    stage.set_range("eta", 1)
    stage.wait_for_run()
    at_one = stage.panels()
    assert all(a != b for a, b in zip(at_zero, at_one, strict=True))
    assert stage.coefficient("noise") > 0.2
    stage.set_range("eta", 0)
    stage.wait_for_run()
    assert stage.panels()[:2] == at_zero[:2]
    assert stage.text('[data-panel="noise"] .none').startswith("σ")


def test_a_slider_moved_back_shows_its_pictures_before_any_answer(stage):
    stage.open("?steps=5")
    before = stage.panels()
    stage.set_range("eta", 1)
    stage.wait_for_run()
    assert stage.panels() != before
    stage.set_range("eta", 0)
    stage.settle()
    assert stage.panels() == before
    stage.wait_for_run()
    assert stage.panels() == before
    stage.type_number("seed", "-1")  # and what is refused is taken back at once
    stage.wait("error")
    stage.type_number("seed", "22")
    stage.settle()
    assert stage.text(".status .state") == "Done"
    stage.set_range("eta", 0.5)
    stage.wait_for_run()
    assert stage.panels() != before


def test_a_dragged_slider_ends_old_runs_and_its_last_value_wins(stage, brake):
    stage.open("?steps=50")
    brake()
    for i in range(25):
        stage.set_range("eta", i / 24)
        stage.page.wait_for_timeout(30)
    stage.wait_for_run()
    assert stage.page.input_value('#controls [name="eta"]') == "1.00"
    stage.press("Home")
    plan = ex.Schedule.linear().coefficients(1000, 980, eta=1.0)
    assert stage.coefficient("noise") == pytest.approx(plan.noise, abs=5e-5)
    assert stage.text(".status .nfe") == "NFE 50"


def test_the_keyboard_does_all_of_it(stage):
    stage.open("?steps=10")
    page = stage.page
    for keys, step in ((["Home"], 0), (["ArrowRight", "ArrowRight"], 2), (["ArrowLeft"], 1), (["End"], 9)):
        stage.press(*keys)
        assert stage.step() == step
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    page.wait_for_timeout(700)
    page.keyboard.press(" ")
    assert 2 <= stage.step() <= 8  # eight steps a second
    held = stage.step()
    page.wait_for_timeout(400)
    assert stage.step() == held
    before = stage.panel("x0")
    page.focus('[data-range="eta"]')
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    stage.wait_for_run()
    assert page.input_value('#controls [name="eta"]') == "0.05"
    assert stage.panel("x0") != before
    page.focus('[data-range="steps"]')
    page.keyboard.press("ArrowRight")
    stage.wait_for_run()
    assert stage.text(".status .nfe") == "NFE 11"
    expected, reached = {"seed", "steps", "spacing", "variance", "clip", "generate"}, set()
    for _ in range(100):
        if expected <= reached:
            break
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.name || document.activeElement.className || document.activeElement.dataset.range"
            )
        )
    assert expected <= reached


def test_tabs_are_reached_by_mouse_and_keyboard_and_keep_what_they_show(stage):
    stage.open("?steps=5&others=1&latents=22%2C+10&lengths=2%2C+5&frames=8&side=5")
    tab = stage.page.get_by_role("tab", name="Steps")
    for title in ("Compare", "Consistency", "Interpolate"):
        stage.switch(title)
        assert None not in stage.pictures()
        assert f"tab={title.lower()}" in stage.page.url
    before = stage.pictures()
    runs = stage.page.evaluate("heard.changed")
    tab.focus()
    stage.page.keyboard.press("Enter")
    stage.arrive("steps")
    assert "tab=" not in stage.page.url
    stage.page.get_by_role("tab", name="Interpolate").focus()
    stage.page.keyboard.press("Enter")
    stage.arrive("interpolate")
    assert stage.pictures() == before
    assert stage.page.evaluate("heard.changed") == runs  # nothing had to run again
    stage.type_number("steps", "2")
    stage.wait_for_run()
    stage.switch("Compare")
    assert stage.locator(".frames canvas").count() == 5 * 3  # two steps and the end: it heard of the new S
    stage.assert_quiet()


def test_a_long_run_streams_and_ends_when_a_slider_moves(stage, brake):
    stage.open()
    brake()
    stage.page.keyboard.press("End")
    stage.type_number("steps", "1000")
    stage.wait("running")
    stage.page.wait_for_function("+document.querySelector('#steps .stage').dataset.step >= 16", timeout=30_000)
    early = stage.panel("x_t")
    stage.locator(".time").focus()
    stage.press("Home")  # scrub while it goes on
    assert stage.step() == 0
    assert stage.panel("x_t") != early
    assert stage.text(".status .state") == "Running"
    stage.type_number("steps", "10")
    stage.wait_for_run()
    assert stage.text(".status .nfe") == "NFE 10"


def test_stop_keeps_what_is_done(stage, brake):
    stage.open()
    brake()
    stage.type_number("steps", "1000")
    stage.wait_for_calls("of 1000")
    stage.stop()
    done = int(re.match(r"NFE (\d+) of 1000", stage.text(".status .nfe"))[1])
    assert 0 < done < 1000


WHAT_A_SEED_IS = "A latent is a seed from 0 to 9007199254740991, or a text such as slerp(10, 29, 0.5) or encode(3, 100)"


def test_bad_input_is_named_and_the_last_good_pictures_stay(stage):
    stage.open("?eta=0.5&steps=10")
    before = stage.panels()
    for field, typed, expected in (
        ("steps", "0", "S must be a whole number from 1 to 1000, not 0"),
        ("steps", "2.5", "S must be a whole number from 1 to 1000, not 2.5"),
        ("steps", "", "S is empty; expected a whole number from 1 to 1000"),
        ("eta", "1,2", "η must be a number from 0 to 1, not 1.2"),
        ("eta", "−0.1", "η must be a number from 0 to 1, not -0.1"),
        ("eta", "half", "η must be a number from 0 to 1, not 'half'"),
        ("eta", "", "η is empty; expected a number from 0 to 1"),
        ("seed", "-1", f"{WHAT_A_SEED_IS}, not -1"),
        ("seed", "abc", f"{WHAT_A_SEED_IS}, not 'abc'"),
        ("seed", " ", "The latent is missing; expected a seed from 0 to 9007199254740991"),
        ("noise_seed", "∞", "noise seed must be a whole number from 0 to 9007199254740991, not '∞'"),
    ):
        stage.type_number(field, typed)
        stage.assert_refused(field, expected)
        assert stage.panels() == before
        assert "NaN" not in stage.page.locator("#controls .pill").inner_text()
        stage.repair()
        assert stage.panels() == before
        assert stage.page.locator("#controls .problem").count() == 0


def test_a_decimal_comma_and_full_width_digits_are_numbers_and_arrow_keys_move_them(stage):
    stage.open("?steps=5&eta=0,25")
    field = stage.page.locator('#controls [name="eta"]')
    assert stage.setting("eta") == 0.25
    for typed, eta in (("0,5", 0.5), ("０．７５", 0.75), ("1", 1), (",3", 0.3)):
        stage.enter(field, typed)
        assert stage.setting("eta") == eta
        field.blur()
        assert field.input_value() == f"{eta:.2f}"
    field.press("ArrowUp")
    assert (stage.setting("eta"), field.input_value()) == (0.35, "0.35")
    stage.type_number("steps", "１２")
    stage.page.locator('#controls [name="steps"]').press("ArrowDown")
    assert stage.setting("steps") == 11
    stage.wait_for_run()
    assert "steps=11" in stage.address()
    assert "eta=0.35" in stage.address()


def test_the_address_holds_the_state_and_opens_the_same_picture_elsewhere(stage, elsewhere):
    stage.open("?seed=7")
    stage.type_number("steps", "12")
    stage.set_range("eta", 0.4)
    stage.page.click('[data-segments="spacing"] label:nth-child(2)')
    stage.page.click('[name="clip"]')
    stage.wait_for_run()
    stage.page.keyboard.press("Home")
    for _ in range(4):
        stage.page.keyboard.press("ArrowRight")
    address = stage.address()
    for part in ("seed=7", "steps=12", "eta=0.4", "spacing=quadratic", "clip=1", "t="):
        assert part in address
    other = elsewhere(address)
    assert other.panels() == stage.panels()
    assert other.step() == stage.step() == 4


@pytest.mark.parametrize(
    "query", ["?steps=nan&eta=9&seed=-3&spacing=zigzag&clip=maybe", "?steps=" + "9" * 400, "?unknown=1"]
)
def test_a_bad_address_opens_with_the_usual_values_and_says_so(stage, query):
    stage.open(query)
    assert stage.page.input_value('#controls [name="steps"]') == "20"
    assert stage.page.input_value('#controls [name="eta"]') == "0.00"
    message = stage.locator(".status .message").text_content()
    assert ("must be" in message) == ("unknown" not in query)


def test_sigma_hat_and_the_m_k_form_show_their_own_coefficients(stage):
    stage.open("?variance=large&steps=10&t=600")
    c = ex.Schedule.linear().coefficients(600, 500, variance="large")
    assert stage.coefficient("noise") == pytest.approx(c.noise, abs=5e-5)
    stage.page.check('[name="form"][value="mk"]', force=True)
    stage.settle()
    assert stage.coefficient("x_t") == pytest.approx(c.m, abs=5e-5)
    assert stage.coefficient("x0") == pytest.approx(c.k, abs=5e-5)


def test_the_last_step_is_predicted_x0_itself(stage):
    stage.open("?eta=1&steps=10")
    stage.press("End")
    assert (stage.coefficient("x0"), stage.coefficient("direction"), stage.coefficient("noise")) == (1, 0, 0)
    assert stage.panel("x0") == stage.panel("x_prev")


def test_nothing_jumps_while_a_run_streams(stage, brake):
    stage.open("?steps=50")
    brake()
    measure = "() => [...document.querySelectorAll('#steps :is(.picture, .chart, .scrubber, .status)')].map(e => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height].join() })"
    before = stage.page.evaluate(measure)
    stage.set_range("eta", 1)
    for _ in range(6):
        stage.page.wait_for_timeout(60)
        assert stage.page.evaluate(measure) == before
    stage.wait_for_run()
    assert stage.page.evaluate(measure) == before


def test_the_phone_layout_has_no_sideways_scroll_and_a_docked_scrubber(stage):
    stage.page.set_viewport_size({"width": 390, "height": 844})
    stage.open()
    assert stage.page.evaluate("document.documentElement.scrollWidth") <= 390
    box = stage.locator(".scrubber").bounding_box()
    assert box["y"] + box["height"] == pytest.approx(844, abs=1)
    assert not stage.page.locator('#controls [name="eta"]').is_visible()
    stage.page.click(".pill")
    assert stage.page.locator('#controls [name="eta"]').is_visible()


def test_the_copied_python_prints_the_same_steps(stage):
    stage.open("?seed=4&steps=5&eta=0.3")
    stage.page.evaluate("() => { navigator.clipboard.writeText = async text => { window.copied = text; }; }")
    stage.locator(".python").click()
    script = stage.page.evaluate("window.copied")
    assert "ex.latent(checkpoint.shape, seeds=[4])" in script
    assert "steps=5, eta=0.3" in script
    compile(script, "copied.py", "exec")
