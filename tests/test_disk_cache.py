"""Files kept between runs of the program: whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from files import full_disk

from explorer.storage import disk_cache


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv(disk_cache.ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_written_is_read_back(place):
    assert disk_cache.read("a") is None
    assert not disk_cache.has("a")
    assert disk_cache.write("a", b"network")
    assert disk_cache.read("a") == b"network"
    assert disk_cache.has("a")
    assert [path.name for path in place.iterdir()] == ["a"]  # and no half of a file


def test_a_key_is_of_all_parts_and_of_where_they_end():
    keys = [
        disk_cache.key_of("ab", b"c"),
        disk_cache.key_of("a", b"bc"),
        disk_cache.key_of("abc"),
        disk_cache.key_of("ab", b"c", b""),
    ]
    assert len(set(keys)) == 4
    assert disk_cache.key_of("ab", b"c") == keys[0]


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:3], lambda b: b"", lambda b: b[:40] + b"!" + b[41:]])
def test_a_damaged_file_is_as_good_as_absent(place, damage):
    disk_cache.write("a", b"network" * 9)
    (place / "a").write_bytes(damage((place / "a").read_bytes()))
    assert disk_cache.read("a") is None
    assert disk_cache.write("a", b"network")
    assert disk_cache.read("a") == b"network"


def test_a_folder_that_cannot_be_made_or_written_is_survived(place, monkeypatch):
    place.write_text("a file where the folder should be")
    assert not disk_cache.write("a", b"network")
    assert disk_cache.read("a") is None
    assert not disk_cache.has("a")
    place.unlink()
    monkeypatch.setattr(os, "replace", refuse)
    assert not disk_cache.write("a", b"network")
    assert list(place.iterdir()) == []


def test_a_disk_that_is_full_in_the_middle_of_a_file_keeps_no_half_of_it(place):
    with full_disk():
        assert not disk_cache.write("a", bytes(100_000))
    assert list(place.iterdir()) == []
    assert disk_cache.write("a", bytes(100_000))


def refuse(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_the_files_that_were_not_used_for_longest_go(place, monkeypatch):
    monkeypatch.setattr(disk_cache, "MAX_BYTES", 250)
    for age, name in enumerate("cba"):
        disk_cache.write(name, bytes(50))  # 82 with its digest
        os.utime(place / name, (1e9 - age, 1e9 - age))
    disk_cache.read("a")  # the oldest, but now it was used
    disk_cache.write("d", bytes(50))
    assert sorted(path.name for path in place.iterdir()) == ["a", "c", "d"]
