"""Generated files: templates; in NumPy, optimizers, the frame of a network, scores."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runtime_nets import NET
from runtime_parts import (
    ACCURACY,
    CHOICES,
    CONTEXTS,
    EVERYTHING,
    TARGETS,
    frame,
    load,
    part,
    render,
    script,
)

from specc.rendering import variables
from specc.resources import resource

# Templates


def folders(name: str) -> list[str]:
    """Return the folders that have a template of this name."""
    root = resource("templates")
    found = [f for f in ("common", *TARGETS) if (root / f / f"{name}.py.j2").exists()]
    assert found
    return found


@pytest.mark.parametrize("name", CONTEXTS)
def test_the_head_of_a_template_describes_its_context(name: str) -> None:
    used: set[str] = set()
    for folder in folders(name):
        text = resource("templates", folder, f"{name}.py.j2").read_text(encoding="utf-8")
        taken = variables("numpy" if folder == "common" else folder, name)
        head = text.split("#}")[0]
        assert all(re.search(rf"\b{key}\b", head) for key in taken)
        used |= taken
    assert used <= set(CONTEXTS[name])
    assert used == set(CONTEXTS[name]) or set(CHOICES) <= set(CONTEXTS[name])


def test_there_is_a_sample_context_for_every_template() -> None:
    names = {
        f"{kind}/{path.name[:-6]}"
        for folder in ("common", *TARGETS)
        for kind in ("train", "data")
        for path in (resource("templates") / folder / kind).glob("*.py.j2")
    }
    assert names | {"network", "safetensors"} == set(CONTEXTS)


def with_init(kind: str, target: str) -> str:
    """Return a script with another `init`."""
    return script(target=target, init={"kind": kind, "size": 0.5})


VARIANTS: dict[str, Callable[..., str]] = {
    "plain": script,
    "everything": partial(script, **EVERYTHING),
    "stacked": partial(script, stacked=True),
    "penalty": partial(script, extras=("l2",), choices={"penalty": True}),
    "clip": partial(script, extras=("clip",), choices={"clip": True}),
    "explicit": partial(script, choices={"explicit": True}),
    "sgd": partial(script, optimizer="sgd"),
    "momentum": partial(script, optimizer="momentum"),
    "run": partial(script, loop={"runs": True}),
    **{kind: partial(with_init, kind) for kind in ("xavier", "he", "normal", "uniform")},
    "npz": partial(script, data=part("data/npz")),
    "npz symbolic": partial(
        script,
        data=part(
            "data/npz",
            files=("a.npz",),
            fields=(
                {"name": "image", "shape": ["T", 3], "classes": None},
                {"name": "digit", "shape": ["T"], "classes": 10},
            ),
        ),
        choices={"test": False},
    ),
    "csv": partial(script, data=part("data/csv"), choices={"test": False}),
    "csv labels": partial(script, data=part("data/csv", classes=3, files=("a", "b"))),
    "separable": partial(
        script, data=part("data/separable"), loop={"folder": False}, command={"folder": None}
    ),
    "xor": partial(
        script,
        data=part("data/xor", label=False),
        choices={"test": False},
        loop={"folder": False},
        command={"folder": None},
        metrics=(
            {**ACCURACY, "form": "binary", "axis": None},
            {**ACCURACY, "name": "mae", "form": None},
            {**ACCURACY, "name": "rmse", "form": None, "output": 0},
        ),
    ),
}


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("variants")
    for name, write in VARIANTS.items():
        for target in TARGETS:
            path = folder / f"{name.replace(' ', '_')}_{target}.py"
            path.write_text(write(target=target), encoding="utf-8")
    return folder


def test_generated_files_are_linted_and_formatted(variants: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--isolated", "--line-length", "100"]
    lint = [*ruff, "check", *rules, "--select", "E,F,I,B,UP,SIM,RUF", "--ignore", "B023", "."]
    for command in (lint, [*ruff, "format", *rules, "--diff", "."]):
        done = subprocess.run(command, cwd=variants, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# Optimizers, schedule, penalty, clipping


def flat(size: int, dtype: Any = np.float64) -> types.SimpleNamespace:
    """Return something that has vectors, as a network has."""
    values: Any = np.random.default_rng(0).normal(size=size).astype(dtype)
    return types.SimpleNamespace(
        values=values, gradients=np.zeros(size, dtype), penalised=size // 2
    )


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("SGD", lambda w, lr: torch.optim.SGD([w], lr=lr)),
        ("Momentum", lambda w, lr: torch.optim.SGD([w], lr=lr, momentum=0.9)),
        ("Adam", lambda w, lr: torch.optim.Adam([w], lr=lr)),
    ],
)
def test_optimizers_equal_those_of_pytorch(name: str, made: Callable[..., Any]) -> None:
    net = flat(40_000)
    ours = vars(load(part("train/chunks"), part(f"train/{name.lower()}")))[name](net)
    weights = torch.tensor(net.values.copy(), requires_grad=True)
    theirs = made(weights, 0.01)
    rng = np.random.default_rng(1)
    for step in range(20):
        rate = 0.01 if step < 10 else 0.003
        net.gradients[:] = rng.normal(size=net.values.size) * 10.0 ** rng.integers(-6, 3)
        weights.grad = torch.tensor(net.gradients)
        theirs.param_groups[0]["lr"] = rate
        ours.step(rate)
        theirs.step()
    np.testing.assert_allclose(net.values, weights.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["SGD", "Momentum", "Adam"])
def test_optimizers_stay_in_float32(name: str) -> None:
    net = flat(20_000, np.float32)
    optimizer = vars(load(part("train/chunks"), part(f"train/{name.lower()}")))[name](net)
    net.gradients[:] = 1
    optimizer.step(0.1)
    assert net.values.dtype == np.float32
    large = [array for array in optimizer.state().values() if array.size > 2]
    assert all(array.dtype == np.float32 for array in large)


def test_piecewise_rates_count_epochs_from_0() -> None:
    rate = load(part("train/piecewise")).learning_rate
    assert [rate(epoch) for epoch in range(5)] == [0.002, 0.002, 0.002, 0.001, 0.001]


def test_the_penalty_is_for_weights_only() -> None:
    net = flat(50_000)
    load(part("train/chunks"), part("train/l2")).add_penalty(net)
    np.testing.assert_allclose(net.gradients[:25_000], 1e-4 * net.values[:25_000], rtol=1e-15)
    assert not net.gradients[25_000:].any()


def test_clipping_shortens_long_gradients_only() -> None:
    clip = load(part("train/clip")).clip
    short, long = np.full(4, 2.0), np.full(4, 10.0)
    clip(short)
    clip(long)
    np.testing.assert_array_equal(short, 2)
    np.testing.assert_allclose(long, 2.5, rtol=1e-15)


def test_clipping_shortens_gradients_whose_squares_overflow() -> None:
    long = np.full(4, 1e38, np.float32)
    with np.errstate(over="ignore"):  # as a script has it
        load(part("train/clip")).clip(long)
    np.testing.assert_allclose(long, 2.5, rtol=1e-6)


# The network


def test_parameters_are_views_of_one_aligned_vector() -> None:
    net = load(*frame(penalty=True), NET).Net()
    assert net.values.ctypes.data % 64 == 0
    assert net.gradients.ctypes.data % 64 == 0
    assert net.values.size == 12 * 10 + 10 + 10 * 10 + 10
    assert net.penalised == 220
    names = ["affine1.weight", "affine1.bias", "affine2.weight", "affine2.bias"]
    assert list(net.parameters()) == names
    assert net.parameters()["affine1.weight"].shape == (10, 12)
    net.parameters()["affine2.bias"][...] = 7
    assert (net.values[-10:] == 7).all()
    assert all(np.shares_memory(view, net.gradients) for view in net.public_gradients.values())


@pytest.mark.parametrize(
    ("kind", "size", "bound", "spread"),
    [
        ("default", None, 1 / math.sqrt(12), 1 / 6),
        ("xavier", 2.0, 2 * math.sqrt(6 / 22), 2 * math.sqrt(2 / 22)),
        ("he", None, 5 * math.sqrt(2 / 12), math.sqrt(2 / 12)),
        ("normal", 0.01, 0.05, 0.01),
        ("uniform", 0.3, 0.3, 0.3 / math.sqrt(3)),
    ],
)
def test_initial_weights(kind: str, size: float | None, bound: float, spread: float) -> None:
    defined = load(*frame(init={"kind": kind, "size": size}), NET)
    nets = [defined.Net(seed) for seed in range(100)]
    weights = np.stack([net.parameters()["affine1.weight"] for net in nets])
    biases = np.stack([net.parameters()["affine1.bias"] for net in nets])
    assert np.abs(weights).max() <= bound
    assert weights.mean() == pytest.approx(0, abs=0.05 * spread)
    assert weights.std() == pytest.approx(spread, rel=0.02)
    assert biases.any() == (kind == "default")
    np.testing.assert_array_equal(defined.Net(3).values, nets[3].values)
    assert (nets[0].values != nets[1].values).any()


def test_xavier_counts_windows_and_groups_as_pytorch_does() -> None:
    layer = """
class Grouped(Network):
    def __init__(self):
        self.weight = Parameter((5, 3, 4, 16), fan_in=5 * 3 * 4, axes=(3, 2, 0, 1))
        self.slope = Parameter((2,), fill=0.25, decay=False)
        self.prepare(0, np.float64)
"""
    net = load(*frame(init={"kind": "xavier", "size": 1.0}), layer).Grouped()
    weight = torch.nn.Conv2d(8, 16, (5, 3), groups=2).weight
    fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(weight)
    bound = math.sqrt(6 / (fan_in + fan_out))
    assert 0.98 * bound < np.abs(net.parameters()["weight"]).max() <= bound
    np.testing.assert_array_equal(net.parameters()["slope"], 0.25)


def test_predict_goes_in_batches_and_astype_keeps_the_numbers() -> None:
    net = load(*frame(), NET).Net()
    image = np.random.default_rng(0).random((7, 1, 4, 3), dtype=np.float32)
    np.testing.assert_allclose(net.predict(image, batch=3), net.forward(image), rtol=1e-5)
    before = net.values.copy()
    assert net.astype(np.float64).values.dtype == np.float64
    np.testing.assert_array_equal(net.values, before)
    assert net.forward(image.astype(np.float64)).dtype == np.float64
    assert net.parameters()["affine1.bias"].dtype == np.float64


# Scores


class Echo:
    """A network whose output is its input."""

    def predict(self, x: np.ndarray, batch: int) -> Any:
        return (x, x) if x.dtype == np.float64 else x

    def loss(self, x: np.ndarray, y: np.ndarray, training: bool) -> float:
        assert not training
        return float(x.mean())


def evaluate(x: Any, y: Any, batch: int = 2, **metric: Any) -> dict[str, float]:
    """Score an `Echo`."""
    metric = {"form": None, "axis": None, "output": None, "target": "y", "lengths": None} | metric
    text = part("train/evaluate", inputs=["x"], metrics=(metric,))
    data = {"x": np.asarray(x), "y": np.asarray(y)}
    return load(render("train/batches", padded={}), text).evaluate(Echo(), data, batch)  # type: ignore[no-any-return]


def test_metrics() -> None:
    accuracy: dict[str, Any] = {"name": "accuracy", "form": "classes", "axis": 1}
    logits = np.array([[1, 2, 0], [3, 2, 0], [0, 0, 1]], np.float32)
    assert evaluate(logits, [1, 1, 2], **accuracy) == {"accuracy": pytest.approx(2 / 3)}
    pixels = np.zeros((2, 3, 4, 4), np.float32)
    pixels[:, 1] = 1
    assert evaluate(pixels, np.ones((2, 4, 4), int), **accuracy) == {"accuracy": 1}
    accuracy["axis"] = -1
    assert evaluate(logits[None], [[1, 1, 2]], **accuracy) == {"accuracy": pytest.approx(2 / 3)}
    binary: dict[str, Any] = {"name": "accuracy", "form": "binary"}
    one = np.array([[1], [-1], [-2]], np.float32)
    assert evaluate(one, [1, 0, 1], **binary) == {"accuracy": pytest.approx(2 / 3)}
    assert evaluate(one, [[1.0], [0.0], [1.0]], **binary) == {"accuracy": pytest.approx(2 / 3)}
    assert evaluate(one, one + 3, name="mae") == {"mae": 3}
    assert evaluate(one, one - 3, name="rmse") == {"rmse": 3}
    assert evaluate(one.astype(float), one + 1, name="mae", output=1) == {"mae": 1}
    assert evaluate(one, one, name="loss", target=None) == {"loss": pytest.approx(-2 / 3)}
