"""Generated files of both targets: training by the command line."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from runtime_parts import (
    EVERYTHING,
    TARGETS,
    part,
    write_digits,
    write_script,
)
from safetensors.numpy import load_file, save_file


def run(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script in its folder; in this process, as it takes long to import PyTorch anew."""
    out, errors, status = io.StringIO(), io.StringIO(), 0
    namespace: dict[str, Any] = {"__name__": "generated", "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), namespace)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
        patch.setattr(sys, "argv", [path.name, *options])
        patch.chdir(path.parent)
        try:
            namespace["main"]()
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
            if isinstance(stop.code, str):
                print(stop.code, file=errors)
    return subprocess.CompletedProcess(options, status, out.getvalue(), errors.getvalue())


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    """Every target."""
    return str(request.param)


@pytest.fixture
def trained(tmp_path: Path, target: str) -> Path:
    """A script that uses everything, beside its data."""
    (tmp_path / "data").mkdir()
    write_digits(tmp_path / "data")
    return write_script(tmp_path, target=target, **EVERYTHING)


def history(path: Path) -> list[list[str]]:
    """Return a history without the times."""
    return [line.split(",")[:-1] for line in (path / "history.csv").read_text().splitlines()]


def test_a_resumed_run_equals_an_uninterrupted_one(trained: Path) -> None:
    whole = run(trained, "--epochs", "4", "--out", "whole", "--threads", "1")
    assert whole.returncode == 0, whole.stderr
    assert whole.stderr == ""
    pattern = (
        r"epoch 4/4  loss [\d.]+  validation accuracy [\d.]+  validation loss [\d.]+"
        r"  test accuracy [\d.]+  test loss [\d.]+  \d\.\d s"
    )
    assert re.fullmatch(pattern, whole.stdout.splitlines()[3])
    assert run(trained, "--epochs", "2", "--out", "parts", "--threads=1").returncode == 0
    rest = run(trained, "--epochs", "4", "--resume", "parts", "--threads", "1")
    assert rest.stdout.startswith("epoch 3/4"), rest.stderr
    folders = trained.parent / "whole", trained.parent / "parts"
    weights = [(folder / "weights.safetensors").read_bytes() for folder in folders]
    assert weights[0] == weights[1]
    states = [load_file(folder / "checkpoint.safetensors") for folder in folders]
    assert all((states[0][name] == states[1][name]).all() for name in states[0])
    uninterrupted, resumed = map(history, folders)
    resumed[2][4:] = ["", ""]  # the first part was tested at its end
    assert uninterrupted == resumed
    scores = ["validation accuracy", "validation loss", "test accuracy", "test loss"]
    assert uninterrupted[0] == ["epoch", "loss", *scores]
    assert all(cell == "" for row in uninterrupted[1:4] for cell in row[4:])
    assert 0 < float(uninterrupted[4][4]) <= 1
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


def test_data_that_do_not_fit_into_memory_are_one_line(trained: Path) -> None:
    code, head = trained.read_text(encoding="utf-8"), "def load_data(folder):\n"
    trained.write_text(code.replace(head, f"{head}    np.zeros(2**59)\n"), encoding="utf-8")
    done = run(trained)
    assert done.returncode == 1
    assert done.stderr.startswith("net.py: error: Unable to allocate 4.00 EiB for an array")
    assert len(done.stderr.splitlines()) == 1


HISTORIES = (
    "5", '"run"', "{}}", "[1]", "[[1]]", "[{}]", '[{"epoch": 2}]', '[{"epoch": 1, "loss": "low"}]',
    '[{"epoch": 1, "loss": null}]', '[{"epoch": 1}, {"epoch": 1}]', "[" * 10_000,
)  # fmt: skip


def test_a_checkpoint_whose_history_is_none_is_refused(trained: Path) -> None:
    assert run(trained, "--epochs", "1", "--out", "out").returncode == 0
    path = trained.parent / "out" / "checkpoint.safetensors"
    tensors = load_file(path)
    metadata = [{"seed": "0", "history": history} for history in HISTORIES]
    metadata += [{"seed": "0"}, {"history": "[]"}, {"seed": "x", "history": "[]"}]
    for hostile in metadata:
        save_file(tensors, path, hostile)
        done = run(trained, "--resume", "out")
        message = "net.py: error: out/checkpoint.safetensors: not the checkpoint of a run\n"
        assert (done.returncode, done.stderr) == (1, message), hostile
    save_file(tensors, path, {"seed": "0", "history": '[{"epoch": 1, "loss": 2}]'})
    assert run(trained, "--resume", "out", "--epochs", "2").returncode == 0
    columns, *rows = history(trained.parent / "out")
    assert {len(row) for row in rows} == {len(columns)}  # what the first epoch lacks is left out


def test_what_goes_wrong_is_one_line(trained: Path, target: str) -> None:
    missing = run(trained, "--data", "nowhere")
    assert missing.returncode == 1
    told = "nowhere/a-images: no such file, nor a-images.gz; --data names the folder\n"
    assert missing.stderr == f"net.py: error: {told}"
    diverged = run(trained, "--lr", "1e38" if target == "numpy" else "1e37")
    assert diverged.returncode == 1
    assert re.fullmatch(
        r"net.py: error: the loss of epoch 1 is (nan|inf); "
        r"try a lower --lr, or see with --check-finite where it begins\n",
        diverged.stderr,
    )
    overflowing = run(trained, "--lr", "3e38")
    assert overflowing.returncode == 1
    assert len(overflowing.stderr.splitlines()) == 1
    resumed = run(trained, "--resume", "nowhere")
    assert resumed.returncode == 1
    assert resumed.stderr == "net.py: error: nowhere: has no checkpoint to go on from\n"


WHOLE = "needs a whole number above 0, up to 1000000000"
THREADS = WHOLE.replace("000000", "")
REAL = "needs a number above 0, up to 3e+38"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--epochs", "0"), f"argument --epochs: {WHOLE}, gets '0'"),
        (("--epochs", "x"), f"argument --epochs: {WHOLE}, gets 'x'"),
        (("--batch", "1.5"), f"argument --batch: {WHOLE}, gets '1.5'"),
        (("--batch", "9" * 50), f"argument --batch: {WHOLE}, gets '{'9' * 40}'"),
        (("--lr", "nan"), f"argument --lr: {REAL}, gets 'nan'"),
        (("--lr", "inf"), f"argument --lr: {REAL}, gets 'inf'"),
        (("--lr", "high"), f"argument --lr: {REAL}, gets 'high'"),
        (("--seed", "-1"), "argument --seed: needs a whole number from 0 to 2**63 - 1"),
        (("--seed", str(2**63)), "argument --seed: needs a whole number from 0 to 2**63 - 1"),
        (("--threads", "0"), f"argument --threads: {THREADS}, gets '0'"),
        (("--threads", "100000"), f"argument --threads: {THREADS}, gets '100000'"),
        (("--epoch", "3"), "unrecognized arguments: --epoch 3"),
    ],
)
def test_the_command_line_is_checked(options: tuple[str, str], reason: str, trained: Path) -> None:
    done = run(trained, *options)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"net.py: error: {reason}"


@pytest.mark.parametrize("target", ["pytorch"], indirect=True)
@pytest.mark.parametrize("name", ["nonsense", "meta", "cuda:99", "cpu:x", ""])
def test_a_device_that_is_not_there_is_one_line(name: str, trained: Path) -> None:
    done = run(trained, "--device", name)
    assert done.returncode == 2
    reason = f"argument --device: there is no device {name!r} here"
    assert done.stderr.splitlines()[-1] == f"net.py: error: {reason}"


@pytest.mark.parametrize("target", ["pytorch"], indirect=True)
def test_amp_computes_in_bfloat16(trained: Path) -> None:
    options = ("--device", "cpu", "--epochs", "1", "--threads", "1")
    assert run(trained, *options, "--out", "exact").returncode == 0
    done = run(trained, *options, "--out", "mixed", "--amp")
    assert done.returncode == 0, done.stderr
    losses = [float(history(trained.parent / name)[1][1]) for name in ("exact", "mixed")]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


@pytest.mark.parametrize("target", ["pytorch"], indirect=True)
def test_compile_without_a_compiler_is_one_line(trained: Path) -> None:
    environment = {**os.environ, "CXX": "no-such-compiler", "TORCHINDUCTOR_CACHE_DIR": "cache"}
    command = [sys.executable, trained.name, "--compile", "--device", "cpu", "--epochs", "1"]
    done = subprocess.run(
        command, cwd=trained.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("net.py: error: ")
    assert "compiler" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_run_says_that_it_replaces_another(trained: Path) -> None:
    first = run(trained, "--epochs", "1", "--out", "out")
    again = run(trained, "--epochs", "1", "--out", "out")
    assert not first.stdout.startswith("replaces")
    assert again.stdout.splitlines()[0] == "replaces the run in out; --resume goes on with one"
    resumed = run(trained, "--epochs", "2", "--resume", "out")
    assert resumed.stdout.startswith("epoch 2/2")


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes of POSIX")
def test_a_reader_that_goes_away_ends_the_run_without_a_word(trained: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, trained.name, "--epochs", "3", "--out", "out"]
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            command, cwd=trained.parent, stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")
    assert len(history(trained.parent / "out")) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes of POSIX")
@pytest.mark.parametrize("target", ["numpy"], indirect=True)
@pytest.mark.parametrize("name", ["data/idx", "data/npz", "data/csv", "resume"])
def test_a_pipe_is_no_file(name: str, tmp_path: Path, trained: Path) -> None:
    write_digits(tmp_path / "data")
    choices = {"test": name != "data/csv"}
    if name.startswith("data"):
        trained = write_script(tmp_path, data=part(name), choices=choices)
    files = {"data/idx": "data/a-images", "data/npz": "data/a.npz", "data/csv": "data/a.csv"}
    place = tmp_path / files.get(name, "checkpoint.safetensors")
    os.mkfifo(place)
    command = [sys.executable, trained.name, *(("--resume", ".") if name == "resume" else ())]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("net.py: error: ")
    assert done.stderr.endswith(f"{place.name}: not a regular file\n")


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


@pytest.mark.parametrize("target", ["numpy"], indirect=True)
def test_threads_are_set_by_a_script_but_not_by_an_import(trained: Path) -> None:
    arguments = "sys.argv = ['net.py', '--threads=3', '--epochs=1']"
    ran = in_python(trained, f"{arguments}; runpy.run_path('net.py', run_name='__main__')")
    assert ran.endswith("\n3\n")
    assert in_python(trained, f"{arguments}; sys.path.insert(0, ''); import net") == "None\n"
