"""What holds between the stages holds, and would be missed if it did not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from specc.check import ShapedModel
from specc.diagnostics import Diagnostics
from specc.differentiate import Backward, TrainingModel, differentiate
from specc.graph import Call, Layer, Scan, Tensor
from specc.invariants import BrokenInvariant, verify
from specc.pipeline import analyse
from specc.source import Source
from specc.values import constant

SPEC = """
block twice(units) { dense(units) -> relu -> dense(units) -> relu }
net N {
  input  x: real[5]
  target y: real[3]
  twice(4)
  repeat 2 { dense(4) -> tanh -> dense(4) }
  dense(3)
  loss mse
}
"""


SEQUENCES = """
cell plain(units) {
  input x
  state h: [units]
  from x, h -> concat -> dense(units) -> tanh as state h
}
net S {
  input  x: real[T, 3] padded, s: real[1, 4]
  target y: real[4]
  from x -> gru(4, initial=s) as (all, hidden) -> scan plain(4) -> last as a
  from hidden -> flatten as b
  from a, b -> add
  loss mse
}
"""


def shaped() -> ShapedModel:
    return analyse(Source("n.net", SPEC), Diagnostics())["N"]


def sequences() -> ShapedModel:
    return analyse(Source("s.net", SEQUENCES), Diagnostics())["S"]


def block(model: ShapedModel) -> Call:
    return next(n for n in model.function.nodes if isinstance(n, Call))


def read_before_made(model: ShapedModel) -> None:
    model.function.nodes = model.function.nodes[::-1]


def made_twice(model: ShapedModel) -> None:
    nodes = model.function.nodes
    nodes[-2].outputs = nodes[0].outputs


def another_number_inside(model: ShapedModel) -> None:
    call = block(model)
    call.arguments = {**call.arguments, "units": constant(5)}


def another_shape_outside(model: ShapedModel) -> None:
    (tensor,) = block(model).outputs
    tensor.type = tensor.type.with_shape(constant(9))


def term_of_another_number(model: ShapedModel) -> None:
    (tensor,) = model.function.nodes[-2].outputs
    tensor.type = tensor.type.with_shape(replace(tensor.type.shape[0], term=7))


def one_name_for_two(model: ShapedModel) -> None:
    first, second = block(model).function.nodes[:2]
    second.outputs[0].name = first.outputs[0].name


def output_of_nobody(model: ShapedModel) -> None:
    function = block(model).function
    (tensor,) = function.outputs
    function.outputs = (Tensor("lost", tensor.type, tensor.span),)


BROKEN: list[tuple[Callable[[ShapedModel], None], str]] = [
    (read_before_made, "before it is made"),
    (made_twice, "is made twice"),
    (another_number_inside, "`units` is 4 inside"),
    (another_shape_outside, "inside"),
    (term_of_another_number, "a size 3 written as 7"),
    (one_name_for_two, "several tensors are called"),
    (output_of_nobody, "made by no node"),
]


def test_shapes_hold() -> None:
    model = shaped()
    verify(model.model)
    verify(model)


@pytest.mark.parametrize(("break_it", "message"), BROKEN, ids=lambda b: getattr(b, "__name__", ""))
def test_broken_shapes_are_seen(break_it: Callable[[ShapedModel], None], message: str) -> None:
    model = shaped()
    break_it(model)
    with pytest.raises(BrokenInvariant, match=message):
        verify(model)


def recurrent(model: ShapedModel) -> Layer:
    return next(n for n in model.function.nodes if isinstance(n, Layer))


def lengths_before_the_state(model: ShapedModel) -> None:
    layer = recurrent(model)
    layer.tensors = layer.tensors[::-1]
    layer.inputs = (layer.inputs[0], *layer.inputs[:0:-1])


def no_lengths(model: ShapedModel) -> None:
    layer = recurrent(model)
    layer.tensors, layer.inputs = layer.tensors[:-1], layer.inputs[:-1]


def some_results(model: ShapedModel) -> None:
    layer = recurrent(model)
    layer.outputs = (*layer.outputs, Tensor("more", layer.output, layer.span))


def step_of_another_shape(model: ShapedModel) -> None:
    scan = next(n for n in model.function.nodes if isinstance(n, Scan))
    tensor = scan.function.inputs[0]
    tensor.type = tensor.type.with_shape(constant(7))


def state_that_grows(model: ShapedModel) -> None:
    scan = next(n for n in model.function.nodes if isinstance(n, Scan))
    tensor = scan.function.outputs[-1]
    tensor.type = tensor.type.with_shape(constant(7))


def padded_to_other_lengths(model: ShapedModel) -> None:
    (tensor,) = next(n for n in model.function.nodes if isinstance(n, Scan)).outputs
    tensor.type = replace(tensor.type, padded="lengths of s")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (padded_to_other_lengths, "scan1.* pads anew"),
        (lengths_before_the_state, "lengths are not its last tensor"),
        (no_lengths, "the lengths are others'"),
        (some_results, "has 3 results"),
        (step_of_another_shape, "`scan1` at .*all"),
        (state_that_grows, "scan1.* makes"),
    ],
)
def test_broken_sequences_are_seen(break_it: Callable[[ShapedModel], None], message: str) -> None:
    model = sequences()
    verify(model)
    verify(differentiate(model, input_gradients=True))
    break_it(model)
    with pytest.raises(BrokenInvariant, match=message):
        verify(model)


def test_broken_names_are_seen() -> None:
    model = shaped().model
    span = next(s for s, callee in model.callees.items() if not isinstance(callee, str))
    value = next(v for bound in model.arguments.values() for v in bound.values())
    model.arguments[span] = {**model.arguments[span], "colour": value}
    with pytest.raises(BrokenInvariant, match="no parameter"):
        verify(model)


@pytest.mark.parametrize("input_gradients", [False, True])
def test_gradients_hold(input_gradients: bool) -> None:
    verify(differentiate(shaped(), input_gradients=input_gradients))


def forgotten_statement(model: TrainingModel) -> None:
    graph = model.backward_of(model.classes.net)
    del graph.statements[1]


def wrong_shape(model: TrainingModel) -> None:
    graph = model.backward_of(model.classes.net)
    found = [s for s in graph.statements if isinstance(s, Backward) and isinstance(s.node, Layer)]
    gradient = found[0].d_inputs[0]
    assert gradient is not None
    gradient.type = gradient.type.with_shape(constant(77))


@pytest.mark.parametrize(
    ("break_it", "message"), [(forgotten_statement, "before it is made"), (wrong_shape, "is no d_")]
)
def test_broken_gradients_are_seen(break_it: Callable[[TrainingModel], None], message: str) -> None:
    model = differentiate(shaped())
    break_it(model)
    with pytest.raises(BrokenInvariant, match=message):
        verify(model)
