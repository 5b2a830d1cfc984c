"""Layers in the picture: stacks of them, joins as signs and bars, and the edges into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specc.diagram import labels, style
from specc.diagram.canvas import Canvas, Look
from specc.diagram.frames import Frame, Source, Sources, roles, typed
from specc.diagram.items import Item
from specc.diagram.recurrence import Recurrence
from specc.diagram.unrolled import Unrolled
from specc.diagram.ways import Ways
from specc.graph import Layer, Node, Scan, Tensor
from specc.ops.base import LossOp

_SYMBOLS = {"add": "+", "multiply": "×"}


class Layers:
    """Draws the layers of bodies on a canvas; what is recurrent as so many `copies`, or folded."""

    def __init__(self, canvas: Canvas, copies: int | None = None) -> None:
        self._canvas = canvas
        self.copies = copies
        self.unrolled_count = 0

    def draw(
        self, frame: Frame, ways: Ways, stack: Sequence[Sequence[Node]], items: Sequence[Item]
    ) -> None:
        """Layers that stand on one another, each for all peers, as one node."""
        layers = [[p for p in peers if isinstance(p, Layer)] for peers in stack]
        (first, *_), name = layers[0], items[0].id
        over_time = Recurrence.of(first)
        results: list[Sources] = [(Source(name, ()),)]
        if over_time is not None and self.copies is not None:
            look = style.layer(first.op.family, first.is_shared)
            results = self.unrolled(frame, first, items[0], over_time, look)
        elif over_time is not None:
            self._node(frame, ways, layers, items)
            self._canvas.loops(name, over_time)
            results += [(Source(name, (), name=r),) for r in first.optional_results]
        elif first.op.input_count is None:
            self._join(frame, ways, layers[0], items[0])
        elif len(first.outputs) > 1:
            results = self._split(frame, ways, layers[0], items[0])
        else:
            self._node(frame, ways, layers, items)
        for peers in layers:
            outputs = zip(*(layer.outputs for layer in peers), strict=True)
            for tensors, sources in zip(outputs, results, strict=False):
                frame.sources[id(tensors[0])] = typed(sources, tensors)

    def _node(
        self,
        frame: Frame,
        ways: Ways,
        layers: Sequence[Sequence[Layer]],
        items: Sequence[Item],
    ) -> None:
        first, name = layers[0][0], items[0].id
        pieces = [self._piece(p, i) for p, i in zip(layers, items, strict=True)]
        if len(pieces) == 1:
            self._canvas.node(frame.graph, name, style.label(*pieces[0][:3]), pieces[0][3])
        else:
            label = style.stack(pieces, is_upward=self._canvas.is_upward)
            self._canvas.node(frame.graph, name, label, style.STACK)
        for position, (tensor, role) in enumerate(roles(first)):
            is_target = isinstance(first.op, LossOp) and position == 1
            look = style.TO_TARGET if is_target else {}
            self._connect(frame, tensor, first, name, look, ways, role)

    def unrolled(
        self, frame: Frame, node: Layer | Scan, item: Item, over_time: Recurrence, look: Look
    ) -> list[Sources]:
        """Copies of a layer or cell; where its results come from."""
        assert self.copies is not None
        self.unrolled_count += 1
        unrolled = Unrolled(self._canvas, frame, item, over_time, self.copies)
        given = [(frame.read(tensor), role) for tensor, role in roles(node)]
        result = unrolled.draw([sources for sources, role in given if not role], look)
        for sources, role in given:
            if role:
                unrolled.begin(sources, role)
        return [(result,), *(unrolled.ends(name) for name in node.optional_results)]

    def _split(
        self, frame: Frame, ways: Ways, layers: Sequence[Layer], item: Item
    ) -> list[Sources]:
        """The parts of a tensor, each at a place of its own; where they come from."""
        first, name = layers[0], item.id
        text = f"{labels.layer_text(layers)} {labels.times_text(item.times)}".rstrip()
        is_below = not self._canvas.is_upward
        label = style.bar(text, len(first.outputs), is_below=is_below, wide=120)
        self._canvas.node(frame.graph, name, label, style.STACK)
        self._connect(frame, first.inputs[0], first, name, {}, ways)
        side = "s" if is_below else "n"
        return [
            (Source(name, (), name=labels.clip(tensor.name), port=f"i{i}:{side}"),)
            for i, tensor in enumerate(first.outputs)
        ]

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
            text = f"{labels.layer_text(layers)} {times}".rstrip()
            label = style.bar(text, len(first.inputs), is_below=self._canvas.is_upward)
            self._canvas.node(frame.graph, item.id, label, style.STACK)
        inputs = sorted(first.inputs, key=lambda tensor: (id(tensor), id(first)) in ways.short)
        side = "s" if self._canvas.is_upward else "n"
        has_short = (id(inputs[-1]), id(first)) in ways.short
        for position, tensor in enumerate(inputs):
            look = style.LIGHT if is_sign and not has_short else {}
            look = look if is_sign else {"headport": f"i{position}:{side}"}
            self._connect(frame, tensor, first, item.id, look, ways)

    def _connect(
        self,
        frame: Frame,
        tensor: Tensor,
        reader: Layer,
        name: str,
        look: Look,
        ways: Ways,
        role: str = "",
    ) -> None:
        edge = id(tensor), id(reader)
        sources = frame.read(tensor)
        if reader.op.name == "last":
            sources = tuple(replace(source, port=source.end or source.port) for source in sources)
        if edge in ways.beside:
            sources = self._lead(frame, sources, f"{name}/past", ways.beside[edge])
        if edge in ways.short:
            sources, look = typed(sources, ()), look | style.SHORT
        self._canvas.connect(sources, name, look, role)

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
