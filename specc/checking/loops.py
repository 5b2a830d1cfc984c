"""Walking `repeat` and `for`: every iteration is a function of its own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specc import syntax, terms
from specc.checking.body import Body
from specc.checking.elaborator import Broken, single_call, symbolic_inputs, unused_inputs
from specc.checking.functions import finish, rewritten_type, several_tensors
from specc.checking.lengths import variable_of
from specc.checking.names import Meaning, Taps
from specc.diagnostics import Label
from specc.evaluate import EvaluationError, evaluate, fail, number
from specc.graph import Function, Iteration, Loop, Origin, Tensor
from specc.ops.base import LayerOp
from specc.terms import Term
from specc.types import Content, TensorType
from specc.values import Value, literal_term, named, show
from specc.words import variables

MOST_ITERATIONS = 100_000


def run_loop(parent: Body, step: syntax.Repeat | syntax.For) -> None:
    """Walk a loop, and append it to the nodes of the body around it."""
    parent.need_current()
    if len(parent.current) != 1:
        raise several_tensors(parent.current, step.span, "a loop")
    count, values = _count(parent, step)
    if count.number == 0:
        return
    name = parent.model.instances[step.span]
    with parent.elaborator.inside(Label(step.span, "in this loop")):
        loop = _Walk(parent, step, name, count, values).loop()
    for name in (n for i in loop.iterations for n in i.function.borrowed):
        parent.borrow(name)
    parent.nodes.append(loop)
    parent.current = loop.outputs[:1]


def _count(parent: Body, step: syntax.Repeat | syntax.For) -> tuple[Value, Value | None]:
    if isinstance(step, syntax.Repeat):
        count = evaluate(step.count, parent.environment)
        times = number(count, step.count.span, "`repeat`")
        if times < 0:
            raise fail(
                "E0205",
                f"`repeat` needs a whole number of at least 0, gets `{times}`",
                step.count.span,
                "negative",
            )
        values = None
    else:
        values = evaluate(step.values, parent.environment)
        if not isinstance(values.plain, tuple):
            raise fail(
                "E0208",
                f"`for` needs a list, gets `{show(values)}`",
                step.values.span,
                "not a list",
                help=f"did you mean `range({show(values)})`?"
                if isinstance(values.plain, int) and not isinstance(values.plain, bool)
                else "",
            )
        times = len(values.plain)
        count = Value(times, times)
    if times > MOST_ITERATIONS:
        raise fail(
            "E0611",
            f"a loop may run at most {MOST_ITERATIONS} times",
            step.span if isinstance(step, syntax.For) else step.count.span,
            f"this one runs {times} times",
        )
    return count, values


@dataclass(eq=False)
class _Captured:
    """What an iteration sees of the names around its loop."""

    names: dict[str, Meaning]
    values: dict[str, Value]
    tensors: dict[str, Tensor]
    is_pure: bool


@dataclass(frozen=True, slots=True)
class LoopBody:
    """A loop's body for one choice of numbers.

    `reads`: what its inputs after the carried one stand for: a name around the loop, or a tap
    of an earlier loop. `taps`: what it hands out, as name, index and tensor.
    """

    function: Function
    reads: tuple[str | Tensor, ...]
    taps: tuple[tuple[str, int, Tensor], ...]


class _Walk:
    """The iterations of one loop, one after the other."""

    def __init__(
        self,
        parent: Body,
        step: syntax.Repeat | syntax.For,
        name: str,
        count: Value,
        values: Value | None,
    ) -> None:
        self.parent = parent
        self.step = step
        self.name = name
        self.count = count
        self.values = values
        self.variable = step.variable if isinstance(step, syntax.For) else None
        self.start = parent.current[0]
        self.captured = self._capture()
        call = single_call(step.body)
        callee = parent.model.callees.get(call.span) if call is not None else None
        self.is_single = isinstance(callee, syntax.Block | LayerOp)

    def loop(self) -> Loop:
        """The loop node."""
        carried = self.start.type
        iterations: list[Iteration] = []
        functions: list[tuple[Function, Mapping[str, Value]]] = []
        taps: dict[str, None] = {}
        for index in range(self.count.number):
            self.parent.elaborator.spend(1, self.step.span)
            body, arguments = self._iteration(index, carried)
            function = body.function
            carried = self._next(function, arguments)
            read = tuple(self.captured.tensors[r] if isinstance(r, str) else r for r in body.reads)
            tapped = tuple(self._hand_out(tap, index) for tap in body.taps)
            taps.update(dict.fromkeys(name for name, _, _ in body.taps))
            iterations.append(Iteration(function, arguments, read, tapped))
            functions.append((function, arguments))
        result = Tensor(self.parent.unique(self.name), self._result(functions), self.step.span)
        outer = dict.fromkeys(t for i in iterations for t in i.inputs)
        words = tuple(self._tap_variable(name) for name in taps)
        loop = Loop(
            self.name,
            tuple(iterations),
            self.count,
            self.variable,
            self.values,
            (self.start, *outer),
            (result, *(t for i in iterations for t in i.taps)),
            words,
            self.step.span,
        )
        for index, iteration in enumerate(iterations if loop.is_uniform else ()):
            for word, tensor in zip(words, iteration.taps, strict=True):
                tensor.name = f"{word}[{index}]"
        if not loop.is_uniform:  # written line by line: each tap is a variable
            for tensor in loop.outputs[1:]:
                tensor.name = self.parent.unique(tensor.name.replace("[", "").replace("]", ""))
        return loop

    def _tap_variable(self, name: str) -> str:
        """The list of a tap in the code; with `_` behind it, what one round hands out."""
        taken = self.parent.taken
        word = self.parent.unique(name)
        while f"{word}_" in taken:
            word = self.parent.unique(f"{word}s")
        taken.add(f"{word}_")
        return word

    # ------------------------------------------------------------ what the body sees

    def _capture(self) -> _Captured:
        """The outer names: values as symbols of the loop's own class, tensors as inputs."""
        captured = _Captured({}, {}, {}, True)
        for name in self.parent.model.outer.get(self.step.body.span, ()):
            meaning = self._outer_meaning(name)
            if isinstance(meaning, Value):
                self._capture_value(captured, name, meaning)
            elif isinstance(meaning, Tensor):
                captured.tensors[name] = meaning
            elif meaning is not None:
                captured.names[name] = meaning
                captured.is_pure = False
        padded = (t.type.padded for t in (self.start, *captured.tensors.values()))
        captured.tensors |= {key: self.parent.lengths(key) for key in padded if key}
        return captured

    def _outer_meaning(self, name: str) -> Meaning | None:
        parent = self.parent
        if name in parent.names:
            return parent.names[name]
        if name == "in" and not parent.is_loop:
            return parent.incoming
        if name.startswith("in.") and not parent.is_loop:
            try:
                return parent.incoming_value(
                    syntax.Incoming(name.removeprefix("in."), self.step.span)
                )
            except EvaluationError:
                return None  # said where it is used
        return None

    def _capture_value(self, captured: _Captured, name: str, value: Value) -> None:
        if value.term == literal_term(value.plain):
            captured.names[name] = value
            return
        symbol = name.replace("in.", "outer_") if name.startswith("in.") else name
        captured.values[symbol] = value
        captured.names[name] = named(value, symbol)

    # ------------------------------------------------------------ one iteration

    def _iteration(self, index: int, carried: TensorType) -> tuple[LoopBody, dict[str, Value]]:
        values = dict(self.captured.values)
        if self.variable is not None:
            assert self.values is not None and isinstance(self.values.plain, tuple)
            element = self.values.plain[index]
            values[self.variable] = named(element, self.variable)
        outer = tuple(self.captured.tensors.items())
        prefixes = ("in", *("outer" if name == "in" else name for name, _ in outer))
        types, sizes = symbolic_inputs(prefixes, (carried, *(t.type for _, t in outer)), values)
        symbols = values | sizes
        key = (
            self.step.body.span,
            tuple((n, type(v.plain), v.plain) for n, v in values.items()),
            (carried, *(t.type for _, t in outer)),
        )
        built = self.parent.elaborator.built_loops
        if not self.captured.is_pure or key not in built:
            built[key] = self._build(symbols, types, outer)
        body = built[key]
        if body is None:
            raise Broken
        return body, symbols

    def _build(
        self,
        symbols: Mapping[str, Value],
        types: tuple[TensorType, ...],
        outer: tuple[tuple[str, Tensor], ...],
    ) -> LoopBody | None:
        x = Tensor("x", types[0], self.start.span)
        words = variables((_word(name, tensor) for name, tensor in outer), ["x"])
        inner = {
            name: Tensor(words[_word(name, tensor)], type_, tensor.span)
            for (name, tensor), type_ in zip(outer, types[1:], strict=True)
        }
        body = Body(self.parent.elaborator, symbols, (x, *inner.values()), (x,), is_loop=True)
        body.names.update(self.captured.names)
        body.names.update(inner)
        for name, meaning in self.captured.names.items():
            if isinstance(meaning, Taps):  # of an earlier loop: inputs of this one where read
                body.names[name] = Taps(meaning.span, dict(meaning.tensors))
                body.foreign.update(meaning.tensors.values())
        if self.variable is not None:
            body.names[self.variable] = named(symbols[self.variable], self.variable)
        body.run(self.step.body)
        function = finish(body, self.name, Origin.LOOP, self.step.span, self.is_single)
        if function is None:
            return None
        origin: dict[Tensor, str | Tensor] = {t: n for n, t in inner.items()}
        origin |= {own: foreign for foreign, own in body.imported.items()}
        unread = set(unused_inputs(function)) - {x}
        function.inputs = tuple(t for t in function.inputs if t not in unread)
        reads = tuple(origin[t] for t in function.inputs[1:])
        taps = tuple((name, index, tensor) for name, (index, tensor) in body.taps.items())
        return LoopBody(function, reads, taps)

    # ------------------------------------------------------------ from one to the next

    def _next(self, function: Function, arguments: Mapping[str, Value]) -> TensorType:
        """What the next iteration gets.

        Sizes that changed are written as numbers: the constructor threads them.
        """
        type_ = rewritten_type(function.outputs[0].type, arguments)
        start = self.start.type
        is_same = type_ == start and all(
            a.term == b.term for a, b in zip(type_.shape, start.shape, strict=True)
        )
        return type_ if is_same else type_.with_terms(literal_term)

    def _hand_out(self, tap: tuple[str, int, Tensor], index: int) -> Tensor:
        name, position, inner = tap
        taps = self.parent.names.setdefault(name, Taps(inner.span))
        assert isinstance(taps, Taps)
        tensor = Tensor(f"{name}[{index}]", inner.type.with_terms(literal_term), inner.span)
        self.parent.add_tap(taps, position, tensor, syntax.Reference(name, None, inner.span))
        return tensor

    def _result(self, walked: list[tuple[Function, Mapping[str, Value]]]) -> TensorType:
        """The type after the last iteration, in the terms of the body around the loop.

        A size that the body leaves alone, sets, or raises by the same amount each time has a
        closed form; any other is written as a number.
        """
        last, arguments = walked[-1]
        type_ = last.outputs[0].type
        first = walked[0][1]
        functions = {id(f): f for f, _ in walked}.values()
        shape = []
        for axis, size in enumerate(type_.shape):
            term: Term | None = None
            if all(_same_term(f, axis, size) for f in functions):
                term = self._closed_form(size, last, arguments, first)
            shape.append(Value(size.plain, literal_term(size.plain) if term is None else term))
        return TensorType(tuple(shape), type_.content, type_.classes, type_.padded)

    def _closed_form(
        self,
        size: Value,
        function: Function,
        arguments: Mapping[str, Value],
        first: Mapping[str, Value],
    ) -> Term | None:
        sizes = {
            n for n in function.symbols if n not in self.captured.values and n != self.variable
        }
        outer = {n: v.term for n, v in arguments.items() if n not in sizes}
        if self.variable is not None:
            assert self.values is not None and isinstance(self.values.plain, tuple)
            outer[self.variable] = self.values.plain[-1].term
        names = set(terms.symbols(size.term))
        if not names & sizes:
            return terms.substitute(size.term, outer)
        if len(names & sizes) == 1:
            (name,) = names & sizes
            step = terms.integer(size.term) - terms.symbol(name)
            if not {name, self.variable} & set(terms.symbols(step)):
                start = terms.integer(first[name].term)
                rise = terms.integer(terms.substitute(step, outer))
                return start + terms.integer(self.count.term) * rise
        return None


def _word(name: str, tensor: Tensor) -> str:
    """What a captured tensor is called in a loop's body."""
    if tensor.type.content is Content.LENGTHS:
        return variable_of(name)
    return "outer" if name == "in" else name


def _same_term(function: Function, axis: int, size: Value) -> bool:
    shape = function.outputs[0].type.shape
    return axis < len(shape) and shape[axis].term == size.term
