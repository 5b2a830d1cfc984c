"""Bodies of blocks, cells, loops and nets: what is met in them is drawn, layers, clusters, edges.

A body is walked for several functions at once, the *peers*: those of all iterations of a loop
that look alike. The first of them is drawn, with the numbers of all. What a block or loop takes
comes in at one point and branches there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from specc.diagram import cells, labels, style
from specc.diagram.alignment import align_branches
from specc.diagram.canvas import Canvas, Look
from specc.diagram.frames import (
    Frame,
    Given,
    Source,
    Sources,
    is_drawn,
    outer_sources,
    roles,
    typed,
)
from specc.diagram.items import Item, Items
from specc.diagram.kinds import Kinds, Run, distinct
from specc.diagram.layers import Layers
from specc.diagram.parts import Part, Parts, is_empty
from specc.diagram.recurrence import Recurrence
from specc.diagram.ways import Ways, count_readers, stacks
from specc.graph import Call, Function, Layer, Loop, Node, Origin, Scan

if TYPE_CHECKING:
    import graphviz


class Bodies:
    """Draws bodies on a canvas.

    Clusters below `depth` levels become single nodes; so do the blocks that `parts` draw apart.
    """

    def __init__(
        self,
        canvas: Canvas,
        items: Items,
        layers: Layers,
        kinds: Kinds,
        parts: Parts | None,
        depth: int | None,
    ) -> None:
        self.canvas = canvas
        self.items = items
        self.layers = layers
        self.kinds = kinds
        self.parts = parts
        self.depth = depth

    def draw(self, frame: Frame) -> None:
        """Draw what is in a body."""
        first = frame.functions[0]
        ways = Ways.of(first)
        for group in stacks(first):
            node = first.nodes[group[0]]
            peers = [function.nodes[group[0]] for function in frame.functions]
            if isinstance(node, Loop):
                self._loop(frame, [p for p in peers if isinstance(p, Loop)])
            elif isinstance(node, Call):
                self._call(frame, peers, self.items.instance(frame, peers, node.name))
            else:
                stack = [[f.nodes[i] for f in frame.functions] for i in group]
                items = [self.items.instance(frame, p, p[0].name) for p in stack]
                self.layers.draw(frame, ways, stack, items)
        align_branches(self.canvas, frame, ways)

    # ------------------------------------------------------------ calls and loops

    def _call(self, frame: Frame, peers: Sequence[Node], item: Item) -> None:
        functions = distinct([p.function for p in peers if isinstance(p, Call)])
        over_time = Recurrence.of(peers[0])
        if isinstance(peers[0], Scan) and over_time is not None and self.layers.copies is not None:
            part = self.parts.of(functions[0]) if self.parts is not None else None
            look = style.box(bool(item.shared), part.number if part is not None else None)
            results = self.layers.unrolled(frame, peers[0], item, over_time, look)
        else:
            given = [(frame.read(tensor), role) for tensor, role in roles(peers[0])]
            results = self._part(frame, functions, given, item, over_time=over_time)
        outputs = zip(*(p.outputs for p in peers), strict=True)
        for sources, tensors in zip(results, outputs, strict=False):
            frame.sources[id(tensors[0])] = typed(sources, tensors)

    def _part(
        self,
        frame: Frame,
        functions: Sequence[Function],
        given: Sequence[Given],
        item: Item,
        *,
        is_loop: bool = False,
        over_time: Recurrence | None = None,
    ) -> list[Sources]:
        """A body as a cluster; or as a single node, where it lies too deep or is drawn apart."""
        part = self.parts.of(functions[0]) if self.parts is not None else None
        if part is not None or (self.depth is not None and frame.level >= self.depth):
            return self._box(frame, functions, given, item, part, over_time)
        look = style.cluster(frame.level, bool(item.shared), is_loop)
        return self.cluster(frame, functions, given, item, look)

    def cluster(
        self,
        frame: Frame,
        functions: Sequence[Function],
        given: Sequence[Given],
        item: Item,
        look: Look,
    ) -> list[Sources]:
        """Draw a body in a frame of its own; where its results come from."""
        import graphviz

        graph = graphviz.Digraph(f"cluster_{item.id}", graph_attr=look)
        is_counted = frame.is_counted and not item.shared.startswith("shared")
        inner = Frame(functions, graph, item.id, frame.level + 1, frame, is_counted)
        inputs = [sources for sources, role in given if not role]
        for tensor, sources in zip(functions[0].inputs, inputs, strict=False):  # states come later
            inner.sources[id(tensor)] = sources
        if is_empty(functions[0]):
            return inner.results()
        self._entries(inner, item, given)
        self.draw(inner)
        results = cells.leave(self.canvas, inner) if functions[0].states else inner.results()
        frame.graph.subgraph(graph)
        return results

    def _entries(self, frame: Frame, item: Item, given: Sequence[Given]) -> None:
        """The points where tensors come in, at the right of the caption."""
        function = frame.functions[0]
        readers = count_readers(function)
        inputs = function.inputs[:1] if function.origin is Origin.LOOP else function.proper
        with frame.graph.subgraph(graph_attr={"rank": "same"}) as level:
            caption = self._caption(frame, level, item)
            names = cells.enter(self.canvas, frame, given, level)
            for position, tensor in enumerate(inputs):
                if readers[id(tensor)] and is_drawn(tensor):
                    name = f"{item.id}/{position}"
                    look = style.FORK if readers[id(tensor)] > 1 else style.point()
                    self.canvas.point(level, name, look)
                    self.canvas.connect(frame.read(tensor), name, style.LINE_ON)
                    frame.sources[id(tensor)] = (Source(name, (), is_fan=readers[id(tensor)] > 2),)
                    names.append(name)
            free = [(left, name) for left in caption for name in names]
            # Where states stand among inputs is left to Graphviz.
            for left, right in free if function.states else pairwise([*caption, *names]):
                level.edge(left, right, **style.ORDER)

    def _caption(self, frame: Frame, level: graphviz.Digraph, item: Item) -> list[str]:
        """The caption of a cluster, on a level; the node that it is, if it is one."""
        label = style.caption(item.name, item.text, labels.times_text(item.times), item.small)
        if self.canvas.is_upward:
            frame.graph.attr(label=label, **style.LABEL)
            return []
        level.node(f"{item.id}/caption", label, **style.CAPTION)
        return [f"{item.id}/caption"]

    def _box(
        self,
        frame: Frame,
        functions: Sequence[Function],
        given: Sequence[Given],
        item: Item,
        part: Part | None,
        over_time: Recurrence | None,
    ) -> list[Sources]:
        text = " ".join(t for t in (item.text, labels.times_text(item.times)) if t)
        label = style.label(item.name, text, item.small)
        look = style.box(bool(item.shared), part.number if part is not None else None)
        self.canvas.node(frame.graph, item.id, label, look)
        for sources, role in given:
            self.canvas.connect(sources, item.id, {}, role)
        if over_time is not None:
            self.canvas.loops(item.id, over_time)
        states = functions[0].states
        names = ("",) * (len(functions[0].outputs) - len(states)) + states
        return [(Source(item.id, (), name=name),) for name in names]

    def _loop(self, frame: Frame, loops: Sequence[Loop]) -> None:
        first = loops[0]
        parts = self.kinds.together(loops)
        carried = frame.read(first.inputs[0])
        for runs in parts:
            name = first.name if len(parts) == 1 else f"{first.name}.{runs[0].name}"
            results = self._run(frame, first, runs, carried, name)
            carried = typed(results[0], [run.last.outputs[0] for run in runs])
            self._taps(frame, runs[0], results[1:])
        frame.sources[id(first.outputs[0])] = typed(carried, [x.outputs[0] for x in loops])

    def _run(
        self, frame: Frame, loop: Loop, runs: Sequence[Run], carried: Sources, name: str
    ) -> list[Sources]:
        """Iterations that look alike; where their results come from."""
        functions = distinct([f for run in runs for f in run.functions()])
        inputs = [carried, *outer_sources(frame, runs[0])]
        if not functions[0].is_single:
            item = self.items.loop(frame, loop, runs, name)
            return self._part(frame, functions, [(s, "") for s in inputs], item, is_loop=True)
        single = Frame(functions, frame.graph, frame.path, frame.level, frame, frame.is_counted)
        for tensor, sources in zip(functions[0].inputs, inputs, strict=True):
            single.sources[id(tensor)] = sources
        nodes = [function.nodes[0] for function in functions]
        item = self.items.repeated(self.items.instance(single, nodes, name), runs)
        if isinstance(nodes[0], Layer):
            self.layers.draw(single, Ways.of(functions[0]), [nodes], [item])
        else:
            self._call(single, nodes, item)
        return single.results()

    def _taps(self, frame: Frame, run: Run, results: Sequence[Sources]) -> None:
        """What iterations hand out, under the names of the taps."""
        for iteration in run.iterations:
            for tensor, sources in zip(iteration.taps, results, strict=True):
                frame.sources[id(tensor)] = tuple(
                    Source(s.node, (tensor.type,), (labels.clip(tensor.name),)) for s in sources
                )
