"""Files kept between runs of the program: whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from files import full_disk

from explorer.storage import disk_cache


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv(disk_cache.ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_written_content_is_read_back(cache_folder):
    assert disk_cache.read("a") is None
    assert not disk_cache.has("a")
    assert disk_cache.write("a", b"network")
    assert disk_cache.read("a") == b"network"
    assert disk_cache.has("a")
    assert [path.name for path in cache_folder.iterdir()] == ["a"]  # no temporary file


def test_a_key_depends_on_all_parts_and_their_boundaries():
    keys = [
        disk_cache.key_of("ab", b"c"),
        disk_cache.key_of("a", b"bc"),
        disk_cache.key_of("abc"),
        disk_cache.key_of("ab", b"c", b""),
    ]
    assert len(set(keys)) == 4
    assert disk_cache.key_of("ab", b"c") == keys[0]


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:3], lambda b: b"", lambda b: b[:40] + b"!" + b[41:]])
def test_a_damaged_file_counts_as_missing(cache_folder, damage):
    disk_cache.write("a", b"network" * 9)
    (cache_folder / "a").write_bytes(damage((cache_folder / "a").read_bytes()))
    assert disk_cache.read("a") is None
    assert disk_cache.write("a", b"network")
    assert disk_cache.read("a") == b"network"


def test_a_folder_that_cannot_be_created_or_written_raises_nothing(cache_folder, monkeypatch):
    cache_folder.write_text("a file where the folder should be")
    assert not disk_cache.write("a", b"network")
    assert disk_cache.read("a") is None
    assert not disk_cache.has("a")
    cache_folder.unlink()
    monkeypatch.setattr(os, "replace", refuse)
    assert not disk_cache.write("a", b"network")
    assert list(cache_folder.iterdir()) == []


def test_a_full_disk_leaves_no_partial_file(cache_folder):
    with full_disk():
        assert not disk_cache.write("a", bytes(100_000))
    assert list(cache_folder.iterdir()) == []
    assert disk_cache.write("a", bytes(100_000))


def refuse(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_the_least_recently_used_files_are_deleted(cache_folder, monkeypatch):
    monkeypatch.setattr(disk_cache, "MAX_BYTES", 250)
    for age, name in enumerate("cba"):
        disk_cache.write(name, bytes(50))  # 82 with its digest
        os.utime(cache_folder / name, (1e9 - age, 1e9 - age))
    disk_cache.read("a")  # the oldest, but now it was used
    disk_cache.write("d", bytes(50))
    assert sorted(path.name for path in cache_folder.iterdir()) == ["a", "c", "d"]
