"""What the READMEs and the contributor's guide say to type does what it says, and their links lead somewhere."""

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
APP = (ROOT / "explorer/ui/README.md").read_text(encoding="utf-8")
REQUIREMENTS = re.search(r'^ {4}(python -c ".*") > requirements.txt$', APP, re.MULTILINE)
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob(".github/*.md"), *ROOT.glob("[cet]*/**/*.md")]
    if "node_modules" not in path.parts
]
MOST_WORDS, MOST_BYTES = 1500, 300_000


def anchors(text):
    """The addresses of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short_and_its_pictures_are_small():
    assert len(TEXT.split()) <= MOST_WORDS
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", TEXT)
    assert pictures
    assert all((ROOT / name).stat().st_size < MOST_BYTES for name in pictures)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading_that_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
        name, _, heading = target.partition("#")
        if name.startswith(("http:", "https:")):
            continue
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        assert not heading or heading in anchors(path.read_text(encoding="utf-8")), target


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


@pytest.mark.slow
def test_the_public_names_are_listed_and_their_example_runs(tmp_path, monkeypatch):
    page = (ROOT / "explorer/README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    exec(code.replace("steps=50", "steps=3"), {})
    assert Image.open("picture.png").size == (64, 64)
    listed = page.split("| name | what it does |")[1]
    assert set(re.findall(r"`(\w+)[`(]", listed)) >= set(ex.__all__)


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
