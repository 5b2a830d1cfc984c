"""Walking a network and drawing what is met: nodes, clusters, and edges between them.

A body is walked for several functions at once, the *peers*: those of all iterations of a loop
that look alike. The first of them is drawn, with the numbers of all. An edge runs from the node
that makes a tensor to the node that reads it, through the borders of the clusters between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from specc import syntax
from specc.check import ShapedModel
from specc.diagram import labels, style
from specc.diagram.kinds import FEW, Kinds, Run, distinct, each_of
from specc.graph import (
    Call,
    Function,
    Layer,
    Loop,
    Node,
    Origin,
    Tensor,
    count_parameters,
    layer_parameters,
)
from specc.ops.base import LossOp
from specc.types import TensorType

if TYPE_CHECKING:
    import graphviz

_SYMBOLS = {"add": "+", "multiply": "×"}
_LONGEST_ID = 160


@dataclass(frozen=True)
class Source:
    """Where an edge begins: a node, the types that it hands on, and the names of taps."""

    node: str
    types: tuple[TensorType, ...]
    taps: tuple[str, ...] = ()


Sources = tuple[Source, ...]


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
        """Where a tensor of the first function comes from."""
        return self.sources[id(tensor)]

    def results(self) -> list[Sources]:
        """Where the results come from."""
        outputs = zip(*(f.outputs for f in self.functions), strict=True)
        return [_typed(self.read(peers[0]), peers) for peers in outputs]


@dataclass(frozen=True)
class Item:
    """Something to draw: how it is called, what it is, how often, and how much it learns.

    `id` is its path; `counts` are the parameters of one, `totals` those of all `times` of it.
    """

    id: str
    name: str
    text: str
    times: tuple[int, ...]
    counts: tuple[int, ...]
    totals: tuple[int, ...]
    shared: str = ""

    @property
    def small(self) -> str:
        """The line about parameters."""
        if self.shared:
            return self.shared
        if set(self.times) == {1} or not any(self.totals):
            return labels.parameters_text(self.counts)
        if len(set(self.counts)) == 1:
            return f"{labels.numbers(self.times)} × {labels.parameters_text(self.counts)}"
        return f"{labels.parameters_text(self.totals)} in all"


class Sketch:
    """The drawing of one network; clusters below `depth` levels become single nodes."""

    def __init__(self, shaped: ShapedModel, depth: int | None) -> None:
        import graphviz

        self.shaped = shaped
        self.depth = depth
        self.kinds = Kinds()
        self.blocks = labels.Blocks(shaped.model)
        self.known: dict[int, int] = {}
        self.edges: list[tuple[str, str, dict[str, str]]] = []
        self.seen: set[str] = set()
        self.taken: set[str] = set()
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
        return self.graph.source

    def _title(self) -> str:
        count = self._count(self.shaped.function)
        return style.title(labels.clip(self.shaped.net.name), labels.parameters_text((count,)))

    # ------------------------------------------------------------ the net's edge

    def _ends(self, frame: Frame, tensors: dict[str, Tensor], what: str) -> None:
        for name, tensor in tensors.items():
            node = self._id(what, name)
            frame.sources[id(tensor)] = (Source(node, (tensor.type,)),)
            self._node(frame, node, style.label(labels.clip(name)), style.end(what == "target"))

    def _outputs(self, frame: Frame) -> None:
        """The outputs, unless the only one is what the only loss reads."""
        written = [s for s in self.shaped.net.body.statements if isinstance(s, syntax.Output)]
        if not written and self.shaped.losses:
            return
        names = [r.span.text for r in written[0].references] if written else ["output"]
        for name, tensor in zip(names, self.shaped.outputs, strict=True):
            node = self._id("output", name)
            self._node(frame, node, style.label(labels.clip(name)), style.end(False))
            self._edges(frame.read(tensor), node, {})

    # ------------------------------------------------------------ bodies

    def _body(self, frame: Frame) -> None:
        first = frame.functions[0]
        readers: dict[int, int] = {}
        for index, node in enumerate(first.nodes):
            for tensor in node.inputs:
                readers.setdefault(id(tensor), index)
            peers = [function.nodes[index] for function in frame.functions]
            skips = {id(t) for t in node.inputs if readers[id(t)] < index}
            self._step(frame, peers, skips)

    def _step(self, frame: Frame, peers: Sequence[Node], skips: set[int]) -> None:
        """A node of a body, in its own name."""
        node = peers[0]
        if isinstance(node, Loop):
            self._loop(frame, [p for p in peers if isinstance(p, Loop)])
            return
        item = self._item(frame, peers, node.name, (1,))
        results = self._instance(frame, peers, item, skips)
        outputs = zip(*(p.outputs for p in peers), strict=True)
        for sources, tensors in zip(results, outputs, strict=True):
            frame.sources[id(tensors[0])] = _typed(sources, tensors)

    def _instance(
        self, frame: Frame, peers: Sequence[Node], item: Item, skips: set[int]
    ) -> list[Sources]:
        """A layer or a call; where its results come from."""
        inputs = [frame.read(tensor) for tensor in peers[0].inputs]
        layers = [p for p in peers if isinstance(p, Layer)]
        if layers:
            self._layer(frame, layers, item, skips)
            return [(Source(item.id, tuple(x.output for x in layers)),)]
        functions = distinct([p.function for p in peers if isinstance(p, Call)])
        return self._part(frame, functions, inputs, item, is_loop=False)

    # ------------------------------------------------------------ layers

    def _layer(self, frame: Frame, layers: Sequence[Layer], item: Item, skips: set[int]) -> None:
        op = layers[0].op
        is_join = op.input_count is None
        look = style.layer(op.family, layers[0].is_shared)
        label = style.label(item.name, item.text, item.small)
        if op.name in _SYMBOLS and not item.text and not item.small:
            label, look = style.label(_SYMBOLS[op.name]), style.symbol()
        elif is_join:
            label, look = style.label(labels.layer_text(layers)), style.join()
        self._node(frame, item.id, label, look)
        for position, tensor in enumerate(layers[0].inputs):
            skip = style.skip() if is_join and id(tensor) in skips else {}
            if isinstance(op, LossOp) and position == 1:
                skip = style.to_target()
            self._edges(frame.read(tensor), item.id, skip)

    def _edges(self, sources: Sources, head: str, look: dict[str, str]) -> None:
        import graphviz

        for source in sources:
            text = labels.shape_text(source.types)
            if source.taps:
                ends = dict.fromkeys((source.taps[0], source.taps[-1]))
                text = f"{labels.clip('…'.join(ends))} {text}"
            self.edges.append((source.node, head, look | {"label": graphviz.escape(f" {text} ")}))

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
        label = style.cluster_label(
            item.name, item.text, labels.times_text(item.times), item.small
        )
        look = style.cluster(frame.level, bool(item.shared), is_loop) | {"label": label}
        graph = graphviz.Digraph(f"cluster_{item.id}", graph_attr=look)
        is_counted = frame.is_counted and not item.shared.startswith("parameters")
        inner = Frame(functions, graph, item.id, frame.level + 1, frame, is_counted)
        inner.sources.update(_by_input(functions[0], inputs))
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
        is_each = len(loops) == 1 and first.variable is not None and len(first.iterations) <= FEW
        runs = [each_of(x) if is_each else self.kinds.runs(x) for x in loops]
        carried = frame.read(first.inputs[0])
        for peers in zip(*runs, strict=True):
            name = first.name if len(runs[0]) == 1 else f"{first.name}.{peers[0].name}"
            results = self._run(frame, loops, peers, carried, name)
            carried = _typed(results[0], [run.last.outputs[0] for run in peers])
            self._taps(frame, peers[0], results[1:])
        frame.sources[id(first.outputs[0])] = _typed(carried, [x.outputs[0] for x in loops])

    def _run(
        self,
        frame: Frame,
        loops: Sequence[Loop],
        peers: Sequence[Run],
        carried: Sources,
        name: str,
    ) -> list[Sources]:
        """Iterations that look alike."""
        functions = distinct([f for run in peers for f in run.functions()])
        inputs = [carried, *_outer(frame, peers[0])]
        times = tuple(run.count for run in peers)
        if not functions[0].is_single:
            totals = tuple(sum(self._count(i.function) for i in run.iterations) for run in peers)
            counts = tuple(self._count(f) for f in functions)
            text = _variable(loops[0], functions)
            item = Item(self._id(frame.path, name), name, text, times, counts, totals)
            return self._part(frame, functions, inputs, item, is_loop=True)
        single = Frame(functions, frame.graph, frame.path, frame.level, frame, frame.is_counted)
        single.sources.update(_by_input(functions[0], inputs))
        nodes = [function.nodes[0] for function in functions]
        item = self._item(single, nodes, name, times)
        totals = tuple(sum(self._count(i.function) for i in run.iterations) for run in peers)
        self._instance_of_loop(single, nodes, replace(item, totals=totals))
        return single.results()

    def _instance_of_loop(self, frame: Frame, nodes: Sequence[Node], item: Item) -> None:
        if isinstance(nodes[0], Layer) and item.times != (1,):
            text = f"{item.text or nodes[0].op.name} {labels.times_text(item.times)}"
            item = replace(item, text=text)
        results = self._instance(frame, nodes, item, set())
        outputs = zip(*(n.outputs for n in nodes), strict=True)
        for sources, tensors in zip(results, outputs, strict=True):
            frame.sources[id(tensors[0])] = _typed(sources, tensors)

    def _taps(self, frame: Frame, run: Run, results: Sequence[Sources]) -> None:
        """What iterations hand out, under the names of the taps."""
        for iteration in run.iterations:
            for tensor, sources in zip(iteration.taps, results, strict=True):
                frame.sources[id(tensor)] = tuple(
                    Source(s.node, (tensor.type,), (labels.clip(tensor.name),)) for s in sources
                )

    # ------------------------------------------------------------ names and counts

    def _item(
        self, frame: Frame, peers: Sequence[Node], name: str, times: tuple[int, ...]
    ) -> Item:
        """A layer or call: what is written on it."""
        node = peers[0]
        layers = [p for p in peers if isinstance(p, Layer)]
        if isinstance(node, Layer):
            text = labels.layer_text(layers)
            if text == node.op.name and name.rstrip("0123456789") == text:
                text = ""
            counts = tuple(layer_parameters(x) for x in layers)
        else:
            calls = [p for p in peers if isinstance(p, Call)]
            text = self.blocks.call_text([c.function for c in calls])
            counts = tuple(self._count(c.function) for c in calls)
        shared = self._shared(frame, node, counts)
        if not frame.is_counted:
            counts = (0,)
        clipped = labels.clip(name)
        return Item(self._id(frame.path, name), clipped, text, times, counts, counts, shared)

    def _shared(self, frame: Frame, node: Node, counts: Sequence[int]) -> str:
        """What is said of a use of a shared instance: the parameters are counted at the first."""
        if isinstance(node, Loop) or not node.is_shared:
            return ""
        owner = frame
        while owner.parent is not None and _is_outside(owner, node.name):
            owner = owner.parent
        key = self._join(owner.path, node.name)
        if key in self.seen:
            return f"parameters shared with the first {labels.clip(node.name)}"
        self.seen.add(key)
        return f"{labels.parameters_text(counts)}, shared".lstrip(", ")

    def _count(self, function: Function) -> int:
        return count_parameters(function, self.known)

    def _id(self, path: str, name: str) -> str:
        """A name for a node that no other has: its path, with a number if it is used again."""
        path = self._join(path, name)
        candidate, number = path, 2
        while candidate in self.taken:
            candidate = f"{path}@{number}"
            number += 1
        self.taken.add(candidate)
        return candidate

    def _join(self, path: str, name: str) -> str:
        joined = f"{path}.{name}" if path else name
        if len(joined) <= _LONGEST_ID:
            return joined
        return f"{joined[:100]}~{sha256(joined.encode()).hexdigest()[:16]}"


def _is_outside(frame: Frame, name: str) -> bool:
    """Whether a shared instance belongs to a body around this loop."""
    function = frame.functions[0]
    return function.origin is Origin.LOOP and all(name != n.name for n in function.shared)


def _typed(sources: Sources, tensors: Sequence[Tensor]) -> Sources:
    """The same sources, handing on these tensors."""
    types = tuple(dict.fromkeys(t.type for t in tensors))
    return tuple(replace(source, types=types) for source in sources)


def _by_input(function: Function, inputs: Sequence[Sources]) -> dict[int, Sources]:
    return {id(t): s for t, s in zip(function.inputs, inputs, strict=True)}


def _outer(frame: Frame, run: Run) -> list[Sources]:
    """Where the outer tensors come from that a run of iterations reads, the taps together."""
    merged: list[Sources] = []
    for tensors in zip(*(iteration.inputs for iteration in run.iterations), strict=True):
        by_node: dict[str, Source] = {}
        for tensor in dict.fromkeys(tensors):
            for source in frame.read(tensor):
                known = by_node.get(source.node, Source(source.node, ()))
                by_node[source.node] = Source(
                    source.node, known.types + source.types, known.taps + source.taps
                )
        merged.append(tuple(by_node.values()))
    return merged


def _variable(loop: Loop, functions: Sequence[Function]) -> str:
    """`width = 128`, where the variable of a `for` is used."""
    if loop.variable is None:
        return ""
    values = [f.symbols[loop.variable] for f in functions]
    return labels.clip(f"{loop.variable} = {labels.spread(values)}")
