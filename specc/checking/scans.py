"""`scan`: a cell run along sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from specc import syntax
from specc.checking.functions import called, check_inputs, rewritten_type
from specc.checking.mending import before_last
from specc.diagnostics import Label
from specc.evaluate import fail
from specc.graph import Scan, Tensor
from specc.ops.padding import common_lengths
from specc.ops.rules import product
from specc.source import Span
from specc.types import Content, TensorType

if TYPE_CHECKING:
    from specc.checking.body import Body
    from specc.checking.layers import Given


def make_scan(
    body: Body,
    name: str,
    cell: syntax.Cell,
    given: Given,
    call: syntax.Call,
    inputs: tuple[Tensor, ...],
) -> Scan:
    """A cell run along sequences; the last states are optional results."""
    check_inputs(cell, inputs, call.span)
    _need_sequences(body, cell, inputs, call.span)
    steps = tuple(Tensor(t.name, TensorType((t.type.features,)), t.span) for t in inputs)
    what = f"scan of `{cell.name}`"
    function, symbols = called(body.elaborator, what, cell, given, steps, call.span)
    step, *states = (rewritten_type(t.type, symbols) for t in function.outputs)
    tensors = _first_states(cell, given, dict(zip(function.states, states, strict=True)))
    padded = common_lengths(f"scan {cell.name}", ((t.type, t.span) for t in inputs), call.span)
    tensors |= body.named_lengths(padded)
    result = TensorType((inputs[0].type.shape[0], *step.shape), padded=padded)
    return Scan(
        name,
        function,
        symbols,
        (*inputs, *tensors.values()),
        body.results(name, (result, *states), function.states, call.span),
        call.span,
        tensors=tuple(tensors),
    )


def _need_sequences(body: Body, cell: syntax.Cell, inputs: tuple[Tensor, ...], span: Span) -> None:
    """Fail unless all inputs are sequences of features, of one length."""
    for tensor in inputs:
        if tensor.type.rank != 2 or tensor.type.content is not Content.REAL:
            raise fail(
                "E0307",
                f"`scan {cell.name}` needs a sequence, gets {tensor.type.description}",
                span,
                "needs length and features",
                second=Label(tensor.span, f"this makes {tensor.type}"),
                help=_looked_up(tensor.type) or _without_last(body, inputs),
            )
    first = inputs[0]
    for tensor in inputs[1:]:
        if tensor.type.shape[0] != first.type.shape[0]:
            raise fail(
                "E0309",
                f"`scan {cell.name}` needs sequences of one length, "
                f"gets {first.type} and {tensor.type}",
                span,
                "runs along all of them at once",
                second=Label(tensor.span, f"this makes {tensor.type}"),
            )


def _looked_up(type_: TensorType) -> str:
    """What makes vectors of a sequence of tokens."""
    if type_.content is not Content.TOKEN or type_.rank != 1:
        return ""
    size = type_.classes
    return f"put `one_hot({size})` before it, or `embedding({size}, …)`, which learns vectors"


def _without_last(body: Body, inputs: tuple[Tensor, ...]) -> str:
    """What a scan gets without the `last` before it."""
    whole = before_last(inputs[0], body.nodes) if len(inputs) == 1 else None
    return f"without `last` before it, it gets {whole.description}" if whole else ""


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
            raise fail(
                "E0322",
                f"`{state.name}` of `scan {cell.name}` needs {wanted}, gets {tensor.type}",
                span,
                "a state of another shape",
                second=Label(state.span, f"it is {wanted} here"),
                help=f"`reshape({wanted})` makes it fit" if fits else "",
            )
        found[name] = tensor
    return found
