"""What the README says to type does what it says."""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from PIL import Image

import explorer as ex

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
_, FRONT_MATTER, TEXT = README.split("---\n", 2)
REQUIREMENTS = re.search(r'^ {4}(python -c ".*") > requirements.txt$', TEXT, re.MULTILINE)


@pytest.mark.slow
def test_the_ten_lines_print_the_terms_of_eq_12_and_save_the_picture(tmp_path, monkeypatch, capsys):
    section = TEXT.split("## As a library")[1]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    assert len(code.strip().splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(code, names)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0] == re.search(r"The first of its ten lines is `(.*?)`", section)[1]
    for line, step in zip(lines, [names["run"].step(i) for i in range(10)], strict=True):
        assert line.startswith(f"{step!r}  std {step.terms.x0.std():.3f} + ")
    x_T = ex.latent(names["checkpoint"].shape, [22])
    expected = ex.to_image(ex.sample(names["checkpoint"], x_T, ex.Settings(steps=10, eta=0.5)))
    assert Image.open("face.png").tobytes() == expected.tobytes()


def test_a_space_is_told_which_file_to_run_and_on_which_gradio():
    front = dict(line.split(": ", 1) for line in FRONT_MATTER.strip().splitlines())
    assert (front["sdk"], front["license"]) == ("gradio", "mit")
    assert (ROOT / front["app_file"]).is_file()
    requires = [Requirement(line) for line in importlib.metadata.requires("ddim-explorer")]
    gradio = next(r for r in requires if r.name == "gradio" and r.marker is None)
    assert Version(front["sdk_version"]) in gradio.specifier


def test_the_requirements_of_a_space_are_those_of_the_project():
    tomllib = pytest.importorskip("tomllib", reason="the command needs Python 3.11, which the Space has")
    command = shlex.split(REQUIREMENTS[1])
    written = subprocess.run(
        [sys.executable, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert written.splitlines() == project["dependencies"]
    assert {"torch", "gradio", "diffusers"} <= {Requirement(line).name for line in written.splitlines()}
