"""Walking a network and drawing what is met: nodes, clusters, and edges between them.

A body is walked for several functions at once, the *peers*: those of all iterations of a loop
that look alike. The first of them is drawn, with the numbers of all. An edge runs from the node
that makes a tensor to the node that reads it, through the borders of the clusters between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from specc import syntax
from specc.check import ShapedModel
from specc.diagram import labels, style
from specc.diagram.frames import Frame, Source, Sources, by_input, outer_sources, typed
from specc.diagram.items import Item, Items
from specc.diagram.kinds import Kinds, Run, distinct
from specc.graph import Call, Function, Layer, Loop, Node, Tensor
from specc.ops.base import LossOp

_SYMBOLS = {"add": "+", "multiply": "×"}


class Sketch:
    """The drawing of one network; clusters below `depth` levels become single nodes."""

    def __init__(self, shaped: ShapedModel, depth: int | None) -> None:
        import graphviz

        self.shaped = shaped
        self.depth = depth
        self.kinds = Kinds()
        self.items = Items(shaped.model)
        self.edges: list[tuple[str, str, dict[str, str]]] = []
        self.graph = graphviz.Digraph(
            shaped.net.name,
            graph_attr=style.GRAPH | {"label": self._title()},
            node_attr=style.NODE,
            edge_attr=style.EDGE,
        )

    def text(self) -> str:
        """The drawing as DOT text."""
        frame = Frame((self.shaped.function,), self.graph, "", 0)
        self._ends(frame, self.shaped.inputs, "input")
        self._ends(frame, self.shaped.targets, "target")
        self._body(frame)
        self._outputs(frame)
        for tail, head, attributes in self.edges:
            self.graph.edge(tail, head, **attributes)
        return str(self.graph.source)

    def _title(self) -> str:
        count = self.items.count(self.shaped.function)
        return style.title(labels.clip(self.shaped.net.name), labels.parameters_text((count,)))

    # ------------------------------------------------------------ the net's edge

    def _ends(self, frame: Frame, tensors: Mapping[str, Tensor], what: str) -> None:
        for name, tensor in tensors.items():
            node = self.items.id(what, name)
            frame.sources[id(tensor)] = (Source(node, (tensor.type,)),)
            self._node(frame, node, style.label(labels.clip(name)), style.end(what == "target"))

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
            self._node(frame, node, style.label(labels.clip(shown)), style.end(False))
            self._edges(frame.read(tensor), node, {})

    # ------------------------------------------------------------ bodies

    def _body(self, frame: Frame) -> None:
        first = frame.functions[0]
        readers: dict[int, int] = {}
        for index, node in enumerate(first.nodes):
            for tensor in node.inputs:
                readers.setdefault(id(tensor), index)
            peers = [function.nodes[index] for function in frame.functions]
            if isinstance(node, Loop):
                self._loop(frame, [p for p in peers if isinstance(p, Loop)])
            else:
                skips = {id(t) for t in node.inputs if readers[id(t)] < index}
                self._instance(frame, peers, self.items.instance(frame, peers, node.name), skips)
        self._align_branches(frame)

    def _align_branches(self, frame: Frame) -> None:
        """The first layers of paths on one level, from left to right as in the spec."""
        branches: dict[int, list[str]] = {}
        for node in frame.functions[0].nodes:
            if isinstance(node, Layer) and len(node.inputs) == 1:
                drawn = frame.read(node.outputs[0])[0].node
                branches.setdefault(id(node.inputs[0]), []).append(drawn)
        for names in branches.values():
            if len(names) > 1:
                with frame.graph.subgraph(graph_attr={"rank": "same"}) as level:
                    for left, right in pairwise(names):
                        level.edge(left, right, style="invis")

    def _instance(self, frame: Frame, peers: Sequence[Node], item: Item, skips: set[int]) -> None:
        """A layer or a call."""
        layers = [p for p in peers if isinstance(p, Layer)]
        results: list[Sources]
        if layers:
            self._layer(frame, layers, item, skips)
            results = [(Source(item.id, ()),)]
        else:
            inputs = [frame.read(tensor) for tensor in peers[0].inputs]
            functions = distinct([p.function for p in peers if isinstance(p, Call)])
            results = self._part(frame, functions, inputs, item, is_loop=False)
        outputs = zip(*(p.outputs for p in peers), strict=True)
        for sources, tensors in zip(results, outputs, strict=True):
            frame.sources[id(tensors[0])] = typed(sources, tensors)

    # ------------------------------------------------------------ layers

    def _layer(self, frame: Frame, layers: Sequence[Layer], item: Item, skips: set[int]) -> None:
        op = layers[0].op
        is_join = op.input_count is None
        look = style.layer(op.family, layers[0].is_shared)
        times = labels.times_text(item.times)
        text = f"{item.text or op.name} {times}" if times else item.text
        label = style.label(item.name, text, item.small)
        if op.name in _SYMBOLS and not text and not item.small:
            label, look = style.label(_SYMBOLS[op.name]), style.symbol()
        elif is_join:
            label, look = style.label(labels.layer_text(layers)), style.join()
        self._node(frame, item.id, label, look)
        for position, tensor in enumerate(layers[0].inputs):
            edge = style.into_join(bool(skips)) if is_join else {}
            if is_join and id(tensor) in skips:
                edge = style.skip()
            elif isinstance(op, LossOp) and position == 1:
                edge = style.to_target()
            self._edges(frame.read(tensor), item.id, edge)

    def _edges(self, sources: Sources, head: str, look: dict[str, str]) -> None:
        import graphviz

        for source in sources:
            text, own = labels.shape_text(source.types), {}
            if source.taps:
                own = style.tap()
                ends = dict.fromkeys((source.taps[0], source.taps[-1]))
                text = f"{labels.clip('…'.join(ends))} {text}"
            label = {"label": graphviz.escape(f" {text} ")}
            self.edges.append((source.node, head, own | look | label))

    def _node(self, frame: Frame, name: str, label: str, look: dict[str, str]) -> None:
        frame.graph.node(name, label, **look)

    # ------------------------------------------------------------ calls and loops

    def _part(
        self,
        frame: Frame,
        functions: Sequence[Function],
        inputs: Sequence[Sources],
        item: Item,
        *,
        is_loop: bool,
    ) -> list[Sources]:
        """A body as a cluster, or as a single node where it lies too deep."""
        import graphviz

        if self.depth is not None and frame.level >= self.depth:
            return self._box(frame, functions, inputs, item)
        label = style.cluster_label(item.name, item.text, labels.times_text(item.times), item.small)
        look = style.cluster(frame.level, bool(item.shared), is_loop) | {"label": label}
        graph = graphviz.Digraph(f"cluster_{item.id}", graph_attr=look)
        is_counted = frame.is_counted and not item.shared.startswith("shared")
        inner = Frame(functions, graph, item.id, frame.level + 1, frame, is_counted)
        inner.sources.update(by_input(functions[0], inputs))
        self._body(inner)
        if graph.body:
            frame.graph.subgraph(graph)
        return inner.results()

    def _box(
        self, frame: Frame, functions: Sequence[Function], inputs: Sequence[Sources], item: Item
    ) -> list[Sources]:
        text = " ".join(t for t in (item.text, labels.times_text(item.times)) if t)
        label = style.label(item.name, text, item.small)
        self._node(frame, item.id, label, style.box(bool(item.shared)))
        for sources in inputs:
            self._edges(sources, item.id, {})
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
        single.sources.update(by_input(functions[0], inputs))
        nodes = [function.nodes[0] for function in functions]
        item = self.items.repeated(self.items.instance(single, nodes, name), runs)
        self._instance(single, nodes, item, set())
        return single.results()

    def _taps(self, frame: Frame, run: Run, results: Sequence[Sources]) -> None:
        """What iterations hand out, under the names of the taps."""
        for iteration in run.iterations:
            for tensor, sources in zip(iteration.taps, results, strict=True):
                frame.sources[id(tensor)] = tuple(
                    Source(s.node, (tensor.type,), (labels.clip(tensor.name),)) for s in sources
                )
