"""The store of results on disk: files that are read with suspicion, a budget, and several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from files import full_disk, read_only_disk

from explorer.storage import limits
from explorer.storage.disk_cache import DIGEST, key_of
from explorer.storage.result_file import ResultFile, read_header
from explorer.storage.result_store import ResultStore
from explorer.storage.write_queue import WriteQueue

PROGRAM = "0123456789abcdef"
KILOBYTE = 1000
EMPTY = len(ResultFile({"kind": "x", "key": "0" * 40}, {"x": np.zeros(0, np.float32)}).to_bytes())


def key(number: int) -> str:
    return key_of(str(number))


def filler(nbytes: int = 10 * KILOBYTE) -> ResultFile:
    """A result whose file has about this size."""
    return ResultFile({"kind": "filler"}, {"x": np.zeros((nbytes - EMPTY) // 4, np.float32)})


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(PROGRAM, 100 * KILOBYTE, tmp_path / "results")


def numbers_in(store: ResultStore, count: int = 100) -> list[int]:
    """Which of the results with the keys of 0, 1, … are in the store. Their times of use stay as they are."""
    names = {entry.path.name.split("-")[2] for entry in store.entries()}
    return [number for number in range(count) if f"{key(number)}.result" in names]


def size_of(store: ResultStore) -> int:
    return sum(entry.nbytes for entry in store.entries())


# ---- files ----


def test_arrays_and_header_are_read_back_bit_for_bit():
    arrays = {
        "a": np.random.default_rng(0).standard_normal((2, 1, 3, 4, 4), dtype=np.float32),
        "b": np.array([np.pi, -0.0]),
        "c": np.array([1, 2**40]),
    }
    read = ResultFile.from_bytes(ResultFile({"kind": "run", "facts": {"mse": 0.1}}, arrays).to_bytes())
    assert read.header == {"kind": "run", "facts": {"mse": 0.1}}
    assert read.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read.arrays[name].dtype == array.dtype
        assert read.arrays[name].tobytes() == array.tobytes()
    assert ResultFile.from_bytes(ResultFile({"kind": "numbers"}).to_bytes()).arrays == {}


def forged(header: object, body: bytes = b"", metadata: object = None) -> bytes:
    """A file with a right checksum and any header."""
    entries = json.dumps(
        {"__metadata__": {"header": "{}"} if metadata is None else metadata} | header
        if isinstance(header, dict)
        else header
    ).encode()
    content = len(entries).to_bytes(8, "little") + entries + body
    return DIGEST(content).digest() + content


def array(dtype: str = "F32", shape: object = (1,), offsets: tuple[int, int] = (0, 4)) -> dict[str, object]:
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


WHOLE = forged(array(), bytes(4))


def test_the_forged_file_without_an_error_is_read():
    assert ResultFile.from_bytes(WHOLE).arrays["x"].tolist() == [0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        WHOLE[:20],
        WHOLE[:-1],
        WHOLE + b"!",
        WHOLE[:-1] + b"!",
        b"!" + WHOLE[1:],
        forged([]),
        forged(array(), bytes(4), metadata=[]),
        forged(array(), bytes(4), metadata={}),
        forged(array(), bytes(4), metadata={"header": "[]"}),
        forged(array(), bytes(4), metadata={"header": "{"}),
        forged(array(), bytes(4), metadata={"header": '{"a": NaN}'}),
        forged(array("F16", (2,)), bytes(4)),
        forged(array("object"), bytes(4)),
        forged(array(shape=[1] * 6), bytes(4)),
        forged(array(shape="1"), bytes(4)),
        forged(array(shape=[-1]), bytes(4)),
        forged(array(shape=[1 << 40], offsets=(0, 4 << 40)), bytes(4)),
        forged(array(offsets=(0, 8)), bytes(4)),
        forged({f"x{i}": {} for i in range(limits.MAX_RESULT_ARRAYS + 1)}),
        forged({"x": "[" * 100_000}),
        forged({"x": " " * limits.MAX_RESULT_HEADER_BYTES}),
    ],
)
def test_a_file_that_is_not_as_written_is_refused_without_filling_the_memory(data, little_memory):
    with pytest.raises(ValueError, match=r"."):  # which says what is wrong
        ResultFile.from_bytes(data)


def test_a_header_cannot_hold_what_json_has_not():
    with pytest.raises(ValueError, match="JSON"):
        ResultFile({"mse": float("nan")}).to_bytes()


# ---- the store ----


def test_what_is_written_is_read_by_another_process_with_the_same_program(store):
    assert store.read(key(1)) is None
    store.write(key(1), filler())
    found = ResultStore(PROGRAM, folder=store.folder).read(key(1))
    assert found is not None
    assert found.file.header == {"kind": "filler", "key": key(1)}
    assert not found.is_prepared
    assert ResultStore("fedcba98", folder=store.folder).read(key(1)) is None
    assert [path.suffix for path in store.folder.iterdir()] == [".result"]  # no temporary file


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b[:200] + b"!" + b[201:]])
def test_a_damaged_file_counts_as_missing_and_is_replaced(store, damage):
    store.write(key(1), filler(), prepared=True)
    (path,) = store.folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert store.read(key(1)) is None
    assert not path.exists()
    store.write(key(1), filler())
    assert store.read(key(1)) is not None


def test_a_file_under_another_name_counts_as_missing(store):
    store.write(key(1), filler())
    (path,) = store.folder.iterdir()
    path.rename(path.with_name(path.name.replace(key(1), key(2))))
    assert store.read(key(2)) is None


def test_a_pipe_or_a_huge_file_is_not_read(store, monkeypatch):
    store.write(key(1), filler())
    (path,) = store.folder.iterdir()
    monkeypatch.setattr(limits, "MAX_RESULT_BYTES", 1000)
    assert store.read(key(1)) is None
    path.unlink()
    os.mkfifo(path)
    assert store.read(key(1)) is None


def test_a_store_without_size_neither_writes_nor_reads(store):
    store.write(key(1), filler())
    none = ResultStore(PROGRAM, 0, store.folder)
    assert none.read(key(1)) is None
    none.write(key(2), filler())
    assert numbers_in(none) == [1]


def test_beyond_the_budget_the_least_recently_used_results_are_deleted(store):
    for number in range(9):
        store.write(key(number), filler())
        at(store, number, 1000 + number)
    assert numbers_in(store) == list(range(9))
    assert store.read(key(0)) is not None  # used now
    store.write(key(9), filler())
    assert numbers_in(store) == [0, 3, 4, 5, 6, 7, 8, 9][-8:]
    assert size_of(store) <= 100 * KILOBYTE


def at(store: ResultStore, number: int, seconds: int) -> None:
    """Let a result be used last at a time."""
    (path,) = store.folder.glob(f"*{key(number)}*")
    os.utime(path, (seconds, seconds))


def test_results_of_other_programs_go_first_and_prepared_ones_last(store):
    other = ResultStore("f" * 16, store.max_bytes, store.folder)
    for number in range(3):
        store.write(key(number), filler(), prepared=True)
        at(store, number, 1000 + number)
    for number in range(3, 6):
        store.write(key(number), filler())
        at(store, number, 2000 + number)
    for number in range(6, 9):
        other.write(key(number), filler(), prepared=True)
        at(store, number, 3000 + number)
    store.write(key(9), filler())
    assert numbers_in(store) == [0, 1, 2, 3, 4, 5, 8, 9]
    for number in range(10, 20):
        store.write(key(number), filler())
        at(store, number, 5000 + number)
    assert {0, 1, 2} <= {*numbers_in(store)}
    assert not {3, 4, 5, 6, 7, 8} & {*numbers_in(store)}
    for number in range(20, 30):
        store.write(key(number), filler(), prepared=True)
        at(store, number, 6000 + number)
    assert not {0, 1, 2} & {*numbers_in(store)}
    assert size_of(store) <= store.max_bytes


def test_a_result_that_is_larger_than_the_budget_is_not_stored(store):
    store.write(key(0), filler())
    store.write(key(1), filler(200 * KILOBYTE))
    assert numbers_in(store) == [0]


def test_a_result_of_normal_use_can_become_a_prepared_one(store):
    store.write(key(1), filler())
    store.keep_longer(key(1))
    assert store.read(key(1)).is_prepared
    store.keep_longer(key(1))
    store.keep_longer(key(2))
    store.write(key(3), filler())
    store.write(key(3), filler(), prepared=True)
    assert [entry.is_prepared for entry in store.entries()] == [True, True]


def test_several_processes_stay_within_the_budget_together(store):
    stores = [ResultStore(PROGRAM, 400 * KILOBYTE, store.folder) for _ in range(4)]
    sizes = []

    def write(number: int) -> None:
        for k in range(100):
            stores[number].write(key(1000 * number + k), filler(5 * KILOBYTE), prepared=k % 7 == 0)
            sizes.append(size_of(stores[number]))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sizes) == 400
    assert max(sizes) <= 400 * KILOBYTE


WRITER = """
import sys
from pathlib import Path
import numpy as np
from explorer.storage.disk_cache import key_of
from explorer.storage.result_file import ResultFile
from explorer.storage.result_store import ResultStore
store = ResultStore("0123456789abcdef", 10**9, Path(sys.argv[1]))
print("ready", flush=True)
for number in range(10**6):
    store.write(key_of(str(number % 5)), ResultFile({"kind": "x"}, {"x": np.full(100_000, number % 5, np.float32)}))
"""


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_writes_leaves_whole_files(store):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(store.folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    reader, seen = ResultStore(PROGRAM, 10**9, store.folder), set()
    deadline = time.monotonic() + 30
    while len(seen) < 5 and time.monotonic() < deadline:
        for number in range(5):  # read while the other process replaces the same files
            found = reader.read(key(number))
            if found is not None:
                assert set(found.file.arrays["x"]) == {number}
                seen.add(number)
    process.kill()
    process.wait()
    process.stdout.close()
    assert seen == {0, 1, 2, 3, 4}
    for number in range(5):
        found = reader.read(key(number))
        assert found is not None
        assert set(found.file.arrays["x"]) == {number}


def test_temporary_files_of_killed_processes_are_deleted_after_a_while(store):
    store.write(key(1), filler())
    old, new, foreign = (store.folder / name for name in (".old.result", ".new.result", "notes.txt"))
    for path in (old, new, foreign):
        path.write_text("x")
    for path in (old, foreign):
        os.utime(path, (1000, 1000))
    assert [entry.path.suffix for entry in store.entries()] == [".result"]
    assert (old.exists(), new.exists(), foreign.exists()) == (False, True, True)
    assert len(store.clear()) == 1
    assert foreign.exists()


def test_a_full_or_read_only_disk_raises_and_leaves_nothing(store):
    store.write(key(0), filler())
    with full_disk(), pytest.raises(OSError, match="too large"):
        store.write(key(1), filler())
    with read_only_disk(), pytest.raises(OSError, match="Read-only"):
        store.write(key(2), filler())
    assert numbers_in(store) == [0]
    assert len(list(store.folder.iterdir())) == 1
    assert store.read(key(0)) is not None


# ---- writing in the background ----


def test_writes_are_executed_in_order_and_flush_waits_for_them():
    queue, done, go = WriteQueue(), [], threading.Event()
    assert queue.flush(0)
    assert queue.put(lambda: done.append(go.wait(30)), 1)
    assert queue.put(lambda: done.append("second"), 1)
    assert not queue.flush(0.01)
    go.set()
    assert queue.flush(30)
    assert done == [True, "second"]


def test_what_does_not_fit_into_the_queue_is_dropped_unless_the_caller_waits():
    queue, done, go = WriteQueue(max_bytes=10), [], threading.Event()
    assert queue.put(lambda: go.wait(30), 100)  # the only one may be larger
    assert not queue.put(lambda: done.append("dropped"), 1)
    waiting = threading.Thread(target=lambda: queue.put(lambda: done.append("waited"), 1, wait=True))
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    go.set()
    waiting.join(30)
    assert queue.flush(30)
    assert done == ["waited"]


def test_after_an_error_of_the_disk_nothing_is_written_for_a_minute(caplog):
    now, done = [0.0], []
    queue = WriteQueue(clock=lambda: now[0])

    def fail() -> None:
        raise OSError("disk full")

    queue.put(fail, 1)
    assert queue.flush(30)
    assert "disk full" in caplog.text
    assert str(queue.error) == "disk full"
    assert not queue.put(lambda: done.append(1), 1)
    now[0] = 61.0
    assert queue.put(lambda: done.append(2), 1)
    assert queue.flush(30)
    assert done == [2]


def test_any_other_error_of_a_write_is_logged_and_the_next_one_executed(caplog):
    queue, done = WriteQueue(), []
    queue.put(lambda: 1 / 0, 1)
    queue.put(lambda: done.append(1), 1)
    assert queue.flush(30)
    assert "ZeroDivisionError" in caplog.text
    assert done == [1]


def test_a_header_is_read_without_the_arrays():
    data = filler().to_bytes()
    assert read_header(data[:1000]) == {"kind": "filler"}
    with pytest.raises(ValueError, match=r"."):
        read_header(data[:60])
