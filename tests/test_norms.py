"""Normalisation: running statistics, buffers in files and types, and numbers against PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compiled import Compiled, compile_text, directional_error, errors, worst
from safetensors.numpy import load_file, save_file
from torch import nn

from specc import ownership

SHAPES = [(5,), (4, 3), (3, 4, 2)]
"""Features, a sequence, an image."""


def net_of(flow: str, shape: tuple[int, ...], **more: Any) -> Compiled:
    """A net of a flow from one input to a target of the same shape."""
    declared = f"input x: real{list(shape)}\n target t: real{list(shape)}"
    return compile_text(f"net N {{\n {declared}\n {flow}\n loss mse\n}}\n", **more)


def torch_norm(shape: tuple[int, ...], momentum: float = 0.9, eps: float = 1e-5) -> nn.Module:
    """PyTorch's batch normalisation for such tensors, in float64."""
    kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
    features = shape[0] if len(shape) == 3 else shape[-1]
    return kind(features, eps=eps, momentum=1 - momentum).double()


def apply(norm: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The module on features, a sequence or an image."""
    y: torch.Tensor = norm(x.transpose(1, 2)).transpose(1, 2) if x.dim() == 3 else norm(x)
    return y


def random(n: int, shape: tuple[int, ...], seed: int) -> Any:
    """A batch whose channels have different means and spreads."""
    rng = np.random.default_rng(seed)
    axis = [1] * len(shape)
    axis[0 if len(shape) == 3 else -1] = -1
    features = shape[0] if len(shape) == 3 else shape[-1]
    mean, spread = rng.normal(size=features) * 3, rng.uniform(0.1, 4, features)
    return rng.normal(size=(n, *shape)) * spread.reshape(axis) + mean.reshape(axis)


# ---------------------------------------------------------------- running statistics


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("momentum", "eps"), [(0.9, 1e-5), (0.95, 1e-8), (0, 0.1)])
def test_running_statistics_are_pytorchs(
    shape: tuple[int, ...], momentum: float, eps: float
) -> None:
    """Over steps with batches of several sizes; evaluation uses them and changes nothing."""
    compiled = net_of(f"batchnorm({momentum}, eps={eps})", shape)
    norm = torch_norm(shape, momentum, eps)
    net = compiled.net
    for step, n in enumerate((6, 2, 9)):
        x = random(n, shape, seed=step)
        net.loss(x, np.zeros_like(x))
        net.backward()
        apply(norm.train(), torch.tensor(x))
        for name, array in net.buffers().items():
            wanted = getattr(norm, name.removeprefix("batchnorm1.")).numpy()
            np.testing.assert_allclose(array, wanted, rtol=1e-12, atol=1e-13)
    before = {name: array.copy() for name, array in net.buffers().items()}
    x = random(4, shape, seed=9)
    wanted = apply(norm.eval(), torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(net.forward(x), wanted, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(net.predict(x, batch=1), wanted, rtol=1e-12, atol=1e-12)
    assert net.loss(x, wanted, training=False) < 1e-24
    assert all(np.array_equal(array, before[name]) for name, array in net.buffers().items())


def test_a_shared_layer_moves_them_at_every_call() -> None:
    compiled = compile_text(
        "net N {\n input x: real[5], z: real[5]\n target t: real[5]\n"
        " shared norm = batchnorm(0.8)\n from x -> norm as a\n from z -> norm as b\n"
        " from a, b -> multiply\n loss mse\n}",
        input_gradients=True,
    )
    norm = torch_norm((5,), 0.8)
    x, z, t = (random(6, (5,), seed) for seed in range(3))
    found = compiled.gradients({"x": x, "z": z, "t": t})
    inputs = {"x": torch.tensor(x).requires_grad_(), "z": torch.tensor(z).requires_grad_()}
    learned = {f"norm.{name}": p for name, p in norm.named_parameters()}
    loss = nn.functional.mse_loss(norm(inputs["x"]) * norm(inputs["z"]), torch.tensor(t))
    gradients = torch.autograd.grad(loss, [*inputs.values(), *learned.values()])
    wanted = {n: g.numpy() for n, g in zip([*inputs, *learned], gradients, strict=True)}
    assert worst(found, wanted) < 1e-9, errors(found, wanted)
    for name in ("running_mean", "running_var"):
        moved = compiled.net.buffers()[f"norm.{name}"]
        np.testing.assert_allclose(moved, getattr(norm, name).numpy(), rtol=1e-12)


def test_a_batch_of_one_vector_is_refused() -> None:
    """As in PyTorch: it has no variance. Nothing is changed by the attempt."""
    compiled = net_of("dense(5) -> batchnorm", (5,))
    x = np.ones((1, 5))
    with pytest.raises(ValueError, match="needs 2 examples or more to train, gets 1"):
        compiled.net.loss(x, x)
    buffers = compiled.net.buffers()
    assert not buffers["batchnorm1.running_mean"].any()
    assert np.isfinite(compiled.net.loss(x, x, training=False))
    image = net_of("batchnorm", (3, 4, 2))
    assert np.isfinite(image.net.loss(np.ones((1, 3, 4, 2)), np.ones((1, 3, 4, 2))))


# ---------------------------------------------------------------- gradients in a network

NETS = {
    "convolution": "conv(6, 3, pad=1, bias=false) -> batchnorm -> relu\n"
    " conv(3, 3, pad=1) -> batchnorm(0.5, eps=1e-3) -> tanh",
    "residual": "add { path { conv(3, 3, pad=1) -> batchnorm } path {} } -> relu",
    "paths": "add { path { batchnorm } path { batchnorm -> relu } path {} }",
    "dense layer": "concat { path {} path { batchnorm -> relu -> conv(2, 3, pad=1) } }\n"
    " batchnorm -> conv(3, 1)",
    "layers": "layernorm -> conv(3, 3, pad=1) -> layernorm(1e-2) -> relu -> batchnorm",
    "pooled": "batchnorm -> maxpool(2, stride=1, pad=1) -> conv(3, [4, 2]) -> layernorm\n"
    " global_avgpool -> batchnorm -> dense(24) -> batchnorm -> reshape([3, 4, 2])",
}


@pytest.mark.parametrize("flow", NETS.values(), ids=NETS)
@pytest.mark.parametrize("input_gradients", [False, True])
def test_gradients_are_finite_differences(flow: str, input_gradients: bool) -> None:
    """Also where a gradient that `batchnorm` may overwrite has other uses."""
    compiled = net_of(flow, (3, 4, 2), input_gradients=input_gradients)
    batch = {"x": random(5, (3, 4, 2), 1), "t": random(5, (3, 4, 2), 2)}
    assert directional_error(compiled, batch) < 1e-6


def test_a_gradient_is_overwritten_where_nobody_needs_it() -> None:
    """That saves an array; a wrong choice would be a wrong gradient."""
    alone = net_of("conv(3, 1) -> batchnorm -> relu", (3, 4, 2)).text
    assert "self.batchnorm1.backward(d_batchnorm1, in_place=True)" in alone
    residual = net_of("conv(3, 1) -> add { path { batchnorm } path {} }", (3, 4, 2)).text
    assert "self.batchnorm1.backward(d_add1)" in residual


def test_a_gradient_overwritten_too_early_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership._Pass, "_is_last_use", lambda *_: True)
    compiled = net_of("conv(3, 1) -> add { path {} path { batchnorm } }", (3, 4, 2))
    batch = {"x": random(5, (3, 4, 2), 1), "t": random(5, (3, 4, 2), 2)}
    assert directional_error(compiled, batch) > 1e-3


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("flow", ["batchnorm", "layernorm"])
def test_a_large_mean_does_not_cancel(flow: str) -> None:
    """In float32, numbers near 1000 with a spread of 1."""
    single = net_of(flow, (4, 8, 8), dtype=np.float32).net
    x = (1000 + np.random.default_rng(0).normal(size=(8, 4, 8, 8))).astype(np.float32)
    found = single.run(np.ascontiguousarray(x.transpose(0, 2, 3, 1)), training=True)
    wide = x.astype(np.float64)
    axes = (0, 2, 3) if flow == "batchnorm" else (1, 2, 3)
    mean, spread = wide.mean(axes, keepdims=True), wide.std(axes, keepdims=True)
    wanted = (wide - mean) / np.sqrt(spread**2 + 1e-5)
    assert np.abs(found.transpose(0, 3, 1, 2) - wanted).max() < 1e-3
    for name, array in single.buffers().items():
        exact = (
            mean.ravel() * 0.1 if "mean" in name else 0.9 + 0.1 * spread.ravel() ** 2 * 512 / 511
        )
        np.testing.assert_allclose(array, exact, rtol=1e-5)


@pytest.mark.parametrize("flow", ["batchnorm", "layernorm"])
def test_gradients_at_a_large_mean_in_float32(flow: str) -> None:
    """As those of the same numbers in float64."""
    x = (1000 + random(6, (3, 4, 2), 0)).astype(np.float32)
    t = random(6, (3, 4, 2), 1).astype(np.float32)
    single, double = (
        net_of(flow, (3, 4, 2), input_gradients=True, dtype=dtype).gradients({"x": x, "t": t})
        for dtype in (np.float32, np.float64)
    )
    assert worst(single, double) < 1e-3, errors(single, double)


def test_layernorm_of_an_image_has_a_scale_for_each_number() -> None:
    """The weight in PyTorch's layout, [channels, height, width]."""
    compiled = net_of("layernorm", (3, 4, 2))
    weight = compiled.net.parameters()["layernorm1.weight"]
    assert weight.shape == (3, 4, 2)
    weight[...] = np.random.default_rng(0).normal(size=weight.shape)
    x = random(2, (3, 4, 2), 0)
    norm = nn.LayerNorm((3, 4, 2)).double()
    norm.weight.data = torch.tensor(weight)
    np.testing.assert_allclose(compiled.net.forward(x), norm(torch.tensor(x)).detach(), rtol=1e-12)


@pytest.mark.parametrize(
    "init", ["", "init xavier", "init he", "init normal(1)", "init uniform(1)"]
)
def test_every_initialisation_starts_with_the_identity(init: str) -> None:
    """A scale of 1 and no shift, which no penalty draws to 0."""
    compiled = compile_text(
        "net N {\n input x: real[2]\n target t: real[1]\n dense(4) -> batchnorm -> layernorm\n"
        f' dense(1)\n loss mse\n}}\ntrain N {{\n data csv("a.csv", target="t")\n epochs 1\n'
        f" batch 4\n optimizer sgd(0.1)\n penalty l2(0.1)\n {init}\n}}\n"
    )
    values = compiled.numbers()
    for norm in ("batchnorm1", "layernorm1"):
        assert (values[f"{norm}.weight"] == 1).all()
        assert (values[f"{norm}.bias"] == 0).all()
    assert compiled.net.penalised == values["dense1.weight"].size + values["dense2.weight"].size


# ---------------------------------------------------------------- buffers


def trained() -> Compiled:
    """A net whose running statistics have moved."""
    compiled = net_of("dense(5) -> batchnorm -> relu -> dense(5) -> batchnorm", (5,))
    compiled.gradients({"x": random(6, (5,), 0), "t": random(6, (5,), 1)})
    return compiled


def test_files_hold_them_under_pytorchs_names(tmp_path: Path) -> None:
    compiled, path = trained(), tmp_path / "weights.safetensors"
    compiled.net.save(path)
    arrays = load_file(path)
    names = ("weight", "bias", "running_mean", "running_var")
    assert {n for n in arrays if "norm" in n} == {
        f"batchnorm{i}.{n}" for i in (1, 2) for n in names
    }
    other = type(compiled.net)(seed=5, dtype=np.float64)
    other.load(path)
    x = random(3, (5,), 2)
    assert np.array_equal(other.forward(x), compiled.net.forward(x))
    del arrays["batchnorm2.running_var"]
    save_file(arrays, path)
    with pytest.raises(ValueError, match=r"batchnorm2\.running_var"):
        other.load(path)


def test_another_type_of_numbers_keeps_them() -> None:
    net = trained().net
    before = {name: array.copy() for name, array in net.buffers().items()}
    single = net.astype(np.float32).buffers()
    assert single.keys() == before.keys()
    for name, array in single.items():
        assert array.dtype == np.float32
        assert np.array_equal(array, before[name].astype(np.float32))
    assert all(array.dtype == np.float64 for array in net.astype(np.float64).buffers().values())


def test_a_net_without_them_has_no_code_for_them() -> None:
    text = net_of("dense(5) -> layernorm", (5,)).text
    assert "statistics" not in text.replace("running statistics", "")
    assert "return {}" in text


def test_a_resumed_run_goes_on_with_them(tmp_path: Path) -> None:
    """The statistics are part of a checkpoint, so the run equals an uninterrupted one."""
    rng = np.random.default_rng(0)
    rows = [",".join(f"{number:.4f}" for number in row) for row in rng.normal(size=(41, 3))]
    (tmp_path / "a.csv").write_text("a,b,t\n" + "\n".join(rows) + "\n")
    text = (
        "net N {\n input x: real[2]\n target t: real[1]\n dense(4) -> batchnorm -> relu\n"
        ' dense(1)\n loss mse\n}\ntrain N {\n data csv("a.csv", target="t")\n epochs 4\n'
        " batch 8\n optimizer sgd(0.1)\n}\n"
    )
    code = compile_text(text).text
    (tmp_path / "n.py").write_text(code, "utf-8")

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "n.py", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    last_batch_of_one = run("--out", "whole")
    assert last_batch_of_one.stderr == (
        "n.py: error: batch normalisation needs 2 examples or more to train, gets 1\n"
    )
    for options in (
        ("--out", "whole"),
        ("--out", "parts", "--epochs", "2"),
        ("--resume", "parts", "--epochs", "4"),
    ):
        assert run("--batch", "9", *options).stderr == ""
    whole, parts = (
        load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "parts")
    )
    assert whole["batchnorm1.running_var"].any()
    assert all(np.array_equal(array, parts[name]) for name, array in whole.items())
