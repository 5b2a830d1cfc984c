"""Calls: layers, blocks, joins and shared instances, applied to the current tensor(s)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from specc import syntax
from specc.checking.cells import make_scan
from specc.checking.elaborator import Broken
from specc.checking.functions import block_function, rewritten_type, several_tensors
from specc.checking.lengths import common_lengths
from specc.checking.mending import mended
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import EvaluationError, evaluate, fail, number
from specc.graph import Call, Layer, Tensor
from specc.ops.base import Op, Site, SiteError
from specc.signature import Argument, defaults, wrong_kind
from specc.source import Span
from specc.terms import Polynomial
from specc.types import TensorType
from specc.values import Value, constant, show

if TYPE_CHECKING:
    from specc.checking.body import Body

LARGEST_TENSOR = 2**33
"""No tensor or parameter may have more numbers than this."""

Given = Mapping[str, tuple[Value | Tensor, Span]]
"""Arguments as given: their values, or tensors, and where they stand."""


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
    body.need_current(call.span)
    body.add(_make(body, name, callee, given, call))


def _make(
    body: Body, name: str, callee: Op | syntax.Block, given: Given, call: syntax.Call
) -> Layer | Call:
    """What a call becomes, applied to the current tensors."""
    if isinstance(callee, Op):
        return make_layer(body, name, callee, given, call.span, body.current)
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
    if isinstance(expression, syntax.Name):
        if is_tensor:
            target = body.targets.get(expression.id)
            return target or body.tensor(syntax.Reference(expression.id, None, expression.span))
        if argument is not None and expression.id in argument.kind.choices:
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


def make_layer(
    body: Body,
    name: str,
    op: Op,
    given: Given,
    span: Span,
    inputs: tuple[Tensor, ...],
) -> Layer:
    """An op applied to tensors, its shape inferred."""
    _check_count(op, inputs, span)
    sequences = ((t.type, t.span) for t in inputs)
    padded = common_lengths(op.name, sequences, span) if op.respects_lengths else ""
    tensors = _tensor_arguments(op, given)
    inputs += tuple(tensors.values())
    site = site_of(body, op, given, span, inputs, tuple(tensors))
    try:
        types = op.infer_results(site)
    except SiteError as error:
        found = error.diagnostic
        help = mended(site, found.code, inputs, body.nodes) or found.help
        help = help or _with_another(body, site, inputs)
        body.elaborator.report(replace(found, help=help))
        raise Broken from None
    if op.respects_lengths and padded:
        tensors["lengths"] = body.lengths(padded)
        inputs += (tensors["lengths"],)
    made = [
        Tensor(n, type_, span) for n, type_ in zip(_results(op, name, types), types, strict=True)
    ]
    first = 1 if op.optional_results else len(made)
    for tensor in made[:first]:
        tensor.name = body.unique(tensor.name)
    outputs = tuple(made[:first])
    layer = Layer(name, op, site.arguments, inputs, outputs, span, tensors=tuple(tensors))
    body.optional = tuple(made[first:])
    _check_size(layer)
    return layer


def _tensor_arguments(op: Op, given: Given) -> dict[str, Tensor]:
    """The tensors that are handed over by name, in the order of the signature."""
    named = ((a.name, given[a.name][0]) for a in op.arguments if a.name in given)
    return {name: tensor for name, tensor in named if isinstance(tensor, Tensor)}


def _results(op: Op, name: str, types: tuple[TensorType, ...]) -> list[str]:
    """The variables of a layer's results."""
    if op.optional_results:
        return [name, *(f"{name}_{result}" for result in op.optional_results)]
    return [name] if len(types) == 1 else [f"{name}_{i}" for i in range(len(types))]


def _with_another(body: Body, site: Site, inputs: tuple[Tensor, ...]) -> str:
    """What a join of a single tensor, which has a name, could be written as."""
    name = site.op.name
    if site.op.input_count is not None or len(inputs) != 1 or site.span.text[-1:] == "}":
        return ""
    named = [(n, t) for n, t in body.names.items() if isinstance(t, Tensor) and n.isidentifier()]
    first = next((n for n, t in named if t is inputs[0] and n != "in"), "")
    for other, tensor in reversed(named):
        joins = tensor is not inputs[0] and other != "in"
        if first and joins and site.try_on(inputs[0].type, tensor.type) is not None:
            return f"name both: `from {first}, {other} -> {name}`"
    return ""


def site_of(
    body: Body,
    op: Op,
    given: Given,
    span: Span,
    inputs: tuple[Tensor, ...],
    tensors: tuple[str, ...] = (),
) -> Site:
    """An op at its place: the types that come in, and its arguments with defaults filled in.

    `tensors` are the names of tensor arguments, the last of the inputs.
    """
    values = dict(defaults(op.arguments))
    values |= {n: v for n, (v, _) in given.items() if isinstance(v, Value)}
    return Site(
        op,
        tuple(t.type for t in inputs),
        tuple(t.span for t in inputs),
        values,
        span,
        {n: s for n, (_, s) in given.items()},
        body.elaborator.report,
        tensors=tensors,
    )


def _check_count(op: Op, inputs: tuple[Tensor, ...], span: Span) -> None:
    if op.input_count is not None and len(inputs) != op.input_count:
        raise several_tensors(inputs, span, f"`{op.name}`")


def _check_size(layer: Layer) -> None:
    shapes = [("result", layer.output.shape)]
    shapes += [(p.name, p.shape) for p in layer.op.parameters(layer)]
    for what, shape in shapes:
        total = 1
        for size in shape:
            total *= size.number if size.is_known else 1
        if total > LARGEST_TENSOR:
            raise fail(
                "E0614",
                f"the {what} of `{layer.op.name}` would hold {total} numbers",
                layer.span,
                f"[{', '.join(show(s) for s in shape)}]",
                note=f"{total * 4 / 2**30:.0f} GiB in float32; the limit is 32 GiB",
            )


def make_block_call(
    body: Body,
    name: str,
    block: syntax.Block,
    given: Given,
    call: syntax.Call,
    inputs: tuple[Tensor, ...],
) -> Call:
    """A block applied to tensors."""
    body.elaborator.enter(Label(call.span, f"in this call of `{block.name}`"))
    try:
        values = {n: v for n, (v, _) in given.items() if isinstance(v, Value)}
        function, symbols = block_function(body.elaborator, block, values, inputs, call.span)
    finally:
        body.elaborator.leave()
    terms = {n: v.term for n, v in symbols.items()}
    keys = {t.type.padded: o.type.padded for t, o in zip(function.inputs, inputs, strict=False)}
    outputs = tuple(
        Tensor(
            body.unique(name if len(function.outputs) == 1 else f"{name}_{t.name}"),
            replace(rewritten_type(t.type, terms), padded=keys.get(t.type.padded, "")),
            call.span,
        )
        for t in function.outputs
    )
    lengths = function.inputs[len(inputs) :]
    inputs += tuple(body.lengths(keys[t.type.padded]) for t in lengths)
    return Call(name, function, symbols, inputs, outputs, call.span)


def _use_shared(body: Body, name: str, call: syntax.Call) -> None:
    """A use of `shared enc = …`; the first one fixes its sizes."""
    body.need_current(call.span)
    shared = body.borrow(name)
    callee = body.model.callees[shared.call.span]
    assert not isinstance(callee, str)
    given = arguments(shared.owner, shared.call, callee)
    node = _make(body, name, callee, given, call)
    node.is_shared = True
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
