"""The Quality tab in a browser: the paper's numbers beside those of the checkpoint, and pictures of the cells."""

import itertools

import numpy as np
import pytest

import explorer as ex
from explorer.storage.quality_file import read_quality
from explorer.support.paper_tables import TABLE_1, TABLE_1_STEPS

pytestmark = pytest.mark.usefixtures("quiet")
NO_PICTURES = "?tab=quality&samples=0"


def wait_for_pictures(stage, steps):
    """Wait until the pictures of that S are on the screen; those of larger S take long."""
    stage.page.wait_for_function(
        "S => { const all = [...document.querySelectorAll(`#quality canvas[data-name^='${S}/']`)];"
        " return all.length && !heard.decoding && all.every(c => c.style.imageRendering && !c.matches('.blank, .stale')); }",
        arg=steps,
        timeout=180_000,
    )


def heat(stage, where):
    """The numbers of a heat map as rows, without its axes."""
    cells = stage.locator(f".{where} .heat > span").evaluate_all("cells => cells.map(c => [c.innerText, c.className])")
    return [text for text, kind in cells if "axis" not in kind]


@pytest.mark.parametrize("data", ["CelebA", "CIFAR10"])
def test_the_heat_map_of_the_paper_holds_its_table(stage, data):
    stage.open(NO_PICTURES)
    stage.choose("paper", data)
    stage.settle()
    shown = heat(stage, "heat-theirs")
    expected = [TABLE_1[data][eta][i] for i in range(len(TABLE_1_STEPS)) for eta in TABLE_1[data]]
    assert [float(text) for text in shown] == [pytest.approx(value, rel=0.005) for value in expected]
    assert stage.locator(".heat-theirs .best").count() >= len(TABLE_1_STEPS)
    assert stage.locator(".theirs svg .marker").count() == len(expected)


def test_the_checkpoint_shows_its_measured_cells_or_says_that_there_are_none(stage, faces):
    stage.open(NO_PICTURES)
    quality = read_quality(faces.folder)
    cells = quality.frechet.cells if quality and quality.frechet else ()
    if cells:
        assert [text for text in heat(stage, "heat-ours") if text]
        assert stage.locator(".ours svg .marker").count() == stage.locator(".ours svg .bar").count() == len(cells)
    else:
        assert stage.text(".ours .how").startswith("Not measured yet: python -m explorer evaluate faces-64")
        assert stage.text(".heat-ours .heat") == "No measurements."


def test_the_conclusions_name_the_cells_of_the_loaded_checkpoint(stage, faces):
    stage.open(NO_PICTURES)
    table = read_quality(faces.folder).frechet
    few, many, ddpm = (table.cell(S, eta) for S, eta in ((50, 0), (1000, 1), (50, 1)))
    for cell in (few, ddpm):  # both rows reach DDPM's longest run, so the headline names both
        error = np.hypot(cell.standard_error, many.standard_error)
        assert abs(cell.distance - many.distance) < 2 * error
    headline = stage.text(".lead .say")
    assert headline.startswith("From S = 50 on, DDIM (η = 0) is not measurably worse than DDPM (η = 1) at S = 1000.")
    assert "The same holds for DDPM itself from S = 50 on. So 20 times fewer" in headline
    findings = stage.text(".findings")
    assert f"A perfect sampler is expected to have {table.floor.distance:.3g} with 256 pictures" in findings
    assert f"Over 16 sets of 256 real pictures the mean distance is {table.real.distance:.3g}" in findings


def test_the_labels_of_the_lines_are_whole_and_apart_on_a_phone(stage):
    stage.page.set_viewport_size({"width": 390, "height": 844})
    stage.open(NO_PICTURES)
    boxes = "all => all.map(e => e.getBoundingClientRect()).map(({ left, right, top, bottom }) => [left, right, top, bottom])"
    for where, count in ((".ours", 7), (".theirs", 5)):
        labels = sorted(stage.locator(f"{where} svg text.label").evaluate_all(boxes), key=lambda box: box[2])
        [[left, right, *_]] = stage.locator(f"{where} .plot").evaluate_all(boxes)
        assert len(labels) == count
        assert all(left <= box[0] and box[1] <= right for box in labels)
        middles = [(box[2] + box[3]) / 2 for box in labels]
        assert all(b - a >= 13 for a, b in itertools.pairwise(middles))


def test_the_pictures_of_the_cells_are_those_of_the_core_and_open_in_steps(stage, faces):
    stage.goto("?tab=quality&seed=5&noise_seed=2")
    wait_for_pictures(stage, 5)
    settings = ex.Settings(5, 1.0, noise_seed=3)
    picture = ex.sample(faces, ex.latent(faces.shape, [6]), settings)
    assert stage.off('canvas[data-name="5/1/1"]', picture) <= 1
    assert len(set(stage.pictures('canvas[data-name^="5/"]'))) == 8
    stage.locator('[data-open="5/1/1"]').click()
    stage.arrive("steps")
    assert [stage.setting(name) for name in ("seed", "noise_seed", "steps", "eta", "variance")] == [6, 3, 5, 1, "eta"]
    stage.press("End")
    assert stage.off('[data-panel="x_prev"] canvas', picture) <= 1


def test_the_pictures_are_switched_off_and_on_by_the_keyboard(stage, brake):
    stage.open(NO_PICTURES)
    brake(0.5)  # the larger S take a minute
    assert not stage.locator(".samples").is_visible()
    stage.locator('[name="samples"]').focus()
    stage.press(" ")
    wait_for_pictures(stage, 5)
    stage.stop()
    assert stage.locator(".samples").is_visible()
    stage.locator('[name="samples"]').focus()
    stage.press(" ")
    stage.wait_for_run()
    assert not stage.locator(".samples").is_visible()
    assert stage.text(".status .nfe") == ""
    stage.locator('[name="paper"]:checked').focus()
    stage.press("ArrowRight")
    assert float(heat(stage, "heat-theirs")[0]) == pytest.approx(TABLE_1["CIFAR10"][0.0][0], rel=0.005)


def test_the_address_opens_the_same_table_elsewhere(stage, elsewhere):
    stage.open(NO_PICTURES)
    stage.choose("paper", "CIFAR10")
    address = stage.address()
    assert "paper=CIFAR10" in address
    there = elsewhere(address)
    assert heat(there, "heat-theirs") == heat(stage, "heat-theirs")
    assert there.locator('[name="paper"][value="CIFAR10"]').is_checked()
    assert not there.locator(".samples").is_visible()
    there.assert_quiet()
