"""Calls: layers, blocks, joins and shared instances, applied to the current tensor(s)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from specc import syntax
from specc.checking.directions import warn_of_first_step
from specc.checking.elaborator import Broken
from specc.checking.functions import called, is_lent, rewritten_type, several_tensors
from specc.checking.layers import Given, make_layer
from specc.checking.scans import make_scan
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import EvaluationError, evaluate, fail, number
from specc.graph import Call, Layer, Tensor
from specc.ops.base import Op
from specc.signature import Argument, wrong_kind
from specc.source import Span
from specc.terms import Polynomial
from specc.values import Value, constant

if TYPE_CHECKING:
    from specc.checking.body import Body


def call(body: Body, call: syntax.Call) -> None:
    """A layer, a block, a join or a shared instance."""
    callee = body.model.callees[call.span]
    if call.paths is not None:
        _paths(body, call)
    if isinstance(callee, str):
        _use_shared(body, callee, call)
        return
    name = body.model.instances[call.span]
    given = arguments(body, call, callee)
    body.need_current()
    body.add(_make(body, name, callee, given, call))


def _make(
    body: Body, name: str, callee: Op | syntax.Block, given: Given, call: syntax.Call
) -> Layer | Call:
    """What a call becomes, applied to the current tensors."""
    if isinstance(callee, Op):
        layer = make_layer(body, name, callee, given, call.span, body.current)
        if callee.name == "last":
            warn_of_first_step(body, layer)
        return layer
    if isinstance(callee, syntax.Cell):
        return make_scan(body, name, callee, given, call, body.current)
    return make_block_call(body, name, callee, given, call, body.current)


def _paths(body: Body, call: syntax.Call) -> None:
    """The paths of a join, each from the tensor that is current now."""
    assert call.paths is not None
    start = body.current
    results: list[Tensor] = []
    for path in call.paths:
        body.current = start
        body.run(path.body)
        if body.current and len(body.current) != 1:
            raise several_tensors(body.current, path.span, "a path")
        results.extend(body.current)
    if len(results) != len(call.paths):
        raise Broken
    if not results:
        raise fail("E0304", f"`{call.name}` joins no paths", call.span, "the braces are empty")
    body.current = tuple(results)


def arguments(
    body: Body, call: syntax.Call | syntax.Loss, callee: Op | syntax.Block
) -> dict[str, tuple[Value | Tensor, Span]]:
    """The arguments as given, evaluated, with where they stand."""
    given: dict[str, tuple[Value | Tensor, Span]] = {}
    kinds = {a.name: a for a in callee.arguments} if isinstance(callee, Op) else {}
    states = {s.name for s in callee.states} if isinstance(callee, syntax.Cell) else ()
    problems = False
    for name, expression in body.model.arguments[call.span].items():
        try:
            is_tensor = isinstance(call, syntax.Loss) or name in states
            value = _argument(body, kinds.get(name), call, expression, is_tensor)
            given[name] = (value, expression.span)
        except EvaluationError as error:
            body.elaborator.report(error.diagnostic)
            problems = True
    if problems:
        raise Broken
    return given


def _argument(
    body: Body,
    argument: Argument | None,
    call: syntax.Call | syntax.Loss,
    expression: syntax.Expression,
    is_tensor: bool,
) -> Value | Tensor:
    is_tensor = argument.kind.tensor if argument else is_tensor
    reference = syntax.Reference.of(expression)
    if is_tensor and reference is not None:
        return body.targets.get(reference.name) or body.tensor(reference)
    choices = argument.kind.choices if argument else ()
    if isinstance(expression, syntax.Name) and expression.id in choices:
        return Value(expression.id, expression.id)
    value = evaluate(expression, body.environment)
    if argument is not None and not argument.kind.accepts(value):
        if isinstance(value.plain, Polynomial):
            number(value, expression.span, f"`{argument.name}` of `{call.name}`")
        found = wrong_kind(call.name, argument, value, expression.span)
        help = _as_whole_number(body, argument, expression, value) or found.help
        raise EvaluationError(replace(found, help=help))
    return value


def _as_whole_number(
    body: Body, argument: Argument, expression: syntax.Expression, value: Value
) -> str:
    """How a whole number is written where `128 / 2` or `10.0` is none."""
    if not isinstance(value.plain, float):
        return ""
    if isinstance(expression, syntax.Binary) and expression.operator == "/":
        left, right = (evaluate(e, body.environment) for e in (expression.left, expression.right))
        are_whole = all(isinstance(side.plain, int) for side in (left, right))
        accepted = are_whole and argument.kind.accepts(constant(left.number // right.number))
        text = f"{expression.left.span.text} // {expression.right.span.text}"
    else:
        accepted = isinstance(expression, syntax.Literal) and value.plain.is_integer()
        accepted = accepted and argument.kind.accepts(constant(int(value.plain)))
        text = str(int(value.plain))
    return f"write `{text}`" if accepted else ""


def make_block_call(
    body: Body,
    name: str,
    block: syntax.Block,
    given: Given,
    call: syntax.Call,
    inputs: tuple[Tensor, ...],
) -> Call:
    """A block applied to tensors."""
    what = f"call of `{block.name}`"
    function, symbols = called(body.elaborator, what, block, given, inputs, call.span)
    keys = {t.type.padded: o.type.padded for t, o in zip(function.inputs, inputs, strict=False)}
    outputs = tuple(
        Tensor(
            body.unique(name if len(function.outputs) == 1 else f"{name}_{t.name}"),
            replace(rewritten_type(t.type, symbols), padded=keys.get(t.type.padded, "")),
            call.span,
        )
        for t in function.outputs
    )
    lengths = function.inputs[len(inputs) :]
    inputs += tuple(body.lengths(keys[t.type.padded]) for t in lengths)
    return Call(name, function, symbols, inputs, outputs, call.span)


def _use_shared(body: Body, name: str, call: syntax.Call) -> None:
    """A use of `shared enc = …`; the first one fixes its sizes."""
    body.need_current()
    shared = body.shared(name)
    callee = body.model.callees[shared.call.span]
    assert not isinstance(callee, str)
    given = arguments(shared.owner, shared.call, callee)
    node = _make(body, name, callee, given, call)
    node.is_shared = True
    if is_lent(node):
        body.borrow(name)
    first = shared.built
    if first is None:
        shared.built = node
    elif _parameters_of(first) != _parameters_of(node):
        raise _disagreement(name, first, node)
    body.add(node)


def _parameters_of(node: Layer | Call) -> object:
    """What a shared instance must agree in: its parameters' shapes, or its block's numbers."""
    if isinstance(node, Layer):
        shapes = [(p.name, p.shape) for p in node.op.parameters(node)]
        return shapes, {n: v.plain for n, v in node.arguments.items()}
    return [(n, v.plain) for n, v in node.arguments.items()]


def _disagreement(name: str, first: Layer | Call, node: Layer | Call) -> EvaluationError:
    was, now = (", ".join(str(t.type) for t in n.inputs) for n in (first, node))
    return EvaluationError(
        Diagnostic(
            "E0305",
            f"the shared `{name}` gets {now} here, and {was} elsewhere",
            Label(node.span, f"gets {now}"),
            Label(first.span, f"its first use gets {was}"),
            note="one set of parameters has one size",
        )
    )
