"""A server under attack, and what is watched of it: memory, files, open sockets, its log."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from explorer.fuzz.checkpoint import write_valid_checkpoint
from explorer.support.memory import resident_memory
from explorer.support.ports import free_port

START_SECONDS = 300.0


@dataclass
class WatchedServer:
    """A running app.

    Attributes:
        url: its address.
        pid: its process; None if it does not run on this machine.
        folder: where it writes temporary files; None if unknown.
        log: file with its standard error; None if unknown.
        process: the process, if it was started here.
    """

    url: str
    pid: int | None = None
    folder: Path | None = None
    log: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    _seen: int = field(default=0, repr=False)  # characters of the log
    _temporary: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        return self.process is None or self.process.poll() is None

    def memory(self) -> int:
        """Resident memory in bytes; 0 if it cannot be read."""
        return 0 if self.pid is None else resident_memory(self.pid)

    def disk(self) -> int:
        """Bytes in its temporary folder."""
        if self.folder is None:
            return 0
        total = 0
        for path in self.folder.rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except OSError:  # deleted meanwhile
                continue
        return total

    def sockets(self) -> int:
        """Number of its open sockets; 0 if it cannot be read."""
        count = 0
        try:
            descriptors = list(Path(f"/proc/{self.pid}/fd").iterdir())
        except OSError:
            return 0
        for descriptor in descriptors:
            try:
                count += os.readlink(descriptor).startswith("socket:")
            except OSError:
                continue
        return count

    def traceback(self) -> str:
        """The first traceback in its log since the last call; empty if there is none."""
        text = self.log.read_text(encoding="utf-8", errors="replace")[self._seen :] if self.log else ""
        self._seen += len(text)
        return text[text.index("Traceback") :][:1500] if "Traceback" in text else ""

    def stop(self) -> None:
        """Stop the process, if it was started here."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
        if self._temporary is not None:
            self._temporary.cleanup()


def start_server() -> WatchedServer:
    """Start the app as for the open internet, on a tiny checkpoint with T = 1000, and wait until it answers.

    Raises:
        RuntimeError: it does not start.
    """
    temporary = tempfile.TemporaryDirectory(prefix="explorer-fuzz-")
    folder = Path(temporary.name)
    write_valid_checkpoint(folder / "tiny", T=1000)
    (folder / "files").mkdir()
    port, log = free_port(), folder / "log"
    environment = os.environ | {"TMPDIR": str(folder / "files"), "GRADIO_TEMP_DIR": str(folder / "files" / "gradio")}
    options = ["--checkpoint", str(folder / "tiny"), "--port", str(port), "--public", "--engine", "exact"]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "explorer", "serve", "--no-browser", *options],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
        )
    url = f"http://127.0.0.1:{port}/"
    server = WatchedServer(url, process.pid, folder / "files", log, process, _temporary=temporary)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(server.url):
        if not server.is_running or time.monotonic() > deadline:
            text = log.read_text(errors="replace")[-1500:]
            server.stop()
            raise RuntimeError(f"the app does not start\n{text}")
        time.sleep(0.2)
    return server


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}config", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
