"""``python -m explorer prepare``: pages that are computed before anybody opens them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from files import read_only_disk

from explorer import derivations
from explorer.runs import encoded_latent, shared_network
from explorer.runs.encoded_latent import store_encoded_in
from explorer.runs.scheduler import NetworkScheduler
from explorer.storage import disk_cache
from explorer.storage.program_version import program_version
from explorer.storage.result_store import ResultStore
from explorer.ui.prepare.command import duration, main
from explorer.ui.prepare.links import LESSON, Link, lesson_links, parse_link, read_links

STEPS, CONSISTENCY = "/?tab=steps&seed=3&steps=4&eta=0.5", "/?tab=consistency&latents=1%2C+2&lengths=2%2C+3"


@pytest.fixture
def prepare(tiny_folder, own_cache, monkeypatch):
    """``prepare(…)``: run the command on the tiny checkpoint with a store of its own, and return its exit code."""
    threads = torch.get_num_threads()

    def run(*arguments):
        monkeypatch.setattr(shared_network, "SCHEDULER", NetworkScheduler())  # the command closes it
        alone = {"--list", "--clear"} & {*arguments}
        options = [] if alone else ["--checkpoint", str(tiny_folder), "--engine", "exact", "--device", "cpu"]
        return main([*arguments, *options])

    yield run
    torch.set_num_threads(threads)
    encoded_latent.ENCODED_LATENTS.clear()
    store_encoded_in(None)


def store() -> ResultStore:
    return ResultStore(program_version())


def headers() -> list[dict]:
    return [entry.header() for entry in store().entries()]


def kinds() -> set[str]:
    return {header["kind"] for header in headers()}


# ---- links ----


def test_the_lesson_and_the_examples_are_all_pages_of_the_lesson_file():
    lesson = json.loads(LESSON.read_text("utf-8"))
    queries = [link.query for link in lesson_links(stops=True, examples=True)]
    assert queries == [entry["query"] for name in ("stops", "examples") for entry in lesson[name]]
    assert len(lesson_links(stops=True, examples=False)) == len(lesson["stops"])
    assert len(lesson_links(stops=False, examples=True)) == len(lesson["examples"])
    assert lesson_links(stops=False, examples=False) == []


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("/?tab=steps&seed=22", {"tab": "steps", "seed": "22"}),
        ("?tab=steps&seed=22", {"tab": "steps", "seed": "22"}),
        ("tab=steps&seed=22", {"tab": "steps", "seed": "22"}),
        ("https://example.org/ddim/?lang=ko&tab=paths#top", {"lang": "ko", "tab": "paths"}),
        ("http://127.0.0.1:7860/?seed=slerp(10%2C+29%2C+0.5)", {"seed": "slerp(10, 29, 0.5)"}),
        ("/?seed=1&seed=2", {"seed": "2"}),
        ("http://127.0.0.1:7860/", {}),
        ("/", {}),
    ],
)
def test_a_link_is_a_url_a_path_or_a_query_string(text, entries):
    assert parse_link(text, "here").entries == entries


@pytest.mark.parametrize(
    "text", ["steps", "/?steps", "ftp://example.org/?tab=steps", "/?" + "a=1&" * 200, "http://[/?a=1"]
)
def test_any_other_text_is_refused_with_what_was_expected(text):
    with pytest.raises(
        ValueError, match="here: expected an address of the app, such as '/\\?tab=steps&seed=22&steps=50'"
    ):
        parse_link(text, "here")


def test_a_file_has_one_link_per_line(tmp_path):
    file = tmp_path / "lecture.txt"
    file.write_text(f"# my lecture\n\n  {STEPS}\nhttp://host/?tab=paths\n", encoding="utf-8-sig")
    links = read_links([str(file), CONSISTENCY])
    assert [link.entries["tab"] for link in links] == ["steps", "paths", "consistency"]
    assert [link.source for link in links] == [f"{file}, line 3", f"{file}, line 4", "LINK"]
    assert str(links[0]) == STEPS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; expected an address of the app"),
        (b"", "no links; expected one address of the app per line"),
        (b"# nothing\n\n", "no links"),
        (b"\xff\xfe\x00", "not a text file with one link per line"),
        (b"/?tab=steps\nsteps\n", "line 2: expected an address of the app"),
        (b"#" * (2 << 20), "larger than the limit"),
        (b"/?seed=1\n" * 1001, "1,001 links; the limit is 1,000"),
    ],
)
def test_a_file_that_has_no_links_is_refused(tmp_path, content, message):
    file = tmp_path / "lecture.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_links([str(file)])


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ValueError, match="not a text file"):
        read_links([str(tmp_path)])


# ---- the command ----


def test_pages_are_prepared_once_and_listed_and_cleared(prepare, capsys, own_cache):
    assert prepare(STEPS, CONSISTENCY, STEPS + "&t=500") == 0  # a view of the first page
    output = capsys.readouterr().out
    assert "2 pages with tiny on torch float32, about 28 network evaluations" in output
    assert "[1/2] /?tab=steps&seed=3&steps=4&eta=0.5: " in output
    assert " left\n" in output
    assert output.rstrip().endswith(" s")
    assert kinds() == {"picture", "run", "page"}
    assert all(entry.is_prepared for entry in store().entries())
    made = sorted(header["made"] for header in headers() if header["kind"] != "page")

    assert prepare(STEPS, CONSISTENCY) == 0
    output = capsys.readouterr().out
    assert "2 pages with tiny on torch float32, about 0 network evaluations" in output
    assert output.count("nothing to compute") == 2
    assert sorted(header["made"] for header in headers() if header["kind"] != "page") == made

    assert prepare("--list") == 0
    output = capsys.readouterr().out
    assert "tiny · torch float32: 2 pages\n" in output
    assert f"  {STEPS}\n" in output
    assert f"  {CONSISTENCY}\n" in output
    assert f"all: {len(made) + 2} files" in output
    assert str(own_cache / "results") in output

    assert prepare("--clear") == 0
    assert f"deleted {len(made) + 2} files" in capsys.readouterr().out
    assert store().entries() == []
    assert prepare("--list") == 0
    assert capsys.readouterr().out.startswith("all: 0 files, 0.0 MB")


def test_what_another_program_or_user_has_stored_is_listed_apart(prepare, capsys):
    from explorer.storage.result_file import ResultFile

    store().write(disk_cache.key_of("a"), ResultFile({"kind": "picture"}))
    ResultStore("f" * 8).write(disk_cache.key_of("b"), ResultFile({"kind": "page", "facts": {"value": {"link": "x"}}}))
    (store().folder / store().entries()[0].path.name.replace("kept", "prepared")).write_bytes(b"damaged")
    assert prepare("--list") == 0
    output = capsys.readouterr().out
    assert "results of normal use: 1 files" in output
    assert "results of other program versions, which are not used: 2 files" in output
    assert "pages" not in output


def test_a_damaged_result_is_computed_again(prepare):
    prepare(STEPS)
    for entry in store().entries():
        entry.path.write_bytes(entry.path.read_bytes()[:-1])
    assert prepare(STEPS) == 0
    assert all(store().read(entry.path.name.split("-")[2].removesuffix(".result")) for entry in store().entries())
    assert kinds() == {"picture", "run", "page"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/?tab=stepz"], "LINK: tab must be one of steps, compare"),
        (["/?tab=steps&steps=0"], "from 1 to 1000"),
        (["/?tab=steps&seed=abc"], "abc"),
        (["/?tab=encode&picture=-1"], "-1"),
        (["/?checkpoint=no-such-one"], "no checkpoint 'no-such-one'"),
        (["no-such-file.txt"], "no such file"),
    ],
)
def test_a_link_that_does_not_exist_is_refused_before_anything_is_computed(prepare, capsys, arguments, message):
    assert prepare(STEPS, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("prepare: ")
    assert message in error
    assert store().entries() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to prepare"),
        (["--list", "--clear"], "stand alone"),
        (["--list", "--lesson"], "stand alone"),
        (["--clear", STEPS], "stand alone"),
        (["--lesson", "--store-size", "0"], "--store-size must be at least 1 MB"),
        (["--lesson", "--store-size", "much"], "invalid int value"),
        (["--lesson", "--engine", "slow"], "invalid choice"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message, capsys, own_cache):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_disk_that_refuses_to_write_is_reported(prepare, capsys):
    with read_only_disk():
        assert prepare(STEPS) == 1
    assert "prepare: cannot write to" in capsys.readouterr().err


@pytest.mark.slow
def test_pages_that_do_not_fit_into_the_store_are_named(prepare, capsys):
    pages = [f"/?tab=steps&seed={seed}&steps=200" for seed in (1, 2, 3)]  # 300 kB for each of its two runs
    assert prepare(*pages, "--store-size", "1") == 1
    assert f"prepare: {pages[0]} does not fit into --store-size" in capsys.readouterr().err
    assert sum(entry.nbytes for entry in store().entries()) <= 1_000_000


def test_ctrl_c_keeps_what_is_done(prepare, capsys, monkeypatch):
    from explorer.ui.prepare.preparation import Preparation

    run = Preparation.run

    def interrupted(self, pages):
        for progress in run(self, pages):
            yield progress
            if progress.number == 2:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Preparation, "run", interrupted)
        assert prepare(STEPS, CONSISTENCY) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
    assert prepare(STEPS, CONSISTENCY) == 0
    assert "nothing to compute" in capsys.readouterr().out


@pytest.mark.slow
def test_after_a_kill_the_same_command_goes_on_where_it_was(prepare, tiny_folder, own_cache, capsys):
    pages = [f"/?tab=steps&seed={seed}&steps=150" for seed in range(8)]
    options = ["--checkpoint", str(tiny_folder), "--engine", "exact", "--device", "cpu"]
    process = subprocess.Popen(
        [sys.executable, "-m", "explorer", "prepare", *pages, *options], env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    deadline = time.monotonic() + 120
    while len(store().entries()) < 8 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    before = {entry.path.name: entry.header()["made"] for entry in store().entries()}
    assert 8 <= len(before) < 30, "killed half-way"
    assert prepare(*pages) == 0
    after = {entry.path.name: entry.header() for entry in store().entries()}
    kept = [name for name in before if after[name]["kind"] == "run"]
    assert {name: after[name]["made"] for name in kept} == {name: before[name] for name in kept}
    assert sum(header["kind"] == "run" for header in after.values()) == 2 * len(pages)
    assert "nothing to compute" in capsys.readouterr().out


def test_the_lesson_prepares_the_derivation_cards_too(prepare, capsys, monkeypatch):
    monkeypatch.setattr("explorer.ui.prepare.links.lesson_links", lambda *_: [Link("tab=steps&steps=2", "a")])
    monkeypatch.setattr(
        "explorer.derivations.CARDS", {name: derivations.CARDS[name] for name in ("last_step", "theorem")}
    )
    assert prepare("--lesson") == 0
    assert "2 derivation cards" in capsys.readouterr().out
    assert [header["what"] for header in headers() if header["kind"] == "derivation"] in (
        ["last_step", "theorem"],
        ["theorem", "last_step"],
    )


def test_durations_are_rounded():
    assert [duration(seconds) for seconds in (0.2, 39.6, 100, 600)] == ["1 s", "40 s", "2 min", "10 min"]


def test_the_program_version_depends_on_the_modules_that_compute(tmp_path, monkeypatch):
    from explorer.storage import program_version as module

    for name in ("sampler.py", "bench/command.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    versions = [module.program_version.__wrapped__()]
    for name in ("bench/command.py", "sampler.py"):
        (tmp_path / name).write_text("2")
        versions.append(module.program_version.__wrapped__())
    assert versions[0] == versions[1] != versions[2]
    assert np.unique([len(version) for version in versions]).tolist() == [40]
