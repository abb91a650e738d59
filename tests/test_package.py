"""The wheel and the sdist: what is in them, and that the app runs from the installed wheel alone."""

import hashlib
import os
import socket
import subprocess
import sys
import tarfile
import time
from importlib.metadata import PathDistribution
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest
from gradio_client import Client
from PIL import Image

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 40_000_000
CHECKPOINTS = ("faces-64", "fashion-mnist-32")
FILES = ("model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "examples.npz")
PAGE = (
    "ui/tabs/steps/tab.js",
    "ui/tabs/steps/tab.css",
    "ui/texts/ko/steps.json",
    "ui/lesson.json",
    "cluster/nginx.conf",
)
FOREIGN = {"tests", "node_modules", "__pycache__", ".git", ".github"}
OF_TRAINING = {"training", "generator"}  # in the folder of a checkpoint


def build(source, target, *kinds):
    """Build a source tree with the backend that pyproject.toml names."""
    options = [option for kind in kinds for option in ("--target", kind)]
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target), *options]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the wheel and the sdist."""
    target = tmp_path_factory.mktemp("dist")
    build(ROOT, target, "wheel", "sdist")
    return target


@pytest.fixture(scope="module")
def wheel(built):
    """The path of the wheel."""
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder into which the wheel is installed, without its dependencies."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, timeout=300)
    return target


def state(folder):
    """Size and time of every file but Python's own cache."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {path.relative_to(folder): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_the_wheel_has_the_package_the_page_its_texts_and_the_checkpoints(wheel):
    assert wheel.stat().st_size <= MAX_BYTES
    names = set(ZipFile(wheel).namelist())
    assert {f"explorer/_checkpoints/{name}/{file}" for name in CHECKPOINTS for file in FILES} <= names
    assert {f"explorer/{file}" for file in PAGE} <= names
    modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("explorer/**/*.py")}
    assert modules <= names
    assert {name for name in names if name.endswith(".py")} == modules


def test_the_wheel_has_nothing_that_only_contributors_need(wheel):
    for name in ZipFile(wheel).namelist():
        parts = set(name.split("/"))
        assert not parts & (FOREIGN | OF_TRAINING if "_checkpoints" in parts else FOREIGN), name
        assert name.startswith("explorer/") or ".dist-info/" in name, name


def test_the_sdist_builds_the_same_wheel(built, wheel, tmp_path):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # Python 3.11.4
        names = archive.getnames()
    assert not {part for name in names for part in name.split("/")} & {"node_modules", "__pycache__", ".venv", ".git"}
    (source,) = tmp_path.iterdir()
    build(source, tmp_path / "dist", "wheel")
    (again,) = (tmp_path / "dist").glob("*.whl")
    assert again.name == wheel.name
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()


def test_a_package_index_accepts_both_files(built):
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built.iterdir())]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
def test_the_installed_command_serves_from_an_empty_folder_and_writes_nothing_there(installed, tmp_path):
    distribution = PathDistribution(next(installed.glob("*.dist-info")))
    assert {entry.name: entry.value for entry in distribution.entry_points} == {
        "ddim-explorer": "explorer.__main__:main"
    }
    before = state(installed)
    empty = tmp_path / "empty"
    empty.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(installed / "bin" / "ddim-explorer"), "--no-browser", "--port", str(port), "--engine", "exact"]
    environment = os.environ | {"PYTHONPATH": str(installed), "TMPDIR": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    with open(tmp_path / "stderr", "w") as stderr:
        process = subprocess.Popen(command, cwd=empty, env=environment, stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        url = f"http://127.0.0.1:{port}/"
        wait_for(url, process, tmp_path / "stderr")
        page = httpx.get(url).text
        assert all(name in page for name in CHECKPOINTS)
        picture = Client(url, verbose=False, download_files=tmp_path).predict(
            checkpoint="fashion-mnist-32", seed=1, steps=2, api_name="/picture"
        )
        assert Image.open(picture).size == (32, 32)
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
    assert list(empty.iterdir()) == []
    assert state(installed) == before


def wait_for(url, process, log):
    """Wait until the app answers."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}config").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    pytest.fail(Path(log).read_text())
