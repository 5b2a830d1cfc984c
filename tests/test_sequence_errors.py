"""What generated code says of wrong inputs and of overflows in recurrences, on every form."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compiled import execute, network_class
from diagnosed import diagnosed
from mutations import model
from sequence_scripts import FORMS

from specc.diagnostics import Diagnostics
from specc.emit import emit

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
ADD_UP = "cell add_up { input x; state h: [3]; from x, h -> add as state h }\n"
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
STEPS = """\
net Steps {
  input  x: real[T, 3] padded
  target y: real[T, 4]
  gru(4)
  loss mse
}
"""


def module_of(text: str, form: str) -> Any:
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


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_overflows_in_a_recurrent_layer_name_its_line(form: str) -> None:
    net = watched(LAYERS, form, {"gru1.weight_hh_l1": np.nan})
    message = r"^the result of `gru1` \(mutant.net:5\) is nan in step 3 of epoch 2, .*_l1\| <= nan"
    with pytest.raises(FloatingPointError, match=message):
        net.loss(*layers_batch(form))


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


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_overflows_in_a_cell_name_the_line_of_its_layer(form: str) -> None:
    net = watched(CELL, form, {"scan1.dense1.weight": 1e13, "scan1.dense1.bias": 0.0})
    message = r"^the result of `scan1.dense1` \(mutant.net:5\) is inf in step 3 of epoch 2, from"
    with pytest.raises(FloatingPointError, match=message):
        net.loss(*cell_batch(form))


@pytest.mark.parametrize(("text", "batch"), [(LAYERS, layers_batch), (CELL, cell_batch)])
def test_who_is_watched_computes_the_same(form: str, text: str, batch: Any) -> None:
    plain = network_class(module_of(text, form))()
    nets = watched(text, form, {}), plain
    losses = [net.loss(*batch(form)) for net in nets]
    assert losses[0] == losses[1]
    gradients, wanted = (net.backward() for net in nets)
    assert all((gradients[name] == wanted[name]).all() for name in wanted)


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


def test_what_is_no_length_is_not_mended_into_one(form: str) -> None:
    net = network_class(module_of(PADDED, form))()
    tokens = np.zeros((2, 3), int)
    with pytest.raises(ValueError, match=r"needs \[2\], gets \[2, 3\]$"):
        net.forward(*given(form, tokens, tokens))


def test_lengths_that_are_no_whole_numbers_are_refused_by_their_type(form: str) -> None:
    net = network_class(module_of(PADDED, form))()
    arrays = given(form, np.zeros((2, 3), int), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"needs whole numbers from 1 to 3, gets .*float64$"):
        net.forward(*arrays)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("padding", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["x", "y"])
def test_padding_that_is_not_finite_is_refused(form: str, padding: float, name: str) -> None:
    """It is multiplied by zero, which makes gradients nan; numbers of a sequence are its own."""
    net = network_class(module_of(STEPS, form))()
    x, y = np.ones((2, 5, 3), np.float32), np.ones((2, 5, 4), np.float32)
    arrays = {"x": x, "x_lengths": np.array([5, 2]), "y": y}
    arrays[name][1, 2:] = 1e30
    net.loss(*given(form, *arrays.values()))
    arrays[name][1, 4, 1] = padding
    line = {"x": 2, "y": 3}[name]
    wanted = f"`{name}` (mutant.net:{line}) needs finite numbers as padding, gets {padding}"
    with pytest.raises(ValueError, match=f"^{re.escape(wanted)}$"):
        net.loss(*given(form, *arrays.values()))
    arrays[name][1, 4, 1] = 0
    arrays[name][0] = padding
    net.loss(*given(form, *arrays.values()))


@pytest.mark.parametrize("kind", ["uint8", "int32", "uint64"])
def test_predictions_take_tokens_of_any_whole_type(form: str, kind: str) -> None:
    net = network_class(module_of(PADDED, form))()
    tokens, lengths = np.arange(6).reshape(2, 3), np.array([3, 2])
    wanted = np.asarray(net.predict(tokens, lengths))
    tokens, lengths = tokens.astype(kind), lengths.astype(kind)
    assert (np.asarray(net.predict(tokens, lengths)) == wanted).all()
    for batch in (1, 2):
        with pytest.raises(ValueError, match=r"needs \[|zip\(\) argument 2 is longer"):
            net.predict(tokens, lengths.repeat(2), batch=batch)


def test_lists_are_as_good_as_arrays() -> None:
    net = network_class(module_of(PADDED, "numpy"))()
    found = net.forward([[1, 2, 0]], [2])
    assert (found == net.forward(np.array([[1, 2, 0]]), np.array([2]))).all()
    with pytest.raises(ValueError, match="needs whole numbers from 1 to 3, gets 4 to 4"):
        net.forward([[1, 2, 0]], [4])


def helps(text: str) -> list[tuple[str, str]]:
    """What is said about a spec: codes and helps."""
    return [(d.code, d.help) for d in diagnosed(text)]


@pytest.mark.parametrize(
    ("wrong", "code", "help", "mended"),
    [
        ("relu as h", "E0102", "write `as state h` if it is the state of the next step",
         "relu as state h"),
        ("scan plain(4, h=0) as (all, h)", "E0207", "leave it out: it begins with zeros",
         "scan plain(4) as (all, h)"),
        ("scan plain(4, h=first) as (all, h, c)", "E0304", "write `as (all, h)`",
         "scan plain(4, h=first) as (all, h)"),
    ],
)  # fmt: skip
def test_mistakes_in_cells_and_scans(wrong: str, code: str, help: str, mended: str) -> None:
    right = next(line for line in ("relu as state h", "scan plain(4, h=first) as (all, h)")
                 if line.split()[0] == wrong.split()[0])  # fmt: skip
    assert [found for found in helps(CELL.replace(right, wrong)) if found[0] == code] == [
        (code, help)
    ]
    found = {c for c, _ in helps(CELL.replace(right, mended)) if c.startswith("E")}
    assert found <= {"E0405"}  # `first` is not used any more


SEQUENCE = """\
net N {
  input x: real[T, 3] padded
  target y: real[1]
  FLOW -> dense(1)
  loss mse
}
"""
BLOCK = """\
block plain(units) {
  input x, h
  from x, h -> concat -> dense(units) -> tanh
}
"""
AS_CELL = "declare it as `cell`, with `state h: […]` in place of the input `h`"


@pytest.mark.parametrize(
    ("text", "code", "help", "changes"),
    [
        (SEQUENCE.replace("FLOW", "gru(4, bidirectional=true, layers=2)"), "E0409",
         "with `global_maxpool` before `dense` the prediction is [1]",
         {"-> dense": "-> global_maxpool -> dense"}),
        (SEQUENCE.replace("FLOW", "gru(4)"), "E0409",
         "with `last` before `dense` the prediction is [1]", {"-> dense": "-> last -> dense"}),
        (SEQUENCE.replace("FLOW", "gru(4) -> last").replace("real[1]", "real[T, 1]"), "E0409",
         "without `last` the prediction is [T, 1]", {"-> last": ""}),
        (SEQUENCE.replace("FLOW", "gru(4) -> last -> tanh").replace("real[1]", "label[T] of 1")
         .replace("mse", "cross_entropy").replace(" padded", ""), "E0409",
         "without `last` the prediction is [T, 1]", {"-> last": ""}),
        (SEQUENCE.replace("FLOW", "gru(4) -> last -> gru(4) -> last"), "E0307",
         "without `last` before it the result is [T, 4]", {"last -> gru": "gru"}),
        (ADD_UP + SEQUENCE.replace("FLOW", "scan add_up -> last -> scan add_up -> last"), "E0307",
         "without `last` before it, it gets a sequence of T steps with 3 features",
         {"last -> scan": "scan"}),
        (BLOCK + SEQUENCE.replace("FLOW", "scan plain(4) -> last"), "E0122", AS_CELL,
         {"block": "cell", "x, h\n": "x\n  state h: [units]\n", "tanh": "tanh as state h"}),
        (SEQUENCE.replace("FLOW", "gru(4) as (all, h)\n  last"), "W0102",
         "write `_` in its place, or call it `_all` if that is meant",
         {"(all, h)": "(_, h)", "last": "from h -> flatten"}),
    ],
)  # fmt: skip
def test_what_a_help_says_mends(text: str, code: str, help: str, changes: dict[str, str]) -> None:
    assert (code, help) in helps(text)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    assert helps(text) == []


def test_a_block_of_one_input_is_called_without_scan() -> None:
    one = BLOCK.replace("x, h\n", "x\n").replace("from x, h -> concat", "from x")
    text = one + SEQUENCE.replace("FLOW", "scan plain(4) -> last")
    assert ("E0122", "write `plain(4)`") in helps(text)


def test_a_state_that_is_set_needs_no_second_one() -> None:
    wrong = CELL.replace("relu as state h", "relu as state h\n  tanh as h")
    assert ("E0102", "call one of them something else, such as `h2`") in helps(wrong)


def test_names_that_an_error_rejects_are_not_said_to_be_unused() -> None:
    text = "net N {\n  input x: real[5, 3]\n  gru(4) as (q, h, c)\n}\n"
    assert helps(text) == [("E0304", "write `as (q, h)`")]
    assert helps(text.replace("c)", "c)\n  from c -> tanh")) == [("E0304", "")]


def test_what_cannot_be_mended_has_no_help() -> None:
    """One step has nothing to scan, 67 no divisor from 2 to 64, and no word is like `sigmoid`."""
    step = CELL.replace("relu as state h", "plain(4) as state h")
    assert ("E0122", "") in helps(step)
    parts = "net N {\n  input x: real[WIDTH]\n  split(2) as (a, b)\n  from a, b -> add\n}\n"
    assert helps(parts.replace("WIDTH", "67"))[0] == ("E0316", "")
    assert helps(parts.replace("WIDTH", "9"))[0] == ("E0316", "with `parts=3` the result is [3]")


def test_words_that_an_argument_takes_are_listed() -> None:
    text = "net N {\n  input x: real[5, 3]\n  rnn(2, activation=sigmoid)\n}\n"
    note = "the words that the argument takes: `tanh`, `relu`, `identity`"
    assert [(d.code, d.note) for d in diagnosed(text)] == [("E0101", note)]
