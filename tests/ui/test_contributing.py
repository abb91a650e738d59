"""The example tab of the contributor's guide, put together as the guide says."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from tab_values import TOY, pictures_of, services_of, values_of

import explorer as ex
from explorer.ui.localization import HERE, texts

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
FOLDER = "explorer/ui/tabs/seeds/"
FILES = dict(re.findall(rf"^`{FOLDER}(\S+)`.*?^```\w+\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE))


@pytest.fixture
def tab(monkeypatch):
    """The tab of the guide."""
    module = ModuleType("explorer.ui.tabs.seeds.tab")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(texts("en"), "field.pictures", json.loads(FILES["texts.json"])["field"]["pictures"])
    exec(FILES["tab.py"], module.__dict__)
    return module.SeedsTab(services_of(TOY))


def test_the_guide_has_every_file_of_a_tab():
    assert set(FILES) == {"__init__.py", "tab.py", "tab.html", "tab.css", "tab.js", "texts.json"}


def test_the_example_tab_makes_pictures_and_a_script_that_makes_the_same(tab, monkeypatch, tmp_path):
    last = values_of(tab, {"pictures": 3, "steps": 4, "eta": 0.5})[-1]
    assert last["state"] == "ended"
    assert set(pictures_of(last)) == {"0", "1", "2"}
    monkeypatch.setattr(ex, "load", lambda name: TOY)
    monkeypatch.chdir(tmp_path)
    exec(last["script"], {})
    for name, pixels in pictures_of(last).items():
        assert (np.asarray(Image.open(f"{name}.png")) == pixels).all()


def test_every_text_that_the_example_names_is_in_its_file():
    own = json.loads(FILES["texts.json"])
    named = {
        key for name in ("tab.html", "tab.js", "tab.py") for key in re.findall(r"""["'](seeds\.\w+)["']""", FILES[name])
    }
    assert named == {f"seeds.{key}" for key in own["seeds"]}


def test_the_modules_that_the_example_imports_are_there():
    for module in re.findall(r"from '(.*?)'", FILES["tab.js"]):
        assert (HERE / "tabs/seeds" / module).resolve().is_file(), module


def test_the_example_is_formatted_as_the_project_is():
    for name in ("__init__.py", "tab.py"):
        for command in (["check"], ["format", "--check"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--stdin-filename", f"{FOLDER}{name}", "-"],
                input=FILES[name],
                capture_output=True,
                text=True,
                cwd=ROOT,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
