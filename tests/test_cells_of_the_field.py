"""The cells of `tests/cells`: against the layers of PyTorch and of the language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cell_nets import compiled_way
from compiled import Compiled, check_differences, compile_file, worst
from pytorch_files import FORMS, check_same, pytorch_code

CELLS = Path(__file__).parent / "cells"
NAMES = sorted(path.stem for path in CELLS.glob("*.net"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n", "steps", "units"), [(3, 5, 3), (1, 1, 1), (2, 3, 1)])
def test_cells_of_the_field(name: str, n: int, steps: int, units: int) -> None:
    compiled = compiled_cell(name, steps, units)
    batch = compiled.batch(n)
    check_differences(compiled, batch)


def compiled_cell(name: str, steps: int = 5, units: int = 3) -> Compiled:
    """The net of a file, with numbers that are not small."""
    path = CELLS / f"{name}.net"
    compiled = compile_file(path, [f"units={units}"], sizes={"T": steps}, input_gradients=True)
    rng = np.random.default_rng(5)
    for array in compiled.net.parameters().values():
        array[...] = rng.normal(size=array.shape)
    return compiled


def layer_weights(name: str, held: dict[str, Any]) -> dict[str, Any]:
    """The weights of a cell in PyTorch's names and layout; of the two biases one is zero."""
    weight, bias = held["scan1.dense1.weight"], held["scan1.dense1.bias"]
    if name == "rnn":
        inputs, states = weight, held["scan1.dense2.weight"]
    else:
        weights, biases = [weight], [bias]
        if name == "gru":
            weights.append(held["scan1.dense2.weight"])
            biases.append(held["scan1.dense2.bias"])
        joined, bias = np.concatenate(weights), np.concatenate(biases)
        inputs, states = joined[:, :2], joined[:, 2:]
    return {"weight_ih_l0": inputs, "weight_hh_l0": states, "bias_ih_l0": bias}


@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_a_cell_is_the_layer_of_pytorch(name: str) -> None:
    compiled = compiled_cell(name)
    layer = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}[name](2, 3, batch_first=True).double()
    named = dict(layer.named_parameters())
    layer.load_state_dict(
        {"bias_hh_l0": torch.zeros_like(named["bias_hh_l0"])}
        | {n: torch.tensor(w) for n, w in layer_weights(name, compiled.numbers()).items()}
    )
    batch = compiled.batch(4)
    x = torch.tensor(batch["x"], requires_grad=True)
    output, _ = layer(x)
    np.testing.assert_allclose(compiled.net.forward(batch["x"]), output.detach(), atol=1e-12)
    loss = torch.nn.functional.mse_loss(output, torch.tensor(batch["y"]))
    found = compiled.gradients(batch)
    got = layer_weights(name, found) | {"x": found["x"]}
    wanted = torch.autograd.grad(loss, [*(named[n] for n in got if n != "x"), x])
    assert worst(got, {n: w.numpy() for n, w in zip(got, wanted, strict=True)}) < 1e-9


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_a_cell_is_the_layer_of_the_language(name: str) -> None:
    call = "gru(units, reset_after=false)" if name == "gru" else f"{name}(units)"
    head = "net N(units = 3) {\n input x: real[T, 2]\n target y: real[T, units]\n"
    layer = compiled_way(f"{head} {call}\n loss mse\n}}", {"T": 5})
    compiled = compiled_cell(name)
    held = layer.net.parameters()
    held[f"{name}1.bias_hh_l0"][...] = 0
    for key, weight in layer_weights(name, compiled.numbers()).items():
        held[f"{name}1.{key}"][...] = weight
    batch = compiled.batch(4)
    np.testing.assert_allclose(
        compiled.net.forward(batch["x"]), layer.net.forward(batch["x"]), atol=1e-12
    )
    found, wanted = compiled.gradients(batch), layer.gradients(batch)
    got = {f"{name}1.{n}": g for n, g in layer_weights(name, found).items()} | {"x": found["x"]}
    assert worst(got, {n: wanted[n] for n in got}) < 1e-9


Weights = dict[str, torch.Tensor]
State = tuple[torch.Tensor, ...]


def affine(p: Weights, layer: str, *parts: torch.Tensor) -> torch.Tensor:
    """The dense layer of a cell, of parts side by side."""
    return torch.cat(parts, 1) @ p[f"scan1.{layer}.weight"].T + p[f"scan1.{layer}.bias"]


def gru_step(p: Weights, x: torch.Tensor, state: State) -> State:
    """As the documents have it: the reset gate acts before the matrix product."""
    (h,) = state
    r, z = affine(p, "dense1", x, h).sigmoid().chunk(2, 1)
    n = affine(p, "dense2", x, r * h).tanh()
    return (z * h + (1 - z) * n,)


def peephole_step(p: Weights, x: torch.Tensor, state: State) -> State:
    """Gers and Schmidhuber 2000: the output gate sees the new memory, the others the old one."""
    h, c = state
    see = {gate: p[f"scan1.scale{k}.weight"] for k, gate in enumerate("ifo", 1)}
    i, f, g, o = affine(p, "dense1", x, h).chunk(4, 1)
    i, f = (i + see["i"] * c).sigmoid(), (f + see["f"] * c).sigmoid()
    c = f * c + i * g.tanh()
    return (o + see["o"] * c).sigmoid() * c.tanh(), c


@pytest.mark.parametrize(
    ("name", "step", "states"), [("gru", gru_step, 1), ("peephole", peephole_step, 2)]
)
def test_a_cell_is_its_formulas(name: str, step: Callable[..., State], states: int) -> None:
    """Those that PyTorch has no layer for, a step at a time."""
    compiled = compiled_cell(name)
    batch = compiled.batch(4)
    held = {n: torch.tensor(v, requires_grad=True) for n, v in compiled.numbers().items()}
    x = torch.tensor(batch["x"], requires_grad=True)
    state: State = (torch.zeros(4, 3, dtype=torch.float64),) * states
    outputs = []
    for t in range(x.shape[1]):
        state = step(held, x[:, t], state)
        outputs.append(state[0])
    output = torch.stack(outputs, 1)
    np.testing.assert_allclose(compiled.net.forward(batch["x"]), output.detach(), atol=1e-12)
    loss = torch.nn.functional.mse_loss(output, torch.tensor(batch["y"]))
    leaves = held | {"x": x}
    wanted = zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True)
    assert worst(compiled.gradients(batch), {n: g.numpy() for n, g in wanted}) < 1e-9


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_cells_of_the_field_on_all_targets(name: str, form: str, tmp_path: Path) -> None:
    compiled = compiled_cell(name)
    text = (CELLS / f"{name}.net").read_text("utf-8")
    code = pytorch_code(text, backward=form, input_gradients=True)
    check_same(compiled, code, compiled.batch(2), tmp_path)


def test_peepholes_that_begin_with_zeros_change_nothing() -> None:
    """With `start=0` the gates are those of the LSTM."""
    peephole, lstm = compiled_cell("peephole"), compiled_cell("lstm")
    held = peephole.net.parameters()
    for name, array in lstm.net.parameters().items():
        held[name][...] = array
    for i in (1, 2, 3):
        held[f"scan1.scale{i}.weight"][...] = 0
    x = lstm.batch(3)["x"]
    np.testing.assert_allclose(peephole.net.forward(x), lstm.net.forward(x), atol=1e-12)
