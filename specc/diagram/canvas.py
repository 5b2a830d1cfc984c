"""The picture while it is drawn: its nodes, and the edges, which are written last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.diagram import labels, style
from specc.diagram.frames import Sources
from specc.diagram.recurrence import Recurrence

if TYPE_CHECKING:
    import graphviz

Look = dict[str, str]


class Canvas:
    """A directed graph of Graphviz; `size` counts the nodes that show something.

    `is_upward`: the inputs are at the bottom.
    """

    def __init__(self, name: str, *, is_upward: bool = False) -> None:
        import graphviz

        look = style.GRAPH | {"rankdir": "BT"} if is_upward else style.GRAPH
        self.graph = graphviz.Digraph(
            name, graph_attr=look, node_attr=style.NODE, edge_attr=style.EDGE
        )
        self.is_upward = is_upward
        self.size = 0
        self._edges: list[tuple[str, str, Look]] = []
        self._labelled: set[tuple[str, str]] = set()

    def text(self) -> str:
        """The picture as DOT text."""
        for tail, head, attributes in self._edges:
            self.graph.edge(tail, head, **attributes)
        return str(self.graph.source)

    def node(self, graph: graphviz.Digraph, name: str, label: str, look: Look) -> None:
        """Draw a node."""
        self.size += 1
        graph.node(name, label, **look)

    def point(self, graph: graphviz.Digraph, name: str, look: Look) -> None:
        """Draw a point of a line."""
        graph.node(name, "", **look)

    def edge(self, tail: str, head: str, look: Look) -> None:
        """Draw an edge without a label."""
        self._edges.append((tail, head, look))

    def flow(self, tail: str, head: str) -> None:
        """Draw states that go from one sequence to another, all of them as one edge."""
        edge = tail, head, style.FLOW_ON
        if edge not in self._edges:
            self.edge(*edge)

    def loops(self, name: str, over_time: Recurrence) -> None:
        """Draw the states that a node hands to itself, with an arrow for each direction of time."""
        import graphviz

        states = graphviz.escape(labels.clip(", ".join(over_time.states)))
        look = style.BOTH if over_time.is_bidirectional else style.LOOP
        mark = "⇄ " if over_time.is_bidirectional else ""
        self.edge(name, name, look | {"label": f" {mark}{states} "})

    def connect(self, sources: Sources, head: str, look: Look, role: str = "") -> None:
        """Draw the edges of a tensor, with its shape where that is not yet said at their tail.

        `role` is what the tensor is for the node at their head.
        """
        import graphviz

        for source in sources:
            own: Look = style.LIGHT if source.is_fan else {}
            text = labels.shape_text(source.types) if source.types else ""
            if source.taps:
                own = style.TAP
                ends = dict.fromkeys((source.taps[0], source.taps[-1]))
                text = f"{labels.clip('…'.join(ends))} {text}"
            text = f"{source.name} {text}".strip()
            key = head if source.name else source.node, text
            text = "" if key in self._labelled else text
            self._labelled.add(key)
            text = " as ".join(t for t in (text, role) if t)
            if text:
                own = own | {"label": graphviz.escape(f" {text} ")}
            if source.port:
                own = own | {"tailport": source.port}
            self.edge(source.node, head, own | look)
