"""The shipped specs: they compile, their gradients are right, their sizes are the originals', and
they train."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compiled import Compiled, compile_file, compile_text, directional_error, worst
from test_networks import DIGITS, FAMILIES
from torch import nn

from specc.diagnostics import Diagnostics
from specc.graph import count_parameters
from specc.options import Options
from specc.pipeline import analyse, generate, load
from specc.resources import resource
from specc.small import small_settings
from specc.types import Content

SPECS = sorted(resource("specs").glob("*.net"), key=lambda path: path.name)
NETS = [path for path in SPECS if analyse(load(path), Diagnostics())]

BOOK_CNN = (25 * 32 + 32) + (32 * 25 * 64 + 64) + (7 * 7 * 64 * 512 + 512) + (512 * 10 + 10)
PARAMETERS = {
    "book_cnn": BOOK_CNN,
    "book_cnn_bn": BOOK_CNN + 2 * (32 + 64),
    "lenet": 61_706,
    "linear_regression": 2 + 1,
    "mlp": (784 * 512 + 512) + (512 * 10 + 10),
    "perceptron": 3 + 1,
    "softmax_regression": 7_850,
    "xor": (2 * 8 + 8) + (8 + 1),
    "sines_rnn": (30 + 900 + 60) + 2 * (2 * 900 + 60) + 31,
    "bptt": 2,
    **DIGITS,
}
"""How many numbers each network learns, counted by hand; for the large ones see
`test_networks.py`."""
SEQUENCES = {
    "char_rnn": 256 * (28 + 256 + 2) + 28 * 257,
    "char_lstm": 1024 * (28 + 256 + 2) + 1024 * (256 + 256 + 2) + 28 * 257,
    "char_gru": 768 * (28 + 256 + 2) + 28 * 257,
    "index_lstm": 512 * (3 + 128 + 2) + 2 * 512 * (128 + 128 + 2) + 20 * 129,
    "sentiment_gru": 96 * (50 + 32 + 2) + 2 * 96 * (32 + 32 + 2) + 2 * 33,
    "sentiment_gru_dropout": 96 * (50 + 32 + 2) + 2 * 96 * (32 + 32 + 2) + 2 * 33,
    "sentiment_bigru": 2 * (96 * (50 + 32 + 2) + 2 * 96 * (32 + 32 + 2)) + 2 * 193,
    "text_cnn": 20_000 * 50 + 100 * (50 * (3 + 4 + 5) + 3) + 2 * 301,
}
"""The same of those over texts and series, at full size."""


def small(path: Path) -> list[str]:
    """The settings at which a large spec is small."""
    return [f"{name}={value}" for name, value in small_settings(path).items()]


@pytest.fixture(scope="module", params=NETS, ids=lambda path: path.stem)
def spec(request: pytest.FixtureRequest) -> tuple[Path, Compiled]:
    """A shipped spec and its network, at a small size."""
    return request.param, compile_file(request.param, small(request.param), sizes={"T": 7})


# ---------------------------------------------------------------- what they are


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_no_diagnostics(path: Path) -> None:
    """Neither errors nor warnings, the library's files included."""
    diagnostics = Diagnostics()
    analyse(load(path), diagnostics)
    assert list(diagnostics) == []


def test_every_spec_is_counted_by_hand() -> None:
    assert {path.stem for path in NETS} == PARAMETERS.keys() | SEQUENCES.keys() | FAMILIES
    assert {path.stem for path in NETS if small(path)} == SEQUENCES.keys() | FAMILIES


def test_as_many_parameters_as_counted_by_hand(spec: tuple[Path, Compiled]) -> None:
    path, compiled = spec
    size = compiled.net.values.size
    assert size == PARAMETERS.get(path.stem, size)
    assert size == sum(array.size for array in compiled.net.parameters().values())
    assert f"{size:,} parameters" in compiled.text


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_have_as_many_parameters_as_counted_by_hand(name: str) -> None:
    (shaped,) = analyse(load(resource("specs", f"{name}.net")), Diagnostics()).values()
    assert count_parameters(shaped.function) == SEQUENCES[name]


def test_gradients_are_finite_differences(spec: tuple[Path, Compiled]) -> None:
    """Five random directions, at a small batch, with gradients of the inputs left out."""
    _, compiled = spec
    assert directional_error(compiled, compiled.batch(3)) < 1e-6


def test_gradients_with_other_settings() -> None:
    """Dropout, more classes, other widths."""
    for name, settings in (
        ("mlp", ["drop=0.5", "units=20"]),
        ("lenet", ["classes=12"]),
        ("xor", ["units=2"]),
    ):
        compiled = compile_file(resource("specs", f"{name}.net"), settings, input_gradients=True)
        assert directional_error(compiled, compiled.batch(2)) < 1e-6, name


def test_gradients_of_inputs_change_nothing_else(spec: tuple[Path, Compiled]) -> None:
    """The file that prunes them has the same gradients of parameters."""
    path, compiled = spec
    full = compile_file(path, small(path), input_gradients=True, sizes={"T": 7})
    batch = compiled.batch(3)
    found, wanted = compiled.gradients(batch), full.gradients(batch)
    tensors = compiled.shaped.inputs.values()
    inputs = {tensor.name for tensor in tensors if tensor.type.content is Content.REAL}
    assert wanted.keys() - found.keys() == inputs
    assert worst(found, {name: wanted[name] for name in found}) < 1e-12


def test_a_spec_of_ones_own_has_no_small_settings(tmp_path: Path) -> None:
    """Also where it has the name of one that ships."""
    assert small_settings(resource("specs", "vgg.net"))
    assert small_settings(tmp_path / "vgg.net") == {}


# ---------------------------------------------------------------- the same in PyTorch


class LeNet(nn.Module):
    """The network of `lenet.net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.dense1, self.dense2 = nn.Linear(400, 120), nn.Linear(120, 84)
        self.dense3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(self.conv1(x).sigmoid(), 2)
        x = nn.functional.max_pool2d(self.conv2(x).sigmoid(), 2)
        x = self.dense1(x.flatten(1)).sigmoid()
        return self.dense3(self.dense2(x).sigmoid())


class BookCNN(nn.Module):
    """The network of `book_cnn.net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5, padding=2), nn.Conv2d(32, 64, 5, padding=2)
        self.dense1, self.dense2 = nn.Linear(3136, 512), nn.Linear(512, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(self.conv1(x).relu(), 2)
        x = nn.functional.max_pool2d(self.conv2(x).relu(), 2)
        return self.dense2(self.dense1(x.flatten(1)).relu())


class MLP(nn.Module):
    """The network of `mlp.net`."""

    def __init__(self) -> None:
        super().__init__()
        self.dense1, self.dense2 = nn.Linear(784, 512), nn.Linear(512, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense2(self.dense1(x.flatten(1)).relu())


class SoftmaxRegression(nn.Module):
    """The network of `softmax_regression.net`."""

    def __init__(self) -> None:
        super().__init__()
        self.dense1 = nn.Linear(784, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense1(x.flatten(1))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("book_cnn", BookCNN),
        ("lenet", LeNet),
        ("mlp", MLP),
        ("softmax_regression", SoftmaxRegression),
    ],
)
def test_weights_load_into_pytorch(name: str, kind: type[nn.Module], tmp_path: Path) -> None:
    """Saved weights have PyTorch's names and layouts: outputs and gradients are the same."""
    from safetensors.torch import load_file

    compiled = compile_file(resource("specs", f"{name}.net"))
    compiled.net.save(tmp_path / "weights.safetensors")
    module = kind().double()
    module.load_state_dict(load_file(tmp_path / "weights.safetensors"), strict=True)
    batch = compiled.batch(4)
    logits = module(torch.tensor(batch["image"]))
    np.testing.assert_allclose(
        compiled.net.forward(batch["image"]), logits.detach().numpy(), rtol=1e-9, atol=1e-12
    )
    nn.functional.cross_entropy(logits, torch.tensor(batch["digit"])).backward()
    wanted = {n: p.grad.numpy() for n, p in module.named_parameters() if p.grad is not None}
    assert worst(compiled.gradients(batch), wanted) < 1e-9


def test_weights_start_as_pytorchs() -> None:
    """Without an `init` setting: U(±1/sqrt(fan_in)), in weights and biases."""
    net: Any = compile_text(
        "net N {\n input x: real[8, 9, 9]\n target t: real[50]\n"
        " conv(60, 3) -> flatten -> dense(50)\n loss mse\n}"
    ).net
    for name, fan_in in (("conv1", 8 * 9), ("dense1", 60 * 7 * 7)):
        weight, bias = net.parameters()[f"{name}.weight"], net.parameters()[f"{name}.bias"]
        bound = fan_in**-0.5
        assert max(abs(weight).max(), abs(bias).max()) <= bound * (1 + 1e-6)
        assert weight.std() == pytest.approx(bound / 3**0.5, rel=0.05)
        assert abs(bias).max() > 0.8 * bound


# ---------------------------------------------------------------- they train


def run(path: Path, tmp_path: Path, *arguments: str) -> list[dict[str, str]]:
    """Compile a spec, run the file, and return the history that it wrote."""
    tmp_path.mkdir(exist_ok=True)
    script = tmp_path / f"{path.stem}.py"
    script.write_text(
        generate(load(path), Options(), output=script, diagnostics=Diagnostics()).text, "utf-8"
    )
    out = tmp_path / "run"
    command = [sys.executable, "-W", "error", str(script), "--out", str(out), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (out / "weights.safetensors").exists()
    with open(out / "history.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def last(history: list[dict[str, str]], score: str) -> float:
    """The score after the last epoch."""
    (name,) = (key for key in history[-1] if key.endswith(score))
    return float(history[-1][name])


@pytest.mark.parametrize("seed", [0, 1])
def test_small_specs_learn(seed: int, tmp_path: Path) -> None:
    """As scripts of their own, in seconds."""
    specs = {name: resource("specs", f"{name}.net") for name in PARAMETERS}
    options = ("--seed", str(seed))
    assert last(run(specs["xor"], tmp_path / "x", *options), "accuracy") == 1
    assert last(run(specs["perceptron"], tmp_path / "p", *options), "accuracy") >= 0.95
    assert last(run(specs["linear_regression"], tmp_path / "l", *options), "rmse") < 0.2


def test_lenet_learns_in_an_epoch_on_a_slice(tmp_path: Path) -> None:
    """1,000 digits, in a folder of their own, plain instead of packed."""
    folder = resource("specs", "data", "mnist")
    for part, count in (("train", 1000), ("t10k", 200)):
        for kind, head, item in (("images-idx3", 16, 784), ("labels-idx1", 8, 1)):
            name = f"{part}-{kind}-ubyte"
            data = gzip.decompress((folder / f"{name}.gz").read_bytes())
            header = data[:4] + count.to_bytes(4, "big") + data[8:head]
            (tmp_path / name).write_bytes(header + data[head : head + count * item])
    history = run(
        resource("specs", "lenet.net"), tmp_path, "--data", str(tmp_path), "--epochs", "2"
    )
    losses = [float(row["loss"]) for row in history]
    assert losses[1] < losses[0] < 3
    assert len(history) == 2
