"""Sequences in `specc verify`: what passes, and bugs that are planted in recurrences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cell_nets import IDLE
from compiled import compile_text
from mutations import (
    GRADIENT,
    HANDS_BACK,
    RESULT,
    Mutation,
    accusations,
    check_found,
    verified,
)

STACK = """\
net Stack {
  input  w: token[T] of 7 padded
  target y: real[3]
  embedding(7, 3)
  gru(4, layers=2, dropout=0.3)
  last
  dense(3)
  loss mse
}
"""
BOTH = """\
net Both {
  input  x: real[T, 3] padded
  target y: real[3]
  gru(2, bidirectional=true)
  conv1d(3, 2)
  global_avgpool
  loss mse
}
"""
STATES = """\
net States {
  input  x: real[T, 3], s: real[1, 4]
  target y: real[4]
  from x -> lstm(4, initial=s) as (all, hidden, memory)
  from hidden, memory -> add -> flatten as a
  from all -> last as b
  from a, b -> add
  loss mse
}
"""
CELL = """\
cell gated(units) {
  input x
  state h: [units], c: [units]
  from x, h -> concat -> dense(4 * units) -> split(4) as (i, f, g, o)
  from f -> sigmoid as forget
  from i -> sigmoid as write
  from g -> tanh as fresh
  from forget, c -> multiply as kept
  from write, fresh -> multiply as added
  from kept, added -> add as state c
  tanh as squashed
  from o -> sigmoid as read
  from read, squashed -> multiply as state h
}
net Cell {
  input  x: real[T, 2] padded
  target y: real[3]
  scan gated(3) as (all, h, c)
  from all -> last as a
  from c -> tanh as b
  from a, b -> add
  loss mse
  output all
}
"""

CARRIED = """\
net Carried {
  input  chars: token[T] of 5
  target next:  label[T] of 5
  one_hot(5)
  rnn(3)
  dense(5)
  loss cross_entropy
}
train {
  data      text("text.txt", steps=4, sampling=adjacent)
  epochs    1
  batch     2
  optimizer sgd(0.1)
}
"""

MUTATIONS = {
    "a state that is not carried on": Mutation(
        CARRIED,
        "self.state = h[-1]",
        "self.state = 0 * h[-1]",
        "rnn1.weight_ih_l0",
        5,
        "weights after",
    ),
    "swapped gates": Mutation(STACK, "(r, z, n) = ", "(z, r, n) = ", "gru1", 5, RESULT),
    "reset before the product": Mutation(
        STACK,
        "np.add(product[2], c, out=inner[t])\n"
        "            n[t] += np.multiply(r[t], inner[t], out=product[0])",
        "np.add((r[t] * h[t]) @ weight[2], c, out=inner[t])\n            n[t] += inner[t]",
        "gru1",
        5,
        RESULT,
    ),
    "a step too few back": Mutation(
        STACK,
        "in reversed(range(len(d_y)))",
        "in reversed(range(1, len(d_y)))",
        "gru1.weight_ih_l0",
        5,
        GRADIENT,
    ),
    "bias of the recurrent product": Mutation(
        STACK,
        "self.bias_hh_l0.gradient[:] = (",
        "self.bias_hh_l0.gradient[:] = 0 * (",
        "gru1.bias_hh_l0",
        5,
        GRADIENT,
    ),
    "no mask between layers on the way back": Mutation(
        STACK,
        "d_y = self.dropouts[i - 1].backward(d_y)",
        "d_y = d_y + 0",
        "gru1.weight_ih_l0",
        5,
        GRADIENT,
    ),
    "last step but one": Mutation(
        STACK,
        "lengths - 1\n        if training",
        "lengths - 2\n        if training",
        "last1",
        6,
        RESULT,
    ),
    "a token's first place alone": Mutation(
        STACK, "np.add.reduceat(rows, starts)", "rows[starts]", "embedding1.weight", 4, GRADIENT
    ),
    "padding that learns": Mutation(
        BOTH,
        "d_y = d_y.swapaxes(0, 1) * inside",
        "d_y = d_y.swapaxes(0, 1)",
        "gru1.weight_ih_l0",
        4,
        GRADIENT,
    ),
    "backwards from the padding": Mutation(
        BOTH, "x = reverse_steps(x, lengths)", "x = x[:, ::-1]", "gru1", 4, RESULT
    ),
    "padding that is put out": Mutation(BOTH, "y *= inside[t]", "y *= 1", "gru1", 4, RESULT),
    "gradient of a last state": Mutation(
        STATES, "0 if d_hidden is None else d_hidden[:, 0]", "0", "lstm1.weight_ih_l0", 4, GRADIENT
    ),
    "gradient of a first state": Mutation(
        STATES,
        "return d_x, d_h[:, np.newaxis]",
        "return d_x, 0 * d_h[:, np.newaxis]",
        "lstm1",
        4,
        HANDS_BACK,
    ),
    "the memory of the next step": Mutation(
        STATES,
        "factors[:, 2] *= c[:-1]",
        "factors[:, 2] *= c[1:]",
        "lstm1.weight_ih_l0",
        4,
        GRADIENT,
    ),
    "a step of a cell too few back": Mutation(
        CELL,
        "reversed(range(d_y.shape[1]))",
        "reversed(range(1, d_y.shape[1]))",
        "scan1",
        18,
        "back",
    ),
    "a state that padding changes": Mutation(
        CELL, "np.where(inside, *pair)", "pair[0]", "scan1.concat1", 4, RESULT
    ),
    "a state that padding does not hand back": Mutation(
        CELL, "[d_state * ~inside", "[d_state * 0", "scan1", 18, "the gradient of `c`"
    ),
    "swapped parts": Mutation(
        CELL,
        "np.concatenate(d_parts,",
        "np.concatenate(d_parts[::-1],",
        "scan1.split1",
        4,
        HANDS_BACK,
    ),
    "states in another order in PyTorch": Mutation(
        CELL,
        "return next_h, next_h, next_c",
        "return next_h, next_c, next_h",
        "scan1.concat1",
        4,
        RESULT,
        "pytorch",
    ),
}


TOP = """\
net Top {
  input  x: real[T, 3] padded
  target y: real[T, 2]
  lstm(2, layers=2, bidirectional=true, join=top, dropout=0.3)
  dense(2)
  loss mse
}
"""
TWICE = """\
net Twice {
  input  w: token[T] of 7, s: real[4]
  target y: label of 2
  shared g = gru(4, reset_after=false)
  from s -> dense(4) -> reshape([1, 4]) as first
  from w -> embedding(7, 4, frozen=true) -> g -> g as (all, last)
  from all -> rnn(4, initial=first) -> last as a
  from last -> flatten as b
  from a, b -> concat -> dense(2)
  loss cross_entropy
}
"""
IDLE_NET = (
    IDLE
    + """\
net Idle {
  input  x: real[T, 2]
  target y: real[T, 3]
  scan idle(3)
  loss mse
}
"""
)
CELLS = [path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("cells/*.net"))]
NETS = [STACK, BOTH, STATES, CELL, CARRIED, TOP, TWICE, IDLE_NET, *CELLS]


def name_of(text: str) -> str:
    """The name of a spec's net."""
    return f"\n{text}".rpartition("\nnet ")[2].split()[0].partition("(")[0]


@pytest.mark.parametrize("text", NETS, ids=name_of)
def test_sequences_pass(text: str) -> None:
    found = verified(text)
    assert found.failure is None
    assert found.plan.sizes == {"T": 5}
    assert {"finite differences", "weights after steps"} <= {c.quantity for c in found.checks}


@pytest.mark.parametrize("text", NETS, ids=name_of)
def test_what_agrees_is_not_accused(text: str) -> None:
    """The search for the first difference finds none, in both modes, on any side."""
    assert accusations(text) == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_found(MUTATIONS[name], monkeypatch)


@pytest.mark.parametrize("layer", ["rnn(4)", "lstm(2, bidirectional=true)", "gru(4, layers=2)"])
def test_padding_counts_for_nothing(layer: str) -> None:
    """Other numbers there change neither the loss nor a gradient; their own gradient is 0."""
    text = TOP.replace("lstm(2, layers=2, bidirectional=true, join=top, dropout=0.3)", layer)
    compiled = compile_text(text, input_gradients=True, sizes={"T": 6})
    batch = compiled.batch()
    lengths = batch["x_lengths"]
    assert lengths.max() == 6 > lengths.min() >= 1
    padding = np.arange(6) >= lengths[:, None]
    loss, gradients = compiled.loss(batch), compiled.gradients(batch)
    assert not gradients["x"][padding].any() and gradients["x"][~padding].all()
    batch["x"][padding] = 1000
    batch["y"][padding] = -1000
    assert compiled.loss(batch) == loss
    for name, gradient in compiled.gradients(batch).items():
        assert np.array_equal(gradient, gradients[name]), name
