"""The Exercises tab: rows of slips beside the correct functions, their numbers and files, and what is refused."""

import json

import numpy as np
import pytest
from tab_values import pictures_of, tab_of, values_of

import explorer as ex
from explorer.exercises.gallery import gallery
from explorer.exercises.texts import LANGUAGES, texts
from explorer.media.convert import to_rgb, to_uint8
from explorer.ui.export_formats import ExportSource
from explorer.ui.fields import InvalidField
from explorer.ui.localization import texts as page_texts

GIVEN = {"seed": 3, "steps": 12, "eta": 0.5, "noise_seed": 5}
SLIPS = "ddim_step.direction-missing, sample.label-is-index"


def last_of(**given):
    return values_of(tab_of("exercises"), GIVEN | {"slips": SLIPS} | given)[-1]


def test_the_correct_rows_are_the_pictures_of_the_library():
    tab = tab_of("exercises")
    value = values_of(tab, GIVEN | {"slips": SLIPS})[-1]
    checkpoint = next(iter(tab.services.checkpoints.values()))
    pictures = pictures_of(value)
    for row, eta in (("correct", 0.5), ("correct_loop", 0.0)):
        x_0 = ex.sample(checkpoint, ex.latent(checkpoint.shape, [3]), ex.Settings(12, eta, noise_seed=5))
        shown = pictures[f"{row}/end"].astype(int)
        assert np.abs(shown - to_rgb(to_uint8(x_0))[0]).max() <= 1


def test_a_slip_is_measured_against_the_correct_function_of_its_kind():
    value = last_of()
    facts = json.loads(value["facts"])
    assert list(facts) == ["correct", "correct_loop", *SLIPS.split(", ")]
    assert facts["correct"]["difference"] == facts["correct_loop"]["difference"] == 0
    assert facts["ddim_step.direction-missing"]["difference"] > 0.01
    assert facts["sample.label-is-index"]["steps"] == 12
    assert value["evaluations"] == value["expected"] == 4 * 12
    assert value["state"] == "ended"


def test_only_what_is_needed_is_run():
    assert list(json.loads(last_of(slips="")["facts"])) == ["correct"]
    assert "correct_loop" not in json.loads(last_of(slips="sigma.sigma-hat")["facts"])


@pytest.mark.parametrize(
    "slips", ["nothing", "ddim_step", f"{SLIPS}, sample.label-is-index", 3, ", ".join(list(gallery())[:9])]
)
def test_what_names_no_rows_is_refused(slips):
    with pytest.raises(InvalidField) as refused:
        tab_of("exercises").parse(GIVEN | {"slips": slips})
    assert refused.value.field == "slips"


def test_every_slip_of_the_gallery_has_its_texts_in_all_languages():
    for language in LANGUAGES:
        for planted in gallery().values():
            assert page_texts(language)[f"exercise.slips.{planted.slip.name}.why"]
            keys = {f"terms.{planted.task.name}.{planted.slip.term}", f"terms.{planted.slip.term}"}
            assert keys & texts(language).keys(), (language, planted.name)


def test_the_files_and_the_script_have_the_rows(tmp_path, monkeypatch):
    tab = tab_of("exercises")
    *_, result = tab.results(tab.parse(GIVEN | {"slips": SLIPS}), lambda: "running")
    sheet, rows = tab.export_formats
    assert sheet.make(ExportSource(result)).startswith(b"\x89PNG")
    assert rows.make(ExportSource(result)).decode("utf-8-sig").count("\n") == 5
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ex, "load", lambda name, **_: result.checkpoint)
    exec(compile(result.script(), "script", "exec"), {})
    assert len(list(tmp_path.glob("*.png"))) == 3
