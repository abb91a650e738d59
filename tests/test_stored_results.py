"""Pictures, runs and encoded latents on disk: bit for bit what was computed, and only where everything matches."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from files import read_only_disk
from torch import Tensor

import explorer as ex
from explorer.latents import NoiseMix
from explorer.networks.noise_predictor import DelegatingPredictor
from explorer.runs import encoded_latent, stored_results
from explorer.runs.encoded_latent import EncodedLatent, store_encoded_in
from explorer.runs.latent_spec import Mix, Seed, parse
from explorer.runs.results import PictureRequest, ResultCache, generate_pictures
from explorer.runs.stored_kinds import json_kind, pack_run, run_kind, unpack_run
from explorer.runs.stored_results import Content, Kind, StoredResults
from explorer.storage.result_store import ResultStore
from explorer.trajectory import Trajectory, record

SETTINGS = ex.Settings(5, eta=0.5, noise_seed=3, clip=True)
REQUEST = PictureRequest(Seed(7), SETTINGS)


@dataclass(frozen=True)
class Unreachable(DelegatingPredictor):
    """A predictor that must not be called, with the engine of the other one."""

    name: str = ""

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        raise AssertionError("the network was called")

    @property
    def engine(self) -> str:
        return self.name or self.predictor.engine

    @property
    def float32(self) -> Unreachable:
        return self


def offline(checkpoint: ex.Checkpoint, engine: str = "") -> ex.Checkpoint:
    """The same checkpoint, whose network must not be called."""
    return replace(checkpoint, predict_noise=Unreachable(checkpoint.predict_noise, engine))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results"


def stored_in(folder: Path, prepares: bool = False, program: str = "0" * 8, nbytes: int = 10**8) -> StoredResults:
    """The results in a folder, as a process that has just started has them."""
    return StoredResults(ResultStore(program, nbytes, folder), prepares)


def run_of(checkpoint: ex.Checkpoint, settings: ex.Settings = SETTINGS, **limits: int) -> Trajectory:
    trajectory = Trajectory(checkpoint, ex.latent(checkpoint.shape, [7]), settings, **limits)
    for _ in record(trajectory):
        pass
    return trajectory


def put(folder: Path, checkpoint: ex.Checkpoint, request: PictureRequest = REQUEST, **options: bool) -> Trajectory:
    """Store a run, as another process does."""
    stored = stored_in(folder, **options)
    run = run_of(checkpoint, request.settings)
    ResultCache(stored=stored).put_run(request, run)
    stored.flush(30)
    return run


@pytest.mark.parametrize("settings", [SETTINGS, ex.Settings(7), ex.Settings(6, variance="large", spacing="quadratic")])
def test_a_run_is_the_same_bit_for_bit_after_a_restart(tiny, folder, settings):
    request = PictureRequest(Seed(7), settings)
    run = put(folder, tiny, request)
    again = ResultCache(stored=stored_in(folder)).run(offline(tiny), request)
    assert again is not None
    assert again.complete
    assert again.numbers == run.numbers
    assert again.x_0.equal(run.x_0)
    for index in range(settings.steps):
        before, after = run.step(index), again.step(index)
        for name in ("x_t", "eps_theta", "eps", "x0", "x_prev"):
            assert getattr(after, name).equal(getattr(before, name)), name


def test_of_a_complete_run_only_half_of_the_tensors_are_stored(tiny):
    run = run_of(tiny)
    assert sum(array.nbytes for array in pack_run(run).arrays.values()) < 0.8 * run.nbytes
    assert "x_t" not in pack_run(run).arrays


def test_a_run_of_which_some_steps_were_kept_is_stored_with_these(tiny):
    run = run_of(tiny, max_frames=3)
    again = unpack_run(pack_run(run), offline(tiny), SETTINGS)
    assert again.kept == run.kept == [0, 2, 4]
    assert again.done
    assert not again.complete
    assert again.numbers == run.numbers
    for index in run.kept:
        assert again.step(index).x_prev.equal(run.step(index).x_prev)


def test_pictures_are_the_same_bit_for_bit_after_a_restart(tiny, folder):
    requests = [
        PictureRequest(Seed(1), ex.Settings(4)),
        PictureRequest(parse("slerp(1, 2, 0.25)"), ex.Settings(4, eta=1.0, noise_seed=5)),
        PictureRequest(Seed(1), ex.Settings(4, eta=1.0), NoiseMix(3, 4, 0.5)),
        PictureRequest(Seed(1), ex.Settings(4), wrong_labels=True),
    ]
    stored = stored_in(folder)
    *_, last = generate_pictures(tiny, requests, ResultCache(stored=stored))
    stored.flush(30)
    (progress,) = generate_pictures(offline(tiny), requests, ResultCache(stored=stored_in(folder)))
    assert progress.ready.keys() == {0, 1, 2, 3}
    for index, picture in last.ready.items():
        assert progress.ready[index].equal(picture)
    assert len({picture.numpy().tobytes() for picture in progress.ready.values()}) == 4


def test_a_result_says_how_it_was_computed(tiny, folder):
    put(folder, tiny, prepares=True)
    cache = ResultCache(stored=stored_in(folder))
    assert cache.run(tiny, REQUEST) is not None
    origin = cache.origin(tiny, REQUEST)
    assert origin is not None
    assert (origin.engine, origin.is_prepared) == ("torch float32", True)
    assert origin.made > 1.7e9
    cache.put_run(REQUEST, run_of(tiny))  # computed by this process
    assert cache.origin(tiny, REQUEST) is None


def test_what_prepare_finds_of_normal_use_is_prepared_from_then_on(tiny, folder):
    put(folder, tiny)
    cache = ResultCache(stored=stored_in(folder))
    cache.run(tiny, REQUEST)
    assert cache.origin(tiny, REQUEST).is_prepared is False
    for prepares in (True, False):
        cache = ResultCache(stored=stored_in(folder, prepares))
        assert cache.run(offline(tiny), REQUEST) is not None
        assert cache.origin(tiny, REQUEST).is_prepared is True


def test_a_copy_of_the_checkpoint_has_the_same_results(tiny, folder, tiny_copy):
    run = put(folder, tiny)
    copy = replace(ex.load(tiny_copy, device="cpu"), name="another name")
    assert ResultCache(stored=stored_in(folder)).run(offline(copy), REQUEST).x_0.equal(run.x_0)


def change_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({name: 1.001 * tensor for name, tensor in load_file(path).items()}, path)


def change_schedule(folder: Path) -> None:
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(path.read_text().replace("0.02", "0.021"))


def change_held_out_pictures(folder: Path) -> None:
    np.savez(folder / "examples.npz", images=np.zeros((1, 8, 8, 3), np.uint8))


@pytest.mark.parametrize("change", [change_weights, change_schedule, change_held_out_pictures])
def test_another_checkpoint_has_no_results(tiny, folder, tiny_copy, change):
    put(folder, tiny)
    assert ResultCache(stored=stored_in(folder)).run(ex.load(tiny_copy, device="cpu"), REQUEST) is not None
    change(tiny_copy)
    changed = ex.load(tiny_copy, device="cpu")
    assert ResultCache(stored=stored_in(folder)).run(changed, REQUEST) is None
    assert ResultCache(stored=stored_in(folder)).picture(changed, REQUEST) is None


def test_files_that_change_after_they_were_loaded_store_nothing(tiny_copy, folder):
    checkpoint = ex.load(tiny_copy, device="cpu")
    change_weights(tiny_copy)
    put(folder, checkpoint)
    assert not folder.exists()


def test_another_engine_and_another_program_have_no_results(tiny, folder, monkeypatch):
    put(folder, tiny)
    assert ResultCache(stored=stored_in(folder)).run(offline(tiny, "another engine"), REQUEST) is None
    assert ResultCache(stored=stored_in(folder, program="1" * 8)).run(tiny, REQUEST) is None
    monkeypatch.setattr(stored_results, "program_version", lambda: "a newer program whose first digits are the same")
    assert ResultCache(stored=stored_in(folder)).run(tiny, REQUEST) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, latent=Seed(8)),
        replace(REQUEST, settings=replace(SETTINGS, steps=6)),
        replace(REQUEST, settings=replace(SETTINGS, eta=0.5000000000000001)),
        replace(REQUEST, settings=replace(SETTINGS, noise_seed=4)),
        replace(REQUEST, settings=replace(SETTINGS, clip=False)),
        replace(REQUEST, settings=replace(SETTINGS, spacing="quadratic")),
        replace(REQUEST, settings=replace(SETTINGS, variance="large")),
        replace(REQUEST, noise=NoiseMix(1, 2, 0.5)),
        replace(REQUEST, wrong_labels=True),
    ],
)
def test_another_request_has_another_result(tiny, folder, other):
    put(folder, tiny)
    cache = ResultCache(stored=stored_in(folder))
    assert cache.picture(tiny, other) is None
    assert cache.run(tiny, other) is None
    assert cache.picture(tiny, REQUEST) is not None


@pytest.mark.slow
def test_what_the_keys_of_prepared_results_depend_on_is_found_out_ahead(tiny, tiny_folder, folder):
    fast = ex.load(tiny_folder, device="cpu", engine="auto")
    assert stored_in(folder).warm_up([fast]) is None
    put(folder, tiny)
    assert stored_in(folder).warm_up([fast]) is None  # nothing is prepared
    put(folder, tiny, prepares=True)
    thread = stored_in(folder).warm_up([fast])
    assert thread is not None
    thread.join(60)
    assert fast.engine
    assert fast.float32.engine


def test_a_function_without_files_stores_nothing(gaussian, tiny, folder):
    put(folder, gaussian())
    put(folder, replace(tiny, predict_noise=ex.from_denoiser(lambda x, t: x, tiny.shape).predict_noise))
    assert not folder.exists()


def test_nothing_of_an_uploaded_picture_is_written_to_the_disk(tiny, folder, uploaded):
    _, name = uploaded
    encoded = EncodedLatent(name, 3)
    for latent in (encoded, Mix("slerp", Seed(1), Mix("lerp", encoded, Seed(2), 0.5), 0.5)):
        put(folder, tiny, PictureRequest(latent, SETTINGS))
    store_encoded_in(stored := stored_in(folder))
    encoded.latent(tiny)
    stored.flush(30)
    assert not folder.exists()


@pytest.fixture
def with_pictures(tiny_copy: Path) -> ex.Checkpoint:
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    np.savez(tiny_copy / "examples.npz", images=images)
    return ex.load(tiny_copy, device="cpu")


@pytest.fixture(autouse=True)
def nothing_encoded() -> Iterator[None]:
    """No latent is encoded yet, and afterwards they are kept in memory alone."""
    encoded_latent.ENCODED_LATENTS.clear()
    yield
    encoded_latent.ENCODED_LATENTS.clear()
    store_encoded_in(None)


def test_an_encoded_latent_is_the_same_bit_for_bit_after_a_restart(with_pictures, folder):
    store_encoded_in(stored := stored_in(folder))
    x_T = EncodedLatent(2, 4, ahead=True).latent(with_pictures)
    stored.flush(30)
    encoded_latent.ENCODED_LATENTS.clear()
    store_encoded_in(stored_in(folder))
    assert EncodedLatent(2, 4, ahead=True).latent(offline(with_pictures)).equal(x_T)
    for other in (EncodedLatent(1, 4, ahead=True), EncodedLatent(2, 4)):
        with pytest.raises(AssertionError, match="the network was called"):
            other.latent(offline(with_pictures))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c.arrays.pop("numbers"),
        lambda c: c.arrays.update(kept=np.array([0, 1, 2, 3, 9])),
        lambda c: c.arrays.update(kept=np.array([0, 1, 2, 2, 3, 4])),
        lambda c: c.arrays.update(kept=np.array([], dtype=np.int64)),
        lambda c: c.arrays.update(x_T=c.arrays["x_T"].astype(np.float64)),
        lambda c: c.arrays.update(eps_theta=c.arrays["eps_theta"][:, :, :, 1:]),
        lambda c: c.arrays.update(eps_theta=c.arrays["eps_theta"] + 1),  # leads to another picture
        lambda c: c.arrays.update(x_0=c.arrays["x_0"] * np.nan),
    ],
)
def test_a_whole_file_with_an_impossible_content_is_computed_again_and_replaced(tiny, folder, spoil, caplog):
    content = pack_run(run_of(tiny))
    spoil(content)
    stored = stored_in(folder)
    key = REQUEST.stored_key
    kind = Kind("run", lambda run: content, lambda content: run_of(tiny))
    stored.put(kind, tiny, run_of(tiny), 1, *key)
    stored.flush(30)
    assert len(list(folder.iterdir())) == 1
    assert stored_in(folder).get(run_kind(tiny, SETTINGS), tiny, *key) is None
    assert "computed again" in caplog.text
    assert not list(folder.iterdir())
    put(folder, tiny)
    assert stored_in(folder).get(run_kind(tiny, SETTINGS), tiny, *key) is not None


@pytest.mark.parametrize(
    ("entry", "value"),
    [("made", "now"), ("made", -1), ("made", True), ("engine", 3), ("engine", "x" * 300), ("facts", 3)],
)
def test_a_whole_file_with_an_impossible_header_is_computed_again(tiny, folder, entry, value, monkeypatch):
    stored = stored_in(folder)
    write = stored.store.write
    monkeypatch.setattr(
        stored.store,
        "write",
        lambda key, file, prepared: write(key, replace(file, header={**file.header, entry: value})),
    )
    kind = json_kind("numbers")
    stored.put(kind, None, [1, 2], 1, "a")
    stored.flush(30)
    assert stored_in(folder).get(kind, None, "a") is None
    monkeypatch.undo()
    stored.put(kind, None, [1, 2], 1, "a")
    stored.flush(30)
    assert stored_in(folder).get(kind, None, "a").value == [1, 2]


def test_a_disk_that_refuses_to_write_costs_a_run_nothing(tiny, folder):
    stored = stored_in(folder)
    cache = ResultCache(stored=stored)
    with read_only_disk():
        cache.put_run(REQUEST, run_of(tiny))
        stored.flush(30)
    assert cache.run(tiny, REQUEST) is not None
    assert isinstance(stored.error, OSError)
    assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_made_costs_a_run_nothing(tiny, folder):
    folder.write_text("a file where the folder should be")
    put(folder, tiny)
    assert ResultCache(stored=stored_in(folder)).run(tiny, REQUEST) is None
    assert stored_in(folder).store.clear() == []


def test_without_a_size_nothing_is_stored(tiny, folder):
    stored = stored_in(folder, nbytes=0)
    ResultCache(stored=stored).put_run(REQUEST, run_of(tiny))
    stored.flush(30)
    assert not folder.exists()


def test_arrays_that_were_read_are_checked_for_dtype_and_shape():
    content = Content({"x": np.zeros((2, 3), np.float32), "y": np.zeros(2)})
    assert content.tensor("x", 2, 3).equal(torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"float32 of shape \(2, 3\), not float32 of shape \(3, 2\)"):
        content.tensor("x", 3, 2)
    with pytest.raises(ValueError, match="float64"):
        content.tensor("y", 2)
    with pytest.raises(KeyError):
        content.tensor("z", 2)


def test_a_checkpoint_copied_elsewhere_has_the_same_content_key(tiny_folder, tmp_path):
    from explorer.storage.diffusers_folder import content_key, version_of

    copy = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    assert content_key(copy, version_of(copy)) == content_key(tiny_folder, version_of(tiny_folder)) != ""
    assert content_key(copy, "another version") == ""
    assert content_key(tmp_path / "nothing", "") == ""
