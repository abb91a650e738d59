"""The record of a run: kept steps, measurements, and saved files."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import explorer as ex
from explorer.trajectory import evenly_spaced

SHAPE = (1, 4, 4)
NOISY = ex.Settings(steps=12, eta=0.7, clip=True, noise_seed=3)


@pytest.fixture
def checkpoint(gaussian) -> ex.Checkpoint:
    return gaussian(mu=0.6, s=0.8)


def assert_same_step(a: ex.Step, b: ex.Step) -> None:
    """Check that two steps are equal bit for bit."""
    assert a.coefficients == b.coefficients
    assert (a.z is None) == (b.z is None)
    for name in ("x_t", "eps_theta", "eps", "x0", "z", "x_prev", "clipped"):
        if getattr(a, name) is not None:
            assert torch.equal(getattr(a, name), getattr(b, name)), name
    for name in ("x0", "direction", "noise"):
        assert torch.equal(getattr(a.terms, name), getattr(b.terms, name)), name


@pytest.mark.parametrize("variance", ["eta", "large"])
@pytest.mark.parametrize("eta", [0.0, 0.7])
@pytest.mark.parametrize("clip", [False, True])
def test_a_kept_step_is_recomputed_bit_for_bit(checkpoint, variance, eta, clip):
    run = ex.Settings(12, eta, variance, "quadratic", clip, noise_seed=(8, 3))
    trajectory = ex.Trajectory(checkpoint, ex.latent(SHAPE, [0, 1]), run)
    steps = list(trajectory)
    for index, step in enumerate(steps):
        assert_same_step(trajectory.step(index), step)
    assert torch.equal(trajectory.x_0, steps[-1].x_prev)
    assert not clip or sum(numbers.clipped for numbers in trajectory.numbers) > 0


def test_a_trajectory_records_the_steps_of_denoise(checkpoint):
    x_T = ex.latent(SHAPE, [0])
    trajectory = ex.Trajectory(checkpoint, x_T, NOISY)
    assert [(c.t, c.t_prev) for c in trajectory.plan] == ex.jumps(ex.timesteps(1000, 12))
    for mine, plain in zip(trajectory, ex.denoise(checkpoint, x_T, NOISY), strict=True):
        assert_same_step(mine, plain)
    assert trajectory.done
    assert torch.equal(trajectory.x_0, ex.sample(checkpoint, x_T, NOISY))


def test_a_long_run_keeps_250_frames_with_both_ends_and_the_numbers_of_every_step(checkpoint):
    trajectory = ex.Trajectory(checkpoint, ex.latent(SHAPE, [0]), ex.Settings(1000))
    steps = list(trajectory)
    assert len(trajectory.kept) == 250
    assert (trajectory.kept[0], trajectory.kept[-1]) == (0, 999)
    assert {b - a for a, b in zip(trajectory.kept, trajectory.kept[1:], strict=False)} <= {4, 5}
    assert len(trajectory.numbers) == len(trajectory) == 1000
    assert trajectory.nbytes == 250 * 2 * 16 * 4
    assert_same_step(trajectory.step(999), steps[999])
    with pytest.raises(KeyError):
        trajectory.step(1)


@pytest.mark.parametrize("frames", [2, 3, 5, 20])
def test_the_stored_tensors_stay_within_the_byte_budget(checkpoint, frames):
    budget = frames * 2 * 3 * 16 * 4 + 100  # x_t and eps_theta of 3 rows of 16 float32, and not quite one more
    trajectory = ex.Trajectory(checkpoint, ex.latent(SHAPE, [0, 1, 2]), ex.Settings(40), max_bytes=budget)
    for _ in trajectory:
        assert trajectory.nbytes <= budget
    assert len(trajectory.kept) == frames
    assert (trajectory.kept[0], trajectory.kept[-1]) == (0, 39)
    assert trajectory.nbytes == frames * 2 * 3 * 16 * 4


def test_a_trajectory_does_not_keep_rows_of_runs_in_the_same_batch(checkpoint):
    together = ex.latent(SHAPE, range(8))

    def shared(x_t, t):
        return checkpoint.predict_noise(torch.cat([x_t, together[1:]]), t)[:1]

    trajectory = ex.Trajectory(dataclasses.replace(checkpoint, predict_noise=shared), together[:1], ex.Settings(5))
    list(trajectory)
    kept = [
        tensor for index in trajectory.kept for tensor in (trajectory.step(index).x_t, trajectory.step(index).eps_theta)
    ]
    assert sum(tensor.untyped_storage().nbytes() for tensor in kept) == trajectory.nbytes == 5 * 2 * 16 * 4


def test_the_last_step_is_kept_whatever_its_size(checkpoint):
    trajectory = ex.Trajectory(checkpoint, ex.latent(SHAPE, [0]), ex.Settings(10), max_bytes=1)
    *_, last = trajectory
    assert trajectory.kept == [9]
    assert_same_step(trajectory.step(9), last)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 999, 1000])
@pytest.mark.parametrize("most", [0, 1, 2, 3, 7, 250])
def test_evenly_spaced_indices_ascend_and_include_both_ends(count, most):
    indices = evenly_spaced(count, most)
    assert len(indices) == min(count, max(most, 1))
    assert sorted(set(indices)) == indices
    assert indices[-1] == count - 1
    assert indices[0] == 0 or most <= 1


def test_the_numbers_are_root_mean_squares_of_the_tensors_of_the_step(checkpoint):
    trajectory = ex.Trajectory(checkpoint, ex.latent(SHAPE, [0, 1]), NOISY)
    for step, numbers in zip(list(trajectory), trajectory.numbers, strict=True):
        z = step.z if step.z is not None else torch.zeros(1)
        shown = {
            "x_t": step.x_t,
            "x0": step.x0,
            "eps": step.eps,
            "z": z,
            "x_prev": step.x_prev,
            "term_x0": step.terms.x0,
            "term_direction": step.terms.direction,
            "term_noise": step.terms.noise,
        }
        for name, tensor in shown.items():
            expected = np.sqrt(np.mean(tensor.double().numpy() ** 2))
            assert getattr(numbers, name) == pytest.approx(expected, rel=1e-5, abs=1e-12), name
        assert numbers.clipped == int(step.clipped.sum())


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_both_forms_of_equation_12_leave_a_residual_of_rounding_only(checkpoint, eta, clip):
    trajectory = ex.Trajectory(checkpoint, ex.latent(SHAPE, [0, 1]), ex.Settings(100, eta, clip=clip))
    for _ in trajectory:
        pass
    assert max(numbers.sum_residual for numbers in trajectory.numbers) < 1e-6
    assert max(numbers.mk_residual for numbers in trajectory.numbers) < 5e-6


def test_a_wrong_step_shows_in_the_residuals(checkpoint):
    step = next(ex.denoise(checkpoint, ex.latent(SHAPE, [0]), NOISY))
    wrong = ex.Numbers.of(dataclasses.replace(step, x_prev=step.x_prev + 0.01))
    assert wrong.sum_residual == pytest.approx(0.01, rel=1e-3)
    assert wrong.mk_residual == pytest.approx(0.01, rel=1e-3)


def test_leaving_early_keeps_the_recorded_steps(checkpoint):
    x_T = ex.latent(SHAPE, [0])
    trajectory = ex.Trajectory(checkpoint, x_T, NOISY)
    assert torch.equal(trajectory.x_0, x_T)
    done = []
    for step in trajectory:
        done.append(step)
        if len(done) == 4:
            break
    assert len(trajectory) == 4
    assert not trajectory.done
    assert torch.equal(trajectory.x_0, done[-1].x_prev)
    for index in range(4):
        assert_same_step(trajectory.step(index), done[index])
    with pytest.raises(KeyError):
        trajectory.step(4)


def test_distances_fall_to_zero_at_the_result(checkpoint):
    trajectory = ex.Trajectory(checkpoint, ex.latent(SHAPE, [0]), ex.Settings(20))
    steps = list(trajectory)
    distances = trajectory.distances()
    assert list(distances) == list(range(20))
    assert distances[19] == 0
    expected = (steps[0].x0 - steps[-1].x_prev).square().mean().sqrt().item()
    assert distances[0] == pytest.approx(expected, rel=1e-6)
    assert distances[0] > distances[10] > 0


@pytest.mark.parametrize("noise_seed", [3, (2**64 - 1, 5)])
@pytest.mark.parametrize("stop", [5, 12])
def test_a_saved_trajectory_is_loaded_unchanged(checkpoint, tmp_path, noise_seed, stop):
    run = dataclasses.replace(NOISY, noise_seed=noise_seed)
    trajectory = ex.Trajectory(checkpoint, ex.latent(SHAPE, [0, 1]), run, max_frames=6)
    for _ in zip(range(stop), trajectory, strict=False):
        pass
    trajectory.save(tmp_path / "run.npz")
    loaded = ex.Trajectory.load(tmp_path / "run.npz", checkpoint)
    assert loaded.settings == run
    assert loaded.plan == trajectory.plan
    assert loaded.numbers == trajectory.numbers
    assert [type(value) for value in dataclasses.astuple(loaded.numbers[0])] == [float] * 10 + [int]
    assert torch.equal(loaded.x_0, trajectory.x_0)
    assert loaded.kept == [index for index in trajectory.kept if index < stop]
    assert loaded.done == trajectory.done == (stop == 12)
    for index in loaded.kept:
        assert_same_step(loaded.step(index), trajectory.step(index))
    assert loaded.distances() == trajectory.distances()


def saved(checkpoint, path) -> bytes:
    trajectory = ex.Trajectory(checkpoint, ex.latent(SHAPE, [0]), ex.Settings(3))
    for _ in trajectory:
        pass
    trajectory.save(path)
    return path.read_bytes()


@pytest.mark.parametrize("junk", [b"", b"not a run", b"PK\x03\x04 nor this", b"\x93NUMPY\x01\x00"])
def test_a_file_of_garbage_is_not_a_trajectory(checkpoint, tmp_path, junk):
    path = tmp_path / "junk.npz"
    path.write_bytes(junk)
    with pytest.raises(ValueError, match=r"junk.npz is not a saved trajectory"):
        ex.Trajectory.load(path, checkpoint)


def test_a_truncated_or_damaged_file_is_not_a_trajectory(checkpoint, tmp_path):
    path = tmp_path / "run.npz"
    whole = saved(checkpoint, path)
    ex.Trajectory.load(path, checkpoint)
    middle = whole.index(b"x_t.npy") + 60
    for damaged in (whole[:-100], whole[: len(whole) // 2], whole[:middle] + bytes(40) + whole[middle + 40 :]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"run.npz is not a saved trajectory"):
            ex.Trajectory.load(path, checkpoint)


def test_another_npz_a_single_array_and_a_missing_file_are_not_trajectories(checkpoint, tmp_path):
    np.savez(tmp_path / "other.npz", images=np.zeros(3))
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    for name in ("other.npz", "array.npz", "missing.npz"):
        with pytest.raises(ValueError, match=f"{name} is not a saved trajectory"):
            ex.Trajectory.load(tmp_path / name, checkpoint)


def test_a_trajectory_of_pictures_of_another_shape_is_refused(checkpoint, gaussian, tmp_path):
    saved(checkpoint, tmp_path / "run.npz")
    with pytest.raises(ValueError, match=r"must be \(B, 1, 8, 8\)"):
        ex.Trajectory.load(tmp_path / "run.npz", gaussian(shape=(1, 8, 8)))


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (1, 4, 4)])
def test_a_trajectory_checks_its_arguments_before_the_first_step(checkpoint, shape):
    with pytest.raises(ValueError, match="x_T must be"):
        ex.Trajectory(checkpoint, torch.zeros(shape), NOISY)
