"""The picture while it is drawn: its nodes, and the edges, which are written last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.diagram import labels, style
from specc.diagram.frames import Sources

if TYPE_CHECKING:
    import graphviz

Look = dict[str, str]


class Canvas:
    """A directed graph of Graphviz; `size` counts the nodes that show something."""

    def __init__(self, name: str) -> None:
        import graphviz

        self.graph = graphviz.Digraph(
            name, graph_attr=style.GRAPH, node_attr=style.NODE, edge_attr=style.EDGE
        )
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

    def connect(self, sources: Sources, head: str, look: Look) -> None:
        """Draw the edges of a tensor, with its shape where that is not yet said at their tail."""
        import graphviz

        for source in sources:
            own: Look = style.LIGHT if source.is_fan else {}
            text = labels.shape_text(source.types) if source.types else ""
            if source.taps:
                own = style.TAP
                ends = dict.fromkeys((source.taps[0], source.taps[-1]))
                text = f"{labels.clip('…'.join(ends))} {text}"
            if text and (source.node, text) not in self._labelled:
                self._labelled.add((source.node, text))
                own = own | {"label": graphviz.escape(f" {text} ")}
            self.edge(source.node, head, own | look)
