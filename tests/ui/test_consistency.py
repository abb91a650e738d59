"""The Consistency tab in a browser, driven as a user drives it."""

import explorer as ex

SMALL = "?tab=consistency&latents=22%2C+10&lengths=2%2C+5"


def cell(eta, S, row):
    return f'.cell[data-open="{eta}/{S}/{row}"]'


def similarity(stage, eta, S, row):
    return float(stage.text(f"{cell(eta, S, row)} span").replace("−", "-"))


def nfe(stage):
    return stage.text(".status .nfe")


def test_the_cells_are_those_of_the_core(stage, faces):
    stage.open(SMALL + "&noise_seed=7")
    for row, seed in enumerate((22, 10)):
        x_T = ex.latent(faces.shape, [seed])
        assert stage.off(f'canvas[data-name="x_T/{row}"]', x_T / 3) <= 1
        for eta in (0, 1):
            for S in (2, 5):
                picture = ex.sample(faces, x_T, ex.Settings(S, float(eta), noise_seed=7 + row))
                assert stage.off(f"{cell(eta, S, row)} canvas", picture) <= 1
            assert stage.text(f"{cell(eta, 5, row)} span") == "reference"  # 1 by definition
            assert -1 < similarity(stage, eta, 2, row) < 1
    assert stage.locator(".plot text.label").all_text_contents() == ["DDIM, η = 0", "DDPM, η = 1"]
    assert stage.locator(".plot .band").count() == 1
    assert "all pairs of 256 held-out pictures" in stage.text(".similarity .legend")
    assert "picture at S = 5, mean over 2 latents" in stage.text(".similarity h3").replace("\xa0", " ")
    stage.assert_quiet()


def test_a_cell_opens_its_run_in_steps_and_the_way_back_runs_nothing(stage):
    stage.open(SMALL + "&noise_seed=7")
    before = stage.pictures()
    picture = stage.image(f"{cell(1, 2, 1)} canvas")
    stage.locator(cell(1, 2, 1)).click()
    stage.arrive("steps")
    assert [stage.setting(name) for name in ("seed", "steps", "eta", "noise_seed")] == [10, 2, 1, 8]
    stage.press("End")
    assert stage.off('[data-panel="x_prev"] canvas', picture) <= 1
    stage.type_number("noise_seed", "7")
    stage.wait_for_run()
    runs = stage.page.evaluate("heard.changed.consistency")
    stage.switch("Consistency")
    assert stage.page.evaluate("heard.changed.consistency") == runs
    assert stage.pictures() == before


def test_the_keyboard_does_all_of_it(stage):
    stage.open(SMALL)
    stage.page.focus('#controls [name="checkpoint"]')
    reached = []
    for _ in range(60):
        stage.page.keyboard.press("Tab")
        reached.append(stage.page.evaluate("document.activeElement.name || document.activeElement.dataset.open"))
        if reached[-1] == "0/5/0":
            break
    assert "latents" in reached
    assert "lengths" in reached
    stage.page.keyboard.press("Enter")
    stage.arrive("steps")
    assert [stage.setting(name) for name in ("seed", "steps", "eta")] == [22, 5, 0]


def test_a_new_column_or_row_costs_only_itself(stage):
    stage.open("?tab=consistency&latents=51%2C+52&lengths=2%2C+5")
    stage.type_option("lengths", "5, 2, 3")
    stage.wait_for_run()
    assert nfe(stage) == "NFE 12"  # two latents, two eta, three steps
    assert stage.locator('.grid[data-eta="0"] .cell').evaluate_all("cells => cells.map(c => c.dataset.open)") == [
        f"0/{S}/{row}" for row in (0, 1) for S in (2, 3, 5)
    ]
    stage.type_option("latents", "51, 52, slerp(51, 52, 0.5)")
    stage.wait_for_run()
    assert nfe(stage) == "NFE 20"
    assert None not in stage.pictures()
    stage.type_option("latents", "51, 52")
    stage.wait_for_run()
    assert nfe(stage) == "cached"
    before = stage.setting("latents")
    stage.locator(".die").click()
    stage.wait_for_run()
    assert stage.setting("latents") != before
    assert len(stage.setting("latents").split(",")) == 2


BAD = [
    ("lengths", "5, many", "S must be a whole number of at least 1, not 'many'"),
    ("lengths", "0, 5", "S must be a whole number of at least 1, not 0"),
    ("lengths", "5, 2, 5", "the values of S must differ, but 5 appears twice"),
    ("lengths", "5, 2000", "S must be a whole number from 1 to 1000, not 2000"),
    ("latents", "22, 22", "the latents must differ"),
    ("latents", f"22, {2**53}", "from 0 to 9007199254740991, or a text such as slerp(10, 29, 0.5)"),
    ("latents", "<b>x</b>", "A latent is a seed from 0 to"),
]


def test_bad_input_is_named_beside_its_field_and_the_last_good_pictures_stay(stage):
    stage.open(SMALL)
    before = stage.pictures()
    for field, typed, expected in BAD:
        stage.type_option(field, typed)
        stage.assert_refused(field, expected)
        assert stage.pictures() == before
        stage.repair()
        assert stage.locator(".problem").count() == 0
        assert stage.locator(f'[name="{field}"]').get_attribute("aria-invalid") == "false"
        assert stage.pictures() == before


def test_the_address_holds_the_state_and_opens_the_same_pictures_elsewhere(stage, elsewhere):
    stage.open(SMALL)
    stage.type_option("latents", "22, slerp(22, 10, 0.25)")
    stage.type_option("lengths", "3, 4")
    stage.wait_for_run()
    for part in ("tab=consistency", "latents=22%2C+slerp%2822%2C+10%2C+0.25%29", "lengths=3%2C+4"):
        assert part in stage.page.url
    other = elsewhere(stage.page.url)
    assert other.pictures() == stage.pictures()
    assert None not in stage.pictures()
    other.assert_quiet()


def test_columns_fill_from_the_left_and_stop_keeps_them(stage, brake):
    stage.open(SMALL)
    brake(0.1)  # S = 200 takes 20 s
    stage.type_option("lengths", "2, 5, 200")
    stage.wait("running")
    stage.locator(f"{cell(0, 5, 0)} canvas:not(.blank):not(.stale)").wait_for()
    stage.locator(f"{cell(0, 200, 0)}[data-preview='S = 2']").wait_for()
    stage.stop()
    stage.settle()
    assert stage.text(f"{cell(0, 5, 0)} span") == "reference"
    assert stage.text(f"{cell(0, 200, 0)} span") == "–"
    assert stage.locator(cell(0, 200, 0)).get_attribute("data-preview") == "S = 2"
    assert stage.locator(cell(0, 5, 0)).get_attribute("data-preview") is None
    assert stage.locator(cell(0, 200, 0)).evaluate("cell => cell.title").startswith("Preview with S = 2, until")
    assert stage.text(".status .previews") == "previews: 4"
    assert stage.locator(".offers button").all_text_contents()[-1].startswith("Add S = 1000")
    assert "until that at S = 200 is ready" in stage.text(".similarity h3").replace("\xa0", " ")
