"""Slides of the lesson: texts that fit, symbols as such, and the pictures of the stops."""

import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from ui.tab_values import TOY

from explorer.course import slides
from explorer.course.command import main
from explorer.media import exports
from explorer.ui.components import lesson

SVG = "{http://www.w3.org/2000/svg}"
PICTURE = exports.png(np.zeros((64, 640, 3), np.uint8))
NAMES = [stop["name"] for stop in lesson()["stops"]]


@pytest.fixture(scope="module", params=["en", "zh", "ko"])
def drawn(request):
    """The slides of a language, as trees, with one picture for all."""
    made = slides.lesson_slides(TOY, request.param, dict.fromkeys(NAMES, PICTURE))
    return {slide.name: (slide, ET.fromstring(slides.svg(slide))) for slide in made}


def test_a_slide_has_the_question_the_guesses_and_what_to_say(drawn):
    assert list(drawn) == NAMES
    for slide, tree in drawn.values():
        shown = "".join("".join(text.itertext()) for text in tree.iter(f"{SVG}text"))
        assert "{" not in shown
        for part in (slide.head, slide.link):
            assert part in shown
        assert all(f"{n}." in shown for n in (1, 2, 3))
        assert (tree.get("width"), tree.get("height")) == ("1920", "1080")


def test_texts_and_picture_stay_on_the_slide(drawn):
    for slide, tree in drawn.values():
        lines = [(float(text.get("y")), float(text.get("font-size"))) for text in tree.iter(f"{SVG}text")]
        assert all(size <= y <= slides.HEIGHT - 20 for y, size in lines), slide.name
        (image,) = tree.iter(f"{SVG}image")
        right, foot = (float(image.get(a)) + float(image.get(b)) for a, b in (("x", "width"), ("y", "height")))
        assert float(image.get("width")) >= 200, slide.name
        assert right <= slides.WIDTH
        assert foot <= slides.HEIGHT - 60


def test_a_line_breaks_at_spaces_or_between_chinese_characters_and_a_symbol_keeps_its_index():
    the, latent, symbol = ("the", ""), (" latent", ""), ("x", "T")
    assert slides.wrap("the latent {x_T} alone", 6) == [[the, latent, (" ", "")], [symbol, (" alone", "")]]
    assert [len(line) for line in slides.wrap("一二三四五", 2)] == [2, 2, 1]


def test_every_stop_is_run_and_its_file_is_shown():
    pictures = slides.run_stops(TOY)
    assert list(pictures) == NAMES
    assert all(data.startswith(b"\x89PNG") for data in pictures.values())


def test_the_command_writes_a_slide_for_each_stop(monkeypatch, tmp_path, capsys, tiny_folder):
    monkeypatch.setattr(slides, "run_stops", lambda checkpoint: dict.fromkeys(NAMES, PICTURE))
    monkeypatch.setattr(slides, "find_browser", lambda: None)
    arguments = [str(tmp_path), "--slides", "--languages", "ko", "--checkpoint"]
    assert main([*arguments, str(tiny_folder)]) == 0
    assert len(list(tmp_path.glob("ko/slides/*.svg"))) == len(NAMES)
    assert "no Chromium" in capsys.readouterr().err
    assert main([*arguments, "nothing-of-this-name"]) == 2


@pytest.mark.skipif(slides.find_browser() is None, reason="no Chromium is installed")
@pytest.mark.slow
def test_a_chromium_makes_a_png_of_the_size_of_a_projector(tmp_path):
    file = tmp_path / "slide.svg"
    (slide, *_) = slides.lesson_slides(TOY, "en", dict.fromkeys(NAMES, PICTURE))
    file.write_text(slides.svg(slide), encoding="utf-8")
    with Image.open(slides.to_png(file, slides.find_browser() or "")) as png:
        assert png.size == (1920, 1080)
        assert np.asarray(png.convert("L")).min() < 60 < 250 < np.asarray(png.convert("L")).max()
    assert shutil.which(slides.find_browser() or "")
