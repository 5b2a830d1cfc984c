"""Recurrent layers in NumPy: every form against loops in PyTorch, and against finite differences.

The reference goes through one sequence at a time, by its own steps alone: it knows no padding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from compiled import Batch, Compiled, compile_text, elementwise, freeze_masks, worst
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.rendering import render

Tensors = dict[str, torch.Tensor]
State = tuple[torch.Tensor, ...]
STATES = {"rnn": ("h",), "gru": ("h",), "lstm": ("h", "c")}
INITIAL = {"h": "initial", "c": "initial_cell"}
RESULTS = {"h": "hidden", "c": "cell"}


@dataclass(frozen=True)
class Form:
    """A recurrent layer and what is around it."""

    kind: str
    steps: int = 3
    features: int = 2
    units: int = 2
    layers: int = 1
    bidirectional: bool = False
    join: str = "each"
    bias: bool = True
    variant: str = ""
    has_initial: bool = False
    is_padded: bool = False
    reads: str = "both"

    @property
    def directions(self) -> int:
        """One or two."""
        return 1 + self.bidirectional

    @property
    def rows(self) -> int:
        """How many states there are."""
        return self.layers * self.directions

    @property
    def spec(self) -> str:
        """A net whose loss reads the sequence, the last states, or both."""
        states, rows = STATES[self.kind], f"real[{self.rows}, {self.units}]"
        results = ", ".join(RESULTS[s] for s in states)
        targets = [f"target t_{RESULTS[s]}: {rows}" for s in states if self.reads != "sequence"]
        losses = [
            f"from {RESULTS[s]} -> loss mse(target=t_{RESULTS[s]})"
            for s in states
            if self.reads != "sequence"
        ]
        if self.reads != "states":
            sequence = f"real[{self.steps}, {self.units * self.directions}]"
            targets.append(f"target t: {sequence}")
            losses.append("from sequence -> loss mse(target=t)")
        named = "sequence" if self.reads == "sequence" else f"(sequence, {results})"
        lines = [
            f"input x: real[{self.steps}, {self.features}]{' padded' * self.is_padded}",
            *(f"input {s}: {rows}" for s in states if self.has_initial),
            *targets,
            f"from x -> {self.call} as {named}",
            *losses,
            "output sequence",
        ]
        return "net N {\n  " + "\n  ".join(lines) + "\n}\n"

    @property
    def call(self) -> str:
        """The layer with its arguments."""
        given = {
            "layers": self.layers,
            "bidirectional": str(self.bidirectional).lower(),
            "bias": str(self.bias).lower(),
        }
        if self.bidirectional:
            given["join"] = self.join
        if self.variant:
            given |= dict([self.variant.split("=")])
        if self.has_initial:
            given |= {INITIAL[s]: s for s in STATES[self.kind]}
        return f"{self.kind}({self.units}, {', '.join(f'{k}={v}' for k, v in given.items())})"


# ---------------------------------------------------------------- the reference


def step(form: Form, p: Tensors, place: str, v: torch.Tensor, state: State) -> State:
    """The states after a step, [1, units] each."""
    zero = torch.zeros(())
    a = v @ p[f"weight_ih_{place}"].T + p.get(f"bias_ih_{place}", zero)
    weight, bias = p[f"weight_hh_{place}"], p.get(f"bias_hh_{place}", zero)
    h = state[0]
    if form.kind == "rnn":
        functions: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
            "relu": torch.relu, "identity": lambda x: x,
        }  # fmt: skip
        return (functions.get(form.variant.partition("=")[2], torch.tanh)(a + h @ weight.T + bias),)
    if form.kind == "lstm":
        i, f, g, o = (a + h @ weight.T + bias).chunk(4, 1)
        c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
    u = h @ weight.T + bias
    r, z = torch.sigmoid(a + u).chunk(3, 1)[:2]
    inner = r * u.chunk(3, 1)[2]
    if form.variant == "reset_after=false":
        inner = (r * h) @ weight.chunk(3)[2].T + (bias.chunk(3)[2] if form.bias else 0)
    n = torch.tanh(a.chunk(3, 1)[2] + inner)
    return ((1 - z) * n + z * h,)


def sweep(
    form: Form, p: Tensors, row: int, x: torch.Tensor, state: State
) -> tuple[torch.Tensor, State]:
    """One layer in one direction over a sequence [T, F]; the last states."""
    layer, is_back = row // form.directions, bool(row % form.directions)
    place = f"l{layer}{'_reverse' * is_back}"
    outputs = []
    for v in x.flip(0) if is_back else x:
        state = step(form, p, place, v[None], state)
        outputs.append(state[0])
    return torch.cat(outputs[::-1] if is_back else outputs), state


def run(
    form: Form, p: Tensors, x: torch.Tensor, begin: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """All layers over a sequence; states are [kinds of state, rows, units]."""
    ends: dict[int, State] = {}

    def swept(row: int, y: torch.Tensor) -> torch.Tensor:
        y, ends[row] = sweep(form, p, row, y, tuple(begin[:, row, None]))
        return y

    if form.join == "top":
        stacks = []
        for direction in range(form.directions):
            y = x
            for layer in range(form.layers):
                y = swept(layer * form.directions + direction, y)
            stacks.append(y)
        y = torch.cat(stacks, 1)
    else:
        y = x
        for layer in range(form.layers):
            rows = range(layer * form.directions, (layer + 1) * form.directions)
            y = torch.cat([swept(row, y) for row in rows], 1)
    last = [torch.cat(ends[row]) for row in range(form.rows)]
    return y, torch.stack(last, 1)


def expected(form: Form, compiled: Compiled, batch: Batch) -> tuple[float, Batch]:
    """Loss and gradients."""
    leaves = {
        name: torch.tensor(array, requires_grad=True)
        for name, array in {**compiled.numbers(), **batch}.items()
        if array.dtype.kind == "f"
    }
    p = {name.partition(".")[2]: value for name, value in leaves.items() if "." in name}
    lengths = batch.get("x_lengths", [form.steps] * len(batch["x"]))
    states = STATES[form.kind]
    zeros = torch.zeros(len(lengths), form.rows, form.units, dtype=torch.float64)
    begin = torch.stack([leaves.get(state, zeros) for state in states], 1)
    sequences, ends = [], []
    for n, length in enumerate(lengths):
        y, end = run(form, p, leaves["x"][n, :length], begin[n])
        sequences.append(y)
        ends.append(end)
    loss = torch.zeros((), dtype=torch.float64)
    if form.reads != "states":
        wanted = [leaves["t"][n, :length] for n, length in enumerate(lengths)]
        loss = loss + torch.nn.functional.mse_loss(torch.cat(sequences), torch.cat(wanted))
    if form.reads != "sequence":
        for end, state in zip(torch.stack(ends, 1), states, strict=True):
            loss = loss + torch.nn.functional.mse_loss(end, leaves[f"t_{RESULTS[state]}"])
    inputs = ["x", *(state for state in states if form.has_initial)]
    names = [*inputs, *compiled.numbers()]
    found = torch.autograd.grad(loss, [leaves[name] for name in names], materialize_grads=True)
    return float(loss.detach()), {n: g.numpy() for n, g in zip(names, found, strict=True)}


# ---------------------------------------------------------------- every form

variants = {
    "rnn": ["", "activation=relu", "activation=identity"],
    "gru": ["", "reset_after=false"],
    "lstm": [""],
}
few = st.integers(1, 3)


@st.composite
def forms(draw: st.DrawFn) -> Form:
    """All of them, small."""
    kind = draw(st.sampled_from(sorted(STATES)))
    bidirectional = draw(st.booleans())
    return Form(
        kind,
        steps=draw(st.integers(1, 5)),
        features=draw(few),
        units=draw(few),
        layers=draw(few),
        bidirectional=bidirectional,
        join=draw(st.sampled_from(["each", "top"])) if bidirectional else "each",
        bias=draw(st.booleans()),
        variant=draw(st.sampled_from(variants[kind])),
        has_initial=draw(st.booleans()),
        is_padded=draw(st.booleans()),
        reads=draw(st.sampled_from(["both", "sequence", "states"])),
    )


@settings(max_examples=80, deadline=None, derandomize=True)
@given(forms(), few)
def test_gradients_are_those_of_loops_in_pytorch(form: Form, n: int) -> None:
    """Of weights, inputs and initial states; losses of the sequence and of the last states."""
    compiled = compile_text(form.spec, input_gradients=True)
    for size in (n, n + 1, 1):  # arrays are used again
        batch = compiled.batch(size, seed=size)
        loss, wanted = expected(form, compiled, batch)
        assert compiled.loss(batch) == pytest.approx(loss, rel=1e-9)
        found = compiled.gradients(batch)
        assert worst(found, wanted) < 1e-9


EVERYTHING = [
    Form(kind, layers=2, bidirectional=True, join=join, variant=v, has_initial=True, is_padded=True)
    for kind in STATES
    for v in variants[kind]
    for join in ("each", "top")
]


@pytest.mark.parametrize("form", EVERYTHING, ids=lambda form: form.call)
def test_gradients_are_finite_differences(form: Form) -> None:
    compiled = compile_text(form.spec, input_gradients=True)
    batch = compiled.batch(2)
    found, wanted = compiled.gradients(batch), elementwise(compiled, batch)
    assert worst(found, {name: wanted[name] for name in found}) < 1e-6


@pytest.mark.parametrize("form", [Form(k, layers=2, bidirectional=True) for k in STATES])
def test_reference_is_pytorchs_module(form: Form) -> None:
    """The loops above are right."""
    module = getattr(torch.nn, form.kind.upper())(2, 2, 2, bidirectional=True, batch_first=True)
    module.double()
    x = torch.randn(1, 3, 2, dtype=torch.float64)
    y, ends = module(x)
    begin = torch.zeros(len(STATES[form.kind]), form.rows, 2, dtype=torch.float64)
    found, last = run(form, dict(module.named_parameters()), x[0], begin)
    states = torch.stack(ends if isinstance(ends, tuple) else (ends,))
    assert torch.allclose(found, y[0], rtol=1e-12, atol=1e-14)
    assert torch.allclose(last, states[:, :, 0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", STATES)
def test_padding_has_no_effect(kind: str) -> None:
    """Whatever stands there: outputs are 0, and so are gradients, even of huge numbers."""
    form = Form(kind, steps=5, layers=2, bidirectional=True, is_padded=True)
    compiled = compile_text(form.spec, input_gradients=True)
    batch = compiled.batch(4)
    padding = np.arange(5) >= batch["x_lengths"][:, None]
    assert padding.any()
    wanted = compiled.gradients(batch)
    batch["x"][padding], batch["t"][padding] = 1e30, -7
    found = compiled.gradients(batch)
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    assert not found["x"][padding].any()
    assert not compiled.net.forward(batch["x"], batch["x_lengths"])[padding].any()


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("reads_states", [False, True])
def test_gradients_of_padded_steps_are_dropped(kind: str, reads_states: bool) -> None:
    """A convolution reads the zeros behind a sequence, and hands back gradients there."""
    states = [RESULTS[state] for state in STATES[kind]] if reads_states else []
    more = [f"from {s} -> reshape([3]) as {s}_features\n" for s in states]
    summands = ", ".join(["u", *(f"{s}_features" for s in states)])
    text = f"""
    net N {{
      input x: real[4, 2] padded
      target t: real[3]
      from x -> {kind}(3) as {f"(y, {', '.join(states)})" if states else "y"}
      from y -> conv1d(3, 3) -> tanh -> global_avgpool as u
      {"".join(more)}
      {f"from {summands} -> add" if states else ""}
      loss mse
    }}
    """
    compiled = compile_text(text, input_gradients=True)
    batch = compiled.batch(3)
    found, wanted = compiled.gradients(batch), elementwise(compiled, batch)
    assert worst(found, {name: wanted[name] for name in found}) < 1e-6


def test_long_padding_cannot_overflow() -> None:
    """A linear layer that doubles its state would do so in 2000 steps of padding."""
    form = Form("rnn", steps=2000, units=1, variant="activation=identity", is_padded=True)
    compiled = compile_text(form.spec, input_gradients=True)
    for array in compiled.net.parameters().values():
        array[...] = 2
    batch = compiled.batch(2)
    batch["x_lengths"][:] = 3
    with np.errstate(all="raise"):
        assert all(np.isfinite(g).all() for g in compiled.gradients(batch).values())


# ---------------------------------------------------------------- instances, sizes, modes


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("padded", ["", " padded"])
def test_shared_layers_add_up_their_gradients(kind: str, padded: str) -> None:
    """Called three times a step, on sequences of two lengths, and on its own result."""
    text = f"""
    net N {{
      input a: real[3, 2]{padded}, b: real[3, 2]
      target t: real[3, 4]
      shared g = {kind}(1, layers=2, bidirectional=true)
      from a -> g -> g -> dense(4) as u
      from b -> g -> dense(4) as v
      from u, v -> add
      loss mse
    }}
    """
    compiled = compile_text(text, input_gradients=True)
    batch = compiled.batch(3)
    found, wanted = compiled.gradients(batch), elementwise(compiled, batch)
    assert worst(found, {name: wanted[name] for name in found}) < 1e-6


@pytest.mark.parametrize("kind", STATES)
def test_sequences_of_any_length_in_turn(kind: str) -> None:
    form = Form(kind, layers=2, bidirectional=True, has_initial=True)
    text = form.spec.replace("real[3,", "real[T,")
    compiled = compile_text(text, input_gradients=True, sizes={"T": 3})
    for steps, n in [(3, 4), (5, 2), (1, 3), (5, 4), (2, 1)]:
        changed = Form(kind, steps, layers=2, bidirectional=True, has_initial=True)
        drawn = compile_text(changed.spec).batch(n, seed=steps)
        loss, wanted = expected(changed, compiled, drawn)
        assert compiled.loss(drawn) == pytest.approx(loss, rel=1e-9)
        assert worst(compiled.gradients(drawn), wanted) < 1e-9


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("join", ["each", "top"])
def test_dropout_between_layers(kind: str, join: str) -> None:
    """Its masks act on what goes from layer to layer; evaluation has none."""
    call = f"{kind}(2, layers=3, bidirectional=true, join={join}, dropout=DROP)"
    text = f"net N {{\n input x: real[3, 2]\n target t: real[3, 4]\n {call}\n loss mse\n}}\n"
    compiled = compile_text(text.replace("DROP", "0.5"), input_gradients=True)
    plain = compile_text(text.replace("DROP", "0"), input_gradients=True)
    for name, array in compiled.net.parameters().items():
        plain.net.parameters()[name][...] = array
    batch = compiled.batch(2)
    assert np.array_equal(compiled.net.forward(batch["x"]), plain.net.forward(batch["x"]))
    assert compiled.loss(batch) != plain.loss(batch)
    assert worst(compiled.gradients(batch), elementwise(compiled, batch)) < 1e-6
    freeze_masks(compiled.net)
    first = compiled.net.loss(**batch)
    assert compiled.net.loss(**batch) != first


# ---------------------------------------------------------------- carried states


def classes(op: str, *features: str) -> dict[str, Any]:
    """The classes of a template."""
    made: dict[str, Any] = {"np": np, "math": math, "aligned_zeros": np.zeros}
    made["expect_examples"] = lambda *_: None
    asked = frozenset(features)
    texts = [
        render("numpy", "module", kernels=asked),
        render("numpy", "recurrent", features=asked),
        render("numpy", op, features=asked, stacked=frozenset()),
    ]
    exec("\n\n".join(texts), made)
    return made


def bound(layer: Any, seed: int = 0) -> Any:
    """The same with random parameters."""
    rng = np.random.default_rng(seed)
    for parameter in layer.named_parameters().values():
        size = int(np.prod(parameter.shape))
        parameter.bind(rng.normal(size=size), np.zeros(size))
    return layer


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("training", [True, False])
def test_carried_states_continue_a_sequence(kind: str, training: bool) -> None:
    """Two passes over halves give what one pass over the whole does, until it is forgotten."""
    name = kind.upper()
    features = name, f"Stacked{name}", "layers", "carries", "tanh"
    layer = bound(classes(kind, *features)[f"Stacked{name}"](2, 3, 2))
    x = np.random.default_rng(1).normal(size=(2, 6, 2))
    whole, *_ = layer.forward(x, training)
    whole = whole.copy()
    parts = [part for _, part in layer.parts() if hasattr(part, "carries")]
    assert len(parts) == 2
    for part in parts:
        part.carries, part.state = True, None
    first, second = (layer.forward(half, training)[0].copy() for half in np.split(x, 2, axis=1))
    assert np.allclose(np.concatenate([first, second], axis=1), whole, rtol=1e-12)
    for part in parts:
        part.state = None
    assert np.array_equal(layer.forward(x[:, :3], training)[0], first)


# ---------------------------------------------------------------- closed forms


def test_gradient_through_time_vanishes_or_explodes() -> None:
    """Of a linear layer of one unit, dh_T/dx_1 = w u^(T-1) (RNN notes)."""
    form = Form("rnn", 50, 1, 1, variant="activation=identity", reads="states")
    compiled = compile_text(form.spec, input_gradients=True)
    for u in (0.5, 1.0, 1.5):
        p = compiled.net.parameters()
        p["rnn1.weight_ih_l0"][...], p["rnn1.weight_hh_l0"][...] = 3, u
        batch = compiled.batch(1)
        h = compiled.loss(batch) ** 0.5
        slope = (
            2 * h * np.sign(compiled.net.forward(batch["x"])[0, -1, 0] - batch["t_hidden"][0, 0, 0])
        )
        found = compiled.gradients(batch)["x"][0, :, 0]
        assert np.allclose(found, slope * 3 * u ** np.arange(49.0, -1, -1), rtol=1e-9)


def test_parameters_begin_as_in_pytorch() -> None:
    """U(±1/√units), for all of them."""
    text = "net N { input x: real[4, 300]\n target t: real[4, 100]\n gru(100)\n loss mse }\n"
    for name, array in compile_text(text).net.parameters().items():
        assert 0.095 < np.abs(array).max() <= 0.1, name
        assert array.std() == pytest.approx(0.1 / 3**0.5, rel=0.1), name


@pytest.mark.parametrize("kind", STATES)
def test_how_many_layers_there_may_be(kind: str) -> None:
    """More are refused before they are counted."""
    text = "net N {{ input x: real[4, 2]; {kind}(2, layers={count}) -> last }}"
    compile_text(text.format(kind=kind, count=1))
    with pytest.raises(AssertionError, match=r"E0205.*from 1 to 1000, gets `1000000000`"):
        compile_text(text.format(kind=kind, count=10**9))


@pytest.mark.parametrize("kind", STATES)
def test_vanished_gradients_are_zero(kind: str) -> None:
    """Through many steps they would become numbers below the normal ones, and slow."""
    text = f"net N {{ input x: real[T, 2]\n target y: real[3]\n {kind}(3) -> last\n loss mse }}\n"
    compiled = compile_text(text, input_gradients=True, sizes={"T": 2000}, dtype=np.float32)
    for name, array in compiled.net.parameters().items():
        array[...] *= 0.1 if name.endswith("hh_l0") else 1
    d_x = compiled.gradients(compiled.batch(2))["x"]
    assert np.any(d_x[:, -1]) and not np.any(d_x[:, 0])
    assert np.all((d_x == 0) | (np.abs(d_x) >= np.finfo(np.float32).tiny))
