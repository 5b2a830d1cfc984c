"""What is seen in a body before it is drawn: what stands on what, which ways are short."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from specc.diagram.frames import is_drawn
from specc.graph import Function, Layer, Node, Tensor

_ON_TOP = ("normalisation", "activation", "regularisation")
"""Families that follow a layer and keep its shape: drawn as one piece with it."""

Edge = tuple[int, int]
"""The identities of a tensor and of the node that reads it."""


def stacks(function: Function) -> list[list[int]]:
    """The positions of the nodes; together those that are drawn as one, such as conv and relu.

    No stack has two layers of one family, and none hides a tensor that is read elsewhere.
    """
    readers = count_readers(function)
    groups: list[list[int]] = []
    for position, node in enumerate(function.nodes):
        below = [function.nodes[i] for i in groups[-1]] if groups else []
        if below and _stands_on(node, below) and readers[id(node.inputs[0])] == 1:
            groups[-1].append(position)
        else:
            groups.append([position])
    return groups


def seen(node: Node) -> list[Tensor]:
    """The inputs of a node that have lines."""
    return [tensor for tensor in node.inputs if is_drawn(tensor)]


def count_readers(function: Function) -> Counter[int]:
    """How often each tensor of a body is read, by its identity."""
    taken = Counter(id(tensor) for node in function.nodes for tensor in node.inputs)
    taken.update(id(tensor) for tensor in function.outputs)
    return taken


def _stands_on(node: Node, below: list[Node]) -> bool:
    layers = [n for n in (*below, node) if isinstance(n, Layer)]
    families = [layer.op.family for layer in layers]
    return (
        len(layers) == len(below) + 1
        and not any(layer.is_shared or layer.op.carries_state for layer in layers)
        and families[-1] in _ON_TOP
        and families[-1] not in families[:-1]
        and not {"loss", "join"} & set(families)
        and node.inputs == below[-1].outputs
        and node.inputs[0].type == node.outputs[0].type
    )


@dataclass(frozen=True)
class Ways:
    """The ways to the joins of a body.

    Attributes:
        short: the edges of ways that lead a tensor past the layers of a longer one.
        beside: for short ways of a single edge, what the layers on the longest way make, the last
            first.
        forks: the joins of equal ways, by the identity of the tensor from which all of them start.
    """

    short: set[Edge]
    beside: dict[Edge, list[Tensor]]
    forks: dict[int, Layer]

    @classmethod
    def of(cls, function: Function) -> Ways:
        """The ways in a body: identities are short, and for `add` the shorter of two paths."""
        found = cls(set(), {}, {})
        readers = count_readers(function)
        makers = {id(tensor): node for node in function.nodes for tensor in node.outputs}
        for node in function.nodes:
            if isinstance(node, Layer) and node.op.input_count is None:
                ways = sorted((_way(t, makers, readers) for t in node.inputs), key=len)
                if len({id(way[-1]) for way in ways}) == 1:
                    found._add(node, ways, makers)
        return found

    def _add(self, join: Layer, ways: list[list[Tensor]], makers: dict[int, Node]) -> None:
        short, second, longest = ways[0], ways[1], ways[-1]
        is_edge = len(short) == 1 < len(second)
        if is_edge and all(isinstance(makers[id(t)], Layer) for t in longest[:-1]):
            self.beside[id(short[0]), id(join)] = longest[:-1]
        if is_edge or (join.op.name == "add" and len(short) < len(second)):
            heads = [join, *(makers[id(tensor)] for tensor in short[:-1])]
            self.short.update((id(t), id(head)) for t, head in zip(short, heads, strict=True))
        else:
            self.forks[id(short[-1])] = join


def _way(tensor: Tensor, makers: dict[int, Node], readers: Counter[int]) -> list[Tensor]:
    """The tensors from a join back to where its ways part."""
    way = [tensor]
    while readers[id(tensor)] == 1 and id(tensor) in makers:
        node = makers[id(tensor)]
        inputs = seen(node)
        if len(inputs) != 1 or len(node.outputs) != 1:
            break
        (tensor,) = inputs
        way.append(tensor)
    return way
