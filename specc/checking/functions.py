"""Functions: what a body, walked to its end, becomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from specc import syntax
from specc.checking.cells import declare_states, hand_on_states
from specc.checking.elaborator import (
    Broken,
    Elaborator,
    dead_nodes,
    instance_of,
    symbolic_inputs,
    unused_inputs,
)
from specc.checking.lengths import known_lengths, tensors_inside, types_inside
from specc.checking.mending import joins
from specc.checking.names import SharedInstance
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import Environment, EvaluationError, evaluate, fail
from specc.graph import Call, Function, Layer, Origin, Tensor
from specc.source import Span
from specc.types import TensorType
from specc.values import Value, literal_term, named, rewritten
from specc.words import variables

if TYPE_CHECKING:
    from specc.checking.body import Body
    from specc.checking.layers import Given


def called(
    elaborator: Elaborator,
    what: str,
    block: syntax.Block,
    given: Given,
    inputs: tuple[Tensor, ...],
    span: Span,
) -> tuple[Function, dict[str, Value]]:
    """The function that a call runs; its symbols in the caller's terms.

    `what` says in the chain of calls which one this is.
    """
    values = {name: value for name, (value, _) in given.items() if isinstance(value, Value)}
    with elaborator.inside(Label(span, f"in this {what}")):
        return _block_function(elaborator, block, values, inputs, span)


def _block_function(
    elaborator: Elaborator,
    block: syntax.Block,
    given: Mapping[str, Value],
    inputs: tuple[Tensor, ...],
    span: Span,
) -> tuple[Function, dict[str, Value]]:
    declared = declared_inputs(block)
    check_inputs(block, inputs, span)
    names = tuple(d.name for d in declared) or ("x",)
    parameters = parameters_with_defaults(elaborator, block, given)
    prefixes = ("in",) if len(names) == 1 else names
    inside = types_inside(names, inputs)
    types, sizes = symbolic_inputs(prefixes, inside, parameters)
    symbols = parameters | sizes
    key = (
        id(block),
        tuple((n, type(v.plain), v.plain) for n, v in parameters.items()),
        inside,
    )
    if key not in elaborator.built:
        elaborator.built[key] = _build_block(
            elaborator, block, symbols, parameters, names, types, inputs
        )
    function = elaborator.built[key]
    if function is None:
        raise Broken
    return function, symbols


def declared_inputs(block: syntax.Block) -> list[syntax.Declared]:
    """The inputs that a block names; one that names none has one."""
    inputs = (s for s in block.body.statements if isinstance(s, syntax.Input))
    return [declared for statement in inputs for declared in statement.names]


def check_inputs(block: syntax.Block, inputs: tuple[Tensor, ...], span: Span) -> None:
    """Fail (E0303) unless a block gets as many tensors as it declares."""
    declared = declared_inputs(block)
    needed = len(declared) or 1
    if len(inputs) == needed:
        return
    if needed == 1:
        raise several_tensors(inputs, span, f"`{block.name}`")
    names = ", ".join(f"`{d.name}`" for d in declared)
    call = f"scan {block.name}" if isinstance(block, syntax.Cell) else block.name
    raise EvaluationError(
        Diagnostic(
            "E0303",
            f"`{block.name}` needs {needed} tensors, gets {len(inputs)}",
            Label(span, f"needs {needed}"),
            Label(declared[0].span.to(declared[-1].span), f"its inputs are {names}"),
            help=f"hand them over with `from a, b -> {call}`" if needed == 2 else "",
        )
    )


def parameters_with_defaults(
    elaborator: Elaborator, item: syntax.Block | syntax.Net, given: Mapping[str, Value]
) -> dict[str, Value]:
    """A value for every parameter; a default may use the parameters before it."""
    values: dict[str, Value] = {}

    def lookup(name: syntax.Name) -> Value:
        return values[name.id] if name.id in values else elaborator.file_value(name)

    def incoming(node: syntax.Incoming) -> Value:
        raise fail("E0110", "a default cannot use `in`", node.span, "not known yet")

    for parameter in item.parameters:
        if parameter.name in given:
            values[parameter.name] = given[parameter.name]
        elif parameter.default is not None:
            value = evaluate(parameter.default, Environment(lookup, incoming))
            values[parameter.name] = value
    return values


def _build_block(
    elaborator: Elaborator,
    block: syntax.Block,
    symbols: Mapping[str, Value],
    parameters: Mapping[str, Value],
    names: tuple[str, ...],
    types: tuple[TensorType, ...],
    inputs: tuple[Tensor, ...],
) -> Function | None:
    words = variables(names)
    tensors = {n: Tensor(words[n], t, i.span) for n, t, i in zip(names, types, inputs, strict=True)}
    from specc.checking.body import Body  # which walks calls, and they lead here

    every = tuple(tensors.values())
    lengths = tensors_inside(types, inputs, words.values())
    body = Body(elaborator, symbols, (*every, *lengths), every[:1])
    body.names.update(tensors)
    body.names.update(known_lengths(lengths))
    body.names.update({n: named(v, n) for n, v in parameters.items()})
    cell = block if isinstance(block, syntax.Cell) else None
    if cell is not None:
        declare_states(body, cell)
    body.run(block.body)
    if cell is not None:
        hand_on_states(body, cell)
    origin = Origin.BLOCK if cell is None else Origin.CELL
    function = finish(body, block.name, origin, block.span)
    unused = unused_inputs(function) if function is not None else []
    if function is not None:
        lengths = tuple(t for t in lengths if t in unused)
        function.inputs = tuple(t for t in function.inputs if t not in lengths)
    for declared in declared_inputs(block):
        if tensors[declared.name] in unused and not declared.name.startswith("_"):
            elaborator.report(
                Diagnostic(
                    "W0102",
                    f"the input `{declared.name}` is never used",
                    Label(declared.name_span, "bound here"),
                    help=f"remove it, or call it `_{declared.name}` if that is meant",
                )
            )
    return function


def finish(
    body: Body, name: str, origin: Origin, span: Span, is_single: bool = False
) -> Function | None:
    """The function of a body that was walked to its end; `None` if it has errors."""
    if body.is_broken or not body.current:
        return None
    outputs = body.outputs if body.outputs is not None else body.current
    outputs += tuple(tensor for _, tensor in body.taps.values())
    function = Function(
        name,
        origin,
        span,
        instance_of(body.symbols),
        tuple(body.inputs),
        tuple(body.nodes),
        outputs,
        is_single,
        tuple(body.borrowed),
        tuple(_owned(body)),
        tuple(body.decisions),
        tuple(state.tensor.name for state in body.states.values()),
    )
    dead = dead_nodes(function)
    for node in dead:
        if any(tensor in user.inputs for user in dead for tensor in node.outputs):
            continue  # it is the user's result that is dropped
        body.elaborator.report(
            Diagnostic(
                "E0406",
                f"the result of `{node.name}` is never used",
                Label(node.span, "made here, and dropped"),
                help="remove it, or name it with `as` and use it",
            )
        )
    if dead:
        return None
    body.elaborator.count_layers(function, span)
    return function


def _owned(body: Body) -> Iterator[Layer | Call]:
    """The shared instances that a body has, as first used: those it declares, and is not lent.

    One that is first used inside a loop is written with plain numbers: the loop's symbols mean
    nothing around it.
    """
    for meaning in body.names.values():
        if not isinstance(meaning, SharedInstance) or meaning.owner is not body:
            continue
        built = meaning.built
        if built is not None and is_lent(built):
            yield built if built in body.nodes else _in_numbers(built)
    nodes = (n for n in reversed(body.nodes) if isinstance(n, Layer) and n.is_shared)
    yield from {node.name: node for node in nodes if not is_lent(node)}.values()


def is_lent(node: Layer | Call) -> bool:
    """Whether loops are handed a shared instance from the body that declares it.

    A layer without parameters is the same wherever it is made: loops have it themselves.
    """
    return isinstance(node, Call) or bool(node.op.parameters(node))


def _in_numbers(node: Layer | Call) -> Layer | Call:
    numbers = {n: Value(v.plain, literal_term(v.plain)) for n, v in node.arguments.items()}
    inputs = tuple(Tensor(t.name, t.type.with_terms(literal_term), t.span) for t in node.inputs)
    return replace(node, arguments=numbers, inputs=inputs)


def several_tensors(tensors: tuple[Tensor, ...], span: Span, what: str) -> EvaluationError:
    """The error (E0303) of several tensors where `what` needs one."""
    is_one_place = len({tensor.span for tensor in tensors}) == 1
    made = "all of them come from here" if is_one_place else "the last of them"
    named = "name one with `as` and take it with `from`"
    joining = joins(tensors)
    return EvaluationError(
        Diagnostic(
            "E0303",
            f"{what} needs one tensor, gets {len(tensors)}",
            Label(span, "needs one"),
            Label(tensors[-1].span, made),
            note=", ".join(str(t.type) for t in tensors),
            help=f"join them first: {joining}, or {named}" if joining else named,
        )
    )


def rewritten_type(type_: TensorType, symbols: Mapping[str, Value]) -> TensorType:
    """A type with its terms put in another function's symbols."""
    names = {name: value.term for name, value in symbols.items()}
    return TensorType(
        tuple(rewritten(s, names) for s in type_.shape), type_.content, type_.classes, type_.padded
    )
