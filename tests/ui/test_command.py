"""The command line that serves the app, and what an importer of app.py finds."""

import importlib.util
import socket
import subprocess
import sys

import gradio as gr
import pytest
from tab_values import TOY

from explorer.__main__ import COMMANDS
from explorer.__main__ import main as ddim_explorer
from explorer.ui import command, process
from explorer.ui.server_options import logins


@pytest.fixture
def app(root):
    """The module app.py."""
    spec = importlib.util.spec_from_file_location("explorers_app", root / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def launched(monkeypatch):
    """What the app is launched with, instead of serving it."""
    calls = []

    class Demo:
        def launch(self, **options):
            calls.append(options)

    def limit_connections(demo):
        raise SystemExit(0)

    monkeypatch.setattr(command, "limit_memory", lambda: None)
    monkeypatch.setattr(command, "handle_signals", lambda handler: None)
    monkeypatch.setattr(command, "open_checkpoints", lambda *given: {"toy": TOY})
    monkeypatch.setattr("explorer.ui.app.build", lambda *given: Demo())
    monkeypatch.setattr("explorer.ui.app.limit_connections", limit_connections)
    return calls


@pytest.mark.slow
def test_whoever_imports_the_app_finds_its_demo(app, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "open_checkpoints", lambda: asked.append(1) or {"toy": TOY})
    assert asked == []
    assert isinstance(app.demo, gr.Blocks)
    assert app.demo is app.demo
    assert asked == [1]
    with pytest.raises(AttributeError, match="no attribute 'dema'"):
        _ = app.dema


def test_logins_come_from_arguments_and_files(tmp_path):
    file = tmp_path / "logins"
    file.write_text("ann:x:y\n\nbob:z\n", encoding="utf-8")
    assert logins(["eve:1", f"@{file}"]) == [("eve", "1"), ("ann", "x:y"), ("bob", "z")]
    assert logins([]) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--auth", "topsecret"], "expected USER:PASSWORD"),
        (["--auth", ":topsecret"], "expected USER:PASSWORD"),
        (["--auth", "ann:topsecret", "--auth", "ann:topsecret2"], "the user ann occurs twice"),
        (["--auth", "@no-such-file"], "cannot read no-such-file, a text file with one USER:PASSWORD per line"),
        (["--root-path", "ddim"], "--root-path must begin with /"),
        (["--port", "99999"], "--port must be from 1 to 65535"),
        (["--runs-per-address", "0"], "--runs-per-address must be from 1 to 48, not 0"),
        (["--runs-per-address", "49"], "--runs-per-address must be from 1 to 48, not 49"),
        (["--port", "TAKEN"], "cannot listen on 127.0.0.1:"),
    ],
)
def test_a_bad_argument_ends_with_one_line_that_shows_no_password(monkeypatch, capsys, arguments, expected):
    monkeypatch.setattr(command, "open_checkpoints", lambda *given: pytest.fail("bad arguments are refused first"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert command.main([port if word == "TAKEN" else word for word in arguments]) == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert "topsecret" not in said.err + said.out


@pytest.mark.slow
@pytest.mark.parametrize("start", [["app.py"], ["-m", "explorer"]])
def test_an_unknown_checkpoint_ends_with_one_line_and_code_2(root, start):
    arguments = [sys.executable, *start, "--checkpoint", "no-such"]
    ended = subprocess.run(arguments, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert "faces-64" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["serve"], ["serve", "--port", "FREE"], ["--port", "FREE"]])
def test_without_a_command_the_app_is_served_and_a_browser_opened(monkeypatch, launched, arguments):
    monkeypatch.setattr(command, "has_browser", lambda: True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = [str(port) if word == "FREE" else word for word in arguments]
    with pytest.raises(SystemExit):
        ddim_explorer(given)
    (options,) = launched
    assert options["inbrowser"] is True
    assert options["server_port"] == (port if "FREE" in arguments else None)


@pytest.mark.parametrize(
    ("main", "arguments", "has_browser", "opened"),
    [
        (ddim_explorer, ["--no-browser"], True, False),
        (ddim_explorer, [], False, False),
        (command.main, [], True, False),  # python app.py
        (command.main, ["--browser"], True, True),
    ],
)
def test_a_browser_opens_where_there_is_one_and_it_is_wanted(
    monkeypatch, launched, main, arguments, has_browser, opened
):
    monkeypatch.setattr(command, "has_browser", lambda: has_browser)
    with pytest.raises(SystemExit):
        main(arguments)
    assert launched[0]["inbrowser"] is opened


@pytest.mark.parametrize(
    ("system", "variables", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("win32", {}, True),
        ("darwin", {}, True),
    ],
)
def test_a_linux_machine_has_a_browser_if_it_has_a_display(monkeypatch, system, variables, expected):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(process.sys, "platform", system)
    assert process.has_browser() is expected


def test_an_unknown_command_is_refused_with_the_list_of_commands(capsys):
    assert ddim_explorer(["sample"]) == 2
    said = capsys.readouterr().err
    assert "there is no command 'sample'" in said
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(capsys, name):
    with pytest.raises(SystemExit) as ended:
        ddim_explorer([name, "--help"])
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out
