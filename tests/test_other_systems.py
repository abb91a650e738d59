"""What Windows and macOS lack is not needed: each test imitates the absence of something that Linux has."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys

import pytest

from explorer.fuzz import checkpoint as fuzzed_checkpoint
from explorer.fuzz import command as fuzz_command
from explorer.networks import processor
from explorer.storage import atomic_write
from explorer.storage.atomic_write import replace_file, write_file
from explorer.support import memory
from explorer.ui import process, server_options

WITHOUT_UNIX = """
import os, pkgutil, signal, sys
import av, diffusers, gradio, openvino, platformdirs, ray, torch  # they have their own ways on other systems
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
for name in ("SIGALRM", "SIGKILL", "SIGHUP", "SIGCHLD", "SIGUSR1", "setitimer", "pthread_kill"):
    delattr(signal, name)
for name in ("fork", "geteuid", "getuid", "mkfifo", "sched_getaffinity", "statvfs"):
    delattr(os, name)
import explorer
from importlib import import_module
names = [module.name for module in pkgutil.walk_packages(explorer.__path__, "explorer.")]
for name in names:
    if not name.endswith("__main__"):
        import_module(name)
print(len(names))
"""


@pytest.mark.slow
def test_every_module_is_imported_without_what_only_unix_has(pytestconfig):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_UNIX],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 150


@pytest.mark.parametrize("missing", [OSError("libc.so.6: not found"), None])
def test_without_glibc_the_server_keeps_the_allocator_of_the_system(monkeypatch, missing):
    class Library:  # of musl: neither mallopt nor malloc_trim
        pass

    def load(name):
        if missing:
            raise missing
        return Library()

    threads = []
    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(process, "Thread", lambda **options: threads.append(options))
    process.limit_memory()
    assert threads == []


def test_handlers_are_installed_for_the_signals_that_the_system_has(monkeypatch):
    installed = []
    monkeypatch.setattr(process.signal, "signal", lambda number, handler: installed.append(number))
    monkeypatch.setattr(process.signal, "SIGBREAK", 21, raising=False)  # Ctrl-Break of Windows
    process.handle_signals(print)
    assert installed == [signal.SIGINT, signal.SIGTERM, 21]
    installed.clear()
    monkeypatch.delattr(process.signal, "SIGTERM")
    monkeypatch.delattr(process.signal, "SIGBREAK")
    process.handle_signals(print)
    assert installed == [signal.SIGINT]


def test_without_the_resource_module_peak_memory_is_unknown(monkeypatch):
    assert memory.peak_memory() > 1 << 20
    monkeypatch.setattr(memory, "resource", None)
    assert memory.peak_memory() == 0


def test_without_proc_the_memory_of_a_process_and_the_instruction_sets_are_unknown(monkeypatch, tmp_path):
    assert memory.resident_memory(os.getpid()) > 1 << 20
    monkeypatch.setattr(memory, "Path", lambda name: tmp_path / "absent")
    assert memory.resident_memory(os.getpid()) == 0
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "absent")
    assert processor.instruction_sets.__wrapped__() == ()
    assert processor.processor_name.__wrapped__()


def test_without_sigalrm_inputs_are_fuzzed_without_the_time_limit(monkeypatch):
    class Target:
        expected_errors = ValueError

        def generate(self, rng):
            return rng.random()

        def run(self, test_input):
            return "accepted"

    monkeypatch.delattr(signal, "SIGALRM")
    monkeypatch.delattr(signal, "setitimer")
    report = fuzz_command.fuzz(Target(), 0.01)
    assert set(report.outcomes) == {"accepted"}


def test_without_pipes_and_links_other_damage_is_done_to_a_checkpoint(monkeypatch, tmp_path):
    monkeypatch.setattr(fuzzed_checkpoint, "LINKS", {})
    monkeypatch.setattr(fuzzed_checkpoint, "KINDS", ("gone", "folder", "pickle"))
    kinds = set()
    for seed in range(12):
        file = tmp_path / f"{seed}.json"
        file.write_text("{}")
        kinds.add(fuzzed_checkpoint._replace(file, random.Random(seed)))
    assert kinds == {"gone", "folder", "pickle"}


def test_a_file_that_a_reader_has_open_is_replaced_when_the_reader_closes_it(monkeypatch, tmp_path):
    attempts, rename = [], os.replace

    def replace_as_on_windows(source, target):
        attempts.append(source)
        if len(attempts) < 3:
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        rename(source, target)

    monkeypatch.setattr(atomic_write, "RETRY_SECONDS", (0, 0, 0))
    monkeypatch.setattr(os, "replace", replace_as_on_windows)
    write_file(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert len(attempts) == 3


def test_a_file_that_stays_open_is_an_error_that_leaves_no_temporary_file(monkeypatch, tmp_path):
    def refuse(source, target):
        raise PermissionError(13, "in use")

    monkeypatch.setattr(atomic_write, "RETRY_SECONDS", (0, 0))
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        write_file(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_flushed_through_a_handle_that_may_write(monkeypatch, tmp_path):
    fsync = os.fsync

    def fsync_as_on_windows(descriptor):
        os.write(descriptor, b"")  # raises OSError for a handle that may only read, as FlushFileBuffers does
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync_as_on_windows)
    replace_file(tmp_path / "file", lambda temporary: temporary.write_bytes(b"new"))
    assert (tmp_path / "file").read_bytes() == b"new"


def test_on_windows_a_port_in_use_is_not_taken_for_free(monkeypatch):
    options = []

    class Socket(socket.socket):
        def setsockopt(self, *option):
            options.append(option)
            super().setsockopt(*option)

    monkeypatch.setattr(server_options.socket, "socket", Socket)
    with Socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with monkeypatch.context() as patch:
            patch.setattr(server_options, "os", type("os", (), {"name": "nt"}))
            with pytest.raises(ValueError, match="cannot listen"):
                server_options.check_port("127.0.0.1", taken.getsockname()[1])
        assert options == []  # there SO_REUSEADDR would allow a second listener


@pytest.mark.slow
def test_a_pipe_whose_encoding_lacks_greek_letters_gets_question_marks(pytestconfig):
    code = "from explorer.__main__ import main; main(['nothing']); print('η = 0')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        timeout=120,
        check=True,
        env=os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    )
    assert done.stdout.strip() == b"? = 0"
