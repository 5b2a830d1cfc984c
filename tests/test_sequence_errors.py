"""What generated code says of wrong inputs and of overflows in recurrences, on every form."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from compiled import execute, network_class
from mutations import model

from specc.diagnostics import Diagnostics
from specc.emit import emit
from specc.options import Options

FORMS = {
    "numpy": Options(),
    "pytorch": Options(target="pytorch"),
    "explicit": Options(target="pytorch", backward="explicit"),
}
LAYERS = """\
net Layers {
  input  w: token[5] of 7, s: real[2, 4]
  target y: real[4]
  from w -> embedding(7, 3)
  gru(4, layers=2, initial=s) as (all, hidden)
  from hidden -> flatten -> dense(4) as a
  from all -> last as b
  from a, b -> add
  loss mse
}
"""
CELL = """\
cell plain(units) {
  input x
  state h: [units]
  from x, h -> concat
  dense(units) -> relu as state h
}
net Cell {
  input  x: real[5, 3], first: real[4]
  target y: real[4]
  from x -> scan plain(4, h=first) as (all, h)
  from h -> dense(4)
  loss mse
}
"""
TRAIN = """
train {
  data      npz("examples.npz")
  epochs    1
  batch     4
  optimizer sgd(0.1)
}
"""
PADDED = """\
net Padded {
  input  words: token[T] of 7 padded
  target y: label of 2
  embedding(7, 3) -> gru(4) -> last
  dense(2)
  loss cross_entropy
}
"""

each_form = pytest.mark.parametrize("form", FORMS)


def module_of(text: str, form: str) -> Any:
    from pathlib import Path

    return execute(emit(model(text), FORMS[form], Path("made.py"), Diagnostics()))


def given(form: str, *arrays: Any) -> list[Any]:
    return list(arrays) if form == "numpy" else [torch.tensor(a) for a in arrays]


def watched(text: str, form: str, values: dict[str, float]) -> Any:
    """A net in which these weights have these values, and that is watched."""
    module = module_of(text + TRAIN, form)
    net = network_class(module)()
    named = net.parameters() if form == "numpy" else dict(net.state_dict())
    for name, value in values.items():
        named[name][...] = value
    module.watch(net, 7, 5)
    return net


def layers_batch(form: str) -> list[Any]:
    tokens = np.arange(20).reshape(4, 5) % 7
    ones = np.ones((4, 4), np.float32)
    return given(form, tokens, np.ones((4, 2, 4), np.float32), ones)


def cell_batch(form: str) -> list[Any]:
    ones = np.ones((4, 4), np.float32)
    return given(form, np.ones((4, 5, 3), np.float32), ones, ones)


@each_form
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_overflows_in_a_recurrent_layer_name_its_line(form: str) -> None:
    net = watched(LAYERS, form, {"gru1.weight_hh_l1": np.nan})
    message = r"^the result of `gru1` \(mutant.net:5\) is nan in step 3 of epoch 2, .*_l1\| <= nan"
    with pytest.raises(FloatingPointError, match=message):
        net.loss(*layers_batch(form))


@each_form
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_overflowing_gradients_of_a_recurrent_layer_name_its_line(form: str) -> None:
    """The last state is zero, and the loss finite; the state's gradient is not."""
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    zeros = {f"gru1.{kind}_l{layer}": 0.0 for kind in kinds for layer in range(2)}
    net = watched(LAYERS, form, zeros | {"dense1.weight": 1e38})
    tokens, state, target = layers_batch(form)
    net.loss(tokens, 0 * state, 1e10 * target)
    with pytest.raises(
        FloatingPointError, match=r"\(mutant.net:[56]\) is \S+ in step 3 of epoch 2"
    ):
        net.backward()


@each_form
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_overflows_in_a_cell_name_the_line_of_its_layer(form: str) -> None:
    net = watched(CELL, form, {"scan1.dense1.weight": 1e13, "scan1.dense1.bias": 0.0})
    message = r"^the result of `scan1.dense1` \(mutant.net:5\) is inf in step 3 of epoch 2, from"
    with pytest.raises(FloatingPointError, match=message):
        net.loss(*cell_batch(form))


@each_form
@pytest.mark.parametrize(("text", "batch"), [(LAYERS, layers_batch), (CELL, cell_batch)])
def test_who_is_watched_computes_the_same(form: str, text: str, batch: Any) -> None:
    plain = network_class(module_of(text, form))()
    nets = watched(text, form, {}), plain
    losses = [net.loss(*batch(form)) for net in nets]
    assert losses[0] == losses[1]
    gradients, wanted = (net.backward() for net in nets)
    assert all((gradients[name] == wanted[name]).all() for name in wanted)


@each_form
@pytest.mark.parametrize(
    ("tokens", "lengths", "message"),
    [
        ((2, 3, 1), (2,), "`words` (mutant.net:2) needs [N, T], gets [2, 3, 1]"),
        ((2, 3), (3,), "`words_lengths` (mutant.net:2) needs [2], gets [3]"),
        (
            (2, 3),
            (2,),
            "`words_lengths` (mutant.net:2) needs whole numbers from 1 to 3, gets 5 to 5",
        ),
    ],
)
def test_wrong_sequences_name_their_line(
    form: str, tokens: tuple[int, ...], lengths: tuple[int, ...], message: str
) -> None:
    net = network_class(module_of(PADDED, form))()
    arrays = given(form, np.zeros(tokens, int), np.full(lengths, 5))
    with pytest.raises(ValueError, match=re.escape(message)):
        net.forward(*arrays)
