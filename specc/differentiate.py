"""Differentiate: build the backward graph of every class by reverse-mode differentiation.

Nodes are visited in the exact reverse of the order in which they are called. The gradients of a
tensor that is used several times are summed; gradients that nobody needs are never built
(slides, algorithms 6.1-6.6: the gradient of V is the sum of `op.bprop` over its consumers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specc.check import ShapedModel
from specc.classes import (
    Classes,
    ClassPlan,
    Construct,
    in_general,
    is_called_again,
    used_in_loop,
    used_outputs,
)
from specc.graph import Call, Layer, Loop, Node, Origin, Scan, Tensor
from specc.needs import body_learns, gradients_needed, learns, tensors_in_need
from specc.ops.base import GradientGraph, LayerOp, LossOp
from specc.types import Content, TensorType


@dataclass(eq=False, slots=True)
class Backward:
    """A statement of a backward pass: the gradients of a node's inputs from its outputs'.

    `d_inputs` has `None` where no gradient is needed. Of optional results, `d_outputs`
    has the gradients of those that are used; `names` has their names, the first one's empty.
    """

    node: Node
    d_outputs: tuple[Tensor, ...]
    d_inputs: tuple[Tensor | None, ...]
    names: tuple[str, ...] = ()


@dataclass(eq=False, slots=True)
class Formula:
    """A statement that computes one tensor: a function, `sum`, `product`, `negative` or `zeros`.

    `in_place`: the first argument is used for the last time and may be overwritten.
    """

    kind: str
    arguments: tuple[Tensor, ...]
    result: Tensor
    in_place: bool = False


Statement = Backward | Formula


@dataclass(eq=False)
class BackwardGraph:
    """The backward pass of one class.

    Attributes:
        d_outputs: the gradients that come in, one for each used output.
        statements: in order.
        d_inputs: the gradients that go out, one for each input; `None` where none is needed.
        kept: the tensors of the forward pass that it reads.
        forward_in_place: the functions of the forward pass that may overwrite an input, with
            its position.
        differentiated: the names of the nodes whose inputs' gradients are needed.
        layers_in_place: the calls of layers that may work in the memory of the gradient they get.
        copies: positions of gradients that a call may overwrite and that are needed afterwards,
            by the call's statement.
        overwrites: which of `d_outputs` the pass may overwrite.
        hands_on: for each of `d_inputs`, the position of the incoming gradient whose memory it
            may share, or `None`.
        twins: for each of `d_inputs`, the position of the first that may be the same array.
    """

    d_outputs: tuple[Tensor, ...] = ()
    statements: list[Statement] = field(default_factory=list)
    d_inputs: tuple[Tensor | None, ...] = ()
    kept: tuple[Tensor, ...] = ()
    forward_in_place: dict[Layer, int] = field(default_factory=dict)
    differentiated: set[str] = field(default_factory=set)
    layers_in_place: set[Backward] = field(default_factory=set)
    copies: dict[Backward, set[int]] = field(default_factory=dict)
    overwrites: tuple[bool, ...] = ()
    hands_on: tuple[int | None, ...] = ()
    twins: tuple[int, ...] = ()


@dataclass(frozen=True)
class TrainingModel:
    """A network with the backward pass of each of its classes."""

    shaped: ShapedModel
    classes: Classes
    backward: Mapping[int, BackwardGraph]
    input_gradients: bool

    def backward_of(self, plan: ClassPlan) -> BackwardGraph:
        """The backward pass of a class."""
        return self.backward[id(plan)]


def differentiate(
    shaped: ShapedModel, *, input_gradients: bool = False, construct: Construct = in_general
) -> TrainingModel:
    """Derive the backward pass; with the gradients of the net's inputs only where asked for.

    `construct` is the target's way to construct layers.
    """
    from specc.ownership import allow_overwriting  # it works on the graphs of this module

    classes = Classes(shaped.function, construct)
    needs = gradients_needed(classes, input_gradients)
    graphs = {id(plan): _Differentiator(plan, classes, needs).graph() for plan in classes}
    allow_overwriting(classes, graphs)
    return TrainingModel(shaped, classes, graphs, input_gradients)


# ---------------------------------------------------------------- one class


def _keeps_values(layer: Layer) -> bool:
    """Whether a pass keeps what has to be taken back; functions and look-ups do not."""
    if not isinstance(layer.op, LayerOp):
        return False
    return layer.input.content is Content.REAL or learns(layer)


class _Differentiator(GradientGraph):
    """Builds the backward graph of one class, node by node."""

    def __init__(
        self, plan: ClassPlan, classes: Classes, needs: Mapping[int, Sequence[bool]]
    ) -> None:
        self.plan = plan
        self.classes = classes
        self.body = plan.function
        self.needs = needs
        self.input_needs = needs[id(plan)]
        self.needed = tensors_in_need(self.body, self.input_needs)
        self.contributions: dict[Tensor, list[Tensor]] = {}
        self.result = BackwardGraph()
        self.taken = {t.name for t in self.body.inputs}
        self.taken.update(t.name for n in self.body.nodes for t in n.outputs)

    def graph(self) -> BackwardGraph:
        """The backward pass; empty where no gradient is needed."""
        if not self._goes_back(self.plan):
            return BackwardGraph(d_inputs=(None,) * len(self.body.inputs))
        used = zip(self.body.outputs, self.plan.used, strict=True)
        incoming: list[Tensor] = []
        for output, is_used in used:
            if is_used and self.body is not self.classes.net.function:
                is_step = self.body.origin is Origin.CELL and not incoming
                incoming.append(self.new(output, "y" if is_step else output.name))
                self.contributions.setdefault(output, []).append(incoming[-1])
        self.result.d_outputs = tuple(incoming)
        for node in reversed(self.body.nodes):
            self.visit(node)
        self.result.d_inputs = tuple(
            self.total(tensor) if needed else None
            for tensor, needed in zip(self.body.inputs, self.input_needs, strict=True)
        )
        self._prune()
        self._note_kept()
        self.result.differentiated = {
            s.node.name
            for s in self.result.statements
            if isinstance(s, Backward) and any(d is not None for d in s.d_inputs)
        }
        return self.result

    def _goes_back(self, plan: ClassPlan) -> bool:
        """Whether a class has a backward pass: it learns, or has an input that needs a gradient."""
        return any(self.needs[id(plan)]) or body_learns(plan.function)

    def visit(self, node: Node) -> None:
        """The gradients of a node's inputs, from those of its outputs."""
        if isinstance(node, Layer) and isinstance(node.op, LossOp):
            if node.inputs[0] in self.needed:
                d_input = self.new(node.inputs[0])
                self.result.statements.append(Backward(node, (), (d_input,)))
                self.contribute(node.inputs[0], d_input)
            return
        wanted = any(t in self.needed for t in node.outputs)
        if not wanted and not self._must_pop(node):
            return
        if isinstance(node, Layer):
            self._visit_layer(node, wanted)
        elif isinstance(node, Scan):
            self._visit_scan(node)
        elif isinstance(node, Call):
            self._visit_call(node)
        else:
            self._visit_loop(node)

    def _must_pop(self, node: Node) -> bool:
        """Whether a use of a node must be taken back for the others', needed or not."""
        if not (self.plan.is_stacked or is_called_again(self.body, node)):
            return False
        children = self.classes.children(self.plan, node)
        return not children or any(map(self._goes_back, children))

    def _visit_layer(self, layer: Layer, wanted: bool) -> None:
        if not wanted and not _keeps_values(layer):
            return
        d_outputs = [self._total_used(layer, tensor) for tensor in layer.outputs]
        gradients = layer.op.gradients(layer, d_outputs, self)
        for tensor, gradient in zip(layer.inputs, gradients, strict=True):
            if tensor in self.needed:
                gradient.name = gradient.name or self.fresh(f"d_{tensor.name}")
                self.contribute(tensor, gradient)

    def _total_used(self, layer: Layer, tensor: Tensor) -> Tensor | None:
        """The gradient of a result; `None` if it is optional and others are used instead."""
        used = [t for t in layer.outputs if self.contributions.get(t)]
        is_needed = tensor in used or not layer.op.optional_results
        return self.total(tensor) if is_needed or tensor is (used or layer.outputs)[0] else None

    def _visit_call(self, call: Call) -> None:
        used = used_outputs(self.body, call)
        d_outputs = tuple(self.total(t) for t, u in zip(call.outputs, used, strict=True) if u)
        d_inputs = self.results(call.inputs)
        self.result.statements.append(Backward(call, d_outputs, d_inputs))

    def _visit_scan(self, scan: Scan) -> None:
        results = zip(("", *scan.optional_results), scan.outputs, strict=False)
        used = {n: t for n, t in results if not n or self.contributions.get(t)}
        d_outputs = tuple(self.total(t) for t in used.values())
        statement = Backward(scan, d_outputs, self.results(scan.inputs), tuple(used))
        self.result.statements.append(statement)

    def _visit_loop(self, loop: Loop) -> None:
        used = used_in_loop(self.body, loop)
        width = len(loop.iterations[0].taps) if loop.is_uniform else 0
        outputs = [loop.outputs[0]]
        for position, tensor in enumerate(loop.outputs[1:]):
            if not loop.is_uniform or used[1 + position % width]:
                outputs.append(tensor)
        d_outputs = tuple(self.total(t) for t in outputs) if used[0] else ()
        if not used[0]:
            d_outputs = (self.zeros(outputs[0]), *(self.total(t) for t in outputs[1:]))
        self.result.statements.append(Backward(loop, d_outputs, self.results(loop.inputs)))

    def results(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
        """New gradients for the inputs that need one."""
        gradients: list[Tensor | None] = []
        for tensor in inputs:
            if tensor in self.needed:
                gradient = self.new(tensor)
                self.contribute(tensor, gradient)
                gradients.append(gradient)
            else:
                gradients.append(None)
        return tuple(gradients)

    # ------------------------------------------------------------ sums

    def contribute(self, tensor: Tensor, gradient: Tensor) -> None:
        """Another use of `tensor` adds to its gradient."""
        self.contributions.setdefault(tensor, []).append(gradient)

    def total(self, tensor: Tensor) -> Tensor:
        """The gradient of a tensor: the sum over its uses, zero if there is none."""
        parts = self.contributions.get(tensor, [])
        if not parts:
            return self.zeros(tensor)
        while len(parts) > 1:
            first, second = parts[:2]
            name = self.fresh(f"d_{tensor.name}")
            parts[:2] = [self.formula("sum", (first, second), tensor.type, name)]
        return parts[0]

    def zeros(self, tensor: Tensor) -> Tensor:
        """A gradient of zero, for a result that is not used here."""
        return self.formula("zeros", (tensor,), tensor.type, self.fresh(f"d_{tensor.name}"))

    # ------------------------------------------------------------ the gradient rules' tools

    def layer_backward(self, layer: Layer, *d_outputs: Tensor | None) -> tuple[Tensor, ...]:
        """`d_x = self.conv1.backward(d_y)`."""
        made = tuple(self.new(t) if t in self.needed else None for t in layer.inputs)
        optional = layer.optional_results
        names = ("", *optional) if optional else ("",) * len(d_outputs)
        pairs = zip(names, d_outputs, strict=False)
        used = [(name, d_output) for name, d_output in pairs if d_output is not None]
        d_used = tuple(d_output for _, d_output in used)
        statement = Backward(layer, d_used, made, tuple(name for name, _ in used))
        self.result.statements.append(statement)
        unused = Tensor("_", layer.output, layer.span)
        return tuple(t or unused for t in made)

    def function(self, name: str, *arguments: Tensor) -> Tensor:
        """`d_x = relu_backward(d_y, y)`; named once it is known for whom it is."""
        return self.formula(name, arguments, arguments[0].type, "")

    def negative(self, gradient: Tensor) -> Tensor:
        """`d_x = -d_y`; named once it is known for whom it is."""
        return self.formula("negative", (gradient,), gradient.type, "")

    def product(self, *factors: Tensor) -> Tensor:
        """`d_x = d_y * a * b`."""
        return self.formula("product", factors, factors[0].type, "")

    def formula(
        self, kind: str, arguments: tuple[Tensor, ...], type_: TensorType, name: str
    ) -> Tensor:
        """Append a statement that computes one tensor."""
        result = Tensor(name, type_, arguments[0].span)
        self.result.statements.append(Formula(kind, arguments, result))
        return result

    def new(self, tensor: Tensor, name: str = "") -> Tensor:
        """A gradient of a tensor, under a name of its own."""
        return Tensor(self.fresh(f"d_{name or tensor.name}"), tensor.type, tensor.span)

    def fresh(self, name: str) -> str:
        """A name that no other tensor has."""
        base = name.replace("[", "_").replace("]", "")
        candidate, number = base, 2
        while candidate in self.taken:
            candidate = f"{base}_{number}"
            number += 1
        self.taken.add(candidate)
        return candidate

    # ------------------------------------------------------------ the end

    def _prune(self) -> None:
        """Leave out what nobody reads; what has an effect of its own stays."""
        read = {t for t in self.result.d_inputs if t is not None}
        kept: list[Statement] = []
        for statement in reversed(self.result.statements):
            if isinstance(statement, Formula):
                if statement.result not in read:
                    continue
                read.update(statement.arguments)
            else:
                read.update(statement.d_outputs)
            kept.append(statement)
        self.result.statements = kept[::-1]

    def _note_kept(self) -> None:
        """The tensors of the forward pass that formulas read, in the order they are made."""
        read = {t for s in self.result.statements if isinstance(s, Formula) for t in s.arguments}
        made = [*self.body.inputs, *(t for n in self.body.nodes for t in n.outputs)]
        self.result.kept = tuple(t for t in made if t in read)
