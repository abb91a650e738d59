"""The course: labs are complete in every language, stubs fail with the intended message, and the key passes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import explorer as ex
import explorer.course
from explorer.course.command import main
from explorer.course.lab_source import lab_names, read_lab
from explorer.course.notebooks import LANGUAGES, Version, course_texts, notebook
from explorer.course.solver_check import check_solver
from explorer.exercises import TASKS
from explorer.exercises.texts import say
from explorer.ui.address import settings_in
from explorer.ui.app import Page
from explorer.ui.components import lesson

LABS = lab_names()
MEASURED = re.compile(r"\d\.\d{2}")


def run(labs, version, stops_at_errors):
    """Execute labs on the small checkpoint, one after the other in one kernel, each in an empty namespace.

    Returns the source of each code cell with the text of all its outputs.
    """
    books = [notebook(lab, version) for lab in labs]
    reset = {"cell_type": "code", "id": "reset", "metadata": {}, "execution_count": None, "outputs": []}
    cells = [
        cell
        for k, book in enumerate(books)
        for cell in [{**reset, "id": f"reset-{k}", "source": "%reset -f"}, *book["cells"]]
    ]
    for cell in cells:
        cell["source"] = cell["source"].replace('ex.load("faces-64")', 'ex.load("fashion-mnist-32")')
    book = nbformat.from_dict({**books[0], "cells": cells})
    NotebookClient(book, timeout=300, kernel_name="python3", allow_errors=not stops_at_errors).execute()
    return [(cell.source, "".join(map(text_of, cell.outputs))) for cell in book.cells if cell.cell_type == "code"]


def text_of(output):
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return output.text if output.output_type == "stream" else output.data.get("text/plain", "")


def tasks_of(lab):
    return [block.words[0] for block in read_lab(lab) if block.kind == "task"]


def outputs_of_checks(cells):
    return [output for source, output in cells if re.match(r'check\(|reports\["', source)]


def the_stubs_fail_and_the_key_passes(labs, language):
    todo = course_texts(language)["todo"]
    tasks = [task for lab in labs for task in tasks_of(lab)]
    stubs = run(labs, Version(language), stops_at_errors=False)
    checks = outputs_of_checks(stubs)
    assert len(checks) == len(tasks)
    assert all(output.startswith("✗") and todo in output for output in checks), checks
    later = [output for source, output in stubs if "Error:" in output and not re.match(r"check\(|reports", source)]
    assert len(later) >= len(labs)
    assert all("NotImplementedError" in output or "NameError" in output for output in later), later
    key = run(labs, Version(language, key=True), stops_at_errors=True)
    checks = outputs_of_checks(key)
    assert len(checks) == len(tasks)
    assert all(output.startswith("✓") for output in checks), checks
    handed_in = "".join(output for source, output in key if source.startswith("for name, text in predictions"))
    assert all(f"✓ {task}" in handed_in for task in tasks)


@pytest.mark.slow
def test_the_stubs_fail_with_the_intended_message_and_the_key_passes():
    the_stubs_fail_and_the_key_passes(LABS, "en")


@pytest.mark.slow
@pytest.mark.skipif("DDIM_LAB_TESTS" not in os.environ, reason="set DDIM_LAB_TESTS=1 to run it; it takes ten minutes")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lab", LABS)
def test_each_lab_runs_by_itself_in_every_language(lab, language):
    the_stubs_fail_and_the_key_passes([lab], language)


def test_the_labs_cover_every_task_of_the_exercises():
    covered = {task for lab in LABS for task in tasks_of(lab)}
    assert covered == {*TASKS, "euler_step", "heun_step"}


@pytest.mark.parametrize("lab", [*LABS, "setup"])
def test_every_block_is_written_in_every_language_and_holds_no_measured_number(lab):
    for block in read_lab(lab):
        if block.kind in ("text", "question", "handin"):
            assert set(LANGUAGES) <= set(block.sections), block
            assert not any(MEASURED.search(text) for text in block.sections.values()), block
        if block.kind == "question":
            assert {f"answer {language}" for language in LANGUAGES} <= set(block.sections), block
        if block.kind == "task":
            assert {"stub", "solution"} <= set(block.sections), block


@pytest.mark.parametrize("key", [False, True], ids=["learners", "key"])
@pytest.mark.parametrize("lab", LABS)
def test_notebooks_are_valid_and_differ_between_languages_in_their_texts_alone(lab, key):
    books = [notebook(lab, Version(language, key)) for language in LANGUAGES]
    for book in books:
        nbformat.validate(nbformat.from_dict(book))
    codes = []
    for language, book in zip(LANGUAGES, books, strict=True):
        code = "\n".join(cell["source"] for cell in book["cells"] if cell["cell_type"] == "code")
        codes.append(code.replace(course_texts(language)["todo"], "").replace(f'LANGUAGE = "{language}"', ""))
    assert len(set(codes)) == 1


def test_the_learners_notebooks_hold_no_solution_and_no_answer():
    for lab in LABS:
        text = "\n".join(cell["source"] for cell in notebook(lab, Version("en"))["cells"])
        for block in read_lab(lab):
            for name, section in block.sections.items():
                if name == "solution" or name.startswith("answer"):
                    assert section not in text


def test_the_command_writes_the_labs_and_their_keys(tmp_path, capsys):
    assert main([str(tmp_path / "course"), "--languages", "en", "ko", "--install", "git+https://example.org/copy"]) == 0
    written = sorted(str(path.relative_to(tmp_path / "course")) for path in tmp_path.rglob("*.ipynb"))
    names = [f"{lab}.ipynb" for lab in LABS]
    assert written == sorted(f"{language}/{key}{n}" for language in ("en", "ko") for key in ("", "key/") for n in names)
    assert len(capsys.readouterr().out.splitlines()) == len(written)
    text = (tmp_path / "course/ko/1-forward-process.ipynb").read_text("utf-8")
    assert '%pip install -q \\"git+https://example.org/copy\\"' in text
    assert "forward process" in text


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file")]) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_the_package_lists_the_command():
    done = subprocess.run([sys.executable, "-m", "explorer", "lesson"], capture_output=True, text=True, check=False)
    assert "course" in done.stderr


# The check of a solver


def euler(x_bar, s, s_prev, eps_at):
    return x_bar + (s_prev - s) * eps_at(x_bar, s)


def heun(x_bar, s, s_prev, eps_at):
    here = eps_at(x_bar, s)
    return x_bar + (s_prev - s) * (here + eps_at(x_bar + (s_prev - s) * here, s_prev)) / 2


def test_methods_of_the_right_order_pass():
    assert check_solver("euler_step", euler).passed
    assert check_solver("heun_step", heun).passed


@pytest.mark.parametrize(
    ("method", "step"),
    [
        ("heun_step", euler),
        ("heun_step", lambda x, s, p, eps: x + (p - s) * (eps(x, s) + eps(x, p)) / 2),  # the state is not advanced
        ("heun_step", lambda x, s, p, eps: x + (p - s) * (eps(x, s) + eps(x + (p - s) * eps(x, s), s)) / 2),
        ("heun_step", lambda x, s, p, eps: x + (p - s) * (eps(x, s) + eps(x + (p - s) * eps(x, s), p))),
        ("euler_step", lambda x, s, p, eps: x - (p - s) * eps(x, s)),
        ("euler_step", lambda x, s, p, eps: x + p * eps(x, s)),
        ("euler_step", lambda x, s, p, eps: x),
        ("euler_step", lambda x, s, p, eps: x * np.nan),
    ],
)
def test_wrong_methods_do_not_pass(method, step):
    assert not check_solver(method, step).passed


def test_a_step_that_raises_is_reported():
    def stub(x_bar, s, s_prev, eps_at):
        raise NotImplementedError("Write your code here.")

    assert repr(check_solver("heun_step", stub)) == "✗ heun_step: nothing is written here yet. Write your code here."
    assert "ZeroDivisionError" in repr(check_solver("heun_step", lambda x, s, p, eps: x / 0.0 + 1 / 0))
    with pytest.raises(ValueError, match="method must be one of euler_step, heun_step"):
        check_solver("rk4", heun)
    with pytest.raises(ValueError, match="language must be one of en, zh, ko"):
        check_solver("heun_step", heun, "fr")


@pytest.mark.parametrize("language", LANGUAGES)
def test_reports_on_solvers_are_written_in_every_language(language):
    assert "heun_step" in repr(check_solver("heun_step", heun, language))
    assert "0.9" in repr(check_solver("heun_step", euler, language))
    assert say(language, "problems.not-implemented.name")


# The teacher's guide

GUIDE = (Path(explorer.course.__file__).parent / "GUIDE.md").read_text("utf-8")
ADDRESSES = sorted(set(re.findall(r"`/\?([^`]+)`", GUIDE)))


@pytest.fixture(scope="module")
def page():
    faces = ex.load("faces-64")
    return Page({faces.name: faces}, None)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_of_the_guide_opens_what_it_names(page, address):
    query = dict(parse_qsl(address, strict_parsing=True))
    tab = page.tabs[query.get("tab", "steps")]
    fields, notice = settings_in(query, tab.name, page.tabs, page.checkpoints)
    assert not notice
    known = {*fields, *tab.view_keys, "tab", "stop", "notation", "handout"}
    assert query.keys() <= known
    if stop := query.get("stop"):
        settings, _, _ = address.rpartition("&stop=")
        assert lesson()["stops"][int(stop) - 1]["query"] == settings
    tab.parse(fields)


def test_the_plans_of_the_guide_fill_their_time_and_visit_every_stop():
    lecture, sessions = GUIDE.split("## 90 minutes")[1].split("## Common mistakes")[0].split("## 3 × 90 minutes")
    plans = [lecture, *sessions.split("session:")[1:]]
    minutes = [sum(map(int, re.findall(r"^\| (\d+) \|", plan, re.MULTILINE))) for plan in plans]
    assert minutes == [90] * 4
    assert re.findall(r"Stop (\d)\.", lecture) == [str(n + 1) for n in range(len(lesson()["stops"]))]
    assert all(f"Lab {lab[0]}" in sessions for lab in LABS)
