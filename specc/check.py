"""Check: give every tensor its shape, decide every `if`, and count every loop out.

The result is a graph whose sizes are known; nothing without them can reach a later stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from specc import syntax
from specc.checking.body import Body
from specc.checking.elaborator import Broken, Elaborator, size_error, unused_inputs
from specc.checking.functions import finish, parameters_with_defaults
from specc.checking.lengths import declared_lengths, known_lengths
from specc.diagnostics import Diagnostic, Diagnostics, Label
from specc.evaluate import Environment, EvaluationError, evaluate, fail
from specc.graph import Function, Layer, Origin, Tensor
from specc.model import Model
from specc.ops.padding import lengths_of
from specc.resolving.names import is_free_size
from specc.signature import LARGEST, is_integer
from specc.suggest import did_you_mean
from specc.terms import Polynomial, Symbol, can_be_positive, integer
from specc.types import Content, TensorType
from specc.values import Value, literal_term
from specc.words import variables


@dataclass(frozen=True)
class ShapedModel:
    """A network with every shape.

    Attributes:
        model: the program it comes from.
        net: its syntax.
        parameters: the values of the net's parameters, `--set` included.
        function: its graph; the losses are nodes of it.
        inputs, targets: its tensors, by their names in the spec.
        losses: the layers of its losses, in order.
        outputs: what `forward` returns.
    """

    model: Model
    net: syntax.Net
    parameters: Mapping[str, Value]
    function: Function
    inputs: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]
    losses: tuple[Layer, ...]
    outputs: tuple[Tensor, ...]


def check(
    model: Model,
    net: syntax.Net,
    settings: Mapping[str, Value],
    diagnostics: Diagnostics,
) -> ShapedModel | None:
    """The network with its shapes; `None` if `diagnostics` got an error.

    `settings` are values for the net's parameters, in place of their defaults.
    """
    elaborator = Elaborator(model, diagnostics)
    try:
        return _Net(elaborator, net).shaped(settings)
    except EvaluationError as error:
        elaborator.report(error.diagnostic)
    except Broken:
        pass
    return None


def check_constants(model: Model, diagnostics: Diagnostics) -> None:
    """Evaluate the constants of every file, used or not."""
    elaborator = Elaborator(model, diagnostics)
    for names in model.files.values():
        for let in names.lets.values():
            try:
                elaborator.let(let)
            except EvaluationError as error:
                elaborator.report(error.diagnostic)
            except Broken:
                pass  # another constant is, and it is said there


class _Net:
    """The elaboration of one net."""

    def __init__(self, elaborator: Elaborator, net: syntax.Net) -> None:
        self.elaborator = elaborator
        self.net = net
        self.values: dict[str, Value] = {}

    def shaped(self, settings: Mapping[str, Value]) -> ShapedModel:
        """Walk the net's body."""
        self._need_defaults(settings)
        given = parameters_with_defaults(self.elaborator, self.net, settings)
        self.values = {n: Value(v.plain, literal_term(v.plain)) for n, v in given.items()}
        targets = self._declared(syntax.Target)
        inputs = declared_lengths(self._declared(syntax.Input), targets)
        words = variables([*inputs, *targets])
        for name, tensor in (inputs | targets).items():
            tensor.name = words[name]
        if not inputs:
            label = "needs one, such as `input x: real[3, 32, 32]`"
            message = f"the net `{self.net.name}` has no `input`"
            raise fail("E0404", message, self.net.name_span, label)
        tensors = tuple(inputs.values())
        body = Body(self.elaborator, {}, tensors, tensors[:1])
        body.names.update(inputs)
        body.names.update(known_lengths(tensors))
        body.names.update(self.values)
        body.targets = targets
        body.taken.update(t.name for t in targets.values())
        body.run(self.net.body)
        return self._finish(body, inputs, targets)

    def _need_defaults(self, settings: Mapping[str, Value]) -> None:
        for parameter in self.net.parameters:
            if parameter.default is None and parameter.name not in settings:
                raise fail(
                    "E0211",
                    f"the parameter `{parameter.name}` of `{self.net.name}` has no value",
                    parameter.span,
                    "no default",
                    help=f"give it a default, or pass `--set {parameter.name}=…`",
                )

    # ------------------------------------------------------------ declarations

    def _declared(self, kind: type[syntax.Input] | type[syntax.Target]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for statement in self.net.body.statements:
            if isinstance(statement, kind):
                for declared in statement.names:
                    if kind is syntax.Target:
                        _refuse_padded(declared)
                    found[declared.name] = self._tensor(declared)
        return found

    def _tensor(self, declared: syntax.Declared) -> Tensor:
        if declared.type is None:
            raise fail(
                "E0404",
                f"`{declared.name}` needs a type in a net",
                declared.span,
                "such as `real[3, 32, 32]`",
            )
        type_ = self._type(declared.type)
        padded = lengths_of(declared.name) if declared.type.padded else ""
        return Tensor(declared.name, replace(type_, padded=padded), declared.span)

    def _type(self, type_: syntax.Type) -> TensorType:
        kinds = {content.value: content for content in Content if content is not Content.LENGTHS}
        if type_.kind not in kinds:
            raise fail(
                "E0212",
                f"there is no type `{type_.kind}`",
                type_.kind_span,
                "unknown",
                note="the types: `real`, `token`, `label`",
                help=did_you_mean(type_.kind, kinds),
            )
        content = kinds[type_.kind]
        shape = tuple(self._size(dimension) for dimension in type_.dimensions)
        if content is Content.REAL and not shape:
            raise fail("E0212", "`real` needs its sizes", type_.span, "such as `real[1]`")
        classes = self._classes(type_, content)
        ranks = {Content.REAL: 2, Content.TOKEN: 1, Content.LABEL: 1}
        if type_.padded and len(shape) != ranks[content]:
            raise fail("E0212", "`padded` is for sequences", type_.span, "this is none")
        return TensorType(shape, content, classes)

    def _classes(self, type_: syntax.Type, content: Content) -> Value | None:
        if content is Content.REAL:
            if type_.of is not None:
                raise fail(
                    "E0212", "`real` has no `of`", type_.of.span, "only tokens and labels do"
                )
            return None
        if type_.of is None:
            raise fail(
                "E0212",
                f"`{type_.kind}` needs to say of how many",
                type_.span,
                f"such as `{type_.span.text} of 10`",
            )
        return self._size(type_.of)

    def _size(self, expression: syntax.Expression) -> Value:
        value = evaluate(expression, Environment(self._name, self._incoming))
        if is_integer(value) and 1 <= value.number <= LARGEST:
            return value
        if isinstance(value.plain, Polynomial) and can_be_positive(value.plain):
            return value
        raise size_error("a size", value, expression.span)

    def _name(self, name: syntax.Name) -> Value:
        if name.id in self.values:
            return self.values[name.id]
        if name.id in self.elaborator.model.names.lets or not is_free_size(name.id):
            return self.elaborator.file_value(name)
        size = integer(Symbol(name.id))
        return Value(size, size)

    def _incoming(self, node: syntax.Incoming) -> Value:
        raise fail("E0110", "a type cannot use `in`", node.span, "not known yet")

    # ------------------------------------------------------------ the end

    def _finish(
        self, body: Body, inputs: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> ShapedModel:
        if body.is_broken:
            raise Broken
        outputs = self._outputs(body)
        body.outputs = outputs
        function = finish(body, self.net.name, Origin.NET, self.net.span)
        if function is None:
            raise Broken
        self._need_used(function, body, inputs, targets)
        return ShapedModel(
            self.elaborator.model,
            self.net,
            self.values,
            function,
            inputs,
            targets,
            tuple(body.losses),
            outputs,
        )

    def _outputs(self, body: Body) -> tuple[Tensor, ...]:
        """What `forward` returns: the `output`s, by default what the only loss consumes."""
        if body.outputs is not None:
            return body.outputs
        if len(body.losses) > 1:
            raise _several_losses(body.losses)
        if body.losses:
            return body.losses[0].inputs[:1]
        body.need_current()
        return body.current

    def _need_used(
        self, function: Function, body: Body, inputs: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> None:
        unused = {id(t) for t in unused_inputs(function)}
        compared = {id(t) for loss in body.losses for t in loss.inputs[1:]}
        dropped = [(n, t, "input") for n, t in inputs.items() if id(t) in unused]
        dropped += [(n, t, "target") for n, t in targets.items() if id(t) not in compared]
        for name, tensor, what in dropped:
            helps = {
                "input": f"use it (`from {name}`), or remove it",
                "target": f"compare with it (`loss …(target={name})`), or remove it",
            }
            message, help = f"the {what} `{name}` is never used", helps[what]
            if tensor.type.content is Content.LENGTHS:
                message = "no layer asks for the lengths of these padded sequences"
                help = "remove `padded`, or use a layer that respects them, such as `last`"
            label = Label(tensor.span, "declared here")
            self.elaborator.report(Diagnostic("E0405", message, label, help=help))
        if dropped:
            raise Broken


def _refuse_padded(target: syntax.Declared) -> None:
    if target.type is not None and target.type.padded:
        raise fail(
            "E0212",
            "`padded` is for inputs",
            target.type.span,
            "a target has no lengths of its own",
            note="a loss runs over the own steps of its prediction",
            help="remove `padded`",
        )


def _several_losses(losses: list[Layer]) -> EvaluationError:
    return EvaluationError(
        Diagnostic(
            "E0408",
            "a net with several losses needs an `output`",
            Label(losses[1].span, "a second loss"),
            Label(losses[0].span, "the first is here"),
            note="`forward` returns what a single loss consumes; with several, which is meant?",
            help="name the result with `as` and write `output` with that name",
        )
    )
