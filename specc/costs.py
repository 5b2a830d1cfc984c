"""What a network costs: multiply-adds of a forward pass, and what its training must remember.

Both are counted once for each function, however often it is called, so that a thousand equal
blocks cost as little as one. Sizes may be free (`T`), so the counts are integers or polynomials.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from specc.graph import Call, Function, Iteration, Layer, Loop, Scan, Tensor
from specc.ops.base import LossOp
from specc.terms import Integer


@dataclass(frozen=True, slots=True)
class Kept:
    """What the backward pass of a function needs of its forward pass.

    Attributes:
        numbers: how many numbers of an example it remembers, the inputs left out.
        inputs: which of its inputs it needs, so that whoever made them must keep them.
        outputs: for each result, the position of the input whose memory it is; -1 where it is
            counted among `numbers`, and `None` where nothing in the function needs it.
    """

    numbers: Integer
    inputs: tuple[bool, ...]
    outputs: tuple[int | None, ...]


class Costs:
    """The costs of functions; remembers what it has counted."""

    def __init__(self) -> None:
        self._multiply_adds: dict[int, Integer] = {}
        self._kept: dict[int, Kept] = {}

    def multiply_adds(self, function: Function) -> Integer:
        """Multiply-adds of one forward pass for one example; a shared part counts each time."""
        if id(function) not in self._multiply_adds:
            total: Integer = 0
            for node in function.nodes:
                if isinstance(node, Layer):
                    total = total + layer_multiply_adds(node)
                elif isinstance(node, Call):
                    total = total + steps_of(node) * self.multiply_adds(node.function)
                else:
                    for iteration in node.iterations:
                        total = total + self.multiply_adds(iteration.function)
            self._multiply_adds[id(function)] = total
        return self._multiply_adds[id(function)]

    def kept(self, function: Function) -> Kept:
        """What the backward pass needs of the forward pass, each array once.

        An array counts if the layer that reads it needs its input or the layer that makes it
        needs its output; a view (of `flatten`) is the array that it shows. Left out are arrays
        that live only for a moment, and small ones that a layer keeps beside its input and output.
        """
        if id(function) not in self._kept:
            self._kept[id(function)] = _Memory(function, self).kept()
        return self._kept[id(function)]


class _Memory:
    """The arrays of one function: `roots` says whose memory a tensor is."""

    def __init__(self, function: Function, costs: Costs) -> None:
        self.function = function
        self.costs = costs
        self.roots: dict[Tensor, Tensor] = {}
        self.needed: dict[Tensor, None] = {}
        self.counted: set[Tensor] = set()
        self.numbers: Integer = 0

    def kept(self) -> Kept:
        """What is kept in all."""
        for node in self.function.nodes:
            if isinstance(node, Layer):
                self._layer(node)
            elif isinstance(node, Scan):
                self._scan(node)
            elif isinstance(node, Call):
                self._call(node.function, node.inputs, node.outputs)
            else:
                self._loop(node)
        inputs = {tensor: i for i, tensor in enumerate(self.function.inputs)}
        for tensor in self.needed:
            if tensor not in inputs and tensor not in self.counted:
                self.numbers = self.numbers + size_of(tensor)
                self.counted.add(tensor)
        outputs = (self._root(tensor) for tensor in self.function.outputs)
        return Kept(
            self.numbers,
            tuple(tensor in self.needed for tensor in self.function.inputs),
            tuple(inputs.get(t, -1 if t in self.counted else None) for t in outputs),
        )

    def _root(self, tensor: Tensor) -> Tensor:
        return self.roots.get(tensor, tensor)

    def _need(self, tensors: Iterable[Tensor]) -> None:
        self.needed.update((self._root(tensor), None) for tensor in tensors)

    def _layer(self, layer: Layer) -> None:
        self.numbers = self.numbers + layer.op.kept_inside(layer).size
        if layer.op.is_view:
            self.roots[layer.outputs[0]] = self._root(layer.inputs[0])
        if isinstance(layer.op, LossOp):
            self._need(layer.inputs[:1])
        if layer.op.keeps_input:
            self._need(layer.inputs)
        if layer.op.keeps_output:
            self._need(layer.outputs)

    def _call(
        self, function: Function, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
    ) -> None:
        kept = self.costs.kept(function)
        self.numbers = self.numbers + kept.numbers
        self._need(t for t, needed in zip(inputs, kept.inputs, strict=True) if needed)
        for tensor, source in zip(outputs, kept.outputs, strict=True):
            if source == -1:
                self.counted.add(tensor)
            elif source is not None:
                self.roots[tensor] = self._root(inputs[source])

    def _scan(self, scan: Scan) -> None:
        """Every step has arrays of its own; so has a state, where it is none of them."""
        function, steps = scan.function, steps_of(scan)
        kept = self.costs.kept(function)
        self.numbers = self.numbers + steps * kept.numbers
        self._need(t for t, needed in zip(scan.sequences, kept.inputs, strict=False) if needed)
        needs = kept.inputs[len(scan.sequences) :]
        states = zip(function.before.values(), needs, kept.outputs[1:], strict=True)
        for state, needed, source in states:
            if needed and source != -1:
                self.numbers = self.numbers + steps * size_of(state)

    def _loop(self, loop: Loop) -> None:
        carried = loop.inputs[0]
        for iteration in loop.iterations:
            result = self._result(loop, iteration)
            self._call(iteration.function, (carried, *iteration.inputs), (result, *iteration.taps))
            carried = result

    def _result(self, loop: Loop, iteration: Iteration) -> Tensor:
        if iteration is loop.iterations[-1]:
            return loop.outputs[0]
        inner = iteration.function.outputs[0]
        return Tensor(inner.name, inner.type, inner.span)


def steps_of(call: Call) -> Integer:
    """How often the function of a call runs: once, or at every step of a sequence."""
    return call.inputs[0].type.shape[0].size if isinstance(call, Scan) else 1


def layer_multiply_adds(layer: Layer) -> Integer:
    """Multiply-adds of a layer, for one example."""
    return layer.op.multiply_adds(layer).size


def size_of(tensor: Tensor) -> Integer:
    """How many numbers a tensor has for one example."""
    total: Integer = 1
    for size in tensor.type.shape:
        total = total * size.size
    return total
