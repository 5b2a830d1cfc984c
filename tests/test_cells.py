"""Cells: a step of a recurrence in the language, run along sequences with its derived gradients.

The oracles are PyTorch's own recurrent layers, recurrences written out in PyTorch, and finite
differences; every way to call a cell is tried on all targets.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compiled import Batch, Compiled, compile_file, compile_text, elementwise, errors, worst
from test_golden import ROOT, ruff
from test_pytorch_target import FORMS, check_same, hand_over, pytorch_code, pytorch_net

from specc.diagnostics import CompileError, Diagnostics
from specc.pipeline import analyse
from specc.source import Source

CELLS = Path(__file__).parent / "cells"
NAMES = sorted(path.stem for path in CELLS.glob("*.net"))

STEP = """\
cell step(units) {
  input x
  state h: [units]
  from x, h -> concat -> dense(units) -> tanh as state h
}
"""
PAIR = """\
cell pair(units) {
  input x
  state h: [units], c: [2 * units]
  from x, c -> concat -> dense(2 * units) -> tanh as state c
  from c, h -> concat -> dense(units) -> sigmoid as state h
}
"""
TOTAL = """\
cell total {
  input x
  state s: [in.features]
  from x, s -> add as state s
}
"""
IDLE = """\
cell idle(units) {
  input x
  state a: [units], b: [units]
  from x, a -> concat -> dense(units) as state a
  from x, b -> concat -> dense(units) as state b
}
"""
LATER = """\
cell later(units) {
  input x
  state h: [units]
  dense(units) as state h
  from h -> scale
}
"""
BEFORE = """\
cell before(units) {
  input x
  state h: [units], g: [units]
  from x, g -> concat -> dense(units) -> tanh as state g
  from g as state h
  from h
}
"""
HEAD = "net N(units = 2) {\n  input x: real[T, 3]\n  target y: real[T, units]\n"
LAST = "net N(units = 2) {\n  input x: real[T, 3]\n  target y: real[units]\n"

WAYS = {
    "the sequence": f"{STEP}{HEAD}  scan step(units)\n  loss mse\n}}",
    "the last state": f"{STEP}{LAST}  scan step(units) as (_, h)\n  from h -> loss mse\n}}",
    "both": f"""{PAIR}{HEAD}  target z: real[units]
  scan pair(units) as (s, h, c)
  from c -> dense(units) as d
  from h, d -> add -> loss mse(target=z)
  from s -> loss mse(target=y)
  output s
}}""",
    "first states": f"""{PAIR}{HEAD}  input c0: real[4], k: real[2]
  from k -> dense(units) -> tanh as h0
  from x -> scan pair(units, h=h0, c=c0)
  loss mse
}}""",
    "one first state, shared by two": f"""{STEP}{HEAD}  input k: real[2]
  from k -> tanh as h0
  from x -> a: scan step(units, h=h0) as (s, last)
  from x -> b: scan step(units, h=last) as u
  from x -> c: scan step(units, h=h0) as v
  from s, u, v -> add
  loss mse
}}""",
    "encoder and decoder": f"""{PAIR}{HEAD}  input z: real[S, 3]
  from z -> encoder: scan pair(units) as (_, h, c)
  from x -> decoder: scan pair(units, h=h, c=c)
  loss mse
}}""",
    "two layers": f"{STEP}{HEAD}  scan step(3) -> scan step(units)\n  loss mse\n}}",
    "a loop of layers": f"{STEP}{HEAD}  dense(units)\n  repeat 3 {{ scan step(units) }}\n"
    "  loss mse\n}",
    "a loop with more in it": f"{STEP}{HEAD}  dense(units)\n"
    "  repeat 2 { dense(2) as d; scan step(units) as h; from h, d -> add }\n  loss mse\n}",
    "shared": f"""{STEP}{HEAD}  shared enc = scan step(units)
  from x -> enc as a
  tanh -> dense(3) -> enc as b
  from a, b -> multiply
  loss mse
}}""",
    "several sequences": f"""cell two(units) {{
  input a, b
  state h: [units]
  from a, h, b -> concat -> dense(units) -> tanh as state h
}}
{HEAD}  input z: real[T, 2]
  dense(2) as d
  from d, z -> scan two(units)
  loss mse
}}""",
    "several sequences, one without gradient": f"""cell two(units) {{
  input a, b
  state h: [units]
  from a -> dense(units) as u
  from b -> dense(units) as v
  from u, v, h -> multiply as state h
}}
{HEAD}  input z: real[T, 2]
  from x, z -> scan two(units)
  loss mse
}}""",
    "one sequence beside several": f"""cell two(units) {{
  input a, b
  state h: [units]
  from a, h, b -> concat -> dense(units) -> tanh as state h
}}
{STEP}{HEAD}  input z: real[T, 2]
  from x, z -> scan two(units) -> scan step(units)
  loss mse
}}""",
    "two cells of different kinds": f"""{STEP}{PAIR}{HEAD}  scan pair(3) -> scan step(units)
  loss mse
}}""",
    "an output that is no state": f"""cell mealy(units) {{
  input x
  state h: [units]
  from x, h -> concat -> dense(units) -> sigmoid as state h
  from x, h -> concat -> dense(units) as y
  output y
}}
{HEAD}  scan mealy(units)
  loss mse
}}""",
    "a delay, and states that share memory": f"""cell delay(units) {{
  input x
  state h: [units], g: [units], f: [units]
  from h as state g
  from g as state f
  from x -> dense(units) as u
  from u, h, f -> add as state h
}}
{HEAD}  input h0: real[2], g0: real[2]
  from x -> scan delay(units, h=h0, g=g0)
  loss mse
}}""",
    "a sum without parameters": """cell total {
  input x
  state s: [in.features]
  from x, s -> add as state s
}
net N {
  input x: real[T, 3]
  target y: real[T, 3]
  scan total as a
  from x, a -> multiply -> dense(3) -> scan total
  loss mse
}""",
    "a sum of inputs": f"{TOTAL}{HEAD}  scan total -> dense(units)\n  loss mse\n}}",
    "a state without effect": f"{IDLE}{HEAD}  scan idle(units)\n  loss mse\n}}",
    "an effect on the next step": f"{LATER}{HEAD}  scan later(units)\n  loss mse\n}}",
    "the state before": f"""{BEFORE}{HEAD}  scan before(units)
  loss mse
}}""",
    "a first state that counts later": f"""{BEFORE}{HEAD}  last -> dense(units) as g0
  from x -> scan before(units, g=g0)
  loss mse
}}""",
    "blocks and loops inside": f"""block gate(units) {{ input a, b
  from a, b -> concat -> dense(units) -> sigmoid
}}
cell deep(units, depth = 2) {{
  input x
  state h: [units]
  shared twice = dense(units)
  from x, h -> gate(units)
  repeat depth {{ dense(units) -> tanh }}
  if depth > 1 {{ twice -> tanh -> twice as state h }} else {{ tanh as state h }}
}}
{HEAD}  scan deep(3, depth=1) -> scan deep(units)
  loss mse
}}""",
    "a scan in a block that is shared": f"""{STEP}
block part(units) {{ scan step(units) -> dense(3) }}
{HEAD}  shared both = part(units)
  both -> tanh -> both -> dense(units)
  loss mse
}}""",
    "a loop that reads a first state": f"""{STEP}{HEAD}  input k: real[2]
  from k -> tanh as h0
  from x -> dense(2)
  repeat 2 {{ scan step(2, h=h0) }}
  loss mse
}}""",
    "taps": f"""{STEP}{HEAD}  dense(2)
  for i in range(2) {{ scan step(2) as level[i] }}
  from level[0], level[1] -> add
  loss mse
}}""",
    "a state read in a loop": f"""cell loops(units) {{
  input x
  state h: [units]
  dense(units)
  repeat 2 {{ dense(units) as d; from d, h -> add -> tanh }}
  dense(units) as state h
}}
{HEAD}  scan loops(units)
  loss mse
}}""",
    "recurrences in a step": f"""{STEP}cell outer(units) {{
  input x
  state h: [units]
  reshape([3, 1]) as rows
  scan step(2) as (_, a)
  from rows -> gru(2) -> last as b
  from a, b, h -> concat -> dense(units) -> tanh as state h
}}
{HEAD}  scan outer(units)
  loss mse
}}""",
    "states with names that code needs": f"""cell names(units) {{
  input a
  state x: [units], y: [units], lengths: [units], training: [units], sequences: [1], sizes: [1]
  from x, y, lengths, training, sequences, sizes, a -> concat -> dense(units) -> tanh as y_
  from y_ as state x
  from x as state y
  from y as state lengths
  from lengths as state training
  dense(1) as state sequences
  tanh as state sizes
  from y_, training -> add
}}
{HEAD}  input k: real[2], k1: real[1]
  from x -> scan names(units, x=k, y=k, lengths=k, sequences=k1) as (s, _, a, b, _, _, c)
  from a, b, c -> concat -> dense(units) -> loss mse(target=z)
  from s -> loss mse(target=y)
  output s
}}""".replace("  input k", "  target z: real[units]\n  input k"),
    "all operations": f"""cell ops(units) {{
  input x
  state h: [units]
  from x -> dense(2 * units) -> split(2) as (a, b)
  from h -> constant(1) as one
  from one, h -> subtract as rest
  from rest, a -> multiply -> scale as p
  from b, h -> multiply -> layernorm as q
  from p, q -> subtract -> leaky_relu(0.1) -> maxout(1) as state h
}}
{HEAD}  scan ops(units)
  loss mse
}}""",
}
PADDED = {
    "the sequence": f"{PAIR}{HEAD}  scan pair(units)\n  loss mse(mask=m)\n}}".replace(
        "[T, 3]", "[T, 3] padded, m: real[T, 2]"
    ),
    "states": f"""{PAIR}{LAST}  input c0: real[4]
  from x -> scan pair(units, c=c0) as (s, h, c)
  last as end
  from s -> global_avgpool as g
  from c -> dense(units) as d
  from h, d, g, end -> add
  loss mse
}}""".replace("[T, 3]", "[T, 3] padded").replace("  last", "  from s -> last"),
    "one of two, beside a cell of several sequences": f"""cell two(units) {{
  input a, b
  state h: [units]
  from a, h, b -> concat -> dense(units) -> tanh as state h
}}
{STEP}{LAST}  input z: real[T, 2]
  from x, z -> scan two(units) -> scan step(units) -> last as g
  from z -> scan step(units) as (_, h)
  from h, g -> add
  loss mse
}}""".replace("[T, 3]", "[T, 3] padded"),
    "one of two": f"""{STEP}{LAST}  input z: real[S, 3]
  from x -> scan step(units) as (_, h)
  from z -> dense(3) -> scan step(units) -> last as g
  from h, g -> add
  loss mse
}}""".replace("[T, 3]", "[T, 3] padded"),
    "shared, in a loop, and twice": f"""{STEP}{LAST}  shared enc = scan step(3)
  enc -> enc
  repeat 2 {{ scan step(3) }}
  last -> dense(units)
  loss mse
}}""".replace("[T, 3]", "[T, 3] padded"),
    "a sum of inputs": f"{TOTAL}{LAST}  scan total -> last -> dense(units)\n  loss mse\n}}".replace(
        "[T, 3]", "[T, 3] padded"
    ),
}
STILL = {
    "a cell": WAYS["a sum of inputs"],
    "a padded cell": PADDED["a sum of inputs"],
    "a cell beside one that learns": f"""{TOTAL}{STEP}{LAST}
  scan total -> scan step(units) -> last -> dense(units)
  loss mse
}}""".replace("[T, 3]", "[T, 3] padded"),
    "a cell with a block and a cell in it": f"""{TOTAL}block curve {{ tanh -> maxout(1) }}
cell outer {{
  input x
  state h: [3]
  reshape([3, 1]) -> scan total -> last as end
  from x, h -> add -> curve as state h
  from end, h -> concat
}}
{HEAD}  scan outer -> dense(units)
  loss mse
}}""",
    "a block": f"block curve {{ tanh }}\n{HEAD}  curve -> dense(units)\n  loss mse\n}}",
    "a loop": f"{HEAD}  repeat 2 {{ tanh -> relu }}\n  dense(units)\n  loss mse\n}}",
    "a shared block": f"""block curve {{ tanh -> maxout(1) }}
{HEAD}  shared c = curve
  c -> c -> dense(units)
  loss mse
}}""",
    "a shared block that is also behind what learns": f"""block curve {{ tanh -> maxout(1) }}
{HEAD}  shared c = curve
  c -> dense(3) -> c -> dense(units)
  loss mse
}}""",
}
WAYS_OF_BEFORE = ["the state before", "a first state that counts later"]
SIZES = {"T": 4, "S": 3}


def compiled_way(text: str, sizes: dict[str, int] | None = None) -> Compiled:
    """A net with gradients of its inputs."""
    return compile_text(text, input_gradients=True, sizes=sizes or SIZES)


def batch_of(compiled: Compiled, n: int = 3) -> Batch:
    """Random numbers; lengths from 1 to all steps."""
    batch = compiled.batch(n)
    if "x_lengths" in batch:
        batch["x_lengths"] = np.array([1, SIZES["T"], 2, 3])[:n]
    return batch


# ---------------------------------------------------------------- all ways to call a cell


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("n", "steps"), [(3, 4), (1, 1), (2, 2)])
def test_gradients_are_those_of_finite_differences(way: str, n: int, steps: int) -> None:
    compiled = compiled_way(WAYS[way], {"T": steps, "S": 3})
    batch = compiled.batch(n)
    found, wanted = compiled.gradients(batch), elementwise(compiled, batch)
    assert worst(found, wanted) < 1e-6, errors(found, wanted)


@pytest.mark.parametrize("way", PADDED)
def test_gradients_of_padded_sequences(way: str) -> None:
    """Those of finite differences, and exactly zero where there is only padding."""
    compiled = compiled_way(PADDED[way])
    batch = batch_of(compiled)
    found, wanted = compiled.gradients(batch), elementwise(compiled, batch)
    for gradients in (found, wanted):
        gradients.pop("m", None)
    assert worst(found, wanted) < 1e-6, errors(found, wanted)
    for row, length in enumerate(batch["x_lengths"]):
        assert not found["x"][row, length:].any()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", [*WAYS.values(), *PADDED.values()], ids=[*WAYS, *PADDED])
def test_targets_agree(text: str, form: str, tmp_path: Path) -> None:
    compiled = compiled_way(text)
    code = pytorch_code(text, backward=form, input_gradients=True)
    check_same(compiled, code, batch_of(compiled), tmp_path)


@pytest.mark.parametrize("way", STILL)
def test_what_needs_no_gradient(way: str, tmp_path: Path) -> None:
    """Has no backward pass, and the code runs, on all targets."""
    compiled = compile_text(STILL[way], sizes=SIZES)
    batch = batch_of(compiled)
    found, wanted = compiled.gradients(batch), elementwise(compiled, batch)
    assert worst(found, {name: wanted[name] for name in found}) < 1e-6
    for form in FORMS:
        check_same(compiled, pytorch_code(STILL[way], backward=form), batch, tmp_path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize(
    "way", ["a state without effect", "an effect on the next step", *WAYS_OF_BEFORE]
)
def test_gradients_are_zero_where_there_is_no_effect(
    way: str, steps: int, form: str, tmp_path: Path
) -> None:
    compiled = compiled_way(WAYS[way], {"T": steps})
    batch = compiled.batch(2)
    idle = [name for name, gradient in compiled.gradients(batch).items() if not gradient.any()]
    assert bool(idle) == (way == "a state without effect" or steps == 1)
    check_same(
        compiled, pytorch_code(WAYS[way], backward=form, input_gradients=True), batch, tmp_path
    )


def test_padding_does_not_count() -> None:
    """A padded sequence alone, cut to its own length, has the same states and outputs."""
    text = f"{PAIR}{HEAD}  scan pair(units) as (s, h, c)\n  loss mse\n  output s, h, c\n}}"
    whole = compile_text(text, sizes=SIZES)
    padded = compile_text(text.replace("[T, 3]", "[T, 3] padded"), sizes=SIZES)
    batch = batch_of(padded)
    sequence, hidden, cell = padded.net.forward(batch["x"], batch["x_lengths"])
    for row, length in enumerate(batch["x_lengths"]):
        wanted = whole.net.forward(batch["x"][row : row + 1, :length])
        np.testing.assert_allclose(sequence[row : row + 1, :length], wanted[0], atol=1e-12)
        np.testing.assert_allclose(hidden[row], wanted[1][0], atol=1e-12)
        np.testing.assert_allclose(cell[row], wanted[2][0], atol=1e-12)
        assert not sequence[row, length:].any()


def test_dropout_draws_a_mask_a_step() -> None:
    """And the backward pass uses the same masks."""
    text = f"{STEP}{HEAD}  scan step(units)\n  loss mse\n}}".replace("-> tanh", "-> dropout(0.5)")
    compiled = compiled_way(text, {"T": 6})
    batch = compiled.batch(2)
    assert worst(compiled.gradients(batch), elementwise(compiled, batch)) < 1e-6
    compiled.loss(batch)
    scan = compiled.net.run(batch["x"], training=True)
    zeros = [frozenset(zip(*np.nonzero(scan[:, t] == 0), strict=True)) for t in range(6)]
    assert len(set(zeros)) > 1


def test_a_step_keeps_nothing_in_evaluation() -> None:
    compiled = compiled_way(PADDED["states"])
    batch = batch_of(compiled)
    compiled.gradients(batch)
    compiled.net.forward(*(batch[t.name] for t in compiled.shaped.inputs.values()))
    assert not any(getattr(part, "calls", None) for _, part in compiled.net.parts())


def test_steps_may_be_more_or_fewer_from_batch_to_batch() -> None:
    compiled = compiled_way(WAYS["both"])
    for steps, n in ((5, 2), (1, 4), (7, 1)):
        sized = compiled_way(WAYS["both"], {"T": steps})
        batch = sized.batch(n)
        assert worst(compiled.gradients(batch), sized.gradients(batch)) < 1e-12


def test_code_is_clean(tmp_path: Path) -> None:
    """All files of all ways, as ruff sees them."""
    for number, text in enumerate([*WAYS.values(), *PADDED.values(), *STILL.values()]):
        (tmp_path / f"way{number}_numpy.py").write_text(compile_text(text).text)
        for form in FORMS:
            code = pytorch_code(text, backward=form)
            (tmp_path / f"way{number}_{form}.py").write_text(code)
    config = ("--config", str(ROOT / "pyproject.toml"), "--no-cache")
    ruff("check", *config, "--per-file-ignores", "*:D102", str(tmp_path))
    ruff("format", "--check", "--diff", *config, str(tmp_path))


def test_parameters_are_named_by_scan_or_label() -> None:
    names = set(compiled_way(WAYS["encoder and decoder"]).net.parameters())
    assert {"encoder.dense1.weight", "decoder.dense2.bias"} < names
    names = set(compiled_way(WAYS["two layers"]).net.parameters())
    assert names == {f"scan{i}.dense1.{p}" for i in (1, 2) for p in ("weight", "bias")}


# ---------------------------------------------------------------- the cells of the field


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n", "steps", "units"), [(3, 5, 3), (1, 1, 1), (2, 3, 1)])
def test_cells_of_the_field(name: str, n: int, steps: int, units: int) -> None:
    compiled = compiled_cell(name, steps, units)
    batch = compiled.batch(n)
    found, wanted = compiled.gradients(batch), elementwise(compiled, batch)
    assert worst(found, wanted) < 1e-6, errors(found, wanted)


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


def test_the_gru_of_the_documents() -> None:
    """The reset gate acts before the matrix product; written out in PyTorch."""
    compiled = compiled_cell("gru")
    batch = compiled.batch(4)
    held = {n: torch.tensor(v, requires_grad=True) for n, v in compiled.numbers().items()}
    w, b, u, d = (
        held[f"scan1.dense{i}.{p}"]
        for i, p in ((1, "weight"), (1, "bias"), (2, "weight"), (2, "bias"))
    )
    x = torch.tensor(batch["x"], requires_grad=True)
    h, outputs = torch.zeros(4, 3, dtype=torch.float64), []
    for t in range(x.shape[1]):
        r, z = torch.sigmoid(torch.cat([x[:, t], h], 1) @ w.T + b).split(3, 1)
        n = torch.tanh(torch.cat([x[:, t], r * h], 1) @ u.T + d)
        h = z * h + (1 - z) * n
        outputs.append(h)
    torch.nn.functional.mse_loss(torch.stack(outputs, 1), torch.tensor(batch["y"])).backward()
    wanted = {name: value.grad.numpy() for name, value in (held | {"x": x}).items()}
    assert worst(compiled.gradients(batch), wanted) < 1e-9


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


# ---------------------------------------------------------------- what is refused


def codes(text: str) -> list[str]:
    """The codes of all errors and warnings."""
    diagnostics = Diagnostics()
    with suppress(CompileError):
        analyse(Source("test.net", text), diagnostics)
    return [found.code for found in diagnostics]


REFUSED: list[tuple[str, Any]] = [
    ("state h: [2]\n tanh as state h\n from x, h -> concat -> dense(2) as state h", ["E0324"]),
    ("state h: [3]\n from x, h -> add as state h\n tanh as state h", ["E0412"]),
    ("state h: [3]\n from x, h -> add", ["E0412"]),
    ("state h: [3]\n from x, h -> add as state g", ["E0101"]),
    ("state h: [3]\n from x -> tanh as state h", ["W0102"]),
    ("state h: [3]\n from x, h -> add as state h\n repeat 2 { tanh as state h }", ["E0117"]),
    ("state h: [3, 1]\n from x, h -> add as state h", ["E0212"]),
    ("state h: [0]\n from x, h -> add as state h", ["E0205"]),
    ("state h: [3.0]\n from x, h -> add as state h", ["E0205"]),
    ("state x: [3]\n tanh as state x", ["E0102"]),
    ("tanh", ["E0123"]),
    ("state h: [3]\n from x, h -> add as state h\n reshape([1, 3])", ["E0304"]),
    ("state h: [3]\n from x, h -> add as state h\n loss mse", ["E0117"]),
]


@pytest.mark.parametrize(("body", "wanted"), REFUSED)
def test_what_a_cell_may_not_say(body: str, wanted: list[str]) -> None:
    net = "net N {\n input x: real[T, 3]\n scan bad\n}"
    assert codes(f"cell bad {{\n input x\n {body}\n}}\n{net}") == wanted


@pytest.mark.parametrize(
    ("flow", "wanted"),
    [
        ("from x -> step(3)", ["E0122"]),
        ("from x -> scan dense(3)", ["E0122"]),
        ("from x -> scan part", ["E0122"]),
        ("from x -> scan stepp(3)", ["E0101"]),
        ("shared s = scan step(3); from x -> scan s", ["E0122"]),
        ("shared s = scan step(3, h=k); from x -> s", ["E0121"]),
        ("from k -> scan step(3)", ["E0307"]),
        ("from k -> dense(2) as h0; from x -> scan step(3, h=h0)", ["E0322"]),
        ("from x -> scan step(3, h=1)", ["E0207"]),
        ("from x -> scan step(3, g=k)", ["E0201"]),
        ("from x, x -> scan step(3)", ["E0303"]),
        ("from x, z -> scan two", ["E0309"]),
        ("from x -> scan two", ["E0303"]),
        ("from x -> scan step(3) as (a, b, c)", ["E0304"]),
    ],
)
def test_how_a_cell_may_not_be_called(flow: str, wanted: list[str]) -> None:
    """Nothing but that is wrong with the net; what it leaves unused is no matter here."""
    two = "cell two { input a, b; state s: [3]; from a, b, s -> add as state s }"
    inputs = "input x: real[T, 3], k: real[3], z: real[S, 3]"
    text = f"{STEP}{two}\nblock part {{ tanh }}\nnet N {{\n {inputs}\n {flow}\n}}"
    found = codes(text)
    assert [code for code in found if code not in ("E0405", "W0101", "W0102")] == wanted


# ---------------------------------------------------------------- states that go on

CHARACTERS = f"""{PAIR}
net Chars(vocab = 5) {{
  input  chars: token[T] of vocab
  target next:  label[T] of vocab
  one_hot(vocab) -> scan pair(3) -> dense(vocab)
  loss cross_entropy
}}
train {{
  data      text("t.txt", level=char, steps=4, sampling=adjacent)
  epochs    1
  batch     2
  optimizer sgd(lr=0.5)
}}
"""


NESTED = f"""
cell outer(units) {{
  input x
  state h: [units]
  from x, h -> concat -> reshape([in.features + units, 1])
  gru(units) -> scan pair(units) -> last as state h
}}
{CHARACTERS.replace("scan pair(3)", "scan outer(3) -> gru(3)")}"""


@pytest.mark.parametrize("text", [CHARACTERS, NESTED])
def test_states_are_carried_from_pass_to_pass(text: str, tmp_path: Path) -> None:
    """Two halves of a text, one after the other, are the whole; without `carry_state` not.

    What is inside a step begins at zero at each.
    """
    (tmp_path / "t.txt").write_text("abcd" * 50)
    path = tmp_path / "chars.net"
    compiled = compile_text(text, sizes={"T": 8}, path=path)
    other = pytorch_net(pytorch_code(text, path)).eval()
    hand_over(compiled, other, tmp_path)
    x = compiled.batch(2)["chars"]
    check_carried(compiled.net, compiled.net.forward, x)
    check_carried(other, lambda part: other(torch.tensor(part)).detach().numpy(), x)


def check_carried(net: Any, forward: Callable[[Any], Any], x: Any) -> None:
    """`forward` is the pass of the net, of arrays."""
    whole = forward(x)
    net.carry_state(True)
    halves = [forward(x[:, :4]), forward(x[:, 4:])]
    net.carry_state(False)
    np.testing.assert_allclose(np.concatenate(halves, axis=1), whole, atol=1e-12)
    assert np.abs(forward(x[:, 4:]) - whole[:, 4:]).max() > 1e-4
