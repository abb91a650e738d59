"""The Exercises tab in a browser: slips to choose, stubs to copy, answers that stay, and the handout of two pages."""

import csv
import io
import json
import re

import pytest

from explorer.ui.localization import texts

pytestmark = pytest.mark.usefixtures("quiet")
START = "?tab=exercises&steps=4&slips=ddim_step.direction-missing"
ANSWERS = "localStorage.getItem('explorer-predictions')"


def test_a_chosen_slip_is_a_row_and_the_address_keeps_it(stage):
    stage.open(START)
    assert stage.lanes() == ["correct", "ddim_step.direction-missing"]
    stage.locator(".choose summary").click()
    stage.locator('.groups input[value="sample.label-is-index"]').check()
    stage.wait_for_run()
    assert stage.lanes() == ["correct", "correct_loop", "ddim_step.direction-missing", "sample.label-is-index"]
    assert "sample.label-is-index" in stage.page.evaluate("decodeURIComponent(location.search)")
    assert float(stage.facts("ddim_step.direction-missing").popitem()[1] or 0) >= 0
    assert stage.locator('[data-lane="correct"] .now').is_enabled()
    assert stage.locator('[data-lane="sample.label-is-index"] .now').is_disabled()


def test_a_task_shows_its_stub_in_the_language_of_the_page(stage):
    stage.open(START)
    stage.locator('[name="task"][value="sigma"]').check(force=True)
    stage.settle()
    assert "def sigma(alpha_bar, alpha_bar_prev, eta):" in stage.text(".stub")
    assert "task=sigma" in stage.address()
    stage.change_language("ko")
    stage.settle()
    assert 'ex.check("sigma", sigma, language="ko")' in stage.text(".stub")


def test_answers_before_and_after_stay_in_the_browser_and_become_a_table(stage):
    stage.open(START)
    stage.locator('[name="predict-jump"][value="1"]').check()
    stage.locator('[name="when"][value="after"]').check(force=True)
    assert not stage.locator('[name="predict-jump"]:checked').count()
    stage.locator('[name="predict-jump"][value="2"]').check()
    assert json.loads(stage.page.evaluate(ANSWERS)) == {"before": {"jump": 1}, "lesson": {}, "after": {"jump": 2}}
    stage.open(START)
    assert stage.locator('[name="predict-jump"][value="1"]').is_checked()
    with stage.page.expect_download() as download:
        stage.locator(".export").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert len(rows) == 9
    assert rows[0]["stop"] == "jump"
    assert (rows[0]["before"], rows[0]["after"], rows[0]["after_is_right"]) == ("1", "2", "1")
    stage.locator(".forget").click()
    assert json.loads(stage.page.evaluate(ANSWERS)) == {"before": {}, "lesson": {}, "after": {}}


@pytest.mark.parametrize("language", ["en", "zh", "ko"])
def test_the_handout_has_exactly_two_pages(stage, language):
    stage.goto(f"{START}&handout=1&lang={language}")
    handout = stage.page.locator("#handout .handout")
    stage.page.locator("#handout .formulas tr").nth(11).wait_for()
    assert handout.get_by_role("heading").first.inner_text() == texts(language)["handout.title"]
    pdf = stage.page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2
    stage.page.keyboard.press("Escape")
    handout.wait_for(state="hidden")
    stage.page.wait_for_function("!location.search.includes('handout')")
