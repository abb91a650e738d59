"""The layout of Steps in windows of many sizes and on paper, and its first screen: two pictures and the slider of eta."""

from stage import Stage

import explorer as ex

SCROLLBAR = 15  # CSS pixels that a classic scrollbar takes from the page
SIZES = [(1440, 900), (1366, 657), (1280, 600), (1024, 700), (820, 1180)]
BOXES = """() => {
  const box = selector => document.querySelector(`#steps ${selector}`).getBoundingClientRect().toJSON();
  const over = element => element.scrollWidth - element.clientWidth;
  const all = selector => [...document.querySelectorAll(`#steps ${selector}`)];
  return {
    page: over(document.documentElement), equation: over(document.querySelector('#steps .equation')),
    formulas: all('.term .formula').map(f => {
      const formula = f.querySelector('.m');
      return formula ? formula.getBoundingClientRect().right - f.closest('.term').getBoundingClientRect().right : 0;
    }),
    titles: all('.chart .title').map(over), x_prev: box('[data-panel="x_prev"] .picture'), scrubber: box('.scrubber'),
    numbers: box('.numbers'), other: box('[data-final="other"]'), lead: box('.lead'),
  };
}"""
CAPTION = '[data-final="other"] .what'


def test_the_five_panels_fit_every_window(stage):
    stage.open("?steps=5&eta=0.5&variance=large")  # σ̂ has the longest formula
    for width, height in SIZES:
        stage.page.set_viewport_size({"width": width - SCROLLBAR, "height": height})
        stage.page.wait_for_timeout(150)  # the page is drawn once resizing has rested
        stage.settle()
        boxes = stage.page.evaluate(BOXES)
        size = f"{width} × {height}"
        assert boxes["page"] == boxes["equation"] == 0, size
        assert max(boxes["formulas"]) < 2, size
        assert max(boxes["titles"]) <= 0, size
        assert boxes["x_prev"]["right"] <= width - SCROLLBAR, size
        assert boxes["x_prev"]["width"] >= 127, size
        assert boxes["other"]["bottom"] <= boxes["lead"]["bottom"] + 1, size
        assert boxes["x_prev"]["bottom"] <= boxes["scrubber"]["top"], size
        assert boxes["scrubber"]["bottom"] <= height, size
        if width in (1440, 1366, 1280):
            assert boxes["numbers"]["bottom"] <= height, size


def wait_for_other(stage: Stage, text: str) -> None:
    stage.page.wait_for_function(
        "([selector, text]) => document.querySelector(`#steps ${selector}`).innerText.includes(text) && !heard.decoding",
        arg=[CAPTION, text],
        timeout=30_000,
    )
    stage.settle()


def test_the_first_screen_shows_the_picture_of_the_other_eta_and_invites_to_drag(stage, faces):
    x_T = ex.latent(faces.shape, [5])
    ddim, ddpm = (ex.sample(faces, x_T, ex.Settings(10, eta, noise_seed=3)) for eta in (0.0, 1.0))
    yours, other = '[data-final="yours"]', '[data-final="other"]'
    stage.open("?seed=5&steps=10&noise_seed=3")
    wait_for_other(stage, "NFE 10")
    assert (stage.off(f"{yours} canvas", ddim), stage.off(f"{other} canvas", ddpm)) == (0, 0)
    assert stage.text(f"{other} .who") == "η = 1, same x_T"
    assert stage.text(".status .nfe") == "NFE 10"  # of this run alone
    assert "always this picture" in stage.text(".lead h2")
    assert "not always" not in stage.text(".lead h2")
    stage.locator(f"{other} button").click()
    stage.wait_for_run()
    wait_for_other(stage, "cached")
    assert stage.setting("eta") == 1
    assert (stage.off(f"{yours} canvas", ddpm), stage.off(f"{other} canvas", ddim)) == (0, 0)
    assert stage.text(f"{other} .who") == "η = 0, same x_T"
    stage.drag_to(".eta", 0.3)
    stage.wait_for_run()
    assert stage.setting("eta") == 0.3
    assert stage.text(f"{yours} .who") == "yours, η = 0.3"
    assert "not always" in stage.text(".lead h2")
    stage.assert_quiet()


def test_on_paper_all_panels_and_what_is_selected_are_seen(stage):
    stage.page.set_viewport_size({"width": 1366, "height": 657})
    stage.open("?steps=5&eta=0.5")
    stage.page.emulate_media(media="print")
    for paper in (718, 739):  # CSS pixels between the margins of A4 and of Letter
        stage.page.set_viewport_size({"width": paper, "height": 1000})
        stage.settle()
        boxes = stage.page.evaluate(BOXES)
        assert boxes["page"] == 0
        for part in ("x_prev", "scrubber", "numbers", "other"):
            assert 0 < boxes[part]["right"] <= paper, part
        assert boxes["x_prev"]["top"] < boxes["numbers"]["top"] < 1000
    checked = "#controls .segments input:checked + span, #steps .form input:checked + span"
    for label in stage.page.locator(checked).all():
        if label.is_visible():
            assert label.evaluate("e => getComputedStyle(e).printColorAdjust") == "exact"
