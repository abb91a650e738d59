"""A step of the user's own: its arguments, its errors with their lines, and its distance to Eq. 12."""

import math

import numpy as np
import pytest
import torch

import explorer as ex
from explorer.custom_sampler import CustomStep, CustomStepError, denoise_custom
from explorer.evaluation.command import main as evaluate

STEP = """import math

def my_step(x_t, eps, z, alpha_bar, alpha_bar_prev, eta):
    x0 = (x_t - math.sqrt(1 - alpha_bar) * eps) / math.sqrt(alpha_bar)
    return math.sqrt(alpha_bar_prev) * x0 + math.sqrt(1 - alpha_bar_prev) * eps
"""


def eq12(x_t, eps, z, alpha_bar, alpha_bar_prev, eta):
    sigma = eta * math.sqrt((1 - alpha_bar_prev) / (1 - alpha_bar)) * math.sqrt(1 - alpha_bar / alpha_bar_prev)
    x0 = (x_t - math.sqrt(1 - alpha_bar) * eps) / math.sqrt(alpha_bar)
    return math.sqrt(alpha_bar_prev) * x0 + math.sqrt(max(0, 1 - alpha_bar_prev - sigma**2)) * eps + sigma * z


def in_numpy(x_t, eps, z, alpha_bar, alpha_bar_prev, eta):
    x0 = (x_t - np.sqrt(1 - alpha_bar) * eps) / np.sqrt(alpha_bar)
    x_t *= 0  # its own copy
    return np.sqrt(alpha_bar_prev) * x0 + np.sqrt(1 - alpha_bar_prev) * eps


@pytest.fixture(scope="module")
def checkpoint(gaussian):
    return gaussian()


@pytest.fixture(scope="module")
def run_of(checkpoint):
    """``run_of(step, settings)``: the steps of a run with a user's step, from seed 0."""

    def run(step, settings=ex.Settings(10)):  # noqa: B008
        step = step if isinstance(step, CustomStep) else CustomStep(step)
        x_T, plan = ex.latent(checkpoint.shape, [0]), settings.plan(checkpoint.schedule)
        return denoise_custom(checkpoint, x_T, step, plan, settings.eta, [0], settings.clip)

    return run


def written(tmp_path, text, name="my_step"):
    file = tmp_path / "my.py"
    file.write_text(text, encoding="utf-8")
    return f"{file}:{name}"


@pytest.mark.parametrize("settings", [ex.Settings(10), ex.Settings(10, 0.7), ex.Settings(10, 1.0, clip=True)])
def test_eq_12_written_by_hand_gives_the_run_of_the_library(run_of, checkpoint, settings):
    *_, last = run_of(eq12, settings)
    assert torch.allclose(last.x_prev, ex.sample(checkpoint, ex.latent(checkpoint.shape, [0]), settings), atol=1e-5)
    assert last.difference < 1e-5


def test_a_step_in_numpy_gets_copies(run_of):
    samples = list(run_of(in_numpy))
    assert max(sample.difference for sample in samples) < 1e-5
    assert all(sample.x_t.abs().max() > 0 for sample in samples)


def test_the_difference_is_that_of_one_step_on_the_same_arguments(run_of):
    def off_by_a_tenth(x_t, eps, z, alpha_bar, alpha_bar_prev, eta):
        return eq12(x_t, eps, z, alpha_bar, alpha_bar_prev, eta) + 0.1

    assert [sample.difference for sample in run_of(off_by_a_tenth)] == pytest.approx([0.1] * 10, abs=1e-5)


def test_a_file_is_read_again_when_it_has_changed(run_of, tmp_path):
    text = written(tmp_path, STEP)
    step = CustomStep.from_file(text)
    assert step.name == "my_step"
    written(tmp_path, STEP.replace("* eps\n", "* eps + 1\n"))
    assert next(run_of(step.current())).difference == pytest.approx(1, abs=1e-5)
    written(tmp_path, "def my_step(:\n    pass\n")
    with pytest.raises(CustomStepError, match=r"my.py failed, line 1: SyntaxError"):
        step.current()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x_t[:, :, 1:]", r"my_step returned Tensor \(1, 1, 3, 4\) at t = 1000; expected x_prev \(1, 1, 4, 4\)"),
        ("return None", "my_step returned NoneType at t = 1000; expected x_prev"),
        ("return x_t / 0", "my_step returned values that are not finite"),
        ("return x_t > 0", "my_step returned bool at t = 1000; expected floating point numbers"),
        (
            "y = 1\n    return x_t / (y - 1.0) + 1 // 0",
            r"my_step failed at t = 1000, my.py, line 3: .*1 // 0: ZeroDivisionError",
        ),
    ],
)
def test_what_a_step_returns_is_checked_and_errors_name_the_line(run_of, tmp_path, body, expected):
    step = CustomStep.from_file(written(tmp_path, f"def my_step(x_t, *others):\n    {body}\n"))
    with pytest.raises(CustomStepError, match=expected):
        next(run_of(step))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my.py", "expected FILE.py:FUNCTION"),
        ("missing.py:my_step", "cannot read .*missing.py: No such file"),
    ],
)
def test_a_step_that_cannot_be_found_says_what_was_expected(text, expected):
    with pytest.raises(CustomStepError, match=expected):
        CustomStep.from_file(text)


def test_a_file_without_the_function_or_with_another_signature_is_refused(tmp_path):
    with pytest.raises(CustomStepError, match=r"my\.py has no function other"):
        CustomStep.from_file(written(tmp_path, STEP, "other"))
    with pytest.raises(CustomStepError, match=r"my_step\(x_t\) cannot be called as my_step\(x_t, eps"):
        CustomStep.from_file(written(tmp_path, "def my_step(x_t):\n    return x_t\n"))
    with pytest.raises(CustomStepError, match=r"my\.py failed, line 1: import nothing_of_this_name"):
        CustomStep.from_file(written(tmp_path, "import nothing_of_this_name\n"))


def test_evaluate_has_a_column_for_the_step(tmp_path, with_examples, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = [str(with_examples), "--sampler", written(tmp_path, STEP), "--steps", "2", "--etas", "0", "1", "large"]
    assert evaluate([*arguments, "--pictures", "20", "--batch", "8"]) == 0
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("| 2")]
    assert [row[1].strip() for row in rows] == ["0", "1"]
    assert rows[0][2] == rows[0][3]  # at eta = 0 it is Eq. 12
    assert rows[1][2] != rows[1][3]
    assert (tmp_path / "my_step.csv").read_text(encoding="utf-8").startswith("steps,eta,pictures,frechet")
    assert evaluate([str(with_examples), "--sampler", "no file"]) == 2
