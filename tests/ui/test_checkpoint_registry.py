"""Checkpoints that people open while the app runs. No browser."""

import threading
import time
from dataclasses import replace

import pytest
from files import edit
from tab_values import TABS, TOY, english, run, tab_of

import explorer as ex
from explorer.runs.latent_spec import Seed
from explorer.runs.results import PictureRequest, ResultCache
from explorer.storage.diffusers_folder import SCHEDULER_CONFIG
from explorer.trajectory import Trajectory
from explorer.ui.checkpoint_registry import MAX_OPENED, MAX_PENDING, CheckpointRegistry
from explorer.ui.query import Query


def load(text, progress):
    progress(500_000, 2_000_000)
    return ex.load(text, device="cpu", progress=progress)


def opened(checkpoints, text):
    """The last answer of an opening; the first one starts it."""
    answer = checkpoints.open(text)
    while answer["state"] == "opening":
        time.sleep(0.01)
        answer = checkpoints.open(text, again=False)
    return answer


def test_an_opened_folder_is_there_for_all_under_the_path_that_opens_it_again(tiny_folder):
    checkpoints = CheckpointRegistry({"toy": TOY}, load)
    typed = f"{tiny_folder}/../{tiny_folder.name}/"
    answer = opened(checkpoints, typed)
    assert (answer["state"], answer["name"]) == ("open", str(tiny_folder))
    assert answer["about"] == {"T": 1000, "seeds": [0], "credit": "", "clips": True, "shipped": False}
    assert list(checkpoints) == ["toy", str(tiny_folder)]
    assert checkpoints.open(str(tiny_folder))["state"] == checkpoints.open("toy")["state"] == "open"  # at once
    assert checkpoints[str(tiny_folder)].to_python() == f"ex.load({str(tiny_folder)!r})"


def test_while_one_is_opened_it_is_said_how_far_it_is_and_the_others_are_there():
    go = threading.Event()

    def slow(text, progress):
        progress(500_000, 2_000_000)
        go.wait()
        return replace(TOY, name=text)

    checkpoints = CheckpointRegistry({"toy": TOY}, slow)
    checkpoints.open("a/b")
    while (answer := checkpoints.open("a/b"))["share"] is None:
        time.sleep(0.01)
    assert (answer["state"], answer["share"]) == ("opening", 0.25)
    assert english(answer["message"]) == "Downloading 0 of 2 MB."
    assert list(checkpoints) == ["toy"]
    for i in range(MAX_PENDING - 1):
        assert "Waiting" in english(checkpoints.open(f"c/{i}")["message"])
    assert "already being opened" in english(checkpoints.open("d/e")["message"])
    go.set()
    assert opened(checkpoints, "a/b")["name"] == "a/b"


@pytest.mark.parametrize("text", ["nobody", "", None, 5, "x" * 1000, "/etc"])
def test_what_cannot_be_opened_is_said_and_changes_nothing(text):
    checkpoints = CheckpointRegistry({"toy": TOY}, load)
    answer = opened(checkpoints, text)
    assert answer["state"] == "error"
    expected = "no checkpoint 'nobody'" if text == "nobody" else "xpected" if text != "/etc" else "/etc"
    assert expected in english(answer["message"])
    assert list(checkpoints) == ["toy"]


def test_an_error_that_nobody_foresaw_is_not_told_in_its_own_words():
    checkpoints = CheckpointRegistry({"toy": TOY}, lambda text, progress: 1 / 0)
    assert (
        english(opened(checkpoints, "a/b")["message"]) == "It could not be opened; the reason is in the server’s log."
    )


def test_an_app_for_strangers_opens_no_others(tiny_folder):
    checkpoints = CheckpointRegistry({"toy": TOY})
    assert "must be one of toy" in english(checkpoints.open(str(tiny_folder))["message"])
    assert checkpoints.open("toy")["state"] == "open"


def test_the_first_opened_makes_room_and_what_it_made_is_let_go():
    results = ResultCache()
    checkpoints = CheckpointRegistry({"toy": TOY}, lambda text, progress: replace(TOY, name=text), results.forget)
    wanted = PictureRequest(Seed(1), ex.Settings(2))
    for i in range(MAX_OPENED + 1):
        opened(checkpoints, f"a/{i}")
        trajectory = Trajectory(checkpoints[f"a/{i}"], ex.latent(TOY.shape, [1]), wanted.settings)
        list(trajectory)
        results.put_run(wanted, trajectory)
    assert list(checkpoints) == ["toy", *(f"a/{i}" for i in range(1, MAX_OPENED + 1))]
    assert len(results.runs) == len(results.pictures) == MAX_OPENED
    assert opened(checkpoints, "a/0")["state"] == "open"  # and comes back


def test_a_folder_that_was_trained_further_opens_anew_and_makes_its_own_pictures(tiny_copy):
    checkpoints = CheckpointRegistry({"toy": TOY}, load)
    opened(checkpoints, str(tiny_copy))
    before = checkpoints[str(tiny_copy)]
    edit(tiny_copy / SCHEDULER_CONFIG, num_train_timesteps=77)
    assert opened(checkpoints, str(tiny_copy))["about"]["T"] == 77
    assert checkpoints[str(tiny_copy)].key != before.key


@pytest.fixture
def odd(save_pipeline):
    """Grey pictures of 8x16, T = 7, v-prediction, nothing beside what diffusers saves."""
    options = {"num_train_timesteps": 7, "prediction_type": "v_prediction", "beta_schedule": "squaredcos_cap_v2"}
    return ex.load(save_pipeline("odd", sample_size=(8, 16), channels=1, **options), device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("name", TABS)
def test_every_tab_works_on_a_short_grey_oblong_checkpoint_without_extras(odd, name, few_columns):
    tab = tab_of(name, TOY, odd)
    few = {
        "latents": "1",
        "frames": 8,
        "side": 5,
        "others": 1,
        "moments": 8,
        "walks": 100,
        "points": 200,
        "samples": False,
    }
    last = run(tab, {key: few[key] for key in few if key in tab.options().fields()} | {"checkpoint": "odd"})[-1]
    assert last["state"] == "ended", last.get("message")
    assert last["settings"]["steps"] == 7


def test_the_usual_s_is_no_larger_than_t():
    lengths = {"odd": 7, "toy": 1000}
    assert Query.default(lengths).settings.steps == Query.parse({}, lengths).settings.steps == 7
    assert Query.parse({"checkpoint": "toy"}, lengths).settings.steps == 20
