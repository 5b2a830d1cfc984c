"""Cells: one step of a recurrence, and its states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from specc import syntax
from specc.applied import LENGTHS
from specc.checking.elaborator import size_error
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import evaluate, fail
from specc.graph import Tensor
from specc.signature import LARGEST, is_integer
from specc.source import Span
from specc.types import TensorType

if TYPE_CHECKING:
    from specc.checking.body import Body

_TAKEN = (LENGTHS, "sequences", "y")
"""Arguments of the passes that states are handed to by name, too."""


@dataclass(eq=False)
class State:
    """A state of a cell: as it comes in, and what it will be in the next step, once set."""

    tensor: Tensor
    next: Tensor | None = None
    set_at: Span | None = None


def declare_states(body: Body, cell: syntax.Cell) -> None:
    """The states come in behind the inputs; their sizes may use parameters and `in`."""
    for declared in cell.states:
        (expression,) = declared.sizes
        size = evaluate(expression, body.environment)
        if not is_integer(size) or not 1 <= size.number <= LARGEST:
            raise size_error("the size of a state", size, expression.span)
        word = f"{declared.name}_" if declared.name in _TAKEN else declared.name
        tensor = Tensor(body.unique(word), TensorType((size,)), declared.span)
        body.inputs.append(tensor)
        body.names[declared.name] = tensor
        body.states[declared.name] = State(tensor)


def set_state(body: Body, step: syntax.NextState) -> None:
    """`as state h`: the current tensor is the next `h`, and stays current."""
    body.need_current()
    state = body.states[step.name]
    if state.set_at is not None:
        raise fail(
            "E0412",
            f"the state `{step.name}` is set twice",
            step.span,
            "set again",
            second=Label(state.set_at, "first set here"),
            note="a state is one tensor in the next step",
        )
    (tensor,) = body.current if len(body.current) == 1 else (None,)
    if tensor is None or tensor.type != state.tensor.type:
        found = ", ".join(str(t.type) for t in body.current)
        raise fail(
            "E0324",
            f"the state `{step.name}` needs {state.tensor.type}, gets {found}",
            step.span,
            f"gets {found}",
            second=Label(state.tensor.span, "declared here"),
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
