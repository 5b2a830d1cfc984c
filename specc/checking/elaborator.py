"""Elaborate: run a body once for one choice of numbers, and note the graph that results.

`Elaborator` knows the whole program and remembers what it has built: the same block with the
same numbers is one `Function`. `specc.checking.body` walks the statements of one body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from specc import syntax
from specc.diagnostics import Diagnostic, Diagnostics, Label
from specc.evaluate import Environment, EvaluationError, evaluate, fail
from specc.graph import Call, Function, Layer, Loop, Tensor
from specc.model import Model
from specc.signature import LARGEST
from specc.source import Span
from specc.terms import Polynomial
from specc.types import AXES, TensorType
from specc.values import Value, literal_term, named, show

if TYPE_CHECKING:
    from specc.checking.loops import LoopBody

DEEPEST = 48
"""How deep blocks and loops may call one another."""
MOST_LAYERS = 200_000
"""How many layers a network may have, loops counted out."""


MOST_WORK = 25_000
"""How many steps of bodies are walked; a body that is walked already costs one."""


class Broken(Exception):
    """A body has an error that is already reported; nothing can be built from it."""


@dataclass(eq=False)
class Elaborator:
    """Builds functions from bodies.

    `trail` is the chain of calls that leads to where we are, outermost first.
    """

    model: Model
    diagnostics: Diagnostics
    trail: list[Label] = field(default_factory=list)
    built: dict[object, Function | None] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    lets: dict[Span, Value] = field(default_factory=dict)
    failed: set[Span] = field(default_factory=set)
    work: int = 0
    built_loops: dict[object, LoopBody | None] = field(default_factory=dict)

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic, with the chain of calls that leads here."""
        if self.trail and not diagnostic.trail:
            diagnostic = replace(diagnostic, trail=tuple(self.trail))
        self.diagnostics.add(diagnostic)

    def spend(self, work: int, span: Span) -> None:
        """Count the work of walking bodies, and end it where no network needs so much.

        The error is raised once; after that, whatever is walked is `Broken`.
        """
        if self.work > MOST_WORK:
            raise Broken
        self.work += work
        if self.work > MOST_WORK:
            raise fail(
                "E0611",
                f"this needs more than {MOST_WORK} steps to work out",
                span,
                "the last of them",
                help="use fewer repetitions, or fewer that differ",
            )

    def let(self, item: syntax.Let) -> Value:
        """The value of a constant of a file."""
        if item.name_span in self.failed:
            raise Broken
        if item.name_span not in self.lets:
            self.failed.add(item.name_span)
            value = evaluate(item.value, Environment(self.file_value, _no_incoming))
            self.failed.discard(item.name_span)
            self.lets[item.name_span] = Value(value.plain, literal_term(value.plain))
        return self.lets[item.name_span]

    def file_value(self, name: syntax.Name) -> Value:
        """The value of a name among the constants of the file where it stands."""
        let = self.model.files[name.span.source].lets.get(name.id)
        if let is None:
            raise fail("E0101", f"there is no value `{name.id}` here", name.span, "unknown")
        if let.span.source is name.span.source and let.span.start >= name.span.start:
            raise EvaluationError(
                Diagnostic(
                    "E0101",
                    f"there is no value `{name.id}` here yet",
                    Label(name.span, "used before it is bound"),
                    Label(let.name_span, "bound here"),
                    help=f"move `let {name.id}` up",
                )
            )
        return self.let(let)

    @contextmanager
    def inside(self, label: Label) -> Iterator[None]:
        """One call deeper."""
        self._enter(label)
        try:
            yield
        finally:
            self.trail.pop()

    def _enter(self, label: Label) -> None:
        self.trail.append(label)
        if len(self.trail) > DEEPEST:
            chain = list(
                dict.fromkeys(called.span.text.split("(")[0] for called in self.trail[-4:])
            )
            raise EvaluationError(
                Diagnostic(
                    "E0612",
                    f"blocks call one another more than {DEEPEST} deep",
                    label,
                    self.trail[0],
                    note="the chain ends with " + " → ".join(f"`{c.strip()}`" for c in chain),
                    help="a block that calls itself must end: put the call under an `if`",
                )
            )

    def count_layers(self, function: Function, span: Span) -> None:
        """Refuse networks of more layers than anybody has."""
        total = 0
        for node in function.nodes:
            if isinstance(node, Layer):
                total += 1
            elif isinstance(node, Call):
                total += self.sizes[id(node.function)]
            else:
                total += sum(self.sizes[id(i.function)] for i in node.iterations)
        self.sizes[id(function)] = total
        if total > MOST_LAYERS:
            raise fail(
                "E0611",
                f"this makes more than {MOST_LAYERS} layers",
                span,
                f"{total} layers",
                help="use fewer repetitions",
            )


def _no_incoming(incoming: syntax.Incoming) -> Value:
    raise fail("E0110", "`in` has a meaning only inside a block", incoming.span, "outside of one")


def size_error(what: str, value: Value, span: Span) -> EvaluationError:
    """The error (E0205) of a size that is no whole number from 1 on."""
    return fail(
        "E0205",
        f"{what} needs a whole number from 1 to {LARGEST}, gets `{show(value)}`",
        span,
        "this is none",
    )


def symbolic_inputs(
    prefixes: tuple[str, ...], types: tuple[TensorType, ...], taken: Mapping[str, Value]
) -> tuple[tuple[TensorType, ...], dict[str, Value]]:
    """Give the sizes of a body's inputs names of their own, such as `in_channels`.

    A free size keeps its own name. Returns the types in these names, and their values.
    """
    symbols: dict[str, Value] = {}
    renamed = []
    for prefix, type_ in zip(prefixes, types, strict=True):
        shape = []
        for axis, size in zip(_axes(type_), type_.shape, strict=True):
            if isinstance(size.plain, Polynomial):
                shape.append(Value(size.plain, size.plain))
                continue
            symbol = f"{prefix}_{axis}"
            while symbol in taken or symbol in symbols:
                symbol += "_"
            symbols[symbol] = Value(size.plain, size.term)
            shape.append(named(size, symbol))
        renamed.append(TensorType(tuple(shape), type_.content, type_.classes, type_.padded))
    return tuple(renamed), symbols


def _axes(type_: TensorType) -> tuple[str, ...]:
    return AXES.get(type_.rank) or tuple(f"axis{i}" for i in range(type_.rank))


def instance_of(symbols: Mapping[str, Value]) -> dict[str, Value]:
    """The symbols of a function with their values, written by their names."""
    return {name: named(value, name) for name, value in symbols.items()}


def dead_nodes(function: Function) -> list[Layer | Call | Loop]:
    """The nodes whose results nothing uses."""
    alive = {id(t) for t in function.outputs}
    dead: list[Layer | Call | Loop] = []
    for node in reversed(function.nodes):
        is_loss = isinstance(node, Layer) and node.op.family == "loss"
        if is_loss or any(id(t) in alive for t in node.outputs):
            alive.update(id(t) for t in node.inputs)
        else:
            dead.append(node)
    return dead[::-1]


def unused_inputs(function: Function) -> list[Tensor]:
    """The inputs that no node and no output reads."""
    return [t for t in function.inputs if t not in function.read]


def single_call(body: syntax.Body) -> syntax.Call | None:
    """The call that a body is and nothing else: such a loop *is* that call, in names."""
    if len(body.statements) != 1:
        return None
    statement = body.statements[0]
    if not isinstance(statement, syntax.Flow) or len(statement.steps) != 1:
        return None
    step = statement.steps[0]
    is_plain = isinstance(step, syntax.Call) and step.paths is None and step.label is None
    return step if is_plain and isinstance(step, syntax.Call) else None
