"""What the stages make, as text: `specc compile --emit=ast|graph|shapes|grad`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from specc import syntax
from specc.graph import Call, Function, Layer, Loop, Node, Scan, Tensor, layer_parameters
from specc.source import Span
from specc.values import show

if TYPE_CHECKING:
    from specc.check import ShapedModel
    from specc.differentiate import BackwardGraph, Statement
    from specc.model import Model


def stage(name: str, model: ShapedModel) -> Iterator[str]:
    """The lines of a stage of one net: `graph`, `shapes` or `grad`."""
    if name == "graph":
        return _graph(model.model)
    if name == "shapes":
        return _shapes(model)
    return _gradients(model)


def syntax_tree(program: syntax.Program) -> Iterator[str]:
    """A line for each node, with its place and its own values, its parts indented below."""
    for item in program.items:
        yield from _node(item, "")


def _node(node: Any, indent: str) -> Iterator[str]:
    own, parts = [], []
    for field in fields(node):
        value = getattr(node, field.name)
        if is_dataclass(value) and not isinstance(value, Span):
            parts.append((field.name, (value,)))
        elif isinstance(value, tuple):
            parts.append((field.name, value))
        elif not isinstance(value, Span) and value is not None:
            own.append(f"{field.name}={value!r}")
    words = [type(node).__name__, *own, f"@{node.span.line}:{node.span.column}"]
    yield indent + " ".join(words)
    for name, nodes in parts:
        if nodes:
            yield f"{indent}  {name}:"
        for part in nodes:
            yield from _node(part, f"{indent}    ")


def _graph(model: Model) -> Iterator[str]:
    """What each call calls, with its arguments, as bound to parameters."""
    for span, callee in model.callees.items():
        kind = "shared" if isinstance(callee, str) else type(callee).__name__.lower()
        kind = kind if kind in ("shared", "block") else "layer"
        name = callee if isinstance(callee, str) else callee.name
        given = model.arguments.get(span, {})
        listed = ", ".join(f"{n}={e.span.text}" for n, e in given.items())
        instance = model.instances.get(span, name)
        yield f"{span.place}: {instance} = {kind} {name}({listed})"


# ---------------------------------------------------------------- shapes


def _shapes(model: ShapedModel) -> Iterator[str]:
    for function in _functions(model.function, {}):
        sizes = ", ".join(f"{n}={show(v)}" for n, v in function.symbols.items())
        yield f"{function.origin.value} {function.name}({sizes})  @{function.span.place}"
        yield from (f"  in   {_typed(tensor)}" for tensor in function.inputs)
        yield from (f"  {_written(node)}" for node in function.nodes)
        yield from (f"  out  {_typed(tensor)}" for tensor in function.outputs)
        yield ""


def _functions(function: Function, seen: dict[int, Function]) -> Iterator[Function]:
    """A function and all that it calls, each once, callees first."""
    if id(function) in seen:
        return
    seen[id(function)] = function
    for child in function.children():
        yield from _functions(child, seen)
    yield function


def _typed(tensor: Tensor) -> str:
    return f"{tensor.name}: {tensor.type}"


def _names(tensors: tuple[Tensor, ...]) -> str:
    return ", ".join(tensor.name for tensor in tensors)


def _written(node: Node) -> str:
    results = ", ".join(map(_typed, node.outputs))
    if isinstance(node, Layer):
        declared = (a.name for a in node.op.arguments if a.name in node.arguments)
        given = ", ".join(f"{n}={show(node.arguments[n])}" for n in declared)
        count = layer_parameters(node)
        learned = f"  # {count:,} parameters" if count else ""
        return f"{results} = {node.op.name}({given}) of {_names(node.inputs)}{learned}"
    if isinstance(node, Call):
        given = ", ".join(f"{n}={show(v)}" for n, v in node.arguments.items())
        word = "scan " if isinstance(node, Scan) else ""
        return f"{results} = {word}{node.function.name}({given}) of {_names(node.inputs)}"
    assert isinstance(node, Loop)
    return f"{results} = {node.name}, {len(node.iterations)} times, of {_names(node.inputs)}"


# ---------------------------------------------------------------- gradients


def _gradients(model: ShapedModel) -> Iterator[str]:
    from specc.differentiate import differentiate

    training = differentiate(model)
    for plan in training.classes:
        graph = training.backward_of(plan)
        name, place = plan.name or plan.function.name, plan.function.span.place
        yield f"class {name}({', '.join(plan.arguments)})  @{place}"
        yield from (f"  {_written(node)}" for node in plan.function.nodes)
        yield f"  keep {_names(graph.kept) or 'nothing'}"
        yield from (f"  {line}" for line in _backward(graph))
        yield ""


def _backward(graph: BackwardGraph) -> Iterator[str]:
    yield f"backward of {_names(graph.d_outputs)}"
    yield from map(_statement, graph.statements)
    yield f"return {_maybe(graph.d_inputs)}"


def _statement(statement: Statement) -> str:
    from specc.differentiate import Backward

    if isinstance(statement, Backward):
        given = _names(statement.d_outputs)
        return f"{_maybe(statement.d_inputs)} = {statement.node.name}.backward({given})"
    overwrites = "  # in place" if statement.in_place else ""
    return f"{statement.result.name} = {statement.kind}({_names(statement.arguments)}){overwrites}"


def _maybe(tensors: tuple[Tensor | None, ...]) -> str:
    return ", ".join(tensor.name if tensor is not None else "_" for tensor in tensors) or "nothing"
