"""Generation in batches: the same pictures as one at a time, with few network calls, each picture once."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest
import torch
from small import SHAPE, wavy
from torch import Tensor

import explorer as ex
from explorer.runs.latent_spec import Seed, parse
from explorer.runs.results import PictureRequest, ResultCache, generate_pictures

BYTES = 4 * 4 * 4  # of one picture


@pytest.fixture
def calls() -> list[int]:
    """The batch size of each network call."""
    return []


@pytest.fixture
def checkpoint(calls) -> ex.Checkpoint:
    def predict_noise(x_t: Tensor, t: int | Tensor) -> Tensor:
        calls.append(len(x_t))
        return wavy(x_t, t)

    return ex.from_denoiser(predict_noise, SHAPE)


def seeds(count: int, **settings) -> list[PictureRequest]:
    return [PictureRequest(Seed(i), ex.Settings(**({"steps": 3} | settings))) for i in range(count)]


def all_of(progress) -> dict[int, Tensor]:
    ready = {}
    for some in progress:
        assert not ready.keys() & some.ready.keys()
        ready |= some.ready
    return ready


def test_every_picture_equals_that_of_its_run_alone(checkpoint):
    requests = [
        *seeds(3),
        PictureRequest(parse("slerp(4, 5, 0.25)"), ex.Settings(3)),
        *(replace(w, settings=replace(w.settings, noise_seed=7)) for w in seeds(3, eta=1.0)),
        *seeds(1, eta=1.0, variance="large", spacing="quadratic", clip=True),
        *seeds(2, steps=5, eta=0.3),
    ]
    ready = all_of(generate_pictures(checkpoint, requests, ResultCache(), batch=3))
    assert sorted(ready) == list(range(len(requests)))
    for i, request in enumerate(requests):
        assert torch.equal(ready[i], ex.sample(checkpoint, request.latent.latent(checkpoint), request.settings)[0])


def test_consecutive_requests_with_equal_S_are_batched(checkpoint, calls):
    requests = seeds(5, steps=2) + seeds(2, steps=3, eta=1.0) + seeds(1, steps=3)
    *_, last = generate_pictures(checkpoint, requests, ResultCache(), batch=4)
    assert calls == [4, 4, 1, 1, 3, 3, 3]
    assert last.evaluations == last.expected == sum(calls)


def test_progress_is_yielded_after_every_call_and_pictures_come_in_order(checkpoint, calls):
    progress = list(generate_pictures(checkpoint, seeds(5, steps=2), ResultCache(), batch=2))
    assert [list(p.ready) for p in progress] == [[], [], [0, 1], [], [2, 3], [], [4]]
    assert [p.evaluations for p in progress] == [0, 2, 4, 6, 8, 9, 10]
    assert {p.expected for p in progress} == {10}


def test_cached_pictures_come_first_without_network_calls(checkpoint, calls):
    cache = ResultCache()
    first = all_of(generate_pictures(checkpoint, seeds(3, eta=1.0), cache))
    calls.clear()
    (progress,) = generate_pictures(checkpoint, seeds(3, eta=1.0), cache)
    assert calls == []
    assert (progress.evaluations, progress.expected) == (0, 0)
    assert all(torch.equal(progress.ready[i], first[i]) for i in range(3))
    at_once, *later = generate_pictures(checkpoint, seeds(4, eta=1.0), cache)
    assert list(at_once.ready) == [0, 1, 2]
    assert list(all_of(later)) == [3]
    assert calls == [1, 1, 1]


def test_without_noise_the_noise_seed_is_ignored(checkpoint, calls):
    requests = [PictureRequest(Seed(1), ex.Settings(3, noise_seed=s)) for s in (0, 1, 2)]
    ready = all_of(generate_pictures(checkpoint, requests, ResultCache()))
    assert calls == [1, 1, 1]
    assert torch.equal(ready[0], ready[2])
    for noisy in (ex.Settings(3, 1.0), ex.Settings(3, 0.0, "large")):
        a, b = (PictureRequest(Seed(1), replace(noisy, noise_seed=s)) for s in (0, 1))
        ready = all_of(generate_pictures(checkpoint, [a, b], ResultCache()))
        assert not torch.equal(ready[0], ready[1])


def test_the_cache_distinguishes_every_setting(checkpoint):
    base = PictureRequest(Seed(1), ex.Settings(3, 0.5))
    others = [
        replace(base, latent=Seed(2)),
        *(
            replace(base, settings=replace(base.settings, **{name: value}))
            for name, value in (
                ("steps", 4),
                ("eta", 0.6),
                ("variance", "large"),
                ("spacing", "quadratic"),
                ("clip", True),
                ("noise_seed", 1),
            )
        ),
    ]
    assert len({w.key for w in (base, *others)}) == 1 + len(others)


def test_the_cache_distinguishes_checkpoints(checkpoint):
    cache = ResultCache()
    all_of(generate_pictures(checkpoint, seeds(1), cache))
    assert cache.picture(checkpoint, seeds(1)[0]) is not None
    assert cache.picture(replace(checkpoint, name="another"), seeds(1)[0]) is None


def test_leaving_early_keeps_the_finished_pictures(checkpoint, calls):
    cache = ResultCache()
    for progress in generate_pictures(checkpoint, seeds(4, steps=2), cache, batch=2):
        if progress.evaluations == 6:  # in the middle of the second batch
            break
    at_once = next(generate_pictures(checkpoint, seeds(4, steps=2), cache, batch=2))
    assert list(at_once.ready) == [0, 1]


def test_the_least_recently_used_pictures_go_first(checkpoint):
    cache = ResultCache(picture_bytes=3 * BYTES)
    requests = seeds(5)
    for i in range(3):
        cache.put_picture(checkpoint, requests[i], torch.full(SHAPE, float(i)))
    cache.picture(checkpoint, requests[0])
    cache.put_picture(checkpoint, requests[3], torch.full(SHAPE, 3.0))
    kept = [cache.picture(checkpoint, w) for w in requests]
    assert [None if picture is None else float(picture.mean()) for picture in kept] == [0, None, 2, 3, None]
    assert (len(cache.pictures), cache.pictures.size) == (3, 3 * BYTES)


def test_a_picture_cached_twice_counts_once(checkpoint):
    cache = ResultCache()
    for _ in range(3):
        cache.put_picture(checkpoint, seeds(1)[0], torch.zeros(SHAPE))
    assert (len(cache.pictures), cache.pictures.size) == (1, BYTES)


def test_a_cached_picture_does_not_keep_its_batch_in_memory(checkpoint):
    cache = ResultCache()
    all_of(generate_pictures(checkpoint, seeds(4), cache))
    assert cache.picture(checkpoint, seeds(4)[0]).untyped_storage().nbytes() == BYTES


def test_a_picture_larger_than_the_cache_is_generated_but_not_cached(checkpoint):
    cache = ResultCache(picture_bytes=BYTES - 1)
    assert sorted(all_of(generate_pictures(checkpoint, seeds(3), cache))) == [0, 1, 2]
    assert (len(cache.pictures), cache.pictures.size) == (0, 0)


def test_complete_trajectories_are_cached_with_their_pictures(checkpoint):
    cache = ResultCache()
    requests = PictureRequest(Seed(3), ex.Settings(4, 0.5))
    trajectory = ex.Trajectory(checkpoint, requests.latent.latent(checkpoint), requests.settings)
    deque(trajectory, maxlen=0)
    assert cache.run(checkpoint, requests) is None
    cache.put_run(requests, trajectory)
    assert cache.run(checkpoint, requests) is trajectory
    assert torch.equal(cache.picture(checkpoint, requests), trajectory.x_0[0])
    assert cache.run(replace(checkpoint, name="another"), requests) is None
    assert cache.runs.size == trajectory.nbytes == 4 * 2 * BYTES


def test_trajectories_have_a_separate_size_limit(checkpoint):
    cache = ResultCache(run_bytes=20 * BYTES)
    for seed in range(4):
        requests = PictureRequest(Seed(seed), ex.Settings(4))
        trajectory = ex.Trajectory(checkpoint, requests.latent.latent(checkpoint), requests.settings)
        deque(trajectory, maxlen=0)
        cache.put_run(requests, trajectory)
    known = [cache.run(checkpoint, PictureRequest(Seed(seed), ex.Settings(4))) is not None for seed in range(4)]
    assert known == [False, False, True, True]
    assert len(cache.pictures) == 4


def with_previews(checkpoint, requests, cache=None, steps=2):
    return list(generate_pictures(checkpoint, requests, cache or ResultCache(), preview_steps=steps))


def test_previews_come_before_all_pictures_and_change_none_of_them(checkpoint):
    requests = [*seeds(3, steps=8), *seeds(3, steps=9, eta=1.0)]
    progress = with_previews(checkpoint, requests)
    plain = all_of(generate_pictures(checkpoint, requests, ResultCache()))
    ready = all_of(progress)
    assert all(torch.equal(ready[i], plain[i]) for i in range(len(requests)))
    first_picture = next(k for k, p in enumerate(progress) if p.ready)
    previews = {i: preview for p in progress[:first_picture] for i, preview in p.previews.items()}
    assert sorted(previews) == list(range(len(requests)))
    assert not any(p.previews for p in progress[first_picture:])
    for i, request in enumerate(requests):
        coarse = replace(request.settings, steps=2)
        expected = ex.sample(checkpoint, request.latent.latent(checkpoint), coarse)[0]
        assert torch.equal(previews[i].picture, expected)
        assert (previews[i].steps, previews[i].requested_steps) == (2, request.settings.steps)


def test_previews_are_counted_and_cost_as_many_calls_as_their_steps(checkpoint, calls):
    *_, last = with_previews(checkpoint, seeds(3, steps=20))
    assert last.evaluations == last.expected == sum(calls) == 3 * (2 + 20)


def test_a_picture_with_few_steps_has_no_preview(checkpoint, calls):
    assert not any(p.previews for p in with_previews(checkpoint, seeds(3, steps=7)))
    assert sum(calls) == 3 * 7


def test_a_requested_picture_is_the_preview_of_those_with_more_steps(checkpoint, calls):
    requests = [*seeds(2, steps=20), *seeds(2, steps=5)]
    progress = with_previews(checkpoint, requests, steps=5)
    assert sum(calls) == 2 * (5 + 20)  # the pictures with S = 5 are made once
    both = next(p for p in progress if p.previews)
    assert sorted(both.ready) == [2, 3]
    assert all(torch.equal(both.previews[i].picture, both.ready[i + 2]) for i in (0, 1))


def test_a_preview_is_cached_as_the_picture_with_its_own_S_alone(checkpoint, calls):
    cache = ResultCache()
    stopped = generate_pictures(checkpoint, seeds(1, steps=8), cache, preview_steps=2)
    assert next(p for p in stopped if p.previews)
    assert cache.picture(checkpoint, seeds(1, steps=8)[0]) is None
    assert cache.picture(checkpoint, seeds(1, steps=2)[0]) is not None
    calls.clear()
    at_once, *_, last = with_previews(checkpoint, seeds(1, steps=8), cache)
    assert list(at_once.previews) == [0]  # the preview of the stopped run, without a call
    assert last.evaluations == sum(calls) == 8
