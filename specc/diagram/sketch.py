"""The drawing of a network: its title, its ends, its body, and the blocks beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specc import syntax
from specc.check import ShapedModel
from specc.diagram import labels, style
from specc.diagram.bodies import Bodies
from specc.diagram.canvas import Canvas
from specc.diagram.frames import (
    Frame,
    Source,
    Sources,
    is_drawn,
    typed,
)
from specc.diagram.items import Item, Items
from specc.diagram.kinds import Kinds
from specc.diagram.layers import Layers
from specc.diagram.parts import Part, Parts
from specc.graph import Tensor


class Sketch:
    """The drawing of one network.

    Clusters below `depth` levels become single nodes. With `is_apart`, so do all blocks, and each
    kind of them is drawn once beside the net. With `copies`, what is recurrent is drawn so often,
    side by side, and the net from the bottom to the top.

    Attributes:
        text: the drawing as DOT text.
    """

    def __init__(
        self,
        shaped: ShapedModel,
        depth: int | None,
        *,
        is_apart: bool = False,
        copies: int | None = None,
    ) -> None:
        self.shaped = shaped
        kinds = Kinds()
        self.parts = Parts(shaped.function, kinds) if is_apart else None
        self.items = Items(shaped.model)
        self.canvas = Canvas(shaped.net.name, is_upward=copies is not None)
        self.layers = Layers(self.canvas, copies)
        self.bodies = Bodies(self.canvas, self.items, self.layers, kinds, self.parts, depth)
        self.text = self._drawn()

    @property
    def size(self) -> int:
        """How many nodes the text has."""
        return self.canvas.size

    @property
    def unrolled(self) -> int:
        """How many layers and cells are drawn as copies."""
        return self.layers.unrolled_count

    def _drawn(self) -> str:
        graph = self.canvas.graph
        count = self.items.count(self.shaped.function)
        small = labels.parameters_text((count,))
        graph.graph_attr["label"] = style.title(self.items.net_text(self.shaped), small)
        self._net(Frame((self.shaped.function,), graph, "", 0))
        for part in self.parts or ():
            self._kind(part)
        return self.canvas.text()

    # ------------------------------------------------------------ the net and its edge

    def _net(self, frame: Frame) -> None:
        self._ends(frame, self.shaped.inputs, "input")
        self._ends(frame, self.shaped.targets, "target")
        self.bodies.draw(frame)
        self._outputs(frame)

    def _ends(self, frame: Frame, tensors: Mapping[str, Tensor], what: str) -> None:
        for name, tensor in tensors.items():
            if not is_drawn(tensor):
                continue
            node = self.items.id(what, name)
            frame.sources[id(tensor)] = (Source(node, (tensor.type,)),)
            label = style.label(labels.clip(name), "padded" if tensor.type.padded else "")
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
        peers = zip(*(f.proper for f in functions), strict=True)
        inputs = [
            (self._stub(frame, f"{path}/in{i}", p) if is_drawn(p[0]) else (), "")
            for i, p in enumerate(peers)
        ]
        results = self.bodies.cluster(frame, functions, inputs, item, style.part(part.number))
        count = len(results) - len(functions[0].states)
        peers = zip(*(f.outputs for f in functions), strict=True)
        for index, (sources, tensors) in enumerate(zip(results[:count], peers, strict=False)):
            (stub,) = self._stub(frame, f"{path}/out{index}", tensors)
            self.canvas.connect(typed(sources, ()), stub.node, {})
        self.canvas.graph.subgraph(around)

    def _stub(self, frame: Frame, name: str, peers: Sequence[Tensor]) -> Sources:
        """The shape of what comes into a part, or leaves it."""
        text = labels.shape_text([tensor.type for tensor in peers])
        self.canvas.node(frame.graph, name, style.label(text), style.STUB)
        return (Source(name, ()),)
