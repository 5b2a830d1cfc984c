"""Layers in the picture: stacks of them, joins as signs and bars, and the edges into them."""

from __future__ import annotations

from collections.abc import Sequence

from specc.diagram import labels, style
from specc.diagram.canvas import Canvas, Look
from specc.diagram.frames import Frame, Source, Sources, typed
from specc.diagram.items import Item
from specc.diagram.ways import Ways
from specc.graph import Layer, Node, Tensor
from specc.ops.base import LossOp

_SYMBOLS = {"add": "+", "multiply": "×"}


class Layers:
    """Draws the layers of bodies on a canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas

    def draw(
        self, frame: Frame, ways: Ways, stack: Sequence[Sequence[Node]], items: Sequence[Item]
    ) -> None:
        """Layers that stand on one another, each for all peers, as one node."""
        layers = [[p for p in peers if isinstance(p, Layer)] for peers in stack]
        (first, *_), name = layers[0], items[0].id
        if first.op.input_count is None:
            self._join(frame, ways, layers[0], items[0])
        else:
            pieces = [self._piece(p, i) for p, i in zip(layers, items, strict=True)]
            if len(pieces) == 1:
                self._canvas.node(frame.graph, name, style.label(*pieces[0][:3]), pieces[0][3])
            else:
                self._canvas.node(frame.graph, name, style.stack(pieces), style.STACK)
            for position, tensor in enumerate(first.inputs):
                is_target = isinstance(first.op, LossOp) and position == 1
                look = style.TO_TARGET if is_target else {}
                self._connect(frame, tensor, first, name, look, ways)
        for peers in layers:
            for tensors in zip(*(layer.outputs for layer in peers), strict=True):
                frame.sources[id(tensors[0])] = typed((Source(name, ()),), tensors)

    def _piece(self, layers: Sequence[Layer], item: Item) -> tuple[str, str, str, Look]:
        """Heading, text, quiet line and look of a layer."""
        op = layers[0].op
        times = labels.times_text(item.times)
        text = f"{item.text or op.name} {times}" if times else item.text
        return item.name, text, item.small, style.layer(op.family, layers[0].is_shared)

    def _join(self, frame: Frame, ways: Ways, layers: Sequence[Layer], item: Item) -> None:
        first = layers[0]
        times = labels.times_text(item.times)
        is_sign = first.op.name in _SYMBOLS and not times
        if is_sign:
            self._canvas.node(frame.graph, item.id, _SYMBOLS[first.op.name], style.SIGN)
        else:
            label = style.bar(f"{labels.layer_text(layers)} {times}".rstrip(), len(first.inputs))
            self._canvas.node(frame.graph, item.id, label, style.STACK)
        inputs = sorted(first.inputs, key=lambda tensor: (id(tensor), id(first)) in ways.short)
        has_short = (id(inputs[-1]), id(first)) in ways.short
        for position, tensor in enumerate(inputs):
            look = style.LIGHT if is_sign and not has_short else {}
            look = look if is_sign else {"headport": f"i{position}:n"}
            self._connect(frame, tensor, first, item.id, look, ways)

    def _connect(
        self, frame: Frame, tensor: Tensor, reader: Layer, name: str, look: Look, ways: Ways
    ) -> None:
        edge = id(tensor), id(reader)
        sources = frame.read(tensor)
        if edge in ways.beside:
            sources = self._lead(frame, sources, f"{name}/past", ways.beside[edge])
        if edge in ways.short:
            sources, look = typed(sources, ()), look | style.SHORT
        self._canvas.connect(sources, name, look)

    def _lead(self, frame: Frame, sources: Sources, name: str, beside: Sequence[Tensor]) -> Sources:
        """Lead a line past the layers that make these tensors; where it goes on."""
        passed = list(dict.fromkeys(frame.read(tensor)[0].node for tensor in reversed(beside)))
        look = style.SHORT | style.LINE_ON
        for position, node in enumerate(dict.fromkeys((passed[0], passed[-1]))):
            point = f"{name}{position}"
            with frame.graph.subgraph(graph_attr={"rank": "same"}) as level:
                self._canvas.point(level, point, style.BEND)
                level.edge(node, point, **style.ORDER)
            self._canvas.connect(typed(sources, ()), point, look)
            sources, look = (Source(point, ()),), look | style.HEAVY
        return sources
