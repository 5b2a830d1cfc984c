"""Recurrent layers in PyTorch: what the NumPy file computes, by autograd and by passes written out.

With equal weights, from one file, and equal dropout masks; the forms in turn: layers, directions,
where these are joined, states that are given, named and carried on, padded sequences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from compiled import Compiled, compile_text
from test_pytorch_target import FORMS, check_same, hand_over, numbers, pytorch_code, pytorch_net

from specc.rendering import render

UNITS, STEPS = 3, 4
STATES = {"rnn": ("initial",), "gru": ("initial",), "lstm": ("initial", "initial_cell")}
FORM = {
    "rnn": ("", "activation=relu", "activation=identity"),
    "gru": ("", "reset_after=false"),
    "lstm": ("",),
}
STACKS = (
    "",
    "layers=2",
    "bidirectional=true",
    "bidirectional=true, join=top",
    "layers=3, bidirectional=true",
    "layers=2, bidirectional=true, join=top",
    "layers=3, dropout=0.4",
    "layers=2, bidirectional=true, dropout=0.4",
    "layers=3, bidirectional=true, join=top, dropout=0.4",
)
CASES = [(op, "", stack) for op in FORM for stack in STACKS]
CASES += [
    (op, form, stack) for op in FORM for form in FORM[op][1:] for stack in STACKS[:1] + STACKS[-2:]
]


def count(stack: str) -> int:
    """How many states there are: layers times directions."""
    layers = int(stack[stack.index("layers=") + 7]) if "layers=" in stack else 1
    return layers * (2 if "bidirectional" in stack else 1)


def spec(
    op: str, *arguments: str, given: bool = False, named: bool = False, padded: bool = False
) -> str:
    """A net of one recurrent layer.

    `given`: its first states are inputs; `named`: a loss looks at its last ones.
    """
    options = [str(UNITS), *filter(None, arguments)]
    states = count(", ".join(arguments))
    state, width = (
        f"real[{states}, {UNITS}]",
        UNITS * (2 if "bidirectional" in str(arguments) else 1),
    )
    inputs = [f"x: real[{STEPS}, 2]{' padded' if padded else ''}"]
    targets = [f"t: real[{STEPS}, {width}]"]
    names, losses = ["y"], ["from y -> loss mse(target=t)"]
    for name in STATES[op] if given else ():
        inputs.append(f"{name}_: {state}")
        options.append(f"{name}={name}_")
    for name in STATES[op] if named else ():
        targets.append(f"t_{name}: {state}")
        names.append(f"last_{name}")
        losses.append(f"from last_{name} -> loss mse(target=t_{name})")
    results = f"({', '.join(names)})" if named else "y"
    flow = [f"from x -> {op}({', '.join(options)}) as {results}", *losses]
    declared = [f"input {', '.join(inputs)}", f"target {', '.join(targets)}"]
    return "\n".join(["net N {", *declared, *flow, f"output {', '.join(names)}", "}"])


@contextmanager
def same_masks() -> Iterator[None]:
    """Let PyTorch draw what `freeze_masks` lets NumPy draw."""
    rng = np.random.default_rng(7)

    def dropout(x: torch.Tensor, p: float, training: bool) -> torch.Tensor:
        if not training or p == 0:
            return x
        kept = rng.random(tuple(x.shape), dtype=np.float32) >= p
        return x * torch.tensor(kept) / (1 - p)

    with patch.object(torch.nn.functional, "dropout", dropout):
        yield


def check(text: str, folder: Path) -> Compiled:
    """Names, outputs, loss and gradients of weights, inputs and states, in all forms."""
    compiled = compile_text(text, input_gradients=True)
    for backward in FORMS:
        code = pytorch_code(text, input_gradients=True, backward=backward)
        with same_masks():
            check_same(compiled, code, compiled.batch(3), folder)
    return compiled


@pytest.mark.parametrize(("op", "form", "stack"), CASES)
def test_sequence(op: str, form: str, stack: str, tmp_path: Path) -> None:
    check(spec(op, form, stack), tmp_path)


@pytest.mark.parametrize(("op", "form", "stack"), CASES)
def test_padded_sequence_between_states_without_bias(
    op: str, form: str, stack: str, tmp_path: Path
) -> None:
    text = spec(op, form, stack, "bias=false", given=True, named=True, padded=True)
    check(text, tmp_path)


@pytest.mark.parametrize("op", FORM)
def test_last_state_alone(op: str, tmp_path: Path) -> None:
    """Nothing is asked of the sequence; of an LSTM's states, only of one."""
    names = "(_, h, _)" if op == "lstm" else "(_, h)"
    flow = f"{op}({UNITS}, layers=2) as {names}\nfrom h -> loss mse\noutput h"
    check(f"net N {{\ninput x: real[4, 2]\ntarget t: real[2, {UNITS}]\n{flow}\n}}", tmp_path)


@pytest.mark.parametrize("op", FORM)
def test_shared_and_in_loops(op: str, tmp_path: Path) -> None:
    """Several calls a step add up; a loop's rounds have weights of their own."""
    names = "(p, _, _)" if op == "lstm" else "(p, _)"
    text = f"""
block part(units) {{ {op}(units, layers=2) -> tanh }}
net N {{
  input x: real[T, 3], z: real[T, 3]
  target t: real[T, 3]
  shared both = {op}(3)
  from x -> both -> repeat 2 {{ {op}(3) }} as a
  from z -> both as {names}
  from p -> part(3) as b
  from a, b -> add -> repeat 2 {{ part(3) -> {op}(3, bias=false) }}
  loss mse
}}
"""
    compiled = compile_text(text, input_gradients=True, sizes={"T": 4})
    for backward in FORMS:
        code = pytorch_code(text, input_gradients=True, backward=backward)
        check_same(compiled, code, compiled.batch(3), tmp_path)


RATES = {
    "block": """
block part(rate) {{ {op}(3, layers=2, dropout=rate) }}
net N {{ input x: real[4, 2]; target t: real[4, 3]; part({0}) -> part({1}); loss mse }}
""",
    "loop": """
net N {{
  input x: real[4, 3]
  target t: real[4, 3]
  for rate in [{0}, {1}] {{ {op}(3, layers=2, dropout=rate) }}
  loss mse
}}
""",
    "loop of blocks": """
block part(rate) {{ {op}(3, layers=2, dropout=rate) as {names}; from p -> tanh }}
net N {{
  input x: real[4, 3]
  target t: real[4, 3]
  for rate in [{0}, {1}] {{ part(rate) }}
  loss mse
}}
""",
}


@pytest.mark.parametrize("rates", [(0.0, 0.5), (0.5, 0.0), (0, 0.5)])
@pytest.mark.parametrize("form", RATES)
@pytest.mark.parametrize("op", FORM)
def test_one_class_with_and_without_dropout(
    op: str, form: str, rates: tuple[float, float], tmp_path: Path
) -> None:
    """What one of the layers of a class needs, the class has."""
    names = "(p, _, _)" if op == "lstm" else "(p, _)"
    check(RATES[form].format(*rates, op=op, names=names), tmp_path)


@pytest.mark.parametrize("stack", ["", "bidirectional=true", "bidirectional=true, join=top"])
@pytest.mark.parametrize("rate", ["", "dropout=0.3"])
@pytest.mark.parametrize("op", FORM)
def test_a_shared_layer_beside_one_with_dropout(
    op: str, rate: str, stack: str, tmp_path: Path
) -> None:
    """Its two calls, of other lengths, each have what they need on the way back."""
    stacked = ", ".join(["1", "layers=2", *filter(None, [stack])])
    shared = ", ".join(filter(None, [stacked, rate]))
    text = f"""
net N {{
  input x: real[3, 2], z: real[4, 2]
  target y: real[{6 if stack else 3}]
  shared f = {op}({shared})
  from x -> f -> last as a
  from z -> f -> last as b
  from x -> {op}({stacked}, dropout=0.3) -> last as c
  from a, b, c -> concat
  loss mse
}}
"""
    check(text, tmp_path)


@pytest.mark.parametrize("op", FORM)
def test_no_dropout_where_no_rate_asks_for_it(op: str) -> None:
    text = RATES["block"].format(0, 0, op=op)
    assert f"nn.{op.upper()}(in_features, 3, num_layers=2, batch_first=True)" in pytorch_code(text)
    code = compile_text(text).text
    assert "class Dropout" not in code
    assert "dropout=" not in code


SEQUENCES = {
    "a view of the last step does not share memory with what is kept": """
  input x: real[4, 3] PADDED
  target t: real[3]
  dense(3) -> tanh as h -> last -> relu as a
  from h -> reverse -> tanh -> last as b
  from a, b -> add -> sigmoid
""",
    "one table of vectors, read twice": """
  input x: token[4] of 6 PADDED, z: token[4] of 6 PADDED
  target t: real[3]
  shared table = embedding(6, 3)
  shared plain = one_hot(6)
  from x -> table as a
  from z -> table -> relu as b
  from x -> plain -> dense(3) as c
  from z -> plain -> dense(3) -> reverse as d
  from a, c -> add -> global_avgpool as e
  from b, d -> add -> last as f
  from e, f -> add
""",
    "vectors that are not learned": """
  input x: token[4] of 6 PADDED
  target t: real[2]
  shared table = embedding(6, 3, frozen=true)
  table -> global_maxpool -> dense(2) as a
  from x -> table -> tanh -> global_avgpool -> dense(2) as b
  from a, b -> add
""",
    "pools over time, called several times": """
  input x: real[4, 3] PADDED, z: real[4, 3] PADDED
  target t: real[3]
  shared most = global_maxpool
  shared mean = global_avgpool
  shared final = last
  shared back = reverse
  dense(3) -> relu -> back -> most as a
  from z -> dense(3) -> most as b
  from x -> dense(3) -> mean as c
  from z -> dense(3) -> mean as d
  from x -> dense(3) -> back -> final as e
  from z -> dense(3) -> final as f
  from a, b, c, d, e, f -> add
""",
}


@pytest.mark.parametrize("padded", ["", "padded"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_layers_of_sequences(name: str, padded: str, tmp_path: Path) -> None:
    check(f"net N {{{SEQUENCES[name].replace('PADDED', padded)}  loss mse\n}}", tmp_path)


@pytest.mark.parametrize("op", FORM)
def test_usual_layers_are_pytorchs_own(op: str) -> None:
    """A file has classes of its own only for what PyTorch lacks."""
    text = spec(op, "layers=3", "bidirectional=true")
    code = pytorch_code(text)
    name, unnamed = op.upper(), ", _"
    assert f"nn.{name}(2, 3, num_layers=3, bidirectional=True, batch_first=True)" in code
    assert f"y{unnamed} = self.{op}1(x)" in code
    assert f"class {name}" not in code
    assert f"class {name}(nn.{name})" in pytorch_code(spec(op, named=True))


@pytest.mark.parametrize("backward", FORMS)
@pytest.mark.parametrize("stack", ["", "layers=2, dropout=0.5"])
@pytest.mark.parametrize("op", FORM)
def test_state_that_is_carried_on(op: str, stack: str, backward: str) -> None:
    """Two halves of a sequence are the whole, if the second begins where the first ended."""
    net = carrying(op, stack, backward)
    x = torch.randn(3, 6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    whole = net(x)[0]
    assert torch.equal(net(x)[0], whole)
    net.carries = True
    first, second = net(x[:, :2])[0], net(x[:, 2:])[0]
    assert torch.allclose(torch.cat((first, second), 1), whole, rtol=1e-12)
    net.carries, net.state = False, None
    assert torch.equal(net(x)[0], whole)


def test_gradient_ends_where_a_state_is_carried_on() -> None:
    net = carrying("gru", "", "autograd")
    net.carries = True
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    net(x)
    net(x[:, :1].detach())[0].sum().backward()
    assert x.grad is None


GIVEN_CELL = """
net N {
  input  chars: token[T] of 4
  target next:  label[T] of 4
  one_hot(4) -> FIRST as (a, NAMES)
  from a -> lstm(3, initial_cell=c)
  dense(4)
  loss cross_entropy
}
train {
  data      text("a.txt", steps=4, sampling=adjacent)
  epochs    1
  batch     2
  optimizer sgd(0.1)
}
"""


@pytest.mark.parametrize("form", ["numpy", *FORMS])
@pytest.mark.parametrize(("first", "names"), [("lstm(3)", "_, c"), ("gru(3)", "c")])
def test_layer_that_is_given_a_state_carries_none(
    first: str, names: str, form: str, tmp_path: Path
) -> None:
    """Nor the other state, that is not given: the pass is that of PyTorch's layers, by hand."""
    text = GIVEN_CELL.replace("FIRST", first).replace("NAMES", names)
    compiled = compile_text(text, sizes={"T": 4}, path=tmp_path / "n.net")
    code, x = compiled.text, compiled.batch(2)["chars"]
    net, forward = compiled.net, compiled.net.forward
    if form != "numpy":
        code = pytorch_code(text, tmp_path / "n.net", backward=form)
        net = pytorch_net(code).eval()
        hand_over(compiled, net, tmp_path)

        def forward(part: Any) -> Any:
            return numbers(net(torch.tensor(part)))

    net.carry_state(True)
    found = [forward(part).copy() for part in (x, x[:, ::-1].copy())]
    wanted = by_hand(first, compiled.numbers(), x)
    assert np.allclose(found, wanted, rtol=1e-9)
    assert not np.allclose(found[1], by_hand(first, compiled.numbers(), x[:, ::-1])[0])
    (own,) = re.findall(r"^class LSTM\b.*?(?=^class )", code, re.MULTILINE | re.DOTALL)
    assert ("carries" in own) == (first == "lstm(3)")


def by_hand(first: str, weights: dict[str, Any], x: Any) -> list[Any]:
    """Two passes of `GIVEN_CELL`, one there and one back; the first layer alone carries."""
    op = first[: first.index("(")]
    name, second = f"{op}1", "lstm2" if op == "lstm" else "lstm1"
    kinds = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    layers = kinds[op](4, 3, batch_first=True), torch.nn.LSTM(3, 3, batch_first=True)
    for layer, part in zip(layers, (name, second), strict=True):
        own = {n: torch.tensor(weights[f"{part}.{n}"]) for n in layer.state_dict()}
        layer.double().load_state_dict(own)
    dense = [torch.tensor(weights[f"dense1.{n}"]) for n in ("weight", "bias")]
    state, found = None, []
    for part in (x, x[:, ::-1]):
        a, state = layers[0](torch.eye(4).double()[part.copy()], state)
        cell = state[1] if op == "lstm" else state
        y, _ = layers[1](a, (torch.zeros_like(cell), cell))
        found.append(numbers(torch.nn.functional.linear(y, *dense)))
    return found


def carrying(op: str, stack: str, backward: str) -> Any:
    """The class of a recurrent layer in a file whose layers carry their states on."""
    name = op.upper()
    words = {w.split("=")[0].strip() for w in stack.split(",") if w.strip()}
    asked = words | {"carries", "tanh"}
    context = {"kernels": {name}, "stacked": set(), "features": frozenset(asked)}
    code = render("pytorch", op, **context, explicit=backward == "explicit")
    found: dict[str, Any] = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    found["expect_examples"] = lambda *_: None
    exec(code, found)
    options: dict[str, Any] = {"num_layers": 2} if "layers" in words else {}
    return found[name](2, UNITS, batch_first=True, **options).double().eval()


# ---------------------------------------------------------------- what is given


WORDS = """
net N {
  input words: token[T] of 5 padded
  target mood: label of 2
  embedding(5, 3) -> last -> dense(2)
  loss cross_entropy
}
"""


@pytest.mark.parametrize("target", ["numpy", *FORMS])
@pytest.mark.parametrize(
    ("words", "lengths", "said"),
    [
        ([[0, 5]], [1], "`words` (test.net:3) needs whole numbers from 0 to 4, gets 0 to 5"),
        ([[0, -1]], [1], "`words` (test.net:3) needs whole numbers from 0 to 4, gets -1 to 0"),
        (
            [[0, 4]],
            [3],
            "`words_lengths` (test.net:3) needs whole numbers from 1 to 2, gets 3 to 3",
        ),
        (
            [[0, 4]],
            [0],
            "`words_lengths` (test.net:3) needs whole numbers from 1 to 2, gets 0 to 0",
        ),
        ([[0, 4]], [1, 2], "`words_lengths` (test.net:3) needs [1], gets [2]"),
    ],
)
def test_tokens_and_lengths_out_of_range(
    target: str, words: list[list[int]], lengths: list[int], said: str
) -> None:
    given: list[Any] = [np.array(words), np.array(lengths)]
    if target == "numpy":
        net = compile_text(WORDS).net
    else:
        net = pytorch_net(pytorch_code(WORDS, backward=target))
        given = [torch.tensor(array) for array in given]
    with pytest.raises(ValueError) as error:
        net.forward(*given)
    assert str(error.value) == said


# ---------------------------------------------------------------- how weights begin


def drawn(text: str, target: str) -> dict[str, Any]:
    """The numbers of a fresh network, by name."""
    if target == "numpy":
        compiled = compile_text(text)
        return compiled.numbers() | {n: a.copy() for n, a in compiled.net.buffers().items()}
    return {name: numbers(x) for name, x in pytorch_net(pytorch_code(text)).state_dict().items()}


def net_with(flow: str, *settings: str) -> str:
    made = f"train {{\n{chr(10).join(settings)}\n}}\n" if settings else ""
    inputs, targets = "words: token[4] of 200", "t: real[4, 64]"
    return f"net N {{\ninput {inputs}\ntarget {targets}\n{flow}\nloss mse\n}}\n{made}"


@pytest.mark.parametrize("target", ["numpy", "pytorch"])
@pytest.mark.parametrize("frozen", ["false", "true"])
def test_vectors_of_tokens_begin_as_in_pytorch(target: str, frozen: str) -> None:
    found = drawn(net_with(f"embedding(200, 64, frozen={frozen})"), target)["embedding1.weight"]
    assert abs(found.mean()) < 0.05
    assert abs(found.std() - 1) < 0.05
    again = drawn(net_with(f"embedding(200, 64, frozen={frozen})"), target)["embedding1.weight"]
    assert np.array_equal(found, again)


@pytest.mark.parametrize("target", ["numpy", "pytorch"])
@pytest.mark.parametrize("op", FORM)
def test_recurrent_weights_begin_as_in_pytorch(target: str, op: str) -> None:
    """U(±1/√units), all of them."""
    found = drawn(net_with(f"embedding(200, 9) -> {op}(64)"), target)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        array = found[f"{op}1.{name}_l0"]
        assert 0.9 / 8 < np.abs(array).max() <= 1 / 8, name
        assert abs(array.std() - 1 / 8 / 3**0.5) < 0.02, name


@pytest.mark.parametrize("target", ["numpy", "pytorch"])
@pytest.mark.parametrize("op", FORM)
def test_recurrent_weights_begin_as_the_spec_says(target: str, op: str) -> None:
    """With `init xavier`: the bound counts what comes in and what goes out; biases are zero."""
    settings = ('data npz("a.npz")', "optimizer sgd(0.1)", "epochs 1", "batch 2", "init xavier")
    found = drawn(net_with(f"embedding(200, 32) -> {op}(64)", *settings), target)
    for name in ("embedding1.weight", f"{op}1.weight_ih_l0", f"{op}1.weight_hh_l0"):
        bound = (6 / sum(found[name].shape)) ** 0.5
        assert 0.95 * bound < np.abs(found[name]).max() <= bound, name
    assert not found[f"{op}1.bias_ih_l0"].any()
    assert not found[f"{op}1.bias_hh_l0"].any()
