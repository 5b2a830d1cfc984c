"""Walking the statements of one body, with its numbers known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from specc import syntax
from specc.diagnostics import Diagnostic, Label
from specc.elaborate import (
    Broken,
    Elaborator,
    dead_nodes,
    instance_of,
    symbolic_inputs,
)
from specc.evaluate import Environment, EvaluationError, evaluate, fail, number, truth
from specc.graph import Call, Function, Layer, Node, Origin, Tensor
from specc.ops.base import LossOp, Op, Site, SiteError
from specc.signature import REQUIRED, Argument, wrong_kind
from specc.source import Span
from specc.suggest import closest
from specc.terms import Polynomial, Term
from specc.types import AXES, TensorType
from specc.values import Value, literal_term, named, rewritten, show
from specc.words import safe_name

LARGEST_TENSOR = 2**33
"""No tensor or parameter may have more numbers than this."""
MOST_ITERATIONS = 100_000


@dataclass(eq=False)
class Taps:
    """The tensors that iterations hand out under one name, by index."""

    span: Span
    tensors: dict[int, Tensor] = field(default_factory=dict)


@dataclass(eq=False)
class SharedInstance:
    """`shared enc = …`: its call, and once used what it was built for."""

    call: syntax.Call
    owner: Body
    name: str
    built: Layer | Call | None = None


Meaning = Value | Tensor | Taps | SharedInstance


@dataclass(eq=False)
class Loss:
    """A loss of the net: its layer and the name of its target."""

    layer: Layer
    target: str


class Body:
    """One body being walked: its names, its nodes so far, and the current tensor(s)."""

    def __init__(
        self,
        elaborator: Elaborator,
        symbols: Mapping[str, Value],
        inputs: tuple[Tensor, ...],
        current: tuple[Tensor, ...],
        *,
        is_loop: bool = False,
    ) -> None:
        self.elaborator = elaborator
        self.model = elaborator.model
        self.symbols = dict(symbols)
        self.names: dict[str, Meaning] = {}
        self.inputs = list(inputs)
        self.current = current
        self.incoming = current
        self.nodes: list[Node] = []
        self.outputs: tuple[Tensor, ...] | None = None
        self.output_span: Span | None = None
        self.losses: list[Loss] = []
        self.targets: dict[str, Tensor] = {}
        self.taps: dict[str, tuple[int, Tensor]] = {}
        self.foreign: set[Tensor] = set()
        self.imported: dict[Tensor, Tensor] = {}
        self.borrowed: list[str] = []
        self.is_broken = False
        self.taken: set[str] = {t.name for t in inputs} | {"x", "training"}
        self.environment = Environment(self.value_of, self.incoming_value)
        self.is_loop = is_loop

    # ------------------------------------------------------------ names

    def value_of(self, name: syntax.Name) -> Value:
        """The value of a name."""
        meaning = self.names.get(name.id)
        if isinstance(meaning, Value):
            return meaning
        return self.elaborator.file_value(name)

    def incoming_value(self, incoming: syntax.Incoming) -> Value:
        """`in.channels` and its like."""
        captured = self.names.get(f"in.{incoming.attribute}")
        if isinstance(captured, Value):
            return captured
        if len(self.incoming) != 1:
            raise fail(
                "E0110", "`in` is one tensor, this body has several inputs", incoming.span, "which?"
            )
        type_ = self.incoming[0].type
        axes = dict(zip(AXES.get(type_.rank, ()), type_.shape, strict=False))
        if incoming.attribute == "shape":
            return Value(type_.shape, tuple(s.term for s in type_.shape))
        if incoming.attribute not in axes:
            known = [*axes, "shape"]
            guess = closest(incoming.attribute, known)
            raise EvaluationError(
                Diagnostic(
                    "E0111",
                    f"the incoming tensor has no `{incoming.attribute}`",
                    Label(incoming.span, f"it is {type_.description}"),
                    Label(self.incoming[0].span, f"this makes {type_}"),
                    note="it has " + ", ".join(f"`in.{name}`" for name in known),
                    help=f"did you mean `in.{guess}`?" if guess else "",
                )
            )
        return axes[incoming.attribute]

    def tensor(self, reference: syntax.Reference) -> Tensor:
        """The tensor that a reference names."""
        if reference.name == "in":
            meaning = self.names.get("in")
            return meaning if isinstance(meaning, Tensor) else self._only(reference.span)
        meaning = self.names.get(reference.name)
        if isinstance(meaning, Taps):
            assert reference.index is not None
            return self._tap(meaning, reference, reference.index)
        if isinstance(meaning, Tensor):
            return meaning
        if self.is_broken:
            raise Broken  # it would have been made where the error is
        raise fail(
            "E0112",
            f"the tensor `{reference.name}` does not exist in this case",
            reference.span,
            "it is made only where an `if` goes the other way, or after this",
        )

    def _only(self, span: Span) -> Tensor:
        if len(self.incoming) != 1:
            raise fail("E0110", "`in` is one tensor, this body has several inputs", span, "which?")
        return self.incoming[0]

    def _tap(self, taps: Taps, reference: syntax.Reference, expression: syntax.Expression) -> Tensor:
        index = number(evaluate(expression, self.environment), expression.span, "an index")
        if index not in taps.tensors:
            there = ", ".join(str(i) for i in list(taps.tensors)[:8])
            raise EvaluationError(
                Diagnostic(
                    "E0210",
                    f"there is no tap `{reference.name}[{index}]`",
                    Label(reference.span, "not there"),
                    Label(taps.span, f"the loop makes {there}" if there else "nothing is made"),
                )
            )
        tensor = taps.tensors[index]
        return self._import(tensor) if tensor in self.foreign else tensor

    def _import(self, tensor: Tensor) -> Tensor:
        """A tensor from around this loop, as an input of its body."""
        if tensor not in self.imported:
            name = self.unique(tensor.name.replace("[", "").replace("]", ""))
            own = Tensor(name, tensor.type.with_terms(literal_term), tensor.span)
            self.imported[tensor] = own
            self.inputs.append(own)
        return self.imported[tensor]

    def unique(self, name: str) -> str:
        """A name for a tensor in the code that no other has."""
        candidate = safe_name(name)
        while candidate in self.taken:
            candidate += "_"
        self.taken.add(candidate)
        return candidate

    # ------------------------------------------------------------ statements

    def run(self, body: syntax.Body) -> None:
        """All statements in order; an error breaks off its statement only."""
        for statement in body.statements:
            try:
                self.statement(statement)
            except EvaluationError as error:
                self.elaborator.report(error.diagnostic)
                self.break_off()
            except Broken:
                self.break_off()

    def break_off(self) -> None:
        """After an error: the current tensor is not known, until `from` names another."""
        self.is_broken = True
        self.current = ()

    def statement(self, statement: syntax.Statement) -> None:
        """One statement."""
        match statement:
            case syntax.Flow():
                for step in statement.steps:
                    self.step(step)
            case syntax.Let():
                self.names[statement.name] = evaluate(statement.value, self.environment)
            case syntax.Shared():
                self.names[statement.name] = SharedInstance(statement.call, self, statement.name)
            case syntax.Output():
                self.output(statement)
            case syntax.Input() | syntax.Target():
                pass  # declared when the body began

    def output(self, statement: syntax.Output) -> None:
        """`output a, b`."""
        if self.output_span is not None:
            raise EvaluationError(
                Diagnostic(
                    "E0407",
                    "a body has one `output`",
                    Label(statement.span, "a second one"),
                    Label(self.output_span, "the first is here"),
                    help="list all results in one `output`",
                )
            )
        self.output_span = statement.span
        self.outputs = tuple(self.tensor(r) for r in statement.references)

    def step(self, step: syntax.Step) -> None:
        """One step of a flow."""
        match step:
            case syntax.Call():
                self.call(step)
            case syntax.From():
                self.current = tuple(self.tensor(r) for r in step.references)
            case syntax.As():
                self.name_results(step)
            case syntax.If():
                arm = step.then if truth(step.condition, self.environment) else step.otherwise
                if arm is not None:
                    self.run(arm)
            case syntax.Loss():
                self.loss(step)
            case syntax.Repeat() | syntax.For():
                from specc.loops import run_loop  # it walks bodies in its turn

                run_loop(self, step)

    def name_results(self, step: syntax.As) -> None:
        """`as x`, `as (a, b)`, `as tap[i]`."""
        self.need_current(step.span)
        if len(step.references) != len(self.current):
            raise EvaluationError(
                Diagnostic(
                    "E0304",
                    f"`as` names {_count(len(step.references), 'tensor')}, "
                    f"there {'is' if len(self.current) == 1 else 'are'} {len(self.current)}",
                    Label(step.span, "these names"),
                    Label(self.current[-1].span, "made here"),
                    help="skip a result with `_`" if len(step.references) < len(self.current) else "",
                )
            )
        for reference, tensor in zip(step.references, self.current, strict=True):
            if reference.index is not None:
                self._name_tap(reference, reference.index, tensor)
            elif reference.name != "_":
                self.names[reference.name] = tensor
                self._rename(tensor, reference.name)
        if len(self.current) > 1:
            self.current = self.current[:1]

    def _rename(self, tensor: Tensor, name: str) -> None:
        """Call a tensor of this body in the code as the spec does."""
        is_own = any(tensor in node.outputs for node in self.nodes[-1:])
        if is_own and tensor.name != name:
            self.taken.discard(tensor.name)
            tensor.name = self.unique(name)

    def _name_tap(self, reference: syntax.Reference, index: syntax.Expression, t: Tensor) -> None:
        position = number(evaluate(index, self.environment), index.span, "an index")
        if not self.is_loop:
            taps = self.names.setdefault(reference.name, Taps(reference.span))
            assert isinstance(taps, Taps)
            self.add_tap(taps, position, t, reference)
            return
        if reference.name in self.taps:
            raise fail(
                "E0113", f"`{reference.name}` is tapped twice in one round", reference.span, "again"
            )
        self.taps[reference.name] = (position, t)

    def add_tap(self, taps: Taps, position: int, tensor: Tensor, at: syntax.Reference) -> None:
        """Put a tensor under an index that is still free."""
        if position in taps.tensors:
            raise EvaluationError(
                Diagnostic(
                    "E0102",
                    f"the name `{at.name}[{position}]` is bound twice",
                    Label(at.span, "bound again here"),
                    Label(taps.tensors[position].span, "first bound to this"),
                )
            )
        taps.tensors[position] = tensor

    # ------------------------------------------------------------ calls

    def need_current(self, span: Span) -> None:
        """Stop quietly where the current tensor is unknown because of an earlier error."""
        if not self.current:
            raise Broken

    def call(self, call: syntax.Call) -> None:
        """A layer, a block, a join or a shared instance."""
        callee = self.model.callees[call.span]
        if call.paths is not None:
            self.paths(call)
        if isinstance(callee, str):
            self.use_shared(callee, call)
            return
        name = self.model.instances[call.span]
        arguments = self.arguments(call, callee)
        self.need_current(call.span)
        if isinstance(callee, Op):
            node: Layer | Call = self.layer(name, callee, arguments, call.span, self.current)
        else:
            node = self.block_call(name, callee, arguments, call, self.current)
        self.add(node)

    def add(self, node: Layer | Call) -> None:
        """Append a node; its results become current."""
        self.nodes.append(node)
        self.current = node.outputs

    def paths(self, call: syntax.Call) -> None:
        """The paths of a join, each from the tensor that is current now."""
        assert call.paths is not None
        start = self.current
        results: list[Tensor] = []
        for path in call.paths:
            self.current = start
            self.run(path.body)
            if self.current and len(self.current) != 1:
                raise _several(self.current, path.span, "a path")
            results.extend(self.current)
        if len(results) != len(call.paths):
            raise Broken
        if not results:
            raise fail("E0304", f"`{call.name}` joins no paths", call.span, "the braces are empty")
        self.current = tuple(results)

    def arguments(
        self, call: syntax.Call | syntax.Loss, callee: Op | syntax.Block
    ) -> dict[str, tuple[Value | Tensor, Span]]:
        """The arguments as given, evaluated, with where they stand."""
        given: dict[str, tuple[Value | Tensor, Span]] = {}
        kinds = {a.name: a for a in callee.arguments} if isinstance(callee, Op) else {}
        problems = False
        for name, expression in self.model.arguments[call.span].items():
            try:
                given[name] = (self._argument(kinds.get(name), call, expression), expression.span)
            except EvaluationError as error:
                self.elaborator.report(error.diagnostic)
                problems = True
        if problems:
            raise Broken
        return given

    def _argument(
        self,
        argument: Argument | None,
        call: syntax.Call | syntax.Loss,
        expression: syntax.Expression,
    ) -> Value | Tensor:
        is_tensor = argument.kind.tensor if argument else isinstance(call, syntax.Loss)
        if isinstance(expression, syntax.Name):
            if is_tensor:
                target = self.targets.get(expression.id)
                return target or self.tensor(
                    syntax.Reference(expression.id, None, expression.span)
                )
            if argument is not None and expression.id in argument.kind.choices:
                return Value(expression.id, expression.id)
        value = evaluate(expression, self.environment)
        if argument is not None and not argument.kind.accepts(value):
            if isinstance(value.plain, Polynomial):
                number(value, expression.span, f"`{argument.name}` of `{call.name}`")
            raise EvaluationError(wrong_kind(call.name, argument, value, expression.span))
        return value

    def layer(
        self,
        name: str,
        op: Op,
        given: Mapping[str, tuple[Value | Tensor, Span]],
        span: Span,
        inputs: tuple[Tensor, ...],
    ) -> Layer:
        """An op applied to tensors, its shape inferred."""
        self._check_count(op, inputs, span)
        values = {n: v for n, (v, _) in given.items() if isinstance(v, Value)}
        for argument in op.arguments:
            if argument.name not in given and argument.default is not REQUIRED:
                values[argument.name] = Value(argument.default, argument.default)  # type: ignore[arg-type]
        site = Site(
            op,
            tuple(t.type for t in inputs),
            tuple(t.span for t in inputs),
            values,
            span,
            {n: s for n, (_, s) in given.items()},
            self.elaborator.report,
        )
        try:
            type_ = op.infer(site)
        except SiteError as error:
            self.elaborator.report(error.diagnostic)
            raise Broken from None
        output = Tensor(self.unique(name), type_, span)
        layer = Layer(name, op, values, inputs, (output,), span)
        self._check_size(layer)
        return layer

    def _check_count(self, op: Op, inputs: tuple[Tensor, ...], span: Span) -> None:
        if op.input_count is not None and len(inputs) != op.input_count:
            raise _several(inputs, span, f"`{op.name}`")

    def _check_size(self, layer: Layer) -> None:
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

    def block_call(
        self,
        name: str,
        block: syntax.Block,
        given: Mapping[str, tuple[Value | Tensor, Span]],
        call: syntax.Call,
        inputs: tuple[Tensor, ...],
    ) -> Call:
        """A block applied to tensors."""
        self.elaborator.enter(Label(call.span, f"in this call of `{block.name}`"))
        try:
            values = {n: v for n, (v, _) in given.items() if isinstance(v, Value)}
            function, symbols = block_function(self.elaborator, block, values, inputs, call.span)
        finally:
            self.elaborator.leave()
        terms = {n: v.term for n, v in symbols.items()}
        outputs = tuple(
            Tensor(
                self.unique(name if len(function.outputs) == 1 else f"{name}_{t.name}"),
                rewritten_type(t.type, terms),
                call.span,
            )
            for t in function.outputs
        )
        return Call(name, function, symbols, inputs, outputs, call.span)

    # ------------------------------------------------------------ shared instances

    def use_shared(self, name: str, call: syntax.Call) -> None:
        """A use of `shared enc = …`; the first one fixes its sizes."""
        self.need_current(call.span)
        shared = self.names[name]
        assert isinstance(shared, SharedInstance)
        if shared.owner is not self and name not in self.borrowed:
            self.borrowed.append(name)
        callee = self.model.callees[shared.call.span]
        assert not isinstance(callee, str)
        given = shared.owner.arguments(shared.call, callee)
        if isinstance(callee, Op):
            node: Layer | Call = self.layer(name, callee, given, call.span, self.current)
        else:
            node = self.block_call(name, callee, given, call, self.current)
        node.is_shared = True
        first = shared.built
        if first is None:
            shared.built = node
        elif _parameters_of(first) != _parameters_of(node):
            raise _disagreement(name, first, node)
        self.add(node)

    # ------------------------------------------------------------ losses

    def loss(self, step: syntax.Loss) -> None:
        """`loss cross_entropy(target=digit)`: the current tensor stays."""
        from specc.ops.registry import losses

        op = losses()[step.name]
        given = self.arguments(step, op)
        self.need_current(step.span)
        if len(self.current) != 1:
            raise _several(self.current, step.span, f"`{step.name}`")
        target = self._target(step, given)
        prediction = self.current[0]
        extra = tuple(
            given[a.name][0] for a in op.arguments if a.kind.tensor and a.name in given
        )
        tensors = (prediction, target, *(t for t in extra if isinstance(t, Tensor)))
        self._check_activation(op, prediction, step)
        name = f"{step.name}{sum(l.layer.op is op for l in self.losses) + 1}"
        values = {n: v for n, v in given.items() if n != "target"}
        layer = self.loss_layer(name, op, values, step.span, tensors)
        self.nodes.append(layer)
        self.losses.append(Loss(layer, target.name))

    def loss_layer(
        self,
        name: str,
        op: LossOp,
        given: Mapping[str, tuple[Value | Tensor, Span]],
        span: Span,
        tensors: tuple[Tensor, ...],
    ) -> Layer:
        """The layer of a loss, prediction and target checked against each other."""
        values = {n: v for n, (v, _) in given.items() if isinstance(v, Value)}
        for argument in op.arguments:
            if argument.name not in values and argument.default is not REQUIRED:
                values[argument.name] = Value(argument.default, argument.default)  # type: ignore[arg-type]
        site = Site(
            op,
            tuple(t.type for t in tensors),
            tuple(t.span for t in tensors),
            values,
            span,
            {n: s for n, (_, s) in given.items()},
            self.elaborator.report,
        )
        try:
            op.check_target(site, tensors[1].type, tensors[1].span)
            type_ = op.infer(site)
        except SiteError as error:
            self.elaborator.report(error.diagnostic)
            raise Broken from None
        return Layer(name, op, values, tensors, (Tensor(name, type_, span),), span)

    def _target(
        self, step: syntax.Loss, given: Mapping[str, tuple[Value | Tensor, Span]]
    ) -> Tensor:
        if "target" in given:
            target = given["target"][0]
            assert isinstance(target, Tensor)
            return target
        if len(self.targets) == 1:
            return next(iter(self.targets.values()))
        names = ", ".join(f"`{name}`" for name in self.targets)
        raise fail(
            "E0403",
            f"`loss {step.name}` does not say which target it compares with",
            step.span,
            "no target" if not names else "which one?",
            note=f"the targets: {names}" if names else "the net declares no `target`",
            help=f"write `{step.name}(target={next(iter(self.targets))})`" if names else "",
        )

    def _check_activation(self, op: LossOp, prediction: Tensor, step: syntax.Loss) -> None:
        maker = next((n for n in self.nodes if prediction in n.outputs), None)
        if isinstance(maker, Layer) and maker.op.name == op.applies:
            self.elaborator.report(
                Diagnostic(
                    "W0401",
                    f"`{op.name}` applies {maker.op.name} itself",
                    Label(step.span, f"{maker.op.name} once more here"),
                    Label(maker.span, f"{maker.op.name} is applied here"),
                    help=f"remove `{maker.op.name}` before the loss; it works on the raw outputs",
                )
            )


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


def _several(tensors: tuple[Tensor, ...], span: Span, what: str) -> EvaluationError:
    return EvaluationError(
        Diagnostic(
            "E0303",
            f"{what} needs one tensor, gets {len(tensors)}",
            Label(span, "needs one"),
            Label(tensors[-1].span, f"{len(tensors)} tensors come from here"),
            note=", ".join(str(t.type) for t in tensors),
            help="join them first: `-> concat`, or name one with `as` and take it with `from`",
        )
    )


def _count(number_: int, noun: str) -> str:
    return f"{number_} {noun}{'' if number_ == 1 else 's'}"


def rewritten_type(type_: TensorType, names: Mapping[str, Term]) -> TensorType:
    """A type with its terms put in another function's symbols."""
    return TensorType(
        tuple(rewritten(s, names) for s in type_.shape), type_.content, type_.classes, type_.padded
    )


def block_function(
    elaborator: Elaborator,
    block: syntax.Block,
    given: Mapping[str, Value],
    inputs: tuple[Tensor, ...],
    span: Span,
) -> tuple[Function, dict[str, Value]]:
    """The function of a block for these arguments and inputs, and its symbols in the caller's
    terms."""
    declared = [d for s in block.body.statements if isinstance(s, syntax.Input) for d in s.names]
    _check_inputs(block, declared, inputs, span)
    names = tuple(d.name for d in declared) or ("x",)
    parameters = parameters_with_defaults(elaborator, block, given)
    prefixes = ("in",) if len(names) == 1 else names
    types, sizes = symbolic_inputs(prefixes, tuple(t.type for t in inputs), parameters)
    symbols = parameters | sizes
    key = (
        id(block),
        tuple((n, type(v.plain), v.plain) for n, v in parameters.items()),
        tuple(t.type for t in inputs),
    )
    if key not in elaborator.built:
        elaborator.built[key] = _build_block(elaborator, block, symbols, parameters, names, types, inputs)
    function = elaborator.built[key]
    if function is None:
        raise Broken
    return function, symbols


def _check_inputs(
    block: syntax.Block,
    declared: list[syntax.Declared],
    inputs: tuple[Tensor, ...],
    span: Span,
) -> None:
    needed = len(declared) or 1
    if len(inputs) == needed:
        return
    if needed == 1:
        raise _several(inputs, span, f"`{block.name}`")
    names = ", ".join(f"`{d.name}`" for d in declared)
    raise EvaluationError(
        Diagnostic(
            "E0303",
            f"`{block.name}` needs {needed} tensors, gets {len(inputs)}",
            Label(span, f"needs {needed}"),
            Label(declared[0].span.to(declared[-1].span), f"its inputs are {names}"),
            help=f"hand them over with `from a, b -> {block.name}`" if needed == 2 else "",
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
    tensors = {
        n: Tensor(safe_name(n), t, i.span) for n, t, i in zip(names, types, inputs, strict=True)
    }
    body = Body(elaborator, symbols, tuple(tensors.values()), tuple(tensors.values()))
    body.names.update(tensors)
    body.names.update({n: named(v, n) for n, v in parameters.items()})
    body.run(block.body)
    return finish(body, block.name, Origin.BLOCK, block.span)


def finish(body: Body, name: str, origin: Origin, span: Span, is_single: bool = False) -> Function | None:
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
    )
    for node in dead_nodes(function):
        body.elaborator.report(
            Diagnostic(
                "E0406",
                f"the result of `{node.name}` is never used",
                Label(node.span, "made here, and dropped"),
                help="remove it, or name it with `as` and use it",
            )
        )
        return None
    body.elaborator.count_layers(function, span)
    return function


def _owned(body: Body) -> Iterator[Layer | Call]:
    """The shared instances that a body declares, as first used.

    One that is first used inside a loop is written with plain numbers: the loop's symbols mean
    nothing around it.
    """
    for meaning in body.names.values():
        if not isinstance(meaning, SharedInstance) or meaning.owner is not body:
            continue
        built = meaning.built
        if built is not None:
            yield built if built in body.nodes else _in_numbers(built)


def _in_numbers(node: Layer | Call) -> Layer | Call:
    numbers = {n: Value(v.plain, literal_term(v.plain)) for n, v in node.arguments.items()}
    inputs = tuple(
        Tensor(t.name, t.type.with_terms(literal_term), t.span) for t in node.inputs
    )
    return replace(node, arguments=numbers, inputs=inputs)
