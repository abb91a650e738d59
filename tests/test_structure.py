"""The order of the packages: who may import whom, and what must not be loaded with the library."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import explorer

PACKAGE = Path(explorer.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
LAYERS = (  # from the bottom; a part imports parts of layers below its own, and lazily what it needs for one command
    {"support"},
    {"schedule", "settings", "latents", "forward"},
    {"storage"},
    {"networks"},
    {"denoiser", "checkpoint", "sampler", "inversion", "trajectory", "branching", "mixture", "plane"}
    | {"solver_steps", "solvers"},
    {"media", "runs"},
    {"cluster", "custom_sampler", "derivations", "evaluation", "exercises", "training"},
    {"ui"},
    {"bench", "course", "fuzz"},
)


def imported(tree, lazily):
    """The modules that a syntax tree imports when it is loaded, also those for types alone, or with ``lazily`` at any time."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else node.module for name in names)
        elif lazily or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from imported(node, lazily)


def imports(lazily=False):
    return {name: set(imported(ast.parse(path.read_text("utf-8")), lazily)) for name, path in MODULES.items()}


def layer_of(name):
    """Index in ``LAYERS`` of the part that a module belongs to; the package itself and its command line are above all."""
    _, part, *_ = [*name.split("."), ""]
    return next((index for index, layer in enumerate(LAYERS) if part in layer), len(LAYERS))


def test_the_package_has_at_most_fourteen_modules_at_its_top():
    top = [path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")]
    assert len(top) <= 14, sorted(top)


def test_no_module_imports_itself_by_a_detour():
    try:
        list(TopologicalSorter({name: found & MODULES.keys() for name, found in imports().items()}).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(error.args[1]))


def test_no_part_imports_one_above_it():
    upward = [
        f"{name} imports {other}"
        for name, found in imports().items()
        for other in found & MODULES.keys()
        if layer_of(other) > layer_of(name) and layer_of(name) < len(LAYERS) and other != "explorer"
    ]
    assert not upward


def test_only_the_page_imports_gradio():
    users = {
        name
        for name, found in imports(lazily=True).items()
        if any(module.split(".")[0] == "gradio" for module in found)
    }
    assert users
    assert all(name.startswith("explorer.ui") for name in users), users


@pytest.mark.slow
@pytest.mark.parametrize(
    "modules",
    [
        ["explorer"],
        ["explorer.cluster.replica", "explorer.cluster.remote_network"],
        ["explorer.cluster.ray_tasks", "explorer.evaluation.chunks", "explorer.evaluation.command"],
        ["explorer.training.command"],
    ],
    ids=["library", "replica", "sweep worker", "training"],
)
def test_gradio_is_not_loaded_without_the_page(modules):
    code = f"import sys, {', '.join(modules)}; print([name for name in sys.modules if name.startswith('gradio')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
