"""Where a drawing stands: a body, its place in the picture, and where its tensors come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from specc.diagram.kinds import Run
from specc.graph import Function, Layer, Node, Scan, Tensor
from specc.types import Content, TensorType

if TYPE_CHECKING:
    import graphviz


@dataclass(frozen=True)
class Source:
    """Where an edge begins: a node, the types that it hands on, and the names of taps.

    `is_fan`: more than two edges begin there. `name`: which of several results it is; `port`: the
    place at the node where that one leaves; `end`: the place of the last step of a sequence.
    """

    node: str
    types: tuple[TensorType, ...]
    taps: tuple[str, ...] = ()
    is_fan: bool = False
    name: str = ""
    port: str = ""
    end: str = ""


Sources = tuple[Source, ...]
Given = tuple[Sources, str]
"""Where an input comes from, and the name of the argument that it is for, if it is one."""


@dataclass(eq=False)
class Frame:
    """A body while it is drawn: its functions, its place, and where its tensors come from."""

    functions: Sequence[Function]
    graph: graphviz.Digraph
    path: str
    level: int
    parent: Frame | None = None
    is_counted: bool = True
    sources: dict[int, Sources] = field(default_factory=dict)

    def read(self, tensor: Tensor) -> Sources:
        """Where a tensor of the first function comes from; lengths are not drawn."""
        return self.sources[id(tensor)] if is_drawn(tensor) else ()

    def results(self) -> list[Sources]:
        """Where the results come from."""
        outputs = zip(*(f.outputs for f in self.functions), strict=True)
        return [typed(self.read(peers[0]), peers) for peers in outputs]


def is_drawn(tensor: Tensor) -> bool:
    """Whether a tensor has lines: the lengths of padded sequences have none."""
    return tensor.type.content is not Content.LENGTHS


def roles(node: Node) -> list[tuple[Tensor, str]]:
    """The inputs of a node, with the names of those that are arguments."""
    if not isinstance(node, Layer | Scan):
        return [(tensor, "") for tensor in node.inputs]
    proper = [(tensor, "") for tensor in node.proper]
    return [*proper, *((tensor, name) for name, tensor in node.named.items())]


def typed(sources: Sources, tensors: Sequence[Tensor]) -> Sources:
    """The same sources, handing on these tensors."""
    types = tuple(dict.fromkeys(t.type for t in tensors))
    return tuple(replace(source, types=types) for source in sources)


def outer_sources(frame: Frame, run: Run) -> list[Sources]:
    """Where the outer tensors come from that a run of iterations reads, the taps together."""
    merged: list[Sources] = []
    for tensors in zip(*(iteration.inputs for iteration in run.iterations), strict=True):
        by_node: dict[str, Source] = {}
        for tensor in dict.fromkeys(tensors):
            for source in frame.read(tensor):
                known = by_node.get(source.node, replace(source, types=(), taps=()))
                types, taps = known.types + source.types, known.taps + source.taps
                by_node[source.node] = replace(known, types=types, taps=taps)
        merged.append(tuple(by_node.values()))
    return merged
