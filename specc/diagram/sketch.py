"""Walking a network and drawing what is met: nodes, clusters, and edges between them.

A body is walked for several functions at once, the *peers*: those of all iterations of a loop
that look alike. The first of them is drawn, with the numbers of all. What a block or loop takes
comes in at one point and branches there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from specc import syntax
from specc.check import ShapedModel
from specc.diagram import labels, style
from specc.diagram.canvas import Canvas, Look
from specc.diagram.frames import Frame, Source, Sources, outer_sources, typed
from specc.diagram.items import Item, Items
from specc.diagram.kinds import Kinds, Run, distinct
from specc.diagram.layers import Layers
from specc.diagram.parts import Part, Parts, is_empty
from specc.diagram.ways import Ways, count_readers, stacks
from specc.graph import Call, Function, Layer, Loop, Node, Origin, Tensor

if TYPE_CHECKING:
    import graphviz


class Sketch:
    """The drawing of one network.

    Clusters below `depth` levels become single nodes. With `is_apart`, so do all blocks, and each
    kind of them is drawn once beside the net.
    """

    def __init__(self, shaped: ShapedModel, depth: int | None, *, is_apart: bool = False) -> None:
        self.shaped = shaped
        self.depth = depth
        self.kinds = Kinds()
        self.parts = Parts(shaped.function, self.kinds) if is_apart else None
        self.items = Items(shaped.model)
        self.canvas = Canvas(shaped.net.name)
        self.layers = Layers(self.canvas)

    @property
    def size(self) -> int:
        """How many nodes the text has."""
        return self.canvas.size

    def text(self) -> str:
        """The drawing as DOT text."""
        graph = self.canvas.graph
        count = self.items.count(self.shaped.function)
        name, small = labels.clip(self.shaped.net.name), labels.parameters_text((count,))
        graph.graph_attr["label"] = style.title(name, small)
        self._net(Frame((self.shaped.function,), graph, "", 0))
        for part in self.parts or ():
            self._kind(part)
        return self.canvas.text()

    # ------------------------------------------------------------ the net and its edge

    def _net(self, frame: Frame) -> None:
        self._ends(frame, self.shaped.inputs, "input")
        self._ends(frame, self.shaped.targets, "target")
        self._body(frame)
        self._outputs(frame)

    def _ends(self, frame: Frame, tensors: Mapping[str, Tensor], what: str) -> None:
        for name, tensor in tensors.items():
            node = self.items.id(what, name)
            frame.sources[id(tensor)] = (Source(node, (tensor.type,)),)
            label = style.label(labels.clip(name))
            self.canvas.node(frame.graph, node, label, style.end(what == "target"))

    def _outputs(self, frame: Frame) -> None:
        """The outputs, unless the only one is what the only loss reads."""
        written = [s for s in self.shaped.net.body.statements if isinstance(s, syntax.Output)]
        if not written and self.shaped.losses:
            return
        references = written[0].references if written else ()
        names = [(r.name, r.span.text) for r in references]
        names = names or [("output", "output")] * len(self.shaped.outputs)
        for (name, shown), tensor in zip(names, self.shaped.outputs, strict=True):
            node = self.items.id("output", name)
            label = style.label(labels.clip(shown))
            self.canvas.node(frame.graph, node, label, style.end(is_target=False))
            self.canvas.connect(frame.read(tensor), node, {})

    def _kind(self, part: Part) -> None:
        """A kind of block beside the net, with the shapes that come in and leave at any call."""
        import graphviz

        functions = part.functions
        counts = tuple(self.items.count(function) for function in functions)
        path = self.items.id("", part.name.replace(" ", ""))
        item = Item(path, part.name, "", (1,), counts, counts)
        around = graphviz.Digraph(f"cluster_{path}/around", graph_attr=style.AROUND)
        frame = Frame(functions, around, "", 0)
        peers = zip(*(f.inputs for f in functions), strict=True)
        inputs = [self._stub(frame, f"{path}/in{i}", p) for i, p in enumerate(peers)]
        results = self._cluster(frame, functions, inputs, item, style.part(part.number))
        peers = zip(*(f.outputs for f in functions), strict=True)
        for index, (sources, tensors) in enumerate(zip(results, peers, strict=True)):
            (stub,) = self._stub(frame, f"{path}/out{index}", tensors)
            self.canvas.connect(typed(sources, ()), stub.node, {})
        self.canvas.graph.subgraph(around)

    def _stub(self, frame: Frame, name: str, peers: Sequence[Tensor]) -> Sources:
        """The shape of what comes into a part, or leaves it."""
        text = labels.shape_text([tensor.type for tensor in peers])
        self.canvas.node(frame.graph, name, style.label(text), style.STUB)
        return (Source(name, ()),)

    # ------------------------------------------------------------ bodies

    def _body(self, frame: Frame) -> None:
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
        self._align_branches(frame, ways)

    def _align_branches(self, frame: Frame, ways: Ways) -> None:
        """The first layers of paths on one level, from left to right as in the spec."""
        branches: dict[int, list[str]] = {}
        for node in frame.functions[0].nodes:
            if isinstance(node, Layer) and len(node.inputs) == 1:
                drawn = frame.read(node.outputs[0])[0].node
                branches.setdefault(id(node.inputs[0]), []).append(drawn)
        for tensor, names in branches.items():
            if len(names) > 1:
                with frame.graph.subgraph(graph_attr={"rank": "same"}) as level:
                    join = ways.forks.get(tensor)
                    if join is not None and len(names) == len(join.inputs):
                        fork = frame.sources[tensor][0].node
                        names = self._centre(frame, level, names, fork, join)
                    for left, right in pairwise(names):
                        level.edge(left, right, **style.ORDER)

    def _centre(
        self, frame: Frame, level: graphviz.Digraph, names: list[str], fork: str, join: Layer
    ) -> list[str]:
        """Put a join straight below the fork of its paths, and the caption above the first path.

        Returns:
            The names of what stands on one level: the first layers, of an even number of paths
            with a point in their middle.
        """
        head, middle = frame.read(join.outputs[0])[0].node, len(names) // 2
        if frame.path and len(names) > 2:
            self.canvas.edge(f"{frame.path}/caption", names[0], style.ABOVE)
        if len(names) % 2:
            self.canvas.edge(fork, names[middle], style.PLUMB)
            return names
        centre = f"{head}/centre"
        self.canvas.point(level, centre, style.UNSEEN)
        self.canvas.edge(fork, centre, style.PLUMB)
        self.canvas.edge(centre, head, style.PLUMB)
        return [*names[:middle], centre, *names[middle:]]

    # ------------------------------------------------------------ calls and loops

    def _call(self, frame: Frame, peers: Sequence[Node], item: Item) -> None:
        inputs = [frame.read(tensor) for tensor in peers[0].inputs]
        functions = distinct([p.function for p in peers if isinstance(p, Call)])
        results = self._part(frame, functions, inputs, item, is_loop=False)
        outputs = zip(*(p.outputs for p in peers), strict=True)
        for sources, tensors in zip(results, outputs, strict=True):
            frame.sources[id(tensors[0])] = typed(sources, tensors)

    def _part(
        self,
        frame: Frame,
        functions: Sequence[Function],
        inputs: Sequence[Sources],
        item: Item,
        *,
        is_loop: bool,
    ) -> list[Sources]:
        """A body as a cluster; or as a single node, where it lies too deep or is drawn apart."""
        part = self.parts.of(functions[0]) if self.parts is not None else None
        if part is not None or (self.depth is not None and frame.level >= self.depth):
            return self._box(frame, functions, inputs, item, part)
        look = style.cluster(frame.level, bool(item.shared), is_loop)
        return self._cluster(frame, functions, inputs, item, look)

    def _cluster(
        self,
        frame: Frame,
        functions: Sequence[Function],
        inputs: Sequence[Sources],
        item: Item,
        look: Look,
    ) -> list[Sources]:
        import graphviz

        graph = graphviz.Digraph(f"cluster_{item.id}", graph_attr=look)
        is_counted = frame.is_counted and not item.shared.startswith("shared")
        inner = Frame(functions, graph, item.id, frame.level + 1, frame, is_counted)
        for tensor, sources in zip(functions[0].inputs, inputs, strict=True):
            inner.sources[id(tensor)] = sources
        if not is_empty(functions[0]):
            self._entries(inner, item)
            self._body(inner)
            frame.graph.subgraph(graph)
        return inner.results()

    def _entries(self, frame: Frame, item: Item) -> None:
        """The points where tensors come in, the caption at their left."""
        function = frame.functions[0]
        readers = count_readers(function)
        count = 1 if function.origin is Origin.LOOP else len(function.inputs)
        names = [f"{item.id}/caption"]
        label = style.caption(item.name, item.text, labels.times_text(item.times), item.small)
        with frame.graph.subgraph(graph_attr={"rank": "same"}) as level:
            level.node(names[0], label, **style.CAPTION)
            for position, tensor in enumerate(function.inputs[:count]):
                if readers[id(tensor)]:
                    name = f"{item.id}/{position}"
                    look = style.FORK if readers[id(tensor)] > 1 else style.point()
                    self.canvas.point(level, name, look)
                    self.canvas.connect(frame.read(tensor), name, style.LINE_ON)
                    frame.sources[id(tensor)] = (Source(name, (), is_fan=readers[id(tensor)] > 2),)
                    names.append(name)
            for left, right in pairwise(names):
                level.edge(left, right, **style.ORDER)

    def _box(
        self,
        frame: Frame,
        functions: Sequence[Function],
        inputs: Sequence[Sources],
        item: Item,
        part: Part | None,
    ) -> list[Sources]:
        text = " ".join(t for t in (item.text, labels.times_text(item.times)) if t)
        label = style.label(item.name, text, item.small)
        look = style.box(bool(item.shared), part.number if part is not None else None)
        self.canvas.node(frame.graph, item.id, label, look)
        for sources in inputs:
            self.canvas.connect(sources, item.id, {})
        outputs = zip(*(f.outputs for f in functions), strict=True)
        return [(Source(item.id, tuple(t.type for t in peers)),) for peers in outputs]

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
            return self._part(frame, functions, inputs, item, is_loop=True)
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
