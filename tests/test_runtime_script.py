"""Generated NumPy files: training by the command line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from runtime_parts import (
    EVERYTHING,
    write_digits,
    write_script,
)
from safetensors.numpy import load_file


def run(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script in its folder."""
    command = [sys.executable, path.name, *options]
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A script that uses everything, beside its data."""
    (tmp_path / "data").mkdir()
    write_digits(tmp_path / "data")
    return write_script(tmp_path, **EVERYTHING)


def history(path: Path) -> list[list[str]]:
    """Return a history without the times."""
    return [line.split(",")[:-1] for line in (path / "history.csv").read_text().splitlines()]


def test_a_resumed_run_equals_an_uninterrupted_one(trained: Path) -> None:
    whole = run(trained, "--epochs", "4", "--out", "whole", "--threads", "1")
    assert whole.returncode == 0, whole.stderr
    assert whole.stderr == ""
    pattern = (
        r"epoch 4/4  loss [\d.]+  validation accuracy [\d.]+  validation loss [\d.]+  \d\.\d s"
    )
    assert re.fullmatch(pattern, whole.stdout.splitlines()[3])
    assert re.match(r"test accuracy [\d.]+", whole.stdout.splitlines()[4])
    assert run(trained, "--epochs", "2", "--out", "parts", "--threads=1").returncode == 0
    rest = run(trained, "--epochs", "4", "--resume", "parts", "--threads", "1")
    assert rest.stdout.startswith("epoch 3/4"), rest.stderr
    folders = trained.parent / "whole", trained.parent / "parts"
    weights = [(folder / "weights.safetensors").read_bytes() for folder in folders]
    assert weights[0] == weights[1]
    states = [load_file(folder / "checkpoint.safetensors") for folder in folders]
    assert all((states[0][name] == states[1][name]).all() for name in states[0])
    assert history(folders[0]) == history(folders[1])
    assert history(folders[0])[0] == ["epoch", "loss", "validation accuracy", "validation loss"]
    again = run(trained, "--epochs", "4", "--resume", "parts")
    assert again.stderr == "net.py: error: parts: has 4 epochs already, see --epochs\n"
    seed = run(trained, "--epochs", "5", "--resume", "parts", "--seed", "1")
    assert (
        seed.stderr
        == "net.py: error: parts/checkpoint.safetensors: needs --seed 0, as the run began\n"
    )
    other = run(trained, "--epochs", "4", "--out", "other", "--seed", "1")
    assert other.returncode == 0
    assert (trained.parent / "other" / "weights.safetensors").read_bytes() != weights[0]


def test_what_goes_wrong_is_one_line(trained: Path) -> None:
    missing = run(trained, "--data", "nowhere")
    assert missing.returncode == 1
    assert missing.stderr == ("net.py: error: nowhere/a-images: no such file, nor a-images.gz\n")
    diverged = run(trained, "--lr", "1e38")
    assert diverged.returncode == 1
    assert diverged.stderr == "net.py: error: the loss of epoch 1 is nan; try a lower --lr\n"
    resumed = run(trained, "--resume", "nowhere")
    assert resumed.returncode == 1
    assert resumed.stderr == "net.py: error: nowhere: has no checkpoint to go on from\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--epochs", "0"), "argument --epochs: 0 is not above 0"),
        (("--batch", "1.5"), "argument --batch: invalid number value: '1.5'"),
        (("--lr", "nan"), "argument --lr: nan is not above 0"),
        (("--lr", "inf"), "argument --lr: inf is not above 0"),
        (("--seed", "-1"), "argument --seed: has to be at least 0"),
        (("--threads", "0"), "argument --threads: 0 is not above 0"),
        (("--epoch", "3"), "unrecognized arguments: --epoch 3"),
    ],
)
def test_the_command_line_is_checked(options: tuple[str, str], reason: str, trained: Path) -> None:
    done = run(trained, *options)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"net.py: error: {reason}"


def test_an_interrupted_run_keeps_its_last_epoch(trained: Path) -> None:
    command = [sys.executable, trained.name, "--epochs", "100000", "--out", "out"]
    with subprocess.Popen(
        command, cwd=trained.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("epoch      1/100000")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == "\nstopped; whole epochs, if any, are in out\n"
    assert (trained.parent / "out" / "checkpoint.safetensors").exists()


def in_python(path: Path, code: str) -> str:
    """Run code in a script's folder; returns what it prints."""
    code = f"import os, runpy, sys; {code}; print(os.environ.get('OPENBLAS_NUM_THREADS'))"
    environment = {key: text for key, text in os.environ.items() if "NUM_THREADS" not in key}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=path.parent, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_threads_are_set_by_a_script_but_not_by_an_import(trained: Path) -> None:
    arguments = "sys.argv = ['net.py', '--threads=3', '--epochs=1']"
    ran = in_python(trained, f"{arguments}; runpy.run_path('net.py', run_name='__main__')")
    assert ran.endswith("\n3\n")
    assert in_python(trained, f"{arguments}; sys.path.insert(0, ''); import net") == "None\n"
