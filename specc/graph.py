"""The graph of a network: functions of named nodes over named tensors.

A `Function` is one body (of a block, a loop or the net) as it is for one choice of numbers; the
hierarchy of the spec is kept, so a call is a node that names another function.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeGuard

from specc.applied import Applied
from specc.source import Span
from specc.types import TensorType
from specc.values import Value

if TYPE_CHECKING:
    import networkx

    from specc.ops.base import Op


@dataclass(eq=False, slots=True)
class Tensor:
    """A tensor: its name in the code, its type, and the step that makes it."""

    name: str
    type: TensorType
    span: Span

    def __repr__(self) -> str:
        return f"<{self.name}: {self.type}>"


@dataclass(eq=False, slots=True)
class Layer(Applied[Tensor]):
    """An op at its place.

    `arguments` has a value for each declared argument that is no tensor. Of results that are
    optional, `outputs` has those that the spec names: only the first, or all.
    """

    name: str
    op: Op
    arguments: Mapping[str, Value]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    span: Span
    is_shared: bool = False
    tensors: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Value:
        return self.arguments[name]

    @property
    def optional_results(self) -> tuple[str, ...]:
        """The results behind the first that `outputs` has only where the spec names them."""
        return self.op.optional_results

    @property
    def tensor_arguments(self) -> tuple[str, ...]:
        """What it can be handed by name, and has a gradient."""
        return tuple(a.name for a in self.op.arguments if a.kind.tensor)

    @property
    def input(self) -> TensorType:
        """The type of the first input."""
        return self.inputs[0].type

    @property
    def output(self) -> TensorType:
        """The type of the first output."""
        return self.outputs[0].type


@dataclass(eq=False, slots=True)
class Call:
    """A block at its place. `arguments`: what each symbol of the function is, in the caller's."""

    name: str
    function: Function
    arguments: Mapping[str, Value]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    span: Span
    is_shared: bool = False


@dataclass(eq=False, slots=True)
class Scan(Call, Applied[Tensor]):
    """A cell at its place: `function` is one step, run along sequences.

    The inputs proper are the sequences, the tensor arguments the first values of states. `outputs`
    are what all steps give and, where the spec names them, the last states.
    """

    tensors: tuple[str, ...] = ()

    @property
    def optional_results(self) -> tuple[str, ...]:
        """The last states."""
        return self.function.states

    @property
    def tensor_arguments(self) -> tuple[str, ...]:
        """The first values of states."""
        return self.function.states

    @property
    def sequences(self) -> tuple[Tensor, ...]:
        """What it runs along."""
        return self.proper


@dataclass(frozen=True, slots=True)
class Iteration:
    """One time through a loop.

    `arguments`: what each symbol of the function is, in the caller's symbols. `inputs`: the
    outer tensors that the body reads, after the carried one; `taps`: what it hands out.
    """

    function: Function
    arguments: Mapping[str, Value]
    inputs: tuple[Tensor, ...]
    taps: tuple[Tensor, ...]


@dataclass(eq=False, slots=True)
class Loop:
    """`repeat` or `for`: one tensor is carried from iteration to iteration.

    `inputs` are the carried tensor and then every outer tensor that an iteration reads;
    `outputs` what the last iteration hands on, and then the taps, iteration by iteration.
    `variable` and `values` are those of a `for`; `count` is the number of iterations.
    """

    name: str
    iterations: tuple[Iteration, ...]
    count: Value
    variable: str | None
    values: Value | None
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    taps: tuple[str, ...]
    span: Span

    @property
    def is_uniform(self) -> bool:
        """Whether it can be written as a loop.

        So it can if every iteration reads the same outer tensors and hands out the same taps.
        """
        first = self.iterations[0]
        return all(
            i.inputs == first.inputs and len(i.taps) == len(self.taps) for i in self.iterations
        )


Node = Layer | Call | Loop


def carries_state(node: Node) -> TypeGuard[Layer | Scan]:
    """Whether a node can begin where its last pass ended: one that is given no first state."""
    if isinstance(node, Scan) or (isinstance(node, Layer) and node.op.carries_state):
        return not node.given
    return False


class Origin(Enum):
    """What a function is the body of."""

    NET = "net"
    BLOCK = "block"
    CELL = "cell"
    LOOP = "loop"


@dataclass(eq=False, slots=True)
class Function:
    """One body, as it is for one choice of numbers.

    `symbols` are the constructor arguments that its terms may use, with their values here:
    parameters, sizes of the inputs (`in_channels`), names of the surrounding body.
    `is_single`: a loop whose body is one call *is* that call, in names and in code.
    `borrowed`: names of shared instances that belong to a surrounding body; `shared`: those
    that belong to this one, as first used. `decisions`: the conditions of the body's `if`s, as
    written, and how each went. `states`: the names of a cell's states: they are the last of the
    inputs, their next values the last of the outputs.
    """

    name: str
    origin: Origin
    span: Span
    symbols: Mapping[str, Value]
    inputs: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Tensor, ...]
    is_single: bool = False
    borrowed: tuple[str, ...] = ()
    shared: tuple[Layer | Call, ...] = ()
    decisions: tuple[tuple[str, bool], ...] = ()
    states: tuple[str, ...] = ()
    _read: frozenset[Tensor] | None = None

    @property
    def read(self) -> frozenset[Tensor]:
        """The tensors that a node takes or that the function returns."""
        if self._read is None:
            taken = (tensor for node in self.nodes for tensor in node.inputs)
            self._read = frozenset((*taken, *self.outputs))
        return self._read

    @property
    def proper(self) -> tuple[Tensor, ...]:
        """The inputs that are no states."""
        return self.inputs[: len(self.inputs) - len(self.states)]

    @property
    def before(self) -> dict[str, Tensor]:
        """The states of a cell as they come in, by name."""
        return dict(zip(self.states, self.inputs[len(self.proper) :], strict=True))

    @property
    def state_sizes(self) -> Mapping[str, Value]:
        """How many features each state of a cell has."""
        return {name: tensor.type.features for name, tensor in self.before.items()}

    def children(self) -> Iterator[Function]:
        """The functions it calls, in order, with repetitions."""
        for node in self.nodes:
            if isinstance(node, Call):
                yield node.function
            elif isinstance(node, Loop):
                yield from (iteration.function for iteration in node.iterations)

    def instances(self) -> Iterator[Node]:
        """The nodes that own parameters, a shared one once, in the order of their first use."""
        yield from (n for n in self.shared if all(n is not m for m in self.nodes))
        for node in self.nodes:
            if isinstance(node, Loop) or not node.is_shared or node in self.shared:
                yield node

    def graph(self) -> networkx.MultiDiGraph[str]:
        """A view for graph algorithms: nodes by name, an edge for each tensor handed on.

        Inputs and outputs are the nodes `in:<tensor>` and `out:<position>`.
        """
        import networkx

        graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
        maker = {id(tensor): f"in:{tensor.name}" for tensor in self.inputs}
        for position, node in enumerate(self.nodes):
            key = f"{position}:{node.name}"
            graph.add_node(key, node=node)
            for tensor in node.inputs:
                source = maker.setdefault(id(tensor), f"in:{tensor.name}")  # a target
                graph.add_edge(source, key, tensor=tensor)
            maker |= {id(tensor): key for tensor in node.outputs}
        for position, tensor in enumerate(self.outputs):
            graph.add_edge(maker[id(tensor)], f"out:{position}", tensor=tensor)
        return graph


def count_parameters(function: Function, known: dict[int, int] | None = None) -> int:
    """How many numbers a function learns, shared ones once."""
    known = {} if known is None else known
    if id(function) not in known:
        total = 0
        for node in function.instances():
            if isinstance(node, Layer):
                total += layer_parameters(node)
            elif isinstance(node, Call):
                total += count_parameters(node.function, known)
            else:
                total += sum(count_parameters(i.function, known) for i in node.iterations)
        known[id(function)] = total
    return known[id(function)]


def count_layers(function: Function, known: dict[int, int] | None = None) -> int:
    """How many layers a function runs, loops counted out and losses left out."""
    known = {} if known is None else known
    if id(function) not in known:
        layers = [n for n in function.nodes if isinstance(n, Layer) and n.op.family != "loss"]
        children = sum(count_layers(child, known) for child in function.children())
        known[id(function)] = len(layers) + children
    return known[id(function)]


def every_function(function: Function) -> Iterator[Function]:
    """A function and all that it calls, each once."""
    pending, seen = [function], {id(function)}
    while pending:
        current = pending.pop()
        yield current
        found = [child for child in current.children() if id(child) not in seen]
        seen.update(id(child) for child in found)
        pending += found


def every_layer(function: Function) -> Iterator[Layer]:
    """The layers of a function and of all that it calls; each body is visited once."""
    nodes = (node for body in every_function(function) for node in body.nodes)
    return (node for node in nodes if isinstance(node, Layer))


def has_buffers(function: Function) -> bool:
    """Whether a layer anywhere in a function has running statistics."""
    parameters = (p for layer in every_layer(function) for p in layer.op.parameters(layer))
    return any(parameter.is_buffer for parameter in parameters)


def layer_parameters(layer: Layer) -> int:
    """How many numbers a layer learns."""
    total = 0
    for parameter in layer.op.parameters(layer):
        if not parameter.is_buffer:
            size = 1
            for length in parameter.shape:
                size *= length.number
            total += size
    return total
