"""Cells: one step of a recurrence, its states, and `scan`, which runs it along sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specc import syntax
from specc.checking.lengths import common_lengths
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import EvaluationError, evaluate, fail
from specc.graph import Scan, Tensor
from specc.ops.rules import product
from specc.signature import LARGEST, is_integer
from specc.source import Span
from specc.types import Content, TensorType
from specc.values import Value, show

if TYPE_CHECKING:
    from specc.checking.body import Body
    from specc.checking.calls import Given


_TAKEN = ("lengths", "sequences", "y")
"""Arguments of the passes that states are handed to by name, too."""


@dataclass(eq=False)
class State:
    """A state of a cell: as it comes in, and what it will be in the next step, once set."""

    tensor: Tensor
    next: Tensor | None = None
    set_at: Span | None = None


# ---------------------------------------------------------------- inside a cell


def declare_states(body: Body, cell: syntax.Cell) -> None:
    """The states come in behind the inputs; their sizes may use parameters and `in`."""
    for declared in cell.states:
        (expression,) = declared.sizes
        size = evaluate(expression, body.environment)
        if not is_integer(size) or not 1 <= size.number <= LARGEST:
            wanted = f"a whole number from 1 to {LARGEST}"
            raise fail(
                "E0205",
                f"the size of a state needs {wanted}, gets `{show(size)}`",
                expression.span,
                "this is none",
            )
        word = f"{declared.name}_" if declared.name in _TAKEN else declared.name
        tensor = Tensor(body.unique(word), TensorType((size,)), declared.span)
        body.inputs.append(tensor)
        body.names[declared.name] = tensor
        body.states[declared.name] = State(tensor)


def set_state(body: Body, step: syntax.NextState) -> None:
    """`as state h`: the current tensor is the next `h`, and stays current."""
    body.need_current(step.span)
    state = body.states[step.name]
    if state.set_at is not None:
        raise EvaluationError(
            Diagnostic(
                "E0412",
                f"the state `{step.name}` is set twice",
                Label(step.span, "set again"),
                Label(state.set_at, "first set here"),
                note="a state is one tensor in the next step",
            )
        )
    (tensor,) = body.current if len(body.current) == 1 else (None,)
    if tensor is None or tensor.type != state.tensor.type:
        found = ", ".join(str(t.type) for t in body.current)
        raise EvaluationError(
            Diagnostic(
                "E0324",
                f"the state `{step.name}` needs {state.tensor.type}, gets {found}",
                Label(step.span, f"gets {found}"),
                Label(state.tensor.span, "declared here"),
            )
        )
    state.next, state.set_at = tensor, step.span
    if tensor not in body.names.values():
        body.rename(tensor, f"next_{step.name}")


def hand_on_states(body: Body, cell: syntax.Cell) -> None:
    """A step gives its result and then the next states, each of which has been set."""
    if body.is_broken or not body.current:
        return
    unset = [name for name, state in body.states.items() if state.next is None]
    for name in unset:
        body.elaborator.report(
            Diagnostic(
                "E0412",
                f"the state `{name}` is never set",
                Label(body.states[name].tensor.span, "what is it in the next step?"),
                help=f"name it where it is made: `… as state {name}`",
            )
        )
    results = body.current if body.outputs is None else body.outputs
    if len(results) != 1 or results[0].type.rank != 1:
        found = ", ".join(str(t.type) for t in results)
        raise fail(
            "E0304",
            f"a step of `{cell.name}` needs features as its result, gets {found}",
            body.output_span or cell.name_span,
            "one tensor of features",
        )
    body.is_broken = body.is_broken or bool(unset)
    body.outputs = (*results, *(s.next for s in body.states.values() if s.next is not None))


# ---------------------------------------------------------------- scan


def make_scan(
    body: Body,
    name: str,
    cell: syntax.Cell,
    given: Given,
    call: syntax.Call,
    inputs: tuple[Tensor, ...],
) -> Scan:
    """A cell run along sequences; its last states become the body's optional results."""
    # They build cells.
    from specc.checking.functions import block_function, check_inputs, rewritten_type

    check_inputs(cell, inputs, call.span)
    _need_sequences(cell, inputs, call.span)
    steps = tuple(Tensor(t.name, TensorType((t.type.features,)), t.span) for t in inputs)
    body.elaborator.enter(Label(call.span, f"in this scan of `{cell.name}`"))
    try:
        values = {n: v for n, (v, _) in given.items() if isinstance(v, Value)}
        function, symbols = block_function(body.elaborator, cell, values, steps, call.span)
    finally:
        body.elaborator.leave()
    terms = {n: v.term for n, v in symbols.items()}
    result, *states = (rewritten_type(t.type, terms) for t in function.outputs)
    tensors = _first_states(cell, given, dict(zip(function.states, states, strict=True)))
    padded = common_lengths(f"scan {cell.name}", ((t.type, t.span) for t in inputs), call.span)
    if padded:
        tensors["lengths"] = body.lengths(padded)
    shape = (inputs[0].type.shape[0], *result.shape)
    output = Tensor(body.unique(name), TensorType(shape, padded=padded), call.span)
    body.optional = tuple(
        Tensor(f"{name}_{state}", type_, call.span)
        for state, type_ in zip(function.states, states, strict=True)
    )
    every = (*inputs, *tensors.values())
    return Scan(name, function, symbols, every, (output,), call.span, tensors=tuple(tensors))


def _need_sequences(cell: syntax.Cell, inputs: tuple[Tensor, ...], span: Span) -> None:
    """Fail unless all inputs are sequences of features, of one length."""
    for tensor in inputs:
        if tensor.type.rank != 2 or tensor.type.content is not Content.REAL:
            found = tensor.type.description
            raise EvaluationError(
                Diagnostic(
                    "E0307",
                    f"`scan {cell.name}` needs a sequence, gets {found}",
                    Label(span, "needs length and features"),
                    Label(tensor.span, f"this makes {tensor.type}"),
                )
            )
    first = inputs[0]
    for tensor in inputs[1:]:
        if tensor.type.shape[0] != first.type.shape[0]:
            raise EvaluationError(
                Diagnostic(
                    "E0309",
                    f"`scan {cell.name}` needs sequences of one length, "
                    f"gets {first.type} and {tensor.type}",
                    Label(span, "runs along all of them at once"),
                    Label(tensor.span, f"this makes {tensor.type}"),
                )
            )


def _first_states(
    cell: syntax.Cell, given: Given, types: Mapping[str, TensorType]
) -> dict[str, Tensor]:
    """The tensors that states begin with, by the states' names in the code."""
    found: dict[str, Tensor] = {}
    for (name, wanted), state in zip(types.items(), cell.states, strict=True):
        if state.name not in given:
            continue
        tensor, span = given[state.name]
        assert isinstance(tensor, Tensor)
        if tensor.type.shape != wanted.shape or tensor.type.content is not Content.REAL:
            fits = product(tensor.type.shape) == product(wanted.shape)
            raise EvaluationError(
                Diagnostic(
                    "E0322",
                    f"`{state.name}` of `scan {cell.name}` needs {wanted}, gets {tensor.type}",
                    Label(span, "a state of another shape"),
                    Label(state.span, f"it is {wanted} here"),
                    help=f"`reshape({wanted})` makes it fit" if fits else "",
                )
            )
        found[name] = tensor
    return found
