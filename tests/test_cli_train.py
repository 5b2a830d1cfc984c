"""`specc train`: runs of the scripts that are compiled for it."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_folder import XOR, run
from commandline import specc

import specc as package
from specc.settings.registry import choices

pytestmark = pytest.mark.usefixtures("folder")


def test_train(folder: Path) -> None:
    result = run("train", "xor.net", "--epochs", "3", "--batch", "16", "--seed", "1")
    assert result.returncode == 0, result.stderr
    assert sum(line.startswith("epoch ") for line in result.stdout.splitlines()) == 3
    names = {path.name for path in (folder / "runs/xor").iterdir()}
    assert {"xor.py", "weights.safetensors", "history.csv", "loss.svg"} <= names
    assert names & {"xor.svg", "xor.dot"}
    assert "runs/xor/loss.svg" in result.stdout
    ElementTree.parse(folder / "runs/xor/loss.svg")
    resumed = run("train", "xor.net", "--epochs", "4", "--seed", "1", "--resume", "runs/xor")
    assert resumed.returncode == 0, resumed.stderr
    assert sum(line.startswith("epoch ") for line in resumed.stdout.splitlines()) == 1


def test_a_script_finds_the_run_that_it_was_trained_in(folder: Path) -> None:
    several = XOR.replace("Xor", "DeepXor") + "\nnet Other { input x: real[4]; dense(2) }\n"
    several = several.replace("train {", "train long for DeepXor {")
    short = several[several.index("train long") : several.index("\nnet Other")]
    several += short.replace("long", "short")
    Path("one_net.net").write_text(XOR, encoding="utf-8")
    Path("more.net").write_text(several, encoding="utf-8")
    for options, where in {
        ("one_net.net",): "runs/one_net/one_net.py",
        ("more.net", "--train", "short"): "runs/more_deep_xor_short/more_deep_xor.py",
    }.items():
        assert run("train", *options, "--epochs", "1").returncode == 0
        written = subprocess.run(
            [sys.executable, where, "--help"], capture_output=True, text=True, timeout=120
        )
        assert f"({Path(where).parent.as_posix()})" in "".join(written.stdout.split())


def test_the_exit_status_of_the_script_is_passed_on() -> None:
    result = run("train", "xor.net", "--resume", "nowhere")
    assert result.returncode == 1
    assert "nowhere" in result.stderr and "Traceback" not in result.stderr
    result = run("train", "xor.net", "--data", "x", "--epochs", "1")
    assert result.returncode == 2


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_that_cannot_be_resumed_is_left_alone(folder: Path) -> None:
    assert specc("train", "xor.net", "--resume", "nowhere").status == 1
    assert not (folder / "nowhere").exists()
    text = (folder / "xor.net").read_text(encoding="utf-8")
    (folder / "xor.net").write_text(text.replace("epochs 2", "epochs 2\n  seed 7"), "utf-8")
    assert run("train", "xor.net", "--epochs", "1", "--seed", "0").returncode == 0
    again = run("train", "xor.net", "--resume", "runs/xor", "--seed", "0")
    assert again.returncode == 0, again.stderr
    before = files(folder / "runs/xor")
    other = (folder / "xor.net").read_text(encoding="utf-8").replace("dense(8)", "dense(9)")
    for name in ("xor", "other"):
        (folder / "b").mkdir(exist_ok=True)
        (folder / f"b/{name}.net").write_text(other, encoding="utf-8")
        refused = specc("train", f"b/{name}.net", "--resume", "runs/xor")
        assert refused.status == 1
        assert "of another network: 'dense1.weight' is [8, 2], `Xor` needs [9, 2]" in refused.err
        assert files(folder / "runs/xor") == before
    for content in (b"", b"{}", b"\x02" + bytes(7) + b"[]", b"\x02" + bytes(7) + b"{]"):
        (folder / "runs/xor/checkpoint.safetensors").write_bytes(content)
        assert "is damaged" in specc("train", "xor.net", "--resume", "runs/xor").err


@pytest.mark.parametrize("target", ["numpy", "pytorch"])
def test_a_run_of_another_optimizer_or_target_is_left_alone(
    target: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each optimizer keeps is shown by its own script, which goes on with nothing else."""

    def run_here(command: list[str]) -> int:  # PyTorch takes seconds to start
        monkeypatch.setattr("sys.argv", command[1:])
        runpy.run_path(command[1], run_name="__main__")
        return 0

    monkeypatch.setattr("specc.commands.train._run", run_here)
    lines = [*(f"{name}(0.1)" for name in choices("optimizer")), "momentum(0.1, gamma=0)"]
    for place, line in enumerate(lines):
        text = XOR.replace("adam(lr=0.01)", line)
        (folder / f"{place}.net").write_text(text, encoding="utf-8")
        for more in ((), ("--resume", f"runs/{place}", "--epochs", "3")):
            assert specc("train", f"{place}.net", "--target", target, *more).status == 0, line
    before = files(folder)
    place = lines.index("adam(0.1)")
    for other, line in enumerate(lines):
        if other != place:
            refused = specc(
                "train", f"{other}.net", "--target", target, "--resume", f"runs/{place}"
            )
            assert "is of another optimizer, target or network: it has" in refused.err, line
    turned = "numpy" if target == "pytorch" else "pytorch"
    refused = specc("train", f"{place}.net", "--target", turned, "--resume", f"runs/{place}")
    assert "is of another optimizer, target or network: it has" in refused.err
    assert files(folder) == before


def test_train_with_pytorch(folder: Path) -> None:
    result = run("train", "xor.net", "--epochs", "2", "--target", "pytorch", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert "import torch" in (folder / "runs/xor/xor.py").read_text(encoding="utf-8")
    assert "runs/xor/loss.svg" in result.stdout


def test_train_without_pytorch(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("specc.commands.train.find_spec", lambda name: None)
    result = specc("train", "xor.net", "--target", "pytorch")
    assert result.status == 1
    assert result.err.startswith("error: PyTorch is not installed\n  = help: `pip install torch`")
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("option", ["--amp", "--compile", "--device=cpu"])
def test_options_of_pytorch_need_it(option: str, folder: Path) -> None:
    result = specc("train", "xor.net", option)
    assert result.status == 2
    name = option.split("=")[0]
    assert result.err.startswith(f"error: `{name}` needs `--target pytorch`")


def test_train_needs_a_section() -> None:
    assert "E0510" in specc("train", "tiny.net").err
    assert not Path("runs").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_training_can_be_interrupted(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)}
    with subprocess.Popen(
        [sys.executable, "-m", "specc", "train", "xor.net", "--epochs", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch "):
                break
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert (folder / "runs/xor/loss.svg").is_file()
