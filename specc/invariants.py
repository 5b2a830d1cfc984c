"""What holds between the stages: `verify` checks the value that a stage hands on.

The stages rely on these facts without looking; the tests look after every stage. A broken one is a
bug in specc, never in a spec.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch

from specc import syntax
from specc.applied import LENGTHS
from specc.check import ShapedModel
from specc.classes import ClassPlan
from specc.differentiate import Backward, BackwardGraph, TrainingModel
from specc.graph import Call, Function, Layer, Loop, Node, Scan, Tensor
from specc.model import Model
from specc.terms import substitute
from specc.types import Content
from specc.values import literal_term


class BrokenInvariant(AssertionError):
    """A stage handed on a value that is not what the next one relies on."""


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise BrokenInvariant(message)


@singledispatch
def verify(value: object) -> None:
    """Check the value of a stage: a `Model`, a `ShapedModel` or a `TrainingModel`.

    Raises:
        BrokenInvariant: with what does not hold, and where.
    """
    raise TypeError(f"no stage makes a {type(value).__name__}")


@verify.register
def _(model: Model) -> None:
    """Each call is bound, and has a name that no other instance of its body has."""
    _require(model.program.source in model.files, "the main file is none of the files read")
    for span, callee in model.callees.items():
        where = f"the call at {span.place}"
        if isinstance(callee, str):
            _require(span not in model.instances, f"{where}: a shared instance gets another name")
            continue
        _require(span in model.arguments, f"{where}: its arguments are not bound")
        declared = _declared(callee)
        unknown = set(model.arguments[span]) - declared
        _require(not unknown, f"{where}: there is no parameter {sorted(unknown)}")


def _declared(callee: object) -> set[str]:
    if isinstance(callee, syntax.Block):
        states = callee.states if isinstance(callee, syntax.Cell) else ()
        return {p.name for p in callee.parameters} | {state.name for state in states}
    return {argument.name for argument in getattr(callee, "arguments", ())}


# ---------------------------------------------------------------- shapes


@verify.register
def _(shaped: ShapedModel) -> None:
    """Every tensor is made once, before it is read; callers and callees agree on every size."""
    for function in _functions(shaped.function):
        given = {*function.inputs}
        if function is shaped.function:
            given |= set(shaped.targets.values())
        _verify_order(function, given)
        for node in function.nodes:
            _verify_sizes(function, node)
            if isinstance(node, Layer | Scan):
                _verify_tensors(node)
            _verify_padding(node)
    made = {*shaped.function.inputs, *(t for n in shaped.function.nodes for t in n.outputs)}
    _require(set(shaped.outputs) <= made, "an output is made by no node")
    nodes = set(shaped.function.nodes)
    _require(all(loss in nodes for loss in shaped.losses), "a loss is no node of the net")


def _functions(net: Function) -> Iterator[Function]:
    """A function and all that it calls, each once."""
    pending, seen = [net], {id(net)}
    while pending:
        function = pending.pop()
        yield function
        for child in function.children():
            if id(child) not in seen:
                seen.add(id(child))
                pending.append(child)


def _verify_order(function: Function, given: set[Tensor]) -> None:
    where = f"`{function.name}` at {function.span.place}"
    made, names = set(given), [t.name for t in given]
    for node in function.nodes:
        for tensor in node.inputs:
            _require(tensor in made, f"{where}: `{node.name}` reads {tensor} before it is made")
        for tensor in node.outputs:
            _require(tensor not in made, f"{where}: {tensor} is made twice")
        made.update(node.outputs)
        names += [t.name for t in node.outputs]
    twice = sorted({name for name in names if names.count(name) > 1 and "[" not in name})
    _require(not twice, f"{where}: several tensors are called {twice}")
    _require(set(function.outputs) <= made, f"{where}: a result is made by no node")


def _verify_sizes(function: Function, node: Node) -> None:
    """The numbers of a result are those that its terms stand for in the class around it."""
    where = f"`{node.name}` at {node.span.place}"
    numbers = {name: literal_term(value.plain) for name, value in function.symbols.items()}
    for tensor in node.outputs:
        for size in tensor.type.shape:
            found = substitute(size.term, numbers)
            _require(
                found == literal_term(size.plain),
                f"{where}: `{tensor.name}` has a size {size.plain} written as {size.term}",
            )
    if isinstance(node, Scan):
        _verify_scan(where, node)
    elif isinstance(node, Call):
        _verify_agreement(where, node)
    elif isinstance(node, Loop):
        carried = node.inputs[0].type
        for iteration in node.iterations:
            inner, *rest = iteration.function.inputs
            _require(inner.type == carried, f"{where}: an iteration gets {carried}, needs {inner}")
            for tensor, outer in zip(rest, iteration.inputs, strict=True):
                _require(tensor.type == outer.type, f"{where}: {outer} is {tensor} inside")
            carried = iteration.function.outputs[0].type
        _require(carried == node.outputs[0].type, f"{where}: ends with {carried}")


def _verify_tensors(node: Layer | Scan) -> None:
    """Tensors given by name come last, the lengths of padded sequences behind all others."""
    where = f"`{node.name}` at {node.span.place}"
    declared = tuple(name for name in node.tensor_arguments if name in node.given)
    _require(node.given == declared, f"{where}: is given {node.given}, not {declared}")
    lengths = [t for t in node.inputs if t.type.content is Content.LENGTHS]
    last = list(node.named.items())[len(node.given) :]
    wanted = [(LENGTHS, tensor) for tensor in lengths]
    _require(last == wanted, f"{where}: lengths are not its last tensor")
    respects = isinstance(node, Scan) or node.op.respects_lengths
    keys = {t.type.padded for t in node.inputs if t.type.padded} if respects else set()
    _require({t.type.padded for t in lengths} == keys, f"{where}: the lengths are others'")
    several = 1 + len(node.optional_results)
    count = len(node.outputs)
    _require(several == 1 or count in (1, several), f"{where}: has {count} results")


def _verify_padding(node: Node) -> None:
    """A padded result has the lengths of all padded inputs; of a body's inputs, those of one."""
    where = f"`{node.name}` at {node.span.place}"
    keys, made = (
        {t.type.padded for t in tensors} - {""} for tensors in (node.inputs, node.outputs)
    )
    is_one = isinstance(node, Layer | Scan)
    _require(not made or (keys == made if is_one else made <= keys), f"{where}: pads anew")


def _verify_scan(where: str, scan: Scan) -> None:
    """A step gets a step of every sequence, and the states that the step before gave."""
    function = scan.function
    steps = scan.sequences[0].type.shape[0]
    for inner, outer in zip(function.proper, scan.sequences, strict=True):
        _require(outer.type.shape == (steps, *inner.type.shape), f"{where}: {outer} is {inner}")
    result, *after = function.outputs
    shape = (steps, *result.type.shape)
    _require(scan.outputs[0].type.shape == shape, f"{where}: makes {scan.outputs[0]}")
    for (name, before), then in zip(function.before.items(), after, strict=True):
        _require(before.type == then.type, f"{where}: the state {before} becomes {then}")
        start = scan.named.get(name, before)
        _require(start.type.shape == before.type.shape, f"{where}: {before} starts as {start}")


def _verify_agreement(where: str, call: Call) -> None:
    """Tensors and numbers that a call hands on are those that the function was built for."""
    for inner, outer in zip(call.function.inputs, call.inputs, strict=True):
        _require(inner.type == outer.type, f"{where}: gets {outer}, needs {inner}")
    for inner, outer in zip(call.function.outputs, call.outputs, strict=True):
        _require(inner.type == outer.type, f"{where}: {outer} is {inner} inside")
    for name, value in call.function.symbols.items():
        given = call.arguments.get(name)
        _require(given == value, f"{where}: `{name}` is {value.plain!r} inside, gets {given!r}")


# ---------------------------------------------------------------- gradients


@verify.register
def _(model: TrainingModel) -> None:
    """Gradients have the shapes of their tensors, and are made before they are read."""
    for plan in model.classes:
        graph = model.backward_of(plan)
        where = f"the backward pass of `{plan.name or plan.function.name}`"
        _verify_backward(where, plan, graph)
    net = model.backward_of(model.classes.net)
    _require(not net.d_outputs, "the net is handed a gradient")
    _require(
        model.input_gradients or not any(net.d_inputs), "the net derives a gradient of its inputs"
    )


def _verify_backward(where: str, plan: ClassPlan, graph: BackwardGraph) -> None:
    body = plan.function
    made: set[Tensor] = {*graph.d_outputs, *graph.kept}
    forward = {*body.inputs, *(t for n in body.nodes for t in n.outputs)}
    _require(set(graph.kept) <= forward, f"{where} keeps what the forward pass does not make")
    for statement in graph.statements:
        if isinstance(statement, Backward):
            _require(statement.node in body.nodes, f"{where} goes back through another's node")
            read, written = statement.d_outputs, tuple(d for d in statement.d_inputs if d)
            for tensor, d in zip(statement.node.inputs, statement.d_inputs, strict=False):
                _require(d is None or d.type == tensor.type, f"{where}: {d} is no d_{tensor}")
                _require(
                    d is None or tensor.type.content is Content.REAL, f"{where}: {d} is of {tensor}"
                )
            _verify_results(where, statement)
        else:
            read, written = statement.arguments, (statement.result,)
        for tensor in read:
            _require(tensor in made, f"{where} reads {tensor} before it is made")
        made.update(written)
    for tensor, total in zip(body.inputs, graph.d_inputs, strict=True):
        if total is not None:
            _require(total in made, f"{where} returns {total}, which is not made")
            _require(total.type == tensor.type, f"{where} returns {total} for {tensor}")


def _verify_results(where: str, statement: Backward) -> None:
    """The gradients of a layer's results are named; those of optional ones are some of them."""
    node = statement.node
    if isinstance(node, Layer | Scan) and node.optional_results and statement.d_outputs:
        tensors = dict(zip(("", *node.optional_results), node.outputs, strict=False))
        for name, d in zip(statement.names, statement.d_outputs, strict=True):
            at = tensors.get(name)
            _require(at is not None, f"{where}: `{node.name}` has no result `{name}`")
            _require(at is None or d.type == at.type, f"{where}: {d} is no d_{at}")
