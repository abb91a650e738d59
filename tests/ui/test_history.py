"""The browser's history: an entry for each tab and each stop of the lesson, none for a setting."""

import pytest

pytestmark = pytest.mark.usefixtures("quiet")
SMALL = "?steps=4&moments=8&others=1&wrong=0&walks=100"


def entries(stage):
    return stage.page.evaluate("history.length")


def test_back_and_forward_go_through_tabs_with_their_settings_and_stops_of_the_lesson(stage):
    stage.open(SMALL)
    page, before = stage.page, entries(stage)
    for eta in (0.1, 0.2, 0.3, 0.4, 0.5):  # a drag
        stage.set_range("eta", eta)
    stage.wait_for_run()
    assert (entries(stage), "eta=0.5" in stage.address()) == (before, True)
    steps = stage.panels()
    stage.switch("Compare")
    stage.set_range("eta", 1)
    stage.wait_for_run()
    stage.switch("Forward")
    assert entries(stage) == before + 2

    page.go_back()
    stage.arrive("compare")
    assert stage.setting("eta") == 1
    assert page.get_by_role("tab", name="Compare").get_attribute("aria-selected") == "true"
    runs = page.evaluate("heard.changed.steps")
    page.go_back()
    stage.arrive("steps")
    assert stage.setting("eta") == 0.5
    assert stage.panels() == steps
    assert page.evaluate("heard.changed.steps") == runs  # what is still there is not computed again
    page.go_forward()
    stage.arrive("compare")
    assert (stage.setting("eta"), entries(stage)) == (1, before + 2)

    stage.locator("[data-open]").first.click()  # a picture opens in Steps, as an entry of its own
    stage.arrive("steps")
    assert entries(stage) == before + 2  # in place of the one that was ahead
    page.keyboard.press("l")
    stage.arrive("forward")
    page.wait_for_function("location.search.includes('stop=1')")
    assert page.locator("#lesson .card").is_visible()
    page.go_back()
    stage.arrive("steps")
    page.locator("#lesson .card").wait_for(state="hidden")
    page.go_forward()
    stage.arrive("forward")
    page.locator("#lesson .card").wait_for()
    address = stage.address()
    page.reload()
    stage.wait_for_run()
    assert stage.address() == address
    assert page.locator("#lesson .card").is_visible()


def test_eta_follows_the_tab_until_it_is_chosen_and_every_address_gives_it_back(stage, elsewhere):
    def is_ddim():
        rows = [f'.lane[data-lane="{name}"] .frames canvas' for name in ("ddim", "yours")]
        return stage.pictures(rows[0]) == stage.pictures(rows[1])

    stage.open(SMALL + "&tab=compare")
    assert (stage.setting("eta"), "eta=" in stage.address(), is_ddim()) == (0.5, False, False)
    stage.switch("Steps")
    assert (stage.setting("eta"), "eta=" in stage.address()) == (0, False)
    stage.switch("Paths")
    assert (stage.setting("eta"), stage.text('[data-run="yours"] h3')) == (0.5, "Yours η = 0.5")
    stage.switch("Steps")
    stage.set_range("eta", 0.3)
    stage.wait_for_run()
    stage.switch("Compare")
    assert (stage.setting("eta"), is_ddim()) == (0.3, False)
    stage.set_range("eta", 0)
    stage.wait_for_run()
    address = stage.address()
    assert "eta=0" in address
    assert is_ddim()

    there = elsewhere(address + "&stop=4")  # the lesson is there before the settings of the address are
    assert there.setting("eta") == 0
    there.switch("Paths")  # the choice is part of the address
    assert there.setting("eta") == 0

    for tab, eta in (("steps", 0.3), ("paths", 0.5), ("steps", 0), ("compare", 0.5)):
        stage.page.go_back()
        stage.arrive(tab)
        assert stage.setting("eta") == eta
    stage.page.reload()
    stage.wait_for_run()
    assert stage.setting("eta") == 0.5
    stage.page.go_forward()
    stage.arrive("steps")
    assert stage.setting("eta") == 0
