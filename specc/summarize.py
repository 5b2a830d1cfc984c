"""Summarize: a table of a network's layers, with what they cost.

What repeats is one row: `stage2.{0…11}.conv1`, with the sums of all twelve. A scan has a row of its
own, above those of its step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from specc import terms
from specc.check import ShapedModel
from specc.costs import Costs, layer_multiply_adds, size_of, steps_of
from specc.diagram.kinds import Kinds, Run, is_outside
from specc.diagram.labels import Blocks, layer_text, shape_text, spread
from specc.graph import (
    Call,
    Function,
    Layer,
    Loop,
    Node,
    Scan,
    count_parameters,
    layer_parameters,
)
from specc.terms import Integer
from specc.types import TensorType
from specc.values import Value

_BYTES = 4  # of a float32

Count = int | str
"""A number; an expression such as `1600 * T` where a size is free."""


@dataclass(frozen=True, slots=True)
class Row:
    """A layer, or the layers at one place of all iterations that look alike.

    Attributes:
        path: its instance name from the net inwards: `stage2.{0…11}.conv1`.
        layer: `conv 5×5, 6, pad 2`.
        output: the shape of its result, without the batch.
        parameters: how many numbers it learns, all `times` together; 0 at a further use of a
            shared instance.
        multiply_adds: of one forward pass for one example, all `times` together.
        times: how many layers the row stands for.
        is_sum: whether its numbers are those of the rows below it, of the layers in a scan's step.
    """

    path: str
    layer: str
    output: str
    parameters: int
    multiply_adds: Count
    times: int
    is_sum: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in training, in float32.

    Attributes:
        parameters, gradients: those of all parameters.
        activations: what the backward pass needs of the forward pass, for the whole batch.
        adam: what Adam remembers besides, two numbers a parameter; not part of the sum.
    """

    parameters: int
    gradients: int
    activations: Count
    adam: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The table of a network.

    Attributes:
        rows: its layers, in order.
        parameters: how many numbers it learns, shared ones once.
        multiply_adds: of one forward pass for one example.
        memory: bytes in training: parameters, gradients and activations of the batch.
        parts: what `memory` consists of.
    """

    rows: tuple[Row, ...]
    parameters: int
    multiply_adds: Count
    memory: Count
    parts: Memory


def summarize(
    shaped: ShapedModel, batch: int = 1, sizes: Mapping[str, int] | None = None
) -> Summary:
    """The layers of a network and what they cost.

    The memory is an estimate: it leaves out arrays that live only for a moment (a convolution's
    unfolded windows, the gradients of activations) and small ones that layers keep (a dropout's
    mask).

    Args:
        shaped: the network.
        batch: how many examples are trained on at a time.
        sizes: numbers for free sizes such as `T`; the others stay in the counts as they are.

    Raises:
        ValueError: if `sizes` has a name that is no free size of the network.
    """
    given = dict(sizes or {})
    _need_free(shaped, given)
    costs = Costs()
    parameters = count_parameters(shaped.function)
    numbers = _put(costs.kept(shaped.function).numbers + _kept_inputs(shaped, costs), given)
    own = _BYTES * parameters
    activations = _BYTES * batch * numbers
    return Summary(
        tuple(_Rows(given, costs, Blocks(shaped.model)).of(shaped.function)),
        parameters,
        _count(_put(costs.multiply_adds(shaped.function), given)),
        _count(2 * own + activations),
        Memory(own, own, _count(activations), 2 * own),
    )


def _kept_inputs(shaped: ShapedModel, costs: Costs) -> Integer:
    """The inputs of the net that its backward pass reads."""
    function = shaped.function
    total: Integer = 0
    for tensor, needed in zip(function.inputs, costs.kept(function).inputs, strict=True):
        if needed:
            total = total + size_of(tensor)
    return total


def _need_free(shaped: ShapedModel, sizes: Mapping[str, int]) -> None:
    tensors = (*shaped.inputs.values(), *shaped.targets.values())
    free = {name for t in tensors for s in t.type.shape for name in _names(s)}
    for name in sizes:
        if name not in free:
            known = ", ".join(f"`{n}`" for n in sorted(free)) or "none"
            raise ValueError(f"`{shaped.net.name}` has no free size `{name}`; it has {known}")


def _names(size: Value) -> Iterator[str]:
    return iter(()) if isinstance(size.plain, tuple) else terms.symbols(size.plain)


def _put(count: Integer, sizes: Mapping[str, int]) -> Integer:
    """A count with numbers for free sizes."""
    return terms.integer(terms.substitute(count, sizes))


def _count(count: Integer) -> Count:
    return count if isinstance(count, int) else str(count)


# ---------------------------------------------------------------- rows


@dataclass(eq=False, slots=True)
class _Body:
    """A function at its place in the table.

    `times`: how often it stands there; `owned`: how many sets of parameters that makes.
    `parent`: the body around it. `steps`: how often it runs each time, in a scan.
    """

    function: Function
    times: int
    owned: int
    parent: _Body | None = None
    steps: Integer = 1


class _Rows:
    """Walks bodies and makes rows; bodies that look alike are walked together."""

    def __init__(self, sizes: Mapping[str, int], costs: Costs, blocks: Blocks) -> None:
        self.sizes = sizes
        self.costs = costs
        self.blocks = blocks
        self.kinds = Kinds()
        self.used: set[tuple[_Body, str]] = set()

    def of(self, net: Function) -> Iterator[Row]:
        """All rows of a network."""
        return self._bodies("", [_Body(net, 1, 1)])

    def _bodies(self, path: str, bodies: Sequence[_Body]) -> Iterator[Row]:
        for index, node in enumerate(bodies[0].function.nodes):
            if isinstance(node, Loop):
                yield from self._loop(f"{path}{node.name}", bodies, index)
            else:
                yield from self._nodes(f"{path}{node.name}", bodies, index)

    def _nodes(self, path: str, bodies: Sequence[_Body], index: int) -> Iterator[Row]:
        """A layer or call, in all bodies."""
        nodes = [body.function.nodes[index] for body in bodies]
        owned = [self._owned(body, node) for body, node in zip(bodies, nodes, strict=True)]
        layers = [node for node in nodes if isinstance(node, Layer)]
        if layers:
            yield self._row(path, layers, bodies, owned)
            return
        scans = [node for node in nodes if isinstance(node, Scan)]
        if scans:
            yield self._scan(path, scans, bodies, owned)
        inner = [
            _Body(node.function, body.times, sets, body, body.steps * steps_of(node))
            for node, body, sets in zip(nodes, bodies, owned, strict=True)
            if isinstance(node, Call)
        ]
        yield from self._bodies(f"{path}.", _together(inner))

    def _row(
        self, path: str, layers: Sequence[Layer], bodies: Sequence[_Body], owned: Sequence[int]
    ) -> Row:
        parameters = 0
        total: Integer = 0
        for layer, body, sets in zip(layers, bodies, owned, strict=True):
            parameters += sets * layer_parameters(layer)
            total = total + body.times * body.steps * layer_multiply_adds(layer)
        output = shape_text([self._sized(layer.output) for layer in layers])
        costs = _count(_put(total, self.sizes))
        text = layer_text(layers) + (", each step" if bodies[0].steps != 1 else "")
        return Row(path, text, output, parameters, costs, sum(body.times for body in bodies))

    def _scan(
        self, path: str, scans: Sequence[Scan], bodies: Sequence[_Body], owned: Sequence[int]
    ) -> Row:
        functions = [scan.function for scan in scans]
        outputs = [self._sized(scan.outputs[0].type) for scan in scans]
        steps = spread([output.shape[0] for output in outputs])
        text = f"scan {self.blocks.call_text(functions)}, {steps} step{'' if steps == '1' else 's'}"
        parameters = sum(n * count_parameters(f) for n, f in zip(owned, functions, strict=True))
        total: Integer = 0
        for scan, body in zip(scans, bodies, strict=True):
            once = steps_of(scan) * self.costs.multiply_adds(scan.function)
            total = total + body.times * body.steps * once
        costs, times = _count(_put(total, self.sizes)), sum(body.times for body in bodies)
        return Row(path, text, shape_text(outputs), parameters, costs, times, is_sum=True)

    def _sized(self, type_: TensorType) -> TensorType:
        shape = (_put(size.size, self.sizes) for size in type_.shape)
        return replace(type_, shape=tuple(Value(size, size) for size in shape))

    def _owned(self, body: _Body, node: Node) -> int:
        """How many sets of parameters a node has that no row before it counted."""
        if isinstance(node, Loop) or not node.is_shared:
            return body.owned
        owner = body
        while owner.parent is not None and is_outside(owner.function, node.name):
            owner = owner.parent
        if (owner, node.name) in self.used:
            return 0
        self.used.add((owner, node.name))
        return owner.owned

    def _loop(self, path: str, bodies: Sequence[_Body], index: int) -> Iterator[Row]:
        loops = [n for n in (b.function.nodes[index] for b in bodies) if isinstance(n, Loop)]
        for peers in self.kinds.together(loops):
            place = f"{path}.{_numbers(peers)}"
            inner = [b for body, run in zip(bodies, peers, strict=True) for b in _in(body, run)]
            together = _together(inner)
            if together[0].function.is_single:
                yield from self._nodes(place, together, 0)
            else:
                yield from self._bodies(f"{place}.", together)


def _in(body: _Body, run: Run) -> Iterator[_Body]:
    """The bodies of a run of iterations."""
    for iteration in run.iterations:
        yield _Body(iteration.function, body.times, body.owned, body, body.steps)


def _together(bodies: Sequence[_Body]) -> list[_Body]:
    """Bodies of one function as one, as often as all of them."""
    found: dict[tuple[int, Integer], _Body] = {}
    for body in bodies:
        key = id(body.function), body.steps
        if key in found:
            found[key].times += body.times
            found[key].owned += body.owned
        else:
            found[key] = body
    return list(found.values())


def _numbers(runs: Sequence[Run]) -> str:
    """The iterations of runs that are walked together: `0`, `{1…11}`; the longest run's."""
    longest = max(runs, key=lambda run: run.count)
    return longest.name if longest.count == 1 else f"{{{longest.name}}}"
