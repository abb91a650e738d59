"""The page for everyone: what lights up together, the keys, and the projector."""

import pytest

SMALL = "?steps=5&eta=0.5&others=1&latents=22%2C+10&lengths=2%2C+5&frames=8&side=5&drawn=5&points=200&samples=0"
BOXES = "() => [...document.querySelectorAll('#steps :is(.term, .chart, .scrubber, .status)')].map(e => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height].join() })"


def lit(stage):
    """What is lit, by the names that it shares."""
    stage.settle()
    return set(stage.locator("[data-lit]").evaluate_all("all => all.map(e => `${e.localName} ${e.dataset.link}`)"))


def test_a_term_lights_up_with_its_panel_its_coefficient_and_its_line_and_the_other_way_round(stage):
    stage.open(SMALL + "&t=600")
    page, before = stage.page, stage.page.evaluate(BOXES)
    term = {"figure x0", "div x0 alpha_bar_prev", "span x0", "path x0", "circle x0", "div x0"}
    stage.locator('[data-panel="x0"] .brace').hover()
    assert lit(stage) == term
    assert page.evaluate(BOXES) == before
    line = '[data-chart="size"] .line[data-link="x0"]'
    assert stage.locator(line).evaluate("path => getComputedStyle(path).strokeWidth") == "5px"
    stage.locator('[data-panel="direction"] [data-link="sigma"]').hover()
    assert {"span sigma", "div noise sigma", "path sigma noise", "div sigma noise"} <= lit(stage)
    assert "figure noise" not in lit(stage)  # sigma is a factor of the term, not the term
    on_the_line = """path => {
        const p = path.getPointAtLength(path.getTotalLength() * .3), box = path.ownerSVGElement.getBoundingClientRect();
        return [box.x + p.x, box.y + p.y];
    }"""
    page.mouse.move(*stage.locator(line).evaluate(on_the_line))
    assert lit(stage) == term
    page.mouse.move(5, 5)
    assert lit(stage) == set()
    stage.press("4")  # by the keyboard alone
    assert {"figure noise", "path noise", "path sigma noise"} <= lit(stage)
    assert page.evaluate("document.activeElement.ariaLabel") == "fresh random noise z"
    stage.press("ArrowRight")
    assert stage.step() == 3
    assert "figure noise" in lit(stage)  # it stays while one steps on
    stage.press("Escape")
    assert lit(stage) == set()
    stage.locator('.announced:has-text("step 4 of 5")').wait_for(state="attached")
    assert page.evaluate(BOXES) == before


def test_the_help_lists_the_keys_of_the_tab_in_front_and_each_of_them_works(stage):
    stage.open(SMALL)
    page, dialog = stage.page, stage.page.locator("#keys dialog")
    stage.press("Home", "?")
    assert dialog.is_visible()
    keys = dialog.locator('[data-of="tab"] kbd').all_inner_texts()
    assert keys == ["←", "→", "Home", "End", "Space", "1", "2", "3", "4", "5", "Esc", "a"]
    inside = "document.activeElement.closest('dialog') !== null || document.activeElement === document.body"
    for _ in range(5):
        stage.press("Tab")
        assert page.evaluate(inside)
    stage.press("ArrowRight", "Escape")
    assert not dialog.is_visible()
    assert stage.step() == 0  # the page behind it heard nothing
    page.locator('#controls [data-tool="help"]').click()
    dialog.locator('[name="single"]').click()
    page.mouse.move(5, 5)  # away from the terms
    stage.press("Escape", "?", "2")
    assert not dialog.is_visible()
    assert lit(stage) == set()
    page.reload()
    stage.wait_for_run()
    stage.press("?")
    assert not dialog.is_visible()  # it is kept
    page.locator('#controls [data-tool="help"]').click()
    dialog.locator('[name="single"]').click()
    stage.press("Escape", "c")
    assert page.evaluate("document.activeElement.dataset.range") == "eta"
    stage.press("t")
    assert page.evaluate("document.activeElement.textContent").strip() == "Steps"
    page.locator('#controls [name="seed"]').focus()
    stage.press("?", "p")  # letters to write with
    assert page.locator('#controls [name="seed"]').input_value().endswith("?p")
    assert not dialog.is_visible()
    stage.assert_quiet()


def test_in_projector_mode_a_step_fits_the_wall_with_larger_type_and_little_motion_if_wished(stage):
    stage.page.add_init_script(
        "const every = setInterval; window.clocks = []; window.setInterval = (act, ms) => { clocks.push(ms); return every(act, ms); };"
    )
    stage.page.emulate_media(reduced_motion="reduce")
    stage.page.set_viewport_size({"width": 1280, "height": 720})
    stage.open(SMALL)
    page = stage.page
    size = "getComputedStyle(document.querySelector('#steps .coefficient')).fontSize"
    width = "+document.querySelector('#steps .line[data-link=\"x0\"]').getAttribute('stroke-width')"
    small, thin = float(page.evaluate(size)[:-2]), page.evaluate(width)
    stage.press("p")
    page.wait_for_function(f"{width} > {thin}")
    assert float(page.evaluate(size)[:-2]) >= 1.2 * small
    root = "[document.documentElement.scrollWidth, innerHeight >= document.querySelector('#steps .numbers').getBoundingClientRect().bottom]"
    for viewport in (
        {"width": 1366, "height": 657},
        {"width": 1280, "height": 720},
        {"width": 1920, "height": 1080},
    ):
        page.set_viewport_size(viewport)
        page.wait_for_timeout(200)
        stage.settle()
        assert page.evaluate(root) == [viewport["width"], True]
        shown = stage.locator("[data-panel] canvas").evaluate_all(
            "all => all.map(c => c.getBoundingClientRect().width / 64)"
        )
        assert shown == pytest.approx([round(shown[0])] * 5, abs=0.01)  # whole factors: no uneven pixels
    page.reload()
    stage.wait_for_run()
    assert page.evaluate("document.body.hasAttribute('data-projector')")
    stage.press("Home", " ")
    assert page.evaluate("clocks.includes(500)")  # one picture after the other
    stage.press(" ", "p")
    assert not page.evaluate("document.body.hasAttribute('data-projector')")
