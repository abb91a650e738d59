"""Pictures that were saved come back in a browser: their settings, their tab, and what was looked at."""

import io

import numpy as np
import pytest
from files import file_of
from menu import choose, drop, restore, save, told
from PIL import Image

import explorer as ex
from explorer.media import exports
from explorer.media.convert import to_uint8

pytestmark = pytest.mark.usefixtures("quiet")
PICTURE = np.zeros((8, 8, 3), dtype=np.uint8)


def test_the_saved_picture_is_the_one_of_the_core_and_dropping_it_restores_every_setting(stage, faces, tmp_path):
    stage.open("?seed=7&steps=5&eta=0.3&spacing=quadratic&clip=1&noise_seed=4&t=360")
    panels = stage.panels()
    data, name = save(stage, "Picture", "PNG", tmp_path)
    assert name == "ddim-explorer_faces-64_seed-7_S-5_eta-0.3.png"
    settings = ex.Settings(5, 0.3, spacing="quadratic", clip=True, noise_seed=4)
    picture = np.asarray(Image.open(io.BytesIO(data)))
    expected = to_uint8(ex.sample(faces, ex.latent(faces.shape, [7]), settings))[0]
    assert np.abs(picture.astype(int) - expected).max() <= 1
    address = stage.address()
    stage.open("?tab=forward")
    restore(stage, data, "steps", name)
    assert name in stage.text(".status .message")
    assert stage.address() == address
    assert stage.panels() == panels


def test_a_picture_of_another_tab_comes_back_where_it_was_looked_at(stage, tmp_path):
    stage.open("?tab=forward&real=2&pixels=3%3A4&t_forward=120")
    before = stage.pixels(".x_t")
    data, _ = save(stage, "Picture at this t", "PNG", tmp_path)
    stage.open("?tab=forward&t_forward=900")
    restore(stage, data, "forward")
    assert stage.pixels(".x_t") == before
    assert stage.page.locator('#forward [name="pixels"]').input_value() == "3:4"


def test_a_saved_picture_can_be_chosen_from_the_menu(stage):
    stage.open("?steps=5")
    with stage.page.expect_file_chooser() as chooser:
        choose(stage, "Open a saved picture…", "PNG")
    data = exports.png(PICTURE, "tab=steps&seed=9&steps=3")
    chooser.value.set_files({"name": "mine.png", "mimeType": "image/png", "buffer": data})
    stage.page.wait_for_function("document.querySelector('explorer-controls').settings.seed === 9")
    stage.wait_for_run()
    assert stage.text(".status .nfe") == "NFE 3"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (file_of(PICTURE), "This PNG contains no settings"),
        (exports.png(PICTURE, "a" * 9000), "This PNG contains no settings"),
        (file_of(PICTURE, "jpeg"), "This is not a PNG"),
        (b"", "This is not a PNG"),
        (file_of(PICTURE)[:8] + b"\xff\xff\xff\xfftEXtddim-explorer\0seed=1", "This PNG contains no settings"),
    ],
    ids=["no settings", "too long", "a jpeg", "empty", "a chunk beyond the end"],
)
def test_a_file_without_settings_gets_a_message_and_changes_nothing(stage, data, expected):
    stage.open("?steps=5")
    before = stage.panels()
    drop(stage, data)
    assert expected in told(stage)
    stage.page.keyboard.press("Escape")
    assert stage.page.locator("#saver .told").is_hidden()
    assert stage.panels() == before


def test_hostile_settings_are_refused_as_if_they_had_been_typed(stage):
    stage.open("?steps=5")
    before = stage.panels()
    text = "tab=__proto__&seed=3&steps=9999&count=99&__proto__=1&t=%3Cimg+src%3Dx%3E&notice=%3Cb%3E"
    drop(stage, exports.png(PICTURE, text), "<img src=x onerror=alert(1)>.png")
    stage.assert_refused("steps", "S must be a whole number from 1 to 1000, not 9999")
    assert stage.panels() == before
    stage.repair()
    assert stage.setting("seed") == 3
    assert stage.page.locator("img[src=x]").count() == 0
