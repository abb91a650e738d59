"""The checkpoint field in a browser: what is typed is opened while the old pictures stay."""

import re

import pytest

pytestmark = pytest.mark.usefixtures("quiet")
FIELD, SAID = '#controls [name="checkpoint"]', "#controls .said"


def wait_for_checkpoint(stage, name):
    stage.page.wait_for_function(
        "name => document.querySelector('explorer-controls')?.settings?.checkpoint === name", arg=name, timeout=180_000
    )
    stage.wait_for_run()


def test_a_hub_id_is_fetched_while_the_old_pictures_stay_and_then_works_everywhere(stage, hub, tiny_folder, elsewhere):
    hub.put("a/tiny", tiny_folder)
    hub.resume.clear()
    stage.open("?steps=5&others=1&moments=8&frames=8&side=5")
    before = stage.panels()
    stage.enter(stage.page.locator(FIELD), "a/tiny")
    stage.page.locator(SAID, has_text=re.compile("Downloading 0 of")).wait_for()
    assert stage.page.locator("#controls .fetched").is_visible()
    assert stage.panels() == before
    assert stage.setting("checkpoint") == "faces-64"
    hub.resume.set()
    wait_for_checkpoint(stage, "a/tiny")
    assert stage.page.locator(SAID).inner_text() == ""
    assert stage.image('[data-panel="x0"] canvas').shape == (8, 8, 3)
    assert stage.setting("clip") is True  # as its scheduler has it
    for title in ("Compare", "Interpolate", "Encode", "Forward", "Quality", "Steps"):
        stage.switch(title)
    address = stage.address()
    assert "checkpoint=a%2Ftiny" in address
    assert elsewhere(address).panels() == stage.panels()


def test_clip_is_as_in_the_scheduler_of_a_checkpoint_however_it_is_opened_unless_it_is_chosen(
    stage, hub, tiny_folder, elsewhere
):
    hub.put("a/tiny", tiny_folder)
    clip = stage.page.locator('#controls [name="clip"]')

    def open_typed(name):
        stage.enter(stage.page.locator(FIELD), name)
        wait_for_checkpoint(stage, name)
        return stage.setting("clip")

    stage.open("?steps=5&seed=3")
    assert stage.setting("clip") is False
    assert open_typed("a/tiny") is True
    assert "Clip is on, as in the scheduler of a/tiny" in stage.text(".status .message")
    typed, settings = stage.panels(), stage.page.evaluate("document.querySelector('explorer-controls').settings")
    assert stage.address().endswith("/?checkpoint=a%2Ftiny&seed=3&steps=5")
    other = elsewhere(stage.address())  # the server has it already: another way into the page
    assert other.panels() == typed
    assert other.page.evaluate("document.querySelector('explorer-controls').settings") == settings
    assert "Clip is on, as in the scheduler of a/tiny" in other.text(".status .message")
    assert open_typed("faces-64") is False  # as it was before
    clip.click()  # a choice stays
    stage.wait_for_run()
    assert open_typed("a/tiny") is True
    clip.click()
    stage.wait_for_run()
    assert "clip=0" in stage.address()
    assert open_typed("faces-64") is False
    assert open_typed("a/tiny") is False
    unclipped = elsewhere(stage.address())
    assert unclipped.setting("clip") is False
    assert unclipped.panels() == stage.panels() != typed


def test_what_cannot_be_opened_is_said_at_the_field_and_costs_nothing(stage, hub):
    stage.open("?steps=5")
    before, box = stage.panels(), stage.page.locator(FIELD)
    stage.enter(box, "a/tyni")
    stage.page.locator(f'{SAID}[data-state="error"]').wait_for()
    assert "a/tyni is neither a folder here nor a public model" in stage.page.locator(SAID).inner_text()
    assert (box.input_value(), box.get_attribute("aria-invalid")) == ("a/tyni", "true")
    assert stage.panels() == before
    stage.set_range("eta", 1)  # and everything goes on
    stage.wait_for_run()
    stage.enter(box, "faces-64")
    assert stage.page.locator(SAID).inner_text() == ""
    box.blur()
    assert box.input_value() == "faces-64"


def test_an_address_opens_its_checkpoint_and_then_shows_the_rest_of_it(stage, hub, save_pipeline):
    hub.put("a/short", save_pipeline("short", num_train_timesteps=12))
    stage.goto("?checkpoint=a%2Fshort&eta=0.25&tab=forward")
    wait_for_checkpoint(stage, "a/short")
    assert [stage.setting(name) for name in ("eta", "steps")] == [0.25, 12]
    assert "checkpoint=a%2Fshort" in stage.address()
