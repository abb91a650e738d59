"""The Paths tab in a browser: points of a plane that play, are scrubbed, and are drawn in two ways."""

import pytest

pytestmark = pytest.mark.usefixtures("quiet")
PLANES = ".planes > [data-run]:not([hidden]) canvas"
SMALL = "?tab=paths&steps=10&points=200&eta=0.5"


def now(stage):
    return stage.text(".here")


def test_three_planes_end_at_zero_and_every_t_has_a_drawing_of_its_own(stage):
    stage.open(SMALL)
    assert now(stage) == "t = 0"
    assert len(set(stage.pictures(PLANES))) == 3
    seen = {}
    for place in range(0, 1001, 100):
        stage.drag_to(".time", place)
        seen[now(stage)] = stage.pictures(PLANES)
    assert list(seen) == [f"t = {t}" for t in range(1000, -1, -100)]
    for column in zip(*seen.values(), strict=True):
        assert len(set(column)) == 11
    assert len(set(seen["t = 1000"])) == 1  # the same points, before anything is told apart


def test_it_plays_from_noise_to_the_end(stage):
    stage.open(SMALL + "&place=0")
    assert now(stage) == "t = 1000"
    before = stage.pictures(PLANES)
    stage.locator('[data-go="play"]').click()
    stage.page.wait_for_function("document.querySelector('#paths .here').textContent === 't = 0'", timeout=10_000)
    stage.locator('[data-go="play"][aria-label="Play"]').wait_for()  # and stops there
    after = stage.pictures(PLANES)
    assert all(a != b for a, b in zip(before, after, strict=True))
    stage.locator('[data-go="first"]').click()
    stage.settle()
    assert stage.pictures(PLANES) == before
    stage.locator('[data-go="last"]').click()
    stage.settle()
    assert stage.pictures(PLANES) == after


def test_the_keyboard_does_all_of_it(stage):
    stage.open(SMALL)
    for keys, t in ((["Home"], 1000), (["ArrowRight", "ArrowRight"], 800), (["ArrowLeft"], 900)):
        stage.press(*keys)
        assert now(stage) == f"t = {t}"
    stage.press(" ")
    stage.page.wait_for_function("document.querySelector('#paths .here').textContent === 't = 0'", timeout=10_000)
    stage.locator('[name="mixture"]:checked').focus()
    stage.press("ArrowRight")
    stage.wait_for_run()
    assert stage.setting("mixture") == "two moons"
    stage.locator('[name="drawn"]').focus()
    stage.press("ArrowRight")
    stage.wait_for_run()
    assert stage.setting("drawn") == 25
    assert stage.locator(PLANES).first.get_attribute("aria-label") == "25 paths at t = 0"


def test_the_plane_is_switched_and_back(stage):
    stage.open(SMALL)
    in_plane = stage.pictures(PLANES)
    stage.choose("plane", "ode")
    stage.settle()
    ode = stage.pictures(PLANES)
    assert all(a != b for a, b in zip(in_plane, ode, strict=True))
    stage.page.wait_for_timeout(300)
    assert "plane=ode" in stage.page.url
    stage.choose("plane", "x")
    stage.settle()
    assert stage.pictures(PLANES) == in_plane
    stage.locator(".with-score").uncheck(force=True)
    stage.settle()
    assert all(a != b for a, b in zip(in_plane, stage.pictures(PLANES), strict=True))


def test_eta_moves_the_middle_plane_alone(stage):
    stage.open(SMALL)
    ddim, yours, ddpm = stage.pictures(PLANES)
    stage.set_range("eta", 0.9)
    stage.wait_for_run()
    assert [a == b for a, b in zip((ddim, yours, ddpm), stage.pictures(PLANES), strict=True)] == [True, False, True]
    assert "0.9" in stage.text('[data-run="yours"] h3')


def test_the_numbers_say_which_way_is_straight(stage):
    stage.open("?tab=paths&steps=100&eta=0.5&points=500")
    straight = next(row for term, row in stage.table().items() if "over distance" in term and "plane" not in term)
    ddim, yours, ddpm = map(float, straight)
    assert ddim < 1.1
    assert 1.2 < yours < ddpm
    assert next(row for term, row in stage.table().items() if "energy" in term)[0].startswith(("0.0", "−0.0"))
    assert stage.locator(".sweep svg circle").count() >= 18  # six S by three kinds of noise


def test_the_mouse_chooses_a_mixture(stage):
    stage.open(SMALL)
    ring = stage.pictures(PLANES)
    stage.locator('.options label:has([name="mixture"][value="two moons"])').click()
    stage.wait_for_run()
    assert stage.setting("mixture") == "two moons"
    assert all(a != b for a, b in zip(ring, stage.pictures(PLANES), strict=True))


def test_the_address_opens_the_same_planes_elsewhere(stage, elsewhere):
    stage.open(SMALL)
    stage.locator('.options label:has([name="mixture"][value="two moons"])').click()
    stage.wait_for_run()
    stage.type_number("seed", "5")
    stage.wait_for_run()
    stage.choose("plane", "ode")
    stage.drag_to(".time", 300)
    address = stage.address()
    for part in ("tab=paths", "mixture=two+moons", "seed=5", "plane=ode", "place=0.3", "points=200"):
        assert part in address
    there = elsewhere(address)
    assert now(there) == now(stage) == "t = 700"
    assert there.pictures(PLANES) == stage.pictures(PLANES)
    assert there.table() == stage.table()
    there.assert_quiet()
