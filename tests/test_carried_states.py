"""States that go on from pass to pass: of layers, of cells, on all targets, and where they end."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cell_nets import PAIR
from compiled import Batch, Compiled, compile_text, directional_error, worst
from pytorch_files import FORMS, as_tensors, hand_over, numbers, pytorch_code, pytorch_net

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


SHIFTED = f"""
cell shift {{
  input x
  state p: [in.features]
  from x as state p
  from x, p -> add
}}
{CHARACTERS.replace("scan pair(3)", "dense(3) -> scan shift")}"""
"""The state is the input of the step before: a part of an array that `dense` uses again."""


LAYERS = [
    "scan pair(3)",
    "dense(3) -> scan shift",
    "scan outer(3) -> gru(3)",
    "rnn(3, layers=2)",
    "rnn(3, activation=relu)",
    "gru(3, layers=2, dropout=0.5)",
    "gru(3, reset_after=false)",
    "lstm(3, layers=2)",
]


def with_layers(layers: str, folder: Path) -> tuple[str, Path]:
    """A net of such layers, and a path for it beside its text."""
    (folder / "t.txt").write_text("abcd" * 50)
    written = {"scan outer(3) -> gru(3)": NESTED, "dense(3) -> scan shift": SHIFTED}
    text = written.get(layers) or CHARACTERS.replace("scan pair(3)", layers)
    return text, folder / "chars.net"


@pytest.mark.parametrize("layers", LAYERS)
def test_states_are_carried_from_pass_to_pass(layers: str, tmp_path: Path) -> None:
    """Two halves of a text, one after the other, are the whole; without `carry_state` not.

    What is inside a step begins at zero at each.
    """
    text, path = with_layers(layers, tmp_path)
    compiled = compile_text(text, sizes={"T": 8}, path=path)
    x = compiled.batch(2)["chars"]
    check_carried(compiled.net, compiled.net.forward, x)
    for form in FORMS:
        other = pytorch_net(pytorch_code(text, path, backward=form)).eval()
        hand_over(compiled, other, tmp_path)
        check_carried(other, passes(other), x)


def passes(net: Any) -> Callable[[Any], Any]:
    """The pass of a PyTorch net, of arrays."""
    return lambda part: numbers(net(torch.tensor(part)))


def check_carried(net: Any, forward: Callable[[Any], Any], x: Any) -> None:
    """`forward` is the pass of the net, of arrays."""
    whole = forward(x)
    net.carry_state(True)
    halves = [forward(x[:, :4]), forward(x[:, 4:])]
    net.carry_state(False)
    np.testing.assert_allclose(np.concatenate(halves, axis=1), whole, atol=1e-12)
    assert np.abs(forward(x[:, 4:]) - whole[:, 4:]).max() > 1e-4
    np.testing.assert_allclose(forward(x), whole, atol=1e-12)


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


class Continued(Compiled):
    """A net whose passes all begin with the states that one pass left."""

    states: list[tuple[Any, Any]]

    def begin(self, batch: Batch) -> None:
        """Make that pass."""
        self.net.carry_state(True)
        self.net.loss(**batch)
        carrying = [part for _, part in self.net.parts() if getattr(part, "carries", False)]
        self.states = [(part, deepcopy(part.state)) for part in carrying]

    def loss(self, batch: Batch) -> float:
        for part, state in self.states:
            part.state = deepcopy(state)
        return super().loss(batch)


@pytest.mark.parametrize("layers", [call for call in LAYERS if "dropout" not in call])
def test_gradients_end_where_states_are_carried_on(layers: str, tmp_path: Path) -> None:
    """What the pass before left is taken as given: finite differences, and all targets agree."""
    text, path = with_layers(layers, tmp_path)
    compiled = compile_text(text, sizes={"T": 4}, path=path)
    first, second = compiled.batch(2), compiled.batch(2, seed=1)
    start = compiled.loss(second)
    continued = Continued(**vars(compiled))
    continued.begin(first)
    assert directional_error(continued, second) < 1e-6
    loss, gradients = continued.loss(second), continued.gradients(second)
    assert abs(loss - start) > 1e-6
    for form in FORMS:
        other = pytorch_net(pytorch_code(text, path, backward=form))
        hand_over(compiled, other, tmp_path)
        other.carry_state(True)
        other.loss(**as_tensors(first))
        assert other.loss(**as_tensors(second)).item() == pytest.approx(loss, rel=1e-9)
        found = {name: numbers(gradient) for name, gradient in other.backward().items()}
        assert worst(found, gradients) < 1e-9
